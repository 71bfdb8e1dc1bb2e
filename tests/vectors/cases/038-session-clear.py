x = 1
open('/data/f', 'w').write('kept')
# --- next ---
print('x' in globals(), open('/data/f').read())
