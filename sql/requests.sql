-- mfa_resend, mfa_cancel and mfa_status: what they do to a request, and what they say where they can't.
SET client_min_messages = warning;
CREATE EXTENSION mfa;
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_http OPTIONS
    (url 'http://127.0.0.1:9/{channel}', body '{"to": "{to}", "text": "{text}"}', channels 'sms, voice, email');
CREATE SERVER regress_mfa_second FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SET mfa.provider = 'regress_mfa';
SET mfa.send_limit = '';
\set ON_ERROR_ROLLBACK on

-- The same request goes out again, over another channel too. Nothing else about it changes. In a
-- transaction, so that no worker takes a message meanwhile.
BEGIN;
SELECT mfa_send('+14155550123', locale => 'de', message => 'It is {code}.') AS id \gset
SELECT status FROM mfa_check(:'id', '0000000');
SELECT expires_at, created_at FROM mfa_status(:'id') \gset before_
SELECT state, channel, provider, delivery, error, attempts_left, sends, expires_at - created_at AS valid_for,
    ended_at
FROM mfa_status(:'id');
-- The recipient is shown to who knows it, and to nobody else.
SELECT recipient FROM mfa_status(:'id');
SELECT recipient FROM mfa_send('someone@example.com', 'email') AS mail, mfa_status(mail);
SELECT mfa_resend(:'id');
SELECT mfa_resend(:'id', 'voice');
SELECT mfa_resend(:'id', channel => null);
SET LOCAL mfa.provider = 'regress_mfa_second';
SELECT mfa_resend(:'id', 'sms');
SET LOCAL mfa.provider = 'regress_mfa';
SELECT n, channel, provider, state FROM mfa.message WHERE request = :'id' ORDER BY n;
SELECT state, channel, provider, delivery, error, attempts_left, sends,
    expires_at = :'before_expires_at' AS expiry_stands, created_at = :'before_created_at' AS same, ended_at
FROM mfa_status(:'id');
SELECT attempts, state FROM mfa.request WHERE id = :'id';
SELECT status, attempts_left FROM mfa_check(:'id', '0000000');
-- A number gets no e-mail, and what is refused sends nothing.
SELECT mfa_resend(:'id', 'email');
SELECT mfa_resend(:'id', 'fax');
SELECT mfa_resend(:'id', 'whatsapp');
SELECT mfa_resend(null);
SELECT mfa_resend('00000000-0000-0000-0000-000000000000');
SELECT count(*) FROM mfa.message WHERE request = :'id';
COMMIT;

-- Canceling ends it, once, and erases what it held.
SELECT mfa_cancel(:'id');
SELECT mfa_cancel(:'id');
SELECT recipient, state, attempts_left, sends, ended_at IS NOT NULL AS ended FROM mfa_status(:'id');
SELECT code_hash, sealed FROM mfa.request WHERE id = :'id';
SELECT mfa_resend(:'id');
SELECT mfa_cancel(null), mfa_cancel('00000000-0000-0000-0000-000000000000');
-- The next send makes another request.
SELECT mfa_send('+14155550123') <> :'id' AS another_request;

-- Canceling belongs to the caller's transaction.
SELECT mfa_send('+14155550124') AS id \gset
BEGIN;
SELECT mfa_cancel(:'id');
SELECT state FROM mfa_status(:'id');
ROLLBACK;
SELECT state FROM mfa_status(:'id');
SELECT status FROM mfa_check(:'id', '0000000');

-- A request of any purpose, whose name is not asked for.
SELECT mfa_send('+14155550125', purpose => 'payment:4711') AS id \gset
SELECT mfa_resend(:'id');
SELECT state, sends FROM mfa_status(:'id');
SELECT mfa_cancel(:'id');

-- All the ways in which one is not live, which is no state to send again.
SELECT mfa_send('+14155550126', max_attempts => 1) AS exhausted,
    mfa_send('+14155550127', valid_for => '1 s') AS expired, mfa_send('+14155550128') AS superseded \gset
SELECT mfa_verify(:'exhausted', '0000000');
SELECT mfa_send('+14155550128', code_length => 8) <> :'superseded' AS another_request;
SELECT pg_sleep(1.1);
SELECT state, attempts_left, mfa_cancel(id)
FROM (VALUES (:'exhausted'::uuid), (:'expired'), (:'superseded')) AS v(id), mfa_status(id);
SELECT mfa_resend(:'exhausted');
SELECT mfa_resend(:'expired');
SELECT mfa_resend(:'superseded');

-- No request, no status.
SELECT mfa_status(null) IS NULL AS "null", mfa_status('00000000-0000-0000-0000-000000000000') IS NULL AS unknown;

-- Where nothing may be written, a status can still be read.
BEGIN READ ONLY;
SELECT state FROM mfa_status(:'superseded');
\set VERBOSITY sqlstate
SELECT mfa_resend(:'superseded');
SELECT mfa_cancel(:'superseded');
COMMIT;

-- Sends through mfa_resend count for the limits like all others.
SELECT mfa_send('+14155550129') AS id \gset
SET mfa.send_limit = '2/1h';
SELECT mfa_resend(:'id');
SELECT mfa_resend(:'id');
SELECT mfa_send('+14155550129');
SELECT sends FROM mfa_status(:'id');

DROP EXTENSION mfa CASCADE;
