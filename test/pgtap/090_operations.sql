-- What those who operate the database see and do: statistics, health, erasing a recipient.
BEGIN;
SELECT plan(53);

CREATE SERVER box FOREIGN DATA WRAPPER mfa_inbox;
CREATE USER MAPPING FOR PUBLIC SERVER box;
SET mfa.provider = 'box';
SET mfa.send_limit = '';

-- Calls are counted, whatever became of their transaction.
SELECT lives_ok('SELECT mfa_stat_reset()');
SELECT results_eq('SELECT sends + resends + refused_by_limit + refused_by_route + refused_by_budget + refused_by_guard FROM mfa.stat_send', ARRAY[0::bigint], 'nothing yet');
CREATE TEMP TABLE request AS SELECT mfa_send('+14155550101') AS id;
SELECT mfa_resend(id) FROM request;
SELECT results_eq('SELECT sends, resends FROM mfa.stat_send', $$VALUES (1::bigint, 1::bigint)$$, 'sent, and sent again');
SET mfa.send_limit = '1/1h';
SELECT throws_ok($$SELECT mfa_send('+14155550101')$$, 'MF001');
SET mfa.send_limit = '';
INSERT INTO mfa.route (prefix, allow) VALUES ('+49', false);
SELECT throws_ok($$SELECT mfa_send('+4930123456')$$, 'MF002');
DELETE FROM mfa.route;
INSERT INTO mfa.budget (name, period, amount) VALUES ('all', 'day', 5);
INSERT INTO mfa.usage_total (day, provider, channel, destination, cost) VALUES ((now() AT TIME ZONE 'UTC')::date, 'box', 'sms', '+1', 5);
SELECT throws_ok($$SELECT mfa_send('+14155550102')$$, 'MF003');
UPDATE mfa.budget SET warned_for = (now() AT TIME ZONE 'UTC')::date;
SELECT results_eq($$SELECT name, status, hint IS NOT NULL FROM mfa.health WHERE name LIKE 'budget%'$$, $$VALUES ('budget all', 'warning', true)$$, 'a budget that is nearly spent');
UPDATE mfa.budget SET exhausted_for = (now() AT TIME ZONE 'UTC')::date;
SELECT results_eq($$SELECT status FROM mfa.health WHERE name LIKE 'budget%'$$, ARRAY['critical'], '... and one that is');
UPDATE mfa.budget SET warned_for = '2001-01-01', exhausted_for = '2001-01-01';
SELECT results_eq($$SELECT status FROM mfa.health WHERE name LIKE 'budget%'$$, ARRAY['ok'], '... which was so long ago');
DELETE FROM mfa.budget;
SELECT throws_ok($$SELECT mfa_send('12')$$, '22023');
SELECT results_eq('SELECT refused_by_limit, refused_by_route, refused_by_budget, refused_by_guard FROM mfa.stat_send', $$VALUES (1::bigint, 1::bigint, 1::bigint, 0::bigint)$$, 'refusals are counted by their reason');
SELECT mfa_verify('+14155550101', 'nonsense'), mfa_verify('+14155550199', '123456'), mfa_verify(NULL::text, '1');
SELECT mfa_cancel(id) FROM request;
SELECT mfa_verify('+14155550101', '123456');
SELECT results_eq('SELECT verified, wrong, canceled, not_found FROM mfa.stat_verify', $$VALUES (0::bigint, 1::bigint, 1::bigint, 2::bigint)$$, 'answers are counted');
SELECT ok(stats_reset <= clock_timestamp() AND stats_reset > clock_timestamp() - interval '1 hour', 'since the reset') FROM mfa.stat_verify;
SELECT lives_ok('SELECT mfa_stat_reset()');
SELECT results_eq('SELECT wrong FROM mfa.stat_verify', ARRAY[0::bigint], 'begun anew');

