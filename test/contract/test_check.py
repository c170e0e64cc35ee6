"""That check.py sees each kind of violation: a good request, and what is wrong with others."""

import base64
import contextlib
import io
import json
import os
import tempfile
import unittest
from pathlib import Path

import check
from openapi import Api, Request
from schema import Document

ITEM = {
    "type": "object",
    "required": ["to", "text"],
    "properties": {
        "to": {"type": "string", "pattern": "^\\+[0-9]+$"},
        "text": {"type": "string", "maxLength": 20},
        "life": {"type": "integer", "minimum": 1, "maximum": 600},
        "kind": {"type": "string", "enum": ["text", "call"]},
        "id": {"type": "string", "readOnly": True},
        "list": {"type": "array", "items": {"type": "object", "properties": {"a": {}}}},
    },
}
ROOT = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "servers": [
        {"url": "https://{name}.example.com/v1", "variables": {"name": {"default": "x"}}},
        {"url": "https://{name}.example.org/v1", "variables": {"name": {"enum": ["eu", "us"]}}},
    ],
    "security": [{"key": []}, {"basic": []}],
    "components": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "basic": {"type": "http", "scheme": "basic"},
        },
        "schemas": {"Item": ITEM},
        "parameters": {
            "Limit": {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9}}
        },
    },
    "paths": {
        "/accounts/{account}/items": {
            "parameters": [
                {"name": "account", "in": "path", "required": True,
                 "schema": {"type": "string", "pattern": "^A[0-9]+$"}}
            ],
            "post": {
                "parameters": [
                    {"name": "X-Version", "in": "header", "required": True,
                     "schema": {"type": "integer"}}
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Item"}},
                        "application/x-www-form-urlencoded": {
                            "schema": {
                                "type": "object",
                                "required": ["To"],
                                "properties": {
                                    "To": {"type": "string"},
                                    "Life": {"type": "integer", "maximum": 600},
                                    "Flag": {"type": "boolean"},
                                    "Tag": {"type": "array", "items": {"type": "string"}},
                                },
                            }
                        },
                    },
                },
            },
            "get": {
                "parameters": [
                    {"$ref": "#/components/parameters/Limit"},
                    {"name": "ids", "in": "query", "required": True,
                     "schema": {"type": "array", "items": {"type": "integer"}}},
                ]
            },
        },
        "/accounts/{account}/items/all": {
            "parameters": [{"name": "account", "in": "path", "schema": {}}],
            "delete": {},
        },
        "/accounts/{account}/items/{item}": {
            "parameters": [{"name": "account", "in": "path", "schema": {}}],
            "get": {},
            "delete": {},
        },
    },
}  # fmt: skip
URL = "https://any.example.com/v1/accounts/A1/items"
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"


def post(body, headers=(JSON,), url=URL, method="POST", keep=("X-Key: k", "X-Version: 2")):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return Request(method, url, [*headers, *keep], body)


def form(text, **more):
    return post(text.encode(), (FORM,), **more)


def get(url, keep=("X-Key: k",)):
    return Request("GET", url, list(keep), b"")


GOOD = {"to": "+1555", "text": "hello"}


