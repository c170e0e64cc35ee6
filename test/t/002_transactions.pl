# What belongs to the caller's transaction, and what outlives it. What was taken out, and how it was seen:
#
# G1: without the wake at commit, no message comes ("committed: delivered" times out); with a wake before
# the commit instead, none to "committed late"; with rows that are visible before their transaction
# commits, "not ok - rolled back: nothing".
# G2: with an ordinary UPDATE of the counter, "not ok - all four are counted", got 0.
# G3: with a count that is read before the page is locked, or a charge behind the comparison, "not ok -
# exactly as many comparisons as attempts", got 8 or 9 of 7.
# G4: with the result of the update that ends a request ignored, "not ok - every one is accepted once".
# G5: with the end written in place, or the charge given back, "not ok - its attempt is counted".
# G6: with the transaction's snapshot, "not ok - counted" of an old snapshot.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $gateway = start_gateway();
my $node = start_cluster('main');
make_database($node, 'shop', $gateway);

sub shop { return sql($node, 'shop', $_[0]) }
sub verify { my ($request, $code) = @_; return shop("SELECT mfa_verify('$request', '$code')") }
sub attempts { return shop("SELECT attempts FROM mfa.request WHERE id = '$_[0]'") }

# A request with its code: the usual start.
sub sent
{
	my ($arguments) = @_;
	my $to = new_number();
	my $id = send_code($node, 'shop', $to, $arguments);
	return ($id, $gateway->code_for($to), $to);
}
sub wrong { return $_[0] =~ tr/0-9/1-90/r }

