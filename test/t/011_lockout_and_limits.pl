# What bounds guessing across requests and sending: lock-outs (G10), send limits and destinations (G11);
# and what bounds the tables (G17). Time is moved by moving the past: an administrator's UPDATE of what the
# tables remember.
#
# Without the sum over a recipient's requests, "not ok - the eleventh is not". Without the look at it
# behind the charge, "not ok - four requests at once give no more than one". Without the recipient's
# limit, "not ok - MF001 in the cooldown"; without the shared counters, "not ok - the database's: a rollback
# gives no send back". Without the purge, waiting for it times out.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";

use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
my $node = start_cluster('limits');
make_database($node, 'shop', $gateway);

sub shop { return sql($node, 'shop', @_) }

# (status, retry_after in seconds) of a presented code
sub check
{
	my ($request, $code, $purpose) = @_;
	$purpose //= '';
	return split /\|/, shop("SELECT status, ceil(extract(epoch FROM retry_after))
		FROM mfa_check('$request', '$code', '$purpose')");
}

# As many wrong codes as asked for, over as many requests as that takes; answers the last status.
sub guess
{
	my ($to, $count) = @_;
	my $status;
	for (1 .. $count)
	{
		($status) = check($to, 'guess');
		if ($status =~ /exhausted|not_found/)
		{
			send_code($node, 'shop', $to);
			($status) = check($to, 'guess');
		}
	}
	return $status;
}

# Makes everything that is remembered of wrong codes older.
sub time_passes
{
	my ($interval) = @_;
	shop("UPDATE mfa.request SET attempted_at = attempted_at - interval '$interval' WHERE attempts > 0");
	shop("UPDATE mfa.failure SET attempted_at = attempted_at - interval '$interval'");
	return;
}

subtest 'ten wrong codes lock the recipient, whichever request they were for' => sub {
	my $to = new_number();
	is(guess($to, 9), 'wrong', 'nine wrong codes, in three requests');
	my $last = send_code($node, 'shop', $to);
	is((check($to, 'guess'))[0], 'wrong', 'the tenth is compared');
	my ($status, $wait) = check($to, 'guess');
	is($status, 'locked', 'the eleventh is not');
	cmp_ok($wait, '<=', 60, 'for a minute at most');
	cmp_ok($wait, '>', 50, 'for nearly a minute');

	# Codes of the requests that were used up may not have been delivered at all.
	wait_for_state($node, 'shop', $last, 'sent');
	my $code = MfaGateway::code_in(($gateway->messages($to))[-1]);
	is((check($to, $code))[0], 'locked', 'the right code neither');
	my $id = send_code($node, 'shop', $to, "purpose => 'other'");
	is((check($id, 'guess'))[0], 'not_found', 'another purpose is another request');
	is((check($id, 'guess', 'other'))[0], 'locked', '... of the same recipient');
	is(shop("SELECT attempts FROM mfa.request WHERE id = '$id'"), 0, 'a locked code costs no attempt');
	is(shop("SELECT mfa_verify('$to', '$code')"), 'f', 'mfa_verify says false');

	time_passes('61 seconds');
	is((check($to, $code))[0], 'verified', 'the lock-out has expired: the right code verifies');
	send_code($node, 'shop', $to);
	is(guess($to, 3), 'wrong', 'a right code begins anew');
};

subtest 'lock-outs grow, up to the longest' => sub {
	my $to = new_number();
	my $look = send_code($node, 'shop', $to, "purpose => 'look'"); # while locked, it costs no attempt
	guess($to, 9);
	my @waits;
	for my $failures (10 .. 26)
	{
		is(guess($to, 1), 'wrong', "failure $failures is compared");
		my ($status, $wait) = check($look, 'guess', 'look');
		is($status, 'locked', '... and locks');
		push @waits, $wait;
		time_passes(($wait + 1) . ' seconds');
	}
	my @expected = map { 60 * $_ } (1) x 5, (2) x 5, (4) x 5, (8) x 2;
	is(scalar(grep { $waits[$_] > $expected[$_] || $waits[$_] < $expected[$_] - 5 } 0 .. $#waits), 0,
		'five times each a minute, two, four, eight');
	is(guess($to, 1), 'wrong', 'one more');
	shop("SET mfa.lockout_max = '1min'");
	cmp_ok((check($look, 'guess', 'look'))[1] // 0, '<=', 60, 'never longer than mfa.lockout_max');
	shop('RESET mfa.lockout_max');
};

subtest 'never more than 100 in a row' => sub {
	my $to = new_number();
	my $id = send_code($node, 'shop', $to);
	shop("UPDATE mfa.request SET attempts = 0, max_attempts = 20 WHERE id = '$id'");
	shop("INSERT INTO mfa.failure SELECT recipient_hash, now() - interval '25 hours', 99
		FROM mfa.request WHERE id = '$id'");
	is((check($to, 'guess'))[0], 'wrong', 'the hundredth');
	my ($status, $wait) = check($to, 'guess');
	is($status, 'locked', 'then none');
	cmp_ok($wait, '>', 23 * 3600, 'for the longest time');
	time_passes('25 hours');
	is((check($to, 'guess'))[0], 'wrong', 'which expires, like every one');
	is((check($to, 'guess'))[0], 'wrong', '... and a new streak begins');
};

subtest 'wrong codes outlive their requests' => sub {
	my $to = new_number();
	guess($to, 9);
	shop("UPDATE mfa.request SET expires_at = now() - interval '2 days', created_at = now() - interval '3 days'
		WHERE attempts = max_attempts");
	my $before = shop('SELECT count(*) FROM mfa.failure');
	wait_for_workers($node, 0, 'shop'); # time has passed behind the back of one that is there
	send_code($node, 'shop', $to); # starts one, which purges
	wait_for(sub { shop('SELECT count(*) FROM mfa.failure') >= $before + 3 }, 'the purge');
	is((check($to, 'guess'))[0], 'wrong', 'the tenth is compared');
	is((check($to, 'guess'))[0], 'locked', 'the nine of purged requests count');
};

subtest 'what has ended is erased, and deleted' => sub {
	wait_for_workers($node, 0, 'shop');
	my $id = send_code($node, 'shop', new_number(), "valid_for => '1 s'");
	my $row = "FROM mfa.request WHERE id = '$id'";
	wait_for(sub { shop("SELECT state, code_hash IS NULL, sealed IS NULL $row") eq 'expired|t|t' }, 'its secrets to be erased');
	pass('what could yield the code is erased when it expires');
	wait_for_workers($node, 0, 'shop');
	shop("UPDATE mfa.request SET expires_at = now() - interval '25 hours' WHERE id = '$id'");
	shop("INSERT INTO mfa.failure SELECT recipient_hash, now() - interval '31 days', 1 $row");
	send_code($node, 'shop', new_number());
	wait_for(sub { shop("SELECT count(*) $row") == 0 }, 'the purge');
	is(shop("SELECT count(*) FROM mfa.message WHERE request = '$id'"), 0, 'a day later the request is deleted, and its message');
	wait_for(sub { shop("SELECT count(*) FROM mfa.failure WHERE attempted_at < now() - interval '30 days'") == 0 },
		'old failures to go');
	pass('wrong codes are forgotten after 30 days');
};

subtest 'many sessions at once' => sub {
	# Of forty recipients each, every session presents codes to four requests, all in the same order.
	my $to = q{'+1416555' || lpad(n::text, 4, '0')};
	shop("SELECT count(mfa_send($to, purpose => 'p' || p, max_attempts => 9))
		FROM generate_series(1, 40) n, generate_series(1, 4) p");
	shop('CREATE UNLOGGED TABLE compared (n int)');
	my $present = "INSERT INTO compared SELECT n FROM (SELECT :n AS n) _, generate_series(1, 4) p, "
	  . "mfa_check($to, 'guess', 'p' || p) WHERE status = 'wrong';\n";
	$node->pgbench('-n -c 16 -j 2 -t 40 -D n=0', 0, [qr{processed: 640/640\n}], [qr{^$}], '16 sessions',
		{ guess => '\set n :n % 40 + 1' . "\n$present" }, $node->connstr('shop'));
	# Fewer, where sessions charge in the same moment: each then sees the others' failures, and is refused.
	is(shop('SELECT max(count) FROM (SELECT count(*) FROM compared GROUP BY n) _'), 10,
		'four requests at once give no more than one');
};

subtest 'a recipient\'s send limit' => sub {
	my $to = new_number();
	shop("SET mfa.send_limit = '1/30s, 3/10min'");
	my $id = send_code($node, 'shop', $to);
	psql_fails($node, 'shop', "SET mfa.send_limit = '1/30s'; SELECT mfa_send('$to')", 'MF001', 'MF001 in the cooldown');
	my $age = sub {
		shop("UPDATE mfa.message SET created_at = created_at - interval '31 seconds' WHERE request = '$id'");
	};
	$age->();
	is(send_code($node, 'shop', $to), $id, 'after it, the same request is sent again');
	$age->();
	shop("SELECT mfa_resend('$id')");
	$age->();
	psql_fails($node, 'shop', "SET mfa.send_limit = '1/30s, 3/10min'; SELECT mfa_resend('$id')", 'MF001',
		'resends count, and are limited');
	psql_fails($node, 'shop', "SET mfa.send_limit = '1/30s, 3/10min'; SELECT mfa_send('$to', purpose => 'x')", 'MF001',
		'another purpose does not help');
	shop("BEGIN; SELECT mfa_send('" . new_number() . "'); ROLLBACK");
	my $undone = new_number();
	shop("BEGIN; SELECT mfa_send('$undone'); ROLLBACK");
	ok(send_code($node, 'shop', $undone), 'what was rolled back was not sent');
	shop('RESET mfa.send_limit');
};

subtest 'limits of the database and of a destination' => sub {
	shop("SET mfa.send_limit_database = '3/1h'");
	send_code($node, 'shop', new_number()) for 1 .. 2;
	shop("BEGIN; SELECT mfa_send('" . new_number() . "'); ROLLBACK");
	psql_fails($node, 'shop', "SET mfa.send_limit_database = '3/1h'; SELECT mfa_send('" . new_number() . "')",
		'MF001', 'the database\'s: a rollback gives no send back');
	shop('RESET mfa.send_limit_database');

	shop("SET mfa.send_limit_destination = '1/1h'");
	ok(send_code($node, 'shop', '+4930123450'), 'one to a country');
	psql_fails($node, 'shop', "SET mfa.send_limit_destination = '1/1h'; SELECT mfa_send('+4930123451')",
		'MF001', 'the destination\'s');
	ok(send_code($node, 'shop', '+4315123450'), 'another country is another destination');
	shop('RESET mfa.send_limit_destination');
	shop("INSERT INTO mfa.route (prefix, send_limit) VALUES ('+331', '1/1h')");
	ok(send_code($node, 'shop', '+33123456780'), 'one on a route');
	psql_fails($node, 'shop', "SELECT mfa_send('+33123456781')", 'MF001', 'the route\'s own limit');
	shop('DELETE FROM mfa.route');
};

subtest 'destinations' => sub {
	shop("INSERT INTO mfa.route (prefix, allow) VALUES ('+', false), ('+1', true), ('+1900', false), ('+19005', true)");
	psql_fails($node, 'shop', "SELECT mfa_send('+4930123456')", 'MF002', 'the shortest prefix is for all');
	ok(send_code($node, 'shop', '+14155550199'), 'a longer one decides');
	psql_fails($node, 'shop', "SELECT mfa_send('+19004567890')", 'MF002', 'a longer one still');
	ok(send_code($node, 'shop', '+19005567890'), 'and the longest');
	ok(send_code($node, 'shop', '+18995567890'), 'a neighbour in the index is no prefix');
	shop('DELETE FROM mfa.route');
	shop("CREATE SERVER other FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (base_url '" . $gateway->base_url . "', sender '+15550199')");
	shop("CREATE USER MAPPING FOR PUBLIC SERVER other OPTIONS (project_id '"
		  . MfaGateway::PROJECT . "', api_token '" . MfaGateway::TOKEN . "')");
	shop("INSERT INTO mfa.route (prefix, providers) VALUES ('+44', '{other}')");
	send_code($node, 'shop', '+442079460123');
	is($gateway->message_for('+442079460123')->{from}, '+15550199', 'a route names the providers');
	psql_fails($node, 'shop', "INSERT INTO mfa.route (prefix) VALUES ('0044')", '23514', 'a prefix has the form of a number');
};

done_testing();
