#!/usr/bin/python3
"""A loopback gateway that plays an SMS and voice provider for tests and demos.

It accepts what the provider accepts, refuses what it refuses, remembers what
arrived, and goes wrong on request in every way that a network can. Run it with
--help, read README.md for what it speaks.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import resource
import signal
import ssl
import sys
import tempfile

from account import Account
from app import App
from listener import MAX_CONNECTIONS, SPARE_CONNECTIONS, Listener

DEFAULT_PROJECT = "00000000-0000-4000-8000-000000000000"
DEFAULT_TOKEN = "PTgateway"

_SPARE_FILES = SPARE_CONNECTIONS + 32  # and the process's own
_GOODBYE_SECONDS = 1.0


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Plays an SMS and voice provider on the loopback interface.")
    parser.add_argument("--host", default="127.0.0.1", choices=("127.0.0.1", "::1"), help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 (default) takes a free one")
    parser.add_argument("--port-file", metavar="FILE", help="where to write the port once it listens")
    parser.add_argument("--project", metavar="ID", default=DEFAULT_PROJECT, help="project id (default: %(default)s)")
    parser.add_argument("--token", default=DEFAULT_TOKEN, help="API token (default: %(default)s)")
    parser.add_argument("--cert", metavar="FILE", help="certificate chain (PEM); turns TLS on")
    parser.add_argument("--key", metavar="FILE", help="private key of the certificate (PEM)")
    parser.add_argument("--max-seconds", type=float, default=3600.0, metavar="N", help="leave after this time (3600)")
    options = parser.parse_args(arguments)
    if (options.cert is None) != (options.key is None):
        parser.error("--cert and --key go together")
    if not 0 <= options.port <= 65535:
        parser.error("--port must be from 0 to 65535")
    if not options.max_seconds > 0:
        parser.error("--max-seconds must be positive")
    return options


def make_tls(cert: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def allow_connections() -> int:
    """Raises the limit on open files as needed; returns how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _SPARE_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(MAX_CONNECTIONS, soft - _SPARE_FILES)


def write_port_file(path: str, port: int) -> None:
    """Writes the port so that a reader sees all of it or no file at all."""
    directory = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(prefix=".port-", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{port}\n")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


async def serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    app = App(Account(options.project, options.token))
    tls = make_tls(options.cert, options.key) if options.cert else None
    listener = Listener(app, options.host, options.port, tls, allow_connections())
    if options.port_file:
        write_port_file(options.port_file, listener.port)

    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(stop.wait(), options.max_seconds)
    listener.close()
    for connection in list(app.connections):
        connection.abort()
    deadline = loop.time() + _GOODBYE_SECONDS
    while app.connections and loop.time() < deadline:
        await asyncio.sleep(0.001)


def main() -> int:
    options = parse_arguments()
    # What is stored lives long and has no cycles: looking through all of it
    # for garbage again and again would only make some answers late.
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)
    try:
        asyncio.run(serve(options))
    except OSError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
