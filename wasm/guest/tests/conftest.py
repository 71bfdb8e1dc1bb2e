"""The guest's runtime on the host's CPython: the module of the shim is a fake that remembers what it was asked."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


class FakeShim(ModuleType):
    """Stands for ``_eryx``: every call is kept in ``calls``, and answered with what ``answers`` has for its name."""

    def __init__(self) -> None:
        super().__init__("_eryx")
        self.calls: list[tuple[Any, ...]] = []
        self.answers: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def function(*args: Any) -> Any:
            self.calls.append((name, *args))
            answer = self.answers.get(name)
            if isinstance(answer, BaseException):
                raise answer
            return answer(*args) if callable(answer) else answer

        return function


sys.modules["_eryx"] = FakeShim()


@pytest.fixture
def shim() -> FakeShim:
    """The fake, with nothing asked of it yet."""
    fake = sys.modules["_eryx"]
    assert isinstance(fake, FakeShim)
    fake.calls.clear()
    fake.answers.clear()
    return fake
