# The dashboard and the report (monitoring/), as a role that has grants.sql and nothing else: each query
# runs, on an empty database too, and shows what the views show.
#
# Without a line of grants.sql: "not ok - every query runs". With one too many: "not ok - and nothing else". A
# misspelt column in an override of a panel: "not ok - what is formatted is there". A wrong sum in report.sql:
# "not ok - LAST 14 DAYS". A panel without unit: "not ok - complete". A kind of panel that monitoring/render
# does not know: "not ok - is drawn".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run ();
use JSON::PP;
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = "$FindBin::RealBin/../../monitoring";
my $gateway = start_gateway();
my $node = start_cluster('main', 'mfa.fraud_guard' => 'enforce');
make_database($node, 'shop', $gateway);
$node->safe_psql('shop', 'CREATE ROLE monitor LOGIN; CREATE ROLE stranger LOGIN');

sub shop { return sql($node, 'shop', $_[0]) }

# Output and errors of psql, as a role; what it runs is a file or, else, read from its input.
sub psql_as
{
	my ($role, $input, @options) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run(
		[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-U', $role, '-d', 'shop', @options ],
		'<', \$input, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
	return ($out, $err);
}

my $dashboard = decode_json(slurp_file("$folder/grafana.json"));
my @panels = grep { $_->{type} ne 'row' } @{ $dashboard->{panels} };

# As Grafana expands what stands for its time range: the last two weeks.
sub expanded
{
	my ($query) = @_;
	my ($from, $to) = map { my @t = gmtime $_; sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ] } time - 13 * 86400, time;
	$query =~ s/\$__timeFilter\(([^)]*)\)/$1 BETWEEN '$from' AND '$to'/g;
	return $query;
}

# Runs all queries of the dashboard; answers what went wrong, and fills rows and columns by title.
my (%rows, %columns);
sub run_queries
{
	my ($role) = @_;
	my @wrong;
	for my $panel (@panels)
	{
		my $query = expanded($panel->{targets}[0]{rawSql});
		my ($out, $err) = psql_as($role, "$query;\n", '-A', '-t');
		$rows{ $panel->{title} } = [ split /\n/, $out ];
		my ($described) = psql_as($role, "$query\n\\gdesc\n", '-A', '-t');
		$columns{ $panel->{title} } = { map { split /\|/ } split /\n/, $described };
		push @wrong, "$panel->{title}: $err" if $err ne '';
	}
	return join "\n", @wrong;
}

