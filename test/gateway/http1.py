"""HTTP/1.1 on the wire: bytes in, requests out; responses in, bytes out.

No input or output happens here, so that the connection can stop between any
two steps (head, body, answer) and play a fault there.

The parser is strict where RFC 9112 leaves a choice: a client under test should
hear about a sloppy request from its tests, not from a provider.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import unquote

MAX_HEAD = 32 * 1024
MAX_HEADERS = 100
MAX_BODY = 64 * 1024

JSON_TYPE = "application/json"

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rf"({_TOKEN}) ([!-~]+) HTTP/(\d)\.(\d)")
_HEADER = re.compile(rf"({_TOKEN}):[ \t]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t -~]*)?")


class BadRequest(Exception):
    """A request that cannot be understood; the connection must close after it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(slots=True, frozen=True)
class Head:
    """A request's line and headers. Shared between requests, never changed."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    length: int
    chunked: bool
    keep_alive: bool
    expects_continue: bool

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";", 1)[0].strip().lower()


@dataclass(slots=True)
class Request:
    """One complete request, and when and where it arrived."""

    head: Head
    body: bytes
    received_at: float
    connection: int


@dataclass(slots=True)
class Response:
    """An answer; `extra` headers come after the ones every answer has."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    extra: dict[str, str] = field(default_factory=dict)

    def encode(self, keep_alive: bool = True) -> bytes:
        return self.encode_head(len(self.body), keep_alive) + self.body

    def encode_head(self, length: int, keep_alive: bool = True) -> bytes:
        lines = [_status_line(self.status)]
        if self.status not in (204, 304):
            lines.append(f"Content-Type: {self.content_type}\r\nContent-Length: {length}\r\n")
        if "Date" not in self.extra:
            lines.append(f"Date: {formatdate(usegmt=True)}\r\n")
        for name, value in self.extra.items():
            lines.append(f"{name}: {value}\r\n")
        lines.append("\r\n" if keep_alive else "Connection: close\r\n\r\n")
        return "".join(lines).encode("latin-1")


