# Several databases behind a PL/Proxy router (examples/shards), and how one more joins them.
#
# Fails without: the shard in an id, by which codes and resends by id arrive where the request is ("not ok -
# a wrong code by id"); the normal form in what is hashed ("not ok - the right one by the number, in another
# form"); examples/shards/moving.sql ("not ok - codes from before the move").

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = "$FindBin::RealBin/../../examples/shards";

my $node = start_cluster('main');
plan skip_all => 'PL/Proxy is not installed'
  if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'plproxy'}) == 0;
my $gateway = start_gateway();

$node->safe_psql('postgres', q{CREATE ROLE app LOGIN; CREATE ROLE other LOGIN});
my @shards = map { "shard$_" } 0 .. 2;
for my $n (0 .. 2)
{
	make_database($node, $shards[$n], $gateway);
	$node->safe_psql($shards[$n], qq{
		ALTER DATABASE $shards[$n] SET mfa.shard = $n;
		GRANT USAGE ON FOREIGN SERVER signalwire TO app, other;
		GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO app, other;
	});
}

sub partitions
{
	my @databases = @_;
	my $host = $node->host;
	my $port = $node->port;
	return join ', ', map { "p$_ 'host=$host port=$port dbname=$databases[$_]'" } 0 .. $#databases;
}

# As ordinary roles, each with connections of its own.
sub as_role
{
	my ($role, $query) = @_;
	return sql($node, 'router', "SET ROLE $role; $query");
}
sub as_app { return as_role('app', $_[0]) }

sub run_file
{
	my ($file) = @_;
	$node->command_ok([ 'psql', '-qX', '-d', $node->connstr('router'), '-f', "$folder/$file" ], "$file runs");
	return;
}

# A new number whose hash ends in that.
sub number_at
{
	my ($place, $of) = @_;
	for (1 .. 1000)
	{
		my $to = new_number();
		return $to if sql($node, 'router', "RESET ROLE; SELECT mfa_local.mfa_shard('$to')") % $of == $place;
	}
	die "no number at $place of $of\n";
}

sub requests { return sql($node, $_[0], 'SELECT count(*) FROM mfa.request') }

# As number_at, and a code is sent to it: (number, id, code).
sub sent_at
{
	my $to = number_at(@_);
	my $id = as_app("SELECT mfa_send('$to')");
	return ($to, $id, $gateway->code_for($to));
}

$node->safe_psql('postgres', q{CREATE DATABASE router; ALTER DATABASE router SET statement_timeout = '30 s'});
my $two = partitions(@shards[ 0, 1 ]);
$node->safe_psql('router', qq{
	CREATE EXTENSION plproxy;
	CREATE SCHEMA mfa_local;
	CREATE EXTENSION mfa SCHEMA mfa_local;
	CREATE SERVER mfa_shards FOREIGN DATA WRAPPER plproxy OPTIONS ($two);
	CREATE USER MAPPING FOR app SERVER mfa_shards OPTIONS (user 'app');
	CREATE USER MAPPING FOR other SERVER mfa_shards OPTIONS (user 'other');
});
run_file('router.sql');
is(sql($node, 'router', q{SELECT count(*) FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner)))
	WHERE grantee = 0 AND (proname ~ '^mfa_' OR pronamespace = 'mfa_local'::regnamespace)}), 0, 'nothing is granted to PUBLIC');
$node->safe_psql('router', q{
	GRANT USAGE ON FOREIGN SERVER mfa_shards TO app, other;
	GRANT USAGE ON SCHEMA mfa_local TO app, other;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public, mfa_local TO app, other;
});

subtest 'the same interface' => sub {
	my $signatures = q{
		SELECT string_agg(concat_ws(' ', proname, pg_get_function_arguments(oid), pg_get_function_result(oid)), E'\n'
			ORDER BY proname, oidvectortypes(proargtypes))
		FROM pg_proc WHERE pronamespace = '%s'::regnamespace
			AND proname IN ('mfa_send', 'mfa_verify', 'mfa_check', 'mfa_resend', 'mfa_cancel', 'mfa_status', 'mfa_delivery_report')};
	is(sql($node, 'router', sprintf $signatures, 'public'), sql($node, 'router', sprintf $signatures, 'mfa_local'),
		"names, parameters, defaults and results are the extension's");
};

