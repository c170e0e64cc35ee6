"""Instructions of a call, by callgrind; bench/instructions has made the server."""
import argparse
import os
import re
import subprocess

import known_requests
import pgbench
import server
import sql

DATABASE = "instructions"
BASELINE = os.path.join(os.path.dirname(__file__), "..", "instructions." + os.environ["PG_MAJOR"])
LARGEST_GROWTH = 1.1
FIRST, WRONG, CODE = known_requests.FIRST, known_requests.WRONG, known_requests.CODE


class Case:
    """`statement` is prepared with a $1, which `argument(n)` writes for the nth call."""

    def __init__(self, name, statement, argument, against=None, entry=None):
        self.name, self.statement, self.argument = name, statement, argument
        self.against, self.entry = against, entry


def cases(count):
    """Of the known requests, those of wrong codes are behind those of right ones."""
    base = pgbench.new_base()
    ids = [row[0] for row in server.psql(
        DATABASE, f"SELECT id FROM mfa.request ORDER BY id DESC LIMIT {4 * count}")]
    sent = lambda n: f"{base + n}"
    known = lambda n: f"{FIRST + n}"
    verify = "(bigint) AS SELECT mfa_verify('+' || $1, '{}')"
    by_id = "(uuid) AS SELECT mfa_verify($1, '{}')"
    return [
        Case("SELECT by pkey", "(bigint) AS SELECT attempts, code_hash FROM by_pkey WHERE id = $1", known),
        Case("UPDATE ... RETURNING by pkey", "(bigint) AS UPDATE by_pkey SET attempts = attempts + 1 "
             "WHERE id = $1 RETURNING attempts", known),
        Case("INSERT", "(bigint) AS " + sql.INSERT.replace(":n", "$1"), sent),
        Case("INSERT of the same rows", "(bigint) AS " + sql.INSERT_SAME.replace(":n", "$1"), sent),
        Case("send by hand", "(bigint) AS SELECT send_by_hand('+' || $1, false)", sent),
        Case("send by hand, HTTP queue", "(bigint) AS SELECT send_by_hand('+' || $1, true)", sent),
        Case("mfa_send", "(bigint) AS SELECT mfa_send('+' || $1)", sent, "INSERT of the same rows",
             "mfa_send"),
        Case("mfa_verify, wrong code", verify.format(WRONG), lambda n: known(5 * count + n),
             "SELECT by pkey", "mfa_verify_text"),
        Case("mfa_verify, wrong code, by id", by_id.format(WRONG), lambda n: f"'{ids[n]}'",
             "SELECT by pkey"),
        Case("mfa_verify, right code", verify.format(CODE), known, "UPDATE ... RETURNING by pkey",
             "mfa_verify_text"),
    ]


def prepare(count):
    # Without a postmaster, the settings of a database do not count.
    server.restart(max_locks_per_transaction=512, **server.SETTINGS)
    server.create_database(DATABASE, "http://127.0.0.1:1")
    known_requests.make(DATABASE, 0, 10 * count)
    server.psql(DATABASE, sql.TABLES + f"""
        INSERT INTO by_pkey SELECT n, 0, sha256(n::text::bytea)
            FROM generate_series({FIRST}, {FIRST} + 100000) n; -- worth an index
        VACUUM ANALYZE;""")


def callgrind(case, calls, *options, warm=()):
    """Instructions of a server of one process that makes these calls. Those that are to make it warm come
    first, with a call of pg_backend_pid behind them."""
    statements = [f"PREPARE call {case.statement};"]
    statements += [f"EXECUTE call ({case.argument(n)});" for n in warm]
    statements += ["SELECT pg_backend_pid();"]
    statements += [f"EXECUTE call ({case.argument(n)});" for n in calls]
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out_file(), *options, "postgres",
         "--single", "-D", server.CLUSTER, DATABASE],
        input="\n".join(statements) + "\n", capture_output=True, text=True, timeout=600)
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise SystemExit(f"{case.name}: {done.stdout[-500:]}{done.stderr[-2000:]}")
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def out_file():
    return os.path.join(os.environ["MFA_SCRATCH"], "callgrind.out")


def print_profile(case, count):
    """The functions that the calls of `entry` go through, below it."""
    callgrind(case, range(3 * count, 4 * count), "--toggle-collect=" + case.entry,
              "--zero-before=pg_backend_pid", warm=range(4 * count, 4 * count + 20))
    text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", out_file()],
                          capture_output=True, text=True, check=True, timeout=120).stdout
    print(f"\n{case.name}: instructions a call, inclusively")
    lines = [re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+[^:]*:(.*?)(?: \[[^]]*\])?$", line)
             for line in text.splitlines()]
    functions = [(int(line.group(1).replace(",", "")), line.group(2)) for line in lines if line]
    total = next(number for number, name in functions if name == case.entry)
    print(f"{total / count:12,.0f}  {case.entry}")
    # Who calls it has as many. The library's functions without a name say nothing.
    below = [(number, name) for number, name in functions
             if number < total and not name.startswith(("0x", "???"))]
    for number, name in below[:50]:
        print(f"{number / count:12,.0f}  {name[:100]}")


def calls_of_ours(all_cases, count):
    """Instructions within mfa's own functions, what they call included: the rest of a transaction is another
    server version's affair."""
    for case in all_cases:
        if case.entry:
            warm = range(4 * count, 4 * count + 20)
            yield case.name, callgrind(case, range(3 * count, 4 * count), "--toggle-collect=" + case.entry,
                                       "--zero-before=pg_backend_pid", warm=warm) / count


def check(all_cases, count):
    """Lines of TAP, one a call."""
    with open(BASELINE, encoding="ascii") as file:
        baseline = dict(line.strip().rsplit("\t", 1) for line in file if not line.startswith("#"))
    failed = False
    for name, number in calls_of_ours(all_cases, count):
        most = float(baseline[name]) * LARGEST_GROWTH
        good = number <= most
        failed |= not good
        print(f"{'ok' if good else 'not ok'} - {name}: {number:,.0f} instructions, at most {most:,.0f}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--baseline", action="store_true")
    parser.add_argument("count", type=int, nargs="?", default=300)
    arguments = parser.parse_args()
    count = arguments.count
    prepare(count)
    all_cases = cases(count)
    server.stop()
    if arguments.check:
        raise SystemExit(check(all_cases, count))
    if arguments.baseline:
        for name, number in calls_of_ours(all_cases, count):
            print(f"{name}\t{number:.0f}")
        return
    each = {}
    print(f"{'instructions':36}{'a call':>12}{'against':>34}{'ratio':>8}")
    for case in all_cases:
        once = callgrind(case, range(count))
        each[case.name] = (callgrind(case, range(count, 3 * count)) - once) / count
        line = f"{case.name:36}{each[case.name]:12,.0f}"
        if case.against:
            line += f"{case.against:>34}{each[case.against] / each[case.name]:8.2f}"
        print(line, flush=True)
    for case in all_cases:
        if arguments.profile and case.entry:
            print_profile(case, count)


main()
