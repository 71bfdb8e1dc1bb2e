import totals

print(await totals.total(3), await add(1, 2))
print([c['name'] for c in list_callbacks()])
