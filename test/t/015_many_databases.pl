# More databases that send at once than there are workers, or even slots for these (G15): all messages are
# delivered, and the log is told once.
#
# Without the launcher's memory of what it has said, "not ok - one line in the log". Without its look at a
# slot that a worker frees, "timed out waiting for a message from each database": they sit out pauses of up
# to a minute.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $gateway = start_gateway();
# mfa's launcher and that of logical replication take two slots: one is left.
my $node = start_cluster('main', max_worker_processes => 3, 'mfa.max_workers' => 2, autovacuum => 'off',
	'mfa.provider' => 'signalwire');
make_database($node, 'shop', $gateway);
my @databases = map { "shop_$_" } 1 .. 20;
$node->safe_psql('postgres', join '', map { "CREATE DATABASE $_ TEMPLATE shop;\n" } @databases);

wait_for_workers($node, 0);
my $offset = -s $node->logfile;
my $start = time;
my %to = map { $_ => new_number() } @databases;
$node->safe_psql('postgres', join '', map { "\\c $_\nSELECT mfa_send('$to{$_}');\n" } @databases);

my %missing = reverse %to;
my $most = 0;
wait_for(
	sub {
		delete $missing{ $_->{to} } for $gateway->messages;
		my $workers = worker_pids($node);
		$most = $workers if $workers > $most;
		sleep 0.3;
		return !%missing;
	},
	'a message from each database', 120);
note sprintf '20 databases with one worker slot: %.1f s', time - $start;
is($most, 1, 'one worker at a time');

my $log = substr slurp_file($node->logfile), $offset;
is(scalar(() = $log =~ /LOG: .*all background worker slots are taken/g), 1, 'one line in the log');
like($log, qr/HINT: .*max_worker_processes, now 3; messages wait meanwhile/, 'with a hint');
is(scalar(() = $log =~ / (?:LOG|WARNING|ERROR|FATAL|PANIC): /g), 1, 'and no other') or diag $log;
done_testing();
