gen = iter('abc')
print(next(gen))
# --- next ---
print(next(gen))
