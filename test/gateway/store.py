"""The record of what arrived: what tests ask about afterwards.

Two bounded lists: accepted messages, and everything else (refused requests,
faulted ones, look-ups). When a list is full its oldest entry goes.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from http1 import Head

MAX_RECORDS = 200_000

MESSAGE_CHANNELS = ("sms", "voice", "generic")

# What a look-up answers, one step further each time, until the state is set.
DEFAULT_PROGRESS = {
    "sms": ("queued", "sent", "delivered"),
    "voice": ("queued", "in-progress", "completed"),
}


@dataclass(slots=True)
class Record:
    """One request as it was understood. `fields` holds it as it was sent."""

    accepted: bool
    reason: str | None
    channel: str | None = None
    sid: str | None = None
    to: str | None = None
    sender: str | None = None
    text: str | None = None
    fields: Any = None
    # Filled in by the connection:
    head: Head | None = None
    complete: bool = True
    received_at: float = 0.0
    connection: int = 0
    n: int = 0
    # State that look-ups report:
    lookups: int = 0
    status: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    erased: bool = False

    def to_json(self) -> dict[str, Any]:
        head = self.head
        return {
            "n": self.n,
            "sid": self.sid,
            "channel": self.channel,
            "to": self.to,
            "from": self.sender,
            "text": self.text,
            "fields": self.fields,
            "path": head.path if head else None,
            "query": head.query if head else None,
            "method": head.method if head else None,
            "headers": head.headers if head else {},
            "received_at": self.received_at,
            "connection": self.connection,
            "complete": self.complete,
            "accepted": self.accepted,
            "reason": self.reason,
            "erased": self.erased,
        }


@dataclass(slots=True)
class Counters:
    """Running totals since the last reset; gauges survive a reset."""

    requests_read: int = 0
    refused: int = 0
    faulted: int = 0
    lookups: int = 0
    evicted: int = 0
    accepted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MESSAGE_CHANNELS, 0))


@dataclass(slots=True)
class Gauges:
    """What is going on now, and the most that went on at once."""

    connections_open: int = 0
    connections_max: int = 0
    connections_total: int = 0
    in_flight: int = 0
    in_flight_max: int = 0

    def connected(self) -> int:
        """Counts a connection and gives it its number."""
        self.connections_total += 1
        self.connections_open += 1
        self.connections_max = max(self.connections_max, self.connections_open)
        return self.connections_total

    def started(self) -> None:
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)

    def restart_maxima(self) -> None:
        self.connections_max = self.connections_open
        self.in_flight_max = self.in_flight


@dataclass(slots=True, eq=False)
class _Waiter:
    to: str | None
    count: int
    done: asyncio.Future[None]


class Store:
    """Everything that is remembered. One per gateway, used from its loop only."""

    def __init__(self, limit: int = MAX_RECORDS) -> None:
        self._limit = limit
        self._waiters: list[_Waiter] = []
        self.gauges = Gauges()
        self.started_at = time.time()
        self._clear()

    def _clear(self) -> None:
        self._sequence = 0
        self.messages: deque[Record] = deque()
        self.others: deque[Record] = deque()
        self.counters = Counters()
        self.progress = dict(DEFAULT_PROGRESS)
        self._by_recipient: dict[str, list[Record]] = {}
        self._by_sid: dict[str, Record] = {}

    def reset(self) -> None:
        """Forgets everything but the connections that are open."""
        self._clear()
        self.gauges.restart_maxima()

    def add(self, record: Record) -> None:
        self._sequence += 1
        record.n = self._sequence
        if record.accepted and record.channel in self.counters.accepted:
            self._add_message(record)
        else:
            self._add_other(record)

    def _add_message(self, record: Record) -> None:
        if len(self.messages) >= self._limit:
            self._evict()
        self.messages.append(record)
        self.counters.accepted[record.channel] += 1
        if record.to is not None:
            self._by_recipient.setdefault(record.to, []).append(record)
        if record.sid is not None:
            self._by_sid[record.sid] = record
        if self._waiters:
            self._wake()

    def _add_other(self, record: Record) -> None:
        if len(self.others) >= self._limit:
            self.others.popleft()
            self.counters.evicted += 1
        self.others.append(record)

    def _evict(self) -> None:
        oldest = self.messages.popleft()
        self.counters.evicted += 1
        if oldest.sid is not None:
            self._by_sid.pop(oldest.sid, None)
        if oldest.to is not None:
            same = self._by_recipient[oldest.to]
            del same[0]
            if not same:
                del self._by_recipient[oldest.to]

    def find(self, sid: str, channel: str) -> Record | None:
        record = self._by_sid.get(sid)
        return record if record is not None and record.channel == channel else None

    def find_any(self, sid: str) -> Record | None:
        return self._by_sid.get(sid)

    def look_up(self, record: Record) -> str:
        """The message's state for a provider's answer; moves it one step on."""
        self.counters.lookups += 1
        if record.status is not None:
            return record.status
        steps = self.progress[record.channel]
        status = steps[min(record.lookups, len(steps) - 1)]
        record.lookups += 1
        return status

    def count(self, to: str | None = None) -> int:
        return len(self.messages) if to is None else len(self._by_recipient.get(to, ()))

    def select(self, to: str | None, since: int, limit: int) -> list[Record]:
        """Accepted messages later than number `since`, oldest first."""
        source = self.messages if to is None else self._by_recipient.get(to, [])
        return list(islice((r for r in source if r.n > since), limit))

    def newest(self, to: str | None, limit: int) -> list[Record]:
        source = self.messages if to is None else self._by_recipient.get(to, [])
        return list(islice(reversed(source), limit))[::-1]

    def select_all(self, to: str | None, since: int, limit: int) -> list[Record]:
        """Accepted or not, in the order of arrival."""
        merged = heapq.merge(self.messages, self.others, key=lambda record: record.n)
        return list(islice((r for r in merged if r.n > since and to in (None, r.to)), limit))

    async def wait(self, to: str | None, count: int, timeout: float) -> bool:
        """Whether `count` messages are there before `timeout` seconds pass."""
        if self.count(to) >= count:
            return True
        waiter = _Waiter(to, count, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            await asyncio.wait_for(waiter.done, timeout)
            return True
        except asyncio.TimeoutError:
            return False
        finally:
            self._waiters.remove(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done.done() and self.count(waiter.to) >= waiter.count:
                waiter.done.set_result(None)

    def stats(self) -> dict[str, Any]:
        counters, gauges = self.counters, self.gauges
        return {
            "accepted": sum(counters.accepted.values()),
            "accepted_by_channel": dict(counters.accepted),
            "refused": counters.refused,
            "faulted": counters.faulted,
            "lookups": counters.lookups,
            "requests_read": counters.requests_read,
            "stored": len(self.messages),
            "evicted": counters.evicted,
            "connections_open": gauges.connections_open,
            "connections_max": gauges.connections_max,
            "connections_total": gauges.connections_total,
            "in_flight": gauges.in_flight,
            "in_flight_max": gauges.in_flight_max,
            "uptime": time.time() - self.started_at,
        }
