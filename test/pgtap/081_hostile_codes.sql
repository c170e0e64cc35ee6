-- What is presented, and by which request: mfa_verify and mfa_check never raise for a code or a request that is
-- none, and charge an attempt only where a code was compared. mfa_resend, mfa_cancel, mfa_status.
SET client_min_messages = warning;
CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http OPTIONS
    (url 'http://127.0.0.1:9/{channel}', body '{"to": "{to}", "text": "{text}"}', channels 'sms, voice, email');
SET mfa.provider = 'gateway';
SET mfa.send_limit = '';
\ir lib/hostile.sql
SELECT pg_backend_pid() AS pid \gset

-- Codes. Each is presented four times to a request of its own: all four are wrong, and charged, and that is all.
CREATE TEMP TABLE code (n int GENERATED ALWAYS AS IDENTITY, code text);
INSERT INTO code (code) SELECT unnest(ARRAY[
    $$''$$, $$' '$$, $$'-'$$, $$repeat(' ', 256)$$, $$repeat('-', 257)$$, $$E'\n\t'$$, $$'0'$$, $$repeat('7', 64)$$,
    $$repeat('7', 65)$$,
    $$repeat('7', 256)$$, $$repeat('7', 257)$$, $$repeat('739184', 200000)$$, $$repeat(repeat('7', 1000000), 100)$$,
    $$'7391840'$$, $$'+7391840'$$, $$'7391840.0'$$, $$'7391840e0'$$, $$'0x7391840'$$, $$'-7391840'$$, $$'7,391,840'$$,
    $$'NaN'$$, $$'NULL'$$, $$'true'$$,
    $$'%'$$, $$'______'$$, $$'.*'$$, $$'[0-9]{6}'$$, $$''' OR 1=1 --'$$, $$'''; DROP TABLE mfa.request; --'$$,
    $$'{code}'$$, $$'{"$ne":1}'$$,
    $$'<code/>'$$, $$'%s%n'$$, $$'$(id)'$$, $$E'7391840\x01'$$, $$E'7391840\n7391841'$$,
    $$E'\x01\x02\x03\x04\x05\x06'$$, $$'\x00'$$,
    $$U&'\0667\0663\0669\0661\0668\0664\0660'$$, $$U&'\FF17\FF13\FF19\FF11\FF18\FF14\FF10'$$,
    $$U&'\0967\0967\0967\0967\0967\0967\0967'$$,
    $$U&'\09E7\09E7\09E7\09E7\09E7\09E7'$$, $$U&'\00B2\00B2\00B2\00B2\00B2\00B2'$$,
    $$U&'\2460\2460\2460\2460\2460\2460'$$,
    $$U&'\+01D7CE\+01D7CE\+01D7CE\+01D7CE\+01D7CE\+01D7CE'$$, $$U&'7\0301391840'$$, $$U&'\202E0481937\202C'$$,
    $$U&'\FEFF7391840\200B'$$,
    $$U&'\FFFD\FFFF'$$, $$U&'\+01F511'$$, $$repeat(U&'\+01F511', 64)$$, $$repeat(U&'\+01F511', 65)$$,
    $$repeat(U&'\200B', 300000)$$,
    $$'SELECT'::varchar$$, $$'OIlZSB'$$, $$'7391840'::char(300)$$]);
