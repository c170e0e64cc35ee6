-- Names that a caller puts in front of the right ones change nothing: neither relations nor types in
-- pg_temp, nor operators and functions in a schema that comes before pg_catalog.
SET client_min_messages = warning;
CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
ALTER DATABASE :"DBNAME" SET mfa.send_limit = '';
ALTER DATABASE :"DBNAME" SET mfa.provider = 'gateway';
SET mfa.send_limit = '';
SET mfa.provider = 'gateway';
CREATE ROLE pgtap_path_app;
GRANT EXECUTE ON FUNCTION mfa_send, mfa_check(text, text, text), mfa_verify(text, text, text) TO pgtap_path_app;
GRANT USAGE ON FOREIGN SERVER gateway TO pgtap_path_app;
CREATE SCHEMA hostile AUTHORIZATION pgtap_path_app;
SELECT plan(26);

-- What the functions answer where nothing is in their way.
SET ROLE pgtap_path_app;
SELECT mfa_send('+14155550101', max_attempts => 20) AS id, mfa_send('+14155550102', purpose => 'other') AS other \gset

-- Whatever is called says so, and answers what would suit a thief: everything is equal, no time passes,
-- all may be done.
CREATE FUNCTION hostile.called() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = 'a hostile function was called';
END $$;
DO $$
DECLARE
    type text;
    symbol text;
