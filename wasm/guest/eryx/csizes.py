"""What of ``ctypes`` needs no native code: the simple types and their sizes, which number libraries ask for at import."""

import struct
from types import ModuleType
from typing import Any

# Name, format of struct. The guest is a 32-bit machine.
_TYPES = {
    "c_bool": "?", "c_byte": "b", "c_ubyte": "B", "c_short": "h", "c_ushort": "H", "c_int": "i", "c_uint": "I",
    "c_long": "l", "c_ulong": "L", "c_longlong": "q", "c_ulonglong": "Q", "c_size_t": "I", "c_ssize_t": "i",
    "c_int8": "b", "c_uint8": "B", "c_int16": "h", "c_uint16": "H", "c_int32": "i", "c_uint32": "I",
    "c_int64": "q", "c_uint64": "Q", "c_float": "f", "c_double": "d",
}


class _Simple:
    """A number that is kept as the C type would keep it: integers wrap around."""

    _type_ = ""

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    @property
    def value(self) -> Any:
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        if self._type_ == "?":
            value = bool(value)
        elif self._type_ not in "fd":
            if not isinstance(value, int):
                raise TypeError(f"an integer is required (got type {type(value).__name__})")
            bits = 8 * sizeof(self)
            value &= (1 << bits) - 1
            if self._type_.islower() and value >> (bits - 1):
                value -= 1 << bits
        self._value = struct.unpack(self._type_, struct.pack(self._type_, value))[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


def sizeof(kind: Any) -> int:
    """The size of a simple C type, or of an instance of one, in bytes."""
    if not issubclass(kind if isinstance(kind, type) else type(kind), _Simple):
        raise TypeError("this type has no size")
    return struct.calcsize(kind._type_)


class CDLL:
    """A library of native code: there is none, which callers such as packaging expect as OSError."""

    def __init__(self, name: Any, *args: Any, **kwargs: Any) -> None:
        raise OSError(f"cannot load {name!r}: there is no native code to call in this sandbox")


def make_module() -> ModuleType:
    """The module that ``import ctypes`` gives. What calls native code is not in it, and says why."""
    module = ModuleType("ctypes", "The simple types of ctypes. There is no native code to call in this sandbox.")
    for name, form in _TYPES.items():
        setattr(module, name, type(name, (_Simple,), {"_type_": form, "__module__": "ctypes"}))
    module.sizeof = sizeof  # type: ignore[attr-defined]
    module.CDLL = module.PyDLL = CDLL  # type: ignore[attr-defined]

    def missing(name: str) -> Any:
        raise AttributeError(f"module 'ctypes' has no attribute {name!r} (there is no native code to call in this sandbox)")

    module.__getattr__ = missing  # type: ignore[method-assign]
    return module
