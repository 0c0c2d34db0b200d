#!/usr/bin/perl
# The example application as a CGI/1.1 program; ../README.md lists its URLs. Core modules only.
#
# What CGI does differently from the other two:
# - one process per request; the head has bare line feeds, as most CGI programs write it. fcgiwrap makes CR LF of
#   them, and of those on standard error as long as the head is not complete;
# - nobody drops the body of a HEAD request, so this program does;
# - /fail catches its own exception and answers 500; /fail-raw dies without having written a byte;
# - fcgiwrap collects output in 8 KiB pieces, /stream included, unless it gets a parameter NO_BUFFERING;
# - fcgiwrap answers 502 to /noread when the body does not fit into the pipe to the program;
# - /fail-late exits with status 1: fcgiwrap passes on what was written and ends the request in order.

use strict;
use warnings;

use Digest::SHA;
use Encode ();
use JSON::PP ();
use Time::HiRes ();

use constant PIECE      => 65536;      # bytes handled at a time
use constant HASH_LIMIT => 1048576;    # largest download that is announced with its hash

my %routes = (
    '/'          => \&index_page,
    '/cookies'   => \&cookies,
    '/download'  => \&download,
    '/echo'      => \&echo_body,
    '/env'       => \&env,
    '/events'    => sub { trickle('text/event-stream', number('count', 5), 'data: ', "\n\n") },
    '/fail'      => sub { die "fail\n" },
    '/fail-late' => \&fail_late,
    '/fail-raw'  => sub { STDERR->print("fail-raw\n"); exit 1 },
    '/head-test' => sub { answer('0123456789') },
    '/headers'   => \&headers,
    '/noread'    => sub { answer("ignored\n") },
    '/redirect'  => \&redirect,
    '/sleep'     => sub { Time::HiRes::sleep(number('ms', 100) / 1000); answer("slept\n") },
    '/status'    => \&status,
    '/stderr'    => \&stderr,
    '/stream'    => sub { trickle('text/plain', number('chunks', 5), 'chunk ', "\n") },
    '/upload'    => \&upload,
);

binmode STDIN;
binmode STDOUT;
$| = 1;

my $is_head  = ($ENV{REQUEST_METHOD} // 'GET') eq 'HEAD';
my %query    = query($ENV{QUERY_STRING} // '');
my $has_head = 0;
my $path     = path() =~ s{\A/env/.*}{/env}sr;
my $route    = $routes{$path} // sub { answer("not found\n", 'text/plain', 'Status: 404 Not Found') };
if (!eval { $route->(); 1 }) {
    print STDERR $@;
    exit 1 if $has_head;
    answer("failed\n", 'text/plain', 'Status: 500 Internal Server Error');
}

# PATH_INFO where the gateway splits the path, else the path of REQUEST_URI.
sub path {
    my $info = $ENV{PATH_INFO} // '';
    return $info if $info ne '';
    my ($path) = split /\?/, $ENV{REQUEST_URI} // '/', 2;
    return unescape($path);
}

sub unescape {
    my ($text) = @_;
    $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/eg;
    return $text;
}

sub query {
    my ($text) = @_;
    my %pairs;
    for my $pair (split /&/, $text) {
        my ($name, $value) = map { tr/+/ /; unescape($_) } split /=/, $pair, 2;
        $pairs{$name} = $value // '' if defined $name;
    }
    return %pairs;
}

sub number {
    my ($name, $default) = @_;
    return ($query{$name} // '') =~ /\A\d+\z/ ? $query{$name} + 0 : $default;
}

# Writes the head: the given header lines, then the blank one.
sub head {
    print map({ "$_\n" } @_), "\n";
    $has_head = 1;
}

sub answer {
    my ($body, $type, @lines) = @_;
    head(@lines, 'Content-Type: ' . ($type // 'text/plain'), 'Content-Length: ' . length $body);
    print $body unless $is_head;
}

sub json {
    my ($value) = @_;
    answer(JSON::PP->new->canonical->ascii->encode($value) . "\n", 'application/json');
}

# Calls the given code with each piece of the request body.
sub each_piece {
    my ($code) = @_;
    my $left = $ENV{CONTENT_LENGTH} || 0;
    while ($left > 0) {
        my $count = sysread STDIN, my $piece, $left < PIECE ? $left : PIECE;
        last unless $count;
        $left -= $count;
        $code->($piece);
    }
}

sub index_page {
    my $links = join '', map { qq(<li><a href="$_">$_</a></li>\n) } sort keys %routes;
    answer("<!DOCTYPE html>\n<title>Example application</title>\n<ul>\n$links</ul>\n", 'text/html; charset=utf-8');
}

sub env {
    json({ map { $_ => Encode::decode('UTF-8', $ENV{$_}) } keys %ENV });
}

sub echo_body {
    my $body = '';
    each_piece(sub { $body .= $_[0] });
    my $type = $ENV{CONTENT_TYPE} || 'application/octet-stream';
    answer($body, $type, 'X-Body-Length: ' . length $body, "X-Method: $ENV{REQUEST_METHOD}");
}

sub upload {
    my ($hash, $length) = (Digest::SHA->new(256), 0);
    each_piece(sub { $hash->add($_[0]); $length += length $_[0] });
    json({ length => $length, sha256 => $hash->hexdigest });
}

# Byte i is (i * 31 + 7) & 0xff; the pattern repeats every 256 bytes, so every piece starts alike.
sub download {
    my $bytes = number('bytes', 0);
    my $piece = join('', map { chr(($_ * 31 + 7) & 0xff) } 0 .. 255) x (PIECE / 256);
    my @lines = ('Content-Type: application/octet-stream', "Content-Length: $bytes");
    if ($bytes <= HASH_LIMIT) {
        my $whole = $piece x (int($bytes / PIECE) + 1);
        push @lines, 'X-Sha256: ' . Digest::SHA::sha256_hex(substr $whole, 0, $bytes);
    }
    head(@lines);
    return if $is_head;
    for (my $left = $bytes; $left > 0; $left -= PIECE) {
        print $left < PIECE ? substr($piece, 0, $left) : $piece;
    }
}

sub trickle {
    my ($type, $count, $prefix, $suffix) = @_;
    head("Content-Type: $type", 'Cache-Control: no-cache');
    return if $is_head;
    for my $i (0 .. $count - 1) {
        Time::HiRes::sleep(number('ms', 100) / 1000) if $i > 0;
        print $prefix, $i, $suffix;
    }
}

sub cookies {
    answer("cookies\n", 'text/plain', map { "Set-Cookie: c$_=v$_" } 0 .. number('count', 1) - 1);
}

sub status {
    my $code = number('code', 200);
    return head("Status: $code") if $code == 204 || $code == 304;
    answer("status $code\n", 'text/plain', "Status: $code");
}

sub headers {
    my $value = 'x' x number('size', 10);
    answer("headers\n", 'text/plain', map { "X-Big-$_: $value" } 0 .. number('count', 1) - 1);
}

sub redirect {
    my $to = $query{to} // '/';
    answer("redirect\n", 'text/plain', 'Status: ' . number('code', 302), "Location: $to");
}

sub fail_late {
    head('Content-Type: text/plain', 'Content-Length: 1000');
    print 'partial';
    die "fail-late\n";
}

sub stderr {
    print STDERR "stderr line $_\n" for 0 .. number('lines', 1) - 1;
    answer("logged\n");
}
