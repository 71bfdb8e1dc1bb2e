try:
    await invoke('nothing')
except RuntimeError as e:
    print(e.code, 'nothing' in str(e))
