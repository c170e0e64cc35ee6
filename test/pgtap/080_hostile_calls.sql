-- mfa_send with arguments that are wrong, odd or meant to do harm: the error that is documented, and nothing
-- else changes (G18). Every accepted call is rolled back.
SET client_min_messages = warning;
CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http OPTIONS
    (url 'http://127.0.0.1:9/{channel}', body '{"to": "{to}", "text": "{text}"}', channels 'sms, voice, email');
CREATE SERVER "a""; DROP TABLE mfa.request; --" FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SELECT format('CREATE SERVER %I FOREIGN DATA WRAPPER mfa_http OPTIONS (url %L)', repeat('s', 63),
    'http://127.0.0.1:9/{code}')
\gexec
CREATE FOREIGN DATA WRAPPER pgtap_hostile_other;
CREATE SERVER other_kind FOREIGN DATA WRAPPER pgtap_hostile_other;
SET mfa.provider = 'gateway';
SET mfa.send_limit = '';
\ir lib/hostile.sql
SELECT pg_backend_pid() AS pid \gset

-- Numbers: letters, pluses, lengths, what is pasted with them, digits that are none, characters that break lines.
INSERT INTO call (expected, form, argument) SELECT '22023', 'SELECT mfa_send(@@) IS NOT NULL', unnest(ARRAY[
    $$''$$, $$' '$$, $$repeat(' ', 128)$$, $$repeat(' ', 129)$$, $$E'\n'$$, $$'-'$$, $$'()'$$, $$'+'$$, $$'00'$$,
    $$'000'$$, $$'0'$$, $$'1'$$, $$'+1'$$, $$'++13175550142'$$, $$'+1+3175550142'$$, $$'13175550142+'$$,
    $$'00+13175550142'$$, $$'+0013175550142'$$, $$'13175550142'$$, $$'3175550142'$$, $$'03175550142'$$,
    $$'+03175550142'$$, $$'0003175550142'$$, $$'-13175550142'$$, $$'+131755'$$, $$'00131755'$$,
    $$'+1317555014200000'$$, $$'001317555014200000'$$, $$'+1317555O142'$$, $$'+l3175550142'$$, $$'+1-317-FLOWERS'$$,
    $$'someone'$$, $$'+1 (317) 555-0142 x12'$$, $$'+13175550142 ext. 12'$$, $$'+13175550142;ext=12'$$,
    $$'+13175550142,12'$$, $$'+13175550142p12'$$, $$'tel:+13175550142'$$, $$'sms:+13175550142'$$,
    $$'sip:+13175550142'$$, $$'+1 3175550142/43'$$, $$'+1_317_555_0142'$$, $$'%2B13175550142'$$,
    $$'+44 (0)20 7946 0142'$$, $$'+44(0)3175550142'$$, $$'+44 ( 0 ) 3175550142'$$, $$'0044 (0) 3175550142'$$,
    $$U&'+44\FF080\FF093175550142'$$, $$'+1.317.555.0142e3'$$, $$'0x13175550142'$$, $$'*31755#'$$,
    $$'+13175550142*'$$,
    $$'secret.person@example.com'$$, $$'+13175550142@example.com'$$, $$'+13175550142, +13175550143'$$,
    $$'+13175550142;DROP TABLE mfa.request'$$, $$'+13175550142'' OR ''1''=''1'$$, $$'+13175550142"'$$,
    $$'{"to":"+13175550142"}'$$, $$'+13175550142&to=+13175550143'$$, $$'<to>+13175550142</to>'$$,
    $$'+13175550142%00'$$, $$'+13175550142\0'$$, $$'+13175550142%s%n'$$, $$'{code}'$$, $$'$(id)'$$,
    $$E'+1317555\x010142'$$, $$E'+1317555\x080142'$$, $$E'+1317555\x1b[2J0142'$$, $$E'+1317555\x7f0142'$$,
    $$U&'+1317555014\00B2'$$, $$U&'+1317555014\2461'$$, $$U&'+1317555014\2082'$$, $$U&'+1317555014\09E8'$$,
    $$U&'+1317555014\0E52'$$, $$U&'+1317555014\+01D7D0'$$, $$U&'+1317555014\+01F51F'$$, $$U&'+13175550142\0301'$$,
    $$U&'+13175550142\20E3'$$, $$U&'+13175550142\FFFD'$$, $$U&'+13175550142\FFFF'$$, $$U&'\20AC13175550142'$$,
    $$U&'\02D613175550142'$$, $$U&'\FE6213175550142'$$, $$U&'+1317555\0130142'$$,
    $$'+13175550142' || repeat(' ', 117)$$, $$repeat('1', 128)$$, $$repeat('1', 129)$$, $$repeat('+', 128)$$,
    $$repeat('(', 128)$$, $$'+' || repeat('31755', 200000)$$, $$repeat(repeat('31755', 200000), 100)$$,
    $$repeat(repeat(U&'\FEFF', 30000), 10)$$]);
