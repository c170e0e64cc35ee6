-- mfa_send: the default and the bounds of every parameter, and an error for everything beyond.
-- All of it is rolled back: nothing is sent.
SET client_min_messages = warning;
CREATE EXTENSION mfa;
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_http OPTIONS
    (url 'http://127.0.0.1:9/{channel}', body '{"to": "{to}", "text": "{text}"}',
     channels 'sms, voice, email');
SET mfa.provider = 'regress_mfa';
SET mfa.send_limit = '';
\set ON_ERROR_ROLLBACK on
BEGIN;

-- What a call with these arguments comes to. A number is one of its own for every call.
CREATE SEQUENCE pg_temp.number START 4155550100;
CREATE FUNCTION pg_temp.outcome(arguments text, OUT code text, OUT message text)
LANGUAGE plpgsql AS $$
BEGIN
    arguments := replace(arguments, '$', quote_literal('+1' || nextval('pg_temp.number')));
    EXECUTE 'SELECT mfa_send(' || arguments || ') IS NOT NULL';
    code := '00000';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
END $$;

-- Defaults: six digits, ten minutes, three attempts, sms, the login's purpose, the setting's provider.
SELECT mfa_send('+14155550123') AS id \gset
SELECT attempts, max_attempts, expires_at - created_at AS valid_for, code_length, allow_alphas,
    state, purpose, owner::regrole = current_user::regrole AS mine, ended_at
FROM mfa.request WHERE id = :'id';
SELECT n, tries, state, channel, provider, providers, sent_at, message_id, error
FROM mfa.message WHERE request = :'id';

-- All parameters, by name: the names and their order are part of the interface.
SELECT mfa_send(recipient => 'Someone@Example.COM', channel => 'email', purpose => 'payment:4711',
    message => '{code} for {app}, {minutes} min', locale => 'de', sender => 'login@shop.example',
    code_length => 20, allow_alphas => true, valid_for => '90 s', max_attempts => 1,
    provider => 'regress_mfa') AS id \gset
SELECT max_attempts, expires_at - created_at AS valid_for, code_length, allow_alphas, purpose
FROM mfa.request WHERE id = :'id';
SELECT channel, provider FROM mfa.message WHERE request = :'id';
SELECT mfa_send('+14155550124', 'voice', 'p', '{code}', 'fr', '+14155550100', 4, false, '1 s', 20,
    'regress_mfa') IS NOT NULL AS by_position;

-- Null is "not given" where there is a default of the settings, and an error where there is none: a
-- purpose built from a null must not become the login's.
SELECT n, o.* FROM (VALUES
    (1, '$, message => null, locale => null, sender => null, code_length => null,'
        ' allow_alphas => null, valid_for => null, max_attempts => null, provider => null'),
    (2, 'null'), (3, '$, channel => null'), (4, '$, purpose => null')
) AS v(n, arguments), pg_temp.outcome(arguments) AS o ORDER BY n;

-- Recipients: every spelling of one number is the same request, and so is every spelling of an address.
SELECT mfa_send('+14155550125') AS id, mfa_send('a.b+c@example.com', 'email') AS mail_id \gset
SELECT mfa_send(spelling) = :'id' AS same, spelling FROM (VALUES
    ('+1 415 555 0125'), ('+1 (415) 555-0125'), ('0014155550125'), ('+1.415.555.0125'),
    (' 00 1 415 5550125 '), ('+1' || U&'\00A0' || '415' || U&'\2011' || '5550125')
) AS v(spelling);
SELECT mfa_send(spelling, 'email') = :'mail_id' AS same, spelling
FROM (VALUES ('A.B+C@EXAMPLE.COM'), (' a.b+c@example.com ')) AS v(spelling);

-- 7 to 15 digits; an error does not repeat the number, for it may be logged.
SELECT value, o.* FROM (VALUES
    (1, '+1234567'), (2, '+123456'), (3, '+123456789012345'), (4, '+1234567890123456'),
    (5, '+0123456789'), (6, '000123456789'), (7, '4155550123'), (8, '04155550123'), (9, ''), (10, '   '),
    (11, '+'), (12, '00'), (13, '++14155550123'), (14, '+1415555O123'), (15, '+44 (0)20 7946 0123'),
    (16, '+14155550123 ext. 5'), (17, 'tel:+14155550123'), (18, 'someone@example.com'),
    (19, U&'+1415555012\0033'), (20, '+1415' || chr(10) || '5550123'), (21, repeat('5', 10000))
) AS v(n, full_value), left(full_value, 30) AS value,
    pg_temp.outcome(quote_literal(full_value)) AS o ORDER BY n;
