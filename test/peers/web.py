"""An HTTP server and a proxy that misbehave.

    python3 web.py FOLDER

Prints the ports as JSON. Each request that was read is a line of FOLDER/requests.jsonl: {"port", "line"}.
"answers_once" answers the first request of a connection, reads the next one and closes; "leaves" closes
behind its answer. "proxy" reads a request, such as CONNECT, and closes; "refusing_proxy" answers it by 503.
"""

import asyncio
import json
import sys

FOLDER = sys.argv[1]


async def read_request(reader, port):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *headers = head.split("\r\n")
    for header in headers:
        name, _, value = header.partition(":")
        if name.lower() == "content-length":
            await reader.readexactly(int(value))
    with open(FOLDER + "/requests.jsonl", "a", encoding="utf-8") as out:
        out.write(json.dumps({"port": port, "line": line}) + "\n")


def server_for(port):
    async def serve(reader, writer):
        try:
            await read_request(reader, port)
            if port == "refusing_proxy":
                writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n")
            if port in ("answers_once", "leaves"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
            if port == "answers_once":
                await read_request(reader, port)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    return serve


async def main():
    ports = {}
    for port in ("answers_once", "leaves", "proxy", "refusing_proxy"):
        server = await asyncio.start_server(server_for(port), "127.0.0.1", 0)
        ports[port] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await asyncio.sleep(900)  # no test takes longer


asyncio.run(main())
