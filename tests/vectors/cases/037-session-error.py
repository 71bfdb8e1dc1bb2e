x = 1
# --- next ---
x = 2
1 / 0
# --- next ---
print(x)
