-- What a session keeps of tables, indexes and servers from one call to the next is wrong as soon as somebody
-- changes them.
\set QUIET 1
SET client_min_messages = warning;
CREATE EXTENSION amcheck;
CREATE ROLE kept_app;
CREATE SERVER kept FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:1/', body '{"to": "{to}", "text": "{text}"}');
SELECT current_database() AS db \gset
ALTER DATABASE :"db" SET mfa.provider = 'kept';
SET mfa.provider = 'kept';
GRANT USAGE ON FOREIGN SERVER kept TO kept_app;
GRANT EXECUTE ON FUNCTION mfa_send, mfa_verify(text, text, text) TO kept_app;

CREATE SEQUENCE numbers;
GRANT USAGE ON SEQUENCE numbers TO kept_app;
CREATE FUNCTION next_number() RETURNS text LANGUAGE sql AS $$ SELECT '+1415557' || lpad(nextval('numbers')::text, 4, '0') $$;
-- Entries that an index has, by reading nothing else.
CREATE FUNCTION entries(condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_bitmapscan = off;
    EXECUTE 'SELECT count(*) FROM ' || condition INTO n;
    RETURN n;
END $$;

SELECT plan(23);

SELECT lives_ok('SELECT mfa_send(next_number())', 'a first send') FROM generate_series(1, 3);

CREATE INDEX request_mine ON mfa.request (owner);
CREATE INDEX request_mine_too ON mfa.request (lower(purpose)) WHERE code_length < 100;
SELECT lives_ok('SELECT mfa_send(next_number())', 'a send with two indexes more');
SELECT is(entries('mfa.request WHERE owner > 0'), 4::bigint, 'the first has the entry');
SELECT is(entries($$mfa.request WHERE lower(purpose) = '' AND code_length < 100$$), 4::bigint, 'the other has it, too');
DROP INDEX mfa.request_mine, mfa.request_mine_too;
SELECT lives_ok('SELECT mfa_send(next_number())', 'a send without them');

CREATE INDEX message_mine ON mfa.message (n) WHERE state <> 'sent';
SELECT lives_ok('SELECT mfa_send(next_number())', 'a send with a partial index more');
SELECT is(entries($$mfa.message WHERE n = 1 AND state <> 'sent'$$), 6::bigint, 'it has the entry');
DROP INDEX mfa.message_mine;

REINDEX TABLE CONCURRENTLY mfa.request;
REINDEX TABLE mfa.message;
VACUUM FULL mfa.message;
SELECT lives_ok('SELECT mfa_send(next_number())', 'a send with rebuilt indexes');
SELECT lives_ok(format('SELECT bt_index_check(%L, true)', indexrelid::regclass), indexrelid::regclass || ' has all entries')
    FROM pg_index WHERE indrelid IN ('mfa.request'::regclass, 'mfa.message'::regclass)
    ORDER BY indexrelid::regclass::text;

-- As CREATE INDEX CONCURRENTLY leaves one that it could not finish: who counted by it would count nothing.
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mfa.request_recipient'::regclass;
SELECT throws_ok('SELECT mfa_send(next_number())', '55000', 'index mfa.request_recipient is not valid', 'no send by an index that lacks entries');
REINDEX INDEX CONCURRENTLY mfa.request_recipient;
SELECT lives_ok('SELECT mfa_send(next_number())', 'a send when it has them');

SET ROLE kept_app;
SELECT lives_ok('SELECT mfa_send(next_number())', 'a send as another role');
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER kept FROM kept_app;
SET ROLE kept_app;
SELECT throws_ok('SELECT mfa_send(next_number())', '42501', 'permission denied for foreign server kept', 'its privilege is revoked');
RESET ROLE;

ALTER SERVER kept OPTIONS (DROP url);
SELECT throws_ok('SELECT mfa_send(next_number())', '55000', 'option "url" of the server is not set', 'the server lost an option');
DROP SERVER kept;
SELECT throws_ok('SELECT mfa_send(next_number())', '42704', 'provider "kept" does not exist', 'the server is gone');

SELECT * FROM finish();
DROP OWNED BY kept_app;
DROP ROLE kept_app;
