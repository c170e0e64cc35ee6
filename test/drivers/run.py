#!/usr/bin/python3
"""Runs what is in examples/, straight and through PgBouncer in transaction mode. Answers in lines of TAP.

For script/test drivers, which sets MFA_SCRATCH and puts PostgreSQL on PATH. An argument chooses among the
drivers.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import traceback
from pathlib import Path

import quotes
from drivers import DRIVERS, EXAMPLES, Driver, NotHere, Program
from world import ROOT, World

# psycopg and JDBC prepare a statement that has run five times on a connection, of which pools have several.
TIMES_UNTIL_PREPARED = 40


def check(good: bool, name: str, detail: object = "") -> None:
    print("ok" if good else "not ok", "-", name)
    if not good:
        print("\n".join(f"#   {line}" for line in str(detail).splitlines()))
    sys.stdout.flush()


def wrong(code: str) -> str:
    return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))


def log_in(world: World, processes: list[Program], name: str, number: str) -> None:
    """Two processes of an application, which take turns."""
    turns = itertools.cycle(processes)
    answer = next(turns).ask(f"begin {number}")
    check(answer.startswith("request "), f"{name}: a code is sent", answer)
    request = answer.removeprefix("request ")
    code = world.code_for(number)
    for line, expected, what in (
        (f"begin {number}", "not yet: The next send is allowed in ", "the send limit is told from other errors"),
        (f"finish {number} {wrong(code)}", "wrong code; attempts left: 2", "a wrong code, by number"),
        (f"finish {request} {wrong(code)}", "wrong code; attempts left: 1", "a wrong code, by request"),
        (f"finish {number} {code}", "welcome", "the right one"),
    ):
        answer = next(turns).ask(line)
        check(answer.startswith(expected), f"{name}: {what}", answer)
    answers = {next(turns).ask(f"finish {request} {code}") for _ in range(TIMES_UNTIL_PREPARED)}
    check(answers == {"please ask for a new code: used"}, f"{name}: once only, however often it is tried", answers)


def run_driver(world: World, driver: Driver, number: str) -> None:
    folder = world.folder / driver.name
    folder.mkdir()
    try:
        command = driver.build(folder)
    except NotHere as reason:
        print(f"ok - {driver.name} # skip not run: {reason}", flush=True)
        return
    for digit, through_bouncer in enumerate((False, True)):
        name = f"{driver.name}, PgBouncer" if through_bouncer else driver.name
        log = folder / f"{digit}.log"
        processes = [driver.start(world, command, log, through_bouncer) for _ in range(2)]
        try:
            log_in(world, processes, name, f"{number}{digit}")
        finally:
            statuses = [process.leave() for process in processes]
        check(statuses == [0, 0], f"{name}: leaves well", f"{statuses}\n{log.read_text()}")
        # JDBC would try again by itself, outside of transactions.
        lost = [line for line in world.take_errors() if "prepared statement" in line]
        check(not lost, f"{name}: every prepared statement is where it is looked for", "\n".join(lost))


def run_procedures(world: World) -> None:
    world.sql((EXAMPLES / "sql/stored_procedures.sql").read_text())

    def web(statement: str, **variables: str) -> str:
        return world.sql(statement, role="web", **variables)

    def fails(sqlstate: str, statement: str, **variables: str) -> bool:
        try:
            web(statement, **variables)
        except RuntimeError as error:
            return f"ERROR:  {sqlstate}:" in str(error)
        return False

    number = "+14155552900"
    account = web("INSERT INTO account (phone) VALUES (:'number') RETURNING id", number=number)
    code = world.code_for(number)
    confirm = "SELECT confirm_phone(:account, :'code')"
    check(web(confirm, account=account, code=wrong(code)) == "f", "procedures: a number with a wrong code")
    check(web(confirm, account=account, code=code) == "t", "procedures: a number is confirmed")

    answer = web("SELECT start_login(:account)", account=account)
    check(answer.startswith("The next send is allowed in "), "procedures: the send limit", answer)
    world.sql("ALTER ROLE web SET mfa.send_limit = ''")
    check(web("SELECT start_login(:account)", account=account) == "sent", "procedures: a login begins")
    code = world.code_for(number, 2)
    finish = "SELECT finish_login(:account, :'code')"
    check(web(finish, account=account, code=wrong(code)) == "wrong", "procedures: a login with a wrong code")
    check(web(finish, account=account, code=code) == "verified", "procedures: a login")

    payment = web("INSERT INTO payment (payer, amount) VALUES (:account, 99) RETURNING id", account=account)
    web("SELECT start_payment(:payment)", payment=payment)
    code = world.code_for(number, 3)
    pay = "SELECT pay(:payment, :'code')"
    check(fails("28000", pay, payment=payment, code=wrong(code)), "procedures: a wrong code is an error")
    attempts = world.sql("SELECT attempts FROM mfa.requests WHERE purpose = 'payment:' || :payment", payment=payment)
    check(attempts == "1", "procedures: ... whose attempt is counted", attempts)
    check(web(pay, payment=payment, code=code) == "", "procedures: a payment")
    check(fails("28000", pay, payment=payment, code=code), "procedures: no second one")
    check(fails("42501", "SELECT mfa_send(:'number')", number=number), "procedures: mfa itself is closed")
    check(fails("42501", "SELECT phone FROM account"), "procedures: numbers can't be read")


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    folder = Path(os.environ["MFA_SCRATCH"], "drivers")
    folder.mkdir()
    try:
        if chosen in "documents":
            for good, name, detail in quotes.check(ROOT):
                check(good, name, detail)
        with World(folder) as world:
            check(world.bouncer_switches(), "PgBouncer gives a client another session for each transaction")
            for position, driver in enumerate(DRIVERS):
                if chosen in driver.name:
                    run_driver(world, driver, f"+1415555{position}80")
            if chosen in "procedures":
                run_procedures(world)
    except Exception:
        traceback.print_exc()
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}", log.read_text(errors="replace")[-4000:], sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
