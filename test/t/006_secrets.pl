# No code, number or credential in any file of the data directory, in a dump, in the server log or in
# what other sessions show (G7), with everything logged that the server can log but statements, which are
# the client's to hide: values go as parameters, and as literals only where a call of ours fails.
#
# With errors that don't hide their statement and context, "not ok - server log"; with sealed copies that
# are not encrypted, "not ok - tables".

use strict;
use warnings FATAL => 'all';

use File::Find;
use FindBin;
use lib "$FindBin::RealBin/lib";
use MIME::Base64;
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
my $node = start_cluster('main',
	log_min_messages => 'debug5', log_min_error_statement => 'error', log_parameter_max_length => 0,
	log_parameter_max_length_on_error => 0, log_connections => 'on', log_lock_waits => 'on', log_replication_commands => 'on',
	debug_print_plan => 'on', streaming => 1, wal_level => 'logical', wal_keep_size => '1GB', wal_init_zero => 'off');
make_database($node, 'shop', $gateway, timeout => '1 s');

# pgbench is the client at hand that sends parameters apart from the statement. An error ends it, which
# is not its fault. A variable that looks like a number is sent as one, hence the letter in front.
sub call
{
	my ($statement, %variables) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$directory/script", "$statement;\n");
	run_log([ 'pgbench', '-n', '-M', 'extended', '-t', 1, '-f', "$directory/script",
		(map { ('-D', "$_=$variables{$_}") } sort keys %variables), $node->connstr('shop') ],
		'>', \my $output, '2>', \my $error);
	return $error;
}

# Sessions as others see them, while calls are under way.
my @seen;
sub look
{
	push @seen, sql($node, 'postgres', 'SELECT string_agg(a::text, chr(10)) FROM pg_stat_activity a WHERE pid <> pg_backend_pid()');
	return;
}

my (@numbers, @codes);
sub send_to
{
	my ($fault, $arguments) = @_;
	my $to = sprintf '+1628555%04d', 1000 + 37 * @numbers;
	push @numbers, $to;
	$fault ? $gateway->fault($to, $fault) : $gateway->faults;
	call("SELECT mfa_send('+' || substr(:n, 2)" . ($arguments // '') . ')', n => 'x' . substr $to, 1);
	look();
	return $to;
}
sub verify
{
	my ($to, $code) = @_;
	push @codes, $code;
	return call("SELECT mfa_verify('+' || substr(:n, 2), substr(:c, 2))", n => 'x' . substr($to, 1), c => "x$code");
}

# Successes, by each channel; wrong codes; every kind of failure at the provider; errors of the call.
for my $channel ('sms', 'voice')
{
	my $to = send_to(undef, ", '$channel', code_length => 9");
	my $code = $gateway->code_for($to);
	verify($to, $_) for $code =~ tr/0-9/1-90/r, $code, $code;
}
push @codes, $gateway->code_for(send_to(undef, ', code_length => 12, allow_alphas => true'));
for my $fault ({ status => 503 }, { code => '21610', status => 400 }, { hang => 'after_read' }, { garbage => 'json' },
	{ status => 400, body => '{"code": "21211", "message": "The number is not valid"}' }, { reset => 'after_read' })
{
	send_to($fault, ', code_length => 11');
}
wait_for(sub { sql($node, 'shop', "SELECT count(*) FROM mfa.message WHERE tries = 0 OR state = 'sending'") == 0 }, 'all to be tried');
push @codes, map { $_->{text} =~ /: ([0-9A-Z]{9,})/ ? $1 : () } $gateway->requests;
send_to(undef, ", 'pigeon'");
send_to(undef, ', message => repeat(:n, 50)');
send_to(undef, ', channel => :n');
send_to(undef, ', locale => :n');
send_to(undef, ', sender => :n');
send_to(undef, ', purpose => repeat(:n, 50)');
call("SELECT mfa_send(:n || 'abc')", n => 'x' . substr $numbers[0], 1);
call('SELECT mfa_verify(:n, :n)', n => 'x' . substr $numbers[0], 1);
call("INSERT INTO mfa.message SELECT * FROM mfa.message LIMIT 1", n => 'x');
look();
# Errors of ours, and of PostgreSQL through us, in statements that have literals: the log gets neither the
# statement nor the context. (At lower levels PostgreSQL itself logs both.)
for my $call ("mfa_send('$numbers[0]', 'pigeon')", "mfa_verify('$numbers[0]', '$codes[1]')")
{
	for my $statement ("SELECT $call", "DO \$\$ BEGIN PERFORM $call; END \$\$")
	{
		$node->psql('shop', "SET log_min_messages = 'error'; SET debug_print_plan = off; BEGIN READ ONLY; $statement",
			stderr => \my $error);
		like($error, qr/ERROR:/, 'an error');
	}
}
cmp_ok(scalar @codes, '>', 9, 'there are codes to look for');

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('shop') ], 'pg_dump');
my $tables = sql($node, 'shop', 'SELECT string_agg(t::text, chr(10)) FROM (SELECT r::text FROM mfa.request r
	UNION ALL SELECT m::text FROM mfa.message m UNION ALL SELECT f::text FROM mfa.failure f) t');
