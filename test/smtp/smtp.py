"""Mail servers to send to: aiosmtpd where mail is to arrive, scripts where it is not.

    python3 smtp.py FOLDER

Prints the ports as JSON, {"plain": 12345, ...}. Each mail that came is a line of FOLDER/mails.jsonl;
FOLDER/ca.pem and FOLDER/other_ca.pem are certificate authorities made for this run, of which only the
first has signed the servers'.
"""

import asyncio
import base64
import email
import email.policy
import json
import ssl
import subprocess
import sys

from aiosmtpd.smtp import SMTP, AuthResult

FOLDER = sys.argv[1]
USER, PASSWORD = "mfa@example.com", "s3cr3t ñ/\\"


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, cwd=FOLDER, capture_output=True)


def make_ca(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")


def context_for(host):
    with open(f"{FOLDER}/{host}.ext", "w", encoding="ascii") as out:
        out.write(f"subjectAltName=DNS:{host}\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", f"{host}.key", "-out", f"{host}.csr", "-subj", f"/CN={host}")
    openssl("x509", "-req", "-in", f"{host}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", f"{host}.pem", "-days", "1", "-extfile", f"{host}.ext")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{FOLDER}/{host}.pem", f"{FOLDER}/{host}.key")
    return context


class Box:
    """Keeps what comes. A recipient such as 550@example.com is refused with that code."""

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        code = address.partition("@")[0]
        if code.isdigit():
            return f"{code} {code[0]}.1.1 <{address}> said no"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        raw = envelope.original_content
        message = email.message_from_bytes(raw, policy=email.policy.default)
        record = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "raw": base64.b64encode(raw).decode(),
            "headers": {name: str(value) for name, value in message.items()},
            "defects": [repr(each) for each in message.defects],
            "text": message.get_content(),
            "tls": session.ssl is not None or server.transport.get_extra_info("cipher") is not None,
            "user": session.auth_data.decode() if session.authenticated else "",
            "connection": session.peer[1],
            "greeted_as": session.host_name,
        }
        with open(FOLDER + "/mails.jsonl", "a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")
        return "250 2.0.0 OK: queued as 4F2A1"


def authenticate(_server, _session, _envelope, _mechanism, data):
    good = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=good, handled=False, auth_data=data.login)


class Script:
    """A server that does as its mode says, and is a plain one until then."""

    def __init__(self, mode):
        self.mode = mode

    async def __call__(self, reader, writer):
        try:
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass
        writer.close()

    async def talk(self, reader, writer):
        mode = self.mode

        async def say(text):
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        async def flood(data):
            while True:
                writer.write(data)
                await writer.drain()

        if mode == "mute":
            await reader.read()
            return
        if mode.startswith("greets_"):
            await say(f"{mode[7:]} 4.3.2 not now")
            await reader.read()
            return
        await say("220 script ESMTP")
        refused = False
        while True:
            line = (await reader.readline()).decode()
            verb = line[:4].upper()
            if not line:
                return
            if verb == "EHLO" and mode == "old":
                await say("502 what")
            elif verb == "EHLO" and mode == "endless_reply":
                await flood(b"250-X-ANOTHER\r\n" * 1000)
            elif verb == "EHLO" and mode == "endless_line":
                await flood(b"250-" + b"X" * 60000)
            elif verb == "EHLO" and mode == "odd_auth":
                await say("250-script\r\n250 AUTH GSSAPI XOAUTH2")
            elif verb in ("EHLO", "HELO"):
                await say("250 script")
            elif verb == "MAIL" and mode == "breaks_at_mail":
                return
            elif verb == "RCPT" and mode == "refuses_and_hangs":
                refused = True
                await say("550-5.7.1 never\r\n550 5.7.1 ever")
            elif verb == "RCPT" and mode == "refuses_and_goes_on":
                await say("550 5.7.1 never\r\n221 2.0.0 bye")
            elif verb == "QUIT" and (refused or mode == "hangs_at_quit"):
                await asyncio.sleep(60)
            elif verb == "QUIT":
                await say("221 bye")
                return
            elif verb == "DATA" and mode == "breaks_at_data":
                return
            elif verb == "DATA":
                await say("354 go on")
                if mode == "breaks_in_data":
                    await reader.readexactly(100)
                    writer.transport.abort()
                    return
                await reader.readuntil(b"\r\n.\r\n")
                if mode == "breaks_behind_dot":
                    return
                if mode == "leaves_when_idle":
                    await say("250 2.0.0 queued")
                    await asyncio.sleep(0.2)
                    await say("421 4.4.2 timeout")
                    return
                if mode == "half_a_reply_behind_dot":
                    writer.write(b"250-2.0.0 queued\r\n250")
                    await writer.drain()
                    return
                if mode == "mute_behind_dot":
                    await reader.read()
                    return
                if mode == "endless_reply_behind_dot":
                    await flood(b"250-more\r\n" * 1000)
                if mode.startswith("behind_dot_"):
                    await say(f"{mode[11:]} {mode[11]}.3.0 no")
                else:
                    await say("250 2.0.0 queued")
            else:
                await say("250 OK")


MODES = """leaves_when_idle mute greets_421 greets_554 old endless_reply endless_line refuses_and_goes_on odd_auth breaks_at_mail
    refuses_and_hangs hangs_at_quit breaks_at_data breaks_in_data breaks_behind_dot
    half_a_reply_behind_dot mute_behind_dot endless_reply_behind_dot behind_dot_421 behind_dot_451
    behind_dot_554""".split()


async def main():
    make_ca("ca")
    make_ca("other_ca")
    local, elsewhere = context_for("localhost"), context_for("mail.example")
    loop = asyncio.get_running_loop()
    ports = {}

    async def serve(name, tls=None, **options):
        server = await loop.create_server(lambda: SMTP(Box(), **options), "127.0.0.1", 0, ssl=tls)
        ports[name] = server.sockets[0].getsockname()[1]

    log_in = {"authenticator": authenticate, "auth_required": True}
    await serve("plain")
    await serve("plain_auth", auth_require_tls=False, **log_in)
    await serve("starttls", tls_context=local, require_starttls=True)
    await serve("starttls_auth", tls_context=local, require_starttls=True, **log_in)
    await serve("starttls_login", tls_context=local, auth_exclude_mechanism=["PLAIN"], **log_in)
    await serve("wrong_name", tls_context=elsewhere, require_starttls=True)
    await serve("smtps", tls=local, auth_require_tls=False, **log_in)
    for mode in MODES:
        server = await asyncio.start_server(Script(mode), "127.0.0.1", 0, limit=64 * 1024 * 1024)
        ports[mode] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await asyncio.sleep(900)  # no test takes longer


asyncio.run(main())
