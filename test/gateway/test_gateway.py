"""The gateway as a process: the wire, the control API, TLS, its command line."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from harness import BASIC, MESSAGES, TO, Client, Gateway, GatewayTest, compose, form, text_request
from listener import MAX_CONNECTIONS
from store import Record, Store

OTHER = "+14155550199"
FORM_HEADERS = {"authorization": BASIC, "content_type": "application/x-www-form-urlencoded"}


class WireTest(GatewayTest):
    def test_keep_alive_and_connection_numbers(self) -> None:
        other = self.connect()
        for client in (self.client, self.client, other):
            client.send(text_request())
            self.assertEqual(client.read().status, 201)
        first, second, third = (message["connection"] for message in self.messages())
        self.assertTrue(first == second != third)

    def test_pipelining(self) -> None:
        self.client.send(text_request() * 300)
        self.assertEqual({self.client.read().status for _ in range(300)}, {201})
        self.assertEqual([message["n"] for message in self.messages()], list(range(1, 301)))

    def test_byte_by_byte(self) -> None:
        before = time.time()
        for position, byte in enumerate(request := text_request()):
            self.client.send(bytes([byte]))
            if position == len(request) - 2:
                time.sleep(0.05)
                before = time.time()
        self.assertEqual(self.client.read().status, 201)
        self.assertTrue(before <= self.messages()[0]["received_at"] <= time.time())

    def test_chunked(self) -> None:
        body = form(To=TO, From=OTHER, Body="code")
        chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]))
        head = compose("POST", MESSAGES, content_length="", transfer_encoding="chunked", **FORM_HEADERS)
        for _ in range(2):
            self.client.send(head + chunks + b"0\r\nTrailer: x\r\n\r\n")
            self.assertEqual(self.client.read().status, 201)

    def test_expect_continue(self) -> None:
        body = form(To=TO, From=OTHER, Body="code")
        head = compose("POST", MESSAGES, content_length=str(len(body)), expect="100-continue", **FORM_HEADERS)
        self.client.send(head)
        self.assertEqual(self.client.read().status, 100)
        self.client.send(body)
        self.assertEqual(self.client.read().status, 201)

    def test_connection_close(self) -> None:
        self.client.send(compose("GET", "/generic/?to=1", connection="close"))
        self.assertEqual(self.client.read().headers["connection"], "close")
        self.assertEqual(self.client.read_to_end(), b"")

    def test_http10(self) -> None:
        self.client.send(b"GET /generic/?to=1 HTTP/1.0\r\n\r\n")
        self.assertIn(b"200 OK", self.client.read_to_end())

    def test_answer_after_the_client_shut_its_side(self) -> None:
        self.fault({"delay_ms": 100})
        self.client.send(text_request())
        self.client.sock.shutdown(1)
        self.assertEqual(self.client.read().status, 201)
        self.assertEqual(self.client.read_to_end(), b"")

    def test_malformed(self) -> None:
        good = "GET / HTTP/1.1\r\nHost: x\r\n"
        for request, status in (
            ("GET /\r\n\r\n", 400),
            ("GET / HTTP/2.0\r\n\r\n", 505),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            ("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
            (good + "Host: y\r\n\r\n", 400),
            (good + "Bad Name: y\r\n\r\n", 400),
            (good + "Folded: a\r\n b\r\n\r\n", 400),
            (good + "Content-Length: -1\r\n\r\n", 400),
            (good + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
            (good + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            (good + "Transfer-Encoding: gzip\r\n\r\n", 501),
            (good + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            (good + "Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n", 400),
            (good + "Transfer-Encoding: chunked\r\n\r\nffff\r\n" + "x" * 65535 + "\r\nff\r\n", 413),
            (good + "Content-Length: 65537\r\n\r\n", 413),
            (good + "Content-Length: 99999999999999999999\r\n\r\n", 413),
            (good + "X: y\r\n" * 101 + "\r\n", 431),
            (good + "X: " + "y" * 40000, 431),
        ):
            with self.subTest(request=request[:80]):
                client = self.connect()
                client.send(request.encode())
                answer = client.read()
                self.assertEqual((answer.status, answer.headers["connection"]), (status, "close"))
                self.assertEqual(client.read_to_end(), b"")
        self.assertEqual(self.stats()["refused"], 21)
        self.assertEqual(self.stats()["requests_read"], 0)

    def test_refusal_is_readable_although_the_body_is_still_coming(self) -> None:
        self.client.send(compose("POST", "/generic/", content_length="1000000"))
        self.client.send(b"x" * 500_000)
        self.assertEqual(self.client.read().status, 413)

    def test_body_at_the_limit(self) -> None:
        body = b'"' + b"x" * 65534 + b'"'
        self.assertEqual(self.send_json(body, path="/generic/").status, 200)


class ControlTest(GatewayTest):
    def send(self, *recipients: str) -> None:
        for to in recipients:
            self.client.send(text_request(to))
            self.assertEqual(self.client.read().status, 201)

    def test_messages_by_recipient_and_page(self) -> None:
        self.send(TO, OTHER, TO)
        self.assertEqual([m["n"] for m in self.control("GET", f"messages?to={TO}")["messages"]], [1, 3])
        self.assertEqual(self.control("GET", "messages?to=%2B14155550199")["count"], 1)
        page = self.control("GET", "messages?since=1&limit=1")
        self.assertEqual(([m["n"] for m in page["messages"]], page["count"]), ([2], 3))

    def test_requests_are_in_the_order_of_arrival(self) -> None:
        self.send(TO)
        self.send_form(b"To=x")
        self.send(OTHER)
        self.assertEqual([(r["n"], r["accepted"]) for r in self.requests()], [(1, True), (2, False), (3, True)])
        self.assertEqual(len(self.control("GET", f"requests?to={OTHER}")["requests"]), 1)

    def test_reset_forgets_everything(self) -> None:
        self.send(TO)
        self.fault({"status": 500})
        self.control("POST", "generic", {"require": {"a": "b"}})
        self.control("DELETE", "messages")
        self.assertEqual(self.requests(), [])
        self.assertEqual(self.client.request("GET", "/generic/?to=1").status, 200)
        self.assertEqual(self.messages()[0]["n"], 1)

    def test_generic_plays_a_provider(self) -> None:
        answer = {"path": "/generic/a/*", "method": "POST", "status": 202, "body": '{"sid": "{id}"}'}
        self.control("POST", "generic", {"answers": [answer]})
        response = self.client.request("POST", "/generic/a/b?to=1&text=2", b"")
        self.assertEqual(response.status, 202)
        self.assertEqual(json.loads(response.body)["sid"], self.messages()[0]["sid"])
        self.assertEqual(self.client.request("POST", "/generic/c?to=1", b"").status, 200)
        self.control("DELETE", "messages")
        self.assertEqual(self.client.request("POST", "/generic/a/b?to=1", b"").status, 200)

    def test_wait(self) -> None:
        self.send(TO)
        found = self.control("GET", f"wait?to={TO}&count=1&timeout=0")
        self.assertEqual([m["to"] for m in found["messages"]], [TO])
        sender = threading.Timer(0.1, self.send, (OTHER, TO))
        sender.start()
        start = time.monotonic()
        found = self.control("GET", "wait?count=3&timeout=5")
        self.assertLess(time.monotonic() - start, 3)
        self.assertEqual([m["to"] for m in found["messages"]], [TO, OTHER, TO])
        sender.join()
        self.control("GET", f"wait?to={TO}&count=3&timeout=0.05", expect=408)

    def test_errors(self) -> None:
        for method, path, value, status in (
            ("GET", "nothing", None, 404),
            ("PUT", "messages", None, 405),
            ("GET", "messages?too=1", None, 400),
            ("GET", "messages?limit=0", None, 400),
            ("GET", "wait?timeout=nan", None, 400),
            ("POST", "state", {"sid": "nobody", "status": "sent"}, 404),
            ("POST", "state", {"channel": "sms", "progress": ["ringing"]}, 400),
            ("POST", "state", {"sid": "x", "state": "sent"}, 400),
            ("POST", "generic", {"require": {"a": 1}}, 400),
            ("POST", "generic", {"answers": {}}, 400),
            ("POST", "generic", {"answers": [{"path": "*", "method": "GET", "status": "200", "body": ""}]}, 400),
            ("POST", "generic", {"answers": [{"path": "*", "method": "GET", "status": 200}]}, 400),
            ("POST", "faults", {}, 400),
        ):
            with self.subTest(path=path, value=value):
                self.assertIn("error", self.control(method, path, value, expect=status))
        self.send(TO)
        sid = self.messages()[0]["sid"]
        self.control("POST", "state", {"sid": sid, "status": "ringing"}, expect=400)

    def test_stats(self) -> None:
        self.send(TO, OTHER)
        self.send_form(b"")
        stats = self.stats()
        self.assertEqual((stats["accepted"], stats["refused"], stats["requests_read"]), (2, 1, 3))
        self.assertEqual((stats["in_flight"], stats["in_flight_max"], stats["connections_open"]), (0, 1, 2))


@unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificate")
class TlsTest(GatewayTest):
    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cert, key = (os.path.join(directory.name, name) for name in ("cert.pem", "key.pem"))
        subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        subprocess.run([*command, "-keyout", key, "-out", cert, *subject], check=True, capture_output=True)
        cls.tls = ssl.create_default_context(cafile=cert)
        cls.arguments = ("--cert", cert, "--key", key)
        super().setUpClass()

    tls: ssl.SSLContext

    def test_provider_over_tls_control_over_either(self) -> None:
        client = self.connect(self.tls)
        client.send(text_request())
        self.assertEqual(client.read().status, 201)
        self.assertEqual(client.request("GET", "/_gateway/stats").json["accepted"], 1)
        self.client.send(text_request())
        self.assertEqual(self.client.read().status, 400)
        self.assertEqual(self.stats()["accepted"], 1)

    def test_untrusted(self) -> None:
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(ssl.create_default_context())
        self.test_provider_over_tls_control_over_either()

    def test_faults_of_the_handshake(self) -> None:
        self.fault({"reset": "accept"}, times=1)
        self.assertRaises(OSError, self.connect, self.tls)
        self.fault({"hang": "accept"}, times=1)
        with Client(self.gateway.port) as client:
            client.sock.settimeout(0.2)
            self.assertRaises(TimeoutError, self.tls.wrap_socket, client.sock, server_hostname="localhost")
        self.assertEqual(self.stats()["faulted"], 2)

    def test_faults_within(self) -> None:
        for action in ({"reset": "headers"}, {"reset": "after_read"}, {"half_close": True}, {"close": "mid_response"}):
            with self.subTest(action=action):
                self.fault(action)
                client = self.connect(self.tls)
                client.send(text_request())
                self.assertRaises(OSError, client.read)


class ProcessTest(unittest.TestCase):
    def test_stops_on_sigterm_with_requests_open(self) -> None:
        gateway = Gateway()
        with Client(gateway.port) as waiting, Client(gateway.port):
            waiting.send(compose("GET", "/_gateway/wait?timeout=60"))
            start = time.monotonic()
            self.assertEqual(gateway.stop(), 0)
        self.assertLess(time.monotonic() - start, 2)

    def test_control_answers_when_connections_run_out(self) -> None:
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with contextlib.ExitStack() as stack:
            try:
                for _ in range(MAX_CONNECTIONS):
                    stack.enter_context(Client(gateway.port))
            except OSError as error:
                self.skipTest(f"cannot open {MAX_CONNECTIONS} connections: {error}")
            client = stack.enter_context(Client(gateway.port))
            stats = client.request("GET", "/_gateway/stats").json
            self.assertEqual(stats["connections_open"], MAX_CONNECTIONS + 1)
            client.send(text_request())
            self.assertEqual(client.read().status, 503)

    def test_leaves_by_itself(self) -> None:
        gateway = Gateway("--max-seconds", "0.5")
        self.assertEqual(gateway.process.wait(timeout=5), 0)
        gateway.stop()

    def test_host_ipv6(self) -> None:
        try:
            gateway = Gateway("--host", "::1")
        except RuntimeError:
            self.skipTest("no IPv6 loopback here")
        with Client(gateway.port, host="::1") as client:
            self.assertEqual(client.request("GET", "/_gateway/stats").status, 200)
        gateway.stop()

    def test_wrong_arguments(self) -> None:
        for arguments in (["--host", "0.0.0.0"], ["--cert", "x"], ["--port", "70000"], ["--max-seconds", "0"]):
            command = [sys.executable, "gateway.py", *arguments]
            done = subprocess.run(command, capture_output=True, cwd=os.path.dirname(os.path.abspath(__file__)))
            self.assertEqual(done.returncode, 2, done.stderr)


class StoreTest(unittest.TestCase):
    def test_bounded(self) -> None:
        store = Store(limit=3)
        for number in range(5):
            store.add(Record(True, None, "sms", sid=str(number), to=TO if number % 2 else OTHER))
            store.add(Record(False, "no"))
        self.assertEqual((len(store.messages), len(store.others), store.counters.evicted), (3, 3, 4))
        self.assertEqual((store.count(TO), store.count(OTHER)), (1, 2))
        self.assertIsNone(store.find("1", "sms"))
        self.assertEqual([record.n for record in store.select_all(None, 0, 100)], [5, 6, 7, 8, 9, 10])


if __name__ == "__main__":
    unittest.main()
