"""The providers' contracts: what is accepted, what is refused and with what."""

from __future__ import annotations

import copy
import json
import unittest
from typing import Any

from forms import Malformed, decode_form, decode_json
from harness import BASIC, CALLS, FROM, MESSAGES, PROJECT, TO, GatewayTest, form
from phone import count_segments, is_e164

GOOD = {"To": TO, "From": FROM, "Body": "Your code is: 012345"}

CALL: dict[str, Any] = {
    "command": "dial",
    "params": {
        "from": FROM,
        "to": TO,
        "timeout": 30,
        "swml": {
            "version": "1.0.0",
            "sections": {
                "main": [
                    {"play": {"url": "say:Your code is 1, 2, 3.", "say_language": "en-US"}},
                    {"play": {"urls": ["silence:1.5", "say:Again: 1, 2, 3."]}},
                    "hangup",
                ]
            },
        },
    },
}


class TextTest(GatewayTest):
    def refused(self, fields: dict[str, str] | bytes, code: str, status: int = 400, **headers: str) -> str:
        body = fields if isinstance(fields, bytes) else form(**fields)
        answer = self.send_form(body, **headers)
        self.assertEqual((answer.status, answer.json["code"], answer.json["status"]), (status, code, status))
        self.assertEqual(self.messages(), [])
        self.assertIn(code, self.requests()[-1]["reason"])
        self.assertFalse(self.requests()[-1]["accepted"])
        return answer.json["message"]

    def test_accepted(self) -> None:
        answer = self.send_form(form(**GOOD, ValidityPeriod="600", SmartEncoded="true"))
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.json["status"], "queued")
        self.assertEqual(answer.json["account_sid"], PROJECT)
        (message,) = self.messages()
        self.assertEqual(message["sid"], answer.json["sid"])
        self.assertEqual((message["to"], message["from"], message["text"]), (TO, FROM, GOOD["Body"]))
        self.assertEqual((message["channel"], message["method"], message["path"]), ("sms", "POST", MESSAGES))
        self.assertEqual(message["fields"]["ValidityPeriod"], "600")
        self.assertEqual(message["headers"]["authorization"], BASIC)
        self.assertTrue(message["accepted"] and message["complete"])

    def test_accepted_forms(self) -> None:
        no_from = {"To": TO, "Body": "x"}
        for fields in (
            {**no_from, "MessagingServiceSid": "MG1"},
            {**GOOD, "From": "12345"},
            {**GOOD, "Body": "x" * 1600},
            {**GOOD, "Body": "čísló 😀\n@example.com #123456"},
            {"To": TO, "From": FROM, "MediaUrl": "https://example.com/a.png"},
        ):
            with self.subTest(fields=fields):
                self.assertEqual(self.send_form(form(**fields)).status, 201)
        self.assertEqual(self.send_form(form(**GOOD), path=MESSAGES + ".json").status, 201)
        self.assertEqual(self.messages()[3]["text"], "čísló 😀\n@example.com #123456")

    def test_fields_are_checked(self) -> None:
        cases = [
            ({"From": FROM, "Body": "x"}, "21604"),
            ({**GOOD, "To": ""}, "21604"),
            ({**GOOD, "To": "4155550123"}, "21211"),
            ({**GOOD, "To": "+0155550123"}, "21211"),
            ({**GOOD, "To": "+1415 5550123"}, "21211"),
            ({**GOOD, "To": "+١٤١٥٥٥٥٠١٢٣"}, "21211"),
            ({**GOOD, "To": TO + "\n"}, "21211"),
            ({"To": TO, "Body": "x"}, "21603"),
            ({**GOOD, "From": "Example"}, "21212"),
            ({**GOOD, "MessagingServiceSid": "MG1"}, "10000"),
            ({"To": TO, "From": FROM}, "21602"),
            ({**GOOD, "Body": ""}, "21602"),
            ({**GOOD, "Body": "x" * 1601}, "21617"),
            ({**GOOD, "ValidityPeriod": "0"}, "10000"),
            ({**GOOD, "ValidityPeriod": "172801"}, "10000"),
            ({**GOOD, "ValidityPeriod": "1.5"}, "10000"),
            ({**GOOD, "StatusCallback": "example.com"}, "10000"),
            ({**GOOD, "SmartEncoded": "yes"}, "10000"),
        ]
        for fields, code in cases:
            with self.subTest(fields=fields):
                self.refused(fields, code)

    def test_unknown_and_repeated_fields(self) -> None:
        self.assertIn('"ValidtyPeriod"', self.refused({**GOOD, "ValidtyPeriod": "60"}, "10000"))
        self.assertIn("To", self.refused(form(**GOOD) + b"&To=%2B14155550124", "10000"))

    def test_encoding(self) -> None:
        start = form(To=TO, From=FROM) + b"&Body="
        for tail in (b"50%", b"%zz", b"%C3%28", b"%ED%A0%80", b"a%00b", b"\xc3\xa9", b"x&", b"x&y"):
            with self.subTest(tail=tail):
                self.refused(start + tail, "10000")

    def test_authentication(self) -> None:
        for given in ("", "Basic", "Basic Zm9vOmJhcg==", BASIC[:-2], BASIC.replace("Basic", "Bearer")):
            with self.subTest(given=given):
                self.refused(GOOD, "20003", 401, authorization=given)

    def test_content_type_method_path(self) -> None:
        self.refused(GOOD, "10000", 415, content_type="application/json")
        self.refused(GOOD, "10000", 415, content_type="")
        answer = self.client.request("PUT", MESSAGES, authorization=BASIC)
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "POST"))
        other = MESSAGES.replace(PROJECT, PROJECT.replace("6", "7"))
        self.assertEqual(self.send_form(form(**GOOD), path=other).status, 404)
        self.assertEqual(self.send_form(form(**GOOD), path="/api/laml").status, 404)

    def test_look_up_moves_on_until_set(self) -> None:
        sid = self.send_form(form(**GOOD)).json["sid"]
        statuses = [self._look_up(sid)["status"] for _ in range(4)]
        self.assertEqual(statuses, ["queued", "sent", "delivered", "delivered"])
        self.control("POST", "state", {"sid": sid, "status": "undelivered", "error_code": "30005"})
        state = self._look_up(sid)
        self.assertEqual((state["sid"], state["status"], state["error_code"]), (sid, "undelivered", "30005"))
        self.assertEqual(self.client.request("GET", f"{MESSAGES}/nobody", authorization=BASIC).status, 404)
        self.assertEqual(self.client.request("GET", f"{MESSAGES}/{sid}").status, 401)
        self.assertEqual(self.stats()["lookups"], 5)

    def test_progress_can_be_set(self) -> None:
        self.control("POST", "state", {"channel": "sms", "progress": ["sent", "failed"]})
        sid = self.send_form(form(**GOOD)).json["sid"]
        self.assertEqual([self._look_up(sid)["status"] for _ in range(3)], ["sent", "failed", "failed"])

    def _look_up(self, sid: str) -> Any:
        answer = self.client.request("GET", f"{MESSAGES}/{sid}.json", authorization=BASIC)
        self.assertEqual(answer.status, 200)
        return answer.json

    def test_erase(self) -> None:
        sid = self.send_form(form(**GOOD)).json["sid"]
        self.assertEqual(self.send_form(b"Body=other", path=f"{MESSAGES}/{sid}").status, 400)
        self.assertFalse(self.messages()[0]["erased"])
        answer = self.send_form(b"Body=", path=f"{MESSAGES}/{sid}")
        self.assertEqual((answer.status, answer.json["body"]), (200, ""))
        self.assertTrue(self.messages()[0]["erased"])


