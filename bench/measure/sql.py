"""mfa_send and mfa_verify beside their limits, and beside what is written by hand without mfa."""
import time

import pgbench
import known_requests
import server

TOPIC = "sql"
DATABASE = "sql"

# By hand as well as it is done without C: a keyed hash, a row, and one for an extension that does HTTP from a
# queue table (pg_net), whose worker is left out as ours is. No limits, no lock-out, nothing encrypted, and
# a rolled-back guess is free.
TABLES = """
CREATE EXTENSION pgcrypto;
CREATE UNLOGGED TABLE by_pkey (id bigint PRIMARY KEY, attempts int NOT NULL, code_hash bytea NOT NULL);
CREATE UNLOGGED TABLE plain (id bigint PRIMARY KEY, recipient text NOT NULL, code text NOT NULL,
                             expires_at timestamptz NOT NULL);
CREATE INDEX ON plain (recipient);
CREATE UNLOGGED TABLE by_hand (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), recipient text NOT NULL,
    code_hash bytea NOT NULL, attempts int NOT NULL DEFAULT 0, expires_at timestamptz NOT NULL,
    verified_at timestamptz);
CREATE INDEX ON by_hand (recipient);
CREATE UNLOGGED TABLE http_queue (id bigserial PRIMARY KEY, method text NOT NULL, url text NOT NULL,
    headers jsonb NOT NULL, body bytea, timeout_ms int NOT NULL);

-- Tables like mfa's own, with the same columns, indexes and storage.
CREATE UNLOGGED TABLE like_request (LIKE mfa.request INCLUDING ALL EXCLUDING CONSTRAINTS);
CREATE UNLOGGED TABLE like_message (LIKE mfa.message INCLUDING ALL EXCLUDING CONSTRAINTS);

CREATE FUNCTION post_by_hand(url text, body jsonb, headers jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    content_type text;
    queued bigint;
BEGIN
    SELECT h.value INTO content_type FROM jsonb_each_text(headers) h WHERE lower(h.key) = 'content-type';
    IF content_type IS DISTINCT FROM 'application/json' THEN
        RAISE EXCEPTION 'content type must be application/json';
    END IF;
    INSERT INTO http_queue (method, url, headers, body, timeout_ms)
        VALUES ('POST', url, headers, convert_to(body::text, 'UTF8'), 5000) RETURNING id INTO queued;
    RETURN queued;
END $$;

CREATE FUNCTION send_by_hand(number text, with_message boolean) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    code text := lpad((('x' || encode(gen_random_bytes(4), 'hex'))::bit(32)::bigint % 1000000)::text, 6, '0');
    request uuid;
BEGIN
    INSERT INTO by_hand (recipient, code_hash, expires_at)
        VALUES (number, hmac(number || code, 'a key of 32 bytes, as it should be', 'sha256'),
                now() + interval '10 min')
        RETURNING id INTO request;
    IF with_message THEN
        PERFORM post_by_hand('https://example.signalwire.com/api/laml/2010-04-01/Accounts/p/Messages',
            jsonb_build_object('To', number, 'From', '+15550100000', 'Body', 'Your code is ' || code),
            '{"Content-Type": "application/json", "Authorization": "Basic cDp0"}');
    END IF;
    RETURN request;
END $$;

CREATE FUNCTION verify_by_hand(number text, code text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    verified boolean;
BEGIN
    UPDATE by_hand b SET attempts = b.attempts + 1,
           verified_at = CASE WHEN b.code_hash = hmac(number || code, 'a key of 32 bytes, as it should be',
                                                      'sha256') THEN now() END
     WHERE b.id = (SELECT id FROM by_hand WHERE recipient = number AND verified_at IS NULL
                      AND expires_at > now() AND attempts < 3 ORDER BY expires_at DESC LIMIT 1 FOR UPDATE)
    RETURNING b.verified_at IS NOT NULL INTO verified;
    RETURN coalesce(verified, false);
END $$;
"""

INSERT = ("INSERT INTO plain (id, recipient, code, expires_at) "
          "VALUES (:n, '+' || :n::text, '482913', now() + interval '10 min')")


# The rows that mfa_send writes, by one statement that does nothing else: nothing is looked up, checked, drawn,
# hashed, encrypted or locked. What of mfa_send is writing is nearly this.
INSERT_SAME = """WITH request AS (
    INSERT INTO like_request (attempts, max_attempts, attempted_at, key_id, owner, created_at, expires_at, id,
            code_length, allow_alphas, state, purpose, recipient_hash, code_hash, sealed)
        VALUES (0, 3, '-infinity', 1, 10, now(), now() + interval '10 min', lpad(:n::text, 32, '0')::uuid,
            6, false, 'live', '', decode(md5(:n::text), 'hex'), decode(repeat('00', 32), 'hex'),
            decode(repeat('00', 60), 'hex'))
        RETURNING id)
    INSERT INTO like_message (request, n, tries, unknowns, due_at, created_at, cost, state, channel, destination,
            provider, providers, sealed)
        SELECT id, 1, 0, 0, now(), now(), 0, 'queued', 'sms', '+1', 'gateway', '{gateway}',
               decode(repeat('00', 60), 'hex') FROM request
        RETURNING request""".replace("\n", " ")


