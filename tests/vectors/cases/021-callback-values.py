for value in (None, True, -1, 2**63, -(2**70), 1.5, 'ü€😀', b'\x00\xff', [1, [2]], {'k': {'n': None}}, ''):
    got = await echo(value)
    assert got == value and type(got) is type(value), (got, value)
print('same')
