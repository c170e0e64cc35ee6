"""The terms in which endpoints decide about a request, before any fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from http1 import JSON_TYPE, Request, Response
from store import Record

# A provider's code for an argument that has no code of its own.
BAD_ARGUMENT = "10000"


class Refusal(Exception):
    """The contract is broken: the request is answered with a provider's error."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        attribute: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.attribute = attribute
        self.headers = headers or {}

    @property
    def reason(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(slots=True, frozen=True)
class Endpoint:
    """What one path does.

    `handle` answers a request that the provider would accept, and raises
    Refusal otherwise; it fills in the record as far as it understands the
    request, so that a refused one can be told apart too.
    """

    channel: str
    handle: Callable[[Request, Record], Response]
    render: Callable[[Refusal], Response]


@dataclass(slots=True)
class Verdict:
    """The honest answer, the record of it, and how this endpoint says no."""

    response: Response
    record: Record
    endpoint: Endpoint


# Made once: json.dumps() makes an encoder for every call that has options.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_response(status: int, value: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(status, _encode(value).encode("utf-8"), JSON_TYPE, headers or {})


def require_method(request: Request, *methods: str) -> None:
    if request.head.method not in methods:
        raise Refusal(
            405,
            "20004",
            f"method {request.head.method} is not allowed here",
            headers={"Allow": ", ".join(methods)},
        )


def require_type(request: Request, media_type: str) -> None:
    given = request.head.media_type
    if given != media_type:
        raise Refusal(415, BAD_ARGUMENT, f'content type must be {media_type}, not "{given}"')
