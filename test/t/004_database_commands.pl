# Commands on databases and on the extension while a worker is connected and its provider hangs (G15).
#
# Without the worker's look at whether somebody wants its database, "not ok - CREATE DATABASE copy
# TEMPLATE shop": it is being accessed by other users. Without its look at whether the extension is there,
# the log has errors about relations that are not. The extension's lock itself is not seen: without it, a
# worker that is between two statements of a transaction would have to be met. Without its leaving soon
# after the last message, "not ok - CREATE DATABASE idle TEMPLATE shop". If it kept what it knows of the
# extension whatever happens to that, "not ok - nothing in the log that was not asked for".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $gateway = start_gateway();
my $node = start_cluster('main');
make_database($node, 'shop', $gateway);
$node->safe_psql('postgres', 'CREATE DATABASE other');

# A message to a provider that hangs, from a worker of that database. Hanging ends with the fault's rule.
sub hang
{
	my ($database) = @_;
	$gateway->fault('*', { hang => 'after_read' });
	my $before = $gateway->call(GET => 'stats')->{in_flight};
	my $to = new_number();
	send_code($node, $database, $to);
	forget_sessions($node);
	wait_for(sub { $gateway->call(GET => 'stats')->{in_flight} > $before }, 'a message in flight');
	return $to;
}

sub still_works
{
	my ($database, $name) = @_;
	$gateway->faults;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	works($node, $database, $gateway, $name);
	forget_sessions($node);
	return;
}

# A command that nobody but mfa could be in the way of; within the 5 s that PostgreSQL waits itself.
sub succeeds
{
	my ($command, $database) = @_;
	local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
	my $start = time;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $status = $node->psql($database // 'postgres', $command, stderr => \my $error);
	is("$status $error", '0 ', $command);
	cmp_ok(time - $start, '<', 6, '... at once, or nearly');
	return;
}

hang('shop');
succeeds('DROP DATABASE other');

my $to = hang('shop');
succeeds('CREATE DATABASE copy TEMPLATE shop');
$node->safe_psql('postgres', "ALTER DATABASE copy SET mfa.provider = 'signalwire'");
still_works('copy', 'the copy sends and verifies');
ok($gateway->code_for($to), 'the message in flight is delivered from the original');

# A worker that has nothing to do any more, and stays for a moment.
still_works('shop', 'the original, too');
is(scalar worker_pids($node, 'shop'), 1, 'its worker is still there');
succeeds('CREATE DATABASE idle TEMPLATE shop');
$node->safe_psql('postgres', "ALTER DATABASE idle SET mfa.provider = 'signalwire'");
still_works('idle', 'the copy works');
is(scalar worker_pids($node, 'idle'), 1, 'its worker is still there');
succeeds('DROP DATABASE idle');

$to = hang('shop');
succeeds('ALTER DATABASE shop RENAME TO store');
$gateway->faults;
ok($gateway->code_for($to), 'the message in flight is delivered');
still_works('store', 'the renamed database sends and verifies');

my $tablespace = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$tablespace'");
$to = hang('store');
succeeds('ALTER DATABASE store SET TABLESPACE space');
$gateway->faults;
ok($gateway->code_for($to), 'the message in flight is delivered');
still_works('store', 'the moved database sends and verifies');

hang('store');
succeeds('DROP EXTENSION mfa CASCADE', 'store');
succeeds('CREATE EXTENSION mfa', 'store');
configure_provider($node, 'store', $gateway);
still_works('store', 'a new extension sends and verifies');

# Another owner, and the last one dropped, under a worker that has written as that one.
$node->safe_psql('postgres', 'CREATE DATABASE handed');
$node->safe_psql('postgres', 'CREATE ROLE founder SUPERUSER');
$node->safe_psql('handed', 'SET ROLE founder; CREATE EXTENSION mfa');
configure_provider($node, 'handed', $gateway);
still_works('handed', 'an extension of somebody else sends and verifies');
my ($worker) = worker_pids($node, 'handed');
succeeds('REASSIGN OWNED BY founder TO CURRENT_USER', 'handed');
succeeds('DROP ROLE founder');
still_works('handed', 'a message is delivered for the new owner');
is(join(' ', worker_pids($node, 'handed')), $worker, '... by the same worker');
succeeds('DROP DATABASE handed');

# The server's role and limits are the dump's; what was live is not in it.
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$to = hang('store');
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('store') ], 'pg_dump');
unlike(slurp_file($dump), qr/COPY mfa\.(?:request|message|failure)/, 'holds no codes');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restore');
$node->safe_psql('postgres', "ALTER DATABASE restored SET mfa.provider = 'signalwire'");
still_works('restored', 'the restored database sends and verifies');

# A template database, as by which administrators give the extension to every new database.
$node->safe_psql('template1', 'CREATE EXTENSION mfa');
$node->safe_psql('postgres', 'CREATE DATABASE templated');
configure_provider($node, 'templated', $gateway);
still_works('templated', 'a database from a template with the extension sends and verifies');
$node->safe_psql('postgres', 'ALTER DATABASE templated IS_TEMPLATE true');
succeeds('CREATE DATABASE again TEMPLATE templated');

hang('copy');
succeeds('DROP DATABASE copy');
hang('store');
succeeds('DROP DATABASE store WITH (FORCE)');

# What is not there any more has messages and expiries that were due. Nothing is looked for then.
$gateway->fault('*', { status => 503 });
send_code($node, 'restored', new_number(), "valid_for => '3 s'");
forget_sessions($node);
wait_for_workers($node, 0, 'restored');
forget_sessions($node);
succeeds('DROP DATABASE restored');
still_works('templated', 'other databases go on');
sleep 4;
check_log($node, 'nothing in the log that was not asked for', 0,
	qr/terminating background worker .* due to administrator command/);
done_testing();
