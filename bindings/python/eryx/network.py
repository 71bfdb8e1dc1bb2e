"""What programs may reach on the network."""

from __future__ import annotations

import operator
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple, TypedDict, Union

from . import _blocking
from .callbacks import Callback, is_async


class NetAttempt(NamedTuple):
    """A connection that a program wants.

    Attributes:
        protocol: "tcp" or "udp".
        host: the name that the program resolved to the address, or the address.
        address: what will be dialled, or where a connection comes from.
        port: likewise.
        listen: the program wants to listen on the address, or accepts a connection from there.
    """

    protocol: str
    host: str
    address: str
    port: int
    listen: bool


class _CertificateRequired(TypedDict):
    certificate: bytes
    key: bytes


class ClientCertificateDict(_CertificateRequired, total=False):
    """What TLS connections show to certain servers: PEM, and rules for the hosts that it is for. Programs see neither."""

    hosts: list[str]


OnConnect = Callable[[NetAttempt], Union["bool | None", Awaitable["bool | None"]]]

_NUMBERS = ("max_connections", "connect_timeout_ms", "io_timeout_ms", "max_bytes_up", "max_bytes_down", "dns_cache_ms")
_LISTS = (
    *("allowed_hosts", "blocked_hosts", "blocked_networks", "allowed_networks", "internal_hosts"),
    *("allowed_ports", "blocked_ports", "listen"),
)
_LOOPBACK = ["127.0.0.0/8", "::1"]
_LOCAL_HOSTS = ("localhost", "*.localhost", "127.*", "[::1]")
_NETWORKS = ("blocked_networks", "allowed_networks", "internal_hosts")  # what decides about private hosts
_FLAGS = ("udp", "no_system_roots", "allow_insecure_tls", "fetch", "no_sockets")


