print(await counter(), await counter())
# --- next ---
print(await counter())
