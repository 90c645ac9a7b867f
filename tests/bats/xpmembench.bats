#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# xpmembench measures all ways to get a message across, and sees it when what arrives is wrong.

load helpers

sources=$BATS_TEST_DIRNAME/../../tools/xpmembench

setup() {
	work=$(mktemp -d) bench=
	max_segments=$(parameter max_segments)
}

# Kill the benchmark that runs in the background, if one does.
stop_bench() {
	[[ -n $bench ]] || return 0
	kill -KILL "$bench" 2>/dev/null || true
	wait "$bench" || true
	bench=
}

teardown() {
	stop_bench
	set_parameter max_segments "$max_segments"
	rm -rf "$work"
}

# Each method copied and in place, at so many sizes.
measured() {
	jq -c '[.results | group_by(.method)[] | [.[0].method, (map(.use) | unique | length),
		(map(.size) | unique | length)]]' "$1"
}

@test "every method is measured" {
	xpmembench --sizes 8,4K,100000,1M --time 0.001 --json >"$work/json"
	is "$(measured "$work/json")" "$(printf '["%s",2,4]\n' cma-read cma-write shared shm-copy \
		vmsplice xpmem xpmem-cache xpmem-cold xpmem-reg | jq -sc .)"
	is "$(jq -c .missing "$work/json")" '[]'
	is "$(jq -c 'all(.results[]; .latency_ns > 0 and .bandwidth_bytes_per_second > 0 and
		.messages_per_second > 0)' "$work/json")" true
	python3 -c 'import json, jsonschema, sys
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' \
		"$work/json" "$sources/schema.json"
}

@test "the JSON records machine, versions and a verdict" {
	xpmembench --sizes 8,4K --time 0.001 --methods xpmem,cma-read --json >"$work/json"
	is "$(jq -r .environment.module_version "$work/json")" "$(cat /sys/module/xpmem/version)"
	is_like "$(jq -r .environment.library "$work/json")" "libxpmem.so.*"
	is "$(jq -r .environment.kernel "$work/json")" "$(uname -r)"
	is "$(jq -c '.environment.placement | length' "$work/json")" 1
	is_like "$(jq -r .verdict "$work/json")" "Verdict: * copies messages fastest *."
}

@test "several pairs and both directions are measured" {
	xpmembench --sizes 8,4K --time 0.001 --pairs 2 --bidirectional --json >"$work/json"
	is "$(jq -c '[(.results | length), .missing, .options.pairs, .options.bidirectional,
		(.environment.placement | length)]' "$work/json")" '[36,[],2,true,4]'
	is "$(xpmemctl list | jq -c '[.segments, .attachments]')" '[[],[]]'
}

@test "the registration pattern makes and removes a segment for each message" {
	# 64 messages are in flight beside the segment of all memory.
	set_parameter max_segments 65
	run_x as_user 65534 xpmembench -b -s 4K -t 0.001 -m xpmem-reg
	set_parameter max_segments 64
	# In some runs the sender once took the end for a message.
	for _ in {1..5}; do
		run_x 1 as_user 65534 timeout 60 xpmembench -b -s 4K -t 0.001 -m xpmem-reg
		is_like "$output" \
			"*xpmem-reg was not measured: Disk quota exceeded at 4K; this user*"
	done
	within 20 eval '[[ $(xpmemctl list | jq -c "[.segments, .permits]") == "[[],[]]" ]]'
}

@test "the cache is hit by seven of eight, and by some of the others" {
	xpmembench --sizes 4K --time 0.3 --methods xpmem-cache --json >"$work/json"
	is "$(jq -c '[.results[].cache_hits | . > 0.7 and . < 1]' "$work/json")" '[true,true]' \
		"$(cat "$work/json")"
}

@test "what the cache has no room for is left out" {
	xpmembench --sizes 16M,32M --time 0.001 --methods xpmem-cache --json >"$work/json"
	is "$(measured "$work/json")" '[["xpmem-cache",2,1]]'
}

@test "an ordinary user measures all of it" {
	as_user 65534 xpmembench --sizes 8,64K --time 0.001 --json >"$work/json"
	is "$(jq -c '[(.results | length), .missing]' "$work/json")" '[36,[]]'
}

