class Thing:
    pass
try:
    await echo(Thing())
except TypeError as e:
    print('Thing' in str(e))
