"""The control API, /_gateway/…: how a test asks, waits and arranges.

Faults never touch it. Its errors are {"error": text}, unlike any provider's.
"""

from __future__ import annotations

from typing import Any

from exchange import json_response
from faults import Faults, RuleError, parse_rules
from forms import Malformed, decode_json, decode_query
from generic import Answer, Generic
from http1 import Request, Response
from store import DEFAULT_PROGRESS, MAX_RECORDS, Record, Store

DEFAULT_LIMIT = 10_000
MAX_WAIT = 120.0
MAX_WAIT_ANSWER = 1000

STATES = {
    "sms": frozenset({"queued", "initiated", "sent", "delivered", "undelivered", "failed"}),
    "voice": frozenset(
        {"queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"}
    ),
}


class ControlError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    def __init__(self, store: Store, faults: Faults, generic: Generic) -> None:
        self._store = store
        self._faults = faults
        self._generic = generic
        self._routes = {
            "messages": {"GET": self._get_messages, "DELETE": self._reset},
            "requests": {"GET": self._get_requests},
            "stats": {"GET": self._get_stats},
            "wait": {"GET": self._wait},
            "faults": {"GET": self._get_faults, "POST": self._set_faults, "DELETE": self._clear_faults},
            "state": {"POST": self._set_state},
            "generic": {"POST": self._set_generic},
        }

    async def handle(self, request: Request) -> Response:
        try:
            methods = self._routes.get(request.head.path.removeprefix("/_gateway/"))
            if methods is None:
                raise ControlError(404, f"no such path, use one of {', '.join(sorted(self._routes))}")
            handler = methods.get(request.head.method)
            if handler is None:
                raise ControlError(405, f"use {' or '.join(methods)}")
            return json_response(200, await handler(request))
        except ControlError as error:
            return json_response(error.status, {"error": str(error)})
        except (Malformed, RuleError) as error:
            return json_response(400, {"error": str(error)})

    async def _get_messages(self, request: Request) -> Any:
        query = _Query(request, "to", "since", "limit")
        since, limit = query.page()
        found = self._store.select(query.to, since, limit)
        return {"count": self._store.count(query.to), "messages": _show(found)}

    async def _reset(self, request: Request) -> Any:
        self._store.reset()
        self._faults.replace([])
        self._generic.reset()
        return {}

    async def _get_requests(self, request: Request) -> Any:
        query = _Query(request, "to", "since", "limit")
        since, limit = query.page()
        found = self._store.select_all(query.to, since, limit)
        return {"count": len(self._store.messages) + len(self._store.others), "requests": _show(found)}

    async def _get_stats(self, request: Request) -> Any:
        return self._store.stats()

    async def _wait(self, request: Request) -> Any:
        query = _Query(request, "to", "count", "timeout")
        count = query.whole("count", 1, 1, MAX_RECORDS)
        timeout = query.seconds("timeout", 10.0, MAX_WAIT)
        if not await self._store.wait(query.to, count, timeout):
            raise ControlError(408, f"{self._store.count(query.to)} of {count} messages after {timeout:g} s")
        newest = self._store.newest(query.to, min(count, MAX_WAIT_ANSWER))
        return {"count": self._store.count(query.to), "messages": _show(newest)}

    async def _get_faults(self, request: Request) -> Any:
        return {"faults": [rule.to_json() for rule in self._faults.rules]}

    async def _set_faults(self, request: Request) -> Any:
        self._faults.replace(parse_rules(decode_json(request.body)))
        return {"faults": len(self._faults.rules)}

    async def _clear_faults(self, request: Request) -> Any:
        self._faults.replace([])
        return {}

    async def _set_state(self, request: Request) -> Any:
        value = _object(decode_json(request.body))
        if "progress" in value:
            return self._set_progress(value)
        _check_keys(value, "sid", "status", "error_code", "error_message")
        message = self._store.find_any(value["sid"]) if isinstance(value.get("sid"), str) else None
        if message is None or message.channel not in STATES:
            raise ControlError(404, "no such text or call")
        status = value.get("status")
        _check_state(message.channel, status)
        for key in ("error_code", "error_message"):
            if value.get(key) is not None and not isinstance(value[key], str):
                raise ControlError(400, f"{key} must be text or null")
        message.status = status
        message.error_code = value.get("error_code")
        message.error_message = value.get("error_message")
        return {"sid": message.sid, "status": status}

    def _set_progress(self, value: dict[str, Any]) -> Any:
        """What look-ups of messages without a set state answer, one by one."""
        _check_keys(value, "channel", "progress")
        channel, steps = value.get("channel", "sms"), value["progress"]
        if not isinstance(channel, str) or channel not in DEFAULT_PROGRESS:
            raise ControlError(400, f"channel must be one of {', '.join(DEFAULT_PROGRESS)}")
        if not isinstance(steps, list) or not steps:
            raise ControlError(400, "progress must be a list of at least one state")
        for step in steps:
            _check_state(channel, step)
        self._store.progress[channel] = tuple(steps)
        return {"channel": channel, "progress": steps}

    async def _set_generic(self, request: Request) -> Any:
        value = _object(decode_json(request.body))
        _check_keys(value, "require", "answers")
        required = _object(value.get("require", {}))
        if not all(isinstance(item, str) for item in required.values()):
            raise ControlError(400, "require must have text values")
        answers = value.get("answers", [])
        if not isinstance(answers, list):
            raise ControlError(400, "answers must be a list")
        self._generic.answers = [_read_answer(answer) for answer in answers]
        self._generic.required = {name.lower(): item for name, item in required.items()}
        return {"require": self._generic.required, "answers": len(answers)}


