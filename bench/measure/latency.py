"""From the commit of mfa_send to the arrival of the request at the provider, which has then read its last
byte. The server writes down when each transaction committed (track_commit_timestamp)."""
import statistics
import time

import delivery
import pgbench
import server

TOPIC = "latency"
DATABASE = "latency"

SEND = "SELECT mfa_send('+' || :n::text);"
WARM, IDLE = (1, 5), (10, 50)  # wanted: p50 and p99 are less, in ms


def measure(gateway, what):
    """Milliseconds of each message that `what` sends."""
    gateway.reset()
    server.psql(DATABASE, "TRUNCATE mfa.request, mfa.message")
    what()
    delivery.wait_for_all_sent(DATABASE)
    arrived = gateway.arrivals()
    # A request is not updated while it lives: its row is the sending transaction's.
    committed = server.psql(DATABASE, """
        SELECT m.message_id, extract(epoch FROM pg_xact_commit_timestamp(r.xmin)) * 1000000
        FROM mfa.message m JOIN mfa.request r ON r.id = m.request""")
    return [(arrived[sid] - float(at)) / 1000 for sid, at in committed]


def send(clients, transactions, script=SEND, options=()):
    pgbench.run(DATABASE, script, clients, transactions, pgbench.new_base(), options)


def patterns(bench, capacity):
    """What is sent when: name, milliseconds that are wanted, how."""
    few = 5 if bench.quick else 25
    some = 25 if bench.quick else 100
    seconds = 3 if bench.quick else 10
    half = int(capacity / 2)
    burst = "SELECT count(mfa_send('+' || (:n::bigint + k * 100000)::text)) FROM generate_series(1, 50) k;"
    return [
        ("idle: one each 3 s, no worker is there", IDLE, lambda: send(1, few, "\\sleep 3 s\n" + SEND)),
        ("one each 200 ms", WARM, lambda: send(1, some, SEND + "\n\\sleep 200 ms")),
        ("8 sessions at once, each 200 ms", WARM,
         lambda: send(8, 8 * some // 2, SEND + "\n\\sleep 200 ms")),
        ("50 in one transaction, each 500 ms", (None, None),
         lambda: send(1, some // 5, burst + "\n\\sleep 500 ms")),
        ("open loop, Poisson, 100 a second", WARM, lambda: send(8, 100 * seconds, SEND, ["-R", "100"])),
        (f"open loop, Poisson, {half} a second", WARM,
         lambda: send(8, half * seconds // 8 * 8, SEND, ["-R", str(half)])),
    ]


def run(bench):
    gateway = delivery.Gateway(bench.url)
    server.restart(track_commit_timestamp="on", max_locks_per_transaction=512)
    server.create_database(DATABASE, bench.url)
    # While sessions send, too: that is when the rate has to hold.
    capacity = statistics.median(delivery.drain(DATABASE, gateway, 4000)[0] for _ in range(3))
    print(f"\nlatency: capacity {capacity:,.0f} messages a second; half of it is the last pattern")
    for name, wanted, what in patterns(bench, capacity):
        if name.startswith("idle"):
            server.wait_for(lambda: not server.worker_pid(DATABASE), "the worker to leave")
        else:
            send(1, 20)  # so that there is a worker, with a connection
            time.sleep(0.3)
        bench.report.latency(name, measure(gateway, what), wanted)
    bench.report.print_latencies()
