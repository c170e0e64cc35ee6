-- Settings, routes, and options of servers and user mappings that are wrong, odd or meant to do harm: each is
-- refused when it is set, or else by the call that it would have decided.
SET client_min_messages = warning;
CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}', channels 'sms, voice');
CREATE SERVER signalwire FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (space 'example');
SET mfa.provider = 'gateway';
SET mfa.send_limit = '';
\ir lib/hostile.sql
SELECT pg_backend_pid() AS pid \gset

-- Settings. What is set is known at once, and what is refused leaves the one before.
INSERT INTO call (expected, form, argument) SELECT '22023', format('SELECT set_config(%L, @@, true)', name), argument
FROM unnest(ARRAY['mfa.code_length', 'mfa.code_length_floor', 'mfa.max_attempts', 'mfa.max_attempts_cap']) AS name,
    unnest(ARRAY[$$''$$, $$' '$$, $$'0'$$, $$'-1'$$, $$'21'$$, $$'2147483647'$$, $$'-2147483648'$$, $$'2147483648'$$,
    $$'99999999999999999999'$$,
    $$'six'$$, $$'6s'$$, $$'6;'$$, $$'NaN'$$, $$'infinity'$$, $$U&'\0666'$$, $$repeat('6', 1000000)$$]) AS argument;
INSERT INTO call (expected, form, argument) SELECT '22023', format('SELECT set_config(%L, @@, true)', name), argument
FROM unnest(ARRAY['mfa.valid_for', 'mfa.valid_for_cap', 'mfa.lockout_max']) AS name,
    unnest(ARRAY[$$''$$, $$'0'$$, $$'-1'$$, $$'0.4 s'$$, $$'100ms'$$, $$'604801'$$, $$'8d'$$, $$'169h'$$,
    $$'1 month'$$, $$'1w'$$, $$'soon'$$, $$'infinity'$$,
    $$'2147483647'$$, $$'2147483647d'$$, $$'-2147483648'$$, $$'10:00'$$]) AS argument;
INSERT INTO call (expected, form, argument) SELECT '22023', format('SELECT set_config(%L, @@, true)', name), argument
    FROM (VALUES
    ('mfa.code_length', $$'3'$$), ('mfa.code_length_floor', $$'3'$$), ('mfa.lockout_max', $$'59'$$),
    ('mfa.allow_alphas', $$''$$),
    ('mfa.allow_alphas', $$'maybe'$$), ('mfa.allow_alphas', $$'2'$$), ('mfa.resend', $$''$$),
    ('mfa.resend', $$'old'$$), ('mfa.resend', $$'same, new'$$),
    ('mfa.locale', $$' '$$), ('mfa.locale', $$'xx'$$), ('mfa.locale', $$'C'$$), ('mfa.locale', $$'en_US.UTF-8'$$),
    ('mfa.locale', $$E'en\n'$$),
    ('mfa.locale', $$'../en'$$), ('mfa.locale', $$'en''; --'$$), ('mfa.locale', $$U&'\FF45\FF4E'$$),
    ('mfa.locale', $$repeat('en', 500000)$$),
    ('mfa.message', $$' '$$), ('mfa.message', $$E'\n'$$), ('mfa.message', $$E'{code}\r\n'$$),
    ('mfa.message', $$E'{code}\t'$$), ('mfa.message', $$E'{code}\x1b'$$),
    ('mfa.message', $$U&'{code}\0085'$$), ('mfa.message', $$'{CODE}'$$), ('mfa.message', $$'{to}'$$),
    ('mfa.message', $$'{{x}}'$$), ('mfa.message', $$'{0}'$$),
    ('mfa.message', $$repeat('a', 1601)$$), ('mfa.message', $$repeat(U&'\+01F511', 1601)$$),
    ('mfa.message', $$repeat('a', 1000000)$$),
    ('mfa.app_name', $$repeat('a', 33)$$), ('mfa.app_name', $$repeat(U&'\00FC', 17)$$),
    ('mfa.app_name', $$'{code}'$$), ('mfa.app_name', $$'a{'$$), ('mfa.app_name', $$'}'$$),
    ('mfa.app_name', $$E'a\nb'$$), ('mfa.app_name', $$E'a\rb'$$), ('mfa.app_name', $$E'a\tb'$$),
    ('mfa.app_name', $$E'\x1b[2J'$$), ('mfa.app_name', $$E'a\x7f'$$),
    ('mfa.app_name', $$U&'a\0085'$$), ('mfa.app_name', $$repeat('a', 1000000)$$),
    ('mfa.provider', $$','$$), ('mfa.provider', $$'a,'$$), ('mfa.provider', $$'a,,b'$$), ('mfa.provider', $$'a b'$$),
    ('mfa.provider', $$'"a'$$),
    ('mfa.provider', $$'a; DROP SERVER gateway'$$), ('mfa.provider', $$'"a" "b"'$$)
) AS v(name, argument);
INSERT INTO call (expected, form, argument) SELECT '22023', format('SELECT set_config(%L, @@, true)', name), argument
FROM unnest(ARRAY['mfa.send_limit', 'mfa.send_limit_database', 'mfa.send_limit_destination']) AS name,
    unnest(ARRAY[$$'often'$$, $$'1'$$, $$'/1h'$$, $$'1/'$$, $$'0/1h'$$, $$'-1/1h'$$, $$'+1/1h'$$, $$'1.5/1h'$$,
    $$'10000001/1h'$$, $$'99999999999999999999/1h'$$, $$'1/0s'$$,
    $$'1/-1s'$$, $$'1/32d'$$, $$'1/745h'$$, $$'1/99999999999999999999d'$$, $$'1/1y'$$, $$'1/1H'$$, $$'1/1ms'$$,
    $$'1/1month'$$, $$'1//1h'$$, $$'1/1h,'$$, $$',1/1h'$$,
    $$'1/1h 2/2h'$$, $$'1/1h;2/2h'$$, $$E'1/1h\n'$$, $$U&'\0661/1h'$$, $$U&'1\20441h'$$,
    $$repeat('1/1h,', 8) || '1/1h'$$, $$repeat('1/1h,', 200000) || '1/1h'$$,
    $$repeat('1', 1000000)$$]) AS argument;