class NetConfig:
    """Grants the network, under rules. ``NetConfig()`` lets programs connect to every host whose address is public.

    A rule for hosts is ``[tcp://|udp://]host[:ports]``: host is a name, in which ``*`` stands for any characters, an
    address or a range of addresses. ``allowed_hosts`` restricts: with one rule in it, nothing else is allowed.
    Every connection is decided on the address that is dialled.

    The methods change the configuration and return a copy of it. ValueError for rules that make no sense.

    Attributes:
        max_connections: sockets at once; 0: no limit.
        connect_timeout_ms: how long one connect may take.
        io_timeout_ms: how long one read or write may wait, whatever timeout the program asks for.
        allowed_hosts: rules; empty allows every host.
        blocked_hosts: rules; refused in any case. Where none are given it shows, as patterns, this machine and its
            private neighbours: what ``blocked_networks`` refuses, and the methods and ``allowed_networks`` exempt.
        blocked_networks: addresses that are refused whatever name led to them; default: all that are not public.
        allowed_networks: exempt from ``blocked_networks``.
        internal_hosts: names that may lead into ``blocked_networks``.
        allowed_ports, blocked_ports: "443" or "8000-8999".
        listen: addresses on which programs may listen, "localhost" for the loopback ones.
        udp: datagrams too.
        root_certificates: trusted for TLS beside the system's; DER or PEM. ``no_system_roots`` trusts them only.
        client_certificates: what TLS connections show to certain servers.
        allow_insecure_tls: programs may switch off the verification of certificates, and trust others.
        max_bytes_up, max_bytes_down: what may be sent and received in the life of an interpreter; None: no limit.
        dns_cache_ms: how long an answer of the resolver is used again.
        fetch: gives programs ``await fetch(url)``; ``no_sockets`` leaves nothing else.
        on_connect: called with a NetAttempt for each connection that the rules allow; False or an exception refuses it.
    """

    __slots__ = (*_NUMBERS, *_LISTS, *_FLAGS, "client_certificates", "on_connect", "root_certificates", "_shown")

    max_connections: int
    connect_timeout_ms: int
    io_timeout_ms: int
    max_bytes_up: int | None
    max_bytes_down: int | None
    dns_cache_ms: int
    allowed_hosts: list[str]
    blocked_hosts: list[str]
    blocked_networks: list[str]
    allowed_networks: list[str]
    internal_hosts: list[str]
    allowed_ports: list[str]
    blocked_ports: list[str]
    listen: list[str]
    udp: bool
    no_system_roots: bool
    allow_insecure_tls: bool
    fetch: bool
    no_sockets: bool
    root_certificates: list[bytes]
    client_certificates: list[ClientCertificateDict]
    on_connect: OnConnect | None
    _shown: tuple[str, ...] | None  # of blocked_hosts, what is no rule; None: all of it are rules

    def __init__(
        self,
        *,
        max_connections: int = 10,
        connect_timeout_ms: int = 30_000,
        io_timeout_ms: int = 60_000,
        allowed_hosts: Iterable[str] | None = None,
        blocked_hosts: Iterable[str] | None = None,
        blocked_networks: Iterable[str] | None = None,
        allowed_networks: Iterable[str] | None = None,
        internal_hosts: Iterable[str] | None = None,
        allowed_ports: Iterable[str] | None = None,
        blocked_ports: Iterable[str] | None = None,
        listen: Iterable[str] | None = None,
        udp: bool = False,
        root_certificates: Iterable[bytes] | None = None,
        no_system_roots: bool = False,
        client_certificates: Iterable[ClientCertificateDict] | None = None,
        allow_insecure_tls: bool = False,
        max_bytes_up: int | None = None,
        max_bytes_down: int | None = None,
        dns_cache_ms: int = 30_000,
        fetch: bool = False,
        no_sockets: bool = False,
        on_connect: OnConnect | None = None,
    ) -> None:
        given = locals()
        self._shown = None
        for name in (*_NUMBERS, *_FLAGS, "on_connect"):
            setattr(self, name, given[name])
        for name in (*_LISTS, "root_certificates", "client_certificates"):
            setattr(self, name, [] if given[name] is None else given[name])
        message = self._message()
        if blocked_networks is None:
            del message["blocked_networks"]
        answer = _check(message)
        self.blocked_networks = answer["blocked_networks"]
        if blocked_hosts is None:
            self._show(answer["private_hosts"])

    def __setattr__(self, name: str, value: Any) -> None:
        value = _valid(name, value)
        if name == "blocked_hosts":
            object.__setattr__(self, "_shown", None)
        before = getattr(self, name, None)
        object.__setattr__(self, name, value)
        if name in _NETWORKS and self._shown is not None:
            try:
                self._show(_check(self._message())["private_hosts"])
            except ValueError:
                object.__setattr__(self, name, before)
                raise

    def _show(self, private_hosts: list[str]) -> None:
        """Shows in ``blocked_hosts`` what the networks refuse, before its rules."""
        rules = self._rules()
        object.__setattr__(self, "blocked_hosts", [*private_hosts, *rules])
        object.__setattr__(self, "_shown", tuple(private_hosts))

    def _rules(self) -> list[str]:
        """``blocked_hosts`` without what is only shown there."""
        rules = list(self.blocked_hosts)
        for pattern in self._shown or ():
            if pattern in rules:  # once: the same as a rule of the user's stays
                rules.remove(pattern)
        return rules

    @staticmethod
    def permissive() -> NetConfig:
        """Reaches everything, the host's own services included, with 100 connections at once."""
        return NetConfig(max_connections=100, blocked_networks=[])

    def allow_host(self, pattern: str) -> NetConfig:
        """Adds a rule to ``allowed_hosts``: what no rule allows is refused from now on."""
        return self._with(allowed_hosts=[pattern])

    def block_host(self, pattern: str) -> NetConfig:
        """Adds a rule to ``blocked_hosts``."""
        return self._with(blocked_hosts=[pattern])

    def allow_network(self, cidr: str) -> NetConfig:
        """Adds a range of addresses to ``allowed_networks``."""
        return self._with(allowed_networks=[cidr])

    def allow_internal_host(self, pattern: str) -> NetConfig:
        """Adds a rule to ``internal_hosts``: only name hosts whose DNS you control."""
        return self._with(internal_hosts=[pattern])

    def allow_localhost(self) -> NetConfig:
        """Allows the loopback addresses; the patterns for them in ``blocked_hosts`` go."""
        names = ["localhost", "*.localhost", *_LOOPBACK] if self.allowed_hosts else []
        if self._shown is None:
            self.blocked_hosts = [rule for rule in self.blocked_hosts if rule not in _LOCAL_HOSTS]
        return self._with(allowed_networks=_LOOPBACK, allowed_hosts=names)

    def with_root_cert(self, cert_der: bytes) -> NetConfig:
        """Adds a certificate, DER or PEM, to ``root_certificates``."""
        return self._with(root_certificates=[cert_der])

    def _with(self, **more: list[Any]) -> NetConfig:
        """Adds to lists and returns a copy; nothing changes when the result makes no sense."""
        changed = self._copy()
        for name, items in more.items():
            object.__setattr__(changed, name, _valid(name, [*getattr(self, name), *items]))
        private_hosts = _check(changed._message())["private_hosts"]
        if changed._shown is not None:
            changed._show(private_hosts)
        for name in (*more, "blocked_hosts", "_shown"):
            object.__setattr__(self, name, getattr(changed, name))
        return self._copy()

    def _copy(self) -> NetConfig:
        copy = NetConfig.__new__(NetConfig)
        for name in NetConfig.__slots__:
            value = getattr(self, name)
            object.__setattr__(copy, name, list(value) if isinstance(value, list) else value)
        return copy

    def _message(self) -> dict[str, Any]:
        """As the library wants it."""
        message: dict[str, Any] = {name: getattr(self, name) for name in (*_NUMBERS, *_LISTS)}
        message["blocked_hosts"] = self._rules()
        message.update({name: True for name in _FLAGS if getattr(self, name)})
        message["root_certificates"] = self.root_certificates
        message["client_certificates"] = [dict(item) for item in self.client_certificates]
        if self.on_connect is not None:
            message["on_connect"] = True
        return message

    def _decider(self) -> Callback | None:
        """``on_connect`` as a host function."""
        decide = self.on_connect
        if decide is None:
            return None
        if is_async(decide):

            async def ask_async(**attempt: Any) -> bool:
                return _decision(await decide(NetAttempt(**attempt)))  # type: ignore[misc]

            return Callback("on_connect", ask_async, "", {}, True, False)

        def ask(**attempt: Any) -> bool:
            return _decision(decide(NetAttempt(**attempt)))

        return Callback("on_connect", ask, "", {}, False, False)

    def __repr__(self) -> str:
        names = ("max_connections", "connect_timeout_ms", "io_timeout_ms", "allowed_hosts", "allowed_networks")
        parts = [f"{name}={getattr(self, name)!r}" for name in (*names, "internal_hosts")]
        parts.append(f"blocked_hosts=[{len(self.blocked_hosts)} patterns]")
        return f"NetConfig({', '.join(parts)}, blocked_networks=[{len(self.blocked_networks)} networks])"


