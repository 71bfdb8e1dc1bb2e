"""Read a sales export, clean it, and print totals by region and by month."""

import csv
import io
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

EXPORT = """\
order,date,region,product,units,unit price
1001,2025-01-05,North,Widget,10,4.99
1002,2025-01-17,South,Gadget,3,24.50
1003,05/02/2025,North,"Widget, large",7,9.90
1004,2025-02-11,East,Gadget,x,24.50
1005,2025-02-28,South,Widget,120,"4,99"
1006,2025-03-01,,Gizmo,1,"1,299.00"
1007,2025-03-09,East,Gizmo,2,"1,299.00"
1008,2025-03-31,North,Gadget,15,24.50
1008,2025-03-31,North,Gadget,15,24.50
1009,31.12.2024,West,Widget,40,4.49
"""

DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y")


def parse_date(text):
    for pattern in DATE_FORMATS:
        try:
            return datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    raise ValueError(f"no date: {text!r}")


def parse_price(text):
    """'1,299.00' and '4,99' are both in use."""
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    return Decimal(text.replace(",", ""))


def clean(reader):
    """Good rows as dicts, and a list of complaints."""
    rows, problems, seen = [], [], set()
    for line, raw in enumerate(reader, start=2):
        try:
            if raw["order"] in seen:
                raise ValueError(f"duplicate order {raw['order']}")
            row = {
                "order": int(raw["order"]),
                "date": parse_date(raw["date"]),
                "region": raw["region"].strip() or "(none)",
                "product": raw["product"],
                "units": int(raw["units"]),
                "price": parse_price(raw["unit price"]),
            }
        except (ValueError, InvalidOperation) as err:
            problems.append(f"line {line}: {err}")
            continue
        seen.add(raw["order"])
        row["total"] = row["units"] * row["price"]
        rows.append(row)
    return rows, problems


def summarise(rows, key):
    totals = defaultdict(lambda: [0, Decimal(0)])
    for row in rows:
        entry = totals[key(row)]
        entry[0] += row["units"]
        entry[1] += row["total"]
    return dict(sorted(totals.items()))


def show(title, totals):
    print(f"\n{title:<12}{'units':>8}{'total':>14}")
    print("-" * 34)
    for name, (units, total) in totals.items():
        print(f"{name:<12}{units:>8}{total:>14,.2f}")


def main():
    rows, problems = clean(csv.DictReader(io.StringIO(EXPORT)))
    print(f"{len(rows)} rows, {len(problems)} problems")
    for problem in problems:
        print(" ", problem)
    show("region", summarise(rows, lambda r: r["region"]))
    show("month", summarise(rows, lambda r: r["date"].strftime("%Y-%m")))
    best = max(rows, key=lambda r: r["total"])
    print(f"\nbest order: {best['order']} ({best['product']}) {best['total']}")
    print("newest:", max(r["date"] for r in rows), "before 2025:", sum(r["date"] < date(2025, 1, 1) for r in rows))
    out = io.StringIO()
    writer = csv.DictWriter(out, ["order", "product", "total"], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda r: -r["total"])[:3])
    print(out.getvalue(), end="")


main()
