"""A calculator language: tokenizer, Pratt parser, tree with structural pattern matching, simplifier."""

import math
import operator
import re
from dataclasses import dataclass
from fractions import Fraction

TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[a-z_]\w*)|(?P<op>\*\*|[-+*/%^(),=!]))")
BINDING = {"=": (2, 1), "+": (10, 11), "-": (10, 11), "*": (20, 21), "/": (20, 21), "%": (20, 21), "**": (41, 40), "^": (41, 40)}


@dataclass(frozen=True)
class Number:
    value: Fraction


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Unary:
    op: str
    operand: object


@dataclass(frozen=True)
class Binary:
    op: str
    left: object
    right: object


@dataclass(frozen=True)
class Call:
    name: str
    args: tuple


class ParseError(SyntaxError):
    pass


class Parser:
    def __init__(self, text):
        self.text, self.tokens, at = text, [], 0
        text = text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise ParseError(f"bad character {text[at:].lstrip()[0]!r} at {at}")
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.tokens.append(("end", "end"))
        self.at = 0

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, wanted):
        if (token := self.next()[1]) != wanted:
            raise ParseError(f"expected {wanted!r}, found {token!r}")

    def parse(self):
        tree = self.expression(0)
        self.expect("end")
        return tree

    def expression(self, least):
        match self.next():
            case ("number", text):
                left = Number(Fraction(text))
            case ("name", name) if self.tokens[self.at][1] == "(":
                self.next()
                left = Call(name, self.arguments())
            case ("name", name):
                left = Name(name)
            case ("op", "("):
                left = self.expression(0)
                self.expect(")")
            case ("op", "-"):
                left = Unary("-", self.expression(30))
            case (_, other):
                raise ParseError(f"unexpected {other!r}")
        while True:
            op = self.tokens[self.at][1]
            if op == "!":
                self.next()
                left = Unary("!", left)
                continue
            if op not in BINDING or BINDING[op][0] < least:
                return left
            self.next()
            left = Binary("**" if op == "^" else op, left, self.expression(BINDING[op][1]))

    def arguments(self):
        args = []
        while self.tokens[self.at][1] != ")":
            args.append(self.expression(0))
            if self.tokens[self.at][1] == ",":
                self.next()
        self.next()
        return tuple(args)


OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod, "**": operator.pow,
}
FUNCTIONS = {"sqrt": math.sqrt, "max": max, "min": min, "gcd": lambda *a: math.gcd(*map(int, a)), "round": round}


def evaluate(tree, names):
    match tree:
        case Number(value):
            return value
        case Name(name):
            return names[name]
        case Binary("=", Name(name), right):
            names[name] = evaluate(right, names)
            return names[name]
        case Unary("-", operand):
            return -evaluate(operand, names)
        case Unary("!", operand):
            return Fraction(math.factorial(int(evaluate(operand, names))))
        case Call(name, args):
            return FUNCTIONS[name](*(evaluate(a, names) for a in args))
        case Binary(op, left, right):
            return OPERATORS[op](evaluate(left, names), evaluate(right, names))


def simplify(tree):
    match tree:
        case Binary(op, left, right):
            match op, simplify(left), simplify(right):
                case ("+", x, Number(0)) | ("+", Number(0), x) | ("-", x, Number(0)):
                    return x
                case ("*", _, Number(0)) | ("*", Number(0), _):
                    return Number(Fraction(0))
                case ("*", x, Number(1)) | ("*", Number(1), x) | ("/", x, Number(1)) | ("**", x, Number(1)):
                    return x
                case (op, Number() as a, Number() as b) if op != "=":
                    return Number(Fraction(evaluate(Binary(op, a, b), {})))
                case (op, a, b):
                    return Binary(op, a, b)
        case Unary("-", Unary("-", x)):
            return simplify(x)
    return tree


def show(tree):
    match tree:
        case Number(value):
            return str(value)
        case Name(name):
            return name
        case Unary("!", x):
            return f"{show(x)}!"
        case Unary(op, x):
            return f"{op}{show(x)}"
        case Call(name, args):
            return f"{name}({', '.join(map(show, args))})"
        case Binary(op, left, right):
            return f"({show(left)} {op} {show(right)})"


names = {"pi": Fraction(math.pi)}
for line in """1 + 2 * 3 - 4 / 6
2 ^ 3 ^ 2 - -1
(1 + 2) * -(3 - 5!) % 7
a = b = 0.1 + 0.2
a * 3 - b + a * 0 + 1 * (x = 7)
gcd(84, 36, 60) + max(a, x, 2) - sqrt(16)
x + 0 * y ** 1
2 * (3 +
4 $ 5
1 / (2 - 2)
sqrt(0 - 4)
nope + 1""".splitlines():
    try:
        tree = Parser(line).parse()
        print(f"{line:<44}{show(simplify(tree))} => {evaluate(tree, names)}")
    except (ParseError, KeyError, ZeroDivisionError, ValueError) as err:
        print(f"{line:<44}{type(err).__name__}")
print(sorted(names))
