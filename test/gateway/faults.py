"""Fault rules: which requests go wrong, and how.

Rules are tried in the order in which they were given; the first that matches a
request applies. They are checked when they are set, because a fault that
silently never fires makes a test pass for the wrong reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from http1 import Head

MAX_RULES = 1000
MAX_DELAY_MS = 120_000
MAX_HUGE = 1 << 30
MAX_HUGE_HEADERS = 1 << 24
HANG_SECONDS = 120.0


class Stage(Enum):
    """How much of a request is known when a fault strikes."""

    ACCEPT = "accept"  # a connection, nothing else
    HEAD = "head"  # method, path and headers
    REQUEST = "request"  # everything


class RuleError(ValueError):
    """The rule is not one; the text says why."""


@dataclass(slots=True, frozen=True)
class Action:
    """What happens instead of the honest answer.

    `kind` is the action's name in a rule, or "answer" when only the timing of
    the honest answer changes; `value` is its argument.
    """

    kind: str
    value: Any = None
    stage: Stage = Stage.REQUEST
    delay: float = 0.0
    drip: float = 0.0
    status: int = 400
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_honest(self) -> bool:
        return self.kind == "answer"

    @property
    def is_delay_only(self) -> bool:
        return self.is_honest and not self.drip

    def __str__(self) -> str:
        return self.kind if self.value in (None, True) else f"{self.kind} {self.value}"


@dataclass(slots=True)
class Rule:
    action: Action
    to: str | None = None
    path: str | None = None
    method: str | None = None
    times: int | None = None
    accept: bool = False
    hits: int = 0
    source: dict[str, Any] = field(default_factory=dict)

    def fits(self, head: Head | None, to: str | None) -> bool:
        return (
            (self.method is None or (head is not None and head.method == self.method))
            and (self.path is None or (head is not None and fnmatchcase(head.path, self.path)))
            and (self.to is None or (to is not None and fnmatchcase(to, self.to)))
        )

    def to_json(self) -> dict[str, Any]:
        return {**self.source, "hits": self.hits}


class Faults:
    """The rules in force. `stages` makes "none for this stage" a cheap test."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.stages: frozenset[Stage] = frozenset()

    def replace(self, rules: list[Rule]) -> None:
        self.rules = rules
        self.stages = frozenset(rule.action.stage for rule in rules)

    def take(self, stage: Stage, head: Head | None = None, to: str | None = None) -> Rule | None:
        """The rule that applies, which is used up once more by this."""
        for rule in self.rules:
            if rule.action.stage is stage and rule.fits(head, to):
                rule.hits += 1
                if rule.hits == rule.times:
                    self.replace([other for other in self.rules if other is not rule])
                return rule
        return None


def parse_rules(value: Any) -> list[Rule]:
    if not isinstance(value, list):
        raise RuleError("faults must be a list of rules")
    if len(value) > MAX_RULES:
        raise RuleError(f"more than {MAX_RULES} rules")
    rules = []
    for index, item in enumerate(value):
        try:
            rules.append(_parse_rule(item))
        except RuleError as error:
            raise RuleError(f"rule {index}: {error}") from None
    return rules


def _parse_rule(value: Any) -> Rule:
    rule = _object(value, "a rule", {"match", "times", "action", "accept"})
    match = _object(rule.get("match", {}), "match", {"to", "path", "method"})
    if not all(isinstance(pattern, str) for pattern in match.values()):
        raise RuleError("match must have text values")
    times = rule.get("times")
    if times is not None and not _is_int(times, 1, 1 << 31):
        raise RuleError("times must be a positive number")
    accept = rule.get("accept", False)
    if not isinstance(accept, bool):
        raise RuleError("accept must be true or false")
    action = _parse_action(rule.get("action"))
    known = {Stage.ACCEPT: set(), Stage.HEAD: {"path", "method"}, Stage.REQUEST: {"to", "path", "method"}}
    unknown = set(match) - known[action.stage]
    if unknown:
        raise RuleError(f"{action} happens before {', '.join(sorted(unknown))} can be known")
    if accept and action.stage is not Stage.REQUEST:
        raise RuleError(f"{action} happens before a message can be accepted")
    return Rule(action, times=times, accept=accept, source=rule, **match)