my $mapping = sql($node, 'shop', "SELECT pg_relation_filepath('pg_user_mapping')");
my $database = sql($node, 'shop', "SELECT oid FROM pg_database WHERE datname = 'shop'");
forget_sessions($node);
$node->stop('fast');    # all pages are written

# A secret in the forms in which it could have got somewhere.
sub forms
{
	my ($secret) = @_;
	(my $digits = $secret) =~ s/^\+//;
	my $spoken = join ', ', split //, $digits;
	my $base64 = encode_base64($secret, '');
	$base64 =~ s/=*$//;
	return map { quotemeta } $digits, $spoken, unpack('H*', $digits), uc unpack('H*', $digits), substr($base64, 0, -1);
}
my %wanted;
$wanted{$_} = 'a number' for map { forms($_) } @numbers;
$wanted{$_} = 'a code' for map { forms($_) } @codes;
$wanted{$_} = 'a credential' for map { forms($_) } MfaGateway::TOKEN,
  encode_base64(MfaGateway::PROJECT . ':' . MfaGateway::TOKEN, '');
my $any = qr/(@{[ join '|', sort keys %wanted ]})/;

# What of it is in a text.
sub found
{
	my ($text) = @_;
	my %found;
	while ($text =~ /$any/g)
	{
		my ($what) = grep { $1 =~ /^$_$/ } keys %wanted;
		$found{ $wanted{$what} }++;
	}
	return join ', ', map { "$_ ($found{$_} times)" } sort keys %found;
}

is(found('Your code is ' . $codes[0]), 'a code (1 times)', 'the search finds what is there');
is(found(join "\n", @seen), '', 'pg_stat_activity');
is(found($tables), '', 'tables');
is(found(slurp_file($node->logfile)), '', 'server log');
(my $mapped = slurp_file($dump)) =~ s/^CREATE USER MAPPING.*?;$//msg;
is(found($mapped), '', 'dump, but for the user mapping');

my (%holding, $size);
find({ no_chdir => 1, wanted => sub {
	return unless -f;
	my $found = found(slurp_file($_)) or return;
	$holding{ substr $_, length($node->data_dir) + 1 } = $found;
} }, $node->data_dir);
# PostgreSQL keeps the options of user mappings as they are, and logs the change of that catalog.
my @expected = grep { exists $holding{$_} } $mapping, grep { m{^pg_wal/} } keys %holding;
for my $file (@expected)
{
	like($holding{$file}, qr/^a credential \([0-9]+ times\)$/, "$file holds no more than the user mapping");
	delete $holding{$file};
}
is(join("\n", map { "$_: $holding{$_}" } sort keys %holding), '', 'no other file of the data directory');

done_testing();
