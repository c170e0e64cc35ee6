"""A double of Amazon SNS that believes no signature: it computes AWS Signature Version 4 itself.

    python3 sns.py FOLDER

Prints its port as JSON, {"sns": 12345}. Each request that came is a line of FOLDER/requests.jsonl.
What it answers to a request that is signed well depends on the last four digits of PhoneNumber.
"""

import hashlib
import hmac
import json
import sys
import urllib.parse
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEYS = {"AKIAEXAMPLE": ("wJalr/XUtn+FEMI=K7", ""), "ASIAEXAMPLE": ("temporary/Secret+", "tok/en+==")}
REGION = "eu-central-1"
NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
ERRORS = {
    "0400": (400, "InvalidParameter"),
    "0403": (403, "AuthorizationError"),
    "0429": (400, "Throttling"),
    "0500": (500, "InternalError"),
}


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def flaw(request, body):
    """What is wrong with a request's signature, as the code of SNS for it; None if it is good."""
    headers = {name.lower(): " ".join(value.split()) for name, value in request.headers.items()}
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme != "AWS4-HMAC-SHA256":
        return "MissingAuthenticationToken"
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    key_id, date, region, service, end = fields["Credential"].split("/")
    if key_id not in KEYS:
        return "InvalidClientTokenId"
    secret, token = KEYS[key_id]
    if headers.get("x-amz-security-token", "") != token:
        return "InvalidClientTokenId"
    stamp = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    if abs(datetime.now(timezone.utc) - stamp) > timedelta(minutes=15):
        return "RequestExpired"
    if not headers["x-amz-date"].startswith(date) or (region, service, end) != (
        REGION,
        "sns",
        "aws4_request",
    ):
        return "SignatureDoesNotMatch"
    signed = fields["SignedHeaders"].split(";")
    must = {name for name in headers if name == "host" or name.startswith("x-amz-")}
    if signed != sorted(signed) or not must <= set(signed) <= set(headers):
        return "SignatureDoesNotMatch"
    path, _, query = request.path.partition("?")
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\n".join(
        [request.command, path, query]
        + [f"{name}:{headers[name]}" for name in signed]
        + ["", ";".join(signed), digest]
    )
    text = "\n".join(
        [
            scheme,
            headers["x-amz-date"],
            f"{date}/{region}/{service}/{end}",
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, end):
        key = sign(key, part)
    good = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(good, fields["Signature"]) else "SignatureDoesNotMatch"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = urllib.parse.parse_qs(body.decode(), keep_blank_values=True, strict_parsing=True)
        code = flaw(self, body)
        record = {
            "headers": dict(self.headers.items()),
            "form": {name: values[0] for name, values in form.items()},
            "twice": [name for name, values in form.items() if len(values) > 1],
            "flaw": code,
            "connection": self.client_address[1],
        }
        with open(FOLDER + "/requests.jsonl", "a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")
        if code:
            self.fail(403, code)
        elif form["PhoneNumber"][0][-4:] in ERRORS:
            self.fail(*ERRORS[form["PhoneNumber"][0][-4:]])
        else:
            self.reply(
                200,
                f'<PublishResponse xmlns="{NAMESPACE}"><PublishResult>'
                "<MessageId>94f20ce6-13c5-43a0-9a9e-ca52d816e90b</MessageId></PublishResult>"
                "<ResponseMetadata><RequestId>f187a3c1</RequestId></ResponseMetadata>"
                "</PublishResponse>",
            )

    def fail(self, status, code):
        self.reply(
            status,
            f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
            "<Message>no &amp; no</Message></Error><RequestId>f187a3c1</RequestId>"
            "</ErrorResponse>",
        )

    def reply(self, status, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


FOLDER = sys.argv[1]
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(json.dumps({"sns": server.server_address[1]}), flush=True)
server.serve_forever()
