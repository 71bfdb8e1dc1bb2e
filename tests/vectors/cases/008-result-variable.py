answer = 42
result = 1
