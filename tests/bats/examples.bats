#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The programs of doc/examples do what they say.

load helpers

examples=$BATS_TEST_DIRNAME/../../doc/examples

setup_file() {
	disk_mount
}

teardown_file() {
	disk_unmount
}

@test "hello" {
	local hello=$BATS_TEST_TMPDIR/hello out=$BATS_TEST_TMPDIR/out line

	export PKG_CONFIG_PATH=$XPMEM_BUILD/meson-uninstalled
	cp -r "$examples/hello" "$hello"
	# One is built by the line that README gives, the other by the Makefile, which has the same
	# line.
	line=$(sed -n 's/^    \(cc exporter.c .*\)/\1/p' "$examples/../../README")
	[[ -n $line ]]
	grep -qF "$line" "$hello/Makefile"
	run_x env -C "$hello" bash -c "$line"
	run_x make -C "$hello"
	is_like "$output" "*attacher.c*"
	mkfifo "$BATS_TEST_TMPDIR/enter"
	"$hello/exporter" <"$BATS_TEST_TMPDIR/enter" >"$out" 3>&- &
	exec {enter}>"$BATS_TEST_TMPDIR/enter"
	within 30 grep -q "then press enter" "$out"
	run_x "$hello/attacher" "$(sed -n 's,^run: ./attacher ,,p' "$out")"
	is "$output" "the exporter wrote: hello from the exporter"
	echo >&"$enter"
	wait $!
	is "$(tail -n 1 "$out")" "the attacher wrote: hello from the attacher"
}

@test "mutex" {
	run_x example-mutex
	is "$output" "the holder died at 1"
}

@test "wait" {
	run_x example-wait
	is "$output" "the answer is 42"
}

@test "direct io" {
	run_x example-direct-io "$XPMEM_TEST_DISK/file"
	is "$output" "1048576 bytes written"
	is "$(tr -d x <"$XPMEM_TEST_DISK/file" | wc -c) $(wc -c <"$XPMEM_TEST_DISK/file")" \
		"0 1048576"
}

@test "dmabuf" {
	run_x '?' example-dmabuf
	[[ $output != *"Operation not supported"* ]] || skip "this kernel has no dma-bufs"
	is "$output" "a dma-buf of 1048576 bytes"
}

@test "leak alarm says nothing of jobs that run" {
	holder_start objects "a name" 0640
	run_x "$examples/leak-alarm" "$BATS_TEST_TMPDIR/state"
	is "$output" ""
	holder_stop
}

@test "leak alarm finds what dead jobs have" {
	local stay=$BATS_TEST_TMPDIR/stay

	mkfifo "$stay"
	# The leader of the session ends, what it began stays.
	setsid --wait bash -c 'objects "of a job" 0640 <"$1" >"$1.out" & exec sleep 0' bash "$stay"
	exec {keep}>"$stay"
	within 30 test -s "$stay.out"
	run_x 1 "$examples/leak-alarm" "$BATS_TEST_TMPDIR/state"
	exec {keep}>&-
	is_like "$output" "process $(jq '.segments[0].pid' "$stay.out") (objects) has 2 segments, \
and its session *"
	is "$(grep -c 'has 2 permits, and its session' <<<"$output")" 1 "holders of permits"
	within 30 ended
}

ended() {
	[[ $(xpmemctl list segments | jq -c .segments) == "[]" ]]
}

@test "leak alarm finds attachments that grow" {
	local before=$BATS_TEST_TMPDIR/state pid

	holder_start objects "a name" 0640
	pid=$(jq '.attachments[0].pid' <<<"$held")
	echo "{\"$pid\":{\"count\":1,\"grown\":2}}" >"$before"
	run_x 1 "$examples/leak-alarm" "$before"
	is_like "$output" \
		"process $pid (objects) has 2 attachments, more in each of the last three looks: *"
	is "$(jq -c . "$before")" "{\"$pid\":{\"count\":2,\"grown\":3}}"
	run_x "$examples/leak-alarm" "$before"
	is "$(jq -c . "$before")" "{\"$pid\":{\"count\":2,\"grown\":0}}"
	holder_stop
}
