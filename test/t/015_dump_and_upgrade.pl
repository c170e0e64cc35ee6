# Databases that are dumped and restored, and servers that are upgraded, with the extension and messages in
# flight (G15). With MFA_OLDER (the stage upgrade of script/test), the old server is of that older PostgreSQL.
#
# Without the mark of mfa.route as configuration, "not ok - with its routes"; with requests so marked, "not
# ok - no request, no message" and "not ok - ... not of requests". With a function that the script does not
# take from PUBLIC, "not ok - ... what is granted is, and no more". Without the look at binary upgrades in
# _PG_init, workers run on the servers that pg_upgrade starts, and what they do there is lost: a message that
# was not delivered never comes.

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use File::Copy qw(copy);
use MfaTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
my $older = $ENV{MFA_OLDER};
# From 18 on, initdb makes checksums by itself; pg_upgrade wants them on both sides.
my $node = start_cluster('old', checksums => 1, $older ? (install_path => $older) : ());
make_database($node, 'shop', $gateway, timeout => '60 s');
$node->safe_psql('shop', "INSERT INTO mfa.route (prefix, allow, remark) VALUES ('+', true, 'all'), ('+1900', false, 'toll')");
$node->safe_psql('shop', q{
	INSERT INTO mfa.template (locale, body) VALUES ('de', 'Ihr Code: {code}');
	INSERT INTO mfa.test_recipient (recipient, code) VALUES ('+9991234567', '424242');
	INSERT INTO mfa.price (prefix, per_segment) VALUES ('+999', 0.5);
	INSERT INTO mfa.budget (name, period, amount) VALUES ('all', 'month', 500);
});
$node->safe_psql('shop', q{
	CREATE ROLE app;
	GRANT USAGE ON FOREIGN SERVER signalwire TO app;
	GRANT EXECUTE ON FUNCTION mfa_send, mfa_check(uuid, text, text) TO app;
	GRANT USAGE ON SCHEMA mfa TO app;
	GRANT SELECT ON mfa.requests TO app;
});
$node->safe_psql('postgres', 'CREATE DATABASE plain');

# Routes are configuration, and denied numbers stay so; servers and user mappings make it work.
sub is_configured
{
	my ($on, $database) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(sql($on, $database, 'SELECT prefix, allow, remark FROM mfa.route ORDER BY 1'), "+|t|all\n+1900|f|toll", 'with its routes');
	is(sql($on, $database, q{SELECT concat_ws(' ', body, recipient, code, per_segment, amount)
		FROM mfa.template, mfa.test_recipient, mfa.price, mfa.budget}), 'Ihr Code: {code} +9991234567 424242 0.5 500',
		'... templates, test recipients, prices and budgets');
	is(sql($on, $database, q{
		SELECT string_agg(o, ' ' ORDER BY o) FROM pg_user_mappings, unnest(umoptions) o WHERE srvname = 'signalwire'}),
		join(' ', 'api_token=' . MfaGateway::TOKEN, 'project_id=' . MfaGateway::PROJECT), '... credentials');
	is(sql($on, $database, q{
		SELECT string_agg(p.oid::regprocedure::text, ' ' ORDER BY p.oid::regprocedure::text)
		FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid
		WHERE d.classid = 'pg_proc'::regclass AND deptype = 'e' AND probin = '$libdir/mfa'
			AND has_function_privilege('app', p.oid, 'EXECUTE')}),
		'mfa_check(uuid,text,text) mfa_send(text,text,text,text,text,text,integer,boolean,interval,integer,name)',
		'... what is granted is, and no more');
	is(sql($on, $database, q{SELECT has_server_privilege('app', 'signalwire', 'USAGE'),
		has_table_privilege('app', 'mfa.requests', 'SELECT'), has_table_privilege('app', 'mfa.request', 'SELECT')}), 't|t|f',
		'... of servers and views, too');
	is(sql($on, $database, q{SELECT mfa_verify(mfa_send('+9991234567')::text, '424242')}), 't', 'a test recipient is one');
	psql_fails($on, $database, "SELECT mfa_send('+19005550123')", 'MF002', 'which deny what was denied');
	works($on, $database, $gateway, 'it sends and verifies');
	return;
}

# With the library preloaded as well. It has a key file of its own, as it has been started before.
my $new = start_cluster('new', checksums => 1);
note 'from ' . $node->config_data('--version') . ' to ' . $new->config_data('--version');
$new->stop;