def _decision(answer: Any) -> bool:
    return answer is None or bool(answer)


def _valid(name: str, value: Any) -> Any:
    """The value of a field, as it is kept. TypeError, OverflowError."""
    if name in _LISTS:
        return _texts(name, value)
    if name in _NUMBERS:
        return _number(name, value)
    if name in _FLAGS:
        return bool(value)
    if name == "root_certificates":
        return [bytes(certificate) for certificate in value]
    if name == "client_certificates":
        return list(value)
    if name == "on_connect" and value is not None and not callable(value):
        raise TypeError(f"on_connect must be callable, not {type(value).__name__}")
    return value


def _texts(name: str, value: Any) -> list[str]:
    if isinstance(value, str):
        raise TypeError(f"{name} must be a list of str, not str")
    texts = list(value)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name} must be a list of str, not of {type(text).__name__}")
    return texts


def _number(name: str, value: Any) -> int | None:
    if value is None:
        return None
    number = operator.index(value)
    if number < 0:
        raise OverflowError(f"{name} cannot be negative")
    return min(number, (1 << 53) - 1)


def _check(message: dict[str, Any]) -> dict[str, list[str]]:
    """Has the library look at a configuration: the networks that it blocks, and the private hosts that those refuse.
    InvalidError, a ValueError."""
    return _blocking.call({"op": "network.check", "config": {"network": message}})


def network_message(network: NetConfig | None) -> dict[str, Any] | None:
    """The configuration as the library wants it. TypeError."""
    if network is None:
        return None
    if not isinstance(network, NetConfig):
        raise TypeError(f"network must be a NetConfig, not {type(network).__name__}")
    return network._message()
