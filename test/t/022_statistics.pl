# Statistics and health against what the gateway saw: counts of tries and answers, latencies, the state of
# providers, what waits, and what mfa.health makes of it.
#
# Without the count behind the commit: "not ok - accepted, as the gateway saw it". Without note_delivery in
# the look-ups, and in reports: "not ok - delivered". Without the Date header: "not ok - a clock that is wrong".

use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use MfaTest;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
my $node = start_cluster('main');
make_database($node, 'shop', $gateway, timeout => '1 s', connect_timeout => '1 s');

sub shop { return sql($node, 'shop', $_[0]) }
sub health { return shop("SELECT status || ': ' || detail FROM mfa.health WHERE name = '$_[0]'") }
sub settled
{
	wait_for(sub { shop(q{SELECT count(*) FROM mfa.message WHERE state IN ('queued', 'sending')}) eq '0' }, 'all to be settled', 60);
	return;
}

subtest 'tries and answers' => sub {
	is(health('provider signalwire'), 'ok: not used yet', 'nothing is known yet');
	$gateway->faults(
		{ match => { to => '+1415666*' }, action => { status => 400, body => '{"code":21211}' } },
		{ match => { to => '+1415777*' }, action => { status => 503 }, times => 5 });
	shop(q{SELECT count(mfa_send('+1415555' || n)) FROM generate_series(1000, 1039) n});
	shop(q{SELECT count(mfa_send('+1415666' || n)) FROM generate_series(1000, 1006) n});
	shop(q{SELECT count(mfa_send('+1415888' || n, 'voice')) FROM generate_series(1000, 1002) n});
	settled();
	is(shop(q{SELECT string_agg(concat_ws(' ', provider, channel, accepted, retried, refused, unknown), ', ' ORDER BY channel) FROM mfa.stat_delivery}),
		'signalwire sms 40 0 7 0, signalwire voice 3 0 0 0', 'by channel');
	is(scalar $gateway->messages, shop(q{SELECT accepted FROM mfa.stat_provider}), 'accepted, as the gateway saw it');
	is(shop(q{SELECT concat_ws(' ', tries, refused, breaker, last_error, accepted_per_second > 1, last_accepted_at > now() - interval '1 min') FROM mfa.stat_provider}),
		'50 7 closed HTTP 400, provider code 21211: recipient not valid t t', 'of the provider');
	is(shop(q{SELECT count(*) FROM mfa.stat_delivery WHERE 0 < response_p50 AND response_p50 <= response_p90 AND response_p90 <= response_p99
		AND response_p50 <= acceptance_p50 AND acceptance_p50 <= acceptance_p99 AND acceptance_p99 < 60000 AND delivery_p50 IS NULL}), '2', 'latencies');
	is(shop(q{SELECT mfa_send('+14155559999') IS NOT NULL}), 't', 'one more');
	settled();
	is(health('provider signalwire'), 'ok: took its last message', 'health') or diag shop('SELECT * FROM mfa.stat_provider');
};

subtest 'what arrives' => sub {
	for my $n (1000 .. 1003)
	{
		my $sid = $gateway->message_for("+1415555$n")->{sid};
		my $word = $n < 1003 ? 'delivered' : 'undelivered';
		is(shop("SELECT mfa_delivery_report('signalwire', '$sid', '$word')"), 't', "report of $n");
		is(shop("SELECT mfa_delivery_report('signalwire', '$sid', '$word')"), 't', '... twice');
	}
	is(shop(q{SELECT concat_ws(' ', delivered, undelivered, delivery_p50 > 0) FROM mfa.stat_delivery WHERE channel = 'sms'}), '3 1 t', 'delivered');
	shop(q{ALTER SERVER signalwire OPTIONS (SET state_lookup 'on')});
	shop(q{SELECT mfa_send('+14159990001', 'voice')});
	wait_for(sub { shop(q{SELECT delivered FROM mfa.stat_delivery WHERE channel = 'voice'}) eq '1' }, 'a look-up', 30);
	cmp_ok(shop(q{SELECT delivery_p50 FROM mfa.stat_delivery WHERE channel = 'voice'}), '>', 1000, 'delivered, by a look-up');
	shop(q{ALTER SERVER signalwire OPTIONS (SET state_lookup 'off')});
};

