-- Providers: what their foreign servers and user mappings take, who may set what, and how a send finds
-- its way to them. Nothing is sent: every send is rolled back.
SET client_min_messages = warning;
CREATE EXTENSION mfa;

-- What comes of CREATE SERVER or CREATE USER MAPPING with one option; whatever was made goes again.
CREATE FUNCTION pg_temp.outcome(place text, kind text, option text, value text,
    OUT code text, OUT message text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
    IF place = 'server' THEN
        EXECUTE format('CREATE SERVER regress_mfa_try FOREIGN DATA WRAPPER %I OPTIONS (%I %L)',
            kind, option, value);
    ELSE
        EXECUTE format('CREATE SERVER regress_mfa_try FOREIGN DATA WRAPPER %I', kind);
        EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER regress_mfa_try OPTIONS (%I %L)',
            option, value);
    END IF;
    DROP SERVER regress_mfa_try CASCADE;
    code := '00000';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        hint = PG_EXCEPTION_HINT;
END $$;

-- An option that there is not is answered with those that there are.
SELECT kind, place, o.* FROM unnest(ARRAY['mfa_http', 'mfa_signalwire']) AS kind,
    unnest(ARRAY['server', 'user mapping']) AS place,
    pg_temp.outcome(place, kind, 'nonsense', 'x') AS o ORDER BY kind, place \gx

-- Secrets belong to the user mapping, where others can't read them, and everything else to the server.
SELECT kind, place, option, o.code, left(o.hint, 44) AS hint FROM (VALUES
    ('mfa_http', 'server', 'user'), ('mfa_http', 'server', 'password'), ('mfa_http', 'server', 'token'),
    ('mfa_http', 'server', 'token_file'), ('mfa_http', 'user mapping', 'url'),
    ('mfa_http', 'user mapping', 'sender'), ('mfa_signalwire', 'server', 'project_id'),
    ('mfa_signalwire', 'server', 'api_token'), ('mfa_signalwire', 'server', 'api_token_file'),
    ('mfa_signalwire', 'user mapping', 'space'), ('mfa_signalwire', 'user mapping', 'ca_file')
) AS v(kind, place, option), pg_temp.outcome(place, kind, option, 'x') AS o
ORDER BY kind, place, option;

