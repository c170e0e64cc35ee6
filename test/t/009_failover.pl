# Providers that are down: others are used at once, the dead one is left alone and taken up again; what
# piles up meanwhile goes out without a stampede, and without what nobody needs any more.
#
# Without Breaker::room or breakers::load, "not ok - a new worker knows"; without Worker::pass_on, "timed
# out waiting for the rest by the other provider"; without the breaker's window, "not ok - no stampede";
# without the claim's look for a newer copy, "not ok - each recipient gets one".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my ($first, $second) = (start_gateway(), start_gateway());
my $node = start_cluster('main');
make_database($node, 'shop', $first, timeout => '1 s', connect_timeout => '1 s');

sub shop { return sql($node, 'shop', $_[0]) }

sub log_count
{
	my ($pattern) = @_;
	my @found = slurp_file($node->logfile) =~ /$pattern/g;
	return scalar @found;
}

# Sends to `count` new numbers in one transaction; more arguments of mfa_send in `arguments`.
my $batch = 0;
sub send_many
{
	my ($count, $arguments) = @_;
	$arguments = $arguments ? ", $arguments" : '';
	++$batch;
	shop("SELECT count(mfa_send('+1415' || (2000000 + $batch * 10000 + i) $arguments)) FROM generate_series(1, $count) i");
	return "+1415" . (200 + $batch) . '%';
}

subtest 'a provider that is down is left alone, and others are used at once' => sub {
	shop(q{CREATE SERVER other FOREIGN DATA WRAPPER mfa_signalwire OPTIONS (sender '+15550100', state_lookup 'off', base_url '} . $second->base_url . q{');
		CREATE USER MAPPING FOR PUBLIC SERVER other OPTIONS (project_id '} . MfaGateway::PROJECT . q{', api_token '} . MfaGateway::TOKEN . q{');
		ALTER SERVER signalwire OPTIONS (ADD max_connections '8');
		SET mfa.provider = 'signalwire, other'});
	$first->faults({ match => { path => '*/Messages' }, action => { hang => 'after_read' } });
	shop("SELECT pg_reload_conf()");
	send_many(200);
	wait_for(sub { scalar($second->messages) >= 184 }, 'the rest by the other provider');
	my $struck = scalar $first->requests;
	cmp_ok($struck, '<=', 16 + 8, "it is left alone ($struck requests of 200)");
	is(log_count(qr/LOG:  mfa puts provider "signalwire" aside/), 1, 'the log says so once');

	# The breaker outlives its worker.
	shop("UPDATE mfa.message SET state = 'failed' WHERE state <> 'sent'");
	my $asked = time;
	wait_for_workers($node, 0);
	$first->call(DELETE => 'messages');
	$first->faults({ match => { path => '*/Messages' }, action => { hang => 'after_read' } });
	my $seen = scalar $second->messages;
	send_many(20);
	wait_for(sub { scalar($second->messages) >= $seen + 19 }, 'new ones by the other provider');
	cmp_ok(scalar $first->requests, '<=', 2, 'a new worker knows');

	# It answers again, and is taken up again.
	$first->faults;
	wait_for(sub {
		send_many(20);
		sleep 0.5;
		log_count(qr/LOG:  mfa uses provider "signalwire" again/) == 1
	}, 'the provider to be used again', 90);
	cmp_ok(scalar $first->messages, '>', 0, 'and messages go there');
	wait_for(sub { shop("SELECT count(*) FROM mfa.message WHERE state IN ('queued', 'sending')") == 0 }, 'the rest');
};

subtest 'a provider that asks for a pause gets it' => sub {
	shop("SET mfa.provider = 'signalwire, other'");
	$_->call(DELETE => 'messages') for $first, $second;
	$first->faults({ match => { path => '*/Messages' }, action => { status => 429, headers => { 'Retry-After' => '30' } } });
	send_many(200);
	wait_for(sub { scalar($second->messages) == 200 }, 'all by the other provider');
	cmp_ok(scalar $first->requests, '<=', 16, 'at most what was on its way was struck');
	$first->faults;
};

subtest 'a backlog goes out without a stampede' => sub {
	shop("SET mfa.provider = 'other'");
	shop("ALTER SERVER other OPTIONS (ADD timeout '20 s', ADD max_connections '256')");
	$_->call(DELETE => 'messages') for $first, $second;
	$second->faults({ match => { path => '*/Messages' }, action => { status => 503 } });
	send_many(2000, "valid_for => '11 min'");
	send_many(500, "valid_for => '3 s'");
	wait_for(sub { log_count(qr/LOG:  mfa puts provider "other" aside/) == 1 }, 'it to be put aside');
	# Whom nothing reaches asks again.
	my $again = new_number();
	my $id;
	$id = send_code($node, 'shop', $again) for 1 .. 5;
	wait_for_workers($node, 0);    # nor does a worker stay in the database for it
	sleep 1 until shop("SELECT max(expires_at) < now() FROM mfa.request WHERE expires_at - created_at = '3 s'") eq 't';
	cmp_ok(scalar $second->requests, '<=', 256 + 16, 'few requests during the outage'); # what was on its way, and probes
	$second->call(DELETE => 'messages');
	$second->faults({ match => { path => '*/Messages' }, action => { delay_ms => 50 } });
	wait_for(sub { shop("SELECT count(*) FROM mfa.message WHERE state IN ('queued', 'sending')") == 0 }, 'the backlog to be gone', 90);
	is(shop("SELECT string_agg(DISTINCT m.state, ' ') FROM mfa.message m JOIN mfa.request r ON r.id = m.request WHERE r.expires_at - r.created_at = '11 min' AND NOT m.request = '$id'"), 'sent', 'all that is still good is sent');
	is(shop("SELECT string_agg(DISTINCT m.state, ' ') FROM mfa.message m JOIN mfa.request r ON r.id = m.request WHERE r.expires_at - r.created_at = '3 s'"), 'dropped', 'what has expired is dropped');
	my %count;
	my @messages = $second->messages;
	$count{ $_->{to} }++ for @messages;
	is(scalar(grep { $_ > 1 } values %count), 0, 'each recipient gets one');
	is(shop("SELECT string_agg(state || coalesce(' ' || substr(error, 1, 20), ''), ', ' ORDER BY n) FROM mfa.message WHERE request = '$id'"),
		join(', ', ('dropped sent again meanwhile') x 4, 'sent'), 'who has asked again, too');
	# One at first, then one more for each answer: the first ten answers take several round trips.
	my @times = sort { $a <=> $b } map { $_->{received_at} } @messages;
	cmp_ok($times[10] - $times[0], '>', 0.1, 'no stampede');
};

check_log($node, 'nothing in the log to worry about');
done_testing();