BEGIN
    FOREACH type IN ARRAY ARRAY['uuid', 'bytea', 'text', 'int2', 'int4', 'int8', 'oid', 'timestamptz', 'bool',
            'name'] LOOP
        EXECUTE format('CREATE FUNCTION hostile.compare(%1$s, %1$s) RETURNS boolean LANGUAGE sql AS
            ''SELECT hostile.called()''', type);
        FOREACH symbol IN ARRAY ARRAY['=', '<>', '<', '>', '<=', '>='] LOOP
            EXECUTE format('CREATE OPERATOR hostile.%1$s (LEFTARG = %2$s, RIGHTARG = %2$s, FUNCTION = hostile.compare)',
                symbol, type);
        END LOOP;
    END LOOP;
END $$;
CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT hostile.called()::text::timestamptz $$;
CREATE FUNCTION hostile.clock_timestamp() RETURNS timestamptz LANGUAGE sql
    AS $$ SELECT hostile.called()::text::timestamptz $$;
CREATE FUNCTION hostile.array_length(anyarray, integer) RETURNS integer LANGUAGE sql
    AS $$ SELECT hostile.called()::int $$;
CREATE FUNCTION hostile.array_position(anycompatiblearray, anycompatible) RETURNS integer LANGUAGE sql
    AS $$ SELECT hostile.called()::int $$;
CREATE FUNCTION hostile.starts_with(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.called() $$;
CREATE FUNCTION hostile.length(text) RETURNS integer LANGUAGE sql AS $$ SELECT hostile.called()::int $$;
CREATE FUNCTION hostile.gen_random_uuid() RETURNS uuid LANGUAGE sql AS $$ SELECT hostile.called()::text::uuid $$;

-- Tables named like the extension's, for whoever would look them up by name alone.
CREATE TABLE hostile.request (attempts int, id uuid, state text);
CREATE TABLE hostile.message (request uuid, n int);
CREATE TABLE hostile.route (prefix text, allow boolean);
CREATE TEMP TABLE request (attempts int, id uuid, state text);
CREATE TEMP TABLE message (request uuid, n int);
CREATE TEMP TABLE mfa (attempts int, id uuid, state text);
CREATE TEMP TABLE mfa_request (attempts int, id uuid, state text);
CREATE TEMP TABLE pg_extension (oid oid, extname name, extowner oid);
CREATE TEMP TABLE pg_foreign_server (oid oid, srvname name, srvoptions text[]);
CREATE TYPE hostile.uuid AS (a int);
CREATE DOMAIN hostile.text AS pg_catalog.text CHECK (hostile.called());
CREATE DOMAIN hostile."interval" AS pg_catalog."interval" CHECK (hostile.called());

-- The trap is set: a query of the caller's own falls into it.
CREATE FUNCTION pg_temp.trapped(command pg_catalog.text) RETURNS pg_catalog.text LANGUAGE plpgsql AS $$
DECLARE
    answer pg_catalog.text;
BEGIN
    EXECUTE command INTO answer;
    RETURN answer;
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN 'trapped';
END $$;
-- Answers to all the commands, with a hostile search_path and no other. pgTAP itself works by the usual
-- one again, so the answers are read first and compared then.
SET search_path = hostile, pg_temp, pg_catalog, public;
SELECT pg_temp.trapped('SELECT now()') AS trap_of_function,
    pg_temp.trapped('SELECT ''a''::pg_catalog.text = ''b''::pg_catalog.text') AS trap_of_operator,
    pg_temp.trapped('SELECT ''a''::text') AS trap_of_type,
    pg_temp.trapped('SELECT count(*) FROM request') AS trap_of_table \gset
SELECT pg_temp.trapped(format('SELECT status FROM public.mfa_check(%L, ''0000000'')', :'id')) AS by_id,
    pg_temp.trapped(format('SELECT status FROM public.mfa_check(%L, ''0000000'')', :'other')) AS other_by_id,
    pg_temp.trapped('SELECT status FROM public.mfa_check(''+14155550101'', ''0000000'')') AS by_number,
    pg_temp.trapped('SELECT status FROM public.mfa_check(''+14155550102'', ''0000000'')') AS other_by_number,
    pg_temp.trapped('SELECT status FROM public.mfa_check(''+14155550103'', ''0000000'')') AS unknown,
    pg_temp.trapped('SELECT public.mfa_verify(''+14155550101'', ''0000000'')') AS verified \gset
SELECT pg_temp.trapped('SELECT public.mfa_send(''+14155550101'')') AS again,
    pg_temp.trapped('SELECT public.mfa_send(''+14155550101'', code_length => 8)') AS next,
    pg_temp.trapped('SELECT public.mfa_send(''+14155550104'')') AS new,
    pg_temp.trapped('SELECT public.mfa_send(''+14155550105'', provider => ''gateway'')') AS named \gset
RESET search_path;
RESET ROLE;

SELECT is(:'trap_of_function'::text, 'trapped', 'the trap is set: a function is in front of pg_catalog''s');
SELECT is(:'trap_of_operator'::text, 'trapped', 'so is an operator');
SELECT is(:'trap_of_type'::text, 'trapped', 'and a type');
SELECT is(:'trap_of_table'::text, '0', 'and a table');

SELECT is(:'by_id'::text, 'wrong', 'a request is found by its id');
SELECT is(:'other_by_id'::text, 'not_found', 'and its purpose is compared');
SELECT is(:'by_number'::text, 'wrong', 'a request is found by number');
SELECT is(:'other_by_number'::text, 'not_found', 'and its purpose is compared');
SELECT is(:'unknown'::text, 'not_found', 'another number is another');
SELECT is(:'verified'::text, 'false', 'and a wrong code is wrong');
SELECT is(attempts, 3, 'its attempts are counted where they belong') FROM mfa.request WHERE id = :'id';
SELECT is(:'again'::text, :'id', 'a second send is a resend');
SELECT isnt(:'next'::text, :'id', 'with another length it is not');
SELECT is(state, 'superseded', 'and the old request is ended') FROM mfa.request WHERE id = :'id';
SELECT is(status, 'wrong', 'a request that was sent there is in the extension''s table')
FROM mfa_check(:'new', '0000000');
SELECT is(provider, 'gateway', 'with its message') FROM mfa.message WHERE request = :'new';
SELECT is(provider, 'gateway', 'and its provider') FROM mfa.message WHERE request = :'named';
SELECT is_empty('SELECT FROM hostile.request UNION ALL SELECT FROM pg_temp.request UNION ALL SELECT FROM hostile.message
    UNION ALL SELECT FROM pg_temp.message UNION ALL SELECT FROM hostile.route', 'nothing stands anywhere else');

-- A search_path without anything at all is as good.
SET search_path = '';
SELECT status AS status FROM public.mfa_check('+14155550104', '0000000') \gset
SELECT public.mfa_send('+14155550106') IS NOT NULL AS sent \gset
RESET search_path;
SELECT is(:'status'::text, 'wrong', 'an empty search_path finds a request');
SELECT is(:'sent'::text, 't', 'and sends one');

-- Installed beside hostile objects in the very schema that it is installed in, it has none of them in
-- its own definitions.
SELECT is_empty($$
    SELECT pg_describe_object(refclassid, refobjid, 0)
    FROM pg_depend AS d
    WHERE refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
        AND deptype = 'n' AND refobjid >= 16384
        AND (classid = 'pg_constraint'::regclass AND EXISTS (SELECT FROM pg_constraint
                WHERE oid = d.objid AND connamespace = 'mfa'::regnamespace)
            OR classid = 'pg_attrdef'::regclass AND EXISTS (SELECT FROM pg_attrdef JOIN pg_class AS c ON c.oid = adrelid
                WHERE pg_attrdef.oid = d.objid AND relnamespace = 'mfa'::regnamespace))
$$, 'no constraint or default of the tables depends on anything but pg_catalog');

-- A table of mfa's name that lost what the counters rely on is refused, not worked on.
BEGIN;
ALTER TABLE mfa.request ADD extra int;
SELECT throws_ok('SELECT mfa_verify(''+14155550104'', ''0000000'')', '55000', NULL,
    'a table with a column too many is refused');
SELECT throws_ok('SELECT mfa_send(''+14155550104'')', '55000', NULL, 'for sending too');
ROLLBACK;
BEGIN;
ALTER TABLE mfa.request SET LOGGED;
SELECT throws_ok('SELECT mfa_verify(''+14155550104'', ''0000000'')', '55000', NULL, 'a logged table is refused');
SELECT throws_ok('SELECT mfa_send(''+14155550104'')', '55000', NULL, 'for sending too: its codes would be in the WAL');
ROLLBACK;
SELECT is(status, 'wrong', 'and as it was, all is well') FROM mfa_check('+14155550104', '0000000');

ALTER DATABASE :"DBNAME" RESET mfa.send_limit;
ALTER DATABASE :"DBNAME" RESET mfa.provider;
SELECT * FROM finish();
DISCARD TEMP;
DROP SCHEMA hostile CASCADE;
DROP OWNED BY pgtap_path_app;
DROP ROLE pgtap_path_app;
