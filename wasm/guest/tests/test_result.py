"""The result variable, and text that is no valid UTF-8."""

import json

import pytest
from eryx.result import capture, clean


@pytest.mark.parametrize("value", [None, True, 1.5, "é", [1, {"a": [None]}], {"1": 2}])
def test_capture_encodes_what_is_json(value: object) -> None:
    namespace = {"result": value, "other": 1}
    assert json.loads(capture(namespace, "result")["result_json"]) == value
    assert namespace == {"other": 1}


def test_capture_of_an_absent_variable_is_empty() -> None:
    assert capture({}, "result") == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", {1}, {(1, 2): 3}, object(), [object]])
def test_capture_tells_what_is_not_json(value: object) -> None:
    outcome = capture({"out": value}, "out")
    assert outcome["result_error"].startswith(f"result is not JSON-serializable: {type(value).__name__} (")


def test_capture_survives_recursion_and_surrogates() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert "result_error" in capture({"result": loop}, "result")
    assert json.loads(capture({"result": "\ud800"}, "result")["result_json"]) == "\ud800"


def test_clean_escapes_lone_surrogates_only() -> None:
    assert clean("é\ud800") == "é\\ud800"
    assert clean("plain") == "plain"
