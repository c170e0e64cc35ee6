-- An attempt counts, whatever the caller does with the transaction (G2): an application that raises an
-- error on a wrong code must not give the guess back.
--
-- With an ordinary UPDATE of the counter: "not ok 2 - which ROLLBACK does not give back", and so on.
--
-- psql keeps what \gset reads across a rollback; what pgTAP itself has written it would not.
SET client_min_messages = warning;
CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SET mfa.provider = 'gateway';
SET mfa.send_limit = '';
SELECT current_setting('max_prepared_transactions')::int > 0 AS two_phase \gset
SELECT plan(29);

CREATE FUNCTION pg_temp.attempts(request_id uuid) RETURNS int LANGUAGE sql
    AS 'SELECT attempts FROM mfa.request WHERE id = request_id';
-- A wrong code: '0000000' has a digit too many.
CREATE FUNCTION pg_temp.guess(request uuid) RETURNS text LANGUAGE sql
    AS $$ SELECT status || ' ' || attempts_left FROM mfa_check(request::text, '0000000') $$;
-- A request for a number of its own, so that no recipient's failures add up.
CREATE SEQUENCE pg_temp.number START 4155550100;
CREATE FUNCTION pg_temp.send(max_attempts int DEFAULT 9) RETURNS uuid LANGUAGE sql
    AS $$ SELECT mfa_send('+1' || nextval('pg_temp.number'), max_attempts => max_attempts) $$;

SELECT pg_temp.send() AS id \gset

-- ROLLBACK, at every isolation level.
BEGIN;
SELECT pg_temp.guess(:'id') AS answer \gset
ROLLBACK;
SELECT is(:'answer'::text, 'wrong 8', 'a wrong code costs an attempt');
SELECT is(pg_temp.attempts(:'id'), 1, 'which ROLLBACK does not give back');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM pg_class \gset
SELECT pg_temp.guess(:'id') AS answer \gset
ROLLBACK;
SELECT is(:'answer'::text, 'wrong 7', 'nor does REPEATABLE READ');
SELECT is(pg_temp.attempts(:'id'), 2, 'when it is rolled back');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM mfa.request \gset
SELECT pg_temp.guess(:'id') AS answer \gset
ROLLBACK;
SELECT is(:'answer'::text, 'wrong 6', 'nor does SERIALIZABLE');
SELECT is(pg_temp.attempts(:'id'), 3, 'when it is rolled back');

-- ROLLBACK TO SAVEPOINT, and inside it the next guess sees the one before.
BEGIN;
SAVEPOINT one;
SELECT pg_temp.guess(:'id') AS answer \gset
ROLLBACK TO one;
SELECT pg_temp.attempts(:'id') AS inside \gset
SAVEPOINT two;
SELECT pg_temp.guess(:'id') AS next_answer \gset
RELEASE two;
ROLLBACK TO one;
COMMIT;
SELECT is(:'answer'::text, 'wrong 5', 'a guess behind a savepoint');
SELECT is(:inside, 4, 'is charged when the savepoint is rolled back to');
SELECT is(:'next_answer'::text, 'wrong 4', 'the next one counts on from there');
SELECT is(pg_temp.attempts(:'id'), 5, 'and is charged as well');

-- Exception blocks.
SELECT pg_temp.send() AS id \gset
SELECT set_config('test.id', :'id', false) IS NULL AS ignored \gset
DO $$
BEGIN
    IF NOT mfa_verify(current_setting('test.id'), '0000000') THEN
        RAISE EXCEPTION 'wrong code';
    END IF;
EXCEPTION WHEN raise_exception THEN
    NULL;
END $$;
SELECT is(pg_temp.attempts(:'id'), 1, 'an exception block gives no attempt back');
DO $$
BEGIN
    FOR i IN 1 .. 3 LOOP
        BEGIN
            PERFORM 1 / mfa_verify(current_setting('test.id')::uuid, '0000000')::int;
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END $$;
SELECT is(pg_temp.attempts(:'id'), 4, 'nor do three in a loop');
BEGIN;
DO $$ BEGIN PERFORM mfa_verify(current_setting('test.id'), '0000000'); END $$;
ROLLBACK;
SELECT is(pg_temp.attempts(:'id'), 5, 'nor does a DO block in a transaction that is rolled back');
CREATE PROCEDURE pg_temp.guess_twice(request uuid) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.guess(request);
    ROLLBACK;
    PERFORM pg_temp.guess(request);
    ROLLBACK;
