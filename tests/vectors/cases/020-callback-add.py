print(await add(1, 2), await add(a=1, b=2), await invoke('add', a=3, b=4))