class Requests(unittest.TestCase):
    def setUp(self):
        self.api = Api(Document(root=ROOT))

    def accepts(self, request):
        verdict = self.api.check(request)
        self.assertEqual(verdict.violations, [])
        return verdict

    def refuses(self, request, *words):
        violations = self.api.check(request).violations
        self.assertTrue(violations, "nothing was seen")
        for word in words:
            self.assertTrue(any(word in v for v in violations), f"{word!r} in {violations}")

    def test_good_ones(self):
        verdict = self.accepts(post(GOOD))
        self.assertEqual(verdict.operation, "POST /accounts/{account}/items")
        self.assertIn("hello", verdict.strings)
        self.accepts(form("To=%2B1555&Life=600&Flag=true&Tag=a&Tag=b"))
        self.accepts(form("To=12345&Tag=a"))
        self.accepts(get(URL + "?limit=9&ids=1&ids=2"))
        self.accepts(post(GOOD, (JSON + "; charset=utf-8", "Accept: text/plain")))
        self.accepts(post(GOOD, url="https://eu.example.org/v1/accounts/A1/items"))
        basic = "Authorization: Basic " + base64.b64encode(b"user:password").decode()
        self.accepts(post(GOOD, keep=(basic, "X-Version: 2")))

    def test_method_server_path(self):
        self.refuses(post(GOOD, method="PUT"), "method PUT")
        self.refuses(post(GOOD, url=URL.replace("com", "net")), "server")
        self.refuses(post(GOOD, url=URL.replace("/v1", "/v2")), "server")
        self.refuses(post(GOOD, url=URL.replace("https", "http")), "server")
        self.refuses(post(GOOD, url="https://asia.example.org/v1/accounts/A1/items"), "server")
        self.refuses(post(GOOD, url=URL + "/"), "path")
        self.refuses(post(GOOD, url=URL.replace("items", "things")), "path")
        self.refuses(post(GOOD, url=URL + "#x"), "fragment")
        self.refuses(post(GOOD, url=URL.replace("A1", "A1 ")), "printable")

    def test_a_literal_path_goes_first(self):
        request = Request("GET", URL + "/all", ["X-Key: k"], b"")
        self.assertEqual(
            self.api.check(request).operation, "GET /accounts/{account}/items/{item}"
        )
        request.method = "DELETE"
        self.assertEqual(self.api.check(request).operation, "DELETE /accounts/{account}/items/all")

    def test_a_server_with_the_whole_path(self):
        servers = [{"url": "https://x.example/v1/calls"}]
        root = ROOT | {"servers": servers, "paths": {"/": {"get": {}}}}
        api = Api(Document(root=root))
        self.assertEqual(api.check(get("https://x.example/v1/calls")).violations, [])
        self.assertEqual(api.check(get("https://x.example/v1/calls/")).violations, [])
        self.assertTrue(api.check(get("https://x.example/v1/callsign")).violations)

    def test_path_parameters(self):
        self.refuses(post(GOOD, url=URL.replace("A1", "B1")), "path account")
        self.refuses(post(GOOD, url=URL.replace("A1", "A%zz")), "path account: a character")
        self.refuses(post(GOOD, url=URL.replace("A1", "%ff")), "path account: not UTF-8")
        self.refuses(get(URL + "/1"), "path item: not declared")

    def test_query(self):
        self.refuses(get(URL), "query ids: required")
        self.refuses(get(URL + "?ids=1&limit=10"), "query limit")
        self.refuses(get(URL + "?ids=1&limit=many"), "query limit")
        self.refuses(get(URL + "?ids=a"), "query ids")
        self.refuses(get(URL + "?ids=1&limit=1&limit=2"), "query limit: given 2 times")
        self.refuses(get(URL + "?ids=1&other=1"), "query other: not declared")
        self.refuses(get(URL + "?ids"), "name=value")

    def test_headers(self):
        self.refuses(post(GOOD, (JSON, "X-Other: 1")), "x-other: not declared")
        self.refuses(post(GOOD, keep=("X-Key: k",)), "x-version: required")
        self.refuses(post(GOOD, keep=("X-Key: k", "X-Version: two")), "header x-version")
        self.refuses(post(GOOD, (JSON, "Accept: a", "accept: b")), "twice")
        self.refuses(post(GOOD, (JSON, "X-Key: a\r\nX-Evil: b"), keep=("X-Version: 2",)), "header:")
        self.refuses(post(GOOD, (JSON, "no header")), "header:")

    def test_credentials(self):
        self.refuses(post(GOOD, keep=("X-Version: 2",)), "credentials")
        bearer = "Authorization: Bearer x"
        self.refuses(post(GOOD, keep=("X-Version: 2", bearer)), "credentials")
        no_colon = "Authorization: Basic " + base64.b64encode(b"user").decode()
        self.refuses(post(GOOD, keep=("X-Version: 2", no_colon)), "user:password")
        self.refuses(post(GOOD, keep=("X-Version: 2", "Authorization: Basic *")), "base64")

    def test_body_and_content_type(self):
        self.refuses(post(b""), "body: required")
        self.refuses(post(GOOD, ()), "Content-Type: missing")
        self.refuses(post(GOOD, ("Content-Type: text/plain",)), "text/plain")
        self.refuses(post(GOOD, (JSON + "; charset=latin1",)), "charset=latin1")
        with_body = Request("GET", URL + "?ids=1", ["X-Key: k", JSON], b"{}")
        self.refuses(with_body, "body: not declared")

    def test_form(self):
        self.refuses(form("Life=1"), "body/To: required")
        self.refuses(form("To=1&Other=2"), "body/Other: not declared")
        self.refuses(form("To=1&To=2"), "body/To: given 2 times")
        self.refuses(form("To=1&Life=601"), "601")
        self.refuses(form("To=1&Life=1s"), "body/Life")
        self.refuses(form("To=1&Life=01"), "body/Life")
        self.refuses(form("To=1&Flag=yes"), "body/Flag")
        self.refuses(form("To=%2"), "body: a character")
        self.refuses(form("To=<1>"), "body: a character")
        self.refuses(form("To=%FF"), "body: not UTF-8")
        self.refuses(form("To=a=b"), "name=value")
        self.assertEqual(self.accepts(form("To=a+b%2Bc")).strings, ["A1", "a b+c"])

    def test_json(self):
        self.refuses(post({"to": "+1"}), "body/text: required")
        self.refuses(post(GOOD | {"other": 1}), "body/other: not declared")
        self.refuses(post(GOOD | {"list": [{"a": 1, "b": 2}]}), "body/list/0/b: not declared")
        self.refuses(post(GOOD | {"to": 1555}), "body/to")
        self.refuses(post(GOOD | {"to": "1555"}), "body/to")
        self.refuses(post(GOOD | {"text": "x" * 21}), "body/text")
        self.refuses(post(GOOD | {"life": 601}), "body/life")
        self.refuses(post(GOOD | {"life": "60"}), "body/life")
        self.refuses(post(GOOD | {"kind": "fax"}), "body/kind")
        self.refuses(post(GOOD | {"kind": None}), "body/kind")
        self.refuses(post(GOOD | {"id": "1"}), "body/id: read-only")
        self.refuses(post([]), "body")
        self.refuses(post(b'{"to":"+1","to":"+2","text":"x"}'), "twice")
        self.refuses(post(b'{"to":"+1","text":"\xff"}'), "UTF-8")
        self.refuses(post(b'{"to":"+1","text":"x"'), "no JSON")
        self.refuses(post(b'{"to":"+1","text":NaN}'), "NaN")

    def test_servers_that_a_contract_adds(self):
        api = Api(Document(root=ROOT), ["https://other.example/v9"])
        url = "https://other.example/v9/accounts/A1/items"
        self.assertEqual(api.check(post(GOOD, url=url)).violations, [])
        self.assertTrue(api.check(post(GOOD)).violations)