my $live = new_number();
my $live_id = send_code($node, 'shop', $live);
my $live_code = $gateway->code_for($live);

for my $how ([ 'custom', '--single-transaction' ], [ 'directory', '--jobs=2' ])
{
	my ($format, $option) = @$how;
	my $database = "from_$format";
	my $archive = PostgreSQL::Test::Utils::tempdir() . '/archive';
	$node->command_ok([ 'pg_dump', '-F', $format, '-f', $archive, $node->connstr('shop') ], "pg_dump -F $format");
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->command_ok([ 'pg_restore', '--exit-on-error', $option, '-d', $node->connstr($database), $archive ],
		"pg_restore $option");
	$node->safe_psql('postgres', "ALTER DATABASE $database SET mfa.provider = 'signalwire'");
	is(sql($node, $database, 'SELECT (SELECT count(*) FROM mfa.request) + (SELECT count(*) FROM mfa.message)'), 0,
		'no request, no message');
	is_configured($node, $database);
}

subtest 'what a dump has' => sub {
	my ($plain, $with_create) = map {
		my $file = PostgreSQL::Test::Utils::tempdir() . "/plain$_";
		$node->command_ok([ 'pg_dump', split(' ', $_), '-f', $file, $node->connstr('shop') ], "pg_dump $_");
		slurp_file($file);
	} '', '-C';
	is(join(' ', sort $plain =~ /^COPY mfa\.(\w+)/mg), 'budget price route template test_recipient usage_total',
		'rows of what is configured, and totals');
	unlike($plain, qr/^COPY mfa\.(?:request|message|failure|inbox)\b/m, '... not of requests');
	unlike($plain, qr/\Q$live_code\E|\Q$live\E/, '... no code or number that is live');
	like($plain, qr/api_token '\Q@{[MfaGateway::TOKEN]}\E'/, 'credentials, where they are in the catalogs');
	unlike($plain, qr/SET "?mfa\.provider/, 'no setting of the database');
	like($with_create, qr/^ALTER DATABASE shop SET "mfa\.provider" TO 'signalwire'/m, '... which are in one with -C');
};

# A message to a provider that hangs, and one for a later try.
my ($hangs, $waits) = map { new_number() } 1 .. 2;
$gateway->faults(
	{ match => { to => $waits }, action => { status => 503 } },
	{ match => { to => $hangs }, action => { hang => 'after_read' } });
my $waits_id = send_code($node, 'shop', $waits);
send_code($node, 'shop', $hangs);
wait_for(sub { $gateway->call(GET => 'stats')->{in_flight} }, 'a message in flight');
wait_for(sub { message_row($node, 'shop', $waits_id)->{error} }, 'a first try');

forget_sessions($node);
$node->stop;

sub pg_upgrade
{
	my ($name, @options) = @_;
	my ($old_bin, $bin) = map { $_->config_data('--bindir') } $node, $new;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	chdir PostgreSQL::Test::Utils::tempdir() or die "chdir: $!";
	return command_ok([
		'pg_upgrade', '--no-sync', '-U', getpwuid($<) . '', '-d', $node->data_dir, '-D', $new->data_dir, '-b', $old_bin, '-B', $bin,
		'-s', $new->host, '-p', $node->port, '-P', $new->port, @options ], $name);
}

pg_upgrade('pg_upgrade --check', '--check');
pg_upgrade('pg_upgrade');
copy($node->data_dir . '/mfa.key', $new->data_dir . '/mfa.key') or die "copy: $!";
$gateway->faults;
$new->start;

is(sql($new, 'shop', "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
	WHERE relpersistence = 'u' AND relkind = 'r' AND relnamespace = 'mfa'::regnamespace"), 'failure inbox message request',
	'the tables are unlogged');
is(sql($new, 'shop', "SELECT mfa_verify('$live_id', '$live_code')"), 't', 'a live code is good, with the old key file');
ok($gateway->code_for($_), 'what was not delivered is') for $hangs, $waits;
is_configured($new, 'shop');
$new->stop('immediate');
forget_sessions($new);
$new->start;
is(sql($new, 'shop', 'SELECT (SELECT count(*) FROM mfa.request) + (SELECT count(*) FROM mfa.message)'), 0,
	'and a crash empties them');
is_configured($new, 'shop');
check_log($new, 'nothing in the log', 0, qr/MF002|numbers under|not properly shut down|the database system/);
done_testing();
