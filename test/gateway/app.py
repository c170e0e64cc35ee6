"""The gateway's parts, put together: who answers which path, what is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from account import Account
from calls import Calls
from control import Control
from exchange import BAD_ARGUMENT, Endpoint, Refusal, Verdict
from faults import Faults, Rule
from forms import Malformed
from generic import Generic
from http1 import Request, Response
from messages import Messages, render_error
from store import Record, Store

if TYPE_CHECKING:
    from connection import Connection


class App:
    """One gateway: its state, without its sockets."""

    def __init__(self, account: Account) -> None:
        self.store = Store()
        self.faults = Faults()
        self.generic = Generic()
        self.control = Control(self.store, self.faults, self.generic)
        self.connections: set[Connection] = set()
        self._routers = (Messages(account, self.store), Calls(account, self.store), self.generic)

    def decide(self, request: Request) -> Verdict:
        """What the provider would answer, if no fault got in the way."""
        endpoint = self._route(request.head.path)
        record = Record(True, None, endpoint.channel)
        try:
            response = endpoint.handle(request, record)
        except Refusal as refusal:
            response = _refuse(endpoint, record, refusal)
        except Malformed as malformed:
            response = _refuse(endpoint, record, Refusal(400, BAD_ARGUMENT, str(malformed)))
        return Verdict(response, record, endpoint)

    def _route(self, path: str) -> Endpoint:
        for router in self._routers:
            endpoint = router.route(path)
            if endpoint is not None:
                return endpoint
        return _NOWHERE

    def record(self, request: Request, record: Record, rule: Rule | None) -> None:
        """Keeps the record of a request that was read to its end."""
        record.head = request.head
        record.received_at = request.received_at
        record.connection = request.connection
        counters = self.store.counters
        counters.requests_read += 1
        if rule is not None and not rule.action.is_honest:
            if not (rule.accept and record.accepted):
                record.accepted = False
            record.reason = f"fault: {rule.action}"
            counters.faulted += 1
        elif not record.accepted:
            counters.refused += 1
        self.store.add(record)

    def record_early(self, record: Record, rule: Rule) -> None:
        """Keeps the record of a request that a fault struck before its end."""
        record.reason = f"fault: {rule.action}"
        self.store.counters.faulted += 1
        self.store.add(record)

    def record_refused(self, record: Record) -> None:
        """Keeps the record of a request that could not be read."""
        self.store.counters.refused += 1
        self.store.add(record)


def _refuse(endpoint: Endpoint, record: Record, refusal: Refusal) -> Response:
    record.accepted = False
    record.reason = refusal.reason
    return endpoint.render(refusal)


def _not_found(request: Request, record: Record) -> Response:
    raise Refusal(404, "20404", f"The path {request.head.path} was not found")


_NOWHERE = Endpoint("unknown", _not_found, render_error)