class Values(unittest.TestCase):
    SENT = {"channel": "sms", "recipient": "+1555", "text": "Code 4829", "code": "4829",
            "sender": "+1666"}  # fmt: skip

    def missing(self, strings, url="https://x", **more):
        return check.missing_values(strings, self.SENT | more, url)

    def test_all_there(self):
        self.assertEqual(self.missing(["+1555", "Code 4829", "1666"]), [])
        self.assertEqual(self.missing(["tel:+1555", "a Code 4829 b", "+1666"]), [])

    def test_missing(self):
        self.assertEqual(self.missing(["+1555", "Code 4829"]), ["sender: nowhere in the request"])
        self.assertIn("text: nowhere in the request", self.missing(["+1555", "4829", "1666"]))
        self.assertIn("code: nowhere in the request", self.missing(["Code"], text="Code"))
        self.assertIn("recipient: nowhere in the request", self.missing(["+15551", "1666"]))
        self.assertIn("message_id: nowhere in the request", self.missing([], message_id="x"))

    def test_code_in_the_url(self):
        strings = ["+1555", "Code 4829", "1666"]
        self.assertEqual(
            self.missing(strings, url="https://x/?c=48%329"), ["URL: holds the code or the text"]
        )

    def test_a_template_has_the_code_alone(self):
        self.assertEqual(self.missing(["+1555", "4829", "1666"], channel="whatsapp"), [])

    def test_what_is_spoken(self):
        xml = '<?xml version="1.0"?><Response><Say voice="x">A &amp;&lt;B\n4, 8</Say></Response>'
        call = {"channel": "voice", "text": "A &<B 4, {8}", "code": "4, 8", "sender": ""}
        self.assertEqual(self.missing(["+1555", xml.replace("8<", " 8 <")], **call), [])
        self.assertIn("text: nowhere in the request", self.missing(["+1555", "<a/>"], **call))
        broken = self.missing(["+1555", xml.replace("&amp;", "&")], **call)
        self.assertTrue(any(v.startswith("XML: ") for v in broken))


