"""SignalWire's Calling API: dial a number and speak a SWML document to it.

POST /api/calling/calls                                       dial
GET  /api/laml/2010-04-01/Accounts/{project}/Calls/{sid}      state

Keys that the API does not know are refused at every level, as in `messages`.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timezone
from typing import Any

from account import Account
from exchange import Endpoint, Refusal, json_response, require_method, require_type
from forms import decode_json
from http1 import JSON_TYPE, Request, Response
from phone import is_e164
from store import Record, Store

_DIAL_PATH = "/api/calling/calls"
_LOOK_UP_PATH = re.compile(r"/api/laml/2010-04-01/Accounts/[^/]+/Calls/[^/]+?(?:\.json)?")
_HTTP_URL = re.compile(r"https?://[^\s/]+(?:/\S*)?")
_SILENCE = re.compile(r"silence:[0-9]{1,3}(?:\.[0-9]{1,3})?")
_RING = re.compile(r"ring:(?:[0-9]{1,3}(?:\.[0-9]{1,3})?:)?[a-z]{2}")

_REQUIRED_PARAMS = frozenset({"from", "to"})
_OPTIONAL_PARAMS = frozenset({"caller_id", "fallback_url", "status_events", "status_url", "swml", "timeout", "url"})
_PLAY_STRINGS = ("say_language", "say_voice", "say_gender", "status_url")
_PLAY_KEYS = frozenset({"url", "urls", "volume", "auto_answer", *_PLAY_STRINGS})
_STATUS_EVENTS = frozenset({"answered", "queued", "initiated", "ringing", "ending", "ended"})


def render_error(refusal: Refusal) -> Response:
    """An error as the Calling API writes it."""
    error = {
        "type": "authentication_error" if refusal.status == 401 else "validation_error",
        "code": refusal.code,
        "message": refusal.message,
        "attribute": refusal.attribute,
        "url": "https://developer.signalwire.com/rest/overview/error-codes",
    }
    return json_response(refusal.status, {"errors": [error]}, refusal.headers)


class Calls:
    """Dialling, and the states of calls, which LaML tells."""

    def __init__(self, account: Account, store: Store) -> None:
        self._account = account
        self._store = store
        self._collection = Endpoint("voice", self._dial, render_error)
        self._item = Endpoint("lookup", self._look_up, render_error)

    def route(self, path: str) -> Endpoint | None:
        if path == _DIAL_PATH:
            return self._collection
        return self._item if _LOOK_UP_PATH.fullmatch(path) else None

    def _dial(self, request: Request, record: Record) -> Response:
        require_method(request, "POST")
        self._account.authenticate(request)
        require_type(request, JSON_TYPE)
        document = decode_json(request.body)
        record.fields = document
        _note_parties(document, record)
        _check_command(document)
        record.text = _check_params(document["params"])
        record.sid = str(uuid.uuid4())
        return json_response(200, _describe(record, "queued"))

    def _look_up(self, request: Request, record: Record) -> Response:
        require_method(request, "GET")
        self._account.authenticate(request)
        record.sid = request.head.path.rpartition("/")[2].removesuffix(".json")
        call = self._store.find(record.sid, "voice")
        if call is None:
            raise Refusal(404, "not_found", f"The call {record.sid} was not found", attribute="id")
        record.to = call.to
        return json_response(200, _describe(call, self._store.look_up(call)))


def _describe(call: Record, status: str) -> dict[str, Any]:
    return {
        "id": call.sid,
        "from": call.sender,
        "to": call.to,
        "direction": "outbound-api",
        "status": status,
        "error_code": call.error_code,
        "error_message": call.error_message,
        "duration_ms": 0,
        "type": "relay_pstn_call",
        "created_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _note_parties(document: Any, record: Record) -> None:
    params = document.get("params") if isinstance(document, dict) else None
    if isinstance(params, dict):
        to, sender = params.get("to"), params.get("from")
        record.to = to if isinstance(to, str) else None
        record.sender = sender if isinstance(sender, str) else None


def _invalid(attribute: str, message: str) -> Refusal:
    return Refusal(422, "invalid_parameter", f"{attribute} {message}", attribute=attribute)


def _missing(attribute: str) -> Refusal:
    return Refusal(422, "missing_required_parameter", f"{attribute} is required", attribute=attribute)


def _check_object(value: Any, where: str, required: frozenset[str], optional: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid(where, "must be an object")
    for key in value:
        if key not in required and key not in optional:
            name = key if where == "body" else f"{where}.{key}"
            raise Refusal(422, "unexpected_parameter", f"{name} is not known", attribute=name)
    for key in sorted(required):
        if key not in value:
            raise _missing(key if where == "body" else f"{where}.{key}")
    return value


def _check_command(document: Any) -> None:
    _check_object(document, "body", frozenset({"command", "params"}), frozenset())
    if document["command"] != "dial":
        raise _invalid("command", 'must be "dial"')


def _check_params(value: Any) -> str | None:
    """Checks the parameters of dial; returns what will be said."""
    params = _check_object(value, "params", _REQUIRED_PARAMS, _OPTIONAL_PARAMS)
    for key in ("to", "from", "caller_id"):
        if key in params and not is_e164(params[key]):
            raise _invalid(f"params.{key}", "must be a phone number in E.164 format")
    for key in ("url", "status_url", "fallback_url"):
        if key in params and not _is_http_url(params[key]):
            raise _invalid(f"params.{key}", "must be an http or https URL")
    if "timeout" in params and not _is_number(params["timeout"], 1, 600):
        raise _invalid("params.timeout", "must be a number of seconds from 1 to 600")
    events = params.get("status_events", [])
    if not isinstance(events, list) or not all(isinstance(e, str) and e in _STATUS_EVENTS for e in events):
        raise _invalid("params.status_events", f"must be a list of {', '.join(sorted(_STATUS_EVENTS))}")
    if ("swml" in params) == ("url" in params):
        raise _missing("params.swml") if "swml" not in params else _invalid("params.url", "excludes swml")
    return _check_swml(params["swml"]) if "swml" in params else None


def _check_swml(value: Any) -> str | None:
    where = "params.swml"
    swml = _check_object(value, where, frozenset({"version", "sections"}), frozenset())
    if swml["version"] != "1.0.0":
        raise _invalid(f"{where}.version", 'must be "1.0.0"')
    where += ".sections"
    main = _check_object(swml["sections"], where, frozenset({"main"}), frozenset())["main"]
    where += ".main"
    if not isinstance(main, list) or not main:
        raise _invalid(where, "must be a list of at least one step")
    said: list[str] = []
    for index, step in enumerate(main):
        said += _check_step(step, f"{where}[{index}]")
    return " ".join(said) if said else None


def _check_step(step: Any, where: str) -> list[str]:
    """Checks one SWML step; returns the texts that it speaks."""
    if step in ("answer", "hangup"):
        return []
    if not isinstance(step, dict) or len(step) != 1:
        raise _invalid(where, "must be one SWML method")
    (verb, argument), = step.items()
    where += f".{verb}"
    if verb == "play":
        return _check_play(argument, where)
    if verb == "sleep":
        duration = argument.get("duration") if isinstance(argument, dict) and len(argument) == 1 else argument
        if not _is_number(duration, 1, 600_000):
            raise _invalid(where, "must be a number of milliseconds")
    elif verb == "answer":
        _check_object(argument, where, frozenset(), frozenset({"max_duration"}))
    elif verb == "hangup":
        _check_object(argument, where, frozenset(), frozenset({"reason"}))
    else:
        raise Refusal(422, "unexpected_parameter", f"{where} is not known", attribute=where)
    return []


def _check_play(value: Any, where: str) -> list[str]:
    play = _check_object(value, where, frozenset(), _PLAY_KEYS)
    if ("url" in play) == ("urls" in play):
        raise _invalid(where, "must have either url or urls")
    urls = [play["url"]] if "url" in play else play["urls"]
    if not isinstance(urls, list) or not urls:
        raise _invalid(f"{where}.urls", "must be a list of at least one URL")
    for url in urls:
        if not _is_playable(url):
            raise _invalid(where, "has a URL that is not say:, silence:, ring:, http: or https:")
    for key in _PLAY_STRINGS:
        if key in play and not (isinstance(play[key], str) and play[key]):
            raise _invalid(f"{where}.{key}", "must be text")
    if "volume" in play and not _is_number(play["volume"], -40, 40):
        raise _invalid(f"{where}.volume", "must be a number from -40 to 40")
    if not isinstance(play.get("auto_answer", True), bool):
        raise _invalid(f"{where}.auto_answer", "must be true or false")
    return [url.removeprefix("say:") for url in urls if url.startswith("say:")]


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _is_http_url(value: Any) -> bool:
    return isinstance(value, str) and _HTTP_URL.fullmatch(value) is not None


def _is_playable(url: Any) -> bool:
    if not isinstance(url, str):
        return False
    if url.startswith("say:"):
        return url.removeprefix("say:").strip() != ""
    return any(pattern.fullmatch(url) for pattern in (_SILENCE, _RING, _HTTP_URL))