INSERT INTO call (expected, form, argument) SELECT expected, 'SELECT set_config(@@, true)', argument FROM (VALUES
    ('42602', $$'mfa.nonsense', '1'$$), ('42602', $$'mfa.code_lenght', '6'$$), ('42704', $$'mfa_code_length', '6'$$),
    ('42602', $$'mfa.code_length.x', '6'$$),
    ('55P02', $$'mfa.key_file', '/etc/passwd'$$), ('55P02', $$'mfa.retention', '1h'$$),
    ('55P02', $$'mfa.unknown_retries', '0'$$), ('55P02', $$'mfa.currency', 'EUR'$$),
    ('55P02', $$'mfa.max_workers', '1'$$), ('55P02', $$'mfa.max_in_flight', '1'$$),
    ('22023', $$'mfa.shard', '-2'$$), ('22023', $$'mfa.shard', '4096'$$), ('4095', $$'mfa.shard', '4095'$$),
    ('6', $$'mfa.code_length', NULL$$), ('20', $$'mfa.code_length', ' 20 '$$),
    ('', $$'mfa.send_limit', ''$$), (' ', $$'mfa.send_limit', ' '$$),
    ('10000000/31d', $$'mfa.send_limit', '10000000/31d'$$),
    (repeat('1/h,', 7) || '1/h', $$'mfa.send_limit', repeat('1/h,', 7) || '1/h'$$),
    ('7d', $$'mfa.lockout_max', '604800'$$),
    (repeat('a', 32), $$'mfa.app_name', repeat('a', 32)$$), ('a"b<c>&''', $$'mfa.app_name', 'a"b<c>&'''$$),
    ('{{code}} %s', $$'mfa.message', '{{code}} %s'$$),
    ('"a;b"', $$'mfa.provider', '"a;b"'$$)
) AS v(expected, argument);
-- By other ways, too.
INSERT INTO call (expected, form) SELECT '22023', command || setting
FROM unnest(ARRAY['SET ', 'SET LOCAL ', 'ALTER ROLE CURRENT_USER SET ', 'ALTER DATABASE '
    || quote_ident(current_database()) || ' SET ']) AS command,
    unnest(ARRAY['mfa.code_length = 3', 'mfa.valid_for = 0', 'mfa.valid_for = ''8d''', 'mfa.message = ''{to}''',
    'mfa.locale = ''xx''', 'mfa.app_name = ''{''',
    'mfa.send_limit = ''1/1y''', 'mfa.resend = maybe', 'mfa.provider = '',''']) AS setting;
