"""What the program may still use: the module ``sandbox`` of the guest."""

from types import ModuleType

import _eryx

SECONDS, MEMORY, CALLBACKS, FUEL, OUTPUT, FILES = range(6)
_UNLIMITED = -1


def _left(key: int) -> int | None:
    value = _eryx.query(key)
    return None if value == _UNLIMITED else value


def remaining() -> dict[str, float | int | None]:
    """What is left of this execution's limits; None for what is not limited.

    ``seconds`` (float) until the timeout, ``memory_bytes`` until MemoryError, ``callbacks`` that may still be
    made, ``fuel`` units, ``output_bytes`` until output is truncated, ``vfs_bytes`` until ENOSPC.
    """
    nanoseconds = _left(SECONDS)
    return {
        "seconds": None if nanoseconds is None else nanoseconds / 1e9,
        "memory_bytes": _left(MEMORY),
        "callbacks": _left(CALLBACKS),
        "fuel": _left(FUEL),
        "output_bytes": _left(OUTPUT),
        "vfs_bytes": _left(FILES),
    }


def make_module() -> ModuleType:
    """The module that ``import sandbox`` gives."""
    module = ModuleType("sandbox", "What a program can know of the sandbox it runs in.")
    module.remaining = remaining  # type: ignore[attr-defined]
    module.__all__ = ["remaining"]  # type: ignore[attr-defined]
    return module
