"""What one execution may use."""

from __future__ import annotations

import operator
from typing import Any, Literal

_DEFAULTS: dict[str, int | None] = {
    "execution_timeout_ms": 30_000,
    "callback_timeout_ms": 10_000,
    "max_memory_bytes": 128 << 20,
    "max_callback_invocations": 1000,
    "max_fuel": None,
    "max_vfs_bytes": None,
    "max_output_bytes": 8 << 20,
    "max_pending_callbacks": 10_000,
    "max_open_files": 256,
    "grace_period_ms": 100,
}


class ResourceLimits:
    """Limits of every execution of a sandbox or session. None means no limit.

    Attributes:
        execution_timeout_ms: wall-clock time of one execution.
        callback_timeout_ms: wall-clock time of one host callback.
        max_memory_bytes: the guest's memory, interpreter included; beyond it the program sees MemoryError.
        max_callback_invocations: how many callbacks one execution may make.
        max_fuel: CPU budget in loop iterations of the guest's machine code; deterministic.
        max_vfs_bytes: size of the writable files; None is the default of 64 MiB.
        max_output_bytes: how much output is kept.
        output_overflow: what more of it does: "truncate", or "fail", which ends the program with ResourceLimitError.
        max_pending_callbacks: how many callbacks may be under way at once.
        max_open_files: how many files may be open at once.
        grace_period_ms: from the polite interrupt to the kill.
    """

    __slots__ = (*_DEFAULTS, "output_overflow")

    execution_timeout_ms: int | None
    callback_timeout_ms: int | None
    max_memory_bytes: int | None
    max_callback_invocations: int | None
    max_fuel: int | None
    max_vfs_bytes: int | None
    max_output_bytes: int | None
    max_pending_callbacks: int | None
    max_open_files: int | None
    grace_period_ms: int | None
    output_overflow: Literal["truncate", "fail"]

    def __init__(
        self,
        *,
        execution_timeout_ms: int | None = 30_000,
        callback_timeout_ms: int | None = 10_000,
        max_memory_bytes: int | None = 128 << 20,
        max_callback_invocations: int | None = 1000,
        max_fuel: int | None = None,
        max_vfs_bytes: int | None = None,
        max_output_bytes: int | None = 8 << 20,
        max_pending_callbacks: int | None = 10_000,
        max_open_files: int | None = 256,
        grace_period_ms: int | None = 100,
        output_overflow: Literal["truncate", "fail"] = "truncate",
    ) -> None:
        self.execution_timeout_ms = execution_timeout_ms
        self.callback_timeout_ms = callback_timeout_ms
        self.max_memory_bytes = max_memory_bytes
        self.max_callback_invocations = max_callback_invocations
        self.max_fuel = max_fuel
        self.max_vfs_bytes = max_vfs_bytes
        self.max_output_bytes = max_output_bytes
        self.max_pending_callbacks = max_pending_callbacks
        self.max_open_files = max_open_files
        self.grace_period_ms = grace_period_ms
        self.output_overflow = output_overflow

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "output_overflow":
            value = check_limit(name, value)
        elif value not in ("truncate", "fail"):
            raise ValueError(f'output_overflow must be "truncate" or "fail", not {value!r}')
        object.__setattr__(self, name, value)

    @staticmethod
    def unlimited() -> ResourceLimits:
        """No limits but those of output, files and pending callbacks, which live in the host's memory."""
        return ResourceLimits(
            execution_timeout_ms=None,
            callback_timeout_ms=None,
            max_memory_bytes=None,
            max_callback_invocations=None,
        )

    def __repr__(self) -> str:
        return f"ResourceLimits({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ResourceLimits):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def _message(self) -> dict[str, Any]:
        """As the library wants it: -1 is no limit; of files, 0, the default."""
        message: dict[str, Any] = {}
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if name == "max_vfs_bytes" and value is None:
                continue
            if value != default or default is None:
                message[name] = -1 if value is None else value
        if self.output_overflow != "truncate":
            message["output_overflow"] = self.output_overflow
        return message


def check_limit(name: str, value: int | None) -> int | None:
    """The value of a limit, an integer that is not negative, or None. TypeError, OverflowError."""
    if value is None:
        return None
    value = operator.index(value)
    if value < 0:
        raise OverflowError(f"{name} cannot be negative; use None for no limit")
    return min(value, (1 << 63) - 1)
