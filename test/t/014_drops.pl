# What a message needs goes away or changes while it waits or is in flight: the extension's version, its
# provider, the roles that own these or that sent it (G15).
#
# With a lock on mfa.message that the worker keeps over a request, ALTER EXTENSION UPDATE is not "at once".
# With the error of a provider that is gone thrown instead of written down, DROP SERVER ends in "timed out
# waiting for message … to be sent|failed".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $gateway = start_gateway();
my $node = start_cluster('main', 'mfa.unknown_retries' => 10);
make_database($node, 'shop', $gateway, timeout => '3 s');
$node->safe_psql('postgres', 'CREATE ROLE operator SUPERUSER; CREATE ROLE app');
grant();

sub grant
{
	return $node->safe_psql('shop', 'GRANT EXECUTE ON FUNCTION mfa_send TO app; GRANT USAGE ON FOREIGN SERVER signalwire TO app');
}

# Two messages of a role: one for a later try, one in flight.
sub send_two
{
	my ($role) = @_;
	my @to = map { new_number() } 1 .. 2;
	$gateway->faults(
		{ match => { to => $to[0] }, action => { status => 503 } },
		{ match => { to => $to[1] }, action => { hang => 'after_read' } });
	sql($node, 'shop', "SET ROLE $role");
	my @ids = map { send_code($node, 'shop', $_) } @to;
	sql($node, 'shop', 'RESET ROLE');
	wait_for(sub { message_row($node, 'shop', $ids[0])->{error} }, 'a first try');
	wait_for(sub { $gateway->call(GET => 'stats')->{in_flight} }, 'a message in flight');
	return @ids;
}

# A command that nobody but mfa could be in the way of.
sub succeeds
{
	my ($command) = @_;
	local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
	my $start = time;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $status = $node->psql('shop', $command, stderr => \my $error, timeout => 30);
	is("$status $error", '0 ', $command);
	cmp_ok(time - $start, '<', 3, '... at once');
	return;
}

# What became of them, as mfa_status tells it.
sub fates
{
	my @ids = @_;
	$gateway->faults;
	return map {
		wait_for_state($node, 'shop', $_, 'sent|failed');
		sql($node, 'shop', "SELECT state, provider, delivery, error FROM mfa_status('$_')");
	} @ids;
}

my $sent = 'live|signalwire|sent|';
my $gone = 'live|signalwire|failed|provider "signalwire" does not exist';

# Version 1.1 of this test's own, whose script needs the worker's tables for itself.
subtest 'ALTER EXTENSION UPDATE' => sub {
	my $folder = $node->config_data('--sharedir') . '/extension';
	my $script = "$folder/mfa--1.0--1.1.sql";
	plan skip_all => "cannot put an update script into $folder" unless -w $folder && !-e $script;
	append_to_file($script, "LOCK TABLE mfa.message, mfa.request;\nALTER TABLE mfa.message SET (fillfactor = 75);\n");
	my @ids = send_two('app');
	succeeds("ALTER EXTENSION mfa UPDATE TO '1.1'");
	unlink $script;
	is(sql($node, 'shop', "SELECT extversion FROM pg_extension WHERE extname = 'mfa'"), '1.1', 'the version is new');
	is($_, $sent, 'delivered') for fates(@ids);
	works($node, 'shop', $gateway, 'the new version sends and verifies');
};

subtest 'DROP SERVER' => sub {
	my @ids = send_two('app');
	succeeds('DROP SERVER signalwire CASCADE');
	is($_, $gone, 'failed, and why') for fates(@ids);
	configure_provider($node, 'shop', $gateway, timeout => '3 s');
	works($node, 'shop', $gateway, 'with a server again, others are sent');
};

subtest 'DROP OWNED BY the owner of the server' => sub {
	grant();
	sql($node, 'shop', 'ALTER SERVER signalwire OWNER TO operator');
	my @ids = send_two('app');
	succeeds('DROP OWNED BY operator CASCADE');
	is($_, $gone, 'failed, and why') for fates(@ids);
	configure_provider($node, 'shop', $gateway, timeout => '3 s');
	works($node, 'shop', $gateway, 'with a server again, others are sent');
};

# The right to send was used when it sent. The credentials are those of PUBLIC, as long as it has none.
subtest 'DROP OWNED BY the role that sent' => sub {
	grant();
	my @ids = send_two('app');
	succeeds('DROP OWNED BY app; DROP ROLE app');
	is($_, $sent, 'delivered') for fates(@ids);
	works($node, 'shop', $gateway, 'others are sent');
};

subtest 'DROP OWNED BY the role whose credentials there are' => sub {
	sql($node, 'shop', 'CREATE ROLE app');
	grant();
	sql($node, 'shop', sprintf q{CREATE USER MAPPING FOR app SERVER signalwire OPTIONS (project_id '%s', api_token '%s');
		DROP USER MAPPING FOR PUBLIC SERVER signalwire}, MfaGateway::PROJECT, MfaGateway::TOKEN);
	my @ids = send_two('app');
	succeeds('DROP OWNED BY app');
	like($_, qr/^live\|signalwire\|failed\|.*(?:project_id|api_token)/, 'failed, and why') for fates(@ids);
};

check_log($node, 'nothing in the log', 0);
done_testing();
