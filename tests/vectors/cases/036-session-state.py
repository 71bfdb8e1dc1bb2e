x = 1
def f():
    return x + 1
# --- next ---
print(f())
x = 5
# --- next ---
print(f())
