print(await big_int(200) == 2**200, await big_int(63), await big_int(64))
