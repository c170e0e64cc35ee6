"""The SignalWire account that clients of the gateway must be."""

from __future__ import annotations

import base64
import hmac

from exchange import Refusal
from http1 import Request


class Account:
    """A project id and its API token, checked the way HTTP Basic carries them."""

    def __init__(self, project: str, token: str) -> None:
        self.project = project
        self._credentials = base64.b64encode(f"{project}:{token}".encode("utf-8"))

    def authenticate(self, request: Request) -> None:
        scheme, _, credentials = request.head.headers.get("authorization", "").partition(" ")
        given = credentials.strip().encode("latin-1")
        if scheme.lower() != "basic" or not hmac.compare_digest(given, self._credentials):
            raise Refusal(
                401,
                "20003",
                "Authentication Error - invalid username",
                headers={"WWW-Authenticate": 'Basic realm="SignalWire API"'},
            )
