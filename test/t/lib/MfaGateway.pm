# The mock provider (test/gateway) as a process of the test's own, and its control API.
package MfaGateway;

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Utils ();
use Time::HiRes qw(sleep time);

use constant {
	PROJECT => '6f9ad4a2-43b1-4d0e-8a0f-5c1d2e3f4a5b',
	TOKEN => 'PT0123456789abcdef',
};

my $program = abs_path(dirname(__FILE__) . '/../../gateway/gateway.py');

# MfaGateway->start(cert => FILE, key => FILE, port => N, 'max-seconds' => N): returns once it listens. It
# leaves with the object, at the test's end, or by itself after ten minutes.
sub start
{
	my ($class, %options) = @_;
	my $port_file = PostgreSQL::Test::Utils::tempdir() . '/port';
	my @command = (
		'/usr/bin/python3', '-B', $program, '--port-file' => $port_file,
		'--project' => PROJECT, '--token' => TOKEN, '--max-seconds' => 600,
		map { ("--$_" => $options{$_}) } sort keys %options);

	my $pid = fork() // die "could not fork: $!";
	if (!$pid)
	{
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	my $self = bless {
		pid => $pid, owner => $$, scheme => $options{cert} ? 'https' : 'http', http => HTTP::Tiny->new(timeout => 130)
	}, $class;
	MfaGateway::wait_for(sub { -s $port_file }, 'the gateway to listen');
	$self->{port} = 0 + PostgreSQL::Test::Utils::slurp_file($port_file);
	return $self;
}

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	local $?;
	kill 'TERM', $pid;
	waitpid $pid, 0;
	return;
}

# A forked child has a copy of the object, which is none of its business.
sub DESTROY
{
	my ($self) = @_;
	$self->stop if $self->{owner} == $$;
	return;
}

sub base_url
{
	my ($self, $host) = @_;
	return "$self->{scheme}://" . ($host // '127.0.0.1') . ":$self->{port}";
}

# call(METHOD, path under /_gateway/, value to post): what it answers. Always over plain HTTP, which it
# speaks on the same port. Dies unless it answers 200, or one of the statuses that are asked for.
sub call { return decode_json(_answer(@_)) }

# save(path, FILE): what a GET answers, as it is, for a server to read: a million lines are much for Perl.
sub save
{
	my ($self, $path, $file) = @_;
	open my $out, '>:raw', $file or die "$file: $!";
	print $out _answer($self, GET => $path) or die "$file: $!";
	close $out or die "$file: $!";
	return;
}

sub _answer
{
	my ($self, $method, $path, $value) = @_;
	my %options;
	%options = (content => encode_json($value), headers => { 'Content-Type' => 'application/json' })
	  if defined $value;
	my $response = $self->{http}->request($method, "http://127.0.0.1:$self->{port}/_gateway/$path", \%options);
	die "$method $path: $response->{status} $response->{content}\n" unless $response->{success};
	return $response->{content};
}

sub _query
{
	my ($path, $to, @more) = @_;
	unshift @more, 'to=' . ($to =~ s/\+/%2B/r) if defined $to;
	return @more ? "$path?" . join('&', @more) : $path;
}

# Accepted messages to a number, or all.
sub messages
{
	my ($self, $to) = @_;
	return @{ $self->call(GET => _query('messages', $to))->{messages} };
}

# Every request that came in, refused or struck by a fault ones too; `to` is unknown of some of these.
sub requests
{
	my ($self, $to) = @_;
	return @{ $self->call(GET => _query('requests', $to))->{requests} };
}

# The newest message to a number, once there are `count` of them. Dies after `timeout` seconds.
sub message_for
{
	my ($self, $to, $count, $timeout) = @_;
	$count //= 1;
	$timeout //= 60;
	my $answer = $self->call(GET => _query('wait', $to, "count=$count", "timeout=$timeout"));
	return $answer->{messages}[-1];
}

# The code in a message: behind the colon of the built-in text; spoken, with pauses in it.
sub code_in
{
	my ($message) = @_;
	my ($code) = $message->{text} =~ /: ([0-9A-Z]+(?:, [0-9A-Z])*)/
	  or die "no code in \"$message->{text}\"\n";
	return $code =~ s/, //gr;
}

sub code_for
{
	my ($self, @which) = @_;
	return code_in($self->message_for(@which));
}

# Replaces the fault rules. faults() removes them.
sub faults
{
	my ($self, @rules) = @_;
	$self->call(POST => 'faults', \@rules);
	return;
}

# Everything to that number (a pattern) gets that treatment; more of the rule in %rule.
sub fault
{
	my ($self, $to, $action, %rule) = @_;
	$self->faults({ match => { to => $to }, action => $action, %rule });
	return;
}

# Polls until it is true; dies after `timeout` (30) seconds. Returns what was true.
sub wait_for
{
	my ($condition, $what, $timeout) = @_;
	my $deadline = time + ($timeout // 30);
	while (1)
	{
		my $result = $condition->();
		return $result if $result;
		die "timed out waiting for $what\n" if time > $deadline;
		sleep 0.05;
	}
}

1;
