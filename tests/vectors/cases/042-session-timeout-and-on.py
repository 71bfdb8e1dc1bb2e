x = 1
while True:
    pass
# --- next ---
print(x)
