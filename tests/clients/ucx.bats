#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# UCX with XPMEM as its only transport: what it says of it, its own benchmark, and every byte of
# what goes over it.

load helpers

setup() {
	use_client ucx
	export UCX_TLS=xpmem
}

# Run ucx_perftest between two processes: so many iterations, and a test with its options.
perftest() {
	local iterations=$1 server
	shift

	ucx_perftest "$@" -n "$iterations" -w 5 -f >"$BATS_TEST_TMPDIR/server" 2>&1 3>&- &
	server=$!
	within 30 grep -q ':3419 00000000:0000 0A' /proc/net/tcp
	ucx_perftest 127.0.0.1 "$@" -n "$iterations" -w 5 -f
	wait "$server"
	cat "$BATS_TEST_TMPDIR/server"
}

# The same, which must map so many pages and come to the end of its iterations.
perftest_maps() {
	maps "$1" perftest "${@:2}"
	grep -qE "^ +$2 +[0-9.]+ " <<<"$output"
}

@test "the transport and its memory domain" {
	run_x ucx_info -d
	is_like "$output" '*# Memory domain: xpmem*register: unlimited*# *Transport: xpmem*'\
'am_bcopy*error handling: none*'
	no_complaint
}

@test "put" {
	maps 10000 ucx-cases put
}

@test "get" {
	maps 10000 ucx-cases get
}

@test "pointer into the peer's memory" {
	maps 10000 ucx-cases pointer
}

@test "peer's memory replaced" {
	maps 8000 ucx-cases replaced
}

@test "atomic operations" {
	maps 5 ucx-cases atomic
}

@test "tagged messages" {
	maps 10000 ucx-cases tag
}

@test "active messages" {
	maps 2500 ucx-cases active-message
}

@test "every case of the program has a test" {
	local name

	for name in $(ucx-cases --list); do
		grep -q "ucx-cases $name\$" "$BATS_TEST_FILENAME"
	done
}

@test "an ordinary user's processes" {
	maps 10000 as_user 65534 ucx-cases tag
}

@test "beside shared memory" {
	UCX_TLS=posix,xpmem UCX_LOG_LEVEL=info maps 10000 ucx-cases tag
	is_like "$output" '*rma(xpmem/memory*'
}

@test "ucx_perftest: uct put" {
	perftest_maps 2 500 -x xpmem -d memory -t put_bw -D bcopy -s 8192
}

@test "ucx_perftest: uct get" {
	perftest_maps 16 500 -x xpmem -d memory -t get -D bcopy -s 65536
}

@test "ucx_perftest: uct active messages" {
	perftest_maps 2 500 -x xpmem -d memory -t am_bw -D bcopy -s 8192
	perftest_maps 1 100 -x xpmem -d memory -t am_lat -D short -s 8
}

@test "ucx_perftest: uct atomic operations" {
	perftest_maps 1 500 -x xpmem -d memory -t fadd -s 8
}

@test "ucx_perftest: put" {
	perftest_maps 256 50 -t ucp_put_bw -s 1048576
}

@test "ucx_perftest: get" {
	perftest_maps 256 50 -t ucp_get -s 1048576
}

@test "ucx_perftest: tagged messages" {
	perftest_maps 256 50 -t tag_bw -s 1048576
	perftest_maps 1 100 -t tag_lat -s 8
}

@test "ucx_perftest: active messages" {
	perftest_maps 256 50 -t ucp_am_bw -s 1048576
	perftest_maps 1 100 -t ucp_am_lat -s 8
}

@test "nothing is mapped where UCX has another transport" {
	UCX_TLS=posix maps none ucx-cases tag
}

@test "nothing works where the module is not loaded" {
	rmmod xpmem
	run_x '?' ucx-cases put
	insmod "$XPMEM_MODULE"
	is "$status" 1
}
