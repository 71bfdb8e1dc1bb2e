print('x')
while True:
    pass
