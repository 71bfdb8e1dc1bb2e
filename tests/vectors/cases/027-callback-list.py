print(await get_list(3), len(await get_list(5000)))