END $$;
CALL pg_temp.guess_twice(:'id');
SELECT is(pg_temp.attempts(:'id'), 7, 'nor does a procedure that rolls back');

-- Two-phase commit.
\if :two_phase
    SELECT pg_temp.send() AS id \gset
    BEGIN;
    SELECT mfa_verify(:'id', '0000000') AS answer \gset
    PREPARE TRANSACTION 'pgtap_mfa';
    SELECT is(pg_temp.attempts(:'id'), 1, 'PREPARE TRANSACTION charges the attempt at once');
    ROLLBACK PREPARED 'pgtap_mfa';
    SELECT is(pg_temp.attempts(:'id'), 1, 'and ROLLBACK PREPARED does not give it back');
\else
    SELECT skip('max_prepared_transactions is 0', 2);
\endif

-- The bound holds under all of that: no rollback buys a fourth comparison.
SELECT pg_temp.send(3) AS id \gset
SELECT set_config('test.id', :'id', false) IS NULL AS ignored \gset
DO $$
BEGIN
    FOR i IN 1 .. 8 LOOP
        BEGIN
            PERFORM mfa_verify(current_setting('test.id'), '0000000');
            RAISE EXCEPTION 'wrong code';
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
    END LOOP;
END $$;
SELECT is(pg_temp.attempts(:'id'), 3, 'of eight guesses that are rolled back, three are charged');
SELECT is(status, 'exhausted', 'and the request is exhausted') FROM mfa_check(:'id', '0000000');
SELECT pg_temp.send(3) AS id \gset
SELECT is(array_agg(pg_temp.guess(:'id')), ARRAY['wrong 2', 'wrong 1', 'wrong 0', 'exhausted 0', 'exhausted 0'],
    'several guesses in one statement are counted one by one') FROM generate_series(1, 5);
SELECT is(pg_temp.attempts(:'id'), 3, 'up to the bound');

-- The row stays where it is: a counter that was copied elsewhere would be charged in one copy only.
SELECT pg_temp.send() AS id \gset
SELECT ctid, xmin FROM mfa.request WHERE id = :'id' \gset
SELECT is(pg_temp.guess(:'id'), 'wrong 8', 'a wrong code');
SELECT is(concat_ws(' ', ctid, xmin, xmax), concat_ws(' ', :'ctid', :'xmin', 0), 'writes no new version of the row')
FROM mfa.request WHERE id = :'id';
BEGIN;
DO $$ BEGIN PERFORM mfa_verify(mfa_send('+14155550199'), '0000000'); END $$;
SELECT count(*) AS own_rows FROM mfa.request WHERE xmin::text::bigint = txid_current() % (1::bigint << 32) \gset
ROLLBACK;
SELECT is(:own_rows, 1, 'a request sent in the same transaction has one version as well');

-- Of a request that the transaction has sent itself, nothing is left but nothing is lost either.
BEGIN;
SELECT pg_temp.send() AS id \gset
SELECT pg_temp.guess(:'id') AS answer \gset
SAVEPOINT one;
SELECT pg_temp.guess(:'id') AS next_answer \gset
ROLLBACK TO one;
SELECT pg_temp.attempts(:'id') AS inside \gset
COMMIT;
SELECT is(:'answer'::text, 'wrong 8', 'a request can be verified in the transaction that sends it');
SELECT is(:'next_answer'::text, 'wrong 7', 'again behind a savepoint');
SELECT is(:inside, 2, 'which gives no attempt back');
SELECT is(pg_temp.attempts(:'id'), 2, 'nor does anything until COMMIT');

-- What costs nothing: no code, the wrong purpose, somebody else.
SELECT is(mfa_verify(:'id', NULL) OR mfa_verify(:'id', '0000000', 'another') OR mfa_verify(:'id', '0000000', NULL),
    false, 'no code, another purpose, no purpose');
SELECT is(pg_temp.attempts(:'id'), 2, 'cost no attempt');

SELECT * FROM finish();