class CallTest(GatewayTest):
    def test_accepted(self) -> None:
        answer = self.send_json(CALL)
        self.assertEqual((answer.status, answer.json["status"]), (200, "queued"))
        (message,) = self.messages()
        self.assertEqual((message["sid"], message["channel"]), (answer.json["id"], "voice"))
        self.assertEqual(message["text"], "Your code is 1, 2, 3. Again: 1, 2, 3.")
        self.assertEqual(message["fields"], CALL)
        path = f"/api/laml/2010-04-01/Accounts/{PROJECT}/Calls/{message['sid']}"
        self.control("POST", "state", {"sid": message["sid"], "status": "no-answer"})
        self.assertEqual(self.client.request("GET", path, authorization=BASIC).json["status"], "no-answer")
        self.assertEqual(self.client.request("GET", path + "x", authorization=BASIC).status, 404)

    def test_url_instead_of_swml(self) -> None:
        params = {"from": FROM, "to": TO, "url": "https://example.com/swml", "caller_id": FROM}
        self.assertEqual(self.send_json({"command": "dial", "params": params}).status, 200)

    def test_refused_at_every_level(self) -> None:
        step = "params.swml.sections.main[0]"
        cases: list[tuple[str, Any, str]] = [
            ("extra", 1, "extra"),
            ("command", "hangup", "command"),
            ("params.to", "4155550123", "params.to"),
            ("params.from", None, "params.from"),
            ("params.tineout", 30, "params.tineout"),
            ("params.timeout", True, "params.timeout"),
            ("params.timeout", 0, "params.timeout"),
            ("params.url", "https://example.com/", "params.url"),
            ("params.swml.extra", 1, "params.swml.extra"),
            ("params.swml.version", "2.0.0", "params.swml.version"),
            ("params.swml.sections.other", [], "params.swml.sections.other"),
            ("params.swml.sections.main", [], "params.swml.sections.main"),
            ("params.swml.sections.main.0", {"play": {"uri": "say:x"}}, step + ".play.uri"),
            ("params.swml.sections.main.0", {"play": {"url": "say: "}}, step + ".play"),
            ("params.swml.sections.main.0", {"play": {"url": "tell:x"}}, step + ".play"),
            ("params.swml.sections.main.0", {"play": {"urls": []}}, step + ".play.urls"),
            ("params.swml.sections.main.0", {"play": {"url": "say:x", "volume": 99}}, step + ".play.volume"),
            ("params.swml.sections.main.0", {"shout": {}}, step + ".shout"),
            ("params.swml.sections.main.0", {}, step),
        ]
        for path, value, attribute in cases:
            with self.subTest(path=path, value=value):
                answer = self.send_json(_changed(CALL, path, value))
                self.assertEqual(answer.status, 422)
                (error,) = answer.json["errors"]
                self.assertEqual(error["attribute"], attribute)
                self.assertTrue(error["code"] and error["message"])
        self.assertEqual(self.messages(), [])

    def test_refused_as_a_whole(self) -> None:
        self.assertEqual(self.send_json(CALL, authorization="").status, 401)
        self.assertEqual(self.send_json(CALL, content_type="text/json").status, 415)
        for body in (b"", b"{", b"[]", b'"x"', b'{"command":"dial","command":"dial"}', b'{"x":NaN}', b"\xff"):
            with self.subTest(body=body):
                self.assertIn(self.send_json(body).status, (400, 422))