subtest 'a login at each place' => sub {
	for my $place (0, 1)
	{
		my $before = requests($shards[$place]);
		my ($to, $id, $code) = sent_at($place, 2);
		is(requests($shards[$place]), $before + 1, "sent by shard $place");
		is(sql($node, $shards[$place], "SELECT mfa_shard('$id'::uuid)"), $place, 'whose number is in the id');
		is(as_app("SELECT status, attempts_left FROM mfa_check('$id'::uuid, '0000000')"), 'wrong|2', 'a wrong code by id');
		is(as_app("SELECT status, attempts_left FROM mfa_check('$id', '0000000')"), 'wrong|1', 'by id in a text');
		wait_for_state($node, $shards[$place], $id, 'sent');
		is(as_app("SELECT state, delivery FROM mfa_status('$id')"), 'live|sent', 'its state');
		(my $written = $to) =~ s/^\+1(\d{3})(\d{3})/001 ($1) $2-/;
		is(as_app("SELECT mfa_verify('$written', '$code')"), 't', 'the right one by the number, in another form');
		is(as_app("SELECT mfa_verify('$to', '$code')"), 'f', 'once');
	}
	my ($to, $id, $code) = sent_at(1, 2);
	as_app("SELECT mfa_resend('$id')");
	is($gateway->code_for($to, 2), $code, 'sent again by id');
	is(as_app("SELECT mfa_verify('$id'::uuid, '$code')"), 't', 'and verified by id');
	($to, $id, $code) = sent_at(1, 2);
	is(as_app("SELECT mfa_cancel('$id')") . as_app("SELECT mfa_cancel('$id')"), 'tf', 'canceled by id, once');
	is(as_app("SELECT mfa_verify(NULL, '1') OR mfa_verify(NULL::uuid, '1') OR mfa_verify('nobody', '1')"), 'f',
		'nobody is false, not null');
	($to, $id) = sent_at(1, 2);
	my $message = wait_for_state($node, 'shard1', $id, 'sent')->{message_id};
	is(as_app("SELECT mfa_delivery_report('signalwire', '$message', 'delivered'), mfa_delivery_report('signalwire', 'x', 'delivered')"),
		't|f', 'a webhook finds the shard that has sent');
};

subtest 'errors and roles' => sub {
	psql_fails($node, 'router', q{SET ROLE app; SELECT mfa_send('4155550123')}, '22023', 'SQLSTATE of the shard');
	$node->psql('router', q{SET ROLE app; SELECT mfa_send('+14155550199', code_length => 2)}, stderr => \my $error);
	like($error, qr/code_length is 2, but must be between.*HINT:/s, 'with what is wrong, and the hint');
	my ($to, $id, $code) = sent_at(0, 2);
	psql_fails($node, 'router', "SET ROLE other; SELECT mfa_verify('$id'::uuid, '$code')", '42501',
		'a request belongs to the role that has sent it, which is told by its connection');
	is(as_role('other', "SELECT mfa_verify('$to', '$code')"), 'f', 'by recipient, too');
	is(as_app("SELECT mfa_verify('$to', '$code')"), 't', 'and that role verifies it');
};

subtest 'the transaction of the router is not that of the shard' => sub {
	my $to = number_at(1, 2);
	as_app("BEGIN; SELECT mfa_send('$to'); ROLLBACK");
	my $code = $gateway->code_for($to);
	ok($code, 'a send that is rolled back is delivered');
	as_app("BEGIN; SELECT mfa_verify('$to', 'guess'); ROLLBACK");
	is(as_app("SELECT attempts_left FROM mfa_check('$to', 'guess')"), 1, 'a wrong code that is rolled back is charged');
	as_app("BEGIN; SELECT mfa_verify('$to', '$code'); ROLLBACK");
	is(as_app("SELECT status FROM mfa_check('$to', '$code')"), 'used', 'a right one that is rolled back is used up');
};

