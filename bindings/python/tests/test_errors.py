"""The table of errors that every language has, and the records that they are made of."""

import json
import pathlib

import pytest

import eryx
from eryx import errors

TABLE = pathlib.Path(__file__).resolve().parents[3] / "tests" / "vectors" / "errors.json"


@pytest.mark.skipif(not TABLE.exists(), reason="the vectors are in the repository only")
def test_every_code_has_its_class():
    codes = {entry["code"]: entry["python"] for entry in json.loads(TABLE.read_text("utf-8"))["codes"]}
    assert set(codes) == set(errors.CODES)
    for code, name in codes.items():
        error = errors.error_from({"code": code, "message": "text"})
        assert type(error) is getattr(eryx, name)
        assert isinstance(error, eryx.EryxError)
        assert (error.code, error.message, str(error)) == (code, "text", "text")


def test_unknown_code_is_the_base_error():
    error = errors.error_from({"code": "from_the_future", "message": "text", "unknown": 1})
    assert type(error) is eryx.EryxError and error.code == "from_the_future"


def test_record_of_the_programs_exception():
    python = {"type": "ValueError", "message": "no", "traceback": "Traceback ...", "frames": [["<user>", 1, "f", "x"]]}
    error = errors.error_from({"code": "python", "message": "ValueError: no", "python": python, "killed": True})
    assert (str(error), error.type, error.message, error.killed) == ("Traceback ...", "ValueError", "no", True)
    assert error.python.frames[0] == eryx.Frame("<user>", 1, "f", "x")
    assert error.stdout == b"" and error.result is None and error.traceback == "Traceback ..."
