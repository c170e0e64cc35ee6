# What the tests of this folder share: servers with mfa preloaded, databases with a provider that is the
# mock gateway, and short ways to ask both. Every wait is bounded.
package MfaTest;

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);
use MfaGateway;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(
  start_cluster start_gateway make_database make_inbox_database configure_provider sql forget_sessions psql_fails new_number
  send_code message_row wait_for_state wait_for_workers wait_for worker_pids works check_log);

*wait_for = \&MfaGateway::wait_for;

# Its notes are a page of the log for each query.
{
	no warnings 'redefine';
	*PostgreSQL::Test::BackgroundPsql::note = sub { };
}

my @nodes;
my @gateways;
my %sessions;

sub start_gateway
{
	my $gateway = MfaGateway->start(@_);
	push @gateways, $gateway;
	return $gateway;
}

END
{
	local $?;
	eval { forget_sessions() };
	$_->stop for @gateways;
	# Not by the immediate shutdown that is to come, in which nothing is counted (script/check coverage).
	if ($ENV{COVERAGE}) { $_->stop('fast', fail_ok => 1) for @nodes }
}

# start_cluster(NAME, setting => value, …); install_path is another PostgreSQL's. Limits on sends and the fraud guard are off: tests send more to
# one number in a second than a person ever gets.
sub start_cluster
{
	my ($name, %settings) = @_;
	my $install_path = delete $settings{install_path};
	my $node = PostgreSQL::Test::Cluster->new($name, $install_path ? (install_path => $install_path) : ());
	push @nodes, $node;
	$node->init(
		allows_streaming => delete $settings{streaming},
		extra => [
			'--locale=C.UTF-8', '--encoding=UTF8', '--no-instructions',
			delete $settings{checksums} ? '--data-checksums' : () ]);
	%settings = (
		shared_preload_libraries => 'mfa',
		log_statement => 'none',
		max_prepared_transactions => 10,
		max_worker_processes => 16,
		max_connections => 100,
		restart_after_crash => 'on',
		'mfa.send_limit' => '',
		'mfa.send_limit_database' => '',
		'mfa.send_limit_destination' => '',
		'mfa.fraud_guard' => 'off',
		%settings);
	$node->append_conf('postgresql.conf', "$_ = '$settings{$_}'") for sort keys %settings;
	$node->start;
	return $node;
}

# sql(NODE, DATABASE, query): the answer, from a session that is kept; dies on any error or notice. (A
# new psql for each query takes most of a test's time.) The session ends with its server, or:
sub sql
{
	my ($node, $database, $query) = @_;
	my $session = $sessions{ $node->name }{$database};
	if (!$session)
	{
		$session = $node->background_psql($database, on_error_stop => 0, timeout => 60);
		$session->set_query_timer_restart;
		$sessions{ $node->name }{$database} = $session;
	}
	my $answer = $session->query($query);
	my $error = $session->{stderr};
	$session->{stderr} = '';
	die "$query\n$error" if $error ne '';
	return $answer;
}

# … is told to: all of a server, or of all servers. A session keeps others from dropping its database.
sub forget_sessions
{
	my ($node) = @_;
	for my $name ($node ? $node->name : keys %sessions)
	{
		my $databases = delete $sessions{$name} or next;
		eval { $_->quit } for values %$databases;
	}
	return;
}

# psql_fails(NODE, DATABASE, query, SQLSTATE, name)
sub psql_fails
{
	my ($node, $database, $query, $sqlstate, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$node->psql($database, "\\set VERBOSITY verbose\n$query", stderr => \my $error);
	like($error, qr/(?:ERROR|FATAL):  \Q$sqlstate\E:/, $name);
	return;
}

# A database with the extension, whose provider is the gateway; further options for its server. Delivery
# states are not looked up unless an option says so: the worker would come back for them.
sub make_database
{
	my ($node, $database, $gateway, %options) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION mfa');
	configure_provider($node, $database, $gateway, %options);
	return $database;
}

# The same, but its provider is the inbox.
sub make_inbox_database
{
	my ($node, $database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, qq{
		SET client_min_messages = error;
		CREATE EXTENSION mfa;
		CREATE SERVER inbox FOREIGN DATA WRAPPER mfa_inbox;
		CREATE USER MAPPING FOR PUBLIC SERVER inbox;
		ALTER DATABASE $database SET mfa.provider = 'inbox'});
	return $database;
}

sub configure_provider
{
	my ($node, $database, $gateway, %options) = @_;
	my ($project, $token) = (MfaGateway::PROJECT, MfaGateway::TOKEN);
	%options = (base_url => $gateway->base_url, sender => '+15550100', state_lookup => 'off', %options);
	my $options = join ', ', map { "$_ '$options{$_}'" } sort keys %options;
	$node->safe_psql($database, qq{
		CREATE SERVER signalwire FOREIGN DATA WRAPPER mfa_signalwire OPTIONS ($options);
		CREATE USER MAPPING FOR PUBLIC SERVER signalwire
			OPTIONS (project_id '$project', api_token '$token');
		ALTER DATABASE $database SET mfa.provider = 'signalwire';
	});
	return;
}

# A number that no other test of the file has used.
my $last_number = 0;
sub new_number { return sprintf '+1415555%04d', ++$last_number }

# Sends to a number, or a new one; `arguments` are those of mfa_send behind the recipient. Returns the id.
sub send_code
{
	my ($node, $database, $to, $arguments) = @_;
	$arguments = $arguments ? ", $arguments" : '';
	return sql($node, $database, "SELECT mfa_send('$to'$arguments)");
}

# A code is sent, arrives and is right.
sub works
{
	my ($node, $database, $gateway, $name) = @_;
	my $to = new_number();
	my $id = send_code($node, $database, $to);
	my $code = $gateway->code_for($to);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(sql($node, $database, "SELECT mfa_verify('$id', '$code')"), 't', $name);
	return;
}

# (state, tries, error, provider, unknowns) of a request's newest message.
sub message_row
{
	my ($node, $database, $request) = @_;
	my $row = sql($node, $database, qq{
		SELECT state, tries, error, provider, unknowns, message_id FROM mfa.message WHERE request = '$request'
		ORDER BY n DESC LIMIT 1});
	my %row;
	@row{qw(state tries error provider unknowns message_id)} = split /\|/, $row;
	return \%row;
}

sub wait_for_state
{
	my ($node, $database, $request, $state, $timeout) = @_;
	my $row;
	wait_for(
		sub { $row = message_row($node, $database, $request); ($row->{state} // '') =~ /^(?:$state)$/ },
		"message $request to be $state", $timeout);
	return $row;
}

# Delivery workers, of one database or all.
sub worker_pids
{
	my ($node, $database) = @_;
	my $where = $database ? "AND datname = '$database'" : '';
	return split /\n/, sql($node, 'postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'mfa delivery worker' $where");
}

sub wait_for_workers
{
	my ($node, $count, $database) = @_;
	wait_for(sub { my @pids = worker_pids($node, $database); @pids == $count },
		"$count delivery workers");
	return;
}

# The log since `offset` holds nothing that an administrator would be alarmed by.
sub check_log
{
	my ($node, $name, $offset, $expected) = @_;
	my $log = substr slurp_file($node->logfile), $offset // 0;
	my @lines = grep { /(?:WARNING|ERROR|FATAL|PANIC):/ } split /\n/, $log;
	# A session of the test's own that had not quite ended when the test stopped its server.
	@lines = grep { !/\.pl FATAL:  terminating connection due to administrator command/ } @lines;
	@lines = grep { !/$expected/ } @lines if $expected;
	is(join("\n", @lines), '', $name);
	return;
}

1;
