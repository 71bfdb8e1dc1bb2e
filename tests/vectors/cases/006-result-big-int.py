result = 2 ** 100
