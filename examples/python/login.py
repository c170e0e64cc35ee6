"""The second step of a login, with psycopg 3 and its pool.

    DATABASE_URL=postgresql://app@db.example.com/shop python3 login.py

begin_login and finish_login are what a web application calls in its handlers. Here, lines on
standard input stand for the web: "begin NUMBER", then "finish NUMBER CODE", or with the id of the
request in place of the number.
"""

from __future__ import annotations

import os
import sys

import psycopg
from psycopg_pool import ConnectionPool

SEND_LIMIT_REACHED = "MF001"

# A PgBouncer in transaction mode hands out another session for each transaction, where a statement
# that was prepared in the last one is not known: None prepares none. 5 is psycopg's default.
PREPARE_AFTER = None if os.environ.get("PGBOUNCER") else 5


class SendLimitReached(Exception):
    """When the person may ask for the next code is in the text."""


def begin_login(pool: ConnectionPool, phone: str) -> str:
    """Sends a code; returns the id of the request, to keep in the person's session."""
    try:
        with pool.connection() as connection:  # a transaction: the message leaves as it commits
            row = connection.execute("SELECT mfa_send(%s)", (phone,)).fetchone()
    except psycopg.Error as error:
        if error.sqlstate == SEND_LIMIT_REACHED:
            raise SendLimitReached(error.diag.message_detail) from None
        raise
    return str(row[0])


def finish_login(pool: ConnectionPool, request: str, code: str) -> tuple[str, int]:
    """Tries a code, for the id of a request or for a number. "verified" is the only good status."""
    with pool.connection() as connection:
        return connection.execute(
            "SELECT status, attempts_left FROM mfa_check(%s, %s)", (request, code)
        ).fetchone()


def serve(pool: ConnectionPool, line: str) -> str:
    match line.split():
        case ["begin", phone]:
            try:
                return f"request {begin_login(pool, phone)}"
            except SendLimitReached as limit:
                return f"not yet: {limit}"
        case ["finish", request, code]:
            status, attempts_left = finish_login(pool, request, code)
            if status == "verified":
                return "welcome"
            if status == "wrong":
                return f"wrong code; attempts left: {attempts_left}"
            return f"please ask for a new code: {status}"
        case _:
            return "begin NUMBER, or finish NUMBER|REQUEST CODE"


if __name__ == "__main__":
    with ConnectionPool(
        os.environ["DATABASE_URL"], min_size=1, max_size=4, kwargs={"prepare_threshold": PREPARE_AFTER}
    ) as pool:
        for line in sys.stdin:
            print(serve(pool, line), flush=True)
