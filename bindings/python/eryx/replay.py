"""Programs that are suspended and go on later, or again: what their host functions answered is kept in a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ._request import Request
    from .errors import EryxError
    from .results import ExecuteResult


class SuspendCallback(Exception):
    """Raised by a host function to suspend the execution, for example until a person has approved the call.

    >>> def pay(amount):
    ...     if not approved(amount):
    ...         raise eryx.SuspendCallback("needs approval")

    The execution ends with an ExecutionError of code "suspended". With ``execute_with_journal`` it can go on later.
    """


class SuspendedCallback:
    """The call at which an execution was suspended: its name, its arguments as JSON, and the reason that was given."""

    __slots__ = ("args_json", "name", "reason")

    def __init__(self, name: str, args_json: str, reason: str) -> None:
        self.name = name
        self.args_json = args_json
        self.reason = reason

    def __repr__(self) -> str:
        return f"SuspendedCallback(name={self.name!r}, args_json={self.args_json!r}, reason={self.reason!r})"


class ReplayOutcome(NamedTuple):
    """What came of ``execute_with_journal``.

    Attributes:
        result: of a program that ended well, else None.
        error: why there is no result, else None; ``error.result`` has what it printed until then.
        journal: what the host functions answered, to be given to another execution of the program: plain data that
            ``json.dumps`` takes.
        replayed_callbacks: how many calls the earlier journal answered.
        suspended: the call that suspended the program, else None.
    """

    result: ExecuteResult | None
    error: EryxError | None
    journal: dict[str, Any]
    replayed_callbacks: int
    suspended: SuspendedCallback | None

    def __repr__(self) -> str:
        return (
            f"ReplayOutcome(ok={self.error is None}, journal_entries={len(self.journal['entries'])}, "
            f"replayed_callbacks={self.replayed_callbacks}, suspended={self.suspended!r})"
        )


def journal_text(journal: dict[str, Any] | None) -> str:
    """An earlier journal as it is passed on; empty for none. ValueError for what JSON cannot express."""
    if journal is None:
        return ""
    import json

    try:
        return json.dumps(journal, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Invalid journal: {error}") from None


def outcome(request: Request) -> ReplayOutcome:
    """The outcome of an execution that has ended. An error that came before it began is raised."""
    import json

    from .errors import EryxError

    record = request.value or {}
    text = record.get("journal")
    if text is None:
        request.result()
        raise EryxError("the execution left no journal")
    result: ExecuteResult | None = None
    failure: EryxError | None = None
    try:
        result = request.result()
    except EryxError as error:
        failure = error
    suspended = record.get("suspended")
    return ReplayOutcome(
        result,
        failure,
        json.loads(text),
        record["replayed_callbacks"],
        SuspendedCallback(*suspended) if suspended else None,
    )
