for c in list_callbacks():
    print(c['name'], list(c['parameters_schema']['properties']))