def _changed(document: Any, path: str, value: Any) -> Any:
    """A copy of `document` with the value at `path` replaced."""
    changed = copy.deepcopy(document)
    *steps, last = path.split(".")
    node = changed
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node[step]
    node[int(last) if isinstance(node, list) else last] = value
    return changed


class GenericTest(GatewayTest):
    def test_bodies(self) -> None:
        nested = {"messages": [{"destinations": [{"to": TO}], "content": {"text": "c 1"}, "sender": FROM}]}
        xml = f"<sms><to>{TO}</to><from>{FROM}</from><body>c &amp; 1</body></sms>"
        cases = [
            ("application/json", json.dumps(nested).encode(), "c 1"),
            ("application/x-www-form-urlencoded", form(recipient=TO, message="c 1", sender=FROM), "c 1"),
            ("application/xml; charset=utf-8", xml.encode(), "c & 1"),
        ]
        for content_type, body, text in cases:
            with self.subTest(content_type=content_type):
                answer = self.client.request("PUT", "/generic/send", body, content_type=content_type)
                self.assertEqual(answer.status, 200)
                message = self.messages()[-1]
                self.assertEqual(answer.json["messages"][0]["id"], message["sid"])
                self.assertEqual((message["to"], message["from"], message["text"]), (TO, FROM, text))

    def test_query(self) -> None:
        answer = self.client.request("GET", "/generic/a/b?to=%2B14155550123&text=code+1")
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.messages()[0]["fields"], {"to": TO, "text": "code 1"})

    def test_required_header(self) -> None:
        self.control("POST", "generic", {"require": {"X-Api-Key": "secret"}})
        self.assertEqual(self.client.request("GET", "/generic/?to=1").status, 401)
        self.assertEqual(self.client.request("GET", "/generic/?to=1", x_api_key="secret").status, 200)

    def test_refused(self) -> None:
        bomb = b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'
        cases = [("application/xml", bomb), ("text/xml", b"<a>"), ("application/json", b"{"), ("text/plain", b"x")]
        cases.append(("application/json", b"[" * 30000 + b"]" * 30000))
        cases.append(("text/xml", b"<a>" * 9000 + b"</a>" * 9000))
        for content_type, body in cases:
            with self.subTest(content_type=content_type):
                answer = self.client.request("POST", "/generic/x", body, content_type=content_type)
                self.assertIn(answer.status, (400, 415))
        self.assertEqual(self.client.request("POST", "/generic/x").status, 400)


class UnitTest(unittest.TestCase):
    def test_segments(self) -> None:
        for text, segments in (
            ("x" * 160, 1), ("x" * 161, 2), ("x" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
            ("č" * 70, 1), ("č" * 71, 2), ("😀" * 35, 1), ("😀" * 36, 2),
        ):  # fmt: skip
            self.assertEqual(count_segments(text), segments, text)

    def test_numbers(self) -> None:
        self.assertTrue(all(map(is_e164, ("+1234567", "+123456789012345"))))
        self.assertFalse(any(map(is_e164, ("+123456", "+1234567890123456", "+01234567", "1234567", "", None, 1))))

    def test_forms(self) -> None:
        self.assertEqual(decode_form(b"a=1+2&a=&b=%26%3D%2B"), [("a", "1 2"), ("a", ""), ("b", "&=+")])
        self.assertEqual(decode_json(b'{"a":"\\\\u0000"}'), {"a": "\\u0000"})
        for raw in (b'"\\u0000"', b'"\\ud800"', b"1e999", b"9" * 5000):
            self.assertRaises(Malformed, decode_json, raw)


if __name__ == "__main__":
    unittest.main()
