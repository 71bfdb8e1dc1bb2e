"""Values that programs may send to certain hosts without seeing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict


class _SecretRequired(TypedDict):
    value: str


class SecretDict(_SecretRequired, total=False):
    """A secret: its value, and rules for the hosts that it may be sent to.

    Without ``allowed_hosts`` it may go where ``NetConfig.allowed_hosts`` says, and if that is empty too, to any host.
    """

    allowed_hosts: list[str]


class Scrub(NamedTuple):
    """Where placeholders of secrets become ``[REDACTED]``. None is the default: everywhere but in results."""

    stdout: bool | None = None
    stderr: bool | None = None
    result: bool | None = None
    files: bool | None = None


def _secret(name: str, item: Any) -> dict[str, Any]:
    if not isinstance(name, str):
        raise TypeError(f"a secret's name must be a str, not {type(name).__name__}")
    if not isinstance(item, Mapping):
        raise TypeError(f"secret {name!r} must be a dict with a 'value' key, not {type(item).__name__}")
    unknown = set(item) - {"value", "allowed_hosts"}
    if unknown:
        raise ValueError(f"secret {name!r} has no key {min(map(str, unknown))!r}")
    if "value" not in item:
        raise ValueError(f"secret {name!r} must have a 'value' key")
    value, hosts = item["value"], item.get("allowed_hosts")
    if not isinstance(value, str):
        raise TypeError(f"secret {name!r}: value must be a str, not {type(value).__name__}")
    hosts = [] if hosts is None else hosts
    if not isinstance(hosts, (list, tuple)) or not all(isinstance(host, str) for host in hosts):
        raise TypeError(f"secret {name!r}: allowed_hosts must be a list of str")
    return {"name": name, "value": value, "allowed_hosts": list(hosts)}


def secrets_config(secrets: Mapping[str, SecretDict] | None, scrub: Scrub, redact_responses: bool) -> dict[str, Any]:
    """The part of a configuration that is about secrets. TypeError, ValueError."""
    config: dict[str, Any] = {}
    if secrets is not None and not isinstance(secrets, Mapping):
        raise TypeError(f"secrets must be a dict, not {type(secrets).__name__}")
    if secrets:
        config["secrets"] = [_secret(name, item) for name, item in secrets.items()]
    chosen = {}
    for name, value in scrub._asdict().items():
        if value is not None and not isinstance(value, bool):
            raise TypeError(f"scrub_{name} must be a bool or None, not {type(value).__name__}")
        if value is not None:
            chosen[name] = value
    if chosen:
        config["scrub"] = chosen
    if redact_responses:
        config["redact_responses"] = True
    return config