INSERT INTO call (expected, form, argument) SELECT 'true', 'SELECT mfa_send(@@) IS NOT NULL', unnest(ARRAY[
    $$'+1317555'$$, $$'001317555'$$, $$'+131755501420000'$$, $$'00131755501420000'$$,
    $$'+13175550142' || repeat(' ', 116)$$,
    $$'(+1) 317.555-0142'$$, $$'(00)13175550142'$$, $$U&'\FEFF+13175550142'$$, $$U&'\200F+13175550142\202C'$$,
    $$U&'\202A+1\00A0317\2011555\20090142'$$, $$U&'\FF0B\FF11\FF13\FF11\FF17\FF15\FF15\FF15\FF10\FF11\FF14\FF12'$$,
    $$U&'+\0661\0663\0661\0667\0665\0665\0665\0660\0661\0664\0662'$$, $$'+13175550142'::varchar$$]);
-- What is no text of the database's encoding does not get as far.
INSERT INTO call (expected, form, argument) SELECT '22021', 'SELECT mfa_send(@@) IS NOT NULL', unnest(ARRAY[
    $$E'+13175550142\xff'$$, $$E'+13175550142\xc0\xaf'$$, $$E'+13175550142\xed\xa0\x80'$$,
    $$E'+13175550142\xf4\x90\x80\x80'$$, $$E'+13175550142\xe2\x82'$$,
    $$convert_from('\x2b31333137ff', 'UTF8')$$, $$convert_from('\x2b313331370030', 'UTF8')$$]);

-- Addresses.
INSERT INTO call (expected, form, argument) SELECT '22023', $$SELECT mfa_send(@@, 'email') IS NOT NULL$$,
    unnest(ARRAY[
    $$''$$, $$' '$$, $$'@'$$, $$'secret.person'$$, $$'secret.person@'$$, $$'@example.com'$$, $$'+13175550142'$$,
    $$'secret.person@a@example.com'$$, $$'secret person@example.com'$$, $$'"secret.person"@example.com'$$,
    $$'secret.person@[127.0.0.1]'$$, $$'secret..person@example.com'$$, $$'.secret.person@example.com'$$,
    $$'secret.person.@example.com'$$, $$'secret.person@.com'$$, $$'secret.person@example..com'$$,
    $$'secret.person@example.com.'$$, $$'secret.person@-a.com'$$, $$'secret.person@a-.com'$$,
    $$'secret.person@a_b.com'$$,
    $$'secret.person@a b.com'$$, $$'secret.person@example.com/x'$$, $$'secret.person@example.com?cc=a'$$,
    $$'secret.person@example.com:25'$$, $$'secret.person@example.com,b'$$, $$'secret.person@example.com%0d%0aBcc:b'$$,
    $$E'secret.person@example.com\nBcc: b'$$, $$E'secret.person@example.com\r\n'$$,
    $$E'secret.person\n@example.com'$$,
    $$E'secret.person\x01@example.com'$$, $$'<secret.person@example.com>'$$, $$'S P <secret.person@example.com>'$$,
    $$'mailto:secret.person@example.com'$$, $$'secret.person;b@example.com'$$, $$'secret.person(b)@example.com'$$,
    $$'secret.person\@example.com'$$, $$U&'secret.person\FF20example.com'$$, $$U&'secret.pers\043En@example.com'$$,
    $$U&'secret.person@ex\00E4mple.com'$$, $$U&'secret.person@example\3002com'$$,
    $$U&'\FEFFsecret.person@example.com'$$,
    $$U&'secret.person\200B@example.com'$$, $$repeat('a', 65) || '@example.com'$$,
    $$'secret.person@' || repeat('a', 64) || '.com'$$, $$'secret.person@a.' || repeat('a.', 126) || 'aa'$$,
    $$repeat('@', 1000000)$$, $$repeat('a', 1000000) || '@example.com'$$,
    $$'a@' || repeat(repeat('a.', 50000), 100)$$]);