# Nothing has come to a number. A message to another one, sent later, has: so nothing more is to come.
sub nothing_for
{
	my ($to, $name) = @_;
	sent();
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(scalar(grep { ($_->{to} // '') eq $to } $gateway->requests), 0, $name);
	return;
}

subtest 'the send is the transaction\'s' => sub {
	my $to = new_number();
	shop("BEGIN; SELECT mfa_send('$to')");
	is(scalar $gateway->messages($to), 0, 'nothing before the commit');
	shop('ROLLBACK');
	nothing_for($to, 'rolled back: nothing');

	shop("BEGIN; SELECT mfa_send('$to'); COMMIT");
	ok($gateway->code_for($to), 'committed: delivered');

	# Whatever looked for it before the commit has given up.
	my $late = new_number();
	shop("BEGIN; SELECT mfa_send('$late')");
	sleep 0.5;
	wait_for_workers($node, 0);
	shop('COMMIT');
	ok($gateway->code_for($late), 'committed late: delivered');

	my ($kept, $released, $undone) = map { new_number() } 1 .. 3;
	shop("BEGIN; SELECT mfa_send('$kept');
		SAVEPOINT a; SELECT mfa_send('$released'); RELEASE a;
		SAVEPOINT b; SELECT mfa_send('$undone'); ROLLBACK TO b; COMMIT");
	ok($gateway->code_for($_), 'outside of what was undone: delivered') for $kept, $released;
	nothing_for($undone, 'rolled back to a savepoint: nothing');

	($kept, $undone) = map { new_number() } 1 .. 2;
	shop("DO \$\$ BEGIN
		PERFORM mfa_send('$kept');
		BEGIN PERFORM mfa_send('$undone'); RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END;
	END \$\$");
	ok($gateway->code_for($kept), 'before an exception block: delivered');
	nothing_for($undone, 'undone by an exception block: nothing');

	($kept, $undone) = map { new_number() } 1 .. 2;
	shop("CREATE PROCEDURE two() LANGUAGE plpgsql AS \$\$ BEGIN
		PERFORM mfa_send('$kept'); COMMIT; PERFORM mfa_send('$undone'); ROLLBACK;
	END \$\$");
	shop('CALL two()');
	ok($gateway->code_for($kept), 'committed in a procedure: delivered');
	nothing_for($undone, 'rolled back in a procedure: nothing');
};

subtest 'a new code that is rolled back leaves the old one' => sub {
	my ($id, $code, $to) = sent();
	shop("BEGIN; SET LOCAL mfa.resend = 'new'; SELECT mfa_send('$to'); ROLLBACK");
	is(verify($to, $code), 't', 'the old code is live');
};

subtest 'attempts outlive a rollback' => sub {
	my ($id, $code) = sent('max_attempts => 4');
	my $guess = "SELECT mfa_verify('$id', '" . wrong($code) . "')";
	is(shop("BEGIN; $guess; ROLLBACK"), 'f', 'rolled back');
	is(shop("BEGIN; SAVEPOINT a; $guess; ROLLBACK TO a; COMMIT"), 'f', 'rolled back to a savepoint');
	shop("DO \$\$ BEGIN IF NOT mfa_verify('$id', '" . wrong($code) . "') THEN RAISE 'wrong'; END IF;
		EXCEPTION WHEN OTHERS THEN NULL; END \$\$");
	is(shop("BEGIN; $guess; PREPARE TRANSACTION 'guess'; ROLLBACK PREPARED 'guess'"), 'f', 'rolled back when prepared');
	is(attempts($id), 4, 'all four are counted');
	is(verify($id, $code), 'f', 'the right code is too late');
};

subtest 'acceptance is the transaction\'s' => sub {
	my ($id, $code) = sent();
	is(shop("BEGIN; SELECT mfa_verify('$id', '$code'); ROLLBACK"), 't', 'accepted, rolled back');
	is(attempts($id), 1, 'its attempt is counted');
	is(shop("BEGIN; SELECT mfa_verify('$id', '$code'); SELECT mfa_verify('$id', '$code'); ROLLBACK"),
		"t\nf", 'once within a transaction');
	is(verify($id, $code), 't', 'the code is usable');
	is(verify($id, $code), 'f', '... once');
};

subtest 'prepared transactions' => sub {
	# No other send makes a worker look.
	my $alone = new_number();
	wait_for_workers($node, 0);
	shop("BEGIN; SELECT mfa_send('$alone'); PREPARE TRANSACTION 'alone'");
	shop("COMMIT PREPARED 'alone'");
	ok($gateway->code_for($alone), 'nothing but prepared and committed: delivered');

	my ($commit, $rollback, $outlive) = map { new_number() } 1 .. 3;
	shop("BEGIN; SELECT mfa_send('$commit'); PREPARE TRANSACTION 'commit'");
	shop("BEGIN; SELECT mfa_send('$rollback'); PREPARE TRANSACTION 'rollback'");
	shop("BEGIN; SELECT mfa_send('$outlive'); PREPARE TRANSACTION 'outlive'");
	nothing_for($commit, 'prepared: nothing');
	shop("COMMIT PREPARED 'commit'");
	shop("ROLLBACK PREPARED 'rollback'");
	my $code = $gateway->code_for($commit);
	is(verify($commit, $code), 't', 'committed: delivered, and verifies');

	my ($id, $right) = sent();
	shop("BEGIN; SELECT mfa_verify('$id', '$right'); PREPARE TRANSACTION 'verify'");
	shop("ROLLBACK PREPARED 'verify'");
	is(shop("BEGIN; SELECT mfa_verify('$id', '$right'); PREPARE TRANSACTION 'verify'"), 't', 'rolled back: usable');
	shop("COMMIT PREPARED 'verify'");
	is(verify($id, $right), 'f', 'committed: used');

	forget_sessions($node);
	$node->restart;
	nothing_for($outlive, 'prepared before a restart: nothing');
	shop("COMMIT PREPARED 'outlive'");
	ok($gateway->code_for($outlive), 'committed after it: delivered');
	nothing_for($rollback, 'rolled back: nothing, for ever');
};

# The snapshot of these is older than the code.
for my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	subtest "an old snapshot, $level" => sub {
		my $old = $node->background_psql('shop');
		$old->query_safe("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM pg_class");
		my ($id, $code, $to) = sent();
		is($old->query_safe("SELECT mfa_verify('$id', '" . wrong($code) . "')"), 'f', 'wrong code');
		is(attempts($id), 1, 'counted');
		is($old->query_safe("SELECT mfa_verify('$to', '$code')"), 't', 'right code');
		$old->query_safe('COMMIT');
		is(verify($id, $code), 'f', 'used');

		$to = new_number();
		$old->query_safe("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM pg_class");
		my $first = send_code($node, 'shop', $to);
		# A copy that still waits when the next is asked for would be dropped for it.
		my $code_sent = $gateway->code_for($to);
		is($old->query_safe("SELECT mfa_send('$to')"), $first, 'mfa_send sees the live request too');
		$old->query_safe('COMMIT');
		is($gateway->code_for($to, 2), $code_sent, 'the same code twice');
		$old->quit;
	};
}

# pgbench(name, clients, transactions each, scripts by name, options): all must succeed.
sub pgbench
{
	my ($name, $clients, $transactions, $scripts, $options) = @_;
	my $all = $clients * $transactions;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$node->pgbench("-n -c $clients -j 2 -t $transactions $options", 0,
		[qr{processed: $all/$all\n}], [qr{^$}], $name, $scripts, $node->connstr('shop'));
	return;
}

subtest 'many at once guess one code' => sub {
	my ($id, $code) = sent('max_attempts => 7');
	shop('CREATE UNLOGGED TABLE answer (status text)');
	pgbench('64 sessions', 64, 4,
		{ guess => "INSERT INTO answer SELECT status FROM mfa_check('$id', '" . wrong($code) . "');\n" }, '');
	is(shop("SELECT string_agg(status || ' ' || count, ', ' ORDER BY status DESC)
			FROM (SELECT status, count(*) FROM answer GROUP BY status) _"),
		'wrong 7, exhausted 249', 'exactly as many comparisons as attempts');
	is(attempts($id), 7, 'counted');
	is(verify($id, $code), 'f', 'the right code is too late');
};

subtest 'many at once present the right code' => sub {
	shop('CREATE UNLOGGED TABLE accepted (n int); CREATE TABLE request (n int PRIMARY KEY, id uuid, code text)');
	for my $n (1 .. 12)
	{
		my ($id, $code) = sent('max_attempts => 20');
		shop("INSERT INTO request VALUES ($n, '$id', '$code')");
	}
	# All clients go through all requests in the same order; two of three roll back what they were told.
	# No more than eight, for ten charges that are rolled back lock the recipient.
	my $present = '\set n :n % 12 + 1' . "\nBEGIN;\n"
	  . "INSERT INTO accepted SELECT n FROM request WHERE n = :n AND mfa_verify(id, code);\n";
	pgbench('8 sessions', 8, 12,
		{ 'commit@1' => "${present}COMMIT;\n", 'rollback@2' => "${present}ROLLBACK;\n" }, '-D n=0');
	shop('INSERT INTO accepted SELECT n FROM request WHERE mfa_verify(id, code)');
	is(shop('SELECT string_agg(n::text, $$ $$ ORDER BY n) FROM accepted'), join(' ', 1 .. 12),
		'every one is accepted once');
};

check_log($node, 'nothing in the log to worry about');
done_testing();
