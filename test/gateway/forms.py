"""Decoding of what clients put into bodies and queries, strictly.

The standard library's decoders forgive ("%zz" stays, bad UTF-8 becomes U+FFFD,
a repeated JSON key silently wins). A provider may not, so neither does this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

MAX_DEPTH = 32

Pairs = list[tuple[str, str]]


class Malformed(ValueError):
    """The input is not what its content type says; the text says why."""


def decode_form(raw: bytes) -> Pairs:
    """The (name, value) pairs of an application/x-www-form-urlencoded body."""
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("the form has bytes outside ASCII that are not percent-encoded") from None
    return decode_query(text)


def decode_query(text: str) -> Pairs:
    if not text:
        return []
    if _BAD_ESCAPE.search(text):
        raise Malformed("the form has a malformed percent-encoding")
    pairs: Pairs = []
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise Malformed("the form has a field without a name or without =")
        pairs.append((_decode_text(name), _decode_text(value)))
    return pairs


def _decode_text(text: str) -> str:
    if "%" not in text:
        text = text.replace("+", " ")
    else:
        try:
            text = unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("the form has a value that is not UTF-8") from None
    if "\0" in text:
        raise Malformed("the form has a NUL character")
    return text


def fold_pairs(pairs: Pairs) -> dict[str, Any]:
    """Pairs as a dictionary; a name given more than once has a list."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields


def decode_json(raw: bytes) -> Any:
    """Any JSON value, without repeated keys, NaN, NUL or lone surrogates."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique_object, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except Malformed:
        raise
    except UnicodeError:
        raise Malformed("the body is not UTF-8, or has half of a surrogate pair") from None
    except RecursionError:
        raise Malformed("the body is nested too deeply") from None
    except ValueError as error:  # not JSON, or a number beyond all bounds
        raise Malformed(f"the body is not JSON: {error}") from None
    if _ESCAPED_NUL.search(text):
        raise Malformed("the body has a NUL character")
    return check_depth(value)


def check_depth(value: Any) -> Any:
    """Refuses a value so deep that showing it again could exhaust the stack."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in children(node)]
        if not level:
            return value
    raise Malformed("the body is nested too deeply")


def children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Malformed("an object in the body has the same key twice")
    return value


def _no_constant(name: str) -> NoReturn:
    raise Malformed(f"the body has {name}, which is not JSON")
