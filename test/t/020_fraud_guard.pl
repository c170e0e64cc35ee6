# The guard against pumped traffic, from mfa_send to the gateway. What it decides by is tested with the
# core; here, that it is asked, obeyed, announced and lifted. (003 waits until requests are old enough to be
# judged.)
#
# Without the worker's question: "not ok - what is queued stays here". Without mfa_send's: "not ok - no more
# are taken". Without the count in mfa_verify: "not ok - honest numbers are not held". Without the look at
# what a recipient has verified: dies at "who has verified lately". Without the one at fixed codes: "not ok -
# a fixed code is nobody's proof".

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

# `count` new numbers of a block.
sub send_many
{
	my ($prefix, $from, $count) = @_;
	shop("SELECT count(mfa_send('$prefix' || n)) FROM generate_series($from, $from + $count - 1) n");
	settled();
	return;
}

sub sent_to
{
	my ($prefix) = @_;
	return scalar grep { $_->{to} =~ /^\Q$prefix/ } $gateway->messages;
}

subtest 'codes that are verified' => sub {
	send_many('+1617888', 1000, 60);
	for my $n (1000 .. 1049)
	{
		my $to = "+1617888$n";
		my $request = $n % 2 ? $to : shop("SELECT request FROM mfa.message WHERE message_id = '" . $gateway->message_for($to)->{sid} . "'");
		is(shop("SELECT mfa_verify('$request', '" . $gateway->code_for($to) . "')"), 't', "code of $to");
	}
	send_many('+1617888', 2000, 80);
	is(holds(''), '', 'honest numbers are not held');
};

my $log = -s $node->logfile;
subtest 'codes that nobody types' => sub {
	my $listener = $node->background_psql('shop', on_error_stop => 1, timeout => 60);
	$listener->query_safe('LISTEN mfa_guard');
	send_many('+1415777', 1000, 140);
	is(holds(", verified || ' of ' || requests, date_trunc('second', held_until - held_since)"), '+1415777 surge 0 of 101 00:02:00', 'are held back');
	is(sent_to('+1415777'), 100, 'what is queued stays here');
	is(shop(q{SELECT string_agg(DISTINCT state || ': ' || error, ', ') FROM mfa.message WHERE state = 'failed'}),
		'failed: held back by the fraud guard', '... and says why');
	is(shop(q{SELECT count(*) || ' ' || (SELECT refused FROM mfa.holds) FROM mfa.message WHERE state = 'failed'}), '40 40', '... and is counted');
	is(shop(q{SELECT refused FROM mfa.stat_provider}), '0', q{... as no answer of the provider's});
	psql_fails($node, 'shop', q{SELECT mfa_send('+14157770999')}, 'MF004', 'no more are taken');
	$node->psql('shop', q{SELECT mfa_send('+14157770999')}, stderr => \my $error);
	like($error, qr/under \+1415777 are held back.*\n.*again in \d{2,3} seconds.*\n.*mfa_lift_hold/s, '... and it says what to do');
	is(shop(q{SELECT mfa_send('+14157780999') IS NOT NULL}), 't', 'neighbours get theirs');
	like(slurp_file($node->logfile, $log), qr/mfa fraud guard: numbers under \+1415777 are held back for 120 s.*\n.*101 requests came within two minutes/, 'the log says so');
	my $heard = $listener->query('SELECT 1');
	like($heard, qr/"mfa_guard" with payload "\{"prefix": "\+1415777", "reason": "surge", "seconds": 120, "requests": 101, "verified": 0, "enforced": true\}"/, 'and NOTIFY');
	$listener->quit;
	check_log($node, 'nothing else', $log, qr{held back});
};

subtest 'ways out' => sub {
	is(shop(q{SELECT mfa_lift_hold('+1415')}), 'f', 'what is not held cannot be lifted');
	is(shop(q{SELECT mfa_lift_hold('+1415777')}), 't', 'lifted by hand');
	is(holds(''), '', 'nothing is held');
	is(shop(q{SELECT mfa_send('+14157770999') IS NOT NULL}), 't', 'and a code is sent');
	settled();
	is(shop(q{SELECT mfa_verify('+14157770999', '} . $gateway->code_for('+14157770999') . q{')}), 't', '... and arrives');
	send_many('+1415777', 3000, 140);
	is(holds(''), '+1415777 surge', 'held again');
	is(shop(q{SELECT mfa_send('+14157770999') IS NOT NULL}), 't', 'who has verified lately gets a code');
	settled();
	is(shop(q{SELECT state FROM mfa.message ORDER BY created_at DESC LIMIT 1}), 'sent', '... that leaves');
	shop(q{INSERT INTO mfa.route (prefix, guarded) VALUES ('+1415', false)});
	is(shop(q{SELECT mfa_send('+14157770998') IS NOT NULL}), 't', 'an exempt destination gets codes');
	settled();
	is(shop(q{SELECT state FROM mfa.message ORDER BY created_at DESC LIMIT 1}), 'sent', '... that leave');
	send_many('+1415666', 1000, 140);
	is(holds(''), '+1415777 surge', '... and is not judged');
	shop(q{DELETE FROM mfa.route});
	psql_fails($node, 'shop', q{SELECT mfa_send('+14157770997')}, 'MF004', 'held again without it');
	psql_fails($node, 'shop', q{SET mfa.fraud_guard = off; SET ROLE pg_monitor; SELECT mfa_lift_hold('+1415777')}, '42501', 'not everybody may lift');
	is(shop(q{SET mfa.fraud_guard = off; SELECT mfa_send('+14157770996') IS NOT NULL}), 't', 'it can be switched off');
	shop('RESET mfa.fraud_guard');
};

subtest 'what is no sign of fraud, and what is no sign of honesty' => sub {
	# What nobody could verify yet, for it has waited.
	$gateway->fault('+1212555*', { status => 503 });
	shop(q{SELECT count(mfa_send('+1212555' || n)) FROM generate_series(1000, 1139) n});
	shop(q{UPDATE mfa.message SET created_at = created_at - interval '3 min', tries = 0, state = 'queued', due_at = now() WHERE state <> 'sent' AND destination = '+1'});
	$gateway->faults();
	settled();
	unlike(holds(''), qr/\+1212555/, 'a backlog');
	# A server that can't be used is no way round.
	shop(q{CREATE SERVER bare FOREIGN DATA WRAPPER mfa_telnyx OPTIONS (sender '+15550100'); CREATE USER MAPPING FOR PUBLIC SERVER bare OPTIONS (api_key_file '/nowhere/at/all'); SET mfa.provider = 'bare, signalwire'});
	send_many('+1312555', 1000, 140);
	like(holds(''), qr/\+1312555 surge/, 'a first provider that cannot be used hides nothing');
	shop(q{RESET mfa.provider; INSERT INTO mfa.test_recipient (recipient, code) VALUES ('+12025550100', '424242')});
	send_many('+1202555', 9999, 1);
	for (1 .. 50)
	{
		shop(q{SELECT mfa_send('+12025550100')});
		shop(q{SELECT mfa_verify('+12025550100', '424242')});
	}
	send_many('+1202555', 1000, 140);
	like(holds(''), qr/\+1202555 surge/, q{a fixed code is nobody's proof});
	# A right code is right, whatever the guard can find out.
	my $id = shop(q{SELECT mfa_send('+16465550001')});
	my $code = $gateway->code_for('+16465550001');
	shop("UPDATE mfa.request SET sealed = '\\x00' WHERE id = '$id'");
	is(shop("SELECT mfa_verify('$id', '$code')"), 't', 'a code is right although the recipient cannot be found out');
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