@test "wrong data are seen" {
	local way wrong=$XPMEM_BUILD/tests/programs/libwrong_attach.so

	for way in xpmem xpmem-cold xpmem-cache xpmem-reg; do
		run_x 1 env LD_PRELOAD="$wrong" xpmembench --sizes 64K --time 0.001 --methods $way
		is_like "$output" "*xpmembench: $way was not measured: wrong data at 64K; report*"
	done
	# The greater size leaves room behind the message that is read from the wrong place.
	run_x 1 env LD_PRELOAD="$wrong" xpmembench --sizes 4K,64K --time 0.001 --methods xpmem \
		--pairs 2 --bidirectional
	is_like "$output" "*xpmembench: xpmem was not measured: wrong data at 4K; report*"
}

@test "pictures" {
	command -v gnuplot >/dev/null || skip "no gnuplot on this machine"
	run_x xpmembench --sizes 8,4K,64K --time 0.001 --plot "$work/it's.svg"
	is "$(grep -o '<title>Gnuplot' "$work/it's.svg" | head -n 1)" "<title>Gnuplot"
	grep -q '>xpmem-cold<' "$work/it's.svg"
	grep -q '>bandwidth, MB/s (more is better)<' "$work/it's.svg"
	grep -q '>latency, µs (less is better)<' "$work/it's.svg"
	grep -q "Linux $(uname -r), $(date -u +%Y)" "$work/it's.svg"
	run_x xpmembench --sizes 8,4K --time 0.001 --methods xpmem,shared --plot "$work/it.png"
	is "$(head -c 4 "$work/it.png" | tail -c 3)" PNG
}

@test "what a run needs is refused if its cgroup has no such memory" {
	local group

	group=$(sed -n 's/^0::\(.*\)/\1/p' /proc/self/cgroup)
	group=/sys/fs/cgroup${group%/}
	[[ -e $group/cgroup.controllers ]] || skip "no cgroups of version 2"
	echo +memory >"$group/cgroup.subtree_control" 2>/dev/null || skip "no memory controller"
	mkdir "$group/bench"
	echo 64M >"$group/bench/memory.max"
	run_x 1 sh -c 'echo $$ >"$1/cgroup.procs" && exec xpmembench --sizes 64M --methods shared' \
		sh "$group/bench"
	rmdir "$group/bench"
	is_like "$output" "xpmembench: this run needs 19? MiB of memory, but * MiB are available \
in cgroup */bench (memory.max); lower --sizes"
}

@test "a refusal says how to mend it" {
	local scope=/proc/sys/kernel/yama/ptrace_scope before mode

	mode=$(stat -c %a /dev/xpmem)
	chmod 600 /dev/xpmem
	run_x '?' as_user 65534 xpmembench --sizes 8 --time 0.001 --methods xpmem,xpmem-cold
	chmod "$mode" /dev/xpmem
	is "$status" 1
	is_like "$output" "*xpmem, xpmem-cold were not measured: Permission denied; let this user*"
	run_x '?' without_devices xpmembench --sizes 8 --time 0.001 --methods xpmem
	if ((status != 77)); then
		is "$status" 1
		is_like "$output" "*xpmem was not measured: Operation not permitted; give this \
container the device: --device /dev/xpmem*"
	fi
	[[ -e $scope ]] || skip "this kernel has no Yama"
	before=$(<"$scope")
	echo 2 >"$scope"
	run_x '?' as_user 65534 xpmembench --sizes 8 --time 0.001 --methods cma-read
	echo "$before" >"$scope"
	is "$status" 1
	is_like "$output" "*ptrace scope 2 refuses it: run sysctl kernel.yama.ptrace_scope=0*"
}

@test "nothing is left when it is killed" {
	xpmembench --sizes 1M --time 100 >/dev/null 2>&1 &
	bench=$!
	within 60 eval '[[ $(xpmemctl list attachments | jq ".attachments | length") -gt 0 ]]'
	stop_bench
	within 20 eval '[[ $(xpmemctl list | jq -c "[.segments, .attachments]") == "[[],[]]" ]]'
}
