"""/generic/…: a provider without a contract, for clients that bring their own.

Takes JSON, a form, XML or a query, and looks for the recipient and the text
under the names that providers commonly give them. Through the control API,
headers can be demanded, to play an API key, and answers be given, to play a
certain provider.
"""

from __future__ import annotations

import hmac
import re
import uuid
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from xml.etree import ElementTree

from exchange import BAD_ARGUMENT, Endpoint, Refusal, json_response
from forms import Malformed, check_depth, children, decode_form, decode_json, decode_query, fold_pairs
from http1 import JSON_TYPE, Request, Response
from messages import FORM_TYPE, render_error
from store import Record

_TO_NAMES = frozenset({"to", "recipient", "recipients", "destination", "destinations", "msisdn", "phone", "dst"})
_FROM_NAMES = frozenset({"from", "sender", "originator", "src", "source"})
_TEXT_NAMES = frozenset({"text", "body", "message", "content", "msg"})

XML_TYPE = "text/xml"
_JSON_TYPES = re.compile(r"application/(?:[\w.\-]+\+)?json")
_XML_TYPES = re.compile(r"(?:application|text)/(?:[\w.\-]+\+)?xml")


@dataclass(frozen=True)
class Answer:
    """What requests get whose path and method match; {id} in the body is the message's id."""

    path: str
    method: str
    status: int
    body: str

    def matches(self, request: Request) -> bool:
        return request.head.method == self.method and fnmatchcase(request.head.path, self.path)

    def render(self, sid: str) -> Response:
        content_type = XML_TYPE if self.body.startswith("<") else JSON_TYPE
        return Response(self.status, self.body.replace("{id}", sid).encode("utf-8"), content_type)


class Generic:
    """The endpoint, the headers it demands at the moment, and the answers it gives."""

    def __init__(self) -> None:
        self.required: dict[str, str] = {}
        self.answers: list[Answer] = []
        self._endpoint = Endpoint("generic", self._take, render_error)

    def reset(self) -> None:
        self.required = {}
        self.answers = []

    def route(self, path: str) -> Endpoint | None:
        return self._endpoint if path.startswith("/generic/") else None

    def _take(self, request: Request, record: Record) -> Response:
        query = fold_pairs(decode_query(request.head.query))
        body = _decode_body(request) if request.body else None
        record.fields = query if body is None else body
        sources = [source for source in (body, query) if source]
        record.to = _find(sources, _TO_NAMES)
        record.sender = _find(sources, _FROM_NAMES)
        record.text = _find(sources, _TEXT_NAMES)
        self._check_headers(request)
        answer = next((answer for answer in self.answers if answer.matches(request)), None)
        if answer is not None:
            record.sid = str(uuid.uuid4())
            return answer.render(record.sid)
        if not sources:
            raise Refusal(400, BAD_ARGUMENT, "neither a body nor a query")
        record.sid = str(uuid.uuid4())
        return json_response(200, {"messages": [{"id": record.sid}]})

    def _check_headers(self, request: Request) -> None:
        for name, value in self.required.items():
            given = request.head.headers.get(name, "")
            if not hmac.compare_digest(given.encode("latin-1"), value.encode("utf-8")):
                raise Refusal(401, "20003", f"header {name} is missing or wrong")


def _decode_body(request: Request) -> Any:
    media_type = request.head.media_type
    if media_type == FORM_TYPE:
        return fold_pairs(decode_form(request.body))
    if _JSON_TYPES.fullmatch(media_type):
        return decode_json(request.body)
    if _XML_TYPES.fullmatch(media_type):
        return _decode_xml(request.body)
    raise Refusal(415, BAD_ARGUMENT, f'content type must be JSON, XML or a form, not "{media_type}"')


def _decode_xml(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8")
        if "<!DOCTYPE" in text or "\0" in text:  # entities could expand without bound
            raise Malformed("the XML has a document type declaration or a NUL")
        root = ElementTree.fromstring(text)
        return check_depth({_local_name(root.tag): _element_value(root)})
    except UnicodeDecodeError:
        raise Malformed("the body is not UTF-8") from None
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except ElementTree.ParseError as error:
        raise Malformed(f"the body is not XML: {error}") from None


def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _element_value(element: ElementTree.Element) -> Any:
    """A leaf's text, or its attributes and children as a dictionary."""
    pairs = [(_local_name(name), value) for name, value in element.attrib.items()]
    pairs += [(_local_name(child.tag), _element_value(child)) for child in element]
    if not pairs:
        return element.text or ""
    if element.text and element.text.strip():
        pairs.append(("text", element.text))
    return fold_pairs(pairs)


def _find(value: Any, names: frozenset[str]) -> str | None:
    """The first text under one of `names`, at any depth, outermost first."""
    level = [value]
    while level:
        for node in level:
            if isinstance(node, dict):
                for key, item in node.items():
                    if key.lower() in names and (text := _scalar(item)) is not None:
                        return text
        level = [child for node in level for child in children(node)]
    return None


def _scalar(value: Any) -> str | None:
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None
