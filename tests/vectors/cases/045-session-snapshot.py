x = [1]
def f():
    return x
# --- next ---
x.append(2)
print(f())
