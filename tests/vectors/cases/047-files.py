from pathlib import Path
Path('/data/d').mkdir()
Path('/data/d/f.txt').write_text('ü')
print(sorted(str(p) for p in Path('/data').rglob('*')), Path('/data/d/f.txt').read_bytes())