# The tables of the report by their titles, each a list of rows, each a hash of columns.
sub report
{
	my ($role) = @_;
	my ($out, $err) = psql_as($role, '', '-f', "$folder/report.sql");
	my (%tables, $title, @names);
	for my $line (split /\n/, $out)
	{
		if ($line =~ /\|/ || $line =~ /^ \S/)
		{
			my @cells = map { s/^\s+|\s+$//gr } split /\|/, $line;
			if (@names) { my %row; @row{@names} = @cells; push @{ $tables{$title} }, \%row }
			else { @names = @cells }
		}
		elsif ($line =~ /^[A-Z]/) { $title = $line; @names = (); $tables{$title} = [] }
		elsif ($line eq '') { @names = () }
	}
	return (\%tables, $err, $out);
}

subtest 'the dashboard' => sub {
	is($dashboard->{uid}, 'mfa', 'an id of its own');
	is($dashboard->{templating}{list}[0]{type}, 'datasource', 'which database is asked for');
	my %ids;
	my $taken = '';
	for my $panel (@{ $dashboard->{panels} })
	{
		my ($x, $y, $w, $h) = @{ $panel->{gridPos} }{qw(x y w h)};
		$taken .= "$panel->{title} " if $ids{ $panel->{id} }++ || $x + $w > 24;
		for my $line ($y .. $y + $h - 1) { for my $column ($x .. $x + $w - 1) { $taken .= "$panel->{title} " if $ids{"$column,$line"}++ } }
	}
	is($taken, '', 'each panel has a place and an id of its own');
	for my $panel (@panels)
	{
		my $query = $panel->{targets}[0]{rawSql};
		ok($panel->{title} && $panel->{description} && $panel->{fieldConfig}{defaults}{unit}
			&& $panel->{datasource}{uid} eq '${datasource}' && @{ $panel->{targets} } == 1, "complete: $panel->{title}");
		like($query, qr/\$__timeFilter\(day\)|\bday >?= /, '... and of days it asks for some') if $query =~ /mfa\.usage/;
		like($panel->{description}, qr/statistics since|server's start|ahead/i, '... and says that there is no history') if $query =~ /mfa\.stat_/;
	}
};

subtest 'what is granted' => sub {
	like(run_queries('stranger'), qr/permission denied for schema mfa/, 'nobody sees it unasked');
	my ($out, $err) = psql_as(shop('SELECT current_user'), '', '-f', "$folder/grants.sql");
	like($err, qr/whom to grant to/, 'somebody has to be named');
	(undef, $err) = psql_as(shop('SELECT current_user'), '', '-v', 'role=monitor', '-f', "$folder/grants.sql");
	is($err, '', 'granted');
	is(shop(q{SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'mfa'::regnamespace
		AND relkind IN ('r', 'v') AND has_table_privilege('monitor', oid, 'SELECT')}),
		'budget health holds progress_drain stat_delivery stat_provider stat_send stat_verify usage', 'what is read');
	is(shop(q{SELECT count(*) FROM pg_class WHERE relnamespace = 'mfa'::regnamespace AND relkind IN ('r', 'v')
		AND has_table_privilege('monitor', oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')}), 0, '... and not written');
	is(shop(q{SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
			JOIN pg_extension e ON e.oid = d.refobjid AND extname = 'mfa'
		WHERE has_function_privilege('monitor', p.oid, 'EXECUTE')}), 'list_calls list_health list_holds list_tries', '... and nothing else');
};

subtest 'an empty database' => sub {
	is(run_queries('monitor'), '', 'every query runs');
	my ($tables, $err) = report('monitor');
	is($err, '', 'the report runs');
	is(scalar keys %$tables, 12, 'with all its sections');
	is(scalar @{ $tables->{'LAST 14 DAYS'} }, 0, 'of nothing');
	is((report('stranger'))[1] =~ /permission denied/ ? 1 : 0, 1, 'not for everybody');
};

# Something of all that can be seen.
shop(q{INSERT INTO mfa.price (prefix, per_segment, per_request) VALUES ('+1', 0.01, 0.05), ('+49', 0.08, 0.05);
	INSERT INTO mfa.budget (name, period, destination, amount) VALUES ('all', 'month', '', 1000), ('germany', 'day', '+49', 1000);
	INSERT INTO mfa.route (prefix, allow) VALUES ('+7', false);
	INSERT INTO mfa.usage_total (day, provider, channel, destination, requests, verified, messages, segments, delivered, cost)
		SELECT (now() AT TIME ZONE 'UTC')::date - n, 'signalwire', 'sms', '+1', 100, 70, 100, 100, 90, 6 FROM generate_series(1, 20) n});
$gateway->fault('+14155550008', { status => 400, body => '{"code":21211}' });
shop(q{SELECT count(mfa_send('+1415555' || lpad(n::text, 4, '0'))) FROM generate_series(1, 8) n});
wait_for(sub { shop(q{SELECT count(*) FROM mfa.message WHERE state IN ('sent', 'failed')}) eq '8' }, 'all to be settled', 60);
for my $n (1 .. 5)
{
	my $text = $gateway->message_for("+1415555000$n");
	is(shop("SELECT mfa_delivery_report('signalwire', '$text->{sid}', 'delivered'), mfa_verify('+1415555000$n', '" . MfaGateway::code_in($text) . "')"), 't|t', "code $n");
}
is(shop(q{SELECT mfa_verify('+14155550006', 'wrong')}), 'f', 'a wrong code');
psql_fails($node, 'shop', q{SELECT mfa_send('+74951234567')}, 'MF002', 'a denied destination');
shop(q{SELECT count(mfa_send('+493055512' || n)) FROM generate_series(1000, 1139) n});
wait_for(sub { shop(q{SELECT count(*) FROM mfa.message WHERE state IN ('queued', 'sending')}) eq '0' }, 'all to be settled', 60);
$gateway->fault('*', { status => 503 });
shop(q{SELECT count(mfa_send('+1415555' || n)) FROM generate_series(1001, 1010) n});
wait_for(sub { shop(q{SELECT breaker <> 'closed' FROM mfa.stat_provider}) eq 't' }, 'the provider to be put aside', 60);

subtest 'after a while' => sub {
	is(run_queries('monitor'), '', 'every query runs');
	is(join(', ', grep { !@{ $rows{$_} } } sort keys %rows), '', 'no panel is empty');
	my @missing;
	for my $panel (@panels)
	{
		next if $panel->{targets}[0]{rawSql} =~ / AS metric\b/;
		my @named = map { $_->{matcher}{options} } @{ $panel->{fieldConfig}{overrides} };
		push @missing, map { "$panel->{title}: $_" } grep { !$columns{ $panel->{title} }{$_} } @named;
		push @missing, "$panel->{title}: time" if $panel->{type} eq 'timeseries' && ($columns{ $panel->{title} }{time} // '') !~ /^timestamp with/;
	}
	is(join(', ', @missing), '', 'what is formatted is there');
	my ($requests, $verified) = (0, 0);
	for (@{ $rows{'Requests and verified codes'} }) { my @cells = split /\|/; $requests += $cells[1]; $verified += $cells[2] }
	is("$requests|$verified", shop(q{SELECT sum(requests), sum(verified) FROM mfa.usage WHERE day >= (now() AT TIME ZONE 'UTC')::date - 13}),
		'two weeks of requests on the dashboard');
	my %refused = map { split /\|/ } @{ $rows{'Refused calls'} };
	is("$refused{route}|$refused{'fraud guard'}", shop('SELECT refused_by_route, refused_by_guard FROM mfa.stat_send'), '... and what was refused');
	like(join('', @{ $rows{'Held prefixes'} }), qr/^\+49305551\|surge\|/, '... and held');
	like(join(' ', @{ $rows{Providers} }), qr/^signalwire\|(?:open|half-open|paused)\|/, '... and put aside');
};

subtest 'the page that looks like it' => sub {
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGUSER => 'monitor', PGDATABASE => 'shop');
	my $page;
	IPC::Run::run([ '/usr/bin/python3', '-B', "$folder/render", "$folder/grafana.json" ], '>', \$page, '2>', \my $err, IPC::Run::timeout(60));
	is($err, '', 'is drawn');
	is(join(', ', grep { $page !~ /<h2>\Q$_\E<\/h2>/ } map { $_->{title} } @panels), '', '... with every panel');
	unlike($page, qr/No data/, '... and what it shows');
};

subtest 'the report' => sub {
	my ($tables, $err, $text) = report('monitor');
	is($err, '', 'runs');
	my ($owners) = report(shop('SELECT current_user'));
	is_deeply($owners->{'LAST 14 DAYS BY PROVIDER'}, $tables->{'LAST 14 DAYS BY PROVIDER'}, '... for the owner too');
	is(join("\n", grep { length > 100 } split /\n/, $text), '', 'fits into 100 columns');

	my @same = (
		[ 'LAST 14 DAYS', sub { $_[0]{day} eq 'all' }, 'requests verified % accepted delivered failed cost',
			q{SELECT sum(requests), sum(verified), round(100 * sum(verified) / sum(requests)), sum(messages), sum(delivered), sum(failed), round(sum(cost), 2)
				FROM mfa.usage WHERE day > (now() AT TIME ZONE 'UTC')::date - 14} ],
		[ 'LAST 14 DAYS BY PROVIDER', sub { 1 }, 'provider channel requests segments cost',
			q{SELECT provider, channel, sum(requests), sum(segments), round(sum(cost), 2)
				FROM mfa.usage WHERE day > (now() AT TIME ZONE 'UTC')::date - 14 GROUP BY 1, 2} ],
		[ 'LAST 14 DAYS BY DESTINATION: THE TWENTY WITH MOST REQUESTS', sub { $_[0]{destination} eq '+49' }, 'requests verified accepted failed cost',
			q{SELECT sum(requests), sum(verified), sum(messages), sum(failed), round(sum(cost), 2) FROM mfa.usage WHERE destination = '+49'} ],
		[ 'PROVIDERS', sub { 1 }, 'provider accepted refused unknown', q{SELECT provider, accepted, refused, unknown FROM mfa.stat_provider} ],
		[ 'LATENCY IN ms, HALF / 90 % / 99 % OF ALL', sub { 1 }, 'provider channel delivery',
			q{SELECT provider, channel, concat_ws(' / ', round(delivery_p50), round(delivery_p90), round(delivery_p99)) FROM mfa.stat_delivery} ],
		[ 'CALLS OF mfa_send, AND WHAT WAS REFUSED', sub { 1 }, 'sends resends route budget', q{SELECT sends, resends, refused_by_route, refused_by_budget FROM mfa.stat_send} ],
		[ 'ANSWERS OF mfa_verify AND mfa_check', sub { 1 }, 'verified wrong not_found', q{SELECT verified, wrong, not_found FROM mfa.stat_verify} ],
		[ 'HELD PREFIXES', sub { 1 }, 'prefix reason requests refused', q{SELECT prefix, reason, requests, refused FROM mfa.holds} ],
		[ 'BUDGETS', sub { $_[0]{name} eq 'germany' }, 'amount spent', q{SELECT amount, (SELECT round(sum(cost), 2) FROM mfa.usage WHERE destination = '+49') FROM mfa.budget WHERE name = 'germany'} ]);
	for my $case (@same)
	{
		my ($title, $which, $names, $query) = @$case;
		my ($row) = grep { $which->($_) } @{ $tables->{$title} };
		is(join('|', @$row{ split / /, $names }), shop($query), $title);
	}
	is(scalar(grep { $_->{name} eq 'provider signalwire' && $_->{status} eq 'warning' } @{ $tables->{HEALTH} }), 1, 'HEALTH');
	is(scalar(@{ $tables->{'WHAT WAITS'} }), 1, 'WHAT WAITS');
};

$gateway->faults();
done_testing();
