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
        blocked_hosts: rules; refused in any case.
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

    __slots__ = (*_NUMBERS, *_LISTS, *_FLAGS, "client_certificates", "on_connect", "root_certificates")

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
        for name in (*_NUMBERS, *_FLAGS, "on_connect"):
            setattr(self, name, given[name])
        for name in (*_LISTS, "root_certificates", "client_certificates"):
            setattr(self, name, [] if given[name] is None else given[name])
        message = self._message()
        if blocked_networks is None:
            del message["blocked_networks"]
        self.blocked_networks = _check(message)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _LISTS:
            value = _texts(name, value)
        elif name in _NUMBERS:
            value = _number(name, value)
        elif name in _FLAGS:
            value = bool(value)
        elif name == "root_certificates":
            value = [bytes(certificate) for certificate in value]
        elif name == "client_certificates":
            value = list(value)
        elif name == "on_connect" and value is not None and not callable(value):
            raise TypeError(f"on_connect must be callable, not {type(value).__name__}")
        object.__setattr__(self, name, value)

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
        """Allows the loopback addresses."""
        loopback = ["127.0.0.0/8", "::1"]
        if not self.allowed_hosts:
            return self._with(allowed_networks=loopback)
        return self._with(allowed_networks=loopback, allowed_hosts=["localhost", "*.localhost", *loopback])

    def with_root_cert(self, cert_der: bytes) -> NetConfig:
        """Adds a certificate, DER or PEM, to ``root_certificates``."""
        return self._with(root_certificates=[cert_der])

    def _with(self, **more: list[Any]) -> NetConfig:
        """Adds to lists and returns a copy; nothing changes when the result makes no sense."""
        changed = self._copy()
        for name, items in more.items():
            setattr(changed, name, [*getattr(self, name), *items])
        _check(changed._message())
        for name in more:
            setattr(self, name, getattr(changed, name))
        return changed

    def _copy(self) -> NetConfig:
        copy = NetConfig.__new__(NetConfig)
        for name in NetConfig.__slots__:
            setattr(copy, name, getattr(self, name))
        return copy

    def _message(self) -> dict[str, Any]:
        """As the library wants it."""
        message: dict[str, Any] = {name: getattr(self, name) for name in (*_NUMBERS, *_LISTS)}
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
        names = ("max_connections", "connect_timeout_ms", "io_timeout_ms", "allowed_hosts", "blocked_hosts")
        parts = [f"{name}={getattr(self, name)!r}" for name in (*names, "allowed_networks", "internal_hosts")]
        return f"NetConfig({', '.join(parts)}, blocked_networks=[{len(self.blocked_networks)} networks])"


def _decision(answer: Any) -> bool:
    return answer is None or bool(answer)


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


def _check(message: dict[str, Any]) -> list[str]:
    """Has the library look at a configuration: the networks that it blocks. InvalidError, a ValueError."""
    answer = _blocking.call({"op": "network.check", "config": {"network": message}})
    networks: list[str] = answer["blocked_networks"]
    return networks


def network_message(network: NetConfig | None) -> dict[str, Any] | None:
    """The configuration as the library wants it. TypeError."""
    if network is None:
        return None
    if not isinstance(network, NetConfig):
        raise TypeError(f"network must be a NetConfig, not {type(network).__name__}")
    return network._message()