-- Health.
SELECT set_eq($$SELECT name FROM mfa.health$$, ARRAY['library', 'key file', 'workers', 'queue', 'provider box', 'clock', 'fraud guard'], 'what is checked');
SELECT set_eq($$SELECT DISTINCT status FROM mfa.health WHERE name <> 'queue'$$, ARRAY['ok'], 'all is well');
SELECT is_empty($$SELECT 1 FROM mfa.health WHERE (status = 'ok') <> (hint IS NULL)$$, 'a hint where something is to be done');
SET mfa.provider = 'box, gone';
SELECT results_eq($$SELECT status, detail FROM mfa.health WHERE name = 'provider gone'$$, $$VALUES ('critical', 'provider "gone" does not exist')$$, 'a provider that is not there');
SET mfa.provider = '';
SELECT results_eq($$SELECT status FROM mfa.health WHERE name = 'providers'$$, ARRAY['warning'], 'no provider');
SET mfa.fraud_guard = off;
SELECT results_eq($$SELECT status FROM mfa.health WHERE name = 'fraud guard'$$, ARRAY['warning'], 'no guard');
RESET mfa.fraud_guard;
SELECT results_eq($$SELECT status FROM mfa.list_health('0.9') WHERE name = 'library'$$, ARRAY['critical'], 'another version');
SELECT throws_ok($$SELECT mfa.list_health(NULL)$$, '22004');
SET mfa.provider = 'box';

-- The functions behind that leave the caller's search_path and role alone.
SET search_path = pg_catalog, public;
SELECT public.results_eq($$SELECT count(*) > 5 FROM mfa.health$$, ARRAY[true], 'with another search_path');
SELECT public.is(current_setting('search_path'), 'pg_catalog, public', '... that stays');
RESET search_path;
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.wrong(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT (1 / 0)::boolean';
CREATE FUNCTION hostile.wrong(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT (1 / 0)::boolean';
CREATE FUNCTION hostile.wrong(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT (1 / 0)::boolean';
CREATE OPERATOR hostile.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = hostile.wrong);
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.wrong);
CREATE OPERATOR hostile.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = hostile.wrong);
SET search_path = hostile, pg_catalog, public;
SELECT FROM mfa.list_health('1.0');
SELECT FROM mfa.progress_drain;
SELECT mfa_forget('+14155550150');
SET search_path = public;
SELECT pass('with operators of others in front');

-- Erasing a recipient.
SELECT throws_ok($$SELECT mfa_forget(NULL)$$, '22004');
SELECT throws_ok($$SELECT mfa_forget('4155550101')$$, '22023', 'recipient is neither a number nor a mail address');
SELECT is(mfa_forget('+1 (415) 555-0199'), 0::bigint, 'a recipient that nobody has sent to');
CREATE ROLE regress_other;
GRANT USAGE ON FOREIGN SERVER box TO regress_other;
GRANT EXECUTE ON FUNCTION mfa_send TO regress_other;
SELECT mfa_send('+14155550103'), mfa_send('+14155550103', purpose => 'payment'), mfa_send('+14155550104');
SET ROLE regress_other;
SELECT throws_ok($$SELECT mfa_forget('+14155550103')$$, '42501');
SELECT mfa_send('+14155550103');
RESET ROLE;
SELECT mfa_verify('+14155550103', 'wrong'), mfa_verify('+14155550104', 'wrong');
INSERT INTO mfa.inbox SELECT id, 1, now(), 'box', 'sms', '+14155550103', '', 'text', '424242' FROM mfa.request ORDER BY created_at DESC LIMIT 1;
INSERT INTO mfa.failure SELECT recipient_hash, now(), 5 FROM mfa.request WHERE purpose = 'payment';
UPDATE mfa.message SET state = 'delivered' WHERE request = (SELECT id FROM mfa.request WHERE purpose = 'payment');
UPDATE mfa.message SET state = 'sending' WHERE request = (SELECT id FROM mfa.request WHERE owner = 'regress_other'::regrole);
CREATE TEMP TABLE before AS SELECT count(*) FROM mfa.request;
SELECT is(mfa_forget('+1 415 555 0103'), 3::bigint, 'requests of all roles and purposes are erased');
SELECT is((SELECT count(*) FROM mfa.request WHERE recipient_hash = decode(repeat('00', 16), 'hex') AND state <> 'live' AND purpose = '' AND attempts = 0
    AND sealed IS NULL AND code_hash IS NULL AND ended_at IS NOT NULL AND expires_at <= clock_timestamp()), 3::bigint, '... with all that tells of the recipient');