subtest 'an outage' => sub {
	$gateway->fault('*', { status => 503, headers => { Date => strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time + 3600)) } });
	shop(q{SELECT count(mfa_send('+1415444' || n)) FROM generate_series(1000, 1099) n});
	wait_for(sub { shop(q{SELECT count(*) FROM mfa.stat_provider WHERE breaker IN ('open', 'half-open')}) eq '1' }, 'the breaker', 30);
	cmp_ok(shop('SELECT retried FROM mfa.stat_provider'), '>=', 5, 'tries that failed');
	is(shop(q{SELECT concat_ws(' ', last_error, last_failed_at > last_accepted_at) FROM mfa.stat_provider}), 'HTTP 503 t', 'and why');
	like(health('provider signalwire'), qr/^warning: put aside.*HTTP 503/, 'health');
	like(health('clock'), qr/^critical: 3(?:599|600|601) s behind that of provider signalwire/, 'a clock that is wrong');
	is(shop(q{SELECT concat_ws(' ', provider, due + sending + later) FROM mfa.progress_drain}), 'signalwire 100', 'what waits');
	shop(q{UPDATE mfa.message SET due_at = now() - interval '1 hour' WHERE state = 'queued'});
	like(health('queue'), qr/^critical: \d+ messages are due, the first for 36\d\d s/, 'a queue that is stuck');
	$gateway->faults();
	settled();
	is(shop(q{SELECT count(*) FROM mfa.progress_drain}), '0', 'it is drained');
	like(health('clock'), qr/^ok: [01] s/, 'the clock is right');
};

subtest 'unknown outcomes, and a new start' => sub {
	$gateway->fault('*', { hang => 'after_read' });
	shop(q{SELECT mfa_send('+14153330001')});
	wait_for(sub { shop('SELECT unknown FROM mfa.stat_provider') ne '0' }, 'a time-out', 30);
	like(shop('SELECT last_error FROM mfa.stat_provider'), qr/time/i, 'its reason');
	like(health('provider signalwire'), qr/^warning: did not take its last message; last error: .*time/i, 'health');
	$gateway->faults();
	shop('SELECT mfa_stat_reset()');
	is(shop('SELECT count(*) FROM mfa.stat_provider'), '0', 'nothing is left after a reset');
	my $others = make_database($node, 'other', $gateway);
	is(sql($node, $others, 'SELECT sends FROM mfa.stat_send'), '0', 'another database has its own');
	forget_sessions();
	$node->restart;
	is(shop('SELECT sends FROM mfa.stat_send'), '0', 'they begin anew with the server');
	is(shop(q{SELECT count(*) FROM mfa.health WHERE status = 'critical'}), '0', 'and all is well');
};

subtest 'health of what lacks' => sub {
	my $key = $node->data_dir . '/mfa.key';
	chmod 0644, $key or die $!;
	like(health('key file'), qr/^critical: .*mfa\.key/, 'a key file that others can read');
	chmod 0600, $key or die $!;
	like(health('key file'), qr/^ok: 1 key$/, '... and one that is right');
	forget_sessions();
	$node->append_conf('postgresql.conf', 'max_worker_processes = 2'); # one is the launcher's, one that of logical replication
	$node->restart;
	shop(q{SELECT mfa_send('+14152220001')});
	wait_for(sub { health('workers') =~ /^critical: no background worker/ }, 'want of a worker', 30);
	pass('no worker can be started');
	forget_sessions();
	$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
	$node->restart;
	is(shop(q{SELECT string_agg(name || ' ' || status, ',') FROM mfa.health}), 'library critical', 'no library');
};

done_testing();
