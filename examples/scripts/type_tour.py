"""Modern classes: enums, protocols, generics, ABCs, slots, __init_subclass__, pickling, copying, typing at run time."""

import abc
import copy
import enum
import inspect
import pickle
import sys
import typing
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import KW_ONLY, InitVar, dataclass, field, fields
from types import MappingProxyType, SimpleNamespace


class Colour(enum.StrEnum):
    RED = enum.auto()
    GREEN = enum.auto()


class Access(enum.Flag):
    READ = 1
    WRITE = 2
    ALL = READ | WRITE


class Planet(enum.Enum):
    EARTH = (5.976e24, 6.37814e6)
    MARS = (6.421e23, 3.3972e6)

    def __init__(self, mass, radius):
        self.mass, self.radius = mass, radius

    @property
    def gravity(self):
        return 6.67300e-11 * self.mass / self.radius**2


@typing.runtime_checkable
class Drawable(typing.Protocol):
    def draw(self) -> str: ...


class Plugin(abc.ABC):
    registry: typing.ClassVar[dict[str, type]] = {}

    def __init_subclass__(cls, /, name=None, **kwargs):
        super().__init_subclass__(**kwargs)
        Plugin.registry[name or cls.__name__.lower()] = cls

    @abc.abstractmethod
    def draw(self) -> str: ...


class Square(Plugin, name="sq"):
    def draw(self):
        return "[]"


class Broken(Plugin):
    pass


@dataclass(slots=True)
class Task:
    title: str
    _: KW_ONLY
    priority: int = 3
    tags: list[str] = field(default_factory=list, compare=False)
    seed: InitVar[int | None] = None
    key: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self, seed):
        self.key = f"{self.title}-{seed}"


class Stack[T]:
    """A generic class in the new syntax."""

    def __init__(self, *items: T):
        self._items = list(items)

    def push(self, item: T) -> "Stack[T]":
        self._items.append(item)
        return self

    def __iter__(self) -> Iterator[T]:
        return reversed(self._items)


type Transform[T] = Callable[[T], T]


def first[T: (int, str)](items: list[T], default: T | None = None) -> T | None:
    return items[0] if items else default


class CaseInsensitive(MutableMapping):
    def __init__(self, **items):
        self._data = {}
        self.update(items)

    def __getitem__(self, key):
        return self._data[key.lower()]

    def __setitem__(self, key, value):
        self._data[key.lower()] = value

    def __delitem__(self, key):
        del self._data[key.lower()]

    def __iter__(self):
        return iter(self._data)

    def __len__(self):
        return len(self._data)


class Meta(type):
    def __call__(cls, *args):
        if not hasattr(cls, "_one"):
            cls._one = super().__call__(*args)
        return cls._one


class Single(metaclass=Meta):
    def __init__(self, value):
        self.value = value


print(Colour.RED, list(Colour), Colour("green") is Colour.GREEN, Access.ALL & ~Access.READ, Access.READ in Access.ALL)
print(f"{Planet.EARTH.gravity:.3f} {Planet.MARS.gravity:.3f}", Planet["MARS"].name)
print(isinstance(Square(), Drawable), isinstance(3, Drawable), sorted(Plugin.registry))
try:
    Broken()
except TypeError as err:
    print("abstract:", "draw" in str(err))
task = Task("write", priority=1, seed=7)
print(task, task.key, task == Task("write", priority=1), [f.name for f in fields(task)])
try:
    task.other = 1
except AttributeError as err:
    print("slots:", type(err).__name__)
print(list(Stack(1, 2).push(3)), Stack[int].__args__, first(["x"]), first([], 0), Transform.__name__, [str(p) for p in first.__type_params__])
headers = CaseInsensitive(Accept="json")
headers["HOST"] = "example"
print(headers["accept"], "host" in headers, headers.setdefault("X", 1), dict(headers), headers.pop("x"))
print(Single(1) is Single(2), Single(3).value)
print(typing.get_type_hints(Task)["tags"], inspect.signature(first).parameters["default"].default, inspect.signature(Task).parameters.keys() >= {"title"})
module = sys.modules["__main__"]
print("main module:", module.Task is Task, Task.__module__, inspect.getdoc(Stack))
back = pickle.loads(pickle.dumps({"task": task, "colour": Colour.RED, "planet": Planet.MARS, "cls": Square}))
print("pickled:", back["task"] == task, back["colour"] is Colour.RED, back["planet"] is Planet.MARS, back["cls"]().draw())
nested = [task, [task]]
deep = copy.deepcopy(nested)
print("copied:", deep[0] == task, deep[0] is deep[1][0], deep[0] is not task, copy.replace(task, title="new", seed=1).title)
view, space = MappingProxyType({"a": 1}), SimpleNamespace(x=1, y=[2])
try:
    view["a"] = 2
except TypeError as err:
    print("read only:", view, space, type(err).__name__)
match task:
    case Task(title=str() as title, priority=1 | 2):
        print("urgent:", title)
namespace = {}
exec(compile("def made(n):\n    return [n] * n\n", "<made>", "exec"), namespace)
print(namespace["made"](3), (lambda *a, k=1, **kw: (a, k, kw))(1, 2, k=3, z=4), [*range(3), *"ab"], {**{"a": 1}, "b": 2})
