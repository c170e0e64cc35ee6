-- mfa 1.0: one-time codes that are sent by text message or voice call, and verified.
--
-- Nothing here is granted to PUBLIC. An administrator grants EXECUTE on the functions, and USAGE on the
-- foreign server of a provider, to the roles that send and verify.

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION mfa" to load this file. \quit

CREATE SCHEMA mfa;
COMMENT ON SCHEMA mfa IS 'tables of the extension mfa; closed to all but its owner';

-- One row a request. UNLOGGED: live codes reach no WAL, no backup and no standby, and a crash voids
-- them. `attempts` and `attempted_at` are written in place, outside MVCC: they and `max_attempts` must stay
-- the first columns, and a row that is live is never updated but by the transition that ends it. Hashes are keyed (HMAC-SHA-256), `sealed` is
-- encrypted (AES-256-GCM), both with the key of `key_id` in mfa.key_file.
CREATE UNLOGGED TABLE mfa.request (
    attempts       integer     NOT NULL,
    max_attempts   integer     NOT NULL,
    attempted_at   timestamptz NOT NULL, -- -infinity: never
    key_id         integer     NOT NULL,
    owner          oid         NOT NULL, -- role that sent it
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    id             uuid        NOT NULL,
    code_length    smallint    NOT NULL,
    allow_alphas   boolean     NOT NULL,
    state          text        NOT NULL
        CHECK (state IN ('live', 'verified', 'exhausted', 'expired', 'canceled', 'superseded')),
    purpose        text        NOT NULL,
    recipient_hash bytea       NOT NULL,
    code_hash      bytea,                -- null once ended
    sealed         bytea,                -- recipient and code; null once ended
    ended_at       timestamptz,
    CONSTRAINT request_pkey PRIMARY KEY (id)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE mfa.request ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX request_recipient ON mfa.request (recipient_hash);
CREATE INDEX request_expires ON mfa.request (expires_at);
COMMENT ON TABLE mfa.request IS 'one verification each: a code for one recipient and one purpose';

-- One row a delivery: outbox and delivery log. `due_at` is the next try of a queued message, the end of the
-- lease of one that is being sent, and the next look at the state of a sent one (infinity: none).
CREATE UNLOGGED TABLE mfa.message (
    request    uuid        NOT NULL,
    n          smallint    NOT NULL, -- 1, 2, ... within the request
    tries      integer     NOT NULL,
    unknowns   integer     NOT NULL, -- tries whose outcome is not known
    due_at     timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    sent_at    timestamptz,
    ended_at   timestamptz,          -- when it became delivered, undelivered, failed or dropped
    cost       bigint      NOT NULL DEFAULT 0, -- of its segments, as mfa.usage has it, in millionths
    fallback_for smallint,           -- n of the message that it stands in for if that does not arrive
    state      text        NOT NULL
        CHECK (state IN ('queued', 'sending', 'sent', 'delivered', 'undelivered', 'failed', 'dropped')),
    channel    text        NOT NULL,
    destination text COLLATE "C" NOT NULL, -- prefix of the route or the country; '@': an e-mail address
    provider   text COLLATE "C" NOT NULL, -- server that is tried now
    providers  text[]      NOT NULL, -- servers in the order in which they are tried
    sealed     bytea,                -- options of the text; null: all defaults
    message_id text COLLATE "C",     -- the provider's
    error      text,                 -- of the last try
    CONSTRAINT message_pkey PRIMARY KEY (request, n)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE mfa.message ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX message_due ON mfa.message (provider, due_at) WHERE state IN ('queued', 'sending');
CREATE INDEX message_look ON mfa.message (due_at) WHERE state = 'sent' AND due_at < 'infinity';
CREATE INDEX message_report ON mfa.message (message_id) WHERE message_id IS NOT NULL;
COMMENT ON TABLE mfa.message IS 'one delivery of a request''s code each';

-- Wrong codes of requests that are deleted: what locks a recipient out counts them for 30 days, or until a
-- right code.
CREATE UNLOGGED TABLE mfa.failure (
    recipient_hash bytea       NOT NULL,
    attempted_at   timestamptz NOT NULL, -- the request's last attempt
    attempts       integer     NOT NULL
);
CREATE INDEX failure_recipient ON mfa.failure (recipient_hash);
CREATE INDEX failure_attempted ON mfa.failure (attempted_at);
COMMENT ON TABLE mfa.failure IS 'wrong codes of requests that are no longer kept';

-- Where messages may go, and how: the longest prefix of a number decides. Empty: everywhere, through
-- mfa.provider. Configuration, so it is logged, and pg_dump saves it. Constraints of tables that people write
-- have names that say what is asked for: a name is all that the error has room for.
CREATE TABLE mfa.route (
    prefix     text COLLATE "C" NOT NULL
        CONSTRAINT prefix_is_plus_and_at_most_15_digits
            CHECK (prefix ~ '^\+([1-9][0-9]{0,14})?$'), -- '+' is every number
    allow      boolean NOT NULL DEFAULT true,
    providers  text[] CONSTRAINT providers_are_1_to_8_names CHECK (pg_catalog.cardinality(providers) BETWEEN 1 AND 8
        AND pg_catalog.array_position(providers, NULL) IS NULL),
    send_limit text, -- of the destination, as in mfa.send_limit; null: mfa.send_limit_destination
    guarded    boolean NOT NULL DEFAULT true, -- by the fraud guard
    remark     text,
    CONSTRAINT route_pkey PRIMARY KEY (prefix)
);
COMMENT ON TABLE mfa.route IS 'destinations: allowed or denied, through which servers, how often, guarded or not';
SELECT pg_catalog.pg_extension_config_dump('mfa.route', '');

-- Texts of messages. For a message of purpose 'payment:4711' in locale pt-BR over sms, rows of that purpose
-- come before rows of 'payment', and those before rows of ''; of these, pt-BR before pt before ''; of these,
-- sms before ''. Configuration, so it is logged, and pg_dump saves it.
CREATE TABLE mfa.template (
    purpose text COLLATE "C" NOT NULL DEFAULT ''
        CONSTRAINT purpose_has_at_most_256_bytes CHECK (pg_catalog.octet_length(purpose) <= 256),
    locale  text COLLATE "C" NOT NULL DEFAULT '', -- BCP 47; '' is every language
    channel text COLLATE "C" NOT NULL DEFAULT ''  -- '' is every channel
        CONSTRAINT channel_is_sms_voice_whatsapp_email_or_empty
            CHECK (channel IN ('', 'sms', 'voice', 'whatsapp', 'email')),
    body    text NOT NULL, -- with {code}, {minutes}, {app}, {webotp}, {app_hash}
    CONSTRAINT template_pkey PRIMARY KEY (purpose, locale, channel)
);
COMMENT ON TABLE mfa.template IS 'texts of messages by purpose, language and channel';
SELECT pg_catalog.pg_extension_config_dump('mfa.template', '');

CREATE FUNCTION mfa.check_template() RETURNS trigger
LANGUAGE C
AS 'MODULE_PATHNAME', 'mfa_check_template';
COMMENT ON FUNCTION mfa.check_template() IS 'refuses a template that no message could be made of';
CREATE TRIGGER template_check BEFORE INSERT OR UPDATE ON mfa.template
    FOR EACH ROW EXECUTE FUNCTION mfa.check_template();

-- Recipients with a fixed code, to whom nothing is sent and whom no send limit concerns: for tests, and for
-- those who review an app. Configuration, so it is logged, and pg_dump saves it, with the codes.
CREATE TABLE mfa.test_recipient (
    recipient text COLLATE "C" NOT NULL, -- as mfa_send normalises it
    code      text NOT NULL,             -- 4 to 20 letters and digits
    forced    boolean NOT NULL DEFAULT false, -- although it may be a person's
    remark    text,
    CONSTRAINT test_recipient_pkey PRIMARY KEY (recipient)
);
COMMENT ON TABLE mfa.test_recipient IS 'recipients with a fixed code and no delivery';
SELECT pg_catalog.pg_extension_config_dump('mfa.test_recipient', '');

CREATE FUNCTION mfa.check_test_recipient() RETURNS trigger
LANGUAGE C
AS 'MODULE_PATHNAME', 'mfa_check_test_recipient';
COMMENT ON FUNCTION mfa.check_test_recipient() IS 'refuses recipients that may be a person''s, unless forced';
CREATE TRIGGER test_recipient_check BEFORE INSERT OR UPDATE ON mfa.test_recipient
    FOR EACH ROW EXECUTE FUNCTION mfa.check_test_recipient();

-- Sessions keep in mind which tables of configuration are empty, until one is told of a row. By whatever way the
-- row comes: logical replication fires no triggers of statements, and only those of rows that are enabled ALWAYS.
CREATE FUNCTION mfa.note_row() RETURNS trigger
LANGUAGE C
AS 'MODULE_PATHNAME', 'mfa_note_row';
COMMENT ON FUNCTION mfa.note_row() IS 'tells all sessions that a table of configuration has rows';
REVOKE ALL ON FUNCTION mfa.note_row() FROM PUBLIC;

CREATE TRIGGER route_note AFTER INSERT ON mfa.route FOR EACH ROW EXECUTE FUNCTION mfa.note_row();
ALTER TABLE mfa.route ENABLE ALWAYS TRIGGER route_note;
CREATE TRIGGER template_note AFTER INSERT ON mfa.template FOR EACH ROW EXECUTE FUNCTION mfa.note_row();
ALTER TABLE mfa.template ENABLE ALWAYS TRIGGER template_note;
CREATE TRIGGER test_recipient_note AFTER INSERT ON mfa.test_recipient FOR EACH ROW EXECUTE FUNCTION mfa.note_row();
ALTER TABLE mfa.test_recipient ENABLE ALWAYS TRIGGER test_recipient_note;

REVOKE ALL ON FUNCTION mfa.check_template() FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa.check_test_recipient() FROM PUBLIC;

-- What was sent, by the UTC day on which it was asked for. Written in the transaction that notes what became
-- of a message, so it agrees with that exactly; billing data, so it is logged, kept, and dumped.
CREATE TABLE mfa.usage_total (
    day         date          NOT NULL,
    provider    text COLLATE "C" NOT NULL, -- server
    channel     text COLLATE "C" NOT NULL,
    destination text COLLATE "C" NOT NULL,
    requests    bigint        NOT NULL DEFAULT 0, -- whose first message was accepted, or failed
    verified    bigint        NOT NULL DEFAULT 0, -- of purged requests
    messages    bigint        NOT NULL DEFAULT 0, -- that a provider has accepted
    segments    bigint        NOT NULL DEFAULT 0, -- of these; a call is one
    unknown     bigint        NOT NULL DEFAULT 0, -- tries of which nobody knows whether they were accepted
    failed      bigint        NOT NULL DEFAULT 0,
    delivered   bigint        NOT NULL DEFAULT 0, -- of purged requests
    undelivered bigint        NOT NULL DEFAULT 0, -- of purged requests
    cost        numeric       NOT NULL DEFAULT 0, -- in mfa.currency
    CONSTRAINT usage_total_pkey PRIMARY KEY (day, provider, channel, destination)
) WITH (fillfactor = 50);
COMMENT ON TABLE mfa.usage_total IS 'what was sent and what it costs; see view mfa.usage';
SELECT pg_catalog.pg_extension_config_dump('mfa.usage_total', '');

-- What providers charge, in mfa.currency: the longest prefix of a recipient decides. What a provider reports
-- of a message itself comes before its per_segment. Configuration, logged and dumped.
CREATE TABLE mfa.price (
    provider    text COLLATE "C" NOT NULL DEFAULT '', -- server; '' is every one
    channel     text COLLATE "C" NOT NULL DEFAULT ''  -- '' is every channel
        CONSTRAINT channel_is_sms_voice_whatsapp_email_or_empty
            CHECK (channel IN ('', 'sms', 'voice', 'whatsapp', 'email')),
    prefix      text COLLATE "C" NOT NULL DEFAULT ''  -- of a number; '' is every recipient
        CONSTRAINT prefix_is_plus_and_at_most_15_digits_or_empty
            CHECK (prefix ~ '^(\+([1-9][0-9]{0,14})?)?$'),
    per_segment numeric NOT NULL DEFAULT 0
        CONSTRAINT per_segment_is_0_to_1000000 CHECK (per_segment BETWEEN 0 AND 1000000),
    per_request numeric NOT NULL DEFAULT 0
        CONSTRAINT per_request_is_0_to_1000000 CHECK (per_request BETWEEN 0 AND 1000000),
    CONSTRAINT price_pkey PRIMARY KEY (prefix, provider, channel)
);
COMMENT ON TABLE mfa.price IS 'what a segment of a message, or a call, and a request cost';
SELECT pg_catalog.pg_extension_config_dump('mfa.price', '');

-- What may be spent. Configuration, logged and dumped; the last two columns are the workers' notes.
CREATE TABLE mfa.budget (
    name          text COLLATE "C" NOT NULL,
    period        text NOT NULL CONSTRAINT period_is_day_or_month CHECK (period IN ('day', 'month')), -- in UTC
    destination   text COLLATE "C" NOT NULL DEFAULT '' -- prefix of mfa.usage's destination; '' is all
        CONSTRAINT destination_is_plus_and_at_most_15_digits_or_at_or_empty
            CHECK (destination ~ '^(@|\+([1-9][0-9]{0,14})?)?$'),
    amount        numeric NOT NULL CONSTRAINT amount_is_positive CHECK (amount > 0 AND amount < 'infinity'),
    warn_at       numeric NOT NULL DEFAULT 0.8 -- share of the amount
        CONSTRAINT warn_at_is_0_to_1 CHECK (warn_at BETWEEN 0 AND 1),
    warned_for    date, -- first day of the period in which that was announced
    exhausted_for date,
    CONSTRAINT budget_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE mfa.budget IS 'what may be spent in a day or a month, for all or for some destinations';
SELECT pg_catalog.pg_extension_config_dump('mfa.budget', '');
CREATE TRIGGER budget_note AFTER INSERT ON mfa.budget FOR EACH ROW EXECUTE FUNCTION mfa.note_row();
ALTER TABLE mfa.budget ENABLE ALWAYS TRIGGER budget_note;

-- What servers of mfa_inbox were given. UNLOGGED, and kept as long as its request: the codes in it can be read.
CREATE UNLOGGED TABLE mfa.inbox (
    request     uuid        NOT NULL,
    n           smallint    NOT NULL, -- of the message
    received_at timestamptz NOT NULL,
    provider    text        NOT NULL, -- server
    channel     text        NOT NULL,
    recipient   text        NOT NULL,
    sender      text        NOT NULL,
    body        text        NOT NULL,
    code        text        NOT NULL,
    CONSTRAINT inbox_pkey PRIMARY KEY (request, n)
);
COMMENT ON TABLE mfa.inbox IS 'messages that mfa_inbox has taken instead of sending them, with their codes';

-- Functions. They are C code that reads and writes the tables of schema mfa as the extension does, and
-- acts on requests of the calling role (inside a SECURITY DEFINER function: of its owner).

CREATE FUNCTION mfa_send(
    recipient text,
    channel text DEFAULT 'sms',
    purpose text DEFAULT '',
    message text DEFAULT NULL,
    locale text DEFAULT NULL,
    sender text DEFAULT NULL,
    code_length integer DEFAULT NULL,
    allow_alphas boolean DEFAULT NULL,
    valid_for interval DEFAULT NULL,
    max_attempts integer DEFAULT NULL,
    provider name DEFAULT NULL
) RETURNS uuid
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_send';
COMMENT ON FUNCTION mfa_send(text, text, text, text, text, text, integer, boolean, interval, integer, name)
IS 'makes a one-time code and sends it when the transaction commits; answers the id of the request';

CREATE FUNCTION mfa_verify(request text, code text, purpose text DEFAULT '') RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_verify_text';
COMMENT ON FUNCTION mfa_verify(text, text, text)
IS 'true once, for the right and live code of a recipient or request id; otherwise false, never null';

CREATE FUNCTION mfa_verify(request uuid, code text, purpose text DEFAULT '') RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_verify_uuid';
COMMENT ON FUNCTION mfa_verify(uuid, text, text)
IS 'true once, for the right and live code of a request; otherwise false, never null';

CREATE FUNCTION mfa_check(
    request text,
    code text,
    purpose text DEFAULT '',
    OUT verified boolean,
    OUT status text,
    OUT attempts_left integer,
    OUT retry_after interval
)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_check_text';
COMMENT ON FUNCTION mfa_check(text, text, text)
IS 'like mfa_verify, and says why: verified, wrong, expired, used, exhausted, canceled, superseded, locked, not_found';

CREATE FUNCTION mfa_check(
    request uuid,
    code text,
    purpose text DEFAULT '',
    OUT verified boolean,
    OUT status text,
    OUT attempts_left integer,
    OUT retry_after interval
)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_check_uuid';
COMMENT ON FUNCTION mfa_check(uuid, text, text)
IS 'like mfa_verify, and says why: verified, wrong, expired, used, exhausted, canceled, superseded, locked, not_found';

CREATE FUNCTION mfa_resend(request uuid, channel text DEFAULT NULL) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_resend';
COMMENT ON FUNCTION mfa_resend(uuid, text)
IS 'sends the code of a live request again, over another channel if one is given';

CREATE FUNCTION mfa_cancel(request uuid) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_cancel';
COMMENT ON FUNCTION mfa_cancel(uuid) IS 'ends a live request; false where it is not live';

CREATE FUNCTION mfa_status(
    request uuid,
    OUT recipient text,
    OUT state text,
    OUT channel text,
    OUT provider text,
    OUT delivery text,
    OUT error text,
    OUT attempts_left integer,
    OUT sends integer,
    OUT created_at timestamptz,
    OUT expires_at timestamptz,
    OUT ended_at timestamptz
)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_status';
COMMENT ON FUNCTION mfa_status(uuid)
IS 'state of a request, and delivery of its last message; null where there is no such request';

CREATE FUNCTION mfa_delivery_report(provider name, message_id text, status text, error text DEFAULT NULL)
RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_delivery_report';
COMMENT ON FUNCTION mfa_delivery_report(name, text, text, text)
IS 'notes what a provider''s webhook says of a message; false where that is not a sent message of mfa''s';

CREATE FUNCTION mfa_signature_valid(provider name, signature text, url text, body text DEFAULT '')
RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_signature_valid';
COMMENT ON FUNCTION mfa_signature_valid(name, text, text, text)
IS 'whether a webhook call with that signature is the provider''s; never null';

-- For routers, before several databases with the extension. They ask nothing but their argument, so that they
-- can be called where the library is not preloaded, and null is an answer, too.
CREATE FUNCTION mfa_shard(request text) RETURNS integer
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_shard_text';
COMMENT ON FUNCTION mfa_shard(text)
IS 'number by which a router finds the database of a recipient or request id, 0 to 4095; never null';

CREATE FUNCTION mfa_shard(request uuid) RETURNS integer
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_shard_uuid';
COMMENT ON FUNCTION mfa_shard(uuid)
IS 'mfa.shard of the database that made a request id, 0 to 4095; never null';

REVOKE ALL ON FUNCTION mfa_shard(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_shard(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_delivery_report(name, text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_signature_valid(name, text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_resend(uuid, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_cancel(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_status(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_send(text, text, text, text, text, text, integer, boolean, interval, integer, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_verify(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_verify(uuid, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_check(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION mfa_check(uuid, text, text) FROM PUBLIC;

-- What a role that is granted SELECT sees of its requests and their deliveries: its own, and those of
-- roles that it has the privileges of.

CREATE VIEW mfa.requests WITH (security_barrier) AS
SELECT r.id, r.owner::pg_catalog.regrole AS owner, r.purpose, r.max_attempts, r.attempts,
       CASE WHEN r.state OPERATOR(pg_catalog.<>) 'live' THEN r.state
            WHEN r.expires_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() THEN 'expired'
            WHEN r.attempts OPERATOR(pg_catalog.>=) r.max_attempts THEN 'exhausted'
            ELSE 'live' END AS state,
       r.created_at, r.expires_at, r.ended_at
  FROM mfa.request r
 WHERE pg_catalog.pg_has_role(r.owner, 'USAGE');
COMMENT ON VIEW mfa.requests IS 'requests of the current role, without codes and recipients';

CREATE VIEW mfa.messages WITH (security_barrier) AS
SELECT m.request, m.n, m.state, m.channel, m.provider, m.tries, m.created_at, m.sent_at, m.ended_at,
       m.fallback_for, m.message_id, m.error
  FROM mfa.message m JOIN mfa.request r ON r.id OPERATOR(pg_catalog.=) m.request
 WHERE pg_catalog.pg_has_role(r.owner, 'USAGE');
COMMENT ON VIEW mfa.messages IS 'deliveries of the current role''s requests';

-- The totals, with what the requests that are still kept add.
CREATE VIEW mfa.usage AS
SELECT day, provider, channel, destination,
       pg_catalog.sum(requests)::bigint AS requests, pg_catalog.sum(verified)::bigint AS verified,
       pg_catalog.sum(messages)::bigint AS messages, pg_catalog.sum(segments)::bigint AS segments,
       pg_catalog.sum(unknown)::bigint AS unknown, pg_catalog.sum(failed)::bigint AS failed,
       pg_catalog.sum(delivered)::bigint AS delivered, pg_catalog.sum(undelivered)::bigint AS undelivered,
       pg_catalog.sum(cost) AS cost
  FROM (SELECT day, provider, channel, destination, requests, verified, messages, segments, unknown, failed,
               delivered, undelivered, cost
          FROM mfa.usage_total
        UNION ALL
        SELECT (m.created_at AT TIME ZONE 'UTC')::date, m.provider, m.channel, m.destination, 0,
               CASE WHEN m.n OPERATOR(pg_catalog.=) 1 AND r.state OPERATOR(pg_catalog.=) 'verified' THEN 1 ELSE 0 END,
               0, 0, 0, 0, CASE WHEN m.state OPERATOR(pg_catalog.=) 'delivered' THEN 1 ELSE 0 END,
               CASE WHEN m.state OPERATOR(pg_catalog.=) 'undelivered' THEN 1 ELSE 0 END, 0
          FROM mfa.message m JOIN mfa.request r ON r.id OPERATOR(pg_catalog.=) m.request
         WHERE m.state OPERATOR(pg_catalog.<>) 'queued') lines
 GROUP BY day, provider, channel, destination;
COMMENT ON VIEW mfa.usage IS 'what was sent and what it costs, by day, provider, channel and destination';

-- Prefixes of numbers that the fraud guard holds back.
CREATE FUNCTION mfa.list_holds(
    OUT prefix text,
    OUT reason text,
    OUT held_since timestamptz,
    OUT held_until timestamptz,
    OUT requests bigint,
    OUT verified bigint,
    OUT usual_conversion numeric,
    OUT refused bigint
) RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_list_holds';
COMMENT ON FUNCTION mfa.list_holds() IS 'what view mfa.holds shows';
REVOKE ALL ON FUNCTION mfa.list_holds() FROM PUBLIC;

CREATE VIEW mfa.holds AS
SELECT prefix, reason, held_since, held_until, requests, verified, usual_conversion, refused
  FROM mfa.list_holds();
COMMENT ON VIEW mfa.holds IS 'prefixes of numbers that the fraud guard holds back, and what for';

CREATE FUNCTION mfa_lift_hold(prefix text) RETURNS boolean
LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_lift_hold';
COMMENT ON FUNCTION mfa_lift_hold(text)
IS 'ends what the fraud guard holds back under that prefix; false where it is not held';
REVOKE ALL ON FUNCTION mfa_lift_hold(text) FROM PUBLIC;

-- Statistics of this database since the server's start, or mfa_stat_reset().
CREATE FUNCTION mfa.list_calls(
    OUT sends bigint,
    OUT resends bigint,
    OUT refused_by_limit bigint,
    OUT refused_by_route bigint,
    OUT refused_by_budget bigint,
    OUT refused_by_guard bigint,
    OUT verified bigint,
    OUT wrong bigint,
    OUT expired bigint,
    OUT used bigint,
    OUT exhausted bigint,
    OUT canceled bigint,
    OUT superseded bigint,
    OUT locked bigint,
    OUT not_found bigint,
    OUT stats_reset timestamptz
)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_list_calls';
COMMENT ON FUNCTION mfa.list_calls() IS 'what views mfa.stat_send and mfa.stat_verify show';
REVOKE ALL ON FUNCTION mfa.list_calls() FROM PUBLIC;

CREATE VIEW mfa.stat_send AS
SELECT sends, resends, refused_by_limit, refused_by_route, refused_by_budget, refused_by_guard, stats_reset
  FROM mfa.list_calls();
COMMENT ON VIEW mfa.stat_send IS 'calls of mfa_send and mfa_resend, and what was refused';

CREATE VIEW mfa.stat_verify AS
SELECT verified, wrong, expired, used, exhausted, canceled, superseded, locked, not_found, stats_reset
  FROM mfa.list_calls();
COMMENT ON VIEW mfa.stat_verify IS 'answers of mfa_verify and mfa_check';

-- Percentiles are milliseconds: response, of the provider to a request; acceptance, from mfa_send to the
-- provider's yes; delivery, from there to the final state, as far as that was looked up or reported.
CREATE FUNCTION mfa.list_tries(
    OUT provider text,
    OUT channel text,
    OUT accepted bigint,
    OUT retried bigint,
    OUT refused bigint,
    OUT unknown bigint,
    OUT delivered bigint,
    OUT undelivered bigint,
    OUT response_p50 double precision,
    OUT response_p90 double precision,
    OUT response_p99 double precision,
    OUT acceptance_p50 double precision,
    OUT acceptance_p90 double precision,
    OUT acceptance_p99 double precision,
    OUT delivery_p50 double precision,
    OUT delivery_p90 double precision,
    OUT delivery_p99 double precision,
    OUT last_accepted_at timestamptz,
    OUT last_failed_at timestamptz,
    OUT last_error text,
    OUT clock_offset bigint,
    OUT accepted_per_second double precision,
    OUT breaker text,
    OUT open_until timestamptz
) RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_list_tries';
COMMENT ON FUNCTION mfa.list_tries() IS 'what views mfa.stat_provider and mfa.stat_delivery show';
REVOKE ALL ON FUNCTION mfa.list_tries() FROM PUBLIC;

CREATE VIEW mfa.stat_delivery AS
SELECT provider, channel, accepted, retried, refused, unknown, delivered, undelivered,
       response_p50, response_p90, response_p99, acceptance_p50, acceptance_p90, acceptance_p99,
       delivery_p50, delivery_p90, delivery_p99
  FROM mfa.list_tries();
COMMENT ON VIEW mfa.stat_delivery IS 'what became of tries, by provider and channel, and how long it took (ms)';

CREATE VIEW mfa.stat_provider AS
SELECT provider,
       pg_catalog.sum(accepted OPERATOR(pg_catalog.+) retried OPERATOR(pg_catalog.+) refused
                      OPERATOR(pg_catalog.+) unknown)::bigint AS tries,
       pg_catalog.sum(accepted)::bigint AS accepted, pg_catalog.sum(retried)::bigint AS retried,
       pg_catalog.sum(refused)::bigint AS refused, pg_catalog.sum(unknown)::bigint AS unknown,
       pg_catalog.sum(accepted_per_second) AS accepted_per_second,
       pg_catalog.min(breaker) AS breaker, pg_catalog.max(open_until) AS open_until,
       pg_catalog.max(last_accepted_at) AS last_accepted_at,
       pg_catalog.max(last_failed_at) AS last_failed_at,
       (pg_catalog.array_agg(last_error ORDER BY last_failed_at DESC NULLS LAST))[1] AS last_error,
       pg_catalog.max(clock_offset) AS clock_offset
  FROM mfa.list_tries()
 GROUP BY provider;
COMMENT ON VIEW mfa.stat_provider IS 'answers and state of providers; clock_offset: s that its clock is ahead';

CREATE FUNCTION mfa_stat_reset() RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_stat_reset';
COMMENT ON FUNCTION mfa_stat_reset() IS 'begins the statistics of this database anew';
REVOKE ALL ON FUNCTION mfa_stat_reset() FROM PUBLIC;

-- What waits to be sent, and how long that takes at the pace of the last ten to twenty seconds.
CREATE VIEW mfa.progress_drain AS
SELECT w.provider, w.due, w.sending, w.later, w.oldest_due_at, s.breaker, s.accepted_per_second,
       CASE WHEN s.accepted_per_second OPERATOR(pg_catalog.>) 0::double precision
            THEN pg_catalog.make_interval(secs => w.due::double precision
                     OPERATOR(pg_catalog./) s.accepted_per_second) END AS time_left
  FROM (SELECT m.provider,
               pg_catalog.count(*) FILTER (WHERE m.state OPERATOR(pg_catalog.=) 'queued'
                   AND m.due_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp()) AS due,
               pg_catalog.count(*) FILTER (WHERE m.state OPERATOR(pg_catalog.=) 'sending') AS sending,
               pg_catalog.count(*) FILTER (WHERE m.state OPERATOR(pg_catalog.=) 'queued'
                   AND m.due_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()) AS later,
               pg_catalog.min(m.due_at) FILTER (WHERE m.state OPERATOR(pg_catalog.=) 'queued'
                   AND m.due_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp()) AS oldest_due_at
          FROM mfa.message m WHERE m.state OPERATOR(pg_catalog.=) ANY (ARRAY['queued', 'sending'])
         GROUP BY m.provider) w
  LEFT JOIN mfa.stat_provider s ON s.provider OPERATOR(pg_catalog.=) w.provider;
COMMENT ON VIEW mfa.progress_drain IS 'messages that wait, by provider, and how long they will';

CREATE FUNCTION mfa.list_health(
    version text,
    OUT name text,
    OUT status text,
    OUT detail text,
    OUT hint text
) RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_list_health';
COMMENT ON FUNCTION mfa.list_health(text) IS 'most of what view mfa.health shows';
REVOKE ALL ON FUNCTION mfa.list_health(text) FROM PUBLIC;

CREATE VIEW mfa.health AS
SELECT h.name, h.status, h.detail, h.hint
  FROM pg_catalog.pg_extension e, mfa.list_health(e.extversion) h
 WHERE e.extname OPERATOR(pg_catalog.=) 'mfa'
UNION ALL
SELECT pg_catalog.concat('budget ', b.name) COLLATE pg_catalog."default",
       CASE WHEN b.exhausted_for OPERATOR(pg_catalog.=) p.start THEN 'critical'
            WHEN b.warned_for OPERATOR(pg_catalog.=) p.start THEN 'warning' ELSE 'ok' END,
       CASE WHEN b.exhausted_for OPERATOR(pg_catalog.=) p.start
            THEN pg_catalog.concat('used up for this ', b.period, ': what it covers is not sent')
            WHEN b.warned_for OPERATOR(pg_catalog.=) p.start
            THEN pg_catalog.concat('more than ', pg_catalog.round(100 OPERATOR(pg_catalog.*) b.warn_at),
                                   ' % of this ', b.period, ' are spent')
            ELSE pg_catalog.concat('enough for this ', b.period) END,
       CASE WHEN b.warned_for OPERATOR(pg_catalog.=) p.start
            THEN 'See mfa.usage; UPDATE mfa.budget raises the amount.' END
  FROM mfa.budget b CROSS JOIN LATERAL (SELECT pg_catalog.date_trunc(b.period,
           pg_catalog.clock_timestamp() AT TIME ZONE 'UTC')::date AS start) p;
COMMENT ON VIEW mfa.health IS 'one row a check: ok, warning or critical, and what to do';

CREATE FUNCTION mfa_forget(recipient text) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'mfa_forget';
COMMENT ON FUNCTION mfa_forget(text)
IS 'erases what tells of a recipient, whoever has sent to it; tells how many requests that was';
REVOKE ALL ON FUNCTION mfa_forget(text) FROM PUBLIC;

CREATE VIEW mfa.test_recipients AS
SELECT t.recipient, t.forced, t.remark FROM mfa.test_recipient t;
COMMENT ON VIEW mfa.test_recipients IS 'who has a fixed code, without the codes';

-- Providers: a foreign-data wrapper each, of which only the validator is used.

CREATE FUNCTION mfa.signalwire_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_signalwire_validator';
COMMENT ON FUNCTION mfa.signalwire_validator(text[], oid) IS 'checks the options of SignalWire servers';
REVOKE ALL ON FUNCTION mfa.signalwire_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_signalwire VALIDATOR mfa.signalwire_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_signalwire IS 'SignalWire: text messages and voice calls';

CREATE FUNCTION mfa.twilio_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_twilio_validator';
COMMENT ON FUNCTION mfa.twilio_validator(text[], oid) IS 'checks the options of Twilio servers';
REVOKE ALL ON FUNCTION mfa.twilio_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_twilio VALIDATOR mfa.twilio_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_twilio IS 'Twilio: text messages and voice calls';

CREATE FUNCTION mfa.vonage_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_vonage_validator';
COMMENT ON FUNCTION mfa.vonage_validator(text[], oid) IS 'checks the options of Vonage servers';
REVOKE ALL ON FUNCTION mfa.vonage_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_vonage VALIDATOR mfa.vonage_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_vonage IS 'Vonage: text messages and voice calls';

CREATE FUNCTION mfa.telnyx_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_telnyx_validator';
COMMENT ON FUNCTION mfa.telnyx_validator(text[], oid) IS 'checks the options of Telnyx servers';
REVOKE ALL ON FUNCTION mfa.telnyx_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_telnyx VALIDATOR mfa.telnyx_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_telnyx IS 'Telnyx: text messages and voice calls';

CREATE FUNCTION mfa.plivo_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_plivo_validator';
COMMENT ON FUNCTION mfa.plivo_validator(text[], oid) IS 'checks the options of Plivo servers';
REVOKE ALL ON FUNCTION mfa.plivo_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_plivo VALIDATOR mfa.plivo_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_plivo IS 'Plivo: text messages';

CREATE FUNCTION mfa.messagebird_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_messagebird_validator';
COMMENT ON FUNCTION mfa.messagebird_validator(text[], oid) IS 'checks the options of MessageBird servers';
REVOKE ALL ON FUNCTION mfa.messagebird_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_messagebird VALIDATOR mfa.messagebird_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_messagebird IS 'MessageBird (Bird): text messages and voice calls';

CREATE FUNCTION mfa.sinch_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_sinch_validator';
COMMENT ON FUNCTION mfa.sinch_validator(text[], oid) IS 'checks the options of Sinch servers';
REVOKE ALL ON FUNCTION mfa.sinch_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_sinch VALIDATOR mfa.sinch_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_sinch IS 'Sinch: text messages and voice calls';

CREATE FUNCTION mfa.infobip_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_infobip_validator';
COMMENT ON FUNCTION mfa.infobip_validator(text[], oid) IS 'checks the options of Infobip servers';
REVOKE ALL ON FUNCTION mfa.infobip_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_infobip VALIDATOR mfa.infobip_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_infobip IS 'Infobip: text messages and voice calls';

CREATE FUNCTION mfa.bandwidth_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_bandwidth_validator';
COMMENT ON FUNCTION mfa.bandwidth_validator(text[], oid) IS 'checks the options of Bandwidth servers';
REVOKE ALL ON FUNCTION mfa.bandwidth_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_bandwidth VALIDATOR mfa.bandwidth_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_bandwidth IS 'Bandwidth: text messages';

CREATE FUNCTION mfa.sns_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_sns_validator';
COMMENT ON FUNCTION mfa.sns_validator(text[], oid) IS 'checks the options of Amazon SNS servers';
REVOKE ALL ON FUNCTION mfa.sns_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_sns VALIDATOR mfa.sns_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_sns IS 'Amazon SNS: text messages';

CREATE FUNCTION mfa.whatsapp_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_whatsapp_validator';
COMMENT ON FUNCTION mfa.whatsapp_validator(text[], oid) IS 'checks the options of WhatsApp servers';
REVOKE ALL ON FUNCTION mfa.whatsapp_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_whatsapp VALIDATOR mfa.whatsapp_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_whatsapp IS 'WhatsApp Cloud API: authentication templates';

CREATE FUNCTION mfa.smtp_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_smtp_validator';
COMMENT ON FUNCTION mfa.smtp_validator(text[], oid) IS 'checks the options of mail servers';
REVOKE ALL ON FUNCTION mfa.smtp_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_smtp VALIDATOR mfa.smtp_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_smtp IS 'any SMTP server: e-mail';

CREATE FUNCTION mfa.http_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_http_validator';
COMMENT ON FUNCTION mfa.http_validator(text[], oid) IS 'checks the options of generic HTTP servers';
REVOKE ALL ON FUNCTION mfa.http_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_http VALIDATOR mfa.http_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_http IS 'any provider with an HTTP interface, described by options';

CREATE FUNCTION mfa.inbox_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'mfa_inbox_validator';
COMMENT ON FUNCTION mfa.inbox_validator(text[], oid) IS 'checks the options of inbox servers';
REVOKE ALL ON FUNCTION mfa.inbox_validator(text[], oid) FROM PUBLIC;
CREATE FOREIGN DATA WRAPPER mfa_inbox VALIDATOR mfa.inbox_validator;
COMMENT ON FOREIGN DATA WRAPPER mfa_inbox IS 'for development: keeps messages in table mfa.inbox';

-- Default privileges may have granted something on what was just made: it is all taken back.
DO $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT 'SCHEMA mfa' AS object, a.grantee, n.nspowner AS owner
          FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
         WHERE n.nspname OPERATOR(pg_catalog.=) 'mfa'
        UNION
        SELECT 'TABLE ' OPERATOR(pg_catalog.||) c.oid::pg_catalog.regclass::text, a.grantee, c.relowner
          FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
         WHERE c.relnamespace OPERATOR(pg_catalog.=) 'mfa'::pg_catalog.regnamespace
        UNION
        SELECT 'FUNCTION ' OPERATOR(pg_catalog.||) p.oid::pg_catalog.regprocedure::text, a.grantee,
               p.proowner
          FROM pg_catalog.pg_proc p
          JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
           AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'
          JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
           AND e.extname OPERATOR(pg_catalog.=) 'mfa',
               pg_catalog.aclexplode(p.proacl) a
    LOOP
        IF granted.grantee OPERATOR(pg_catalog.<>) granted.owner THEN
            EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', granted.object,
                CASE WHEN granted.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                     ELSE granted.grantee::pg_catalog.regrole::text END);
        END IF;
    END LOOP;
END $$;