def _status_line(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\n"


class Parser:
    """Cuts one connection's byte stream into heads and bodies, in turn.

    The buffer holds at most one head or one body plus what the peer pipelined;
    the connection stops reading while it does not call the parser.
    """

    __slots__ = ("buffer", "_body", "_in_trailer")

    def __init__(self) -> None:
        self.buffer = bytearray()
        self._body = bytearray()
        self._in_trailer = False

    def read_head(self) -> Head | None:
        """The next head, or None until all of it is here."""
        while self.buffer.startswith(b"\r\n"):  # RFC 9112, 2.2: an empty line before
            del self.buffer[:2]
        end = self.buffer.find(b"\r\n\r\n")
        if end > MAX_HEAD or (end < 0 and len(self.buffer) > MAX_HEAD):
            raise BadRequest(431, f"the request's head is longer than {MAX_HEAD} bytes")
        if end < 0:
            return None
        raw = bytes(self.buffer[:end])
        del self.buffer[: end + 4]
        head = _heads.get(raw)
        if head is None:
            head = _parse_head(raw)
            _remember(raw, head)
        return head

    def read_body(self, head: Head) -> bytes | None:
        """The body that belongs to `head`, or None until all of it is here."""
        if head.chunked:
            return self._read_chunks()
        if len(self.buffer) < head.length:
            return None
        body = bytes(self.buffer[: head.length])
        del self.buffer[: head.length]
        return body

    def _read_chunks(self) -> bytes | None:
        while True:
            end = self.buffer.find(b"\r\n")
            if end > MAX_HEAD or (end < 0 and len(self.buffer) > MAX_HEAD):
                raise BadRequest(400, "chunk header too long")
            if end < 0:
                return None
            if self._in_trailer:
                del self.buffer[: end + 2]
                if end == 0:
                    return self._finish_chunks()
                continue
            match = _CHUNK_SIZE.fullmatch(self.buffer, 0, end)
            if match is None:
                raise BadRequest(400, "malformed chunk size")
            size = int(match[1], 16)
            if len(self._body) + size > MAX_BODY:
                raise BadRequest(413, f"the request's body is longer than {MAX_BODY} bytes")
            start = end + 2
            if size == 0:
                del self.buffer[:start]
                self._in_trailer = True
                continue
            if len(self.buffer) < start + size + 2:
                return None
            if self.buffer[start + size : start + size + 2] != b"\r\n":
                raise BadRequest(400, "a chunk does not end where its size says")
            self._body += self.buffer[start : start + size]
            del self.buffer[: start + size + 2]

    def _finish_chunks(self) -> bytes:
        body = bytes(self._body)
        self._body = bytearray()
        self._in_trailer = False
        return body


# A client sends the same head again and again, on every connection, but for
# Content-Length: parsing each distinct one once saves time, and memory in the
# record of what arrived.
_heads: dict[bytes, Head] = {}
_MAX_REMEMBERED = 256
_MAX_REMEMBERED_SIZE = 2048


def _remember(raw: bytes, head: Head) -> None:
    if len(raw) > _MAX_REMEMBERED_SIZE:
        return
    if len(_heads) >= _MAX_REMEMBERED:
        _heads.clear()
    _heads[raw] = head


def _parse_head(raw: bytes) -> Head:
    lines = raw.decode("latin-1").split("\r\n")
    if len(lines) > MAX_HEADERS + 1:
        raise BadRequest(431, f"more than {MAX_HEADERS} headers")
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        raise BadRequest(400, "malformed request line")
    method, target, major, minor = match.groups()
    if major != "1":
        raise BadRequest(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
    if method in ("HEAD", "CONNECT"):  # their answers are framed differently
        raise BadRequest(501, f"method {method} is not supported")
    headers = _parse_headers(lines[1:])
    http11 = minor != "0"
    if http11 and "host" not in headers:
        raise BadRequest(400, "HTTP/1.1 requires a Host header")
    path, query = _parse_target(target)
    length, chunked = _body_framing(headers)
    options = {word.strip().lower() for word in headers.get("connection", "").split(",")}
    return Head(
        method=method,
        path=path,
        query=query,
        headers=headers,
        length=length,
        chunked=chunked,
        keep_alive="close" not in options and (http11 or "keep-alive" in options),
        expects_continue=http11 and headers.get("expect", "").lower() == "100-continue",
    )


def _parse_headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise BadRequest(400, "malformed header line")
        name, value = match[1].lower(), match[2]
        if name not in headers:
            headers[name] = value
        elif name in ("content-length", "host", "transfer-encoding", "authorization", "content-type"):
            raise BadRequest(400, f"header {name} is given more than once")
        else:
            headers[name] += ", " + value
    return headers


def _parse_target(target: str) -> tuple[str, str]:
    if not target.startswith("/"):
        raise BadRequest(400, "the request target must be a path")
    path, _, query = target.partition("?")
    try:
        return unquote(path, errors="strict"), query
    except UnicodeDecodeError:
        raise BadRequest(400, "the path is not UTF-8") from None


def _body_framing(headers: dict[str, str]) -> tuple[int, bool]:
    """Content-Length and whether the body is chunked; both at once is smuggling."""
    length = headers.get("content-length")
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if length is not None:
            raise BadRequest(400, "both Content-Length and Transfer-Encoding")
        if coding.lower() != "chunked":
            raise BadRequest(501, f'transfer coding "{coding}" is not supported')
        return 0, True
    if length is None:
        return 0, False
    if not (length.isascii() and length.isdigit()):
        raise BadRequest(400, "Content-Length is not a number")
    if len(length) > 10 or int(length) > MAX_BODY:
        raise BadRequest(413, f"the request's body is longer than {MAX_BODY} bytes")
    return int(length), False
