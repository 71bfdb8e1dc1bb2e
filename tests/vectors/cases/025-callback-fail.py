try:
    await fail('no luck')
except RuntimeError as e:
    print(type(e).__name__, 'no luck' in str(e), 'Traceback' in str(e))
