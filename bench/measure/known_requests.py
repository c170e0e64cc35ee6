"""Live requests whose codes are known: of test recipients, which are requests like all others."""
import server

CODE = "424242"
WRONG = "000000"
FIRST = 999_100_000_000_000  # recipients are +999…, which is nobody's country
COLUMNS = """attempts, max_attempts, attempted_at, key_id, owner, created_at, expires_at, id, code_length,
    allow_alphas, state, purpose, recipient_hash, code_hash, sealed, ended_at"""


def make(database, first, count):
    """One each for the recipients FIRST + `first` and the `count` - 1 behind it."""
    low, batch = FIRST + first, 10_000
    server.psql(database, f"""
        INSERT INTO mfa.test_recipient (recipient, code)
            SELECT '+' || n, '{CODE}' FROM generate_series({low}, {low + count - 1}) n;
        ANALYZE mfa.test_recipient;
        DO $$ BEGIN
            FOR done IN 0 .. {count - 1} BY {batch} LOOP
                PERFORM mfa_send('+' || ({low} + n), valid_for => '7 days', max_attempts => 9)
                    FROM generate_series(done, least(done + {batch}, {count}) - 1) n;
                COMMIT;
            END LOOP;
        END $$;
        TRUNCATE mfa.test_recipient;""")


def save(database):
    """Keeps what there is, in order: `restore` puts it back as it was."""
    server.psql(database, """
        CREATE UNLOGGED TABLE saved AS
            SELECT row_number() OVER (ORDER BY id) AS n, r.* FROM mfa.request r;
        CREATE INDEX ON saved (n);
        TRUNCATE mfa.request;""")


def restore(database, count):
    server.psql(database, f"""
        TRUNCATE mfa.request, mfa.message;
        INSERT INTO mfa.request SELECT {COLUMNS} FROM saved WHERE n <= {count} ORDER BY n;""")


def add_messages(database):
    """What a worker would have left of requests that it has served."""
    server.psql(database, """
        INSERT INTO mfa.message (request, n, tries, unknowns, due_at, created_at, sent_at, state, channel,
                                 destination, provider, providers, message_id)
            SELECT id, 1, 1, 0, 'infinity', created_at, created_at, 'sent', 'sms', '+1', 'gateway',
                   '{gateway}', 'SM' || replace(gen_random_uuid()::text, '-', '') FROM mfa.request;
        VACUUM ANALYZE mfa.request, mfa.message;""")
