import sqlite3
db = sqlite3.connect(':memory:')
print(db.execute('select sum(column1) from (values (1), (2))').fetchone())