SELECT value, o.* FROM (VALUES
    (1, '+14155550123'), (2, '@example.com'), (3, 'someone@'), (4, 'a@b@example.com'), (5, ''),
    (6, 'some one@example.com'), (7, 'a..b@example.com'), (8, 'someone@-example.com'),
    (9, 'someone@example..com'), (10, 'someone@ex_ample.com'), (11, U&'some\00F6ne@example.com'),
    (12, 'someone@example.com' || chr(10) || 'Bcc: other@example.com'),
    (13, repeat('a', 64) || '@example.com'), (14, repeat('a', 65) || '@example.com'),
    (15, 'a@' || repeat('a.', 126) || 'com'), (16, 'a@' || repeat('a.', 127) || 'com')
) AS v(n, full_value), left(full_value, 30) AS value,
    pg_temp.outcome(quote_literal(full_value) || ', ''email''') AS o ORDER BY n;

-- Numbers and times: bound and bound + 1.
SELECT arguments, o.* FROM (VALUES
    (11, 'code_length => 4'), (12, 'code_length => 3'), (13, 'code_length => 20'),
    (14, 'code_length => 21'), (15, 'code_length => 0'), (16, 'code_length => -2147483648'),
    (21, 'max_attempts => 1'), (22, 'max_attempts => 0'), (23, 'max_attempts => 20'),
    (24, 'max_attempts => 21'), (25, 'max_attempts => -1')
) AS v(n, arguments), pg_temp.outcome('$, ' || arguments) AS o ORDER BY n;
-- What is refused is not said to be what is allowed, and can be read.
SELECT valid_for, o.code, o.message ~ '^valid_for is .*, but must be between 1 s and 604800 s$' AS says_bounds,
    o.message ~ 'is 604800 s|is 1 s|[0-9]e\+' AS misleads
FROM (VALUES
    (1, '1 s'), (2, '0.999999 s'), (3, '7 d'), (4, '7 d 0.000001 s'), (5, '168:00:01'), (6, '0'), (7, '-1 s'),
    (8, '1 month'), (9, '1 month -29 days'), (10, '178000000 years'), (11, '-178000000 years')
) AS v(n, valid_for), pg_temp.outcome(format('$, valid_for => %L', valid_for)) AS o ORDER BY n;
SELECT mfa_send('+14155550126', valid_for => '1 day 01:01:01.5') AS id \gset
SELECT expires_at - created_at AS valid_for FROM mfa.request WHERE id = :'id';

-- Words. A wrong one is shown if it is a word; otherwise it may be a number in the wrong place.
SELECT arguments, o.* FROM (VALUES
    (11, 'channel => ''email'''), (12, 'channel => ''SMS'''), (13, 'channel => '''''),
    (14, 'channel => ''fax'''), (15, 'channel => ''+14155550123'''),
    (21, 'locale => ''de-AT'''), (22, 'locale => ''pt_BR'''), (23, 'locale => ''DE'''),
    (24, 'locale => '''''), (25, 'locale => ''xx'''), (26, 'locale => ''482913'''),
    (31, 'sender => ''+15550100'''), (32, 'sender => ''My Shop 24'''),
    (33, 'sender => ''Twelve chars'''), (34, 'sender => '''''), (35, 'sender => ''Sh*p'''),
    (36, 'sender => ''+0155501000'''), (37, 'sender => E''a\nb'''),
    (41, 'provider => ''regress_none'''), (42, 'provider => '''''),
    (43, 'channel => ''whatsapp'''), (44, 'channel => ''whatsapp'', provider => ''regress_mfa''')
) AS v(n, arguments), pg_temp.outcome('$, ' || arguments) AS o ORDER BY n;
SELECT arguments, o.* FROM (VALUES
    (1, repeat('p', 256)), (2, repeat('p', 257)), (3, repeat(U&'\00FC', 128)),
    (4, repeat(U&'\00FC', 129)), (5, ''), (6, E' a\nb ')
) AS v(n, value), concat(left(value, 3), ' x ', length(value)) AS arguments,
    pg_temp.outcome('$, purpose => ' || quote_literal(value)) AS o ORDER BY n;