def _parse_action(value: Any) -> Action:
    action = dict(_object(value, "action", None))
    delay = _milliseconds(action, "delay_ms")
    drip = _milliseconds(action, "drip_ms")
    if "code" in action:
        parsed = _parse_code(action)
    elif "status" in action:
        parsed = _parse_status(action)
    elif not action and (delay or drip):
        parsed = {"kind": "answer"}
    elif len(action) == 1:
        parsed = _parse_single(*action.popitem())
    else:
        raise RuleError("action must be exactly one of: delay_ms, drip_ms, status, code, " + ", ".join(sorted(_SINGLE)))
    if drip and parsed["kind"] in _NO_DRIP:
        raise RuleError(f"{parsed['kind']} cannot drip")
    return Action(delay=delay, drip=drip, **parsed)


def _parse_status(action: dict[str, Any]) -> dict[str, Any]:
    _object(action, "a status action", {"status", "body", "headers"})
    body = action.get("body", "")
    headers = _object(action.get("headers", {}), "headers", None)
    if not _is_int(action["status"], 200, 599):
        raise RuleError("status must be a number from 200 to 599")
    if not isinstance(body, str):
        raise RuleError("body must be text")
    if not all(isinstance(v, str) and _is_header_safe(k + v) for k, v in headers.items()):
        raise RuleError("headers must have text values of printable Latin-1")
    return {"kind": "status", "value": action["status"], "message": body, "headers": headers}


def _parse_code(action: dict[str, Any]) -> dict[str, Any]:
    _object(action, "a code action", {"code", "status", "message"})
    message = action.get("message", f"Error {action['code']}")
    if not isinstance(action["code"], str) or not isinstance(message, str):
        raise RuleError("code and message must be text")
    if not _is_int(action.get("status", 400), 400, 599):
        raise RuleError("status must be a number from 400 to 599")
    return {"kind": "code", "value": action["code"], "status": action.get("status", 400), "message": message}


def _one_of(*choices: Any) -> Callable[[Any], bool]:
    return lambda value: any(value is choice or (isinstance(value, str) and value == choice) for choice in choices)


# Actions of one member: is its value one?
_SINGLE: dict[str, Callable[[Any], bool]] = {
    "hang": _one_of("accept", "before_read", "after_read"),
    "reset": _one_of("accept", "headers", "after_read", "mid_response"),
    "close": _one_of("after_read", "mid_response"),
    "garbage": _one_of(True, "json"),
    "huge": lambda value: _is_int(value, 1, MAX_HUGE),
    "huge_headers": lambda value: _is_int(value, 1, MAX_HUGE_HEADERS),
    "half_close": _one_of(True),
    "redirect": lambda value: isinstance(value, str) and _is_header_safe(value),
    "duplicate_content_length": _one_of(True),
}
_NO_DRIP = frozenset({"hang", "reset", "close", "half_close", "huge"})
_EARLY = {
    ("hang", "accept"): Stage.ACCEPT,
    ("reset", "accept"): Stage.ACCEPT,
    ("hang", "before_read"): Stage.HEAD,
    ("reset", "headers"): Stage.HEAD,
}


def _parse_single(kind: str, value: Any) -> dict[str, Any]:
    is_valid = _SINGLE.get(kind)
    if is_valid is None:
        raise RuleError(f'action "{kind}" is not known')
    if not is_valid(value):
        raise RuleError(f"{kind} cannot be {value!r}")
    return {"kind": kind, "value": value, "stage": _EARLY.get((kind, value), Stage.REQUEST)}


def _object(value: Any, what: str, known: set[str] | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RuleError(f"{what} must be an object")
    unknown = set(value) - known if known is not None else ()
    if unknown:
        raise RuleError(f"{what} cannot have {', '.join(sorted(unknown))}")
    return value


def _milliseconds(action: dict[str, Any], name: str) -> float:
    value = action.pop(name, 0)
    if not _is_int(value, 0, MAX_DELAY_MS):
        raise RuleError(f"{name} must be a number from 0 to {MAX_DELAY_MS}")
    return value / 1000


def _is_int(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_header_safe(text: str) -> bool:
    return all(" " <= char <= "~" or "\xa0" <= char <= "\xff" for char in text)