-- Values: each option's good ones and bad ones. An error shows no value, which may be a secret.
SELECT option, v.value, o.code, o.message FROM (VALUES
    (11, 'timeout', '100 ms'), (12, 'timeout', '99'), (13, 'timeout', '60s'), (14, 'timeout', '60001'),
    (15, 'timeout', '1 min'), (16, 'timeout', '10 h'), (17, 'timeout', ''), (18, 'timeout', '-1 s'),
    (19, 'timeout', '1.5 s'), (20, 'timeout', '99999999999 s'),
    (21, 'connect_timeout', '30 s'), (22, 'connect_timeout', '31 s'), (23, 'connect_timeout', '99 ms'),
    (31, 'max_connections', '1'), (32, 'max_connections', '0'), (33, 'max_connections', '1024'),
    (34, 'max_connections', '1025'), (35, 'max_connections', 'ten'), (36, 'max_connections', ' 1'),
    (41, 'max_rate', '0'), (42, 'max_rate', '0.5'), (43, 'max_rate', '10000'), (44, 'max_rate', '10001'),
    (45, 'max_rate', '-1'), (46, 'max_rate', 'nan'), (47, 'max_rate', '1e3'),
    (51, 'sender', '+14155550100'), (52, 'sender', 'My Shop 24'), (53, 'sender', 'Twelve chars'),
    (54, 'sender', ''), (55, 'sender', '+0155501000'), (56, 'sender', E'a\nb'),
    (61, 'ca_file', '/etc/ssl/ca.pem'), (62, 'ca_file', 'ca.pem'), (63, 'ca_file', ''),
    (71, 'proxy', 'http://proxy.example.com:3128'), (72, 'proxy', 'proxy'), (73, 'proxy', ''),
    (81, 'nonsense', ''), (82, 'Sender', 'Shop'), (83, '', 'x')
) AS v(n, option, value), pg_temp.outcome('server', 'mfa_http', option, v.value) AS o ORDER BY n;
SELECT option, v.value, o.code, o.message FROM (VALUES
    (11, 'space', 'example'), (12, 'space', 'example.signalwire.com'), (13, 'space', '-x'), (14, 'space', ''),
    (15, 'space', 'x@evil.example/'),
    (21, 'base_url', 'https://example.signalwire.com'), (22, 'base_url', 'http://127.0.0.1:9'),
    (23, 'base_url', 'http://[::1]:9/'), (24, 'base_url', 'http://localhost:9'),
    (25, 'base_url', 'http://example.com'), (26, 'base_url', 'http://127.0.0.1.example.com'),
    (27, 'base_url', 'http://127.0.0.1@example.com'), (28, 'base_url', 'https://user:x@example.com'),
    (29, 'base_url', 'ftp://example.com'), (30, 'base_url', 'file:///etc/passwd'),
    (31, 'base_url', 'example.com'), (32, 'base_url', 'https://example.com/?a=b'), (33, 'base_url', ''),
    (41, 'messaging_service', 'MG-1_a.b'), (42, 'messaging_service', 'a b'), (43, 'messaging_service', ''),
    (51, 'say_voice', 'gcloud.en-US-1'), (52, 'say_voice', '"'), (61, 'say_language', 'de-DE'),
    (62, 'say_language', '')
) AS v(n, option, value), pg_temp.outcome('server', 'mfa_signalwire', option, v.value) AS o ORDER BY n;
SELECT option, value, o.code, o.message FROM (VALUES
    (11, 'url', 'https://sms.example.com/send?to={to}&text={text}'), (12, 'url', 'http://example.com/'),
    (13, 'url', 'https://example.com/{nonsense}'), (14, 'url', 'https://{to}/'), (15, 'url', ''),
    (21, 'method', 'PUT'), (22, 'method', 'DELETE'), (23, 'method', 'post'), (24, 'method', ''),
    (31, 'content_type', 'text/xml; charset=utf-8'), (32, 'content_type', 'image/png'),
    (33, 'content_type', 'text/plain; charset=latin1'), (34, 'content_type', E'text/plain\nX: y'),
    (41, 'headers', E'X-Api-Key: {token}\nX-Id: {id}'), (42, 'headers', 'Host: example.com'),
    (43, 'headers', 'Content-Length: 5'), (44, 'headers', 'no colon'), (45, 'headers', 'X: {text}'),
    (46, 'headers', ''), (47, 'headers', repeat(E'X: y\n', 21)),
    (51, 'body', '{"to": "{to}", "text": "{text}"}'), (52, 'body', '{nonsense}'), (53, 'body', ''),
    (61, 'message_id', '/messages/0/id'), (62, 'message_id', 'id'),
    (71, 'success', '200-299,302'), (72, 'success', '99'), (73, 'success', '200-'), (74, 'success', ''),
    (75, 'retry', '503'), (76, 'retry', '600'), (77, 'final', '400, 404-410'), (78, 'final', '410-404'),
    (81, 'channels', 'sms, voice,whatsapp, email'), (82, 'channels', 'sms,fax'), (83, 'channels', ''),
    (84, 'channels', 'sms,')
) AS v(n, option, full_value), left(split_part(full_value, E'\n', 1), 48) AS value,
    pg_temp.outcome('server', 'mfa_http', option, full_value) AS o ORDER BY n;