-- The text: one segment with the code in it. Without {code} the code goes behind a space.
CREATE FUNCTION pg_temp.fits(text text, options text DEFAULT '', OUT code text, OUT message text)
LANGUAGE sql AS $$
    SELECT * FROM pg_temp.outcome('$, message => ' || quote_literal(text) || options)
$$;
SELECT what, o.* FROM (VALUES
    (11, '160 of GSM-7', repeat('a', 154) || '{code}', ''),
    (12, '161 of GSM-7', repeat('a', 155) || '{code}', ''),
    (13, '160, code appended', repeat('a', 153), ''),
    (14, '161, code appended', repeat('a', 154), ''),
    (15, '160, longer code', repeat('a', 152) || '{code}', ', code_length => 8'),
    (16, '161, longer code', repeat('a', 153) || '{code}', ', code_length => 8'),
    (17, '160, signs of two', repeat(U&'\20AC', 77) || '{code}', ''),
    (18, '162, signs of two', repeat(U&'\20AC', 78) || '{code}', ''),
    (19, '70 of UCS-2', repeat(U&'\0436', 64) || '{code}', ''),
    (20, '71 of UCS-2', repeat(U&'\0436', 65) || '{code}', ''),
    (21, '70, surrogate pairs', repeat(U&'\+01F511', 32) || '{code}', ''),
    (22, '72, surrogate pairs', repeat(U&'\+01F511', 33) || '{code}', ''),
    (23, '160, code twice', repeat('a', 148) || '{code}{code}', ''),
    (24, '161, code twice', repeat('a', 149) || '{code}{code}', ''),
    (25, '160, minutes', repeat('a', 152) || '{code}{minutes}', ', valid_for => ''90 min'''),
    (26, '161, minutes', repeat('a', 152) || '{code}{minutes}', ', valid_for => ''100 min'''),
    -- spoken: "0, 0, 0, 0, 0, 0." is 17 characters
    (31, 'voice, 500', repeat('a', 483) || '{code}', ', channel => ''voice'''),
    (32, 'voice, 501', repeat('a', 484) || '{code}', ', channel => ''voice'''),
    (41, 'empty', '', ''), (42, 'blank', E' \n ', ''), (43, 'code only', '{code}', ''),
    (44, 'newline', E'a\n{code}', ''), (45, 'tab', E'a\t{code}', ''), (46, 'escape', E'\x1b[1m{code}', ''),
    (47, 'unknown placeholder', 'a {token}', ''), (48, 'wrong case', 'a {Code}', ''),
    (49, 'braces that are text', '{ code } {} {co-de} {', ''), (50, 'unclosed', '{code', '')
) AS v(n, what, text, options), pg_temp.fits(text, options) AS o ORDER BY n;
SET mfa.app_name = 'A shop';
SELECT what, o.* FROM (VALUES
    (1, '160, app', repeat('a', 148) || '{code}{app}', ''),
    (2, '161, app', repeat('a', 149) || '{code}{app}', '')
) AS v(n, what, text, options), pg_temp.fits(text, options) AS o ORDER BY n;
RESET mfa.app_name;

-- No error left anything behind: there is a message for each request, and a request for each message.
SELECT r.id, m.request FROM mfa.request AS r FULL JOIN mfa.message AS m ON m.request = r.id
WHERE r.id IS NULL OR m.request IS NULL;

-- Errors in full, with their hints.
\set VERBOSITY default
SELECT mfa_send('4155550123');
SELECT mfa_send('someone', 'email');
SELECT mfa_send('+14155550123', 'fax');
SELECT mfa_send('+14155550123', locale => 'xx');
SELECT mfa_send('+14155550123', code_length => 3);
SELECT mfa_send('+14155550123', valid_for => '8 days');
SELECT mfa_send('+14155550123', max_attempts => 21);
SELECT mfa_send('+14155550123', sender => 'Twelve chars');
SELECT mfa_send('+14155550123', message => repeat('a', 154));
SELECT mfa_send('+14155550123', message => '{token}');
SELECT mfa_send('+14155550123', purpose => repeat('p', 257));
SELECT mfa_send('+14155550123', provider => 'regress_none');
SELECT mfa_send('+14155550123', 'whatsapp');
ROLLBACK;

-- Where nothing may be written, nothing is sent, whatever the arguments.
\set VERBOSITY sqlstate
BEGIN READ ONLY;
SELECT mfa_send('+14155550123');
SELECT mfa_send(null);
ROLLBACK;
SELECT count(*) FROM mfa.request;

\set VERBOSITY terse
DROP EXTENSION mfa CASCADE;
