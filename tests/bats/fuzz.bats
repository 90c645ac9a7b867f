#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every program of the fuzzer's corpus, with the fuzzer's checks: nobody gets at what is another's,
# attachments show what the exporter has, the canary's memory stays as it is, nothing is left. And
# those checks can fail.

load helpers

corpus=$BATS_TEST_DIRNAME/../fuzz/corpus

@test "replay of the corpus" {
	run_x fuzz replay "$corpus"/*.txt
	is_like "$output" "*0 of $(ls "$corpus"/*.txt | wc -l) programs failed"
}

@test "short exploration" {
	run_x fuzz explore --executions 40 --seed 1 "$corpus"/*.txt
	is_like "$output" "*no failure in 4* executions*"
}

@test "what is left is noticed" {
	holder_start objects --many 3
	run_x 1 fuzz replay "$corpus/attach-load-store.txt"
	is_like "$output" "*left once all actors were gone: 3 segments, 0 permits, 0 attachments*"
	holder_stop
}

@test "a program with a mistake is refused, with its line" {
	printf '# a comment\nexporter map\nexporter make vaddr=$1\n' >"$BATS_TEST_TMPDIR/wrong.txt"
	run_x 2 fuzz replay "$BATS_TEST_TMPDIR/wrong.txt"
	is_like "$output" "*wrong.txt:3: no call*make vaddr=\$1*"
}

@test "a call takes every parameter that the ABI's tables have" {
	run_x fuzz calls
	is_like "$output" \
		"*attach size=0x30 flags=0 apid=0 offset=0 length=0x1000 vaddr=0 device=0 at=0*"
	is_like "$output" \
		"*legacy-get segid=0 flags=0x2 permit_type=0x1 permit_value=0x180 device=0 at=0*"
}
