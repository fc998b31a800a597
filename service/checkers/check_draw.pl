#!/usr/bin/env perl
# Check a published draw with nothing but Perl: perl check_draw.pl FOLDER
#
# Written apart from check_draw.py, in another language: both must come to the same chosen people.
# Ends with 0 when winners.txt and waiting.txt follow from the frozen list and the seed, else with 1 and the reason.
use strict;
use warnings;
use Digest::SHA qw(sha256 sha256_hex);
use JSON::PP qw(decode_json);

@ARGV == 1 or die "usage: perl check_draw.pl FOLDER\n";
my $folder = shift;

sub refuse { print STDERR "REFUSED: $_[0]\n"; exit 1 }

sub content {
    my ($name) = @_;
    open(my $file, '<:raw', "$folder/$name") or refuse("cannot read $name: $!");
    local $/;
    return scalar(<$file>) // '';
}

sub lines {
    my ($name) = @_;
    my $content = content($name);
    refuse("$name is cut off") if length $content && substr($content, -1) ne "\n";
    my @lines = split /\n/, $content, -1;
    pop @lines;    # behind the last end of a line
    return @lines;
}

sub root {    # level by level; the last of an odd number goes up as it is
    my @level = map { sha256("\x00$_") } @_;
    return sha256_hex('') unless @level;
    while (@level > 1) {
        my @above;
        for (my $i = 0; $i + 1 < @level; $i += 2) { push @above, sha256("\x01$level[$i]$level[$i+1]") }
        push @above, $level[-1] if @level % 2;
        @level = @above;
    }
    return unpack('H*', $level[0]);
}

my ($frozen_text, $rules_text) = (content('frozen.json'), content('rules.json'));
my ($frozen, $rules, $result) = eval { map { decode_json($_) } $frozen_text, $rules_text, content('result.json') };
refuse("not JSON: $@") unless $result;
refuse('frozen.json is of another format') unless $frozen->{format} eq 'launchnight grants 1';
refuse('rules.json is not what was frozen') unless sha256_hex($rules_text) eq $frozen->{rules_sha256};
my @tickets = lines('tickets.txt');
refuse('tickets.txt is not what was frozen')
    unless @tickets == $frozen->{tickets} && root(@tickets) eq $frozen->{root};
refuse('a line of tickets.txt is not TICKET PROVINCE PRIORITY')
    if grep { !/\A[0-9a-f]{32} [0-9]{2} [01]\z/ } @tickets;
for my $i (1 .. $#tickets) {
    refuse('tickets.txt is not in order, or a ticket stands twice')
        unless substr($tickets[$i - 1], 0, 32) lt substr($tickets[$i], 0, 32);
}

my $said = join("\n", 'launchnight grants 1', sha256_hex($frozen_text), $result->{beacon}, $result->{dice}) . "\n";
utf8::encode($said);
my $seed = sha256($said);
refuse('the seed does not follow from frozen list, beacon and dice as announced')
    unless unpack('H*', $seed) eq $result->{seed} && !length($result->{dice}) == !length($frozen->{dice});

my @keys;    # flag, score, place in the list: sorting strings is quick
for my $i (0 .. $#tickets) {
    my ($ticket, $province, $priority) = split / /, $tickets[$i];
    push @keys, ($priority eq '1' ? '0' : '1') . sha256($seed . pack('H*', $ticket)) . pack('N', $i);
}
@keys = sort @keys;

my %struck = -e "$folder/withdrawn.txt" ? map { $_ => 1 } lines('withdrawn.txt') : ();
my %left = %{ $rules->{provinces} };
my (@winners, @waiting);
for my $key (@keys) {
    my $line = $tickets[ unpack('N', substr($key, 33)) ];
    my ($ticket, $province) = split / /, $line;
    next if $struck{$ticket};
    if (@winners < $rules->{seats} && (!exists $left{$province} || $left{$province} > 0)) {
        $left{$province}-- if exists $left{$province};
        push @winners, $line;
    }
    else { push @waiting, $line }
}
for my $pair (['winners.txt', \@winners], ['waiting.txt', \@waiting]) {
    my ($name, $expected) = @$pair;
    refuse("$name does not follow from list and seed")
        unless content($name) eq join('', map { "$_\n" } @$expected);
}
printf "OK: %d of %d are chosen, %d wait, %d withdrew\n", scalar @winners, scalar @tickets, scalar @waiting,
    scalar keys %struck;
printf "if %s was public before and beacon and dice were really said: draw.md\n", sha256_hex($frozen_text);
