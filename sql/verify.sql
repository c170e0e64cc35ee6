-- mfa_verify and mfa_check, as far as they can be seen without knowing a code: all that is not right is
-- false, never null and no error, and mfa_check says why.
--
-- A code of a request here has six digits, so that '0000000' is certainly wrong.
SET client_min_messages = warning;
CREATE EXTENSION mfa;
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SET mfa.provider = 'regress_mfa';
SET mfa.send_limit = '';

-- Wrong codes count down, by whatever name the request is called. The one that comes after the last
-- attempt is not compared any more.
SELECT mfa_send('+14155550123') AS id \gset
SELECT * FROM mfa_check('+14155550123', '0000000');
SELECT * FROM mfa_check(:'id', '0000000');
SELECT mfa_verify(:'id', '0000000');
SELECT * FROM mfa_check('+14155550123', '0000000');
SELECT * FROM mfa_check(:'id', '0000000');
SELECT mfa_verify(:'id', '0000000'), mfa_verify(:'id'::uuid, '0000000'),
    mfa_verify('+14155550123', '0000000');
SELECT attempts, max_attempts FROM mfa.request WHERE id = :'id';

-- An exhausted request is no obstacle to the next one.
SELECT mfa_send('+14155550123') <> :'id' AS another_request;
SELECT * FROM mfa_check('+14155550123', '0000000');
SELECT * FROM mfa_check(:'id', '0000000');

-- A number is the same in every spelling, and so is an address.
SELECT mfa_send('+14155550124', max_attempts => 20) AS id \gset
SELECT status, spelling FROM (VALUES
    ('+14155550124'), ('+1 (415) 555-0124'), ('0014155550124'), (' 00 1 415.555.0124 '),
    ('+1' || U&'\00A0' || '4155550124')
) AS v(spelling), mfa_check(spelling, '0000000');
ALTER SERVER regress_mfa OPTIONS (ADD channels 'sms, email');
SELECT mfa_send('someone@example.com', 'email', max_attempts => 20) IS NOT NULL AS sent;
SELECT status, spelling FROM (VALUES ('someone@example.com'), (' Someone@EXAMPLE.com '))
    AS v(spelling), mfa_check(spelling, '0000000');

-- An id is read as PostgreSQL reads a uuid.
SELECT mfa_send('+14155550130', max_attempts => 20) AS id \gset
SELECT status, form FROM (VALUES
    ('as written', :'id'), ('upper case', upper(:'id')), ('braces', '{' || :'id' || '}'),
    ('no dashes', replace(:'id', '-', '')), ('other dashes', regexp_replace(
        replace(:'id', '-', ''), '(....)(?=.)', '\1-', 'g')),
    ('one digit less', left(:'id', -1)), ('one digit more', :'id' || '0'), ('a space', ' ' || :'id'),
    ('another', '00000000-0000-0000-0000-000000000000')
) AS v(form, id), mfa_check(id, '0000000');
SELECT attempts FROM mfa.request WHERE id = :'id';

-- A code for one purpose never verifies another, and asking for another costs no attempt.
SELECT mfa_send('+14155550125', purpose => 'payment:4711') AS id \gset
SELECT purpose, by_number.status AS by_number, by_id.status AS by_id
FROM (VALUES (''), ('payment:4712'), ('Payment:4711'), ('payment:4711 '), ('payment:471'))
    AS v(purpose), mfa_check('+14155550125', '0000000', purpose) AS by_number,
    mfa_check(:'id', '0000000', purpose) AS by_id;
SELECT status, attempts_left FROM mfa_check(:'id', '0000000', 'payment:4711');
SELECT status, attempts_left FROM mfa_check('+14155550125', '0000000', purpose => 'payment:4711');
-- The purpose's default is the login's.
SELECT mfa_send('+14155550125') <> :'id' AS another_request;
SELECT status, attempts_left FROM mfa_check('+14155550125', '0000000');

-- Which function is meant never depends on who guesses the type: the request is text or a uuid, and
-- everything else finds one of them.
SELECT mfa_send('+14155550126', max_attempts => 20) AS id \gset
SELECT (mfa_check(:'id'::uuid, '0000000')).status, (mfa_check(:'id', '0000000')).attempts_left;
SELECT mfa_verify('+14155550126', '0000000') AS number, mfa_verify(:'id', '0000000') AS id,
    mfa_verify(:'id'::uuid, '0000000') AS uuid, mfa_verify(:'id'::varchar, '0000000'::char(7)) AS others,
    mfa_verify(request => '+14155550126', code => '0000000', purpose => '') AS named,
    mfa_verify(request => :'id'::uuid, code => '0000000', purpose => '') AS named_uuid;
