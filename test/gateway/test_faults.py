"""Every fault, as a client sees it on the wire."""

from __future__ import annotations

import json
import time

from harness import BASIC, CALLS, MESSAGES, TO, Answer, Client, GatewayTest, form, text_request

OTHER = "+14155550199"


class FaultTest(GatewayTest):
    def send(self, to: str = TO) -> Answer:
        self.client.send(text_request(to))
        return self.client.read()

    def assert_reset(self, client: Client) -> None:
        self.assertRaises(ConnectionResetError, client.read_to_end)

    def assert_faulted(self, reason: str, complete: bool = True) -> None:
        self.assertEqual(self.messages(), [])
        record = self.requests()[-1]
        self.assertEqual((record["accepted"], record["complete"]), (False, complete))
        self.assertEqual(record["reason"], f"fault: {reason}")
        stats = self.stats()
        self.assertEqual((stats["faulted"], stats["requests_read"]), (1, int(complete)))
        self.assertEqual(stats["in_flight"], 0)

    # Rules

    def test_match_and_times(self) -> None:
        self.fault({"status": 503}, match={"to": TO}, times=2)
        self.assertEqual(self.send(OTHER).status, 201)
        self.assertEqual([self.send().status for _ in range(3)], [503, 503, 201])
        self.assertEqual(self.control("GET", "faults"), {"faults": []})

    def test_match_patterns(self) -> None:
        self.fault({"status": 500}, match={"to": "+1415555019?", "path": "*/Messages", "method": "POST"})
        self.assertEqual(self.send().status, 201)
        self.assertEqual(self.send(OTHER).status, 500)
        self.assertEqual(self.control("GET", "faults")["faults"][0]["hits"], 1)

    def test_first_match_wins_and_setting_replaces(self) -> None:
        rules = [{"action": {"status": 500}, "times": 1}, {"action": {"status": 502}}]
        self.control("POST", "faults", rules)
        self.assertEqual([self.send().status for _ in range(3)], [500, 502, 502])
        self.fault({"status": 504})
        self.assertEqual(self.send().status, 504)
        self.control("DELETE", "faults")
        self.assertEqual(self.send().status, 201)

    def test_bad_rules_are_refused_whole(self) -> None:
        self.fault({"status": 504})
        for rule in (
            1,
            {},
            {"action": {}},
            {"action": {"delay_ms": -1}},
            {"action": {"delay_ms": True}},
            {"action": {"status": 99}},
            {"action": {"status": 200, "headers": {"a": "b\r\nc: d"}}},
            {"action": {"hang": "never"}},
            {"action": {"hang": "after_read", "reset": "accept"}},
            {"action": {"garbage": 1}},
            {"action": {"huge": 1 << 40}},
            {"action": {"explode": True}},
            {"action": {"reset": "after_read", "drip_ms": 1}},
            {"action": {"status": 500}, "times": 0},
            {"action": {"status": 500}, "match": {"from": TO}},
            {"action": {"reset": "accept"}, "match": {"path": "*"}},
            {"action": {"hang": "before_read"}, "match": {"to": TO}},
            {"action": {"reset": "headers"}, "accept": True},
        ):
            with self.subTest(rule=rule):
                error = self.control("POST", "faults", [{"action": {"status": 500}}, rule], expect=400)
                self.assertTrue(error["error"].startswith("rule 1: "))
        self.assertEqual(self.send().status, 504)

    def test_control_is_not_affected(self) -> None:
        for action in ({"reset": "accept"}, {"reset": "headers"}, {"hang": "accept"}, {"status": 500}):
            self.fault(action)
            self.assertEqual(self.stats()["faulted"], 0)

    # Timing

    def test_delay(self) -> None:
        self.fault({"delay_ms": 150})
        start = time.monotonic()
        others = [self.connect() for _ in range(20)]
        for client in others:
            client.send(text_request())
        self.assertEqual([client.read().status for client in others], [201] * 20)
        self.assertTrue(0.15 <= time.monotonic() - start < 1.5)
        self.assertEqual(self.stats()["in_flight_max"], 20)
        self.assertEqual(len(self.messages()), 20)

    def test_delay_keeps_the_order_of_pipelined_requests(self) -> None:
        self.fault({"delay_ms": 50}, times=1)
        self.client.send(text_request(TO) + text_request(OTHER))
        self.assertEqual([self.client.read().json["to"] for _ in range(2)], [TO, OTHER])

    def test_delay_with_another_action(self) -> None:
        self.fault({"delay_ms": 80, "reset": "after_read"})
        start = time.monotonic()
        self.client.send(text_request())
        self.assert_reset(self.client)
        self.assertGreaterEqual(time.monotonic() - start, 0.08)

    def test_drip(self) -> None:
        self.fault({"drip_ms": 1, "status": 200, "body": "{}"})
        self.client.send(text_request())
        self.assertLess(len(self.client.sock.recv(65536)), 20)
        self.fault({"drip_ms": 1})
        client = self.connect()
        client.send(text_request(OTHER))
        self.assertEqual(client.read().status, 201)
        self.assertEqual(self.messages()[0]["to"], OTHER)

    # Answers

    def test_status(self) -> None:
        self.fault({"status": 429, "body": "slow down", "headers": {"Retry-After": "7"}})
        answer = self.send()
        self.assertEqual((answer.status, answer.body, answer.headers["retry-after"]), (429, b"slow down", "7"))
        self.assert_faulted("status 429")

    def test_code_in_the_style_of_the_path(self) -> None:
        self.fault({"code": "21610", "status": 400, "message": "opted out"})
        answer = self.send()
        self.assertEqual((answer.status, answer.json["code"], answer.json["message"]), (400, "21610", "opted out"))
        answer = self.client.request("POST", CALLS, b"{}", authorization=BASIC)
        self.assertEqual(answer.json["errors"][0]["code"], "21610")

    def test_accept_keeps_the_message(self) -> None:
        self.fault({"reset": "after_read"}, accept=True)
        self.client.send(text_request())
        self.assert_reset(self.client)
        (message,) = self.messages()
        self.assertEqual((message["accepted"], message["reason"]), (True, "fault: reset after_read"))

    def test_accept_does_not_save_a_bad_request(self) -> None:
        self.fault({"status": 500}, accept=True)
        self.assertEqual(self.send_form(form(To="x")).status, 500)
        self.assert_faulted("status 500")

    def test_garbage(self) -> None:
        self.fault({"garbage": True})
        self.client.send(text_request())
        self.assertNotIn(b"HTTP", self.client.read_to_end())
        self.assert_faulted("garbage")

    def test_garbage_json(self) -> None:
        self.fault({"garbage": "json"})
        answer = self.send()
        self.assertEqual(answer.status, 201)
        self.assertRaises(json.JSONDecodeError, lambda: answer.json)
        self.assert_faulted("garbage json")

    def test_huge(self) -> None:
        self.fault({"huge": 5_000_000})
        answer = self.send()
        self.assertEqual(len(answer.json["padding"]), 5_000_000)
        self.assert_faulted("huge 5000000")

    def test_huge_left_early(self) -> None:
        self.fault({"huge": 1 << 30})
        self.client.send(text_request())
        self.client.sock.recv(65536)
        self.client.close()
        self.assertEqual(self.stats()["faulted"], 1)

    def test_huge_headers(self) -> None:
        self.fault({"huge_headers": 400_000})
        answer = self.send()
        self.assertGreaterEqual(sum(len(value) for _, value in answer.header_list), 400_000)
        self.assert_faulted("huge_headers 400000")

    def test_redirect(self) -> None:
        self.fault({"redirect": "http://127.0.0.1:9/"})
        answer = self.send()
        self.assertEqual((answer.status, answer.headers["location"]), (302, "http://127.0.0.1:9/"))

    def test_duplicate_content_length(self) -> None:
        self.fault({"duplicate_content_length": True})
        lengths = [value for name, value in self.send().header_list if name == "content-length"]
        self.assertEqual(len(set(lengths)), 2)

    # Connections

    def test_reset_accept(self) -> None:
        self.fault({"reset": "accept"}, times=1)
        client = self.connect()
        client.send(text_request())
        self.assert_reset(client)
        self.assert_faulted("reset accept", complete=False)

    def test_reset_accept_of_a_silent_client(self) -> None:
        self.fault({"reset": "accept"})
        self.assert_reset(self.connect())

    def test_reset_headers(self) -> None:
        self.fault({"reset": "headers"}, match={"path": MESSAGES})
        self.client.send(text_request()[:-5])
        self.assert_reset(self.client)
        self.assert_faulted("reset headers", complete=False)

    def test_reset_after_read(self) -> None:
        self.fault({"reset": "after_read"}, match={"to": TO})
        self.client.send(text_request())
        self.assert_reset(self.client)
        self.assert_faulted("reset after_read")
        self.assertEqual(self.requests()[0]["to"], TO)

    def test_mid_response(self) -> None:
        for kind in ("reset", "close"):
            with self.subTest(kind=kind):
                self.fault({kind: "mid_response"})
                client = self.connect()
                client.send(text_request())
                self.assertTrue(client.sock.recv(65536).startswith(b"HTTP/1.1 201 "))
                if kind == "reset":
                    self.assert_reset(client)
                else:
                    self.assertEqual(client.read_to_end(), b"")

    def test_close_after_read(self) -> None:
        self.fault({"close": "after_read"})
        self.client.send(text_request())
        self.assertEqual(self.client.read_to_end(), b"")
        self.assert_faulted("close after_read")

    def test_half_close_keeps_reading(self) -> None:
        self.fault({"half_close": True})
        self.client.send(text_request())
        self.assertEqual(self.client.read_to_end(), b"")
        for _ in range(3):  # a closed socket would answer the first of these with RST
            self.client.send(b"more")
            time.sleep(0.02)

    def test_hang(self) -> None:
        for action, complete in (("accept", False), ("before_read", False), ("after_read", True)):
            with self.subTest(action=action):
                self.control("DELETE", "messages")
                self.fault({"hang": action}, times=1)
                client = self.connect()
                client.send(text_request())
                client.sock.settimeout(0.2)
                self.assertRaises(TimeoutError, client.read)
                client.close()
                self.assert_closed_soon()
                self.assert_faulted(f"hang {action}", complete)

    def assert_closed_soon(self) -> None:
        """Only the test's first connection and the control's own may be left."""
        deadline = time.monotonic() + 2
        while self.stats()["connections_open"] > 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertLessEqual(self.stats()["connections_open"], 2)
