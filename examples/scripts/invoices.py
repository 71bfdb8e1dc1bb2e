"""Invoices with decimals: dataclasses, rounding rules, instalments that add up, currency text."""

from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, getcontext, localcontext
from enum import Enum
from string import Template

CENT = Decimal("0.01")


class Tax(Enum):
    STANDARD = Decimal("0.19")
    REDUCED = Decimal("0.07")
    NONE = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Line:
    text: str
    price: Decimal
    quantity: Decimal = Decimal(1)
    tax: Tax = Tax.STANDARD

    @property
    def net(self):
        return (self.price * self.quantity).quantize(CENT, ROUND_HALF_UP)


@dataclass
class Invoice:
    number: str
    issued: date
    lines: list[Line] = field(default_factory=list)
    discount: Decimal = Decimal(0)

    def add(self, text, price, quantity=1, tax=Tax.STANDARD):
        self.lines.append(Line(text=text, price=Decimal(price), quantity=Decimal(quantity), tax=tax))
        return self

    def taxes(self):
        """Tax per rate, on sums: rounding once, not per line."""
        out = {}
        for tax in Tax:
            net = sum((line.net for line in self.lines if line.tax is tax), Decimal(0)) * (1 - self.discount)
            if net:
                out[tax] = (net.quantize(CENT), (net * tax.value).quantize(CENT, ROUND_HALF_EVEN))
        return out

    @property
    def total(self):
        return sum((net + tax for net, tax in self.taxes().values()), Decimal(0))

    def instalments(self, count):
        """Parts that differ by at most a cent and add up exactly."""
        part = (self.total / count).quantize(CENT, ROUND_DOWN)
        extra = int((self.total - part * count) / CENT)
        return [(self.issued + timedelta(days=30 * i), part + (CENT if i < extra else 0)) for i in range(count)]


def money(amount, currency="EUR"):
    sign = "-" if amount < 0 else ""
    whole, cents = f"{abs(amount):.2f}".split(".")
    groups = []
    while whole:
        groups.insert(0, whole[-3:])
        whole = whole[:-3]
    return f"{sign}{'.'.join(groups)},{cents} {currency}"


LETTER = Template("""\
Invoice $number, $issued
$lines
$rule
$total
""")

invoice = (
    Invoice("2025-017", date(2025, 1, 31), discount=Decimal("0.05"))
    .add("Consulting, hours", "112.50", "37.25")
    .add("Book", "29.95", 3, Tax.REDUCED)
    .add("Postage", "4.415", 1, Tax.NONE)
    .add("Returned cable", "-9.99")
)
rows = [f"{line.quantity:>7} {line.text:<20}{money(line.net):>16}" for line in invoice.lines]
rows += [f"        {tax.name.lower():<9}{tax.value:>6.0%} of {net:>9}{money(amount):>12}" for tax, (net, amount) in invoice.taxes().items()]
print(LETTER.substitute(number=invoice.number, issued=f"{invoice.issued:%d.%m.%Y}", lines="\n".join(rows), rule="-" * 44,
                        total=f"{'total':<28}{money(invoice.total):>16}"), end="")
parts = invoice.instalments(7)
print("instalments:", [f"{due:%d %b}: {amount}" for due, amount in parts[:3]], "...")
print("add up:", sum(amount for _, amount in parts) == invoice.total)
dearer = replace(invoice.lines[1], price=Decimal("31"))
print(dearer.net, asdict(dearer) == asdict(invoice.lines[1]), dearer == replace(dearer), hash(dearer) == hash(replace(dearer)))
try:
    dearer.price = Decimal(1)
except AttributeError as err:
    print(type(err).__name__, err)

print("binary:", 0.1 + 0.2, "decimal:", Decimal("0.1") + Decimal("0.2"), "exact:", Decimal(0.1))
for amount in ("2.5", "3.5", "-2.5", "2.675"):
    value = Decimal(amount)
    print(amount, [str(value.quantize(Decimal(1), mode)) for mode in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN)], round(value))
with localcontext(Context(prec=40)) as context:
    print(Decimal(2).sqrt(), context.flags[Inexact])
    print((Decimal(1) / 3).as_tuple().digits[-3:], Decimal("1E+5").to_eng_string(), Decimal("123.4500").normalize())
print(getcontext().prec, Decimal("NaN").is_nan(), Decimal("-0").is_signed(), Decimal("Infinity") > 10**100)
try:
    Decimal(1) / 0
except DivisionByZero as err:
    print(type(err).__name__)
print(money(Decimal("-1234567.891")), max(Decimal("1.10"), Decimal("1.1"), key=str), Decimal("1.10").compare_total(Decimal("1.1")))
