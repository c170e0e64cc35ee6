"""One run of pgbench over prepared statements."""
import os
import re
import subprocess
import tempfile

import server

# Each session counts on in a range of its own, so that no recipient comes twice. Those of different runs
# begin RUN apart.
COUNT = """\\set i :i + 1
\\set n :base + :client_id * :slice + :i
"""
RUN = 10_000_000
_runs = 0


def new_base():
    """The first of RUN numbers that nobody has used, 15 digits under +1."""
    global _runs
    _runs += 1
    return 141_500_000_000_000 + _runs * RUN


class Result:
    def __init__(self, rate, cpu):
        self.rate = rate  # transactions a second
        self.cpu = cpu    # microseconds of the sessions' processor time, a transaction


def run(database, script, clients, transactions, base=0, options=(), **variables):
    """`transactions` in all, by `clients` at once, of a script behind COUNT."""
    each = transactions // clients
    variables |= {"base": base, "slice": each, "i": -1}
    with tempfile.NamedTemporaryFile("w", suffix=".sql", delete=False) as file:
        file.write(COUNT + script + "\n")
    server.wait_for_backends(database)
    before = server.cpu_of_ended_backends()
    done = subprocess.run(
        ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
         "-t", str(each), *options, "-f", file.name,
         *(f"-D{name}={number}" for name, number in variables.items()), database],
        capture_output=True, text=True, timeout=300)
    os.unlink(file.name)
    if done.returncode != 0 or f"processed: {each * clients}/" not in done.stdout:
        raise SystemExit(f"pgbench: {script}\n{done.stdout}{done.stderr}")
    server.wait_for_backends(database)
    rate = re.search(r"tps = ([0-9.]+) \(without initial", done.stdout)
    cpu = server.cpu_of_ended_backends() - before
    return Result(float(rate.group(1)), 1e6 * cpu / (each * clients))
