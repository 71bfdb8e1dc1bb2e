"""sqlite_queries: in-memory sqlite3: bulk insert, index, join, group, window, user function."""

import random
import sqlite3


def run():
    rng = random.Random(3)
    db = sqlite3.connect(":memory:")
    db.executescript(
        """
        create table customer(id integer primary key, name text, region text);
        create table orders(id integer primary key, customer integer, amount real, day integer);
        create index by_customer on orders(customer, day);
        """
    )
    customers = [(i, f"customer {i}", rng.choice("NESW")) for i in range(500)]
    orders = [(i, rng.randrange(500), rng.randrange(10000) / 4, rng.randrange(365)) for i in range(15000)]
    with db:
        db.executemany("insert into customer values (?, ?, ?)", customers)
        db.executemany("insert into orders values (?, ?, ?, ?)", orders)
    by_region = db.execute(
        "select region, count(*), sum(amount) from orders join customer c on c.id = customer group by region order by region"
    ).fetchall()
    running = db.execute(
        "select max(total) from (select sum(amount) over (partition by customer order by day, id) total from orders)"
    ).fetchone()[0]
    db.create_function("grade", 1, lambda amount: int(amount // 500), deterministic=True)
    grades = db.execute("select grade(amount) g, count(*) from orders group by g order by g").fetchall()
    found = 0
    for customer in range(0, 500, 2):
        rows = db.execute("select day, amount from orders where customer = ? and day between 50 and 200", (customer,))
        found += sum(1 for _ in rows)
    with db:
        changed = db.execute("update orders set amount = amount * 2 where day % 7 = 0").rowcount
    total = db.execute("select sum(amount) from orders").fetchone()[0]
    db.close()
    print(f"sqlite_queries {by_region} {running} {grades} {found} {changed} {total}")