class Case:
    def __init__(self, name, script, rows=None):
        self.name, self.script = name, script
        self.rows = rows  # which rows it needs: None, 'mfa', 'hand'


CASES = [
    Case("SELECT 1", "SELECT 1"),
    Case("SELECT by pkey", "SELECT attempts, code_hash FROM by_pkey WHERE id = :n", "pkey"),
    Case("mfa_verify, wrong code", f"SELECT mfa_verify('+' || :n::text, '{known_requests.WRONG}')", "mfa"),
    Case("verify by hand, wrong code", f"SELECT verify_by_hand('+' || :n::text, '{known_requests.WRONG}')",
         "hand"),
    Case("UPDATE ... RETURNING by pkey",
         "UPDATE by_pkey SET attempts = attempts + 1 WHERE id = :n RETURNING attempts", "pkey"),
    Case("mfa_verify, right code", f"SELECT mfa_verify('+' || :n::text, '{known_requests.CODE}')", "mfa"),
    Case("verify by hand, right code", f"SELECT verify_by_hand('+' || :n::text, '{known_requests.CODE}')",
         "hand"),
    Case("INSERT", INSERT),
    Case("INSERT of the same rows", INSERT_SAME),
    Case("mfa_send", "SELECT mfa_send('+' || :n::text)"),
    Case("send by hand", "SELECT send_by_hand('+' || :n::text, false)"),
    Case("send by hand, HTTP queue", "SELECT send_by_hand('+' || :n::text, true)"),
]

RATIOS = [
    ("mfa_send", "INSERT", 0.8),
    ("mfa_send", "INSERT of the same rows", None),
    ("mfa_send", "send by hand", None),
    ("mfa_send", "send by hand, HTTP queue", 4.0),
    ("mfa_verify, wrong code", "SELECT by pkey", 0.85),
    ("mfa_verify, wrong code", "UPDATE ... RETURNING by pkey", 1.7),
    ("mfa_verify, wrong code", "verify by hand, wrong code", None),
    ("mfa_verify, right code", "UPDATE ... RETURNING by pkey", 1.1),
    ("mfa_verify, right code", "verify by hand, right code", None),
]


def prepare(transactions):
    known_requests.make(DATABASE, 0, transactions)
    known_requests.save(DATABASE)
    server.psql(DATABASE, TABLES)


# Each run finds the tables as every other run does.
def set_up(case, transactions):
    first, last = known_requests.FIRST, known_requests.FIRST + transactions - 1
    numbers = f"FROM generate_series({first}, {last}) n"
    if case.rows == "pkey":
        server.psql(DATABASE, f"""TRUNCATE by_pkey;
            INSERT INTO by_pkey SELECT n, 0, sha256(n::text::bytea) {numbers}; ANALYZE by_pkey""")
    elif case.rows == "mfa":
        known_requests.restore(DATABASE, transactions)
    elif case.rows == "hand":
        server.psql(DATABASE, f"""TRUNCATE by_hand;
            INSERT INTO by_hand (recipient, code_hash, expires_at)
                SELECT '+' || n, hmac('+' || n || '{known_requests.CODE}', 'a key of 32 bytes, as it should be',
                                      'sha256'), now() + interval '1 day' {numbers};
            ANALYZE by_hand""")
    else:
        server.psql(DATABASE, "TRUNCATE mfa.request, mfa.message, like_request, like_message, plain, by_hand, "
                              "http_queue")
    return first if case.rows else pgbench.new_base()


def run(bench):
    server.hold_workers()
    server.create_database(DATABASE, bench.url)
    each = 700 if bench.quick else 2000
    count = {clients: each * max(clients, 3) for clients in (1, 2, 8)}
    prepare(max(count.values()))
    deadline = time.monotonic() + bench.seconds(TOPIC)
    rounds = 0
    while rounds < 3 or (rounds < bench.rounds and time.monotonic() < deadline):
        rounds += 1
        for clients, transactions in count.items():
            for case in CASES:
                base = set_up(case, transactions)
                result = pgbench.run(DATABASE, case.script, clients, transactions, base)
                bench.report.add(TOPIC, case.name, clients, result.rate)
                bench.report.add(TOPIC, case.name, clients, result.cpu, "µs")
    for case, against, target in RATIOS:
        for clients in count:
            bench.report.ratio(TOPIC, clients, case, against, target)
    bench.report.print_rates(TOPIC)
    bench.report.print_ratios(TOPIC)
