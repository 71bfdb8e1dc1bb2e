"""object_calls: methods, properties, inheritance, closures, keyword calls and exceptions, pystone-like."""

import dataclasses
import functools


class Shape:
    sides = 0

    def __init__(self, scale=1):
        self._scale = scale

    @property
    def scale(self):
        return self._scale

    @scale.setter
    def scale(self, value):
        if value < 0:
            raise ValueError(value)
        self._scale = value

    def area(self):
        return 0

    def describe(self, *, unit="cm", **extra):
        return self.area() + self.sides + len(unit) + len(extra)


class Square(Shape):
    sides = 4

    def area(self):
        return super().area() + self.scale * self.scale


class Named(Square):
    @classmethod
    def make(cls, scale):
        return cls(scale)

    @staticmethod
    def half(value):
        return value >> 1

    def __eq__(self, other):
        return isinstance(other, Named) and self.scale == other.scale

    def __hash__(self):
        return hash(self.scale)

    def __add__(self, other):
        return Named(self.scale + other.scale)


@dataclasses.dataclass(order=True, slots=True)
class Point:
    x: int
    y: int = 0

    def moved(self, dx, dy):
        return Point(self.x + dx, self.y + dy)


def counter():
    total = 0

    def add(n=1, *rest):
        nonlocal total
        total += n + len(rest)
        return total

    return add


@functools.lru_cache(maxsize=64)
def cached(n):
    return n * n


def careful(shape, value):
    try:
        shape.scale = value
    except ValueError as err:
        return err.args[0]
    else:
        return shape.scale
    finally:
        shape.scale = 3


def run():
    add, checks, point = counter(), 0, Point(0)
    for i in range(40000):
        shape = Named.make(i & 15)
        checks += shape.describe(unit="mm", a=1, b=2)
        checks += careful(shape, i % 5 - 1)
        checks += Named.half(i) & 3
        checks += (shape + shape == shape) + cached(i % 100)
        add(i & 3, None)
        point = point.moved(1, -1)
        checks += point > Point(5, i)
    print(f"object_calls {checks} {add(0)} {point}")
