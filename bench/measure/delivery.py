"""One worker against a fast provider, beside a bare libcurl client that posts the same. All is HTTP/1.1,
which is what mfa speaks: the distribution's libcurl uses dead HTTP/2 connections for ever."""
import os
import ssl
import subprocess
import time
import urllib.request

import pgbench
import server

TOPIC = "delivery"
DATABASE = "delivery"


class Case:
    def __init__(self, name, provider, delay_ms, in_flight, target):
        self.name, self.provider, self.delay_ms = name, provider, delay_ms
        self.in_flight, self.target = in_flight, target


CASES = [
    Case("0 ms, 64 in flight", "gateway", 0, 64, 0.6),
    Case("0 ms, 64 in flight, TLS", "secure", 0, 64, None),
    Case("100 ms, 1000 in flight", "slow", 100, 1000, 0.85),
]


class Gateway:
    """What the gateway tells of itself."""

    def __init__(self, url, ca_file=None):
        self.url, self.ca_file = url, ca_file
        self.context = ssl.create_default_context(cafile=ca_file) if ca_file else None

    def _get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60, context=self.context) as answer:
            return answer.read().decode()

    def reset(self, delay_ms=0):
        self._get(f"/reset?{delay_ms}")

    def arrivals(self):
        """Microseconds by message id, in the order in which they came."""
        return {sid: int(at) for sid, at in map(str.split, self._get("/arrivals").splitlines())}

    def rate(self):
        """Messages a second between the first one and the last."""
        times = list(self.arrivals().values())
        return (len(times) - 1) * 1e6 / (times[-1] - times[0])


def wait_for_all_sent(database):
    server.wait_for(lambda: time.sleep(0.2) or server.value(
        database, "SELECT EXISTS (SELECT FROM mfa.message WHERE state IN ('queued', 'sending'))") == "f",
        "all messages to be sent", 120)


def drain(database, gateway, count, provider="gateway", delay_ms=0):
    """A transaction queues so many messages; the rate at which a worker delivers them, and what one costs
    it in microseconds."""
    for _ in range(10): # what it plans by these has to do for all that follow
        server.psql(database, f"SELECT mfa_send('+{pgbench.new_base()}', provider => '{provider}')")
    wait_for_all_sent(database)
    gateway.reset(delay_ms)
    base = pgbench.new_base()
    worker = server.worker_pid(database)
    before = server.cpu(worker) if worker else 0
    server.psql(database, f"SELECT count(mfa_send('+' || n, provider => '{provider}')) "
                          f"FROM generate_series({base}, {base + count - 1}) n")
    wait_for_all_sent(database)
    last_worker = server.worker_pid(database)
    cpu = server.cpu(last_worker) - (before if worker == last_worker else 0)
    arrived = len(gateway.arrivals())
    if arrived != count:
        raise SystemExit(f"{arrived} messages arrived instead of {count}")
    return gateway.rate(), 1e6 * cpu / count


def post(bench, gateway, count, in_flight, delay_ms):
    """The same, by the bare client."""
    gateway.reset(delay_ms)
    done = subprocess.run([os.path.join(bench.scratch, "client"), gateway.url, str(count), str(in_flight),
                           *([gateway.ca_file] if gateway.ca_file else [])],
                          stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    return gateway.rate(), 1e6 * float(done.stdout) / count


def make_certificate(folder):
    """For the loopback address, and its own authority."""
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, stderr=subprocess.DEVNULL, timeout=60)
    return certificate, key


def run(bench):
    certificate, key = make_certificate(bench.scratch)
    process, url = bench.start_gateway("secure.port", certificate, key)
    plain, secure = Gateway(bench.url), Gateway(url, certificate)
    # A transaction that sends holds a lock for each recipient.
    server.restart(mfa__max_in_flight=1024, max_locks_per_transaction=512)
    server.create_database(DATABASE, bench.url)
    server.create_provider(DATABASE, "secure", secure.url, ca_file=certificate)
    server.create_provider(DATABASE, "slow", bench.url, max_connections=1000)
    count = 5_000 if bench.quick else 20_000
    deadline = time.monotonic() + bench.seconds(TOPIC)
    rounds = 0
    while rounds < 3 or (rounds < bench.rounds and time.monotonic() < deadline):
        rounds += 1
        for case in CASES:
            gateway = secure if case.provider == "secure" else plain
            # As a vacuum leaves them when all has been purged: known to be empty.
            server.psql(DATABASE, "TRUNCATE mfa.request, mfa.message; ANALYZE mfa.request, mfa.message")
            for name, (rate, cpu) in (
                    ("client", post(bench, gateway, count, case.in_flight, case.delay_ms)),
                    ("worker", drain(DATABASE, gateway, count, case.provider, case.delay_ms))):
                bench.report.add(TOPIC, f"{name}, {case.name}", 1, rate)
                bench.report.add(TOPIC, f"{name}, {case.name}", 1, cpu, "µs")
    for case in CASES:
        bench.report.ratio(TOPIC, 1, f"worker, {case.name}", f"client, {case.name}", case.target)
    bench.report.print_rates(TOPIC)
    bench.report.print_ratios(TOPIC)
    process.terminate()
