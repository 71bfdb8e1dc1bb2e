"""Files in memory that the host's program and any number of sandboxes and sessions share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Union

from . import _blocking
from ._closing import Closing
from ._request import Request, forget

Path = Union[str, "os.PathLike[str]"]


class VfsEntry(NamedTuple):
    """A file, directory or symbolic link of a VfsStorage.

    Attributes:
        path: from the storage's root, with a slash at its beginning.
        type: "file", "directory" or "link".
        mode: the permissions, such as 0o644.
        size_bytes: of a file.
        modified_ms: when its contents changed last, in milliseconds since 1970.
        target: where a link leads; empty for others.
    """

    path: str
    type: str
    mode: int
    size_bytes: int
    modified_ms: float
    target: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return self.type == "directory"


class VfsUsage(NamedTuple):
    """What a VfsStorage holds, and its limits."""

    byte_count: int
    file_count: int
    max_bytes: int
    max_files: int


class VfsProgress(NamedTuple):
    """How far a load or a save has come: what it last copied, and how many files and bytes in all."""

    path: str
    file_count: int
    byte_count: int


ProgressHandler = Callable[[VfsProgress], Any]


class VfsStorage(Closing):
    """Files in memory for sessions and sandboxes: ``eryx.Session(vfs=storage)``.

    >>> storage = eryx.VfsStorage()
    >>> storage.write("/in.txt", b"hello")
    >>> session = eryx.Session(vfs=storage)
    >>> _ = session.execute("open('out.txt', 'w').write(open('/data/in.txt').read().upper())")
    >>> storage.read("/out.txt")
    b'HELLO'

    The files outlive the sessions and their resets; a snapshot or a fork of a session does not hold them. Any number of
    threads may use it. Errors are FileError, which is OSError, too, and of its class for the case: FileNotFoundError,
    IsADirectoryError and so on; ResourceLimitError when a limit is reached.

    Args:
        max_bytes: sizes of files, plus 128 bytes and the name for each; None: 64 MiB. Beyond it a program gets ENOSPC.
        max_files: files, directories and links; None: 100,000.
    """

    _what = "VFS"

    def __init__(self, *, max_bytes: int | None = None, max_files: int | None = None) -> None:
        self._adopt(_blocking.call({"op": "vfs.new", "max_bytes": max_bytes, "max_files": max_files}))

    def _adopt(self, answer: dict[str, Any]) -> None:
        self._handle = answer["vfs"]

    def _call(self, operation: str, **fields: Any) -> dict[str, Any]:
        return _blocking.call({"op": f"vfs.{operation}", "vfs": self._open(), **fields})

    def read(self, path: Path) -> bytes:
        """The contents of a file."""
        data: bytes = self._call("read", path=_inside(path))["data"]
        return data

    def read_text(self, path: Path, encoding: str = "utf-8") -> str:
        """The contents of a file as text."""
        return self.read(path).decode(encoding)

    def write(self, path: Path, data: bytes | str, *, parents: bool = False) -> None:
        """Makes a file, or replaces what is in it; text becomes UTF-8. ``parents`` makes the directories above."""
        content = data.encode() if isinstance(data, str) else bytes(memoryview(data))
        self._call("write", path=_inside(path), data=content, parents=parents)

    def mkdir(self, path: Path) -> None:
        """Makes a directory and those above it; one that is there is no error."""
        self._call("mkdir", path=_inside(path))

    def symlink(self, path: Path, target: Path) -> None:
        """Makes ``path`` a symbolic link to ``target``."""
        self._call("symlink", path=_inside(path), target=_inside(target))

    def rename(self, path: Path, to: Path) -> None:
        """Renames a file, directory or link; what is at ``to`` is replaced."""
        self._call("rename", path=_inside(path), to=_inside(to))

    def remove(self, path: Path, *, recursive: bool = False) -> None:
        """Removes a file, a link or an empty directory; with ``recursive`` a directory and all that is in it."""
        self._call("remove", path=_inside(path), recursive=recursive)

    def stat(self, path: Path, *, follow_symlinks: bool = True) -> VfsEntry:
        """Describes a file, directory or link."""
        return _entry(self._call("stat", path=_inside(path), nofollow=not follow_symlinks)["entry"])

    def exists(self, path: Path) -> bool:
        """Whether there is something at ``path``; a link that leads nowhere is not."""
        try:
            self.stat(path)
        except FileNotFoundError:
            return False
        return True

    def list(self, path: Path = "/") -> list[VfsEntry]:
        """What is in a directory, sorted by name."""
        return [_entry(record) for record in self._call("list", path=_inside(path))["entries"]]

    def walk(self, path: Path = "/") -> Iterator[VfsEntry]:
        """All that is below a directory, each directory before what is in it; links are not followed."""
        return map(_entry, self._call("list", path=_inside(path), recursive=True)["entries"])

    def usage(self) -> VfsUsage:
        """What is counted against the limits, and the limits."""
        return VfsUsage(**self._call("usage"))

    def snapshot(self) -> bytes:
        """All that the storage holds, as bytes for ``restore``."""
        data: bytes = self._call("snapshot")["data"]
        return data

    def restore(self, snapshot: bytes) -> None:
        """Replaces all by a snapshot, which need not be trusted. SnapshotError, ResourceLimitError; then nothing has
        changed."""
        self._call("restore", data=bytes(snapshot))

    def fork(self) -> VfsStorage:
        """An independent copy; contents are copied when one of the two changes them."""
        child = VfsStorage.__new__(VfsStorage)
        child._adopt(self._call("fork"))
        return child

    def load(self, source: Path | bytes, path: Path = "/", *, progress: ProgressHandler | None = None) -> None:
        """Copies a directory or zip file of the host, or a zip file's bytes, into the directory ``path``.

        ``progress`` is called a few times a second. Special files, and links that lead out of the source, are errors.
        """
        self._perform_transfer(self._load(source, path), progress)

    async def load_async(
        self, source: Path | bytes, path: Path = "/", *, progress: ProgressHandler | None = None
    ) -> None:
        """``load`` without blocking the event loop; cancelling the task stops it."""
        await self._perform_transfer_async(self._load(source, path), progress)

    def save(self, target: Path, path: Path = "/", *, progress: ProgressHandler | None = None) -> None:
        """Copies the directory ``path`` to the host: to a zip file if ``target`` ends in ".zip", else to a directory.

        Nothing is written outside of it, whatever links programs made.
        """
        self._perform_transfer(self._save(target, path), progress)

    async def save_async(self, target: Path, path: Path = "/", *, progress: ProgressHandler | None = None) -> None:
        """``save`` without blocking the event loop; cancelling the task stops it."""
        await self._perform_transfer_async(self._save(target, path), progress)

    def to_zip(self, path: Path = "/") -> bytes:
        """The directory ``path`` as a zip file's bytes."""
        data: bytes = self._call("save", path=_inside(path))["data"]
        return data

    def _load(self, source: Path | bytes, path: Path) -> dict[str, Any]:
        message = {"op": "vfs.load", "vfs": self._open(), "path": _inside(path)}
        if isinstance(source, (bytes, bytearray, memoryview)):
            return {**message, "data": bytes(source)}
        return {**message, "host_path": os.fspath(source)}

    def _save(self, target: Path, path: Path) -> dict[str, Any]:
        host = os.fspath(target)
        fields = {"path": _inside(path), "host_path": host, "zip": host.lower().endswith(".zip")}
        return {"op": "vfs.save", "vfs": self._open(), **fields}

    @staticmethod
    def _transfer(message: dict[str, Any], progress: ProgressHandler | None) -> Request:
        if progress is None:
            return Request(message)
        if not callable(progress):
            raise TypeError(f"progress must be callable, not {type(progress).__name__}")
        request = Request({**message, "transfer_events": True})
        handler = progress
        request.on_transfer = lambda fields: handler(VfsProgress(os.fsdecode(fields[0]), *fields[1:]))
        return request

    def _perform_transfer(self, message: dict[str, Any], progress: ProgressHandler | None) -> None:
        request = self._transfer(message, progress)
        _blocking.run(request)
        request.answer()

    async def _perform_transfer_async(self, message: dict[str, Any], progress: ProgressHandler | None) -> None:
        request = self._transfer(message, progress)
        from . import _async

        await _async.perform(request)
        request.answer()

    def close(self) -> None:
        """Lets go of the storage; sessions that have it go on. Closing again does nothing."""
        if handle := self._take_handle():
            forget({"op": "vfs.close", "vfs": handle})

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        if not self._handle:
            return "VfsStorage(closed)"
        usage = self.usage()
        return f"VfsStorage(file_count={usage.file_count}, byte_count={usage.byte_count})"


def _inside(path: Path) -> str | bytes:
    """A path in a storage as it is passed on: text, or bytes where it is not valid UTF-8."""
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"a path must be a str or a path-like object, not {type(path).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text


def _entry(record: list[Any]) -> VfsEntry:
    path, kind, mode, size, modified, target = record
    return VfsEntry(os.fsdecode(path), kind, mode, size, modified, os.fsdecode(target))
