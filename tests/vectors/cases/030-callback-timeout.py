try:
    await never()
except RuntimeError as e:
    print(e.code, 'never' in str(e))
