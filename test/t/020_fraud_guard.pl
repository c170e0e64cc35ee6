# The guard against pumped traffic, from mfa_send to the gateway. What it decides by is tested with the
# core; here, that it is asked, obeyed, announced and lifted. Requests are made minutes old before they are
# committed, where it judges only what is that old.
#
# Without the worker's question: "not ok - what is queued stays here". Without mfa_send's: "not ok - no more
# are taken". Without the count in mfa_verify: "not ok - honest numbers are not held". Without the look at
# what a recipient has verified: "not ok - who has verified lately gets a code". Without the one at fixed
# codes: "not ok - a fixed code is nobody's proof".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
my $node = start_cluster('main', 'mfa.fraud_guard' => 'enforce');
make_database($node, 'shop', $gateway);

sub shop { return sql($node, 'shop', $_[0]) }
sub holds { return shop("SELECT string_agg(concat_ws(' ', prefix, reason$_[0]), ', ' ORDER BY prefix) FROM mfa.holds") }
sub settled
{
	wait_for(sub { shop(q{SELECT count(*) FROM mfa.message WHERE state IN ('queued', 'sending')}) eq '0' }, 'all to be settled', 60);
	return;
}

# Requests of some minutes ago to numbers of a block.
sub send_old
{
	my ($prefix, $from, $to) = @_;
	my $session = $node->background_psql('shop', on_error_stop => 1, timeout => 60);
	$session->query_safe(qq{BEGIN;
		SELECT count(mfa_send('$prefix' || lpad(n::text, 4, '0'))) FROM generate_series($from, $to) n;
		UPDATE mfa.request SET created_at = created_at - interval '3 min' WHERE xmin::text::bigint = pg_current_xact_id_if_assigned()::text::bigint;
		UPDATE mfa.message SET created_at = created_at - interval '3 min' WHERE xmin::text::bigint = pg_current_xact_id_if_assigned()::text::bigint;
		COMMIT});
	$session->quit;
	settled();
	return;
}

subtest 'codes that are verified' => sub {
	for my $block (0 .. 3)
	{
		send_old('+99455123', 10 * $block + 1, 10 * $block + 10);
		for my $n (1 .. 10)
		{
			my $to = sprintf '+99455123%04d', 10 * $block + $n;
			my $request = $n % 2 ? $to : shop("SELECT request FROM mfa.message WHERE message_id = '" . $gateway->message_for($to)->{sid} . "'");
			is(shop("SELECT mfa_verify('$request', '" . $gateway->code_for($to) . "')"), 't', "code of $to");
		}
	}
	send_old('+99455123', 101, 120);
	is(holds(''), '', 'honest numbers are not held');
};

subtest 'codes that nobody types' => sub {
	my $log = -s $node->logfile;
	my $listener = $node->background_psql('shop', on_error_stop => 1, timeout => 60);
	$listener->query_safe('LISTEN mfa_guard');
	send_old('+1415777', 1, 40);
	like(holds(", verified || ' of ' || requests, usual_conversion, date_trunc('minute', held_until - held_since + interval '1 s')"),
		qr/^\+1415777 conversion 0 of 3\d 0\.\d{3} 00:15:00$/, 'are held back');
	my $sent = () = $gateway->messages;
	my @pumped = grep { $_->{to} =~ /^\+1415777/ } $gateway->messages;
	cmp_ok(scalar @pumped, '<', 40, 'what is queued stays here');
	is(shop(q{SELECT string_agg(DISTINCT state || ': ' || error, ', ') FROM mfa.message WHERE state = 'failed'}),
		'failed: held back by the fraud guard', '... and says why');
	is(shop(q{SELECT count(*) = (SELECT refused FROM mfa.holds) FROM mfa.message WHERE state = 'failed'}), 't', '... and is counted');
	psql_fails($node, 'shop', q{SELECT mfa_send('+14157770999')}, 'MF004', 'no more are taken');
	$node->psql('shop', q{SELECT mfa_send('+14157770999')}, stderr => \my $error);
	like($error, qr/under \+1415777 are held back.*\n.*again in \d{3} seconds.*\n.*mfa_lift_hold/s, '... and it says what to do');
	is(shop(q{SELECT mfa_send('+14157780999') IS NOT NULL}), 't', 'neighbours get theirs');
	like(slurp_file($node->logfile, $log), qr/mfa fraud guard: numbers under \+1415777 are held back for 900 s.*\n.*Of 3\d requests 0 were verified, where \d\d % are usual/, 'the log says so');
	my $heard = $listener->query('SELECT 1');
	like($heard, qr/"mfa_guard" with payload "\{"prefix": "\+1415777", "reason": "conversion", "seconds": 900, "requests": 3\d, "verified": 0, "enforced": true\}"/, 'and NOTIFY');
	$listener->quit;
	check_log($node, 'nothing else', $log, qr{held back});
};

