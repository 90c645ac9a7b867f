#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The generic netlink operations, right and wrong, and what the kernel says with a refusal.

load helpers

@test "get" {
	run_case netlink get
}

@test "get of what is not there" {
	run_case netlink get-of-what-is-not-there
}

@test "get without id" {
	run_case netlink get-without-id
}

@test "attributes of wrong length" {
	run_case netlink attributes-of-wrong-length
}

@test "attributes that do not belong" {
	run_case netlink attributes-that-do-not-belong
}

@test "dump" {
	run_case netlink dump
}

@test "dump of some" {
	run_case netlink dump-of-some
}

@test "dump of the named" {
	run_case netlink dump-of-the-named
}

@test "dump of what is two things" {
	run_case netlink dump-of-what-is-two-things
}

@test "revoke a segment" {
	run_case netlink revoke-segment
}

@test "revoke a permit" {
	run_case netlink revoke-permit
}

@test "revoke what is not one's own" {
	run_case netlink revoke-what-is-not-ones-own
}

@test "revoke as a stranger, and as the administrator" {
	run_case netlink revoke-as-stranger
}

@test "a socket of another user" {
	run_case netlink socket-of-another-user
}

@test "figures of the machine are the administrator's" {
	run_case netlink figures-of-the-machine
}

@test "figures follow what is done" {
	run_case netlink figures-follow-what-is-done
}

@test "dump of many" {
	run_case netlink dump-of-many
}

@test "dump while objects change" {
	run_case netlink dump-while-objects-change
}

@test "dump twice at once" {
	run_case netlink dump-twice-at-once
}

@test "dump abandoned" {
	run_case netlink dump-abandoned
}

@test "commands that are not there" {
	run_case netlink commands-that-are-not-there
}

@test "every operation: right request" {
	run_case netlink table-right-request
}

@test "every operation: attribute missing" {
	run_case netlink table-attribute-missing
}

@test "every operation: attribute doubled" {
	run_case netlink table-attribute-doubled
}

@test "every operation: attribute of wrong length" {
	run_case netlink table-attribute-of-wrong-length
}

@test "every operation: unknown attribute" {
	run_case netlink table-unknown-attribute
}

@test "every operation: nested attribute" {
	run_case netlink table-nested-attribute
}

@test "every operation: truncated" {
	run_case netlink table-truncated
}

@test "every operation: reserved header bits" {
	run_case netlink table-reserved-header-bits
}

@test "every operation: unknown flags" {
	run_case netlink table-unknown-flags
}

@test "every operation: commands that are not there" {
	run_case netlink table-commands-that-are-not-there
}

@test "every operation: dump with attributes" {
	run_case netlink table-dump-with-attributes
}

@test "addresses of a process that may not be traced" {
	run_case netlink addresses-of-a-process-that-may-not-be-traced
}

@test "own addresses" {
	run_case netlink own-addresses
}

@test "process that joined the namespace" {
	run_case netlink process-that-joined-the-namespace
}

@test "figures of refusals" {
	run_case netlink figures-of-refusals
}

@test "dump amid the churn of a user" {
	run_case netlink dump-amid-the-churn-of-a-user
}

@test "every case of the program has a test" {
	is "$(cases_without_test netlink "$BATS_TEST_FILENAME")" ""
}
