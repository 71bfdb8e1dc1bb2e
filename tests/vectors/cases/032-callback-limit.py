for i in range(4):
    try:
        print(await counter())
    except RuntimeError as e:
        print(e.code)
