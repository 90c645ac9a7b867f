#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# xpmembench measures all ways to get a message across, and sees it when what arrives is wrong.

load helpers

sources=$BATS_TEST_DIRNAME/../../tools/xpmembench

setup() {
	work=$(mktemp -d) bench=
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
	rm -rf "$work"
}

# Each method copied and in place, at so many sizes.
measured() {
	jq -c '[.results | group_by(.method)[] | [.[0].method, (map(.use) | unique | length), (map(.size) | unique | length)]]' "$1"
}

@test "every method is measured" {
	xpmembench --sizes 8,4K,100000,1M --time 0.001 --json >"$work/json"
	is "$(measured "$work/json")" '[["cma-read",2,4],["cma-write",2,4],["shared",2,4],["shm-copy",2,4],["vmsplice",2,4],["xpmem",2,4],["xpmem-cache",2,4],["xpmem-cold",2,4]]'
	is "$(jq -c '.missing, all(.results[]; .latency_ns > 0 and .bandwidth_bytes_per_second > 0)' "$work/json" | tr '\n' ' ')" '[] true '
	python3 -c 'import json, jsonschema, sys; jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' \
		"$work/json" "$sources/schema.json"
}

@test "the cache is hit by seven of eight, and by some of the others" {
	xpmembench --sizes 4K --time 0.3 --methods xpmem-cache --json >"$work/json"
	is "$(jq -c '[.results[].cache_hits | . > 0.7 and . < 1]' "$work/json")" '[true,true]' "$(cat "$work/json")"
}

@test "what the cache has no room for is left out" {
	xpmembench --sizes 16M,32M --time 0.001 --methods xpmem-cache --json >"$work/json"
	is "$(measured "$work/json")" '[["xpmem-cache",2,1]]'
}

@test "an ordinary user measures all of it" {
	as_user 65534 xpmembench --sizes 8,64K --time 0.001 --json >"$work/json"
	is "$(jq -c '[(.results | length), .missing]' "$work/json")" '[32,[]]'
}

@test "wrong data are seen" {
	local way

	for way in xpmem xpmem-cold xpmem-cache; do
		run_x 1 env LD_PRELOAD="$XPMEM_BUILD/tests/programs/libwrong_attach.so" xpmembench --sizes 64K --time 0.001 --methods $way
		is_like "$output" "*xpmembench: $way was not measured: wrong data at 64K*"
	done
}

@test "pictures" {
	command -v gnuplot >/dev/null || skip "no gnuplot on this machine"
	run_x xpmembench --sizes 8,4K,64K --time 0.001 --plot "$work/it's.svg"
	is "$(grep -o '<title>Gnuplot' "$work/it's.svg")" "<title>Gnuplot"
	grep -q '>xpmem-cold<' "$work/it's.svg"
	run_x xpmembench --sizes 8,4K --time 0.001 --plot "$work/it.png"
	is "$(head -c 4 "$work/it.png" | tail -c 3)" PNG
	run_x 1 xpmembench --sizes 8 --time 0.001 --methods shared --plot "$work/nowhere/it.svg"
	is_like "$output" "*xpmembench: gnuplot could not draw*"
	run_x 1 env PATH="$XPMEM_BUILD/tools/xpmembench" xpmembench --sizes 8 --time 0.001 --methods shared --plot "$work/it.png"
	is_like "$output" "*no gnuplot to draw*install*"
}

@test "nothing is left when it is killed" {
	xpmembench --sizes 1M --time 100 >/dev/null 2>&1 &
	bench=$!
	within 60 eval '[[ $(xpmemctl list attachments | jq ".attachments | length") -gt 0 ]]'
	stop_bench
	within 20 eval '[[ $(xpmemctl list | jq -c "[.segments, .attachments]") == "[[],[]]" ]]'
}
