#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory checkers take attached memory for what it is.

load helpers

# --detached has one fault, in the child.
@test "valgrind finds only what is wrong" {
	command -v valgrind >/dev/null || skip "valgrind is not installed"
	run_x '?' valgrind --sim-hints=lax-ioctls checked --detached
	[[ $output != *ioctl* ]]
	is_like "$output" "*Invalid read of size 1*"
	is "$(sed -n 's/.*ERROR SUMMARY: \([0-9]*\) .*/\1/p' <<<"$output" | xargs)" "1 0"
}

@test "address sanitizer finds nothing" {
	run_x checked-sanitized
}
