#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# XPMEM_VM_ONE_THREAD: switching tracepoints on and off patches kernel text.
# The tracepoints of the system xpmem, through tracefs.

load helpers

tracing=/sys/kernel/tracing

setup() {
	tracer=
	[[ -e $tracing/trace ]] || mount -t tracefs tracefs "$tracing" 2>/dev/null || true
	[[ -d $tracing/events/xpmem ]] || skip "this kernel has no tracepoints for modules"
	echo >"$tracing/trace"
	echo 1 >"$tracing/events/xpmem/enable"
}

teardown() {
	[[ -z $tracer ]] || kill "$tracer" 2>/dev/null || true
	[[ -z $tracer ]] || wait "$tracer" || true
	[[ ! -d $tracing/events/xpmem ]] || echo 0 >"$tracing/events/xpmem/enable"
	[[ ! -e $tracing/trace ]] || echo >"$tracing/trace"
}

# traced EVENT FIELD: its values, one a line.
traced() {
	sed -n "s/.* $1: .*\b$2=\([^ ]*\).*/\1/p" "$tracing/trace"
}

held_of() {
	jq -r "$1" <<<"$held" | sort
}

@test "what is made and ends" {
	holder_start objects "a name" 0640
	is "$(traced make segment | sort)" "$(held_of '.segments[].id')" "segments that were made"
	is "$(traced make mode | sort -u)" 0640 "their mode"
	is "$(traced make length | sort -u)" 16384 "their length"
	is "$(traced get permit | sort)" "$(held_of '.permits[].id')" "permits that were got"
	is "$(traced get segment | sort)" \
		"$(held_of '.permits[].segment_id')" "segments of the permits"
	is "$(traced attach attachment | sort)" \
		"$(held_of '.attachments[].id')" "attachments that were made"
	is "$(traced attach address | sort)" "$(held_of '.attachments[].address')" "where they are"
	is "$(traced remove segment)" "" "segments that were removed"
	holder_stop
	is "$(traced detach attachment | sort)" \
		"$(held_of '.attachments[].id')" "attachments that ended"
	is "$(traced release permit | sort)" "$(held_of '.permits[].id')" "permits that ended"
	is "$(traced remove segment | sort)" "$(held_of '.segments[].id')" "segments that ended"
}

@test "faults, with what they mapped and how long they took" {
	local last

	holder_start objects "a name" 0640
	last=$(grep ' fault: ' "$tracing/trace" | tail -n 1)
	is_like "$last" \
		"*attachment=$(held_of '.attachments[0].id') segment=$(held_of '.segments[0].id') *"
	is_like "$last" "*address=$(held_of '.attachments[0].address') \
source=$(held_of '.segments[0].address') write=1 fault=0x100 pages=[1-9]* duration=[1-9]*"
	holder_stop
}

@test "changes of the exporter" {
	run_case coherence dontneed
	is "$(($(traced invalidate pages | sort -n | tail -n 1) > 0))" \
		1 "pages that were taken away"
}

@test "nothing when nothing is done" {
	holder_start objects --device
	holder_stop
	is "$(grep -c '^[^#]' "$tracing/trace" || true)" 0 "lines"
}

@test "not for ordinary users" {
	run_x '?' as_user 2000 cat "$tracing/trace"
	is "$((status != 0))" 1
}

@test "fault latency by process" {
	local script=$BATS_TEST_DIRNAME/../../doc/examples/fault-latency.bt

	command -v bpftrace >/dev/null || skip "bpftrace is not installed"
	bpftrace "$script" >"$BATS_TEST_TMPDIR/latency" 2>&1 &
	tracer=$!
	within 150 grep -q Tracing "$BATS_TEST_TMPDIR/latency"
	holder_start objects "a name" 0640
	holder_stop
	kill -INT "$tracer"
	wait "$tracer" || true
	tracer=
	is_like "$(cat "$BATS_TEST_TMPDIR/latency")" "*@microseconds?objects, *"
}
