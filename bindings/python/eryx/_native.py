"""The only module that touches the C library: finds it, loads it on first use, and calls it.

Nothing is done at the interpreter's exit: the library never calls into Python, so its threads may run until the end.
"""

from __future__ import annotations

import ctypes
import os
import threading
from typing import Any

from . import _wire
from .errors import EryxError, ForkError, InitializationError

ABI_VERSION = 1

OK, EMPTY, MORE, INTERRUPTED = 0, 1, 2, 3
EINVAL, EHANDLE, EMESSAGE, ESPACE, EABI, EPANIC, ECLOSED, ESYSTEM, EFORK = -1, -2, -3, -4, -5, -6, -7, -8, -100
_REFUSED = (EMESSAGE, EINVAL)  # larger than a message may be
_TEXTS = {
    EINVAL: "an argument makes no sense",
    EHANDLE: "no such handle",
    EMESSAGE: "the message is not what was expected",
    EABI: "the library speaks another ABI version",
    EPANIC: "a fault in the library",
    ECLOSED: "the library was shut down",
    ESYSTEM: "the operating system refused: too many open files?",
}

_FORK_TEXT = (
    "eryx was used before os.fork() and cannot be used in the child process: use multiprocessing's 'spawn' or "
    "'forkserver', or use eryx for the first time after the fork"
)

_u64p = ctypes.POINTER(ctypes.c_uint64)
_sizep = ctypes.POINTER(ctypes.c_size_t)
_SIGNATURES: dict[str, list[Any]] = {
    "eryx_init": [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t],
    "eryx_queue_open": [_u64p],
    "eryx_queue_close": [ctypes.c_uint64],
    "eryx_submit": [ctypes.c_uint64, ctypes.c_char_p, ctypes.c_size_t, _u64p],
    "eryx_cancel": [ctypes.c_uint64],
    "eryx_complete": [ctypes.c_char_p, ctypes.c_size_t],
    "eryx_drain": [ctypes.c_uint64, ctypes.c_void_p, ctypes.c_size_t, _sizep],
    "eryx_next_events": [ctypes.c_uint64, ctypes.c_void_p, ctypes.c_size_t, _sizep, ctypes.c_int32],
    "eryx_event_fd": [ctypes.c_uint64, ctypes.POINTER(ctypes.c_int32)],
    "eryx_shutdown": [ctypes.c_int32],
}


def _beside(name: str) -> str:
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


def library_path() -> str:
    """The library to load: what ERYX_LIBRARY names, or the one inside of this package."""
    return os.environ.get("ERYX_LIBRARY") or _beside("liberyx.so")


def _open() -> ctypes.CDLL:
    path = library_path()
    try:
        dll = ctypes.CDLL(path)
    except OSError as error:
        raise InitializationError(
            f"cannot load {path}: {error}. Install a wheel of eryx-go, or build it with Go: capi/build.sh"
        ) from None
    for name, arguments in _SIGNATURES.items():
        function = getattr(dll, name)
        function.argtypes, function.restype = arguments, ctypes.c_int32
    dll.eryx_version.argtypes, dll.eryx_version.restype = [], ctypes.c_char_p
    return dll


