print(await concat(['a', 'b', 'ü'], separator='-'))
print(await concat([]))
