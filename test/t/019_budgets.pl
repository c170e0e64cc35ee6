# What may be spent: at a share of it the log and the listeners are told, at the end mfa_send refuses.
#
# Without the check: "not ok - used up" (a send is accepted). Without the notes of what was announced: "not
# ok - said once". With a snapshot of the transaction: "not ok - seen by an old snapshot too".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
my $node = start_cluster('main');
make_database($node, 'shop', $gateway);

sub shop { return sql($node, 'shop', $_[0]) }

sub spend
{
	my ($count, $to) = @_;
	my $last;
	$last = shop("SELECT mfa_send('" . ($to // new_number()) . "')") for 1 .. $count;
	wait_for_state($node, 'shop', $last, 'sent');
	return;
}

shop(q{INSERT INTO mfa.price (prefix, per_segment) VALUES ('', 0.5), ('+49', 3)});
shop(q{INSERT INTO mfa.budget (name, period, destination, amount) VALUES ('all', 'month', '', 5), ('germany', 'day', '+49', 3)});
my $listener = $node->background_psql('shop');
$listener->query_safe('LISTEN mfa_budget');

my $old = $node->background_psql('shop', on_error_stop => 0);
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
spend(1, '+4930231250' . 10);
psql_fails($node, 'shop', q{SELECT mfa_send('+493023125011')}, 'MF003', 'used up');
$old->query('SELECT mfa_send($$+493023125012$$)');
like($old->{stderr}, qr/budget "germany" is used up/, 'seen by an old snapshot too');
$old->{stderr} = '';
$old->quit;
my ($out, $error);
$node->psql('shop', q{SELECT mfa_send('+493023125011')}, stderr => \$error);
like($error, qr/ERROR:  budget "germany" is used up: 3 are spent this day\nDETAIL:  It begins anew on \d{4}-\d\d-\d\d, UTC\.\nHINT:  .*mfa\.budget/,
	'says which, how much and until when');
unlike($error, qr/023125011/, 'but not the number');

spend(2); # 4 of 5
wait_for(sub { slurp_file($node->logfile) =~ /LOG:  budget "all" of mfa: 80 % of this month are spent/ }, 'the warning');
spend(1); # 4.5
spend(1); # 5
psql_fails($node, 'shop', q{SELECT mfa_send('+14155550999')}, 'MF003', 'all is used up');
wait_for(sub { slurp_file($node->logfile) =~ /LOG:  budget "all" of mfa: 100 % of this month are spent/ }, 'the end');
my @said = slurp_file($node->logfile) =~ /LOG:  (budget "\w+" of mfa: \d+ %)/g;
is(join(', ', sort @said), 'budget "all" of mfa: 100 %, budget "all" of mfa: 80 %, budget "germany" of mfa: 100 %', 'said once');
like($listener->query_safe('SELECT 1'), qr/"budget": "germany", "period": "day", "percent": 100, "exhausted": true.*"budget": "all", "period": "month", "percent": 80, "exhausted": false/s,
	'listeners are told');

shop(q{UPDATE mfa.budget SET amount = 10 WHERE name = 'all'});
spend(1);
pass('more was allowed');
psql_fails($node, 'shop', q{INSERT INTO mfa.budget (name, period, amount) VALUES ('x', 'week', 1)}, '23514', 'no such period');
psql_fails($node, 'shop', q{INSERT INTO mfa.budget (name, period, amount) VALUES ('x', 'day', 0)}, '23514', 'nothing to spend');

# Neither verifying nor a test recipient costs anything.
shop(q{UPDATE mfa.budget SET amount = 1 WHERE name = 'all'; INSERT INTO mfa.test_recipient VALUES ('+14155550100', '424242')});
ok(shop(q{SELECT mfa_send('+14155550100')}), 'test recipients are free');
$listener->quit;

check_log($node, 'nothing else in the log to worry about', 0, qr/is used up|check constraint/);
done_testing();
