-- For script/check valgrind: calls every function of mfa, where it succeeds and where it refuses, and has
-- workers deliver what was sent, over HTTP and into the inbox. Variable `gateway` is the mock provider's
-- address. Prints "not called: …" for each function that was left out, and no other line that begins so.
\set ON_ERROR_STOP on
SET client_min_messages = error;
SET track_functions = 'all';
CREATE EXTENSION mfa;
CREATE SERVER http FOREIGN DATA WRAPPER mfa_http OPTIONS (url :'gateway', body '{"to": "{to}", "text": "{text}"}');
CREATE SERVER signalwire FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (base_url :'gateway', sender '+15550100');
CREATE SERVER inbox FOREIGN DATA WRAPPER mfa_inbox;
CREATE USER MAPPING FOR PUBLIC SERVER signalwire
    OPTIONS (project_id '6f9ad4a2-43b1-4d0e-8a0f-5c1d2e3f4a5b', api_token 'PT0123456789abcdef', signing_key 'PSK_0123');
CREATE USER MAPPING FOR PUBLIC SERVER http;
CREATE USER MAPPING FOR PUBLIC SERVER inbox;
INSERT INTO mfa.template (purpose, locale, body) VALUES ('login', 'de', 'Code {code}, {minutes} Minuten');
INSERT INTO mfa.test_recipient (recipient, code) VALUES ('+14155550100', '424242');
INSERT INTO mfa.price (prefix, per_segment) VALUES ('+1', 0.01);
INSERT INTO mfa.budget (name, period, amount) VALUES ('all', 'day', 100);
SET mfa.provider = 'inbox';
SET mfa.send_limit = '10/1h';
SET mfa.send_limit_database = '';
SET mfa.send_limit_destination = '';

