"""What a telephone network cares about: numbers and message segments."""

from __future__ import annotations

import re

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORT_CODE = re.compile(r"[1-9][0-9]{4,5}")

# GSM 03.38: one septet each, and the ones that take an escape before them.
_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM_ALL = _GSM_BASIC | _GSM_EXTENDED


def is_e164(number: object) -> bool:
    return isinstance(number, str) and _E164.fullmatch(number) is not None


def is_sender(number: object) -> bool:
    """Whether `number` can be the sender of a text: a number or a short code."""
    return is_e164(number) or (isinstance(number, str) and _SHORT_CODE.fullmatch(number) is not None)


def count_segments(text: str) -> int:
    """How many messages the network needs, and the provider bills, for `text`."""
    if _GSM_ALL.issuperset(text):
        units = len(text) + sum(map(_GSM_EXTENDED.__contains__, text))
        single, joined = 160, 153
    else:
        units = len(text.encode("utf-16-le")) // 2
        single, joined = 70, 67
    return 1 if units <= single else -(-units // joined)
