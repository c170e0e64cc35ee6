-- The settings: what they are by default, who may set them, what they refuse, and that they bound what a
-- call may ask for.
SET client_min_messages = warning;
CREATE EXTENSION mfa;
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_http OPTIONS
    (url 'http://127.0.0.1:9/{code}', channels 'sms, voice');
CREATE ROLE regress_mfa_app;

-- Each has a description, and none may be set by an ordinary role for itself (context "user").
SELECT name COLLATE "C" AS name, setting, unit, vartype AS type, min_val AS min, max_val AS max,
    enumvals AS values, context, short_desc <> '' AS described
FROM pg_settings WHERE name LIKE 'mfa.%' AND name <> 'mfa.provider' ORDER BY name;
SHOW mfa.provider;

-- An ordinary role can't weaken one, by any of the ways to set one.
CREATE FUNCTION pg_temp.outcome(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SET ROLE regress_mfa_app;
SELECT pg_temp.outcome(format(command, name, setting)) AS sqlstate, count(*) > 0 AS some,
    string_agg(name, ', ' ORDER BY name) FILTER (WHERE context NOT IN ('superuser', 'sighup', 'postmaster'))
        AS not_closed
FROM pg_settings, unnest(ARRAY['SET %s = %L', 'SET LOCAL %s = %L', 'ALTER ROLE CURRENT_USER SET %s = %L',
    'SELECT set_config(%L, %L, true)']) AS command
WHERE name LIKE 'mfa.%' GROUP BY 1 ORDER BY 1;
RESET ROLE;

-- Where to find the keys is nobody's business.
SET ROLE regress_mfa_app;
\set VERBOSITY sqlstate
SHOW mfa.key_file;
SELECT count(*) FROM pg_settings WHERE name = 'mfa.key_file';
\set VERBOSITY default
RESET ROLE;

-- Nor can there be one that mfa doesn't know: a misspelt limit would limit nothing.
SET mfa.max_attempt = 1;

-- Values are checked when they are set.
SET mfa.code_length = 3;
SET mfa.code_length = 21;
SET mfa.max_attempts = 0;
SET mfa.max_attempts_cap = 21;
SET mfa.valid_for = 0;
SET mfa.valid_for = '8 d';
SET mfa.valid_for_cap = '604801 s';
SET mfa.resend = 'maybe';
SET mfa.message = 'Hi {name}';
SET mfa.message = E'\t';
SET mfa.locale = 'xx';
SET mfa.app_name = '{app}';
SET mfa.app_name = 'a name of more than 32 characters';
SET mfa.provider = 'a,,b';
SET mfa.provider = 'a b';
SET mfa.send_limit = 'often';
SET mfa.send_limit = '0/1h';
SET mfa.send_limit_database = '1/1y';
ALTER SYSTEM SET mfa.currency = 'euro';
ALTER ROLE regress_mfa_app SET mfa.message = '{name}';

-- What sets the defaults of a call, for a role or a database. A number of its own for every call.
CREATE SEQUENCE number START 4155550100;
CREATE FUNCTION defaults(OUT code_length smallint, OUT allow_alphas boolean, OUT valid_for interval,
    OUT max_attempts integer, OUT providers text[])
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    sent uuid := mfa_send('+1' || nextval('number'));
BEGIN
    SELECT r.code_length, r.allow_alphas, r.expires_at - r.created_at, r.max_attempts, m.providers
    INTO STRICT code_length, allow_alphas, valid_for, max_attempts, providers
    FROM mfa.request AS r JOIN mfa.message AS m ON m.request = r.id WHERE r.id = sent;
END $$;
ALTER DATABASE :"DBNAME" SET mfa.provider = 'regress_mfa';
ALTER DATABASE :"DBNAME" SET mfa.code_length = 8;
ALTER DATABASE :"DBNAME" SET mfa.allow_alphas = on;
ALTER ROLE regress_mfa_app IN DATABASE :"DBNAME" SET mfa.code_length = 10;
ALTER ROLE regress_mfa_app SET mfa.valid_for = '2 min';
ALTER ROLE regress_mfa_app SET mfa.max_attempts = 5;
\c -
SELECT * FROM defaults();
-- A role's settings are read when it logs in.
ALTER ROLE regress_mfa_app LOGIN;
SELECT current_user AS superuser \gset
\c - regress_mfa_app
SHOW mfa.code_length;
SELECT * FROM defaults();
\c - :superuser
ALTER DATABASE :"DBNAME" RESET mfa.code_length;
ALTER DATABASE :"DBNAME" RESET mfa.allow_alphas;
\c -
SET client_min_messages = warning;
SELECT * FROM defaults();

-- Caps bound what a call asks for, and the defaults too.
\set VERBOSITY terse
SET mfa.code_length_floor = 8;
SELECT mfa_send('+14155550123', code_length => 7);
SELECT mfa_send('+14155550123', code_length => 8) IS NOT NULL AS sent;
SET mfa.valid_for_cap = '5 min';
SELECT mfa_send('+14155550124', valid_for => '5 min 1 s');
SELECT mfa_send('+14155550124', valid_for => '5 min') IS NOT NULL AS sent;
SET mfa.max_attempts_cap = 2;
SELECT mfa_send('+14155550125', max_attempts => 3);
SELECT mfa_send('+14155550125', max_attempts => 2) IS NOT NULL AS sent;
SELECT * FROM defaults();
RESET mfa.code_length_floor;
RESET mfa.valid_for_cap;
RESET mfa.max_attempts_cap;

-- The message of the settings is checked with each send: whether it fits is not known before.
SET mfa.message = 'It is {code}.';
SELECT mfa_send('+14155550126') IS NOT NULL AS sent;
SELECT format('SET mfa.message = %L', repeat('a', 154)) \gexec
SELECT mfa_send('+14155550127');
SELECT mfa_send('+14155550127', message => '{code}') IS NOT NULL AS sent;
SELECT mfa_send('+14155550128', 'voice') IS NOT NULL AS sent;
RESET mfa.message;

-- Inside a function, a superuser's SET clause works as everywhere.
CREATE FUNCTION strict_send(recipient text) RETURNS uuid LANGUAGE sql SECURITY DEFINER
    SET mfa.max_attempts = 1 SET mfa.provider = 'regress_mfa'
    AS 'SELECT mfa_send(recipient)';
SELECT strict_send('+14155550129') AS id \gset
SELECT max_attempts FROM mfa.request WHERE id = :'id';
SHOW mfa.max_attempts;

ALTER DATABASE :"DBNAME" RESET mfa.provider;
DROP FUNCTION defaults, strict_send;
DROP SEQUENCE number;
DROP EXTENSION mfa CASCADE;
DROP ROLE regress_mfa_app;