SELECT kind, option, value, o.code, o.message FROM (VALUES
    (11, 'mfa_http', 'user', 'app'), (12, 'mfa_http', 'user', 'a:b'), (13, 'mfa_http', 'user', ''),
    (14, 'mfa_http', 'password', 'not shown: pass word'), (15, 'mfa_http', 'password', U&'not shown\00F6'),
    (16, 'mfa_http', 'token', ''), (17, 'mfa_http', 'token', E'not shown\nX: y'),
    (18, 'mfa_http', 'token_file', '/run/secrets/token'), (19, 'mfa_http', 'token_file', 'token'),
    (21, 'mfa_signalwire', 'project_id', '00000000-0000-4000-8000-000000000000'),
    (22, 'mfa_signalwire', 'project_id', 'a/b'), (23, 'mfa_signalwire', 'api_token', ''),
    (24, 'mfa_signalwire', 'api_token_file', '../token')
) AS v(n, kind, option, full_value), split_part(full_value, E'\n', 1) AS value,
    pg_temp.outcome('user mapping', kind, option, full_value) AS o ORDER BY n;

-- In full.
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (spaces 'example');
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (api_token 'not shown');
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (timeout '2 h');
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (base_url 'http://example.com');

-- ALTER checks as CREATE does, and the wrapper itself has no options.
\set VERBOSITY sqlstate
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (space 'example');
ALTER SERVER regress_mfa OPTIONS (ADD nonsense 'x');
ALTER SERVER regress_mfa OPTIONS (SET space 'a.b');
ALTER SERVER regress_mfa OPTIONS (ADD timeout '0');
ALTER SERVER regress_mfa OPTIONS (DROP space, ADD timeout '2 s');
CREATE USER MAPPING FOR PUBLIC SERVER regress_mfa OPTIONS (project_id 'p');
ALTER USER MAPPING FOR PUBLIC SERVER regress_mfa OPTIONS (ADD space 'x');
ALTER USER MAPPING FOR PUBLIC SERVER regress_mfa OPTIONS (ADD api_token '');
ALTER FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (ADD space 'example');
SELECT srvoptions, umoptions FROM pg_user_mappings JOIN pg_foreign_server ON srvid = pg_foreign_server.oid
WHERE pg_foreign_server.srvname = 'regress_mfa';
DROP SERVER regress_mfa CASCADE;

-- A file is read by the server for whoever names it: only who may read the server's files can name one.
CREATE ROLE regress_mfa_app;
GRANT USAGE ON FOREIGN DATA WRAPPER mfa_signalwire TO regress_mfa_app;
SET ROLE regress_mfa_app;
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (ca_file '/etc/ssl/ca.pem');
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (space 'example');
ALTER SERVER regress_mfa OPTIONS (ADD ca_file '/etc/ssl/ca.pem');
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_mfa OPTIONS (api_token_file '/etc/passwd');
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_mfa OPTIONS (project_id_file '/etc/passwd');
CREATE USER MAPPING FOR CURRENT_USER SERVER regress_mfa OPTIONS (project_id 'p', api_token 't');
ALTER USER MAPPING FOR CURRENT_USER SERVER regress_mfa
    OPTIONS (DROP api_token, ADD api_token_file '/etc/passwd');
RESET ROLE;
GRANT pg_read_server_files TO regress_mfa_app;
SET ROLE regress_mfa_app;
ALTER SERVER regress_mfa OPTIONS (ADD ca_file '/etc/ssl/ca.pem');
ALTER USER MAPPING FOR CURRENT_USER SERVER regress_mfa
    OPTIONS (DROP api_token, ADD api_token_file '/run/secrets/token');
DROP SERVER regress_mfa CASCADE;
RESET ROLE;

