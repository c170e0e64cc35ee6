-- A request's own bounds: the transaction and statement that sends it, its time, and its purpose.
SET client_min_messages = warning;
CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SET mfa.provider = 'gateway';
SET mfa.send_limit = '';
SELECT plan(31);

CREATE FUNCTION pg_temp.status(request text, purpose text DEFAULT '') RETURNS text LANGUAGE sql
    AS $$ SELECT status FROM mfa_check(request, '0000000', purpose) $$;

-- Visible at once to the one who sent it: in the same statement, transaction and function.
SELECT is(pg_temp.status(mfa_send('+14155550101')::text), 'wrong', 'by id, in the same statement');
SELECT is((SELECT pg_temp.status('+14155550102') FROM (SELECT mfa_send('+14155550102') OFFSET 0) AS sent),
    'wrong', 'by number too');
WITH sent AS (SELECT mfa_send('+14155550103') AS id)
SELECT is(status, 'wrong', 'from a CTE') FROM sent, mfa_check(id::text, '0000000');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT mfa_send('+14155550104') AS id \gset
SELECT is(pg_temp.status(:'id'), 'wrong', 'in the same transaction');
SELECT is(attempts, 1, 'with its attempt counted') FROM mfa.request WHERE id = :'id';
COMMIT;
SELECT is(pg_temp.status(:'id'), 'wrong', 'and after it');
SELECT is(attempts, 2, 'which gives nothing back') FROM mfa.request WHERE id = :'id';
DO $$
BEGIN
    PERFORM mfa_send('+14155550105');
    RAISE EXCEPTION 'changed my mind';
EXCEPTION WHEN raise_exception THEN
    NULL;
END $$;
SELECT is(pg_temp.status('+14155550105'), 'not_found', 'an exception block takes a send back');
SELECT is(count(*), (SELECT count(*) FROM mfa.request), 'message and all') FROM mfa.message;
CREATE TEMP TABLE login (number text, request uuid);
CREATE FUNCTION pg_temp.send_on_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.request := mfa_send(NEW.number);
    RETURN NEW;
END $$;
CREATE TRIGGER send BEFORE INSERT ON login FOR EACH ROW EXECUTE FUNCTION pg_temp.send_on_insert();
INSERT INTO login VALUES ('+14155550106'), ('+14155550107');
SELECT is(array_agg(pg_temp.status(request::text)), ARRAY['wrong', 'wrong'], 'a trigger can send') FROM login;

-- Ids are in order of time, which keeps the index local, and no two are the same.
CREATE TEMP TABLE sent AS
    SELECT n, mfa_send('+1415556' || to_char(n, 'FM0000')) AS id FROM generate_series(1, 200) AS n;
SELECT is(count(DISTINCT id), 200::bigint, 'ids are all different') FROM sent;
SELECT is(count(DISTINCT substring(id::text, 15, 1)), 1::bigint, 'and of one version') FROM sent;
DO $$ BEGIN PERFORM pg_sleep(0.01); END $$;
SELECT ok(later > ALL (SELECT id FROM sent), 'later ones are greater') FROM mfa_send('+14155550108') AS later;
SELECT is(count(DISTINCT code_hash), 200::bigint, 'no two code hashes are alike')
FROM sent JOIN mfa.request USING (id);
SELECT is(count(DISTINCT sealed), 200::bigint, 'nor are two sealed copies')
FROM sent JOIN mfa.request USING (id);

-- What is stored tells neither number nor code.
SELECT is_empty($$
    SELECT r.id FROM mfa.request AS r JOIN sent USING (id)
    WHERE position('1415556' IN encode(r.sealed, 'escape') || encode(r.recipient_hash, 'escape')
        || encode(r.code_hash, 'escape')) > 0
$$, 'no number stands in what is stored');
SELECT is_empty($$
    SELECT r.id FROM mfa.request AS r JOIN sent USING (id)
    WHERE r.recipient_hash IN (substring(sha256(convert_to('+1415556' || to_char(n, 'FM0000'), 'UTF8')) FOR 16),
        substring(sha256(convert_to('1415556' || to_char(n, 'FM0000'), 'UTF8')) FOR 16))
$$, 'nor its plain hash, which anybody could compute for all numbers');
SELECT mfa_send('+14155550112', code_length => 4) AS id \gset
SELECT is(count(*), 0::bigint, 'nor the plain hash of any code')
FROM mfa.request, generate_series(0, 9999) AS code
WHERE id = :'id' AND code_hash = sha256(convert_to(to_char(code, 'FM0000'), 'UTF8'));

-- Time: a request ends when its life does, and not before.
SELECT mfa_send('+14155550109', valid_for => '2 s') AS id \gset
SELECT is(pg_temp.status(:'id'), 'wrong', 'a request is live at first');
DO $$ BEGIN PERFORM pg_sleep(2.1); END $$;
SELECT is(pg_temp.status(:'id'), 'expired', 'and expires after its time');
SELECT is(pg_temp.status('+14155550109'), 'expired', 'by number too');
SELECT is(mfa_verify(:'id', '0000000'), false, 'verifies nothing any more');
SELECT is(attempts, 1, 'and counts nothing any more') FROM mfa.request WHERE id = :'id';
-- By the clock, not by the transaction's start.
BEGIN;
SELECT mfa_send('+14155550110', valid_for => '1 s') AS id \gset
DO $$ BEGIN PERFORM pg_sleep(1.1); END $$;
SELECT is(pg_temp.status(:'id'), 'expired', 'in a long transaction too');
COMMIT;

-- Purposes: each has its own request, code and attempts.
SELECT mfa_send('+14155550111') AS login, mfa_send('+14155550111', purpose => 'payment:4711') AS payment \gset
SELECT isnt(:'login'::text, :'payment', 'each purpose has its own request');
SELECT is(ARRAY[pg_temp.status(:'login', 'payment:4711'), pg_temp.status(:'payment'),
    pg_temp.status(:'payment', 'payment:4712'), pg_temp.status('+14155550111', 'payment:4712')],
    array_fill('not_found'::text, ARRAY[4]), 'which is not there for another');
SELECT is(sum(attempts), 0::bigint, 'and is not charged for another')
FROM mfa.request WHERE id IN (:'login', :'payment');
SELECT is(pg_temp.status('+14155550111', 'payment:4711'), 'wrong', 'a number and a purpose are one request');
SELECT is((SELECT array_agg(attempts ORDER BY purpose) FROM mfa.request WHERE id IN (:'login', :'payment')),
    ARRAY[0, 1], 'and that one is charged');
SELECT isnt(a.code_hash, b.code_hash, 'their codes are hashed apart')
FROM mfa.request AS a, mfa.request AS b WHERE a.id = :'login' AND b.id = :'payment';

SELECT is_empty($$ SELECT id FROM mfa.request WHERE key_id IS NULL OR octet_length(recipient_hash) < 16
    OR octet_length(code_hash) < 16 $$, 'every hash is long, and knows its key');

SELECT * FROM finish();