-- A setting that is good by itself is not good for every call: then the call is refused.
CREATE FUNCTION pg_temp.send_with(name text, value text, channel text DEFAULT 'sms') RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config(name, value, true);
    RETURN mfa_send('+13175550142', channel) IS NOT NULL;
END $$;
INSERT INTO call (expected, form, argument) SELECT expected, 'SELECT pg_temp.send_with(@@)', argument FROM (VALUES
    ('22023', $$'mfa.message', repeat('a', 154)$$), ('22023', $$'mfa.message', repeat('{app}', 50)$$),
    ('22023', $$'mfa.message', repeat('{code}', 27)$$),
    ('true', $$'mfa.message', repeat('a', 153)$$), ('true', $$'mfa.message', repeat('a', 482), 'voice'$$),
    ('true', $$'mfa.app_name', '&<"''%s\'$$),
    ('55000', $$'mfa.provider', ''$$), ('55000', $$'mfa.provider', ' '$$), ('42704', $$'mfa.provider', '""'$$),
    ('42704', $$'mfa.provider', '"GATEWAY"'$$),
    ('42704', $$'mfa.provider', 'nobody, gateway'$$), ('42704', $$'mfa.provider', 'gateway, nobody'$$),
    ('42704', $$'mfa.provider', '"gateway; DROP SERVER gateway"'$$),
    ('42704', $$'mfa.provider', repeat('g', 1000000)$$), ('42704', $$'mfa.provider', '"13175550142"'$$),
    ('true', $$'mfa.provider', repeat('gateway,', 10000) || 'gateway'$$),
    ('55000', $$'mfa.provider', 'signalwire'$$), ('0A000', $$'mfa.provider', 'gateway', 'whatsapp'$$)
) AS v(expected, argument);

-- Routes: what is none can't be inserted, and what is odd is refused when it counts.
INSERT INTO call (expected, form, argument) SELECT '23514', 'INSERT INTO mfa.route (prefix) VALUES (@@)',
    unnest(ARRAY[
    $$''$$, $$' '$$, $$'1'$$, $$'49'$$, $$'0049'$$, $$'++1'$$, $$'+0'$$, $$'+01'$$, $$'+ 1'$$, $$' +1'$$, $$'+1 '$$,
    $$E'+1\n'$$, $$E'+1\n+2'$$, $$E'\n+1'$$, $$'+1-2'$$, $$'+1.'$$, $$'+1a'$$,
    $$'+%'$$, $$'+1%'$$, $$'+*'$$, $$'^+1'$$, $$'a@b'$$, $$U&'+\0661'$$, $$U&'+\FF11'$$, $$U&'\FEFF+1'$$,
    $$U&'+1\200F'$$, $$U&'+1\00B2'$$, $$'+1234567890123456'$$,
    $$'+' || repeat('1', 1000000)$$]);
INSERT INTO call (expected, form, argument) SELECT expected, 'INSERT INTO mfa.route (prefix, @@', argument
    FROM (VALUES
    ('23502', $$remark) VALUES (NULL, '')$$), ('23502', $$allow) VALUES ('+1', NULL)$$),
    ('23505', $$allow) VALUES ('+1', true), ('+1', false)$$),
    ('23514', $$providers) VALUES ('+1', '{}')$$), ('23514', $$providers) VALUES ('+1', '{NULL}')$$),
    ('23514', $$providers) VALUES ('+1', '{gateway,NULL}')$$),
    ('23514', $$providers) VALUES ('+1', '{1,2,3,4,5,6,7,8,9}')$$),
    ('23514', $$providers) VALUES ('+1', array_fill('a'::text, ARRAY[100000]))$$),
    ('0A000', $$providers) VALUES ('+1', '{{gateway,gateway},{gateway,gateway}}')$$),
    ('22P02', $$providers) VALUES ('+1', 'gateway')$$), ('22P02', $$allow) VALUES ('+1', 'maybe')$$),
    ('00000', $$providers) VALUES ('+1', '{1,2,3,4,5,6,7,8}')$$),
    ('00000', $$send_limit) VALUES ('+123456789012345', '')$$), ('00000', $$allow) VALUES ('+', false)$$)
) AS v(expected, argument);
CREATE FUNCTION pg_temp.send_by(VARIADIC routes text[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'INSERT INTO mfa.route (prefix, allow, providers, send_limit) VALUES (' || array_to_string(routes, '), (')
    || ')';
    RETURN mfa_send('+13175550142') IS NOT NULL;
END $$;
INSERT INTO call (expected, form, argument) SELECT expected, 'SELECT pg_temp.send_by(@@)', quote_literal(argument)
    FROM (VALUES
    ('MF002', $$'+', false, NULL, NULL$$), ('MF002', $$'+1317555', false, NULL, NULL$$),
    ('MF002', $$'+13175550142', false, '{nobody}', 'often'$$),
    ('MF002', $$'+', true, NULL, NULL), ('+131755501', true, NULL, NULL), ('+13175550142', false, NULL, NULL$$),
    ('true', $$'+', false, NULL, NULL), ('+13175550142', true, NULL, NULL$$),
    ('true', $$'+131755501420', false, NULL, NULL$$), ('true', $$'+1317555015', false, NULL, NULL$$),
    ('42704', $$'+1', true, '{nobody}', NULL$$), ('42704', $$'+1', true, '{gateway,nobody}', NULL$$),
    ('42704', $$'+1', true, '{""}', NULL$$), ('42704', $$'+1', true, '{Gateway}', NULL$$),
    ('42704', $$'+1', true, '{"gateway; DROP SERVER gateway"}', NULL$$),
    ('42704', $$'+1', true, '{"gateway,gateway"}', NULL$$), ('42704', $$'+1', true, '{+13175550142}', NULL$$),
    ('42704', $$'+1', true, ARRAY[repeat('g', 63)], NULL$$), ('42704', $$'+1', true, ARRAY[repeat('g', 64)], NULL$$),
    ('42704', $$'+1', true, ARRAY[repeat('g', 1000000)], NULL$$),
    ('42704', $$'+1', true, ARRAY[E'\x01\n\x7f'], NULL$$), ('42704', $$'+1', true, ARRAY[U&'gateway\200B'], NULL$$),
    ('42704', $$'+1', true, ARRAY[repeat(U&'\+01F511', 500)], NULL$$),
    ('true', $$'+1', true, '[5:6]={gateway,gateway}', NULL$$),
    ('55000', $$'+1', true, '{gateway,signalwire}', NULL$$),
    ('22023', $$'+1', true, NULL, 'often'$$), ('22023', $$'+1', true, NULL, '0/1h'$$),
    ('22023', $$'+1', true, NULL, '1/32d'$$), ('22023', $$'+1', true, NULL, E'1/1h\n'$$),
    ('22023', $$'+1', true, NULL, repeat('1/1h,', 200000)$$), ('22023', $$'+1', true, NULL, '13175550142'$$),
    ('true', $$'+1', true, NULL, ''$$), ('true', $$'+1', true, NULL, ' '$$)
) AS v(expected, argument);

-- Options. Names, by CREATE and by ALTER, of a server and of a user mapping.
INSERT INTO call (expected, form, argument) SELECT 'HV00D', form, argument FROM unnest(ARRAY[
    'CREATE SERVER x FOREIGN DATA WRAPPER mfa_http OPTIONS (@@)', 'ALTER SERVER signalwire OPTIONS (ADD @@)',
    'CREATE USER MAPPING FOR PUBLIC SERVER gateway OPTIONS (@@)',
    'CREATE USER MAPPING FOR PUBLIC SERVER signalwire OPTIONS (@@)']) AS form,
    unnest(ARRAY[$$nonsense 's3cr3t'$$, $$"Timeout" '1s'$$, $$"timeout " '1s'$$, $$" timeout" '1s'$$,
    $$"URL" 's3cr3t'$$, $$"url; --" 's3cr3t'$$, $$"_file" '/x'$$,
    $$"sender_file" '/x'$$, $$"token_file_file" '/x'$$, $$U&"timeout\200B" '1s'$$, $$U&"t\0456ken" 's3cr3t'$$,
    $$"%s%n" 's3cr3t'$$, $$E 's3cr3t'$$]) AS argument;
INSERT INTO call (expected, form, argument) SELECT expected, 'CREATE SERVER x FOREIGN DATA WRAPPER @@', argument
    FROM (VALUES
    ('HV00D', $$mfa_http OPTIONS (token 's3cr3t')$$), ('HV00D', $$mfa_http OPTIONS (password_file '/s3cr3t')$$),
    ('HV00D', $$mfa_signalwire OPTIONS (api_token 's3cr3t')$$),
    ('42710', $$mfa_http OPTIONS (timeout '1s', timeout '2s')$$)) AS v(expected, argument);
-- Values of a server's options.
INSERT INTO call (expected, form, argument) SELECT 'HV024',
    format('CREATE SERVER x FOREIGN DATA WRAPPER mfa_http OPTIONS (%s @@)', name), quote_literal(value) FROM (
    SELECT name, unnest(ARRAY['', ' ', '0', '-1', '1.5s', '1 h', '1s;', '99999999999', '-2147483648',
    '2147483647 min', 'infinity', 'NaN', '0x64', U&'\0661s', E'1s\n', repeat('1', 1000000)]) AS value
    FROM unnest(ARRAY['timeout', 'connect_timeout']) AS name
    UNION ALL SELECT 'max_connections', unnest(ARRAY['', '0', '-1', '1025', '1.0', '+1', ' 1', '1 ', '1e1',
    '2147483648', '99999999999999999999', 'all', U&'\0661', repeat('1', 1000000)])
    UNION ALL SELECT 'max_rate', unnest(ARRAY['', '-1', '-0.001', '10000.1', '1e1', 'nan', 'inf', 'infinity', '1,5',
    '0x1p3', ' 1', '1 ', '1/s', repeat('1', 1000000)])
    UNION ALL SELECT 'sender', unnest(ARRAY['', ' ', 'Twelve chars', ' Shop', E'Shop\r\nX: y', 'Sh*p', '+131755',
    '+0317555', '++1317555', U&'Sh\00F6p', U&'\202EShop', repeat('S', 1000000)])
    UNION ALL SELECT 'ca_file', unnest(ARRAY['', '/', 'ca.pem', '../ca.pem', '~/ca.pem', 'file:///ca.pem',
    E'/ca\n.pem', E'/ca\x01', E'/ca\x7f', '/' || repeat('a', 1024), '/' || repeat('a', 1000000)])
    UNION ALL SELECT 'proxy', unnest(ARRAY['', 'proxy', 'http://', 'http:///', '://x', 'ftp://x',
    'file:///etc/passwd', 'http://u:s3cr3t@x', 'http://x/y', 'http://x?y', 'http://x#y', 'http://x y',
        E'http://x\n', E'http://x\r\nX: y', 'http://x:99999', 'http://x:-1', 'http://x:y', 'http://{to}',
        'http://x\y', U&'http://\00FC', U&'http://x\FF0Fy', 'javascript:alert(1)', 'http://' || repeat('x', 2048)])
    UNION ALL SELECT 'url', unnest(ARRAY['', ' ', 'x', '/', '//x', 'http://', 'https://', 'https:///x',
    'http://example.com', 'http://127.0.0.1.example.com', 'http://127.0.0.1@example.com',
    'http://localhost.example.com',
        'http://0.0.0.0', 'http://[::ffff:127.0.0.1]', 'http://[::]', 'http://10.0.0.1', 'http://169.254.169.254/',
        'https://u@example.com', 'https://u:s3cr3t@example.com', 'https://example.com#x', 'https://example.com /',
        E'https://example.com/\n', E'https://example.com/\r\nX: y', E'https://example.com/\x01',
        'https://example.com\@x', 'https://example.com:99999/', 'https://example.com:x/', 'https://{to}/',
        'https://a{code}b/',
        'https://example.com/{nonsense}', 'https://example.com/{TO}', 'https://example.com/{',
        'https://example.com/}', 'https://example.com/{to', 'https://%65xample.com/', U&'https://ex\00E4mple.com/',
        U&'https://example\3002com/',
        U&'https://example.com/\202E', 'ftp://example.com', 'file:///etc/passwd', 'gopher://127.0.0.1/',
        'ldap://127.0.0.1', 'dict://127.0.0.1:11211/', 'javascript:alert(1)', 'data:,x', 'https://example.com/'
        || repeat('x', 2029),
        'https://' || repeat('x', 1000000)])
    UNION ALL SELECT 'method', unnest(ARRAY['', ' ', 'post', 'POST ', ' GET', 'GET /', 'DELETE', 'HEAD', 'CONNECT',
    'PATCH', E'GET\r\nX: y', 'GET,POST', repeat('GET', 300000)])
    UNION ALL SELECT 'content_type', unnest(ARRAY['', ' ', 'json', 'application/', 'application/octet-stream',
    'multipart/form-data', 'text/html', 'application/json; charset=utf-16', 'application/json; charset=utf-8; x=y',
        'application/json, text/plain', E'application/json\r\nX: y', E'application/json\n', '+json', repeat('a', 600)
        || '+json', U&'application/j\0455on', repeat('a', 1000000)])
    UNION ALL SELECT 'headers', unnest(ARRAY['', ' ', E'\n', 'x', ':', ': y', 'X:', 'X: ', 'X : y', ' X: y', 'X Y: z',
    E'X: a\x01', E'X: a\rY: b', E'X: a\n\tY', E'X: a\x7f', U&'X: \00FC', U&'X\00FC: y', U&'X: \202Ey', 'Host: x',
    'hOST: x',
        'Content-Length: 0', 'Transfer-Encoding: chunked', 'Connection: close', 'Upgrade: h2c',
        'Content-Type: text/plain', 'TE: x', 'Trailer: x', 'Expect: x', 'X: {to}', 'X: {code}', 'X: {text}',
        'X: {from}', 'X: {password}',
        E'X: y\nHost: x', E'X: y\r\nno header', repeat(E'X: y\n', 21), 'X: ' || repeat('y', 8192), repeat('X: y',
        250000)])
    UNION ALL SELECT 'body', unnest(ARRAY['', '{nonsense}', '{password}', '{user}', '{"{to}": "{x}"}', '{{minutes}}',
    '{message_id}', repeat('x', 8193), repeat('{to}', 2049), repeat('x', 1000000)])
    UNION ALL SELECT 'message_id', unnest(ARRAY['x', '/~', '/~2', 'sid', '#/sid', '$.sid', ' /sid', '/' || repeat('x',
    200), '/' || repeat('x', 1000000)])
    UNION ALL SELECT name, unnest(ARRAY['', ' ', ',', '2xx', '99', '600', '0', '-200', '200-', '-', '200-199', '200,',
    ',200', '200,,201', '200;201', '200 201', '200.0', '+200', '0200-x', '1e2', '2147483648', '99999999999999999999',
    E'200\n', U&'\06620\0660',
        '200-299-300', repeat('200,', 125) || '200', repeat('2', 1000000)]) FROM unnest(ARRAY['success', 'retry',
        'final']) AS name
    UNION ALL SELECT 'channels', unnest(ARRAY['', ' ', ',', 'SMS', 'fax', 'sms,', ',sms', 'sms,,voice', 'sms voice',
    'sms;voice', E'sms\n', U&'sms\200B', '*', 'all', repeat('sms,', 125) || 'sms', repeat('sms,', 250000) || 'sms'])
) AS v(name, value);
INSERT INTO call (expected, form, argument) SELECT 'HV024',
    format('CREATE SERVER x FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (%s @@)', name), quote_literal(value) FROM (
    SELECT 'space' AS name, unnest(ARRAY['', ' ', '-a', 'a-', 'a.b', 'a/b', 'a@b', 'a:b', 'a_b', 'a#', 'a?', '{to}',
    E'a\n', U&'\00E4', U&'a\3002b', U&'a\202E', repeat('a', 64), repeat('a', 1000000)]) AS value
    UNION ALL SELECT 'base_url', unnest(ARRAY['', 'http://example.com', 'https://example.com/?a',
    'https://example.com/{to}', 'https://example.com/}', 'https://u:s3cr3t@example.com', E'https://example.com\r\n',
    'file:///', repeat('x', 1000000)])
    UNION ALL SELECT name, unnest(ARRAY['', ' ', 'a b', 'a/b', '"', '''', '<a>', 'a&b=c', '{a}', '${a}', E'a\n',
    U&'\00E4', repeat('a', 101), repeat('a', 1000000)]) FROM unnest(ARRAY['messaging_service', 'say_voice',
    'say_language']) AS name
) AS v(name, value);
-- Of a user mapping: no error shows a value.
INSERT INTO call (expected, form, argument) SELECT 'HV024',
    format('CREATE USER MAPPING FOR PUBLIC SERVER %s OPTIONS (%s @@)', server, name), quote_literal(value)
FROM (VALUES ('gateway', 'user'), ('gateway', 'password'), ('gateway', 'token'), ('signalwire', 'project_id'),
    ('signalwire', 'api_token')) AS o(server, name),
    unnest(ARRAY['', E's3cr3t\n', E's3cr3t\r\nX: y', E's3cr3t\t', E's3cr3t\x01', E's3cr3t\x7f', U&'s3cr3t\00E4',
    U&'s3cr3t\202E', U&'\FEFFs3cr3t', repeat('s3cr3t', 84), repeat('s3cr3t', 200000)]) AS value;
INSERT INTO call (expected, form, argument) VALUES
    ('HV024', 'CREATE USER MAPPING FOR PUBLIC SERVER gateway OPTIONS (@@)', $$user 's3cr3t:x'$$),
    ('HV024', 'CREATE USER MAPPING FOR PUBLIC SERVER signalwire OPTIONS (@@)', $$project_id '../s3cr3t'$$);
INSERT INTO call (expected, form, argument) SELECT 'HV024',
    'CREATE USER MAPPING FOR PUBLIC SERVER gateway OPTIONS (token_file @@)',
    quote_literal(value) FROM unnest(ARRAY['', '/', 's3cr3t', '../s3cr3t', '~/s3cr3t', 'file:///s3cr3t', E'/s3cr3t\n',
    E'/s3cr3t\x01', '/' || repeat('s3cr3t', 200), '/' || repeat('s3cr3t', 200000)]) AS value;
-- Odd, and allowed.
INSERT INTO call (expected, form, argument) SELECT '00000',
    'CREATE SERVER x FOREIGN DATA WRAPPER mfa_http OPTIONS (@@)', unnest(ARRAY[
    $$url 'https://example.com/''"<>%00'$$, $$url 'http://127.255.255.254:1/{to}{to}'$$, $$url 'http://[::1]/'$$,
    $$body '{{{to}}} %s '';--'$$, $$headers E'X: a\r\n\r\nY: ;--'$$, $$body E'\x01\r\n'$$,
    $$max_rate '0.001'$$, $$timeout '1 s '$$, $$success '100-599'$$, $$channels ' sms ,sms, sms'$$,
    $$message_id '/a~1b~0/''"'$$]);
-- The validators themselves are open to whoever may call them.
INSERT INTO call (expected, form, argument) SELECT expected, 'SELECT mfa.http_validator(@@)', argument FROM (VALUES
    ('', $$'{}', 0$$), ('', $$'{}', 'pg_foreign_server'::regclass$$), ('null', $$NULL, NULL$$),
    ('null', $$'{}', NULL$$), ('HV00D', $$'{a=b}', 0$$), ('HV00D', $$'{timeout=1s}', 'pg_class'::regclass$$),
    ('22004', $$'{NULL}', 'pg_foreign_server'::regclass$$), ('42601', $$'{a}', 'pg_foreign_server'::regclass$$),
    ('HV00D', $$'{=}', 'pg_foreign_server'::regclass$$),
    ('42601', $$'{""}', 'pg_foreign_server'::regclass$$), ('HV00D',
    $$ARRAY[repeat('a', 1000000) || '=s3cr3t'], 'pg_foreign_server'::regclass$$),
    ('HV00D', $$ARRAY[repeat(U&'\+01F511', 1000) || '=s3cr3t'], 'pg_foreign_server'::regclass$$),
    ('HV00D', $$ARRAY[E'a\nb\x01=s3cr3t'], 'pg_foreign_server'::regclass$$),
    ('HV024', $$'{{timeout=1s},{timeout=x}}', 'pg_foreign_server'::regclass$$),
    ('HV024', $$'[7:7]={timeout=x}', 'pg_foreign_server'::regclass$$),
    ('HV024', $$'{timeout=1s=2s}', 'pg_foreign_server'::regclass$$)
) AS v(expected, argument);

SELECT plan(count(*)::int + 5) FROM call;
SELECT is(pg_temp.outcome('SELECT mfa_send(NUMBER) IS NOT NULL'), 'true', 'a good call is accepted');
SELECT is(pg_temp.outcome('SELECT pg_advisory_lock(31755)'), ', and changed: locks',
    'and what is left behind is seen');
SELECT pg_advisory_unlock(31755) AS unlocked, contexts, resident FROM pg_temp.memory() \gset
SELECT pg_temp.run_calls();
SELECT cmp_ok(m.contexts, '<=', (:contexts + 8)::bigint, 'no memory of PostgreSQL is left behind')
    FROM pg_temp.memory() AS m;
SELECT cmp_ok(m.resident, '<=', (:resident + 64)::bigint, 'nor any other') FROM pg_temp.memory() AS m;
SELECT is(pg_backend_pid(), :pid, 'the session is the one it was');

SELECT * FROM finish();
