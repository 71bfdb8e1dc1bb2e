result = {'a': [1, 2.5, None, True], 'ü': 'ß'}
