-- Rows of mfa.template and mfa.test_recipient that are wrong are refused when they are written, not when
-- somebody logs in. Without the triggers: "caught: no exception".
SELECT plan(67);

CREATE FUNCTION pg_temp.template(purpose text, locale text, channel text, body text) RETURNS text
LANGUAGE sql AS $$
    SELECT format('INSERT INTO mfa.template VALUES (%L, %L, %L, %L)', $1, $2, $3, $4)
$$;

SELECT lives_ok(pg_temp.template('p' || n, locale, channel, body), 'good template ' || n)
FROM (VALUES
    (1, '', '', 'Your code is {code}, for {minutes} minutes. {app}'),
    (2, 'de', 'sms', 'Ihr Code lautet: {code}'), (3, 'zh-Hant-HK', '', '验证码：{code}'), (4, 'pt-BR', '', '{code}'),
    (5, 'tlh', '', 'mI'' {code}'), (6, '', '', 'without a placeholder'),
    (7, '', 'sms', E'{code} is your code.\n\n{webotp}'), (8, '', 'sms', '{code} is your code. {app_hash}'),
    (9, '', 'sms', repeat('x', 156) || '{code}'), (10, '', 'sms', repeat('я', 66) || '{code}'),
    (11, '', 'voice', repeat('x', 480) || '{code}'), (12, '', 'email', repeat('x', 1590) || '{code}'),
    (13, '', 'whatsapp', 'x {code}'), (14, '', '', 'braces { } {} stay {code}')) AS good (n, locale, channel, body);

SELECT throws_ok(pg_temp.template('q' || n, locale, channel, body), '22023', NULL, 'bad template ' || n)
FROM (VALUES
    (1, '', '', ''), (2, '', '', ' '), (3, '', '', '{cod}'), (4, '', '', E'a\tb'), (5, '', '', '{code} {webotp}'),
    (6, '', '', '{app_hash} {code}'), (7, '', '', E'x\n{webotp}'), (8, '', '', E'{code}\n{webotp}\n{app_hash}'),
    (9, '', 'sms', repeat('x', 157) || '{code}'), (10, '', '', repeat('я', 67) || '{code}'),
    (11, '', 'voice', repeat('x', 500) || '{code}'), (12, '', 'email', repeat('x', 1601)),
    (13, '', 'fax', '{code}'), (14, '', 'SMS', '{code}'), (15, 'd', '', '{code}'), (16, 'german', '', '{code}'),
    (17, 'de-', '', '{code}'), (18, 'de DE', '', '{code}'), (19, E'de\n', '', '{code}'),
    (20, 'de''; --', '', '{code}'), (21, '', 'sms', repeat('x', 135) || '{code} {app_hash}'),
    (22, '', '', '{code} {Code}'), (23, 'pt_BR', '', '{code}'), (24, 'PT', '', '{code}')) AS bad (n, locale, channel, body);
SELECT throws_ok(pg_temp.template(repeat('p', 257), '', '', '{code}'), '23514', NULL, 'a purpose that none can have');
SELECT throws_ok($$UPDATE mfa.template SET body = '{nope}' WHERE purpose = 'p1'$$, '22023', NULL, 'nor by an update');
SELECT throws_ok($$INSERT INTO mfa.template (purpose, body) VALUES ('p99', NULL)$$, '22004', NULL, 'no body');
SELECT throws_ok($$INSERT INTO mfa.test_recipient VALUES ('+14155550100', NULL)$$, '22004', NULL, 'no code');
-- The trigger functions are for these tables; on others, and called by hand, they do no harm.
CREATE TABLE other (recipient int, code int, locale int, channel text, body int);
CREATE TRIGGER a BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION mfa.check_test_recipient();
SELECT throws_ok($$INSERT INTO other VALUES (1, 1, 1, '', 1)$$, '22004', NULL, 'columns of another type');
DROP TRIGGER a ON other;
CREATE TRIGGER a BEFORE INSERT ON other FOR EACH STATEMENT EXECUTE FUNCTION mfa.check_template();
SELECT throws_ok($$INSERT INTO other VALUES (1, 1, 1, '', 1)$$, '0A000', NULL, 'for each statement');
DROP TRIGGER a ON other;
CREATE TRIGGER a AFTER DELETE ON other FOR EACH ROW EXECUTE FUNCTION mfa.check_template();
INSERT INTO other VALUES (1, 1, 1, '', 1);
SELECT throws_ok('DELETE FROM other', '0A000', NULL, 'after a delete');
SELECT throws_ok('SELECT mfa.check_template()', '0A000', NULL, 'called by hand');

SELECT lives_ok(format('INSERT INTO mfa.test_recipient VALUES (%L, %L, %L)', recipient, code, forced),
    recipient || ' ' || forced)
FROM (VALUES ('+14155550100', '000000', false), ('+447700900123', 'ABC4', false), ('+9991234567', '1234', false),
    ('review@example.com', '12345678901234567890', false), ('+14155551234', '000000', true),
    ('someone@shop.com', '000000', true)) AS good (recipient, code, forced);
SELECT throws_ok(format('INSERT INTO mfa.test_recipient VALUES (%L, %L, %L)', recipient, code, forced), '22023', NULL,
    format('%s %s %s is refused', recipient, code, forced))
FROM (VALUES ('+14155551234', '000000', false), ('someone@shop.com', '000000', false),
    ('+1 415 555 0101', '000000', false), ('0014155550101', '000000', true), ('Review@Example.com', '000000', true),
    ('+', '000000', true), ('', '000000', true), ('nobody', '000000', true), ('+14155550101', '123', true),
    ('+14155550101', repeat('1', 21), true), ('+14155550101', '12 34', true), ('+14155550101', '', true),
    ('+14155550101', '１２３４', true)) AS bad (recipient, code, forced);
SELECT throws_ok($$UPDATE mfa.test_recipient SET forced = false WHERE recipient = '+14155551234'$$, '22023', NULL,
    'nor does it cease to be forced');

-- The codes are not in the view.
SELECT columns_are('mfa', 'test_recipients', ARRAY['recipient', 'forced', 'remark']);
SELECT * FROM finish();