INSERT INTO call (expected, form, argument) SELECT 'true', $$SELECT mfa_send(@@, 'email') IS NOT NULL$$, unnest(ARRAY[
    $$' Secret.Person@EXAMPLE.com '$$, $$'{code}''`|$+tag@example.com'$$, $$repeat('a', 64) || '@example.com'$$,
    $$'secret.person@' || repeat('a', 63) || '.com'$$, $$'secret.person@a.' || repeat('a.', 126) || 'a'$$]);

-- Words.
INSERT INTO call (expected, form, argument) SELECT '22023', 'SELECT mfa_send(NUMBER, @@) IS NOT NULL', unnest(ARRAY[
    $$''$$, $$' '$$, $$'SMS'$$, $$'Sms'$$, $$'sms '$$, $$' sms'$$, $$E'sms\n'$$, $$'sms,voice'$$, $$'s'$$, $$'smss'$$,
    $$'fax'$$,
    $$'*'$$, $$'null'$$, $$'0'$$, $$'+13175550142'$$, $$'secret.person@example.com'$$, $$'sms'' OR 1=1 --'$$,
    $$'{channel}'$$,
    $$'%s%n'$$, $$U&'\FF53\FF4D\FF53'$$, $$U&'sms\200B'$$, $$U&'\202Esms'$$, $$U&'\FEFFsms'$$, $$repeat('s', 20)$$,
    $$repeat('s', 21)$$, $$repeat('sms', 400000)$$, $$repeat(repeat('s', 100000), 100)$$]);
INSERT INTO call (expected, form, argument) SELECT '22023', 'SELECT mfa_send(NUMBER, locale => @@) IS NOT NULL',
    unnest(ARRAY[
    $$' '$$, $$'e'$$, $$'xx'$$, $$'english'$$, $$'C'$$, $$'en_US.UTF-8'$$, $$'en '$$, $$E'en\n'$$, $$'en-'$$,
    $$'-en'$$, $$'en--US'$$,
    $$'en-123456789'$$, $$'en' || repeat('-aa', 12)$$, $$'739184'$$, $$'../../etc/passwd'$$, $$'en''; DROP TABLE x'$$,
    $$'{"en":1}'$$, $$'<en/>'$$, $$'en&to=1'$$, $$'{code}'$$, $$'%s%n'$$, $$U&'\FF45\FF4E'$$, $$U&'en\200E'$$,
    $$U&'\0435n'$$,
    $$repeat('en', 500000)$$, $$repeat(repeat('en-', 30000), 100)$$]);
INSERT INTO call (expected, form, argument) SELECT 'true', 'SELECT mfa_send(NUMBER, locale => @@) IS NOT NULL',
    unnest(ARRAY[
    $$''$$, $$'DE'$$, $$'de_at'$$, $$'en' || repeat('-aa', 11)$$]);