-- Without a provider there is nothing to send through; each thing that is missing has its own answer.
\set ON_ERROR_ROLLBACK on
\set VERBOSITY default
SET mfa.send_limit = '';
BEGIN;
GRANT EXECUTE ON FUNCTION mfa_send TO regress_mfa_app;
SELECT mfa_send('+14155550123');
SET mfa.provider = 'signalwire, gateway';
SELECT mfa_send('+14155550123');
CREATE SERVER signalwire FOREIGN DATA WRAPPER mfa_signalwire;
CREATE USER MAPPING FOR PUBLIC SERVER signalwire OPTIONS (project_id 'p');
SELECT mfa_send('+14155550123');
ALTER USER MAPPING FOR PUBLIC SERVER signalwire OPTIONS (ADD api_token 't');
SELECT mfa_send('+14155550123');
ALTER SERVER signalwire OPTIONS (ADD space 'example');
-- The next one in the list is looked at too.
SELECT mfa_send('+14155550123');
CREATE SERVER gateway FOREIGN DATA WRAPPER mfa_http;
SELECT mfa_send('+14155550123');
ALTER SERVER gateway OPTIONS (ADD url 'http://127.0.0.1:9/{channel}');
SELECT mfa_send('+14155550123');
ALTER SERVER gateway OPTIONS (ADD body '{"to": "{to}", "text": {text}}');
SELECT mfa_send('+14155550123');
ALTER SERVER gateway OPTIONS (SET body '{"to": "{to}", "text": "{text}"}', ADD headers 'X-Key: {token}');
SELECT mfa_send('+14155550123');
CREATE USER MAPPING FOR CURRENT_USER SERVER gateway OPTIONS (token 't');
SELECT mfa_send('+14155550123') IS NOT NULL AS sent;

-- They are tried in the order of the setting, each once; a call's own choice comes before.
CREATE FUNCTION pg_temp.order_of(arguments text, OUT providers text[]) LANGUAGE plpgsql AS $$
DECLARE
    id uuid;
BEGIN
    EXECUTE 'SELECT mfa_send(' || arguments || ')' INTO id;
    SELECT m.providers INTO STRICT providers FROM mfa.message AS m WHERE request = id
    ORDER BY n DESC LIMIT 1;
END $$;
SELECT pg_temp.order_of('''+14155550124''');
SET mfa.provider = 'gateway, signalwire, gateway';
SELECT pg_temp.order_of('''+14155550125''');
SELECT pg_temp.order_of('''+14155550126'', provider => ''signalwire''');
SET mfa.provider = ' Gateway ,"signalwire"';
SELECT pg_temp.order_of('''+14155550127''');
SET mfa.provider = '"Gateway"';
SELECT mfa_send('+14155550128');
-- A server that does not serve the channel is passed over; if none does, that is an error.
SET mfa.provider = 'gateway, signalwire';
SELECT pg_temp.order_of('''+14155550129'', ''voice''');
SELECT mfa_send('someone@example.com', 'email');
SELECT mfa_send('+14155550129', 'voice', provider => 'gateway');
SELECT mfa_send('+14155550129', 'whatsapp', provider => 'signalwire');

-- A server of some other wrapper is no provider, even one with a name of mfa's.
CREATE FOREIGN DATA WRAPPER regress_mfa_foreign;
CREATE SERVER foreign_server FOREIGN DATA WRAPPER regress_mfa_foreign;
SELECT mfa_send('+14155550130', provider => 'foreign_server');

-- USAGE is the privilege to send through a server, and a mapping for somebody else is none.
SET mfa.provider = 'gateway';
SET ROLE regress_mfa_app;
SELECT mfa_send('+14155550131');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER gateway TO regress_mfa_app;
SET ROLE regress_mfa_app;
SELECT mfa_send('+14155550131');
CREATE USER MAPPING FOR CURRENT_USER SERVER gateway OPTIONS (token 't');
SELECT mfa_send('+14155550131') IS NOT NULL AS sent;
RESET ROLE;

-- Mappings are hidden from those who may not change them.
CREATE ROLE regress_mfa_none;
GRANT USAGE ON FOREIGN SERVER signalwire TO regress_mfa_none;
SET ROLE regress_mfa_none;
SELECT srvname, umoptions FROM pg_user_mappings ORDER BY srvname COLLATE "C", umoptions;
RESET ROLE;
ROLLBACK;

DROP EXTENSION mfa CASCADE;
DROP ROLE regress_mfa_app;
