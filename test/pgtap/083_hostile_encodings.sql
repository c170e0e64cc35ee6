-- Hostile bytes where the server lets them through: in a database that checks none, and in one whose texts are not
-- UTF-8, though what leaves it is.
SET client_min_messages = warning;
SELECT current_database() AS home \gset
\set server 'CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http OPTIONS (url ''http://127.0.0.1:9/{code}'');'
\set settings 'SET client_min_messages = warning; SET mfa.provider = ''gateway''; SET mfa.send_limit = '''';'

CREATE DATABASE pgtap_hostile_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C';
\c pgtap_hostile_ascii
CREATE EXTENSION mfa;
:server
:settings
\ir lib/hostile.sql
INSERT INTO call (expected, form, argument) VALUES
    ('22023', 'SELECT mfa_send(@@) IS NOT NULL', $$E'+1317555\xff0142'$$),
    ('22023', 'SELECT mfa_send(@@) IS NOT NULL', $$E'\xef\xbc\xff'$$),
    ('22023', 'SELECT mfa_send(@@) IS NOT NULL', $$E'+13175550142\xc0\xa0'$$),
    ('22023', 'SELECT mfa_send(@@) IS NOT NULL', $$E'+13175550142\xe2'$$),
    ('22023', 'SELECT mfa_send(NUMBER, @@) IS NOT NULL', $$E'sms\xff'$$),
    ('22023', 'SELECT mfa_send(NUMBER, locale => @@) IS NOT NULL', $$E'en\xff'$$),
    ('22023', 'SELECT mfa_send(NUMBER, message => @@) IS NOT NULL', $$E'{code}\xff'$$),
    ('22023', 'SELECT mfa_send(NUMBER, message => @@) IS NOT NULL', $$E'{code}\xed\xa0\x80'$$),
    ('22023', 'SELECT mfa_send(NUMBER, sender => @@) IS NOT NULL', $$E'Shop\xff'$$),
    ('42704', 'SELECT mfa_send(NUMBER, provider => @@) IS NOT NULL', $$E'gateway\xff'$$),
    ('true', 'SELECT mfa_send(NUMBER, message => @@) IS NOT NULL', $$E'\xc3\xbc{code}'$$),
    ('true', 'SELECT mfa_send(NUMBER, purpose => @@) IS NOT NULL', $$E'\xff\xfe\x80'$$),
    ('22023', 'SELECT set_config(@@, true)', $$'mfa.message', E'{code}\xff'$$),
    ('22023', 'SELECT set_config(@@, true)', $$'mfa.locale', E'en\xff'$$),
    ('HV024', 'ALTER SERVER gateway OPTIONS (ADD @@)', $$body E'{to}\xff'$$),
    ('HV024', 'ALTER SERVER gateway OPTIONS (SET @@)', $$url E'https://example.com/\xff'$$),
    ('HV024', 'CREATE USER MAPPING FOR PUBLIC SERVER gateway OPTIONS (@@)', $$token E's3cr3t\xff'$$),
    ('false', 'SELECT mfa_verify(@@)', $$E'\xff', E'\xff', E'\xff'$$),
    ('false', 'SELECT mfa_verify(@@)', $$E'+1317555014\xff', '1'$$),
    ('not_found', 'SELECT status FROM mfa_check(@@)', $$NUMBER, repeat(E'\xff', 256), ''$$);
SELECT coalesce(string_agg(concat_ws(' ', got, 'for', n), ', '), '') AS ascii FROM call, pg_temp.outcome(replace(form,
    '@@', argument)) AS got
WHERE got <> expected \gset
SELECT mfa_send('+13175550143') AS id \gset
SELECT string_agg(status || attempts_left, ' ') AS ascii_codes FROM unnest(ARRAY[E'\xff', repeat(E'\xff', 257)])
    AS code, LATERAL mfa_check('+13175550143', code) \gset

\c :home
SET client_min_messages = warning;
CREATE DATABASE pgtap_hostile_latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
\c pgtap_hostile_latin
SET client_encoding = 'UTF8';
CREATE EXTENSION mfa;
:server
:settings
CREATE FUNCTION pg_temp.outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE 'SELECT ' || call INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT string_agg(pg_temp.outcome(call), ' ' ORDER BY n) AS latin FROM (VALUES
    (1, $$mfa_send('+13175550142', message => U&'Gr\00FC\00DFe {code}') IS NOT NULL$$),
    (2, $$mfa_send('+13175550142', message => repeat(U&'\00FC', 154) || '{code}') IS NOT NULL$$),
    (3, $$mfa_send('+13175550142', message => repeat(U&'\00FC', 155) || '{code}') IS NOT NULL$$),
    (4, $$mfa_send('+13175550142', message => U&'{code}\0085') IS NOT NULL$$),
    (5, $$mfa_send('+13175550142', purpose => repeat(U&'\00FC', 256)) IS NOT NULL$$),
    (6, $$mfa_send('+13175550142', sender => U&'Sh\00F6p') IS NOT NULL$$),
    (7, $$mfa_send(U&'+13175550142\00B2') IS NOT NULL$$)) AS v(n, call) \gset
-- What is good in any encoding: a text of the settings, a name in it, a number with a space that does not break.
SELECT string_agg(pg_temp.outcome(call), ' ' ORDER BY n) AS latin_good FROM (VALUES
    (1, $$set_config('mfa.message', U&'{code} f\00FCr {app}', true) IS NOT NULL$$),
    (2,
    $$set_config('mfa.app_name', U&'Caf\00E9', true) || mfa_send('+13175550142', message => '{app} {code}') IS NOT NULL$$),
    (3, $$mfa_send(U&'+1\00A03175550142') IS NOT NULL$$),
    (4, $$set_config('mfa.app_name', U&'Caf\00E9', true) IS NOT NULL$$)) AS v(n, call) \gset
\set ON_ERROR_STOP off
CREATE SERVER body FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/',
    body U&'{"text": "f\00FCr: {text}"}');
SELECT :'SQLSTATE' AS latin_body \gset
\set ON_ERROR_STOP on

\c :home
SET client_min_messages = warning;
DROP DATABASE pgtap_hostile_ascii WITH (FORCE);
DROP DATABASE pgtap_hostile_latin WITH (FORCE);
SELECT plan(5);
SELECT is(:'ascii'::text, '', 'bytes that are no text are refused or wrong, and nothing is changed');
SELECT is(:'ascii_codes'::text, 'wrong2 wrong1', 'as codes they are wrong');
SELECT is(:'latin'::text, 'true true 22023 22023 true 22023 22023',
    'lengths and characters are those of what is sent');
SELECT is(:'latin_good'::text, 'true true true true',
    'settings and numbers are read in the encoding of the database');
SELECT is(:'latin_body'::text, '00000', 'and so are options');

SELECT * FROM finish();
