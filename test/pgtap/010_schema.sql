-- The tables: what the C code and the guarantees rely on.
SELECT plan(43);

SELECT has_schema('mfa');
SELECT has_table('mfa', 'request', 'mfa.request exists');
SELECT has_table('mfa', 'message', 'mfa.message exists');

-- Codes reach no WAL, no base backup and no standby, and a crash voids them: everything about them is
-- unlogged. Attempts are counted on the page itself, which only heap's layout allows.
CREATE FUNCTION pg_temp.storage_of(relation regclass, OUT persistence "char", OUT access_method name,
    OUT fillfactor text)
LANGUAGE sql AS $$
    SELECT c.relpersistence, a.amname, substring(array_to_string(c.reloptions, ',') FROM 'fillfactor=(\d+)')
    FROM pg_class AS c JOIN pg_am AS a ON a.oid = c.relam WHERE c.oid = relation
$$;
SELECT is(concat_ws(' ', s.persistence, s.access_method), 'u heap', 'mfa.request is an unlogged heap')
FROM pg_temp.storage_of('mfa.request') AS s;
SELECT is(concat_ws(' ', s.persistence, s.access_method), 'u heap', 'mfa.message is an unlogged heap')
FROM pg_temp.storage_of('mfa.message') AS s;
SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class AS c
    WHERE c.relpersistence <> 'u'
        AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid
            AND a.attname IN ('recipient_hash', 'code_hash', 'sealed'))
        AND c.relnamespace = 'mfa'::regnamespace
$$, 'nothing that is derived from a recipient or a code is in a logged table or index');
SELECT is_empty($$
    SELECT c.oid::regclass FROM pg_class AS c JOIN pg_class AS t ON t.reltoastrelid = c.oid
    WHERE t.relnamespace = 'mfa'::regnamespace AND t.relpersistence <> c.relpersistence
$$, 'and what is stored out of line is no more durable than its table');

-- Room on the page for the update that ends a request, or that changes a message's state, so that it
-- touches no index.
SELECT cmp_ok(s.fillfactor::int, '<', 100, 'mfa.request leaves room on its pages')
FROM pg_temp.storage_of('mfa.request') AS s;
SELECT cmp_ok(s.fillfactor::int, '<', 100, 'mfa.message leaves room on its pages')
FROM pg_temp.storage_of('mfa.message') AS s;
SELECT is_empty($$
    SELECT i.indexrelid::regclass, a.attname
    FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = 'mfa.request'::regclass
        AND a.attname IN ('attempts', 'attempted_at', 'state', 'ended_at', 'code_hash', 'sealed')
$$, 'no index of mfa.request has a column that changes');

-- The counter stands where the tuple's header ends: first, four bytes, never null. In front of whatever
-- else is written in place there are only columns of fixed width.
SELECT is(format('%s %s %s %s', attname, atttypid::regtype, attlen, attnotnull), 'attempts integer 4 t',
    'the first column of mfa.request is the counter, four bytes, not null')
FROM pg_attribute WHERE attrelid = 'mfa.request'::regclass AND attnum = 1;
SELECT is(format('%s %s %s', attname, attlen, attnotnull), 'max_attempts 4 t',
    'the second is its bound, four bytes, not null')
FROM pg_attribute WHERE attrelid = 'mfa.request'::regclass AND attnum = 2;
SELECT is_empty($$
    SELECT a.attname, b.attname
    FROM pg_attribute AS a JOIN pg_attribute AS b ON b.attrelid = a.attrelid AND b.attnum < a.attnum
    WHERE a.attrelid = 'mfa.request'::regclass AND a.attname IN ('attempts', 'attempted_at')
        AND b.attnum > 0 AND (b.attlen < 0 OR NOT b.attnotnull)
$$, 'nothing of variable width stands in front of what is written in place');
SELECT is_empty($$
    SELECT attname FROM pg_attribute
    WHERE attrelid = 'mfa.request'::regclass AND attisdropped
$$, 'mfa.request has no dropped column');
SELECT hasnt_trigger('mfa', 'request', 'any', 'mfa.request has no trigger');
SELECT is(relhassubclass OR relispartition OR relhasrules OR relhastriggers OR relrowsecurity, false,
    'nor rules, partitions or row security, which direct access would bypass')