class Library:
    """The loaded library. Its methods raise EryxError where a call could not be made."""

    def __init__(self) -> None:
        self._dll = _open()
        settings: dict[str, Any] = {}
        if cache := os.environ.get("ERYX_CACHE_DIR"):
            settings["cache_dir"] = cache
        if os.path.exists(code := _beside("code.tar.zst")):
            settings["code_file"] = code
        config = _wire.encode(settings)
        _check(self._dll.eryx_init(ABI_VERSION, config, len(config)))
        self.next_events = self._dll.eryx_next_events
        self._submit = self._dll.eryx_submit
        self._complete = self._dll.eryx_complete

    @property
    def version(self) -> str:
        """The library's version."""
        return str(self._dll.eryx_version().decode())

    def queue_open(self) -> int:
        """A new queue's id."""
        queue = ctypes.c_uint64()
        _check(self._dll.eryx_queue_open(ctypes.byref(queue)))
        return queue.value

    def queue_close(self, queue: int) -> None:
        """Cancels the queue's requests; an unknown queue is ignored."""
        self._dll.eryx_queue_close(queue)

    def event_fd(self, queue: int) -> int:
        """The descriptor that is readable while the queue has events."""
        fd = ctypes.c_int32()
        _check(self._dll.eryx_event_fd(queue, ctypes.byref(fd)))
        return fd.value

    def submit(self, queue: int, message: dict[str, Any]) -> int:
        """Begins an operation; the request's id."""
        data = _wire.encode(message)
        request = ctypes.c_uint64()
        status = self._submit(queue, data, len(data), ctypes.byref(request))
        if status != OK:
            _check(status)
        return request.value

    def cancel(self, request: int) -> None:
        """Ends a request early; one that has ended is ignored."""
        self._dll.eryx_cancel(request)

    def complete(self, answers: list[bytes]) -> list[int]:
        """Answers calls; each answer is encoded already. One that the library refuses fails its own call only: these
        calls are returned."""
        status = self._answer(answers)
        if status in _REFUSED:
            return self._one_by_one(answers)
        if status not in (OK, ECLOSED):
            _check(status)
        return []

    def _answer(self, answers: list[bytes]) -> int:
        data = b"\xdd" + len(answers).to_bytes(4, "big") + b"".join(answers)
        status: int = self._complete(data, len(data))
        return status

    def _one_by_one(self, answers: list[bytes]) -> list[int]:
        """Of answers that are refused together, none was taken."""
        refused = []
        for answer in answers:
            status = self._answer([answer])
            if status in _REFUSED:
                call, failure = _wire.refusal(answer)
                refused.append(call)
                status = self._answer([failure])
            if status not in (OK, ECLOSED):
                _check(status)
        return refused

    def shutdown(self, timeout_ms: int) -> None:
        """Closes everything; nothing can be called afterwards."""
        self._dll.eryx_shutdown(timeout_ms)


def _check(status: int) -> None:
    if status >= 0:
        return
    if status == EFORK:
        raise ForkError(_FORK_TEXT)
    raise EryxError(f"{_TEXTS.get(status, 'the call failed')} (status {status})")


class Buffer:
    """Where events are written to. One per thread or loop; it grows to what the largest event needs."""

    _LARGEST_KEPT = 1 << 20

    def __init__(self, capacity: int = 1 << 16) -> None:
        self._length = ctypes.c_size_t()
        self._length_ref = ctypes.byref(self._length)
        self._grow(capacity)

    def _grow(self, capacity: int) -> None:
        self._capacity = capacity
        self._data = (ctypes.c_char * capacity)()
        self._view = memoryview(self._data)

    def take(self, queue: int, timeout_ms: int) -> list[Any]:
        """The events that wait, or come within the timeout (0: does not wait; negative: for ever)."""
        read = library().next_events
        status = read(queue, self._data, self._capacity, self._length_ref, timeout_ms)
        if status == ESPACE:
            self._grow(max(self._length.value, 2 * self._capacity))
            status = read(queue, self._data, self._capacity, self._length_ref, 0)
        if status in (EMPTY, INTERRUPTED):
            return []
        if status < 0:
            _check(status)
        events: list[Any] = _wire.decode(self._view[: self._length.value])
        if self._capacity > self._LARGEST_KEPT:
            self._grow(1 << 16)
        return events


_lock = threading.Lock()
_library: Library | None = None
_forked = False


def library() -> Library:
    """The library, loaded on first use. ForkError in a child of a process that had loaded it."""
    if _forked:
        raise ForkError(_FORK_TEXT)
    return _library or _load()


def _load() -> Library:
    global _library
    with _lock:
        if _library is None:
            _library = Library()
    return _library


def loaded() -> Library | None:
    """The library if it is loaded and can be used; for clean-up, which must not load it."""
    return None if _forked else _library


def _in_child() -> None:
    global _forked, _lock
    _lock = threading.Lock()
    _forked = _library is not None


os.register_at_fork(after_in_child=_in_child)