subtest 'ways out' => sub {
	is(shop(q{SELECT mfa_lift_hold('+1415')}), 'f', 'what is not held cannot be lifted');
	is(shop(q{SELECT mfa_lift_hold('+1415777')}), 't', 'lifted by hand');
	is(holds(''), '', 'nothing is held');
	is(shop(q{SELECT mfa_send('+14157770999') IS NOT NULL}), 't', 'and a code is sent');
	settled();
	is($gateway->code_for('+14157770999') =~ /^\d{6}$/ ? 1 : 0, 1, '... and arrives');
	shop(q{SELECT mfa_verify('+14157770999', '} . $gateway->code_for('+14157770999') . q{')});
	send_old('+1415777', 1001, 1040);
	is(holds(''), '+1415777 conversion', 'held again');
	is(shop(q{SELECT mfa_send('+14157770999') IS NOT NULL}), 't', 'who has verified lately gets a code');
	settled();
	is(shop(q{SELECT state FROM mfa.message ORDER BY created_at DESC LIMIT 1}), 'sent', '... that leaves');
	shop(q{INSERT INTO mfa.route (prefix, guarded) VALUES ('+1415', false)});
	is(shop(q{SELECT mfa_send('+14157770998') IS NOT NULL}), 't', 'an exempt destination gets codes');
	settled();
	is(shop(q{SELECT state FROM mfa.message ORDER BY created_at DESC LIMIT 1}), 'sent', '... that leave');
	shop(q{DELETE FROM mfa.route});
	psql_fails($node, 'shop', q{SELECT mfa_send('+14157770997')}, 'MF004', 'held again without it');
	psql_fails($node, 'shop', q{SET mfa.fraud_guard = off; SET ROLE pg_monitor; SELECT mfa_lift_hold('+1415777')}, '42501', 'not everybody may lift');
	is(shop(q{SET mfa.fraud_guard = off; SELECT mfa_send('+14157770996') IS NOT NULL}), 't', 'it can be switched off');
	shop('RESET mfa.fraud_guard');
};

subtest 'a surge, and a fixed code' => sub {
	shop(q{SELECT count(mfa_send('+493055512' || n)) FROM generate_series(1000, 1139) n});
	settled();
	is(holds(''), '+1415777 conversion, +49305551 surge', 'more than can be judged have to wait');
	my @sent = grep { $_->{to} =~ /^\+493055512/ } $gateway->messages;
	is(scalar @sent, 100, 'the allowance leaves');
	shop(q{INSERT INTO mfa.test_recipient (recipient, code) VALUES ('+12025550100', '424242')});
	shop(q{SELECT mfa_send('+12025559999')});
	settled();
	for (1 .. 100)
	{
		shop(q{SELECT mfa_send('+12025550100')});
		shop(q{SELECT mfa_verify('+12025550100', '424242')});
	}
	shop(q{SELECT count(mfa_send('+1202555' || n)) FROM generate_series(1000, 1139) n});
	settled();
	like(holds(''), qr/\+1202555 surge/, q{a fixed code is nobody's proof});
};

subtest 'monitor' => sub {
	make_database($node, 'watched', $gateway);
	sql($node, 'postgres', q{ALTER DATABASE watched SET mfa.fraud_guard = monitor});
	forget_sessions();
	my $log = -s $node->logfile;
	sql($node, 'watched', q{SELECT count(mfa_send('+493077712' || n)) FROM generate_series(1000, 1139) n});
	wait_for(sub { sql($node, 'watched', q{SELECT count(*) FROM mfa.message WHERE state = 'sent'}) eq '140' }, 'all to be sent', 30);
	pass('nothing is held back');
	is(sql($node, 'watched', q{SELECT string_agg(prefix || refused, ',') FROM mfa.holds}), '+493077710', 'but listed');
	like(slurp_file($node->logfile, $log), qr/would be held back/, 'and announced');
	is(sql($node, 'watched', q{SELECT mfa_send('+4930777120001') IS NOT NULL}), 't', 'sends are taken');
};

done_testing();