SELECT is((SELECT count(*) FROM mfa.request), (SELECT count FROM before), '... and no others');
SELECT is((SELECT string_agg(m.state || ' ' || num_nulls(m.sealed, m.message_id, m.error), ', ' ORDER BY m.state) FROM mfa.message m JOIN mfa.request r ON r.id = m.request
    WHERE recipient_hash = decode(repeat('00', 16), 'hex')), 'delivered 3, queued 3, sending 2', '... and their messages, but for what is on its way');
SELECT is((SELECT count(*) FROM mfa.inbox), 0::bigint, '... what is in the inbox');
SELECT is((SELECT count(*) FROM mfa.failure), 0::bigint, '... and the wrong codes');
SELECT is((SELECT sum(delivered) FROM mfa.usage), 1::numeric, 'what was sent stays counted');
SELECT is(mfa_verify('+14155550103', '424242'), false, 'no code is live');
SELECT is((SELECT status FROM mfa_check('+14155550104', 'wrong')), 'wrong', 'others go on');
SELECT is(mfa_forget('+14155550103'), 0::bigint, 'nothing is left');
SELECT lives_ok($$SELECT mfa_send('someone@example.com', 'email')$$);
SELECT is(mfa_forget('Someone@Example.com'), 1::bigint, 'an address');

-- Views use nothing that somebody has put into the schema before them.
CREATE FUNCTION pg_temp.others() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT pg_describe_object(d.refclassid, d.refobjid, 0) FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = 'mfa'::regnamespace AND d.refclassid IN ('pg_operator'::regclass, 'pg_proc'::regclass)
       AND pg_describe_object(d.refclassid, d.refobjid, 0) !~ 'function mfa[.]' $$;
SELECT is_empty('SELECT pg_temp.others()', 'nothing but PostgreSQL''s own');
DROP EXTENSION mfa CASCADE;
CREATE FUNCTION public.trojan(double precision, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION public.trojan(bigint, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR public.= (LEFTARG = double precision, RIGHTARG = integer, FUNCTION = public.trojan);
CREATE OPERATOR public.> (LEFTARG = double precision, RIGHTARG = integer, FUNCTION = public.trojan);
CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = integer, FUNCTION = public.trojan);
CREATE EXTENSION mfa;
CREATE TEMP TABLE found AS SELECT pg_temp.others() AS object;
SELECT is((SELECT count(*) FROM found), 0::bigint, '... with operators of somebody in the schema');
DROP TABLE found;
DROP EXTENSION mfa;
DROP OPERATOR public.= (double precision, integer);
DROP OPERATOR public.> (double precision, integer);
DROP OPERATOR public.= (bigint, integer);
CREATE EXTENSION mfa;
GRANT EXECUTE ON FUNCTION mfa_send TO regress_other;
SET mfa.provider = '';

-- Nothing of that is for everybody.
SET ROLE regress_other;
SELECT throws_ok('SELECT mfa.list_health(''1.0'')', '42501');
SELECT throws_ok('SELECT mfa.list_calls()', '42501');
SELECT throws_ok('SELECT mfa.list_tries()', '42501');
SELECT throws_ok('SELECT mfa.list_holds()', '42501');
SELECT throws_ok('SELECT mfa_stat_reset()', '42501');
SELECT throws_ok('SELECT mfa_lift_hold(''+49'')', '42501');
RESET ROLE;
GRANT EXECUTE ON FUNCTION mfa_forget TO regress_other;
SET ROLE regress_other;
SELECT is(mfa_forget('+14155550104'), 0::bigint, 'who may erase needs no right on the tables');
RESET ROLE;
GRANT USAGE ON SCHEMA mfa TO regress_other;
GRANT SELECT ON mfa.health, mfa.holds, mfa.stat_send, mfa.stat_verify, mfa.stat_provider, mfa.stat_delivery, mfa.progress_drain TO regress_other;
GRANT EXECUTE ON FUNCTION mfa.list_health, mfa.list_calls, mfa.list_tries, mfa.list_holds TO regress_other;
SET ROLE regress_other;
SELECT lives_ok($$SELECT FROM mfa.health, mfa.holds, mfa.stat_send, mfa.stat_verify, mfa.stat_provider, mfa.stat_delivery, mfa.progress_drain$$, 'a role that was granted it sees it');

RESET ROLE;
SET TRANSACTION READ ONLY;
SELECT throws_ok($$SELECT mfa_forget('+14155550103')$$, '25006');

SELECT * FROM finish();
ROLLBACK;
