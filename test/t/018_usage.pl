# What was sent and what it costs: mfa.usage agrees with what the gateway saw, whatever happens to the
# workers, and outlives what it was counted from.
#
# Without the sums in the transaction that records: "not ok - every one is counted". Without the fold at
# purging: "not ok - verified codes outlive their requests". Without the unknown outcomes of what a worker
# had in flight: "not ok - at most what is unknown besides".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use JSON::PP ();
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $gateway = start_gateway();
my $node = start_cluster('main');
make_database($node, 'shop', $gateway);

sub shop { return sql($node, 'shop', $_[0]) }
sub usage { return shop("SELECT $_[0] FROM mfa.usage" . ($_[1] // '')) }

# All have left the queue.
sub settled
{
	wait_for(sub { shop(q{SELECT count(*) FROM mfa.message WHERE state IN ('queued', 'sending')}) eq '0' }, 'all to be settled', 90);
	return;
}

subtest 'counts and costs' => sub {
	shop(q{INSERT INTO mfa.price (provider, channel, prefix, per_segment, per_request) VALUES
		('signalwire', 'sms', '+1', 0.0079, 0.04), ('', '', '', 0.5, 0), ('other', 'sms', '+1415', 9, 9),
		('signalwire', 'sms', '+44', 0.04, 0.04), ('', 'voice', '+44', 0.1, 0.05)});
	shop(q{INSERT INTO mfa.route (prefix) VALUES ('+4420')});
	$gateway->fault('+1415555009?', { status => 400, body => '{"code":21211}' });
	shop(q{SELECT count(mfa_send('+1415555' || lpad(n::text, 4, '0'))) FROM generate_series(1, 99) n});
	shop(q{SELECT count(mfa_send('+442079460' || n, 'voice')) FROM generate_series(101, 110) n});
	shop(q{SELECT count(mfa_send('+4930231250' || n)) FROM generate_series(10, 14) n});
	settled();
	is(usage('string_agg(concat_ws($$ $$, provider, channel, destination, requests, messages, segments, failed, unknown), $$, $$ ORDER BY channel, destination)'),
		'signalwire sms +1 99 89 89 10 0, signalwire sms +49 5 5 5 0 0, signalwire voice +4420 10 10 10 0 0',
		'every one is counted');
	is(scalar $gateway->messages, usage('sum(messages)'), '... as the gateway saw them');
	# The longest prefix, of these the provider's, of these the channel's.
	is(usage('round(sum(cost), 4)'), sprintf('%.4f', 89 * 0.0079 + 99 * 0.04 + 5 * 0.5 + 10 * (0.1 + 0.05)), 'costs');
	is(usage('count(DISTINCT day) || $$ $$ || (min(day) = (now() AT TIME ZONE $$UTC$$)::date)'), '1 true', "today's");
	$gateway->faults();
};

subtest 'verified and delivered' => sub {
	for my $n (1 .. 3)
	{
		is(shop("SELECT mfa_verify('+1415555000$n', '" . $gateway->code_for("+1415555000$n") . "')"), 't', "code $n");
	}
	my $sid = shop(q{SELECT message_id FROM mfa.message WHERE state = 'sent' AND channel = 'sms' AND destination = '+49' LIMIT 1});
	is(shop("SELECT mfa_delivery_report('signalwire', '$sid', 'delivered')"), 't', 'a report');
	my $before = usage(q{string_agg(concat_ws(' ', destination, requests, verified, messages, delivered, undelivered, cost), ', ' ORDER BY destination)});
	like($before, qr/^\+1 99 3 89 0 0.*\+49 5 0 5 1 0/, 'seen at once');

	wait_for_workers($node, 0); # the next one purges when it starts
	shop(q{UPDATE mfa.request SET expires_at = now() - interval '2 days'});
	my $id = shop("SELECT mfa_send('+12125550199')");
	wait_for(sub { shop('SELECT count(*) FROM mfa.request') eq '1' }, 'the old ones are gone');
	wait_for_state($node, 'shop', $id, 'sent');
	$before =~ s/^\+1 99 3 89/+1 100 3 90/;
	my $after = usage(q{string_agg(concat_ws(' ', destination, requests, verified, messages, delivered, undelivered, cost), ', ' ORDER BY destination)});
	is($after =~ s/[\d.]+(?=,|$)//gr, $before =~ s/[\d.]+(?=,|$)//gr, 'verified codes outlive their requests');
};

subtest 'workers that are terminated' => sub {
	$gateway->call(DELETE => 'messages');
	my $counted = usage('sum(messages)');
	$gateway->fault('*', { delay_ms => 2500 }, accept => JSON::PP::true);
	for my $round (1 .. 3)
	{
		shop("SELECT count(mfa_send('+1212555' || lpad((100 * $round + n)::text, 4, '0'))) FROM generate_series(1, 40) n");
		wait_for(sub { ($gateway->call(GET => 'stats')->{in_flight} // 1) > 0 }, 'some to be in flight');
		sleep 0.2;
		shop(q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'mfa delivery worker'});
	}
	$gateway->faults();
	settled();
	my $seen = scalar $gateway->messages;
	my $messages = usage('sum(messages)') - $counted;
	my $unknown = usage('sum(unknown)');
	note("$messages counted, $unknown unknown, the gateway saw $seen");
	cmp_ok($unknown, '>', 0, 'some are unknown');
	cmp_ok($messages, '<=', $seen, 'none that the gateway has not seen');
	cmp_ok($seen, '<=', $messages + $unknown, 'at most what is unknown besides');
	is(usage('sum(requests)', " WHERE destination = '+1'"), 220, 'each request once');
};

subtest 'a crash' => sub {
	my $before = usage('concat_ws($$ $$, sum(requests), sum(messages), sum(segments), sum(failed), sum(cost))');
	forget_sessions($node);
	$node->stop('immediate');
	$node->start;
	is(usage('concat_ws($$ $$, sum(requests), sum(messages), sum(segments), sum(failed), sum(cost))'), $before, 'nothing of it is lost');
	is(shop('SELECT count(*) FROM mfa.request'), 0, 'while the codes are');
};

check_log($node, 'nothing in the log to worry about', 0, qr/terminating background worker|terminating connection due to administrator/);
# Fails where mfa_forget writes totals in the caller's transaction: the worker would wait for their rows.
subtest 'erasing in an open transaction holds up no delivery' => sub {
	shop(q{SELECT mfa_send('+14158880001')});
	settled();
	is(shop(q{SELECT mfa_verify('+14158880001', '} . $gateway->code_for('+14158880001') . q{')}), 't', 'verified');
	my $eraser = $node->background_psql('shop', on_error_stop => 1, timeout => 60);
	is($eraser->query_safe(q{BEGIN; SELECT mfa_forget('+14158880001')}), '1', 'erased, but not committed');
	shop(q{SELECT mfa_send('+14158880002')});
	wait_for(sub { shop(q{SELECT count(*) FROM mfa.message WHERE state IN ('queued', 'sending')}) eq '0' }, 'another message to leave meanwhile', 20);
	pass('another message leaves meanwhile');
	$eraser->query_safe('COMMIT');
	$eraser->quit;
	psql_fails($node, 'shop', q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT mfa_forget('+14158880002')}, '25000', 'not with an old snapshot');
};

done_testing();