subtest 'shards do not wait for each other' => sub {
	my @to = map { number_at($_, 2) } 0, 1;
	sql($node, 'shard0', 'BEGIN; LOCK TABLE mfa.request');
	my $id = as_app("SELECT mfa_send('$to[1]')");
	is(as_app("SELECT mfa_verify('$id'::uuid, '" . $gateway->code_for($to[1]) . "')"), 't', 'one works while the other is locked');
	sql($node, 'shard0', 'ROLLBACK');
	forget_sessions($node);
	$node->safe_psql('postgres', q{ALTER DATABASE shard0 ALLOW_CONNECTIONS false;
		SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = 'shard0'});
	isnt($node->psql('router', "SET ROLE app; SELECT mfa_send('$to[0]')"), 0, 'one that is down is an error');
	my ($other) = sent_at(1, 2);
	ok($other, 'for its recipients only');
	$node->safe_psql('postgres', 'ALTER DATABASE shard0 ALLOW_CONNECTIONS true');
	is(as_app("SELECT mfa_send('$to[0]') IS NOT NULL"), 't', 'until it is back');
};

# Two partitions become four, on three databases: what ended in ...00 and ...10 was in shard0, and of these ...10
# moves to the new one. shard1 keeps both of its own.
subtest 'another database joins' => sub {
	my @moved = sent_at(2, 4);
	my @stays = sent_at(0, 4);
	my @by_id = sent_at(2, 4);
	my @asked_again = sent_at(2, 4);
	is(requests('shard2'), 0, 'nothing is there yet');

	$node->safe_psql('router', qq{
		CREATE SERVER mfa_shards_before FOREIGN DATA WRAPPER plproxy OPTIONS ($two);
		CREATE USER MAPPING FOR app SERVER mfa_shards_before OPTIONS (user 'app');
		GRANT USAGE ON FOREIGN SERVER mfa_shards_before TO app;
	});
	run_file('moving.sql');
	$node->safe_psql('router', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA mfa_local TO app');
	my $four = join ', ', partitions(@shards[ 0, 1, 2, 1 ]) =~ s/(?=p[01] )/SET /gr =~ s/(?=p[23] )/ADD /gr;
	$node->safe_psql('router', "ALTER SERVER mfa_shards OPTIONS ($four)");

	is(as_app("SELECT status, attempts_left FROM mfa_check('$moved[0]', '0000000')"), 'wrong|2', 'wrong codes are charged once');
	is(as_app("SELECT mfa_verify('$moved[0]', '$moved[2]')"), 't', 'codes from before the move are verified by recipient');
	is(as_app("SELECT mfa_verify('$moved[0]', '$moved[2]')"), 'f', 'once');
	is(as_app("SELECT mfa_verify('$stays[0]', '$stays[2]')"), 't', 'also where nothing has moved');
	is(as_app("SELECT mfa_verify('$by_id[1]'::uuid, '$by_id[2]')"), 't', 'and by id');
	my $id = as_app("SELECT mfa_send('$asked_again[0]')");
	isnt($id, $asked_again[1], 'who asks again');
	is(requests('shard2'), 1, 'is sent a code of the new database');
	my $code = $gateway->code_for($asked_again[0], 2);
	is(as_app("SELECT mfa_verify('$asked_again[0]', '$code')"), 't', 'which is right');
	is(as_app("SELECT mfa_verify('$id'::uuid, '$code')"), 'f', 'once');

	run_file('router.sql');
	$node->safe_psql('router', 'DROP SERVER mfa_shards_before CASCADE');
	for my $place (0 .. 3)
	{
		my ($to, $id, $code) = sent_at($place, 4);
		is(as_app("SELECT mfa_shard FROM mfa_local.mfa_shard('$id')"), (0, 1, 2, 1)[$place], "place $place has its database");
		is(as_app("SELECT mfa_verify('$to', '$code')"), 't', 'that sends and verifies');
	}
};

done_testing();
