-- A row that a table does not take: the error has the value, by PostgreSQL's detail, and the rule, by the name of
-- the constraint.
BEGIN;
SELECT plan(16);

CREATE FUNCTION pg_temp.refused(statement text, of_table text, rule text) RETURNS text LANGUAGE sql AS $$
    SELECT throws_ok(statement, '23514',
        format('new row for relation "%s" violates check constraint "%s"', of_table, rule), rule)
$$;

SELECT pg_temp.refused($$INSERT INTO mfa.route (prefix) VALUES ('49')$$, 'route', 'prefix_is_plus_and_at_most_15_digits');
SELECT pg_temp.refused($$INSERT INTO mfa.route (prefix) VALUES ('+0')$$, 'route', 'prefix_is_plus_and_at_most_15_digits');
SELECT pg_temp.refused($$INSERT INTO mfa.route (prefix, providers) VALUES ('+49', '{}')$$, 'route', 'providers_are_1_to_8_names');
SELECT pg_temp.refused($$INSERT INTO mfa.route (prefix, providers) VALUES ('+49', '{NULL}')$$, 'route', 'providers_are_1_to_8_names');
SELECT pg_temp.refused($$INSERT INTO mfa.template (purpose, body) VALUES (repeat('x', 257), '{code}')$$, 'template',
    'purpose_has_at_most_256_bytes');
SELECT throws_ok($$INSERT INTO mfa.template (channel, body) VALUES ('fax', '{code}')$$, '22023', 'unknown channel "fax"');
SELECT pg_temp.refused($$INSERT INTO mfa.price (channel) VALUES ('fax')$$, 'price', 'channel_is_sms_voice_whatsapp_email_or_empty');
SELECT pg_temp.refused($$INSERT INTO mfa.price (prefix) VALUES ('49')$$, 'price', 'prefix_is_plus_and_at_most_15_digits_or_empty');
SELECT pg_temp.refused($$INSERT INTO mfa.price (per_segment) VALUES (-1)$$, 'price', 'per_segment_is_0_to_1000000');
SELECT pg_temp.refused($$INSERT INTO mfa.price (per_request) VALUES ('NaN')$$, 'price', 'per_request_is_0_to_1000000');
SELECT pg_temp.refused($$INSERT INTO mfa.budget (name, period, amount) VALUES ('a', 'year', 1)$$, 'budget', 'period_is_day_or_month');
SELECT pg_temp.refused($$INSERT INTO mfa.budget (name, period, amount) VALUES ('a', 'day', 0)$$, 'budget', 'amount_is_positive');
SELECT pg_temp.refused($$INSERT INTO mfa.budget (name, period, amount, warn_at) VALUES ('a', 'day', 1, 80)$$, 'budget',
    'warn_at_is_0_to_1');
SELECT pg_temp.refused($$INSERT INTO mfa.budget (name, period, amount, destination) VALUES ('a', 'day', 1, '49')$$, 'budget',
    'destination_is_plus_and_at_most_15_digits_or_at_or_empty');

-- So it is for all of their rules, also those to come.
SELECT is_empty($$
    SELECT conname FROM pg_constraint WHERE contype = 'c' AND conname ~ '_check\d*$'
        AND conrelid IN ('mfa.route'::regclass, 'mfa.template'::regclass, 'mfa.price'::regclass, 'mfa.budget'::regclass)$$,
    'no constraint has the name that PostgreSQL makes up');
SELECT lives_ok($$INSERT INTO mfa.route (prefix) VALUES ('+'), ('+123456789012345')$$, 'the bounds themselves are taken');

SELECT * FROM finish();
ROLLBACK;
