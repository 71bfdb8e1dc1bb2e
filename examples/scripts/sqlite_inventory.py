"""An inventory in sqlite: schema, transactions that roll back, a recursive query, aggregates of our own."""

import sqlite3
import statistics
from contextlib import closing

SCHEMA = """
CREATE TABLE part (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cost REAL CHECK (cost >= 0),
    stock INTEGER NOT NULL DEFAULT 0 CHECK (stock >= 0)
);
CREATE TABLE uses (
    parent INTEGER NOT NULL REFERENCES part(id) ON DELETE CASCADE,
    child INTEGER NOT NULL REFERENCES part(id),
    quantity INTEGER NOT NULL,
    PRIMARY KEY (parent, child)
) WITHOUT ROWID;
CREATE TRIGGER low_stock AFTER UPDATE OF stock ON part WHEN new.stock < 5
BEGIN
    INSERT INTO alert(part, stock) VALUES (new.name, new.stock);
END;
CREATE TABLE alert (part TEXT, stock INTEGER);
"""

PARTS = [("bike", None, 2), ("wheel", None, 10), ("spoke", 0.2, 900), ("rim", 11.5, 25), ("frame", 140.0, 6), ("bolt", 0.05, 5000)]
USES = [("bike", "wheel", 2), ("bike", "frame", 1), ("bike", "bolt", 12), ("wheel", "spoke", 32), ("wheel", "rim", 1), ("wheel", "bolt", 4)]

EXPLODE = """
WITH RECURSIVE need(part, quantity, depth) AS (
    SELECT id, :count, 0 FROM part WHERE name = :name
    UNION ALL
    SELECT child, need.quantity * uses.quantity, depth + 1 FROM need JOIN uses ON uses.parent = need.part
)
SELECT name, sum(quantity) AS quantity, max(depth) AS depth, cost
FROM need JOIN part ON part.id = need.part
WHERE cost IS NOT NULL GROUP BY name ORDER BY depth, name
"""


class Median:
    """An aggregate for SQL."""

    def __init__(self):
        self.values = []

    def step(self, value):
        if value is not None:
            self.values.append(value)

    def finalize(self):
        return statistics.median(self.values) if self.values else None


def build(db, name, count):
    """Take the parts of `count` pieces out of the stock, all or none."""
    with db:
        for row in db.execute(EXPLODE, {"name": name, "count": count}).fetchall():
            db.execute("UPDATE part SET stock = stock - ? WHERE name = ?", (row["quantity"], row["name"]))
        db.execute("UPDATE part SET stock = stock + ? WHERE name = ?", (count, name))


def stock(db):
    return {row["name"]: row["stock"] for row in db.execute("SELECT name, stock FROM part ORDER BY id")}


with closing(sqlite3.connect(":memory:")) as db:
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    db.executescript(SCHEMA)
    db.create_aggregate("median", 1, Median)
    db.create_collation("reversed", lambda a, b: (a[::-1] > b[::-1]) - (a[::-1] < b[::-1]))
    with db:
        db.executemany("INSERT INTO part(name, cost, stock) VALUES (?, ?, ?)", PARTS)
        db.executemany(
            "INSERT INTO uses SELECT p.id, c.id, ? FROM part p, part c WHERE p.name = ? AND c.name = ?",
            [(n, parent, child) for parent, child, n in USES],
        )

    print("parts of one bike:")
    total = 0
    for row in db.execute(EXPLODE, {"name": "bike", "count": 1}):
        total += row["quantity"] * row["cost"]
        print(f"  {row['quantity']:>4} x {row['name']:<6} {row['cost']:>7.2f}")
    print(f"  cost {total:.2f}")

    build(db, "bike", 3)
    print("after 3 bikes:", stock(db))
    try:
        build(db, "bike", 10)
    except sqlite3.IntegrityError as err:
        print("10 more:", err)
    print("unchanged:", stock(db))
    print("alerts:", [tuple(row) for row in db.execute("SELECT * FROM alert")])

    for statement in ("INSERT INTO uses VALUES (1, 99, 1)", "INSERT INTO part(name) VALUES ('rim')", "SELECT nope FROM part"):
        try:
            db.execute(statement)
        except sqlite3.Error as err:
            print(f"{type(err).__name__}: {err}")
    print("median cost:", db.execute("SELECT median(cost) FROM part").fetchone()[0])
    print("by last letter:", [r[0] for r in db.execute("SELECT name FROM part ORDER BY name COLLATE reversed")])
    db.execute("DELETE FROM part WHERE name = 'bike'")
    print("uses left:", db.execute("SELECT count(*) FROM uses").fetchone()[0])
    dump = [line for line in db.iterdump() if line.startswith('INSERT INTO "part"')]
    print(*dump, sep="\n")
