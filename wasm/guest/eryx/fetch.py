"""``await fetch(url)``: HTTP requests that the host makes, under the rules of the sandbox's network."""

import errno
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self


class Headers(Mapping[str, str]):
    """The headers of a response. Names are compared without regard to case; values of one name are joined by commas."""

    __slots__ = ("_items",)

    def __init__(self, pairs: list[list[str]]) -> None:
        self._items: dict[str, tuple[str, list[str]]] = {}
        for name, value in pairs:
            self._items.setdefault(name.lower(), (name, []))[1].append(value)

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._items[name.lower()][1])

    def get_list(self, name: str) -> list[str]:
        """All values of a name."""
        return list(self._items.get(name.lower(), ("", []))[1])

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"


class Response:
    """The answer to a request.

    ``status`` is its number and ``reason`` the words beside it, ``url`` what was asked last, after redirects,
    ``headers`` a mapping, ``body`` bytes.
    """

    __slots__ = ("body", "headers", "reason", "status", "url")

    def __init__(self, answer: dict[str, Any]) -> None:
        self.status: int = answer["status"]
        self.reason: str = answer["reason"]
        self.url: str = answer["url"]
        self.headers = Headers(answer["headers"])
        self.body: bytes = answer["body"]

    @property
    def ok(self) -> bool:
        """Whether the status says so: below 400."""
        return self.status < 400

    @property
    def text(self) -> str:
        """The body as text, in the charset that the response names, else UTF-8."""
        charset = "utf-8"
        for part in self.headers.get("content-type", "").split(";")[1:]:
            key, _, value = part.partition("=")
            if key.strip().lower() == "charset":
                charset = value.strip(" \"'")
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body, which is JSON."""
        import json

        return json.loads(self.body)

    def raise_for_status(self) -> Self:
        """Raise OSError if the status is 400 or more."""
        if not self.ok:
            raise OSError(f"{self.status} {self.reason} for {self.url}")
        return self

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason} {self.url}, {len(self.body)} bytes>"


def _body(body: Any, json: Any, headers: dict[str, str]) -> bytes:
    if json is not None:
        if body is not None:
            raise TypeError("fetch() takes body or json, not both")
        import json as encoder

        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        return encoder.dumps(json).encode()
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else bytes(body)


def make(ask: Callable[..., Any], failure: type[RuntimeError]) -> Callable[..., Any]:
    """The function, over the host's callback."""

    async def fetch(
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        json: Any = None,
        timeout: float | None = None,
        redirects: int = 10,
    ) -> Response:
        """Make an HTTP request and return its Response.

        ``body`` is bytes or text; ``json`` is encoded. ``timeout`` is in seconds, for all of it. At most ``redirects``
        redirects are followed; 0 returns the redirect itself. PermissionError when the network policy refuses it,
        TimeoutError, and OSError for other failures.
        """
        sent = {str(name): str(value) for name, value in (headers or {}).items()}
        content = _body(body, json, sent)
        try:
            answer = await ask(url=url, method=method, headers=sent, body=content, timeout=timeout, redirects=redirects)
        except failure as error:
            code = getattr(error, "code", "")
            if code == "refused":
                raise PermissionError(errno.EACCES, str(error)) from None
            if code == "timeout":
                raise TimeoutError(str(error)) from None
            if code == "invalid":
                raise ValueError(str(error)) from None
            if code == "fetch":
                raise OSError(str(error)) from None
            raise
        return Response(answer)

    return fetch
