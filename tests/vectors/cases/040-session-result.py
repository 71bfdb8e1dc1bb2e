result = 5
# --- next ---
x = 1
