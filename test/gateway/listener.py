"""The listening socket: accepts connections, and plays the faults of accepting.

A fault at accept must not hit the control API, which shares the port. So while
such a rule is in force, the listener looks at a connection's first bytes
without taking them (MSG_PEEK), and only then decides. The client cannot tell
the difference: its kernel completed the connection long before.

With a certificate, TLS is for the provider's paths. The control API is there
over plain HTTP too, on the same port: a TLS handshake starts with byte 0x16,
which no HTTP request does.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time

from app import App
from connection import Connection, set_reset_on_close
from faults import HANG_SECONDS, Stage
from http1 import BadRequest
from store import Record

MAX_CONNECTIONS = 4096
BACKLOG = 4096

# Beyond the limit these few still reach the control API, to find out or to end it.
SPARE_CONNECTIONS = 32

_ACCEPTS_AT_ONCE = 64
_HANDSHAKE_SECONDS = 10.0
_SILENCE_SECONDS = 60.0

# A client that is to be cut off at accept, and has not said a word till then, is.
_DECIDE_SECONDS = 1.0
_PEEK_AGAIN_SECONDS = 0.005

_TLS_HANDSHAKE = b"\x16"
_CONTROL_START = re.compile(rb"[A-Z]+ /_gateway/")
_CONTROL_MAX_START = len(b"OPTIONS /_gateway/")


class Listener:
    def __init__(self, app: App, host: str, port: int, tls: ssl.SSLContext | None, limit: int) -> None:
        self._app = app
        self._tls = tls
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._greetings: set[asyncio.Task[None]] = set()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._accept)

    @property
    def port(self) -> int:
        return self._socket.getsockname()[1]

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for greeting in self._greetings:
            greeting.cancel()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                peer, _address = self._socket.accept()
            except OSError:  # nobody there, or already gone again
                return
            if self._app.store.gauges.connections_open >= self._limit + SPARE_CONNECTIONS:
                peer.close()
                continue
            peer.setblocking(False)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = self._app.store.gauges.connected()
            greeting = self._loop.create_task(self._greet(peer, number))
            self._greetings.add(greeting)
            greeting.add_done_callback(self._greetings.discard)

    async def _greet(self, peer: socket.socket, number: int) -> None:
        """Spoils a connection, or hands it over to the protocol."""
        connection: Connection | None = None
        try:
            secure = False
            if self._tls is not None or Stage.ACCEPT in self._app.faults.stages:
                start = await self._peek(peer)
                if await self._spoil(peer, number, start):
                    return
                secure = self._tls is not None and start.startswith(_TLS_HANDSHAKE)
            connection = Connection(self._app, number, self._closed_to_provider(secure))
            handed_over = connection
            await self._loop.connect_accepted_socket(
                lambda: handed_over,
                peer,
                ssl=self._tls if secure else None,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if secure else None,
            )
        except OSError:  # the client left, or the TLS handshake failed
            pass
        finally:
            if connection is None:
                peer.close()
            if connection is None or not connection.was_made:
                self._app.store.gauges.connections_open -= 1

    def _closed_to_provider(self, secure: bool) -> BadRequest | None:
        """Why a connection is good for the control API only, if it is."""
        if self._tls is not None and not secure:
            return BadRequest(400, "a provider's path over plain HTTP on a port that has TLS")
        if self._app.store.gauges.connections_open > self._limit:
            return BadRequest(503, f"more than {self._limit} connections")
        return None

    async def _peek(self, peer: socket.socket) -> bytes:
        """A connection's first bytes, enough to tell what it is for."""
        deciding = Stage.ACCEPT in self._app.faults.stages
        deadline = self._loop.time() + (_DECIDE_SECONDS if deciding else _SILENCE_SECONDS)
        while True:
            try:
                await asyncio.wait_for(self._readable(peer), deadline - self._loop.time())
            except asyncio.TimeoutError:
                return b""
            start = peer.recv(_CONTROL_MAX_START, socket.MSG_PEEK)
            if not start or not deciding or start.startswith(_TLS_HANDSHAKE):
                return start
            if len(start) == _CONTROL_MAX_START or b"\r" in start or _CONTROL_START.match(start):
                return start
            await asyncio.sleep(_PEEK_AGAIN_SECONDS)

    async def _readable(self, peer: socket.socket) -> None:
        ready = self._loop.create_future()
        self._loop.add_reader(peer, lambda: ready.done() or ready.set_result(None))
        try:
            await ready
        finally:
            self._loop.remove_reader(peer)

    async def _spoil(self, peer: socket.socket, number: int, start: bytes) -> bool:
        """Plays a fault of accepting, if one applies; True if it did."""
        if Stage.ACCEPT not in self._app.faults.stages or _CONTROL_START.match(start):
            return False
        rule = self._app.faults.take(Stage.ACCEPT)
        if rule is None:
            return False
        record = Record(False, None, complete=False, received_at=time.time(), connection=number)
        self._app.record_early(record, rule)
        await asyncio.sleep(rule.action.delay)
        if rule.action.kind == "reset":
            set_reset_on_close(peer)
        else:
            await self._hold(peer)
        return True

    async def _hold(self, peer: socket.socket) -> None:
        """Swallows what the client says until it leaves."""
        try:
            async with asyncio.timeout(HANG_SECONDS):
                while await self._loop.sock_recv(peer, 65536):
                    pass
        except TimeoutError:
            pass
