"""Stands in for the guest's builtin module of this name (wasm/guest/shim/codec.c): the codecs run in ../codecd."""

import os
import struct
import subprocess
import threading

_server = subprocess.Popen([os.environ["ERYX_CODECD"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
_OPEN, _FEED, _CLOSE, _KDF = range(1, 5)
_STATE_INPUT, _STATE_MORE = 0, 1
_FIRST_BYTES = 16384
_lock = threading.RLock()  # a destructor may run inside a call


def _call(op, a, b, room, data):
    with _lock:
        _server.stdin.write(struct.pack("<IiiII", op, a, b, room, len(data)) + data)
        _server.stdin.flush()
        status, consumed, state, info, n = struct.unpack("<iIIII", _server.stdout.read(20))
        return status, consumed, state, info, _server.stdout.read(n)


def open(kind, params):
    status = _call(_OPEN, kind, 0, 0, params)[0]
    if status <= 0:
        raise OSError(-status, "")
    return status


def feed(handle, data, max_length, flags):
    with memoryview(data) as view, view.cast("B") as flat:
        data = bytes(flat)
    out = []
    pos = produced = info = 0
    cap, state = _FIRST_BYTES, _STATE_MORE
    while state == _STATE_MORE or (state == _STATE_INPUT and pos < len(data)):
        room = cap if max_length < 0 else min(cap, max_length - produced)
        status, taken, state, info, chunk = _call(_FEED, handle, flags, room, data[pos:])
        if status < 0:
            raise OSError(-status, chunk.decode())
        pos += taken
        produced += len(chunk)
        out.append(chunk)
        cap = min(cap * 2, 1 << 20)
        if room == 0 and state == _STATE_MORE:
            break
    return b"".join(out), pos, state, info


def close(handle):
    if _server.poll() is None and not _server.stdin.closed:
        _call(_CLOSE, handle, 0, 0, b"")


def kdf(params, size):
    if not 1 <= size <= 1 << 20:
        raise ValueError("key length must be between 1 and 1048576")
    status, _, _, _, key = _call(_KDF, 0, 0, size, params)
    if status < 0:
        raise OSError(-status, "")
    return key
