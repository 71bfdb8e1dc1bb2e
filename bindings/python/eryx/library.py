"""Libraries: bundles of host functions, Python modules and type stubs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Union

from .callbacks import Callback, CallbacksArgument, collect


class Library:
    """A bundle of what programs may use, to be given to any number of sandboxes as ``libraries=[...]``.

    >>> text = eryx.Library("text", modules={"text.case": "def upper(s):\\n    return s.upper()\\n"})
    >>> eryx.Sandbox(libraries=[text]).execute("from text.case import upper; print(upper('a'))").stdout_text
    'A\\n'

    ``a + b`` is both: a Library that can be given, or added to, in their place. What two libraries have in common is
    there once; two that claim the same name are refused with InvalidError, a ValueError, by what they are given to. So
    are modules with names of Python's own or of a package.

    Args:
        name: for messages and stubs: up to 255 characters on one line.
        modules: sources by module name, such as "tools" or "tools.text". They are real modules, in files that programs
            cannot change, so that tracebacks and line numbers are those of the sources. A package that is not listed
            itself is empty.
        callbacks: host functions, in the forms that Sandbox takes. The modules see them as the programs do.
        stubs: what ``type_stubs`` says of the modules, in the syntax of .pyi files.
    """

    __slots__ = ("_callbacks", "_modules", "_name", "_parts", "_stubs")

    def __init__(
        self,
        name: str,
        *,
        modules: Mapping[str, str] | None = None,
        callbacks: CallbacksArgument = None,
        stubs: str = "",
    ) -> None:
        for what, text in (("name", name), ("stubs", stubs)):
            if not isinstance(text, str):
                raise TypeError(f"a library's {what} must be a str, not {type(text).__name__}")
        self._name, self._stubs = name, stubs
        self._modules = _modules(modules)
        self._callbacks = collect(callbacks)
        self._parts: tuple[Library, ...] = (self,)

    @property
    def name(self) -> str:
        """The name; of a sum, all names with " + " between."""
        return self._name

    @property
    def modules(self) -> dict[str, str]:
        """A copy of the sources by module name."""
        return dict(self._modules)

    @property
    def callback_names(self) -> list[str]:
        """The names of the host functions."""
        return list(self._callbacks)

    @property
    def stubs(self) -> str:
        """The stubs; of a sum, all of them."""
        return self._stubs

    def __add__(self, other: Library) -> Library:
        """Both libraries as one. See also ``merge``."""
        if not isinstance(other, Library):
            return NotImplemented
        return Library.merge([self, other])

    @staticmethod
    def merge(libraries: Iterable[Library]) -> Library:
        """Libraries as one. What is in several of them, as it is the same object, is there once."""
        parts = parts_of(libraries)
        merged = Library(" + ".join(part._name for part in parts))
        merged._parts = parts
        for part in parts:
            merged._modules.update(part._modules)
            merged._callbacks.update(part._callbacks)
        merged._stubs = "\n".join(part._stubs for part in parts if part._stubs)
        return merged

    def _message(self) -> dict[str, Any]:
        """As the library of ours, liberyx, wants it; of one that is no sum."""
        return {
            "name": self._name,
            "modules": self._modules,
            "stubs": self._stubs,
            "callbacks": [callback.message() for callback in self._callbacks.values()],
        }

    def __repr__(self) -> str:
        return f"Library({self._name!r}, modules={sorted(self._modules)}, callbacks={sorted(self._callbacks)})"


LibrariesArgument = Union["Iterable[Library]", None]


def _modules(modules: Mapping[str, str] | None) -> dict[str, str]:
    if modules is None:
        return {}
    if not isinstance(modules, Mapping):
        raise TypeError(f"modules must be a dict, not {type(modules).__name__}")
    for name, source in modules.items():
        if not isinstance(name, str) or not isinstance(source, str):
            raise TypeError(f"module {name!r}: its name and its source must be str, not {type(source).__name__}")
    return dict(modules)


def parts_of(libraries: LibrariesArgument) -> tuple[Library, ...]:
    """The libraries of an argument ``libraries=``, sums taken apart, each once. TypeError."""
    if libraries is None:
        return ()
    if isinstance(libraries, (Library, str)) or not isinstance(libraries, Iterable):
        raise TypeError(f"libraries must be a list of Library, not {type(libraries).__name__}")
    found: dict[int, Library] = {}
    for library in libraries:
        if not isinstance(library, Library):
            raise TypeError(f"libraries must be a list of Library, not of {type(library).__name__}")
        found.update({id(part): part for part in library._parts})
    return tuple(found.values())


class Offer(NamedTuple):
    """What the host offers to programs: host functions, and libraries that are no sums."""

    callbacks: Mapping[str, Callback]
    libraries: tuple[Library, ...] = ()

    @classmethod
    def of(cls, callbacks: CallbacksArgument, libraries: LibrariesArgument = None) -> Offer:
        """Of the arguments ``callbacks=`` and ``libraries=``."""
        return cls(collect(callbacks), parts_of(libraries))

    def beside(self, callbacks: Mapping[str, Callback], libraries: Iterable[Library] = ()) -> Offer:
        """With more; of two host functions with one name the later one counts."""
        return Offer({**self.callbacks, **callbacks}, parts_of([*self.libraries, *libraries]))

    def served(self) -> dict[str, Callback]:
        """All host functions by name, those of the libraries too."""
        served: dict[str, Callback] = {}
        for library in self.libraries:
            served.update(library._callbacks)
        return {**served, **self.callbacks}

    def messages(self) -> list[dict[str, Any]]:
        """The host functions that are in no library, as messages have them."""
        return [callback.message() for callback in self.callbacks.values()]

    def config(self) -> dict[str, Any]:
        """The part of a configuration that is about it."""
        config: dict[str, Any] = {}
        if self.callbacks:
            config["callbacks"] = self.messages()
        if self.libraries:
            config["libraries"] = [library._message() for library in self.libraries]
        return config
