print(await bytes_back(b'abc\x00'), await bytes_back(b''))