def _read_answer(value: Any) -> Answer:
    answer = _object(value)
    _check_keys(answer, "path", "method", "status", "body")
    path, method, status, body = (answer.get(key) for key in ("path", "method", "status", "body"))
    if not (isinstance(path, str) and isinstance(method, str) and isinstance(body, str)):
        raise ControlError(400, "path, method and body of an answer must be text")
    if not (isinstance(status, int) and 200 <= status <= 599):
        raise ControlError(400, "status of an answer must be a number from 200 to 599")
    return Answer(path, method, status, body)


class _Query:
    """A control request's query, of which every name must be known."""

    def __init__(self, request: Request, *known: str) -> None:
        self._values = dict(decode_query(request.head.query))
        unknown = set(self._values) - set(known)
        if unknown:
            raise ControlError(400, f"unknown parameter {', '.join(sorted(unknown))}")

    @property
    def to(self) -> str | None:
        """A recipient; "+" may be written as it is, though that means a space."""
        value = self._values.get("to")
        return "+" + value[1:] if value is not None and value.startswith(" ") else value

    def page(self) -> tuple[int, int]:
        return self.whole("since", 0, 0, 1 << 62), self.whole("limit", DEFAULT_LIMIT, 1, 2 * MAX_RECORDS)

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        text = self._values.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
            raise ControlError(400, f"{name} must be a number from {low} to {high}")
        return int(text)

    def seconds(self, name: str, default: float, high: float) -> float:
        """A time; one beyond the bound is cut to it."""
        try:
            value = float(self._values.get(name, default))
        except ValueError:
            value = -1.0
        if not value >= 0:
            raise ControlError(400, f"{name} must be a number of seconds")
        return min(value, high)


def _show(records: list[Record]) -> list[dict[str, Any]]:
    return [record.to_json() for record in records]


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ControlError(400, "an object is expected")
    return value


def _check_keys(value: dict[str, Any], *known: str) -> None:
    unknown = set(value) - set(known)
    if unknown:
        raise ControlError(400, f"unknown key {', '.join(sorted(unknown))}")


def _check_state(channel: str, state: Any) -> None:
    if not isinstance(state, str) or state not in STATES[channel]:
        raise ControlError(400, f"a state of {channel} is one of {', '.join(sorted(STATES[channel]))}")
