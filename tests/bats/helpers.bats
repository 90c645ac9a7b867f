#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The helpers: above all, that each of them can fail.

load helpers

@test "is accepts the same text and nothing else" {
	is abc abc
	is "" ""
	is "a  b" "a  b"
	fails is abc abd
	fails is abc "a*"
	fails is "" abc
	fails is "1" "01"
}

@test "fails is the opposite of its command" {
	fails false
	if fails true; then
		return 1
	fi
}

@test "is says what was and what was expected" {
	local said status=0

	said=$(is one two "the number" 2>&1) || status=$?
	is "$status" 1
	is_like "$said" "the number*is:*one*expected:*two"
}

@test "is_like takes a pattern" {
	is_like "one two" "one *"
	is_like "one two" "*two"
	fails is_like "one two" "two*"
	fails is_like "" "?*"
}

@test "run_x wants status 0 unless told otherwise" {
	run_x true
	fails run_x false
	run_x 1 false
	fails run_x 1 true
	run_x 3 bash -c 'exit 3'
	fails run_x 3 bash -c 'exit 4'
	run_x '?' false
	is "$status" 1
}

@test "run_x gives and logs output and status" {
	local log

	run_x 5 bash -c 'echo out; echo err >&2; exit 5'
	is "$status" 5
	is "$output" $'out\nerr'
	log=$(run_x 5 bash -c 'echo said; exit 5')
	is_like "$log" "# bash -c *"$'\n'"said"$'\n'"\[status 5\]"
}

@test "run_case passes, fails and skips as the program says" {
	local log

	good-cases() { true; }
	bad-cases() { return 1; }
	crashing-cases() { return 139; }
	skipping-cases() {
		echo "for a reason"
		return 77
	}
	run_case good any
	fails run_case bad any
	fails run_case crashing any
	fails run_case missing any
	log=$(
		skip() { echo "skipped: $*"; }
		run_case skipping any
	)
	is_like "$log" "*skipped: for a reason"
}

@test "as_user has no privilege left" {
	is "$(as_user 2000 id -u)" 2000
	is "$(as_user 2000 id -G)" 2000
	is "$(as_user 2000 grep CapEff /proc/self/status)" $'CapEff:\t0000000000000000'
	is "$(as_user 2000 grep CapBnd /proc/self/status)" $'CapBnd:\t0000000000000000'
}

@test "within waits, and gives up" {
	local start=$SECONDS

	within 5 true
	fails within 1 false
	((SECONDS - start < 5))
}

@test "cases_of leaves out what a test runs by itself" {
	local suite=$BATS_TEST_TMPDIR/suite

	some-cases() { printf '%s\t%s\n' one "the first" one-more "one more" two "the second"; }
	printf '\trun_cases some\n\trun_case some one\n' >"$suite"
	is "$(cases_of some "$suite")" $'one-more\tone more\ntwo\tthe second'
	is "$(XPMEM_TEST_ONLY="the second" cases_of some "$suite")" $'two\tthe second'
	is "$(XPMEM_TEST_ONLY=two cases_of some "$suite")" $'two\tthe second'
	is "$(XPMEM_TEST_ONLY=one cases_of some "$suite")" ""
	fails cases_of missing "$suite"
}

@test "a program lists its cases with their descriptions" {
	run_x harness-cases --list
	is "${output%%$'\n'*}" $'unequal\tunequal'
	is_like "$output" $'*\nleftover-peer\tleftover peer\n*'
}

@test "limited ends a command with all its processes" {
	local started=$SECONDS pid

	run_x 124 limited 1 bash -c 'setsid sleep 1000 & echo "$!"; sleep 1000'
	is_like "$output" "*timeout after 1 seconds"
	((SECONDS - started < 60))
	fails kill -0 "${output%%$'\n'*}"
	run_x 1 limited 60 bash -c 'setsid sleep 1000 & echo "$!"'
	is_like "$output" "*left processes behind:*process ${output%%$'\n'*} (sleep)"
	fails kill -0 "${output%%$'\n'*}"
	run_x 139 limited 60 bash -c 'kill -SEGV $$'
	is "$output" "ended by SIGSEGV"
	run_x 77 limited 60 bash -c 'exit 77'
	run_x limited 60 bash -c 'sleep 0.2 &'
	run_x 2 limited
}

@test "a program refuses a case that it does not have" {
	run_x 2 coherence-cases no-such-case
	is_like "$output" "*no case no-such-case*"
	run_x 2 coherence-cases
}

@test "a failing case says where, what it saw and what it expected" {
	run_x 1 harness-cases unequal
	is_like "$output" "*harness_cases.c:[0-9]*: unequal: 2 + 2 is 4 (0x4), expected 5 = 5 (0x5)"
}

@test "errors and signals have names" {
	run_x 1 harness-cases error
	is_like "$output" "*is EINVAL (22), expected success"
	run_x 1 harness-cases signal
	is_like "$output" "*is SIGSEGV, expected 0*"
}

@test "a case that hangs fails by its time limit" {
	run_x 1 harness-cases hang
	is_like "$output" "*time limit passed*"
}

@test "a failure in a peer fails the case" {
	run_x 1 harness-cases failing-peer
	is_like "$output" "*in a peer*died before it answered*"
}

@test "an unexpected fault fails the case" {
	run_x 1 harness-cases fault
	is_like "$output" "*unexpected SIGSEGV*"
}

@test "a failed case leaves no process behind" {
	run_x 1 harness-cases leftover-peer
	fails kill -0 "${output%%$'\n'*}"
}

@test "a skipped case says why" {
	run_x 77 harness-cases skipped
	is "$output" "there is a reason"
}
