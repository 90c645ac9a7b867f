#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# libxpmem: historical and extended calls, forks and threads.

load helpers

@test "version" {
	run_case library version
}

@test "exchange" {
	run_case library exchange
}

@test "errors" {
	run_case library errors
}

@test "whole address space" {
	run_case library whole-address-space
}

@test "attach at an address" {
	run_case library attach-at-an-address
}

@test "fork" {
	run_case library fork
}

@test "fork of a fork" {
	run_case library fork-of-a-fork
}

@test "exporter after a child ended" {
	run_case library exporter-after-a-child-ended
}

@test "threads" {
	run_case library threads
}

@test "one descriptor closed on exec" {
	run_case library one-descriptor-closed-on-exec
}

@test "descriptor closed" {
	run_case library descriptor-closed
}

@test "descriptor replaced" {
	run_case library descriptor-replaced
}

@test "descriptor closed and reused" {
	run_case library descriptor-closed-and-reused
}

@test "descriptor moved" {
	run_case library descriptor-moved
}

@test "descriptor replaced by a thread" {
	run_case library descriptor-replaced-by-a-thread
}

@test "descriptor replaced without memory" {
	run_case library descriptor-replaced-without-memory
}

@test "fork without handlers" {
	run_case library fork-without-handlers
}

@test "fork without handlers and reuse" {
	run_case library fork-without-handlers-and-reuse
}

@test "vfork and close" {
	run_case library vfork-and-close
}

@test "one system call each" {
	run_case library one-system-call-each
}

@test "query" {
	run_case library query
}

@test "make segment" {
	run_case library make-segment
}

@test "get segment" {
	run_case library get-segment
}

@test "segment descriptor" {
	run_case library segment-descriptor
}

@test "attach range" {
	run_case library attach-range
}

@test "old and new calls mix" {
	run_case library old-and-new-calls-mix
}

@test "wait" {
	run_case library wait
}

@test "alloc" {
	run_case library alloc
}

@test "alloc then fork" {
	run_case library alloc-then-fork
}

@test "alloc arguments" {
	run_case library alloc-arguments
}

@test "alloc huge" {
	run_case library alloc-huge
}

@test "alloc for a robust mutex" {
	run_case library alloc-for-a-robust-mutex
}

@test "share" {
	run_case library share
}

@test "share heap" {
	run_case library share-heap
}

@test "share mapped file" {
	run_case library share-mapped-file
}

@test "share sparse" {
	run_case library share-sparse
}

@test "share then fork" {
	run_case library share-then-fork
}

@test "share refused" {
	run_case library share-refused
}

@test "every case of the program has a test" {
	is "$(cases_without_test library "$BATS_TEST_FILENAME")" ""
}