CREATE SEQUENCE pg_temp.number START 31755501420;
CREATE FUNCTION pg_temp.presented(code text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    number CONSTANT text := '+' || nextval('pg_temp.number');
    sent CONSTANT uuid := mfa_send(number, max_attempts => 9);
    answer text;
    forms CONSTANT text[] := ARRAY['SELECT mfa_verify(%L, %s)',
    'SELECT status || attempts_left FROM mfa_check(%L, %s)'];
BEGIN
    FOR i IN 1 .. 4 LOOP
        answer := concat_ws(' ', answer, pg_temp.outcome_of_attempt(
            format(forms[(i + 1) / 2], CASE i % 2 WHEN 0 THEN sent::text ELSE number END, code)));
    END LOOP;
    RETURN answer || ' ' || (SELECT attempts FROM mfa.request AS r WHERE r.id = sent);
END $$;
-- The outcome of a call that charges one attempt: what changes is the counter of that request, and no more.
CREATE FUNCTION pg_temp.outcome_of_attempt(call text) RETURNS text LANGUAGE sql AS $$
    SELECT replace(pg_temp.outcome(call), ', and changed: requests', '')
$$;
SELECT id FROM (SELECT mfa_send('+13175550142', max_attempts => 20)) AS sent(id) \gset
SELECT set_config('test.id', :'id', false) IS NULL AS ignored \gset

-- Requests that are none, by either overload, and purposes that nothing was sent for. None costs an attempt.
CREATE TEMP TABLE nobody (n int GENERATED ALWAYS AS IDENTITY, arguments text);
INSERT INTO nobody (arguments) SELECT request || $$::text, '739184'$$ FROM unnest(ARRAY[
    $$''$$, $$' '$$, $$'0'$$, $$'+'$$, $$'00'$$, $$'@'$$, $$'null'$$, $$'*'$$, $$'%'$$, $$'+1317555014%'$$,
    $$'13175550142'$$, $$'3175550142'$$,
    $$'++13175550142'$$, $$'+1317555014'$$, $$'+13175550142 x12'$$, $$'tel:+13175550142'$$, $$'+1 (0) 3175550142'$$,
    $$'+1317555O142'$$,
    $$'+1317555014200000'$$, $$U&'+1317555014\00B2'$$, $$U&'+1317555014\09E8'$$, $$E'+13175550142\x01'$$,
    $$'+13175550142'' OR ''1''=''1'$$,
    $$'secret.person@example.com'$$, $$'secret.person@'$$, $$'+13175550142@'$$, $$'{}'$$, $$'{"a":1}'$$, $$'%s%n'$$,
    $$repeat('+', 1000000)$$,
    $$repeat('@', 1000000)$$, $$repeat(repeat('a', 1000000), 100)$$, $$'00000000-0000-0000-0000-000000000000'$$,
    $$'ffffffff-ffff-ffff-ffff-ffffffffffff'$$, $$' ' || current_setting('test.id')$$,
    $$current_setting('test.id') || ' '$$,
    $$current_setting('test.id') || E'\n'$$, $$left(current_setting('test.id'), 35)$$,
    $$current_setting('test.id') || '0'$$,
    $$'{' || current_setting('test.id')$$, $$current_setting('test.id') || '}'$$,
    $$'{{' || current_setting('test.id') || '}}'$$,
    $$'(' || current_setting('test.id') || ')'$$, $$'urn:uuid:' || current_setting('test.id')$$,
    $$'0x' || replace(current_setting('test.id'), '-', '')$$,
    $$'-' || current_setting('test.id')$$, $$current_setting('test.id') || '-'$$,
    $$replace(current_setting('test.id'), '-', '--')$$,
    $$replace(current_setting('test.id'), '-', U&'\2011')$$, $$replace(current_setting('test.id'), '-', ' ')$$,
    $$overlay(current_setting('test.id') PLACING 'g' FROM 1)$$, $$U&'\FEFF' || current_setting('test.id')$$,
    $$repeat(current_setting('test.id'), 2)$$]) AS request;
INSERT INTO nobody (arguments) SELECT request || ', ' || rest FROM unnest(ARRAY['NUMBER',
    $$current_setting('test.id')$$,
    $$current_setting('test.id')::uuid$$]) AS request, unnest(ARRAY[
    'NULL', $$NULL, NULL$$, $$'739184', NULL$$, $$'739184', ' '$$, $$'739184', E'\n'$$, $$'739184', 'login'$$,
    $$'739184', '%'$$, $$'739184', ''' OR ''''='''$$,
    $$'739184', U&'\200B'$$, $$'739184', U&'\FEFF'$$, $$'739184', repeat('p', 257)$$,
    $$'739184', repeat(repeat('p', 1000000), 20)$$]) AS rest;
INSERT INTO nobody (arguments) VALUES ('NULL, NULL'), ('NULL::uuid, NULL, NULL'), ('NULL::text, NULL, NULL'),
    ($$NULL, '739184'$$),
    ($$'00000000-0000-0000-0000-000000000000'::uuid, '739184'$$),
    ($$'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid, ''$$);
INSERT INTO call (expected, form, argument) SELECT 'false', 'SELECT mfa_verify(@@)', arguments FROM nobody ORDER BY n;
INSERT INTO call (expected, form, argument) SELECT 'f not_found t',
    $$SELECT concat_ws(' ', verified, status, (attempts_left, retry_after) IS NULL) FROM mfa_check(@@)$$,
    arguments FROM nobody ORDER BY n;

-- Arguments of another number, name or type; what is no uuid for what takes nothing else.
INSERT INTO call (expected, form, argument) SELECT v.expected, replace('SELECT ##(@@) IS NOT NULL', '##', function),
    argument
FROM unnest(ARRAY['mfa_verify', 'mfa_check']) AS function, (VALUES
    ('42883', ''), ('42883', 'NUMBER'), ('42883', $$NUMBER, '1', '', ''$$), ('42883', 'NUMBER, 739184'),
    ('42883', $$13175550142, '1'$$),
    ('42883', $$NUMBER, '1', 1$$), ('42883', $$NUMBER, ARRAY['1']$$), ('42883', $$NUMBER, '1'::bytea$$),
    ('42883', $$NUMBER, token => '1'$$),
    ('42883', $$recipient => NUMBER, code => '1'$$), ('42883', $$NUMBER, '1', code => '1'$$),
    ('42601', $$request => NUMBER, '1'$$),
    ('42601', $$NUMBER, code => '1', code => '2'$$), ('22P02', $$'+1'::uuid, '1'$$), ('22P02', $$''::uuid, '1'$$),
    ('22021', $$NUMBER, E'73\xff'$$),
    ('22021', $$E'+1\xed\xa0\x80', '1'$$)) AS v(expected, argument);
INSERT INTO call (expected, form, argument) SELECT v.expected, replace('SELECT ##(@@)::text', '##', function),
    argument
FROM unnest(ARRAY['mfa_resend', 'mfa_cancel', 'mfa_status']) AS function, (VALUES
    ('42883', ''), ('42883', '1'), ('42883', $$current_setting('test.id')$$),
    ('42883', $$id => current_setting('test.id')::uuid$$), ('42883', $$ARRAY[NULL::uuid]$$),
    ('42883', 'NULL, NULL, NULL'), ('22P02', $$''$$), ('22P02', $$'0'$$), ('22P02', $$'null'$$), ('22P02', $$'{}'$$),
    ('22P02', $$'+13175550142'$$),
    ('22P02', $$'00000000-0000-0000-0000-00000000000'$$), ('22P02', $$'00000000-0000-0000-0000-0000000000000'$$),
    ('22P02', $$'00000000-0000-0000-0000-00000000000g'$$), ('22P02', $$' 00000000-0000-0000-0000-000000000000'$$))
    AS v(expected, argument);
INSERT INTO call (expected, form, argument) VALUES
    ('22004', 'SELECT mfa_resend(@@)', 'NULL'), ('22004', 'SELECT mfa_resend(@@)', $$NULL, 'fax'$$),
    ('null', 'SELECT state FROM mfa_status(@@)', 'NULL'),
    ('false', 'SELECT mfa_cancel(@@)', 'NULL'), ('false', 'SELECT mfa_cancel(@@)',
    $$'00000000-0000-0000-0000-000000000000'$$),
    ('false', 'SELECT mfa_cancel(@@)', $$'{FFFFFFFF-ffff-ffff-ffff-ffffffffffff}'$$),
    ('1', 'SELECT count(*) FROM mfa_status(@@) AS s WHERE s IS NULL', $$'00000000-0000-0000-0000-000000000000'$$),
    ('42704', 'SELECT mfa_resend(@@)', $$'00000000-0000-0000-0000-000000000000'$$),
    ('42704', 'SELECT mfa_resend(@@)', $$'00000000-0000-0000-0000-000000000000', 'fax'$$),
    ('', 'SELECT mfa_resend(@@)', $$current_setting('test.id')::uuid, NULL$$),
    ('', 'SELECT mfa_resend(@@)', $$current_setting('test.id')::uuid, 'voice'$$),
    ('0A000', 'SELECT mfa_resend(@@)', $$current_setting('test.id')::uuid, 'whatsapp'$$);
INSERT INTO call (expected, form, argument) SELECT '22023',
    $$SELECT mfa_resend(current_setting('test.id')::uuid, @@)$$, unnest(ARRAY[
    $$''$$, $$' '$$, $$'SMS'$$, $$E'sms\n'$$, $$'sms,voice'$$, $$'fax'$$, $$'email'$$, $$'+13175550142'$$,
    $$'739184'$$, $$'sms''; --'$$, $$'%s%n'$$,
    $$U&'\FF53\FF4D\FF53'$$, $$U&'sms\200B'$$, $$repeat('s', 20)$$, $$repeat('s', 21)$$, $$repeat('sms', 400000)$$,
    $$repeat(repeat('s', 1000000), 100)$$]);
-- What webhooks say comes from the network.
INSERT INTO call (expected, form, argument) SELECT '22023',
    $$SELECT mfa_delivery_report('gateway', 'SM1', @@)$$, unnest(ARRAY[
    $$''$$, $$'deliver'$$, $$'delivered '$$, $$E'delivered\n'$$, $$'739184'$$, $$'+13175550142'$$, $$'sent''; --'$$,
    $$'%s%n'$$, $$U&'deliv\0435red'$$, $$repeat('delivered', 400000)$$, $$repeat(repeat('d', 1000000), 100)$$]);
INSERT INTO call (expected, form, argument) SELECT 'false',
    $$SELECT mfa_delivery_report('gateway', @@, 'delivered', '739184')$$, unnest(ARRAY[
    $$''$$, $$'%'$$, $$'SM1'' OR true --'$$, $$'+13175550142'$$, $$repeat('S', 1000000)$$, $$U&'\+01F511'$$]);
INSERT INTO call (expected, form, argument) VALUES
    ('22004', 'SELECT mfa_delivery_report(@@)', $$NULL, 'a', 'sent'$$),
    ('22004', 'SELECT mfa_delivery_report(@@)', $$'gateway', NULL, 'sent'$$),
    ('22004', 'SELECT mfa_delivery_report(@@)', $$'gateway', 'a', NULL$$),
    ('42704', 'SELECT mfa_delivery_report(@@)', $$'nobody', 'a', 'sent'$$),
    ('42704', 'SELECT mfa_signature_valid(@@)', $$'+13175550142', 'a', 'https://x/', ''$$),
    ('0A000', 'SELECT mfa_signature_valid(@@)', $$'gateway', 'a', 'https://x/', ''$$),
    ('false', 'SELECT mfa_signature_valid(@@)', $$NULL, 'a', 'https://x/', ''$$);
CREATE SERVER hooks FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}', signature 'twilio');
CREATE USER MAPPING FOR PUBLIC SERVER hooks OPTIONS (signing_key 's3cr3t');
INSERT INTO call (expected, form, argument) SELECT 'false',
    $$SELECT mfa_signature_valid('hooks', @@)$$, unnest(ARRAY[
    $$NULL, 'https://x/', ''$$, $$'a', NULL, ''$$, $$'a', 'https://x/', NULL$$, $$'', '', ''$$,
    $$repeat('=', 28), 'https://x/', 'a=b'$$, $$'a', repeat('h', 1000000), ''$$,
    $$'a', 'https://x/', repeat('a=b&', 1000000)$$, $$'a', 'https://x/', repeat('%', 1000)$$,
    $$'a', 'javascript:739184', ''$$, $$U&'\+01F511', U&'\+01F511', U&'\+01F511'$$]);

SELECT plan((SELECT count(*) FROM call)::int + (SELECT count(*) FROM code)::int + 12);
SELECT is(pg_temp.presented($$'7391840'$$), 'false false wrong6 wrong5 4', 'a wrong code costs an attempt');
SELECT contexts, resident FROM pg_temp.memory() \gset
SELECT is(pg_temp.presented(code), 'false false wrong6 wrong5 4', 'wrong four times: ' || left(code, 100))
    FROM code ORDER BY n;
SELECT pg_temp.run_calls();
SELECT is(attempts, 0, 'no request was charged for what is not compared') FROM mfa.request WHERE id = :'id';
-- Every way to write the id is the request.
SELECT is(status, 'wrong', 'which is live: ' || form) FROM unnest(ARRAY['%s', '{%s}']) AS form,
    LATERAL mfa_check(format(form, upper(:'id')), '7391840');
SELECT is(status, 'wrong', 'and is read in other forms') FROM unnest(ARRAY[replace(:'id', '-', ''),
    regexp_replace(replace(:'id', '-', ''), '(....)(?=.)', '\1-', 'g'),
    U&'\FEFF+1 (317) 555\20110142']) AS request, LATERAL mfa_check(request, '7391840');
SELECT is(attempts, 5, 'charged by those that are compared') FROM mfa.request WHERE id = :'id';
SELECT is(count(*), 0::bigint, 'no wrong codes are kept of requests that are') FROM mfa.failure;
SELECT cmp_ok(m.contexts, '<=', (:contexts + 8)::bigint, 'no memory of PostgreSQL is left behind')
    FROM pg_temp.memory() AS m;
SELECT cmp_ok(m.resident, '<=', (:resident + 64)::bigint, 'nor any other') FROM pg_temp.memory() AS m;
SELECT is(pg_backend_pid(), :pid, 'the session is the one it was');

SELECT * FROM finish();
