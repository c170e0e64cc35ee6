"""One TCP connection: reads requests in turn, answers them, plays the faults."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
import traceback
from collections.abc import Coroutine
from typing import Any

from app import App
from exchange import Refusal, Verdict
from faults import Rule, Stage
from http1 import MAX_BODY, MAX_HEAD, BadRequest, Head, Parser, Request
from messages import render_error
from play import play, play_early
from store import Record

CONTROL_PREFIX = "/_gateway/"

# A client may pipeline; beyond one more request it has to wait.
_MAX_BUFFERED = MAX_HEAD + MAX_BODY

# How long a client may take to read a refusal that ends the connection.
_LINGER_SECONDS = 2.0

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def set_reset_on_close(sock: Any) -> None:
    """Makes the coming close() of `sock` send RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Connection(asyncio.Protocol):
    """A protocol rather than a pair of streams: an honest answer costs no task.

    Requests are handled one after the other. While one is being answered
    (`_busy`), further input is only collected, up to a bound. With
    `closed_to_provider`, that is the answer to all but the control API.
    """

    def __init__(self, app: App, number: int, closed_to_provider: BadRequest | None = None) -> None:
        self.was_made = False
        self._app = app
        self._number = number
        self._closed_to_provider = closed_to_provider
        self._loop = asyncio.get_running_loop()
        self._parser = Parser()
        self._head: Head | None = None
        self._now = 0.0
        self._busy = False
        self._in_flight = False
        self._discarding = False
        self._finished = False
        self._task: asyncio.Task[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.was_made = True
        self._app.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._app.connections.discard(self)
        self._app.store.gauges.connections_open -= 1
        self._finished = True
        self._end_flight()
        self._gone.set()
        self._writable.set()
        if self._task is not None:
            self._task.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._discarding:
            return
        self._now = time.time()
        self._parser.buffer += data
        if not self._busy:
            self._advance()
        elif len(self._parser.buffer) > _MAX_BUFFERED:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Whether to keep the connection: its client may still read an answer."""
        self._gone.set()
        is_tls = self._transport.get_extra_info("ssl_object") is not None
        return self._busy and not self._discarding and not is_tls

    def pause_writing(self) -> None:
        self._writable.clear()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._writable.set()
        self._transport.resume_reading()

    # What faults call (play.Peer), and the gateway when it stops

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def drain(self) -> None:
        await self._writable.wait()
        await asyncio.sleep(0)  # let others run, and a lost connection cancel us

    def reset(self) -> None:
        set_reset_on_close(self._transport.get_extra_info("socket"))
        self._transport.abort()

    def shut_write(self) -> None:
        self._transport.get_extra_info("socket").shutdown(socket.SHUT_WR)

    async def wait_gone(self, seconds: float) -> None:
        self._discarding = True
        try:
            await asyncio.wait_for(self._gone.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    def abort(self) -> None:
        self._transport.abort()

    # Requests

    def _advance(self) -> None:
        """Handles what is in the buffer, as far as it goes."""
        try:
            while not self._busy and not self._finished and self._step():
                pass
        except BadRequest as bad:
            self._reject(bad)

    def _step(self) -> bool:
        """Takes one request from the buffer; False if it is not all there yet."""
        head = self._head
        if head is None:
            head = self._parser.read_head()
            if head is None:
                return False
            self._head = head
            if not self._begin(head):
                return False
        body = self._parser.read_body(head)
        if body is None:
            return False
        self._head = None
        request = Request(head, body, self._now, self._number)
        if head.path.startswith(CONTROL_PREFIX):
            self._start(self._control(request))
        else:
            self._provide(request)
        return True

    def _begin(self, head: Head) -> bool:
        """A head has arrived; False if a fault strikes before its body is read."""
        if not head.path.startswith(CONTROL_PREFIX):
            if self._closed_to_provider is not None:
                raise self._closed_to_provider
            self._in_flight = True
            self._app.store.gauges.started()
            if Stage.HEAD in self._app.faults.stages:
                rule = self._app.faults.take(Stage.HEAD, head)
                if rule is not None:
                    self._record_early(head, rule)
                    self._start(play_early(self, rule.action))
                    return False
        if head.expects_continue and not self._parser.buffer:
            self._transport.write(_CONTINUE)
        return True

    def _provide(self, request: Request) -> None:
        """A provider's request: decide, record, then answer or play a fault."""
        app = self._app
        verdict = app.decide(request)
        rule = None
        if Stage.REQUEST in app.faults.stages:
            rule = app.faults.take(Stage.REQUEST, request.head, verdict.record.to)
        app.record(request, verdict.record, rule)
        keep_alive = request.head.keep_alive
        if rule is None:
            self._answer(verdict, keep_alive)
        elif rule.action.is_delay_only:
            self._busy = True
            self._timer = self._loop.call_later(rule.action.delay, self._answer_late, verdict, keep_alive)
        else:
            self._start(play(self, rule.action, verdict, keep_alive))

    async def _control(self, request: Request) -> bool:
        response = await self._app.control.handle(request)
        self._transport.write(response.encode(request.head.keep_alive))
        return request.head.keep_alive

    def _answer(self, verdict: Verdict, keep_alive: bool) -> None:
        self._transport.write(verdict.response.encode(keep_alive))
        self._end_request(keep_alive)

    def _answer_late(self, verdict: Verdict, keep_alive: bool) -> None:
        self._timer = None
        self._answer(verdict, keep_alive)
        self._advance()

    def _start(self, work: Coroutine[Any, Any, bool]) -> None:
        self._busy = True
        self._task = self._loop.create_task(work)
        self._task.add_done_callback(self._worked)

    def _worked(self, task: asyncio.Task[bool]) -> None:
        self._task = None
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            traceback.print_exception(error, file=sys.stderr)
        self._end_request(error is None and task.result())
        self._advance()

    def _end_request(self, keep_alive: bool) -> None:
        self._end_flight()
        self._busy = False
        if self._finished:
            return
        if not keep_alive or self._gone.is_set():
            self._finished = True
            self._transport.close()
        elif self._writable.is_set():
            self._transport.resume_reading()

    def _end_flight(self) -> None:
        if self._in_flight:
            self._in_flight = False
            self._app.store.gauges.in_flight -= 1

    def _record_early(self, head: Head, rule: Rule) -> None:
        record = Record(False, None, head=head, complete=False, received_at=self._now, connection=self._number)
        self._app.record_early(record, rule)

    def _reject(self, bad: BadRequest) -> None:
        """Answers what cannot be read, then lets the client read the answer.

        Closing at once, with input unread, would send RST, and that could
        destroy the answer on its way.
        """
        record = Record(
            False,
            f"malformed: {bad.reason}",
            head=self._head,
            complete=False,
            received_at=self._now,
            connection=self._number,
        )
        self._app.record_refused(record)
        self._end_flight()
        self._busy = self._discarding = self._finished = True
        response = render_error(Refusal(bad.status, str(bad.status), bad.reason))
        self._transport.write(response.encode(keep_alive=False))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._timer = self._loop.call_later(_LINGER_SECONDS, self._transport.close)
