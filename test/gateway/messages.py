"""SignalWire's compatibility API for texts: send, look up, erase.

POST /api/laml/2010-04-01/Accounts/{project}/Messages          send
GET  /api/laml/2010-04-01/Accounts/{project}/Messages/{sid}    state
POST /api/laml/2010-04-01/Accounts/{project}/Messages/{sid}    erase (Body=)

A field that the provider does not know is refused rather than ignored: that is
how a misspelt option shows in a test.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from account import Account
from exchange import BAD_ARGUMENT, Endpoint, Refusal, json_response, require_method, require_type
from forms import Pairs, decode_form, fold_pairs
from http1 import Request, Response
from phone import count_segments, is_e164, is_sender
from store import Record, Store

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_TEXT = 1600
MAX_MEDIA = 10
MAX_VALIDITY = 172_800

_BASE = "/api/laml/2010-04-01/Accounts/"
_PATH = re.compile(re.escape(_BASE) + r"([^/]+)/Messages(?:/([^/.]+))?(?:\.json)?")
_URL = re.compile(r"https?://[^\s/]+(?:/\S*)?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PRICE = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")


def _is_validity(value: str) -> bool:
    return re.fullmatch(r"[0-9]{1,6}", value) is not None and 1 <= int(value) <= MAX_VALIDITY


def _is_boolean(value: str) -> bool:
    return value in ("true", "false")


def _is_url(value: str) -> bool:
    return len(value) <= 2048 and _URL.fullmatch(value) is not None


def _is_uuid(value: str) -> bool:
    return _UUID.fullmatch(value) is not None


# Fields with a check of their own are below; these need no more than a form.
_SIMPLE_FIELDS: dict[str, tuple[Callable[[str], bool], str]] = {
    "ApplicationSid": (_is_uuid, "a UUID"),
    "MaxPrice": (lambda value: _PRICE.fullmatch(value) is not None, "a price in USD"),
    "MediaUrl": (_is_url, "an http or https URL"),
    "MessagingServiceSid": (lambda value: 0 < len(value) <= 64 and value.isascii(), "an id"),
    "SendAsMms": (_is_boolean, "true or false"),
    "SmartEncoded": (_is_boolean, "true or false"),
    "StatusCallback": (_is_url, "an http or https URL"),
    "ValidityPeriod": (_is_validity, f"a number of seconds from 1 to {MAX_VALIDITY}"),
}
_FIELDS = frozenset(_SIMPLE_FIELDS) | {"To", "From", "Body"}


def render_error(refusal: Refusal) -> Response:
    """An error as the compatibility API writes it."""
    body = {
        "code": refusal.code,
        "message": refusal.message,
        "more_info": f"https://developer.signalwire.com/compatibility-api/errors#{refusal.code}",
        "status": refusal.status,
    }
    return json_response(refusal.status, body, refusal.headers)


class Messages:
    """Endpoints under /api/laml/…/Messages."""

    def __init__(self, account: Account, store: Store) -> None:
        self._account = account
        self._store = store
        self._collection = Endpoint("sms", self._send, render_error)
        self._item = Endpoint("lookup", self._look_up_or_erase, render_error)

    def route(self, path: str) -> Endpoint | None:
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        return self._item if match[2] else self._collection

    def _enter(self, request: Request) -> str | None:
        """Checks whose account the path is in; returns the sid in it."""
        self._account.authenticate(request)
        match = _PATH.fullmatch(request.head.path)
        assert match is not None
        if match[1] != self._account.project:
            raise Refusal(404, "20404", "The account in the path was not found")
        return match[2]

    def _send(self, request: Request, record: Record) -> Response:
        require_method(request, "POST")
        self._enter(request)
        require_type(request, FORM_TYPE)
        pairs = decode_form(request.body)
        fields = fold_pairs(pairs)
        record.fields = fields
        record.to = _text_or_none(fields.get("To"))
        record.text = _text_or_none(fields.get("Body"))
        record.sender = _text_or_none(fields.get("From", fields.get("MessagingServiceSid")))
        _check_names(fields)
        _check_values(pairs)
        _check_parties(fields)
        _check_body(fields)
        record.sid = str(uuid.uuid4())
        return json_response(201, self._describe(record, "queued"))

    def _look_up_or_erase(self, request: Request, record: Record) -> Response:
        require_method(request, "GET", "POST")
        sid = self._enter(request)
        assert sid is not None
        record.sid = sid
        message = self._store.find(sid, "sms")
        if message is None:
            raise Refusal(404, "20404", f"The message {sid} was not found")
        record.to = message.to
        if request.head.method == "GET":
            return json_response(200, self._describe(message, self._store.look_up(message)))
        record.channel = "erase"
        require_type(request, FORM_TYPE)
        if decode_form(request.body) != [("Body", "")]:
            raise Refusal(400, BAD_ARGUMENT, "The only change to a message is an empty Body")
        message.erased = True
        return json_response(200, self._describe(message, message.status or "sent"))

    def _describe(self, message: Record, status: str) -> dict[str, Any]:
        now = formatdate(usegmt=True).replace("GMT", "+0000")
        media = message.fields.get("MediaUrl", [])
        return {
            "account_sid": self._account.project,
            "api_version": "2010-04-01",
            "body": "" if message.erased else message.text,
            "date_created": now,
            "date_sent": None,
            "date_updated": now,
            "direction": "outbound-api",
            "error_code": message.error_code,
            "error_message": message.error_message,
            "from": message.sender,
            "num_media": len(media) if isinstance(media, list) else 1,
            "num_segments": count_segments(message.text or ""),
            "price": None,
            "price_unit": "USD",
            "sid": message.sid,
            "status": status,
            "to": message.to,
            "uri": f"{_BASE}{self._account.project}/Messages/{message.sid}.json",
        }


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _check_names(fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name not in _FIELDS:
            raise Refusal(400, BAD_ARGUMENT, f'The parameter "{name}" is not known')
        if isinstance(value, list) and name != "MediaUrl":
            raise Refusal(400, BAD_ARGUMENT, f"The parameter {name} is given more than once")
        if isinstance(value, list) and len(value) > MAX_MEDIA:
            raise Refusal(400, BAD_ARGUMENT, f"MediaUrl is given more than {MAX_MEDIA} times")


def _check_values(pairs: Pairs) -> None:
    for name, value in pairs:
        simple = _SIMPLE_FIELDS.get(name)
        if simple is not None and not simple[0](value):
            raise Refusal(400, BAD_ARGUMENT, f'{name} must be {simple[1]}, not "{value}"')


def _check_parties(fields: dict[str, Any]) -> None:
    to, sender = fields.get("To"), fields.get("From")
    if not to:
        raise Refusal(400, "21604", "A 'To' phone number is required")
    if not is_e164(to):
        raise Refusal(400, "21211", f"The 'To' number {to} is not a valid phone number")
    if sender is not None and "MessagingServiceSid" in fields:
        raise Refusal(400, BAD_ARGUMENT, "Give From or MessagingServiceSid, not both")
    if not sender and "MessagingServiceSid" not in fields:
        raise Refusal(400, "21603", "A 'From' phone number is required")
    if sender is not None and not is_sender(sender):
        raise Refusal(400, "21212", f"The 'From' number {sender} is not a valid phone number")


def _check_body(fields: dict[str, Any]) -> None:
    body = fields.get("Body", "")
    if not body and "MediaUrl" not in fields:
        raise Refusal(400, "21602", "Message body is required")
    if len(body) > MAX_TEXT:
        raise Refusal(400, "21617", f"The message body exceeds the {MAX_TEXT} character limit")
