# The key file: what a dump of the tables is worth without it (G8), rotation, and every way in which it
# can be unusable.
#
# With hashes that are not keyed, the brute force finds them: "not ok - no code hashes to what is stored,
# without the key" and "not ok - the number does not ...". With sealed copies that are not encrypted, "not
# ok - the sealed copy does not show the code".

use strict;
use warnings FATAL => 'all';

use Digest::SHA qw(hmac_sha256 sha256);
use FindBin;
use lib "$FindBin::RealBin/lib";

use MfaTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $gateway = start_gateway();
my $node = start_cluster('keys');
make_database($node, 'shop', $gateway);
my $key_file = $node->data_dir . '/mfa.key';

sub shop { return sql($node, 'shop', @_) }

sub sent
{
	my $to = new_number();
	my $id = send_code($node, 'shop', $to, @_);
	return ($to, $id, $gateway->code_for($to));
}

sub replace_file
{
	my ($text, $mode) = @_;
	my $new = "$key_file.test";
	unlink $new;
	append_to_file($new, $text);
	chmod $mode // 0600, $new or die "chmod: $!";
	rename $new, $key_file or die "rename: $!";
	return;
}

sub new_key
{
	run_command([ 'openssl', 'rand', '-base64', '32' ]);
	my ($key) = run_command([ 'openssl', 'rand', '-base64', '32' ]);
	return "$key\n";
}

is((stat $key_file)[2] & 07777, 0600, 'the key file is made for its owner alone');
my $original = slurp_file($key_file);

subtest 'a dump of the tables does not yield the code' => sub {
	my ($to, $id, $code) = sent('code_length => 4');
	my ($hash, $recipient, $sealed) = map { pack 'H*', $_ } split /\|/,
	  shop("SELECT encode(code_hash, 'hex'), encode(recipient_hash, 'hex'), encode(sealed, 'hex') FROM mfa.request WHERE id = '$id'");
	my $raw_id = pack 'H*', $id =~ s/-//gr;
	my $length = sub { pack 'Q>', length $_[0] };
	my $found = 0;
	for my $guess (map { sprintf '%04d', $_ } 0 .. 9999)
	{
		for my $who ($to, $recipient, substr($to, 1))
		{
			my $plain = $raw_id . $who . $guess;
			my $prefixed = join '', map { $length->($_) . $_ } $raw_id, $who, '', $guess;
			$found ||= grep { $_ eq $hash } sha256($plain), sha256($prefixed), sha256($guess),
			  sha256($raw_id . $guess), hmac_sha256($guess, $raw_id), hmac_sha256($plain, ''),
			  hmac_sha256($prefixed, ''), hmac_sha256($prefixed, $recipient);
		}
	}
	is(scalar(grep { substr($_, 0, length $recipient) eq $recipient } map { (sha256($_), hmac_sha256($_, '')) } $to, substr $to, 1),
		0, 'the number does not hash to what is stored, without the key');
	ok(!$found, 'no code hashes to what is stored, without the key');
	is(index($sealed, $code), -1, 'the sealed copy does not show the code');
	is(index($sealed, $to), -1, '... nor the number');

	# The same number and code, made again, look different everywhere but in the recipient's hash.
	shop("SELECT mfa_cancel('$id')");
	is(shop("SELECT code_hash IS NULL AND sealed IS NULL FROM mfa.request WHERE id = '$id'"), 't',
		'both are gone when the request ends');
};

subtest 'rotation' => sub {
	my ($to, $id, $code) = sent();
	my ($by_number) = sent();
	my ($old_to, $old_id, $old_code) = sent();
	replace_file(new_key() . $original);
	is(shop("SELECT mfa_verify('$id', '$code')"), 't', 'a code made under the old key verifies, by id');
	is(shop("SELECT mfa_verify('$old_to', '$old_code')"), 't', '... and by number');
	my ($new_to, $new_id, $new_code) = sent();
	isnt(shop("SELECT key_id FROM mfa.request WHERE id = '$new_id'"),
		shop("SELECT key_id FROM mfa.request WHERE id = '$id'"), 'a new code is made under the new key');
	is(send_code($node, 'shop', $by_number),
		shop("SELECT id FROM mfa.request ORDER BY created_at OFFSET 2 LIMIT 1"),
		'a live request under the old key is sent again, not made anew');
	ok($gateway->message_for($by_number, 2), 'and delivered');
	is(shop("SELECT mfa_verify('$new_to', '$new_code')"), 't', 'a code made under the new key verifies');
};

subtest 'a wrong key serves nothing' => sub {
	my $file = slurp_file($key_file);
	my ($to, $id, $code) = sent();
	replace_file(new_key());
	psql_fails($node, 'shop', "SELECT mfa_verify('$id', '$code')", '55000', 'the request\'s key is not there: 55000');
	psql_fails($node, 'shop', "SELECT mfa_resend('$id')", '55000', '... for another message too');
	is(shop("SELECT mfa_verify('$to', '$code')"), 'f', 'by number nothing is found');
	is(shop("SELECT attempts FROM mfa.request WHERE id = '$id'"), 0, 'nothing was charged');
	replace_file($file);
	is(shop("SELECT mfa_verify('$to', '$code')"), 't', 'put back, the code verifies');
};

subtest 'an unusable file' => sub {
	my $file = slurp_file($key_file);
	my ($to, $id, $code) = sent();
	my %broken = (
		missing => sub { unlink $key_file },
		'readable by others' => sub { chmod 0644, $key_file },
		truncated => sub { replace_file(substr $file, 0, -7) },
		empty => sub { replace_file('') },
		garbage => sub { replace_file("\0\xff" x 100) });
	for my $how (sort keys %broken)
	{
		$broken{$how}->();
		psql_fails($node, 'shop', "SELECT mfa_verify('$id', '$code')", '55000', "$how: 55000");
		psql_fails($node, 'shop', "SELECT mfa_send('" . new_number() . "')", '55000', "$how: no code is made");
		replace_file($file);
	}
	is(shop("SELECT mfa_verify('$to', '$code')"), 't', 'put back, everything goes on');
	my $log = slurp_file($node->logfile);
	for my $key (grep { !/^#/ && length } split /\n/, "$original\n$file")
	{
		is(index($log, substr $key, 0, 12), -1, 'no key in the log');
	}
};

subtest 'a message waits for its key' => sub {
	my $file = slurp_file($key_file);
	my %without = (
		'no file' => [ sub { unlink $key_file }, qr/key file/ ],
		'another key' => [ sub { replace_file(new_key()) }, qr/does not have the key of this request/ ]);
	for my $how (sort keys %without)
	{
		my ($take_away, $error) = @{ $without{$how} };
		my $to = new_number();
		shop("BEGIN; SELECT mfa_send('$to')");
		$take_away->();
		shop('COMMIT');
		my $id = shop('SELECT id FROM mfa.request ORDER BY created_at DESC LIMIT 1');
		wait_for(sub { (message_row($node, 'shop', $id)->{error} // '') =~ $error }, 'the worker to miss the key');
		is(message_row($node, 'shop', $id)->{state}, 'queued', "$how: the message stays queued");
		replace_file($file);
		ok($gateway->code_for($to), '... and is delivered once the key is back');
	}
};

done_testing();