INSERT INTO call (expected, form, argument) SELECT '22023', 'SELECT mfa_send(NUMBER, sender => @@) IS NOT NULL',
    unnest(ARRAY[
    $$''$$, $$' '$$, $$'Twelve chars'$$, $$' Shop'$$, $$'Shop '$$, $$E'Shop\n'$$, $$E'a\r\nX: b'$$, $$E'a\tb'$$,
    $$E'\x01'$$, $$'Sh*p'$$,
    $$'Shop!'$$, $$'"'$$, $$''''$$, $$'{"a":1}'$$, $$'<b/>'$$, $$'a&To=b'$$, $$'%s%n'$$, $$'{code}'$$, $$'$(id)'$$,
    $$'a;b'$$, $$'a\b'$$,
    $$U&'Sh\00F6p'$$, $$U&'\202EShop'$$, $$U&'\FEFFShop'$$, $$U&'Sh\043Ep'$$, $$U&'\+01F511'$$, $$U&'\0661'$$,
    $$'+'$$, $$'+131755'$$,
    $$'+03175550'$$, $$'+1317555014200000'$$, $$'+1 317 555 0142'$$, $$'++13175550'$$, $$'+1317555O142'$$,
    $$'secret.person@example.com'$$, $$repeat('S', 1000000)$$, $$repeat(repeat('S', 100000), 100)$$]);
INSERT INTO call (expected, form, argument) SELECT 'true', 'SELECT mfa_send(NUMBER, sender => @@) IS NOT NULL',
    unnest(ARRAY[
    $$'+1317555'$$, $$'+131755501420000'$$, $$'Eleven char'$$, $$'1'$$]);
INSERT INTO call (expected, form, argument) SELECT '22023', 'SELECT mfa_send(NUMBER, purpose => @@) IS NOT NULL',
    unnest(ARRAY[
    $$repeat('p', 257)$$, $$repeat(U&'\00FC', 129)$$, $$repeat(U&'\+01F511', 65)$$, $$repeat('31755', 200000)$$,
    $$repeat(repeat('p', 1000000), 100)$$]);
INSERT INTO call (expected, form, argument) SELECT '42704', 'SELECT mfa_send(NUMBER, provider => @@) IS NOT NULL',
    unnest(ARRAY[
    $$''$$, $$' '$$, $$'GATEWAY'$$, $$'gateway '$$, $$'"gateway"'$$, $$'gateway,gateway'$$, $$'gateway'' OR 1=1'$$,
    $$'gateway"; DROP SERVER gateway; --'$$, $$'%s%n'$$, $$'../gateway'$$, $$E'gateway\n'$$, $$U&'\FF47ateway'$$,
    $$U&'gateway\200B'$$,
    $$'+13175550142'$$, $$'other_kind'$$, $$repeat('s', 62)$$, $$repeat(U&'\00FC', 40)$$, $$repeat('g', 1000000)$$]);
INSERT INTO call (expected, form, argument) SELECT 'true', 'SELECT mfa_send(NUMBER, provider => @@) IS NOT NULL',
    unnest(ARRAY[
    $$'a"; DROP TABLE mfa.request; --'$$, $$repeat('s', 63)$$, $$repeat('s', 64)$$]);

-- Numbers that are none, or beyond the bounds.
INSERT INTO call (expected, form, argument) SELECT expected, replace('SELECT mfa_send(NUMBER, ## => @@) IS NOT NULL',
    '##', parameter), argument
FROM unnest(ARRAY['code_length', 'max_attempts']) AS parameter, (VALUES
    ('22023', '0'), ('22023', '-1'), ('22023', '21'), ('22023', '255'), ('22023', '65540'), ('22023', '2147483647'),
    ('22023', '-2147483648'), ('true', '20'), ('true', $$' 6 '$$), ('42883', '2147483648'), ('42883', '6.0'),
    ('42883', 'true'),
    ('42883', $$'6'::text$$), ('22003', $$'2147483648'$$), ('22P02', $$'six'$$), ('22P02', $$''$$),
    ('22P02', $$'NaN'$$),
    ('22P02', $$'6; --'$$), ('22P02', $$U&'\0666'$$)) AS v(expected, argument);
INSERT INTO call (expected, form) VALUES
    ('22023', 'SELECT mfa_send(NUMBER, code_length => 3) IS NOT NULL'),
    ('true', 'SELECT mfa_send(NUMBER, code_length => 4, max_attempts => 1) IS NOT NULL'),
    ('22P02', $$SELECT mfa_send(NUMBER, allow_alphas => 'maybe') IS NOT NULL$$),
    ('22P02', $$SELECT mfa_send(NUMBER, allow_alphas => '') IS NOT NULL$$),
    ('42883', 'SELECT mfa_send(NUMBER, allow_alphas => 1) IS NOT NULL');
INSERT INTO call (expected, form, argument) SELECT expected, 'SELECT mfa_send(NUMBER, valid_for => @@) IS NOT NULL',
    argument
FROM (VALUES
    ('22023', $$'0'$$), ('22023', $$'-1 s'$$), ('22023', $$'0.9 s'$$), ('22023', $$'0.999999 s'$$),
    ('22023', $$'1 us'$$),
    ('22023', $$'-0.000001 s'$$), ('22023', $$'7 d 0.000001 s'$$), ('22023', $$'604801 s'$$),
    ('22023', $$'168:00:01'$$),
    ('22023', $$'8 d'$$), ('22023', $$'1 month'$$), ('22023', $$'-1 month'$$), ('22023', $$'1 month -22 d'$$),
    ('22023', $$'1 d -24:00:00'$$), ('22023', $$'-1 d 24:00:00.9'$$), ('22023', $$'1 year'$$),
    ('22023', $$'178000000 years'$$),
    ('22023', $$'-178000000 years'$$), ('22023', $$'2147483647 days'$$), ('22023', $$'-2147483648 days'$$),
    ('22023', $$'178956970 years 7 months 2147483647 days 2562047788:00:54.775807'$$),
    ('22023', $$'-178956970 years -8 months -2147483648 days -2562047788:00:54.775807'$$),
    ('22023', $$'178956970 years 7 months -2147483648 days'$$),
    ('true', $$'1 s'$$), ('true', $$'7 d'$$), ('true', $$'604800 s'$$), ('true', $$'1 month -23 d'$$),
    ('true', $$'-1 d 24:00:01'$$), ('true', $$'P7D'$$),
    ('22007', $$''$$), ('22007', $$'soon'$$), ('22007', $$'5 parsecs'$$), ('22015', $$'9999999999 years'$$),
    ('42883', '600'),
    (CASE WHEN current_setting('server_version_num')::int < 170000 THEN '22007' ELSE '22023' END, $$'infinity'$$),
    (CASE WHEN current_setting('server_version_num')::int < 170000 THEN '22007' ELSE '22023' END, $$'-infinity'$$)
) AS v(expected, argument);

-- Texts: lengths, control characters, placeholders.
INSERT INTO call (expected, form, argument) SELECT '22023', 'SELECT mfa_send(NUMBER, message => @@) IS NOT NULL',
    unnest(ARRAY[
    $$''$$, $$' '$$, $$E'\n'$$, $$E' \n '$$, $$repeat('a', 155) || '{code}'$$, $$repeat('a', 154)$$,
    $$repeat('{code}', 27)$$,
    $$repeat('[', 78) || '{code}'$$, $$repeat(U&'\20AC', 77) || 'a{code}'$$, $$repeat(U&'\0436', 65) || '{code}'$$,
    $$repeat(U&'\+01F511', 33) || '{code}'$$, $$repeat(U&'\0301', 65) || '{code}'$$,
    $$repeat('a', 70) || U&'\2019{code}'$$,
    $$repeat('{minutes}', 100)$$, $$E'{code}\r'$$, $$E'{code}\r\n'$$, $$E'\t{code}'$$, $$E'{code}\x01'$$,
    $$E'{code}\x1b[2J'$$,
    $$E'{code}\x7f'$$, $$E'{code}\x08'$$, $$U&'{code}\0085'$$, $$U&'{code}\009B'$$, $$'{CODE}'$$, $$'{Code}'$$,
    $$'{code1}'$$, $$'{code_}'$$,
    $$'{_}'$$, $$'{0}'$$, $$'{to}'$$, $$'{text}'$$, $$'{token}'$$, $$'{recipient}'$$, $$'{password}'$$,
    $$'{code}{nonsense}'$$,
    $$'{{nonsense}}'$$, $$'${env}'$$, $$repeat('a', 1000000)$$, $$repeat('{code}', 200000)$$,
    $$repeat('{', 1000000)$$,
    $$repeat('{x}', 300000)$$, $$repeat(repeat('a', 1000000), 100)$$]);
INSERT INTO call (expected, form, argument) SELECT '22023', $$SELECT mfa_send(@@) IS NOT NULL$$, unnest(ARRAY[
    $$NUMBER, 'voice', message => repeat('a', 484) || '{code}'$$,
    $$NUMBER, 'voice', message => repeat('{code}', 100)$$,
    $$'a@example.com', 'email', message => repeat('a', 1595) || '{code}'$$,
    $$'a@example.com', 'email', message => repeat('a', 1594)$$,
    $$'a@example.com', 'email', message => repeat('{code}', 267)$$]);
INSERT INTO call (expected, form, argument) SELECT '22021', 'SELECT mfa_send(NUMBER, message => @@) IS NOT NULL',
    unnest(ARRAY[
    $$E'{code}\xff'$$, $$E'{code}\xed\xa0\xbd\xed\xb4\x91'$$, $$convert_from('\x00', 'UTF8')$$]);

-- Null where there is no default; arguments of another number, name or type; several mistakes at once.
INSERT INTO call (expected, form, argument) SELECT expected, 'SELECT mfa_send(@@) IS NOT NULL', argument FROM (VALUES
    ('22004', 'NULL'), ('22004', 'NUMBER, NULL'), ('22004', 'NUMBER, purpose => NULL'), ('22004', 'NULL, NULL, NULL'),
    ('true', $$NUMBER, 'sms', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL$$),
    ('42883', ''), ('42883', $$NUMBER, 'sms', '', 'a', 'en', 'S', 6, false, '1 s', 3, 'gateway', NULL$$),
    ('42883', 'NUMBER, allow_alpha => true'), ('42883', 'NUMBER, "Purpose" => $$$$'),
    ('42883', 'NUMBER, token_length => 6'),
    ('42883', 'phone => NUMBER'), ('42883', $$channel => 'sms'$$), ('42883', $$NUMBER, recipient => NUMBER$$),
    ('42601', $$channel => 'sms', NUMBER$$), ('42601', $$NUMBER, channel => 'sms', channel => 'voice'$$),
    ('42883', '13175550142'),
    ('42883', $$'\x2b'::bytea$$), ('42883', $$'"+13175550142"'::json$$), ('42883', 'ARRAY[NUMBER]'),
    ('42883', 'ROW(NUMBER)'),
    ('42883', 'VARIADIC ARRAY[NUMBER]'), ('42883', 'NUMBER, 1'), ('42883', 'NUMBER, message => 739184'),
    ('22023', $$'31755', 'fax', repeat('p', 999), E'\r', 'xx', '', 0, NULL, '0', 0, 'nobody'$$),
    ('0A000', $$NUMBER, 'whatsapp'$$), ('0A000', $$NUMBER, 'voice', provider => repeat('s', 63)$$)
) AS v(expected, argument);

-- Allowed, however odd: they are escaped where they are put. Each is queued as it is.
CREATE TEMP TABLE allowed (value text);
INSERT INTO allowed VALUES
    ('"},{"to":"+1'), ('\"\\u0022}'), ('</text><to>+1</to>'), ('&lt;&amp;]]>'), ('a&To=%2B1&Body=x'), ('%0d%0aX: y'),
    (E'a\nBcc: b'), (E'\n.\n'), ($$'; DROP TABLE mfa.request; --$$), ($$' OR ''='$$), ('$(id) `id` |id ;id'),
    ('%s %n %1$s %x'),
    ('{{code}}'), ('{{{{code}}}}'), ('{code}{code}{code}'), ('{ code } {} {co-de} {code'), ('{co{code}de}'),
    ('${code} \{code\}'),
    (U&'{\FF43ode}'), ('{code}{app}{minutes}'), ('{{{{{{{{{{'), ('=1+1'), ('\\'), ('../../x'),
    ('javascript:alert(1)'), ('NULL'),
    (U&'\FEFF{code}'), (U&'\202E{code}\202C'), (U&'\200F\200B\2066{code}'), (U&'e\0301\0301{code}'), (U&'\FFFD\FFFF'),
    (U&'\+01F511'),
    (repeat('a', 154) || '{code}'), (repeat('a', 153)), (repeat('{code}', 26)), (repeat('[', 77) || '{code}'),
    (repeat(U&'\20AC', 77) || '{code}'), (repeat(U&'\0436', 64) || '{code}'), (repeat(U&'\+01F511', 32) || '{code}'),
    (repeat(U&'\0301', 64) || '{code}');
-- As the text, and as the purpose: one request with one message that is queued, and the purpose verbatim.
CREATE FUNCTION pg_temp.queued(value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    sent CONSTANT uuid := mfa_send('+13175550142', message => value, purpose => left(value, 60));
BEGIN
    RETURN (SELECT concat_ws(' ', m.state, m.channel, m.tries, m.provider, octet_length(m.sealed) > 0,
            encode(convert_to(r.purpose, 'UTF8'), 'hex'))
        FROM mfa.request AS r JOIN mfa.message AS m ON m.request = r.id WHERE r.id = sent);
END $$;
INSERT INTO call (expected, form, argument)
    SELECT 'queued sms 0 gateway t ' || encode(convert_to(left(value, 60), 'UTF8'), 'hex'),
    'SELECT pg_temp.queued(@@)', quote_literal(value)
    FROM allowed;
INSERT INTO call (expected, form, argument) SELECT 'true', 'SELECT mfa_send(NUMBER, purpose => @@) IS NOT NULL',
    unnest(ARRAY[
    $$repeat('p', 256)$$, $$repeat(U&'\00FC', 128)$$, $$repeat(U&'\+01F511', 64)$$, $$E'\x01\r\n\t\x7f'$$]);
INSERT INTO call (expected, form, argument) SELECT 'true', 'SELECT mfa_send(@@) IS NOT NULL', unnest(ARRAY[
    $$NUMBER, 'voice', message => repeat('a', 483) || '{code}'$$,
    $$'a@example.com', 'email', message => repeat('a', 1594) || '{code}'$$,
    $$'a@example.com', 'email', message => repeat('a', 1593)$$]);

SELECT plan((count(*) + 9)::int) FROM call;
SELECT is(pg_temp.tells('recipient "+1 (317) 555-0142"'), true, 'an error that tells a number would be seen');
-- Of a limit of one send for the database nothing is used up by calls that are refused. The memory is
-- looked at once all that is kept for a session has been made.
SELECT is(pg_temp.outcome('SELECT mfa_send(NUMBER) IS NOT NULL'), 'true', 'a good call is accepted');
SELECT is(pg_temp.outcome('SELECT mfa_send(repeat(repeat(''31755'', 200000), 100)) IS NOT NULL'), '22023',
    'a bad one is not');
SELECT contexts, resident FROM pg_temp.memory() \gset
SET mfa.send_limit_database = '1/1h';
SELECT pg_temp.run_calls('^(22|42|0A)');
SELECT is(pg_temp.outcome('SELECT mfa_send(NUMBER) IS NOT NULL'), 'true', 'none of them counts as a send');
SELECT is(pg_temp.outcome('SELECT mfa_send(NUMBER) IS NOT NULL'), 'MF001', 'which a good one does');
RESET mfa.send_limit_database;
SELECT pg_temp.run_calls('^(true|queued)');
SELECT cmp_ok(contexts, '<=', (:contexts + 8)::bigint, 'no memory of PostgreSQL is left behind')
    FROM pg_temp.memory();
SELECT cmp_ok(resident, '<=', (:resident + 64)::bigint, 'nor any other') FROM pg_temp.memory();
SELECT is(pg_backend_pid(), :pid, 'the session is the one it was');
SELECT is((SELECT count(*) FROM mfa.request) + (SELECT count(*) FROM mfa.message), 0::bigint, 'nothing was sent');

SELECT * FROM finish();
