print('x' * 100)