FROM pg_class WHERE oid = 'mfa.request'::regclass;

-- Columns.
SELECT col_type_is('mfa', 'request', 'id', 'uuid', 'id is a uuid');
SELECT col_is_pk('mfa', 'request', 'id', 'and the primary key');
SELECT col_type_is('mfa', 'request', 'owner', 'oid', 'owner is a role');
SELECT col_not_null('mfa', 'request', 'owner', 'which each request has');
SELECT col_type_is('mfa', 'request', 'expires_at', 'timestamp with time zone', 'expires_at is a timestamptz');
SELECT col_not_null('mfa', 'request', 'expires_at', 'each request expires');
SELECT col_type_is('mfa', 'request', 'purpose', 'text', 'purpose is text');
SELECT col_not_null('mfa', 'request', 'purpose', 'which each request has');
SELECT col_type_is('mfa', 'request', 'recipient_hash', 'bytea', 'the recipient is hashed');
SELECT col_type_is('mfa', 'request', 'code_hash', 'bytea', 'the code is hashed');
SELECT col_type_is('mfa', 'request', 'sealed', 'bytea', 'both are sealed');
SELECT col_is_null('mfa', 'request', 'code_hash', 'the code''s hash can be erased');
SELECT col_is_null('mfa', 'request', 'sealed', 'and so can the sealed copy');
SELECT set_eq($$
    SELECT attrelid::regclass::text FROM pg_attribute
    WHERE attrelid IN ('mfa.request'::regclass, 'mfa.message'::regclass)
        AND attname = 'sealed' AND attstorage = 'e'
$$, ARRAY['mfa.request', 'mfa.message'], 'what is encrypted is not tried to be compressed');
SELECT col_is_pk('mfa', 'message', ARRAY['request', 'n'], 'messages are numbered within their request');
SELECT isnt(pg_get_expr(indpred, indrelid), NULL, 'what is due is found without what is done')
FROM pg_index WHERE indexrelid = 'mfa.message_due'::regclass;
SELECT has_index('mfa', 'request', 'request_recipient', 'recipient_hash', 'requests are found by recipient');

-- Configuration is logged, and saved by pg_dump; nothing else is.
SELECT set_eq($$ SELECT c.oid::regclass::text FROM pg_class AS c
    WHERE c.relnamespace = 'mfa'::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p' $$,
    $$ SELECT config::regclass::text FROM pg_extension, unnest(extconfig) AS config WHERE extname = 'mfa' $$,
    'the logged tables are those that pg_dump saves');
SELECT has_table('mfa', 'route', 'such as mfa.route');
SELECT is(concat_ws(' ', s.persistence, s.access_method), 'u heap', 'mfa.failure is not logged')
FROM pg_temp.storage_of('mfa.failure') AS s;

-- States that there are not are refused.
CREATE FUNCTION pg_temp.insert_request(state text, id uuid DEFAULT gen_random_uuid()) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO mfa.request (attempts, max_attempts, attempted_at, key_id, owner, created_at, expires_at,
        id, code_length, allow_alphas, state, purpose, recipient_hash)
    VALUES (0, 3, '-infinity', 1, 10, now(), now(), id, 6, false, state, '', '')
$$;
SELECT lives_ok(format('SELECT pg_temp.insert_request(%L)', state), 'a request can be ' || state)
FROM unnest(ARRAY['live', 'verified', 'exhausted', 'expired', 'canceled', 'superseded']) AS state;
SELECT throws_ok($$ SELECT pg_temp.insert_request('open') $$, '23514', NULL, 'and nothing else');

SELECT * FROM finish();
