try:
    x = bytearray(300 << 20)
except MemoryError:
    print('refused')
