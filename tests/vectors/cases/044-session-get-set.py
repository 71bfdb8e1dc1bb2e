print(value)
value = value + [3]
