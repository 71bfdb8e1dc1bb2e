def f():
    raise ValueError('no')
print('before')
f()
