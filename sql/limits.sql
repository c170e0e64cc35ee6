-- Limits: how often a recipient, a destination and a database are sent to, where to, and how many wrong
-- codes lock a recipient out. They are on by default.
SET client_min_messages = warning;
CREATE EXTENSION mfa;
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
CREATE SERVER regress_mfa_second FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SET mfa.provider = 'regress_mfa';

-- What a send comes to. The seconds to wait are in the detail.
CREATE FUNCTION pg_temp.outcome(recipient text, purpose text DEFAULT '', OUT code text, OUT message text,
    OUT seconds int)
LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    PERFORM mfa_send(recipient, purpose => purpose);
    code := '00000';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    seconds := substring(detail FROM '\d+');
END $$;

-- A recipient: once in 30 seconds, whatever the purpose and spelling, and whoever asks.
SELECT code FROM pg_temp.outcome('+14155550123');
SELECT code, message, seconds BETWEEN 1 AND 30 AS seconds FROM pg_temp.outcome('+14155550123');
SELECT code FROM pg_temp.outcome('+1 (415) 555-0123', 'payment');
SELECT code FROM pg_temp.outcome('+14155550124');
CREATE ROLE regress_mfa_app;
GRANT EXECUTE ON FUNCTION mfa_send TO regress_mfa_app;
GRANT USAGE ON FOREIGN SERVER regress_mfa TO regress_mfa_app;
SET ROLE regress_mfa_app;
SELECT code FROM pg_temp.outcome('+14155550123');
RESET ROLE;
-- Superseding and canceling buys no further one. A request that was refused is no request.
SET mfa.resend = 'new';
SELECT code FROM pg_temp.outcome('+14155550123');
RESET mfa.resend;
SELECT count(mfa_cancel(id)) AS canceled FROM mfa.request;
SELECT code FROM pg_temp.outcome('+14155550123');
SELECT count(*) FROM mfa.request;
SELECT count(*) FROM mfa.message;
-- A send that is rolled back went nowhere, and counts for nothing.
BEGIN;
SELECT code FROM pg_temp.outcome('+14155550125');
ROLLBACK;
SELECT code FROM pg_temp.outcome('+14155550125');

-- The setting: several limits at once, exactly.
SET mfa.send_limit = '3/1h';
SELECT n, code, message, seconds BETWEEN 3500 AND 3600 AS seconds
FROM generate_series(1, 4) AS n, LATERAL pg_temp.outcome('+14155550126', 'p' || n) ORDER BY n;
SET mfa.send_limit = '2/2s, 3/1d';
SELECT n, code, message
FROM generate_series(1, 3) AS n, LATERAL pg_temp.outcome('+14155550127', 'p' || n) ORDER BY n;
SELECT pg_sleep(2.1);
SELECT n, code, message
FROM generate_series(4, 5) AS n, LATERAL pg_temp.outcome('+14155550127', 'p' || n) ORDER BY n;
SET mfa.send_limit = '';
SELECT code FROM pg_temp.outcome('+14155550127');

-- All of a database. Counted when called: what is rolled back counts too, and what is refused does not.
-- How long to wait depends on the time of day: at most twice the duration.
SET mfa.send_limit_database = '3/1d';
SELECT n, code, message, seconds BETWEEN 1 AND 2 * 86400 AS seconds
FROM generate_series(1, 4) AS n, LATERAL pg_temp.outcome('+1415555020' || n) ORDER BY n;
RESET mfa.send_limit_database;

-- Destinations: allowed unless there is a rule against it; the longest prefix is the one that counts.
SELECT code FROM pg_temp.outcome('+88213000001');
INSERT INTO mfa.route (prefix, allow) VALUES ('+882', false), ('+88213', true), ('+881234567', false);
SELECT recipient, o.* FROM (VALUES ('+88213000002'), ('+88216000001'), ('+88123456789'), ('+88123456889'),
    ('+14155550128')) AS v(recipient), pg_temp.outcome(recipient) AS o;
-- Or the other way round: only where there is a rule for it.
INSERT INTO mfa.route (prefix, allow) VALUES ('+', false), ('+1', true);
SELECT recipient, o.* FROM (VALUES ('+14155550129'), ('+4930123456'), ('+88213000003')) AS v(recipient),
    pg_temp.outcome(recipient) AS o;
\set VERBOSITY default
SELECT mfa_send('+4930123456');
-- A route may have providers and a limit of its own.
TRUNCATE mfa.route;
INSERT INTO mfa.route (prefix, providers) VALUES ('+49', '{regress_mfa_second, regress_mfa}');
SELECT mfa_send('+4930123457') AS id \gset
SELECT providers FROM mfa.message WHERE request = :'id';
SELECT mfa_send('+4930123458', provider => 'regress_mfa') AS id \gset
SELECT providers FROM mfa.message WHERE request = :'id';
INSERT INTO mfa.route (prefix, send_limit) VALUES ('+8835', '1/1d');
SELECT recipient, o.code, o.message
FROM (VALUES (1, '+883510000001'), (2, '+883510000002'), (3, '+883610000001')) AS v(n, recipient),
    pg_temp.outcome(recipient) AS o ORDER BY n;
-- A rule that is none is refused.
\set VERBOSITY sqlstate
INSERT INTO mfa.route (prefix) VALUES ('49');
INSERT INTO mfa.route (prefix) VALUES ('+0');
INSERT INTO mfa.route (prefix) VALUES ('');
INSERT INTO mfa.route (prefix) VALUES ('+49');
INSERT INTO mfa.route (prefix, providers) VALUES ('+43', '{}');
INSERT INTO mfa.route (prefix, providers) VALUES ('+43', '{null}');
-- As is a limit that is none, at the latest when it is needed.
INSERT INTO mfa.route (prefix, send_limit) VALUES ('+44', 'often');
SELECT mfa_send('+442079460123');
TRUNCATE mfa.route;

-- Wrong codes: the tenth in a row locks the recipient out, whatever the request, purpose and role. While
-- it lasts nothing is compared, and nothing is charged.
SELECT mfa_send('+14155550130', max_attempts => 20) AS id, mfa_send('+14155550130', purpose => 'other') AS other \gset
SELECT string_agg(DISTINCT status, ' ') FROM generate_series(1, 10) AS n,
    LATERAL mfa_check(CASE WHEN n % 2 = 0 THEN :'id' ELSE '+14155550130' END, '0000000');
SELECT verified, status, attempts_left, retry_after BETWEEN '0' AND '1 min' AS retry_after
FROM mfa_check('+14155550130', '0000000');
SELECT status, attempts_left FROM mfa_check(:'id', '0000000');
SELECT status, attempts_left FROM mfa_check(:'other', '0000000', 'other');
SELECT mfa_verify(:'id', '0000000');
SELECT attempts FROM mfa.request WHERE id IN (:'id', :'other') ORDER BY purpose;
-- Neither a new request nor a canceled one opens the lock.
SELECT mfa_cancel(:'id');
SELECT status FROM mfa_check(:'id', '0000000');
SELECT mfa_send('+14155550130') AS id \gset
SELECT status, attempts_left FROM mfa_check(:'id', '0000000');
-- Others are free.
SELECT mfa_send('+14155550131') AS id \gset
SELECT status FROM mfa_check(:'id', '0000000');

\set VERBOSITY terse
DROP EXTENSION mfa CASCADE;
DROP ROLE regress_mfa_app;
