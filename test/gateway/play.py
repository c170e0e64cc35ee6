"""Playing a fault on a connection."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import Protocol

from exchange import Refusal, Verdict
from faults import HANG_SECONDS, Action
from http1 import Response

_BLOCK = b"x" * 65536

# Long enough for the client to read the first half before the reset overtakes it.
_MID_RESPONSE_PAUSE = 0.05


class Peer(Protocol):
    """What a fault needs from the connection that it is played on."""

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None:
        """Waits until the client has taken most of what was written."""

    def reset(self) -> None:
        """Ends the connection with RST."""

    def shut_write(self) -> None:
        """Sends FIN, and goes on reading."""

    async def wait_gone(self, seconds: float) -> None:
        """Waits until the client has closed its side."""


async def play_early(peer: Peer, action: Action) -> bool:
    """A fault before the request was read. Nothing is said after it."""
    await asyncio.sleep(action.delay)
    if action.kind == "reset":
        peer.reset()
    else:
        await peer.wait_gone(HANG_SECONDS)
    return False


async def play(peer: Peer, action: Action, verdict: Verdict, keep_alive: bool) -> bool:
    """A fault after the request was read; returns whether the connection goes on."""
    if action.delay:
        await asyncio.sleep(action.delay)
    match action.kind:
        case "hang":
            await peer.wait_gone(HANG_SECONDS)
            return False
        case "half_close":
            peer.shut_write()
            await peer.wait_gone(HANG_SECONDS)
            return False
        case "reset" | "close":
            await _break_off(peer, action, verdict.response)
            return False
        case "huge":
            await _send_huge(peer, verdict.response, action.value)
            return False
        case _:
            keep_alive = keep_alive and action.kind not in ("garbage", "duplicate_content_length")
            await _send(peer, _compose(action, verdict, keep_alive), action.drip)
            return keep_alive


async def _break_off(peer: Peer, action: Action, response: Response) -> None:
    if action.value == "mid_response":
        answer = response.encode()
        peer.write(answer[: len(answer) - max(1, len(response.body) // 2)])
        await asyncio.sleep(_MID_RESPONSE_PAUSE)
    if action.kind == "reset":
        peer.reset()


async def _send_huge(peer: Peer, response: Response, size: int) -> None:
    """The honest answer with a long string in it: valid JSON to a client that reads on."""
    start = response.body.rstrip()[:-1] + b',"padding":"'
    end = b'"}'
    peer.write(response.encode_head(len(start) + size + len(end), keep_alive=False) + start)
    while size > 0:
        peer.write(_BLOCK[:size])
        size -= len(_BLOCK)
        await peer.drain()
    peer.write(end)


async def _send(peer: Peer, answer: bytes, drip: float) -> None:
    if not drip:
        peer.write(answer)
        return
    for position in range(len(answer)):
        peer.write(answer[position : position + 1])
        await asyncio.sleep(drip)


def _compose(action: Action, verdict: Verdict, keep_alive: bool) -> bytes:
    """The bytes of the answer that the fault makes of the honest one."""
    honest = verdict.response
    match action.kind:
        case "answer":
            answer = honest
        case "status":
            answer = Response(action.value, action.message.encode("utf-8"), extra=action.headers)
        case "code":
            answer = verdict.endpoint.render(Refusal(action.status, action.value, action.message))
        case "garbage" if action.value == "json":
            answer = Response(201, b'{"sid": "half an answer", "status"')
        case "garbage":
            return b"\0" + os.urandom(255)  # NUL first: never by chance a status line
        case "redirect":
            answer = Response(302, extra={"Location": action.value})
        case "huge_headers":
            answer = replace(honest, extra={**honest.extra, **_padding_headers(action.value)})
        case "duplicate_content_length":
            answer = replace(honest, extra={**honest.extra, "Content-Length": str(len(honest.body) + 7)})
        case _:
            raise AssertionError(f"no such fault: {action.kind}")
    return answer.encode(keep_alive)


def _padding_headers(size: int) -> dict[str, str]:
    """About `size` bytes of headers, each of a length that is not a fault itself."""
    line = 1000
    return {f"X-Padding-{start // line}": "x" * min(line, size - start) for start in range(0, size, line)}
