# What mfa does to databases that it has nothing to deliver for: nothing. No connection, no query, no wake-up
# (G15); also for those that are closed to connections, or templates.
#
# Without the launcher's look at datallowconn, the log has "is not currently accepting connections"; without
# that at datistemplate, "not ok - ... no transaction in template1". Without the second look at a database
# that was closed, its message never comes. With a launcher that wakes each second, "not ok - the launcher
# sleeps"; with a worker that stays, "timed out waiting for 0 delivery workers".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $gateway = start_gateway();
# Autovacuum is one that connects to every database, too.
my $node = start_cluster('main', autovacuum => 'off', 'mfa.provider' => 'signalwire');
make_database($node, 'shop', $gateway);
$node->safe_psql('template1', 'CREATE EXTENSION mfa');
$node->safe_psql('postgres', 'CREATE DATABASE pattern TEMPLATE shop IS_TEMPLATE true');
$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE shop") for qw(closed last);

# Transactions that have ever been in a database, ended either way. Workers report theirs before they leave.
sub transactions
{
	my ($database) = @_;
	return sql($node, 'postgres', "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '$database'");
}

sub quiet
{
	wait_for_workers($node, 0);
	return;
}

subtest 'a database is closed while a message waits' => sub {
	$gateway->fault('*', { status => 503 });
	my $to = new_number();
	my $id = send_code($node, 'closed', $to);
	wait_for(sub { message_row($node, 'closed', $id)->{tries} > 2 }, 'three tries');
	forget_sessions($node);
	my $offset = -s $node->logfile;
	$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS false');
	quiet();
	my $before = transactions('closed');
	sleep 5;    # the next tries would be 4 s and 8 s after the one before
	is(transactions('closed'), $before, 'no transaction there');
	check_log($node, 'nothing in the log', $offset);
	$gateway->faults;
	$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS true');
	ok($gateway->code_for($to), 'open again: it is delivered');
	wait_for_state($node, 'closed', $id, 'sent');
	forget_sessions($node);
	$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS false');
};

subtest 'server start' => sub {
	quiet();
	my @untouched = qw(template0 template1 pattern closed);
	my %before = map { $_ => transactions($_) } @untouched, 'shop', 'last';
	my $offset = -s $node->logfile;
	forget_sessions($node);
	$node->restart;
	wait_for(sub { transactions('shop') > $before{shop} && transactions('last') > $before{last} },
		'databases to be looked into');
	quiet();
	is(transactions($_), $before{$_}, "... no transaction in $_") for @untouched;
	check_log($node, 'nothing in the log', $offset);
	works($node, 'shop', $gateway, 'a database works');
};

sub context_switches
{
	my ($pid) = @_;
	return join ', ', slurp_file("/proc/$pid/status") =~ /^((?:non)?voluntary_ctxt_switches:\s+\d+)$/mg;
}

subtest 'idle' => sub {
	my $launcher = sql($node, 'postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'mfa launcher'");
	sql($node, 'shop', 'SELECT 1');
	forget_sessions($node);
	quiet();
	wait_for(sub { context_switches($launcher) eq do { sleep 0.5; context_switches($launcher) } }, 'the launcher to sleep');
	my @before = (map({ transactions($_) } qw(shop last template1)), context_switches($launcher));
	for (1 .. 5)
	{
		sleep 0.7;
		is(sql($node, 'postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname <> 'postgres'"), 0,
			'no process is connected to a database')
		  or last;
	}
	my @after = (map({ transactions($_) } qw(shop last template1)), context_switches($launcher));
	is_deeply([ @after[ 0 .. 2 ] ], [ @before[ 0 .. 2 ] ], 'no transaction');
	is($after[3], $before[3], 'the launcher sleeps');
	is(sql($node, 'postgres', "SELECT datname IS NULL AND backend_xid IS NULL AND backend_xmin IS NULL AND xact_start IS NULL
		FROM pg_stat_activity WHERE pid = $launcher"), 't', 'without a database, a transaction or a snapshot');
	works($node, 'shop', $gateway, 'mfa is there when it is needed');
};

check_log($node, 'nothing in the log');
done_testing();
