"""What the gateway's own tests share: the process, and a client of raw bytes."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Any
from urllib.parse import urlencode

PROJECT = "6f9ad4a2-43b1-4d0e-8a0f-5c1d2e3f4a5b"
TOKEN = "PT0123456789"
BASIC = "Basic " + base64.b64encode(f"{PROJECT}:{TOKEN}".encode()).decode()
MESSAGES = f"/api/laml/2010-04-01/Accounts/{PROJECT}/Messages"
CALLS = "/api/calling/calls"
TO = "+14155550123"
FROM = "+15550100"

_GATEWAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gateway.py")


class Gateway:
    """A gateway process of its own, on a port that the kernel picks."""

    def __init__(self, *arguments: str) -> None:
        self._directory = tempfile.TemporaryDirectory()
        port_file = os.path.join(self._directory.name, "port")
        command = [sys.executable, _GATEWAY, "--port-file", port_file, "--project", PROJECT, "--token", TOKEN]
        self.process = subprocess.Popen(command + list(arguments))
        deadline = time.monotonic() + 10
        while not os.path.exists(port_file):
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.stop()
                raise RuntimeError("the gateway did not start")
            time.sleep(0.01)
        with open(port_file, encoding="ascii") as file:
            self.port = int(file.read())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=5)
        self._directory.cleanup()
        return code


class Answer:
    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = dict(headers)
        self.header_list = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection, on which every byte is the test's own."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.sock: socket.socket = socket.create_connection((host, port), timeout=5)
        self._buffer = b""
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        self.send(compose(method, path, body, **headers))
        return self.read()

    def read(self) -> Answer:
        """One answer; ConnectionError if the connection ends within it."""
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines[1:])]
        length = int(dict(reversed(headers)).get("content-length", 0))  # the first of several
        while len(self._buffer) < length:
            self._fill()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Answer(int(lines[0].split()[1]), headers, body)

    def _fill(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionAbortedError("closed within an answer")
        self._buffer += data

    def read_to_end(self) -> bytes:
        data, self._buffer = self._buffer, b""
        while chunk := self.sock.recv(65536):
            data += chunk
        return data

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def compose(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request; a header is given as a keyword, with _ for -, and left out if empty."""
    fields = {"Host": "localhost", "Content-Length": str(len(body))}
    fields.update({name.replace("_", "-").title(): value for name, value in headers.items()})
    lines = [f"{name}: {value}\r\n" for name, value in fields.items() if value]
    return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1") + body


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


def text_request(to: str = TO, **more: str) -> bytes:
    """A complete request that sends a text."""
    body = form(To=to, From=FROM, Body="Your code is: 123456", **more)
    return compose("POST", MESSAGES, body, authorization=BASIC, content_type="application/x-www-form-urlencoded")


class GatewayTest(unittest.TestCase):
    """A test class with one gateway, emptied before each test."""

    arguments: tuple[str, ...] = ()
    gateway: Gateway

    @classmethod
    def setUpClass(cls) -> None:
        cls.gateway = Gateway(*cls.arguments)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.gateway.stop()

    def setUp(self) -> None:
        self.client = self.connect()
        self.control("DELETE", "messages")

    def connect(self, tls: ssl.SSLContext | None = None) -> Client:
        client = Client(self.gateway.port, tls)
        self.addCleanup(client.close)
        return client

    def control(self, method: str, path: str, value: Any = None, expect: int = 200) -> Any:
        body = b"" if value is None else json.dumps(value).encode()
        with Client(self.gateway.port) as client:
            answer = client.request(method, "/_gateway/" + path, body)
        self.assertEqual(answer.status, expect, answer.body)
        return answer.json

    def send_form(self, body: bytes, path: str = MESSAGES, **headers: str) -> Answer:
        headers = {"authorization": BASIC, "content_type": "application/x-www-form-urlencoded", **headers}
        return self.client.request("POST", path, body, **headers)

    def send_json(self, value: Any, path: str = CALLS, **headers: str) -> Answer:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        headers = {"authorization": BASIC, "content_type": "application/json", **headers}
        return self.client.request("POST", path, body, **headers)

    def fault(self, action: dict[str, Any], **rule: Any) -> None:
        self.control("POST", "faults", [{"action": action, **rule}])

    def messages(self) -> list[dict[str, Any]]:
        return self.control("GET", "messages")["messages"]

    def requests(self) -> list[dict[str, Any]]:
        return self.control("GET", "requests")["requests"]

    def stats(self) -> dict[str, Any]:
        return self.control("GET", "stats")