-- What an error takes its way through, too.
CREATE FUNCTION pg_temp.fails(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'no error: ' || statement;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
CREATE FUNCTION pg_temp.wait_for(condition text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    met boolean;
BEGIN
    FOR i IN 1 .. 6000 LOOP
        EXECUTE 'SELECT ' || condition INTO met;
        IF met THEN
            RETURN;
        END IF;
        PERFORM pg_sleep(0.05);
    END LOOP;
    RAISE 'timed out waiting for: %', condition;
END $$;

-- Send, and the code that arrives.
SELECT mfa_send('+14155550123', purpose => 'login', locale => 'de', max_attempts => 9) AS id \gset
SELECT pg_temp.wait_for(format('EXISTS (SELECT FROM mfa.inbox WHERE request = %L)', :'id'));
SELECT code FROM mfa.inbox WHERE request = :'id' \gset
SELECT * FROM mfa_status(:'id');
SELECT mfa_verify('+14155550123', '000000', 'login'), mfa_verify(:'id'::uuid, 'no code', 'login'),
    mfa_verify(:'id'::uuid, '000000', 'other');
SELECT * FROM mfa_check('+14155550123', '111111', 'login');
SELECT * FROM mfa_check(:'id'::uuid, '222222', 'login');
SELECT mfa_resend(:'id'::uuid), mfa_resend(:'id'::uuid, 'voice');
SELECT mfa_verify(:'id'::uuid, :'code', 'login'), mfa_verify(:'id'::uuid, :'code', 'login');
SELECT * FROM mfa_status(:'id');
SELECT mfa_send('someone@example.com', 'email', code_length => 8, allow_alphas => true) AS mail \gset
SELECT mfa_send('+14155550124', message => 'It is {code}.', valid_for => '1 min', max_attempts => 1) AS few \gset
SELECT mfa_cancel(:'mail'::uuid), mfa_cancel(:'mail'::uuid);
SELECT status FROM mfa_check(:'mail'::uuid, '00000000')
UNION ALL SELECT status FROM mfa_check(:'few'::uuid, '0000000')
UNION ALL SELECT status FROM mfa_check(:'few'::uuid, '0000000')
UNION ALL SELECT status FROM mfa_check('+14155559999', '000000');
SELECT mfa_send('+14155550100'), mfa_verify('+14155550100', '424242');
BEGIN;
SELECT mfa_send('+14155550125') AS undone \gset
SAVEPOINT s;
SELECT mfa_cancel(:'undone'::uuid);
ROLLBACK TO s;
SELECT mfa_resend(:'undone'::uuid);
ROLLBACK;
SELECT mfa_send('+1415556' || lpad(n::text, 4, '0')) FROM generate_series(1, 50) n;

-- Through libcurl: what works, and a provider that does not.
SET mfa.provider = 'signalwire';
SELECT mfa_send('+14155550126') AS sms, mfa_send('+14155550127', 'voice') AS call \gset
SELECT pg_temp.wait_for(format('2 = (SELECT count(*) FROM mfa.message
    WHERE request IN (%L, %L) AND message_id IS NOT NULL)', :'sms', :'call'));
SELECT message_id FROM mfa.message WHERE request = :'sms' \gset
SELECT mfa_delivery_report('signalwire', :'message_id', 'delivered'),
    mfa_delivery_report('signalwire', :'message_id', 'undelivered', '30003'),
    mfa_delivery_report('signalwire', 'SM0', 'delivered');
SELECT mfa_signature_valid('signalwire', 'c2lnbmVk', 'https://example.com/', 'MessageSid=SM0&MessageStatus=sent');
SET mfa.provider = 'http';
SELECT mfa_send('+14155550128') AS refused \gset
SELECT pg_temp.wait_for(format('(SELECT tries > 0 AND error IS NOT NULL FROM mfa.message WHERE request = %L)', :'refused'));

-- Refusals.
SELECT pg_temp.fails(statement) FROM unnest(ARRAY[
    $$SELECT mfa_send(NULL)$$, $$SELECT mfa_send('nobody')$$, $$SELECT mfa_send('+14155550129', 'fax')$$,
    $$SELECT mfa_send('+14155550129', code_length => 1)$$, $$SELECT mfa_send('+14155550129', message => repeat('x', 10000))$$,
    $$SELECT mfa_send('+14155550129', provider => 'nowhere')$$, $$SELECT mfa_resend(gen_random_uuid())$$,
    $$SELECT mfa_resend(NULL)$$, $$SELECT mfa_delivery_report('nowhere', 'x', 'sent')$$,
    $$SELECT mfa_send('+14155550129') FROM generate_series(1, 100)$$,
    $$INSERT INTO mfa.template (body) VALUES (repeat('x', 10000))$$,
    $$INSERT INTO mfa.test_recipient (recipient, code) VALUES ('+14155551234', '1')$$,
    $$CREATE SERVER bad FOREIGN DATA WRAPPER mfa_http OPTIONS (nonsense 'x')$$,
    $$SET mfa.code_length = 99$$, $$SET mfa.send_limit = 'nonsense'$$]) statement;

-- The rest. A validator is called by commands too, which are not counted.
SELECT p.oid::regprocedure, pg_temp.fails(format('SELECT %s(ARRAY[%L], 1417)', p.oid::regproc, o))
FROM pg_proc p, unnest(ARRAY['timeout=5s', 'timeout=never', 'ca_file=/etc/ssl/ca.pem', 'nonsense=x']) o
WHERE proname LIKE '%\_validator' AND pronamespace = 'mfa'::regnamespace;
SELECT mfa_shard('+14155550123'), mfa_shard(:'id'::text), mfa_shard(:'id'::uuid), mfa_shard('nobody');
SELECT mfa_forget('+14155550124'), mfa_forget('+14155559999');
SELECT mfa_lift_hold('+1415');
SELECT count(*) FROM mfa.holds;
SELECT * FROM mfa.requests, mfa.messages LIMIT 1;
SELECT * FROM mfa.usage;
SELECT * FROM mfa.stat_send;
SELECT * FROM mfa.stat_verify;
SELECT * FROM mfa.stat_provider;
SELECT * FROM mfa.stat_delivery;
SELECT * FROM mfa.progress_drain;
SELECT * FROM mfa.health;
SELECT mfa_stat_reset();

SELECT pg_stat_force_next_flush();
SELECT 'not called: ' || p.oid::regprocedure
FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid LEFT JOIN pg_stat_user_functions s ON s.funcid = p.oid
WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'mfa') AND s.calls IS NULL;