class Runs(unittest.TestCase):
    """check.py as a whole, with a program that prints what is wanted."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name)
        document = {
            "openapi": "3.0.3",
            "servers": [{"url": "https://x.example"}],
            "paths": {
                "/send": {"post": {"requestBody": {"content": {"application/json": {
                    "schema": {"type": "object", "properties": {"to": {}, "text": {}}}}}}}}
            },
        }  # fmt: skip
        self.contract = {
            "provider": "mfa_x",
            "cases": [{"name": "sms", "refuses": ["code_20"]}],
            "published": None,
            "document": document,
        }
        body = base64.b64encode(b'{"to":"+1555","text":"Code 4829"}').decode()
        self.line = {
            "provider": "mfa_x", "case": "sms", "variant": "ordinary", "method": "POST",
            "url": "https://x.example/send", "headers": [JSON], "body": body,
            "expects": Values.SENT | {"sender": ""},
        }  # fmt: skip

    def run_check(self, *lines, published=False):
        (self.path / "lines").write_text("".join(json.dumps(line) + "\n" for line in lines))
        program = self.path / "program"
        program.write_text(f"#!/bin/sh\ncat '{self.path}/lines'\n")
        os.chmod(program, 0o755)
        (self.path / "x.json").write_text(json.dumps(self.contract))
        arguments = ["--program", str(program), str(self.path / "x.json")]
        if published:
            arguments += ["--published", str(self.path)]
        out = io.StringIO()
        with contextlib.redirect_stderr(out):
            return check.main(arguments, out), out.getvalue()

    def test_good_and_bad(self):
        status, said = self.run_check(self.line)
        self.assertEqual((status, said.count("\nok") + said.startswith("ok")), (0, 2), said)
        status, said = self.run_check(self.line | {"method": "GET"})
        self.assertEqual(status, 1)
        self.assertIn("not ok - mfa_x sms", said)
        self.assertIn("method GET", said)

    def test_an_operation_that_nobody_uses(self):
        self.contract["document"]["paths"]["/idle"] = {"get": {}}
        status, said = self.run_check(self.line)
        self.assertEqual(status, 1)
        self.assertIn("GET /idle", said)

    def test_refusals(self):
        refusal = {"provider": "mfa_x", "case": "sms", "variant": "code_20", "error": "too long"}
        self.assertEqual(self.run_check(self.line, refusal)[0], 0)
        status, said = self.run_check(self.line, refusal | {"variant": "hostile"})
        self.assertEqual(status, 1)
        self.assertIn("refused: too long", said)
        status, said = self.run_check(self.line | {"variant": "code_20"})
        self.assertEqual(status, 1)
        self.assertIn("not refused", said)

    def test_a_hostile_id_must_arrive_but_need_not_be_valid(self):
        paths = self.contract["document"]["paths"]
        paths["/get/{id}"] = {
            "get": {"parameters": [{"name": "id", "in": "path", "schema": {"maxLength": 3}}]}
        }
        line = {
            "provider": "mfa_x", "case": "look-up", "variant": "hostile_id", "method": "GET",
            "url": "https://x.example/get/..%2Fa%3Fb", "headers": [], "body": "",
            "expects": {"message_id": "../a?b"},
        }  # fmt: skip
        self.assertEqual(self.run_check(self.line, line)[0], 0)
        self.assertEqual(self.run_check(self.line, line | {"variant": "ordinary"})[0], 1)
        bad = line | {"url": "https://x.example/get/../a?b"}
        self.assertEqual(self.run_check(self.line, bad)[0], 1)
        del paths["/get/{id}"]["get"]["parameters"]
        self.assertEqual(self.run_check(self.line, line)[0], 1)

    def test_published(self):
        status, said = self.run_check(self.line, published=True)
        self.assertEqual(status, 0)
        self.assertIn("# skip no document is published", said)

        entry = {"repository": "owner/name", "document": "a/api.json"}
        self.contract["published"] = entry
        self.assertIn("# skip not there: a/api.json", self.run_check(self.line, published=True)[1])

        file = self.path / "owner+name" / "a" / "api.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(self.contract["document"]))
        status, said = self.run_check(self.line, published=True)
        self.assertEqual(status, 0)
        self.assertIn("against owner/name a/api.json", said)
        self.assertNotIn("skip", said)

        del self.contract["document"]["paths"]["/send"]["post"]
        file.write_text(json.dumps(self.contract["document"]))
        check._apis.clear()
        self.assertEqual(self.run_check(self.line, published=True)[0], 1)
        entry["covers"] = ["voice"]
        status, said = self.run_check(self.line, published=True)
        self.assertEqual(status, 0)
        self.assertIn("# skip no published document covers it", said)

    def test_what_is_known_of_a_document_is_said(self):
        file = self.path / "owner+name" / "api.json"
        file.parent.mkdir(parents=True)
        document = json.loads(json.dumps(self.contract["document"]))
        schema = document["paths"]["/send"]["post"]["requestBody"]["content"]["application/json"]
        del schema["schema"]["properties"]["text"]
        file.write_text(json.dumps(document))
        self.contract["published"] = {
            "repository": "owner/name", "document": "api.json",
            "known": ["body/text: not declared"],
        }  # fmt: skip
        check._apis.clear()
        status, said = self.run_check(self.line, published=True)
        self.assertEqual(status, 0)
        self.assertIn("the document's fault: body/text: not declared", said)
        self.contract["published"]["known"] = []
        self.assertEqual(self.run_check(self.line, published=True)[0], 1)


if __name__ == "__main__":
    unittest.main()