SELECT attempts FROM mfa.request WHERE id = :'id';
SELECT mfa_send('+14155550132', max_attempts => 20) AS id \gset
PREPARE unknown_types AS SELECT mfa_verify($1, $2), (mfa_check($1, $2)).status;
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'unknown_types';
EXECUTE unknown_types('+14155550132', '0000000');
EXECUTE unknown_types(:'id', '0000000');
PREPARE uuid_type (uuid) AS SELECT mfa_verify($1, $2, $3);
EXECUTE uuid_type(:'id', '0000000', '');
SELECT attempts FROM mfa.request WHERE id = :'id';

-- Null is false: IF NOT mfa_verify(…) with a null would let everybody in. It costs no attempt.
SELECT mfa_verify(null, null) AS "null, null", mfa_verify(null, '0000000') AS "null, code",
    mfa_verify(null::uuid, '0000000') AS "null uuid", mfa_verify(null::uuid, null, null) AS "all null",
    mfa_verify('+14155550132', null) AS "number, null", mfa_verify(:'id'::uuid, null) AS "uuid, null",
    mfa_verify('+14155550132', '0000000', null) AS "null purpose",
    mfa_verify(:'id'::uuid, '0000000', null) AS "uuid, null purpose";
SELECT c.* FROM (VALUES (null, '0000000', ''), ('+14155550132', null, ''),
    ('+14155550132', '0000000', null), (null, null, null)) AS v(request, code, purpose),
    mfa_check(request, code, purpose) AS c;
SELECT c.* FROM (VALUES (null, '0000000', ''), (:'id'::uuid, null, ''), (:'id', '0000000', null))
    AS v(request, code, purpose), mfa_check(request, code, purpose) AS c;
SELECT attempts FROM mfa.request WHERE id = :'id';

-- And so is whatever else there is no request for.
SELECT c.*, left(request, 20) AS request FROM (VALUES (''), (' '), ('+'), ('@'), ('a@b@c'), ('nobody'),
    ('14155550126'), ('+14155550199'), ('nobody@example.com'), ('+1415555012O'), ('{}'), ('{'),
    (E'+14155550126\n;'), (repeat('1', 1000000)), (repeat('@', 1000000)), ('''; DROP TABLE x; --'))
    AS v(request), mfa_check(request, '0000000') AS c;

-- A code that no person would type is a wrong one, no error.
SELECT mfa_send('+14155550131', max_attempts => 20) AS id \gset
SELECT bool_or(mfa_verify(:'id'::uuid, code)) FROM (VALUES (''), (' - '), ('abcdef'), (repeat('0', 7)),
    (repeat('0', 300)), (repeat('0', 1000000)), (U&'\0660\0661'), (U&'\+01F511 ' || E'\x01')) AS v(code);
SELECT attempts FROM mfa.request WHERE id = :'id';

-- A newer request takes an older one's place; by number it is the newer that is meant.
SELECT mfa_send('+14155550127') AS old_id \gset
SET mfa.resend = 'new';
SELECT mfa_send('+14155550127') AS new_id \gset
RESET mfa.resend;
SELECT status FROM mfa_check(:'old_id', '0000000');
SELECT status, attempts_left FROM mfa_check('+14155550127', '0000000');
SELECT status, attempts_left FROM mfa_check(:'new_id', '0000000');
-- What it held is erased, and no attempt is charged to it.
SELECT attempts, state, code_hash, sealed, ended_at IS NOT NULL AS ended
FROM mfa.request WHERE id = :'old_id';

-- Time ends a request, and is no obstacle to the next one.
SELECT mfa_send('+14155550128', valid_for => '2 s') AS id \gset
SELECT status FROM mfa_check(:'id', '0000000');
SELECT pg_sleep(2.1);
SELECT verified, status FROM mfa_check(:'id', '0000000');
SELECT verified, status FROM mfa_check('+14155550128', '0000000');
SELECT mfa_verify(:'id', '0000000');
SELECT mfa_send('+14155550128') <> :'id' AS another_request;
SELECT status FROM mfa_check('+14155550128', '0000000');

-- A request that is canceled is past use.
SELECT mfa_send('+14155550133') AS id \gset
SELECT mfa_cancel(:'id');
SELECT verified, status FROM mfa_check(:'id', '0000000');
SELECT verified, status FROM mfa_check('+14155550133', '0000000');
SELECT attempts, state, code_hash, sealed, ended_at IS NOT NULL AS ended
FROM mfa.request WHERE id = :'id';

-- A request that was never committed is none.
BEGIN;
SELECT mfa_send('+14155550129') AS id \gset
SELECT status FROM mfa_check('+14155550129', '0000000');
ROLLBACK;
SELECT status FROM mfa_check(:'id', '0000000');
SELECT status FROM mfa_check('+14155550129', '0000000');

-- What does raise: a place where no attempt could be counted.
\set VERBOSITY sqlstate
BEGIN READ ONLY;
SELECT mfa_verify('+14155550126', '0000000');
ROLLBACK;
BEGIN READ ONLY;
SELECT mfa_verify(:'id'::uuid, null);
ROLLBACK;
BEGIN READ ONLY;
SELECT mfa_check(null, null);
ROLLBACK;

DROP EXTENSION mfa CASCADE;
