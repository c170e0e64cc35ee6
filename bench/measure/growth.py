"""The same with many live requests as with few, and with many sessions as with few."""
import time

import delivery
import pgbench
import known_requests
import server
import sql

TOPIC = "growth"
FEW, MANY = "few", "many"
SESSIONS = (1, 8, 64)


class Tables:
    """A database whose live requests have the recipients FIRST, FIRST + 1 and so on."""

    def __init__(self, database, live, transactions):
        self.database, self.live, self.transactions = database, live, transactions
        self.rounds = 0

    def next_round(self):
        """Codes that nobody has tried; where there are few they have to come back."""
        if self.database == FEW:
            server.psql(FEW, f"""TRUNCATE mfa.request, mfa.message;
                INSERT INTO mfa.request SELECT {known_requests.COLUMNS} FROM saved;""")
            known_requests.add_messages(FEW)
        self.rounds += 1

    def run(self, case):
        """Requests by a permutation, so that they are anywhere in the tables."""
        if case == "mfa_send":
            script, variables = "SELECT mfa_send('+' || :n::text)", {"base": pgbench.new_base()}
        else:
            right = case == "mfa_verify, right code"
            code = known_requests.CODE if right else known_requests.WRONG
            script = (f"\\set n {known_requests.FIRST} + permute(:n % :live, :live, 1)\n"
                      f"SELECT mfa_verify('+' || :n::text, '{code}')")
            done = 0 if self.database == FEW else (2 * self.rounds + right) * self.transactions
            variables = {"base": done, "live": self.live}
        return pgbench.run(self.database, script, 1, self.transactions, **variables)


CASES = ["mfa_send", "mfa_verify, wrong code", "mfa_verify, right code"]


def name_of(case, tables):
    return f"{case}, {tables.live:,} live"


def fill(bench, few, many):
    """Few requests, saved, and a copy of that database with many."""
    server.create_database(FEW, bench.url)
    known_requests.make(FEW, 0, few)
    server.psql(FEW, "CREATE UNLOGGED TABLE saved AS SELECT * FROM mfa.request")
    server.psql("postgres", f"CREATE DATABASE {MANY} TEMPLATE {FEW}")
    server.psql("postgres", "".join(f"ALTER DATABASE {MANY} SET {setting} = '{to}';"
                                    for setting, to in server.SETTINGS.items()))
    known_requests.make(MANY, few, many - few)
    known_requests.add_messages(MANY)


def many_requests(bench):
    many = 100_000 if bench.quick else 1_000_000
    transactions = 1_000 if bench.quick else 3_000
    server.hold_workers()
    fill(bench, transactions, many)
    tables = [Tables(FEW, transactions, transactions), Tables(MANY, many, transactions)]
    deadline = time.monotonic() + bench.seconds(TOPIC)
    rounds = 0
    while rounds < 3 or (rounds < bench.rounds and time.monotonic() < deadline):
        rounds += 1
        for table in tables:
            table.next_round()
        for case in CASES:
            for table in tables:
                result = table.run(case)
                bench.report.add(TOPIC, name_of(case, table), 1, result.rate)
                bench.report.add(TOPIC, name_of(case, table), 1, result.cpu, "µs")
    for case in CASES:
        bench.report.ratio(TOPIC, 1, name_of(case, tables[1]), name_of(case, tables[0]), 0.8)
    return tables


def delivery_among_many(bench, tables):
    gateway = delivery.Gateway(bench.url)
    for table in tables:
        server.psql(table.database, "DELETE FROM mfa.message WHERE state = 'queued'; VACUUM mfa.message")
    server.restart(max_locks_per_transaction=512)
    for _ in range(3 if bench.quick else 5):
        for table in tables:
            rate, cpu = delivery.drain(table.database, gateway, 3000)
            bench.report.add(TOPIC, name_of("worker, 0 ms", table), 1, rate)
            bench.report.add(TOPIC, name_of("worker, 0 ms", table), 1, cpu, "µs")
    bench.report.ratio(TOPIC, 1, name_of("worker, 0 ms", tables[1]), name_of("worker, 0 ms", tables[0]),
                       0.8)


def many_sessions(bench):
    server.hold_workers()
    database = "sessions"
    server.create_database(database, bench.url)
    server.psql(database, sql.TABLES)
    scripts = {"INSERT": sql.INSERT, "mfa_send": "SELECT mfa_send('+' || :n::text)"}
    for _ in range(3 if bench.quick else 5):
        for sessions in SESSIONS:
            for case, script in scripts.items():
                server.psql(database, "TRUNCATE mfa.request, mfa.message, plain")
                result = pgbench.run(database, script, sessions, 200 * max(sessions, 32),
                                     pgbench.new_base())
                bench.report.add(TOPIC, case, sessions, result.rate)
                bench.report.add(TOPIC, case, sessions, result.cpu, "µs")
    for case in scripts:
        for sessions in SESSIONS[1:]:
            bench.report.ratio_of_clients(TOPIC, case, sessions, 1)


def run(bench):
    delivery_among_many(bench, many_requests(bench))
    many_sessions(bench)
    bench.report.print_rates(TOPIC)
    bench.report.print_ratios(TOPIC)
