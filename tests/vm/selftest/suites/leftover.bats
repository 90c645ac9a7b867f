#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

@test "leaves a segment" {
	setsid python3 - 3>&- >"$BATS_TEST_TMPDIR/segid" <<-'END' &
		import ctypes, time
		xpmem = ctypes.CDLL("libxpmem.so.0", use_errno=True)
		xpmem.xpmem_make.restype = ctypes.c_int64
		xpmem.xpmem_make.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
			ctypes.c_void_p]
		print(xpmem.xpmem_make(None, 2**64 - 1, 1, 0o600), flush=True)
		time.sleep(1000)
	END
	until [[ -s $BATS_TEST_TMPDIR/segid ]]; do
		sleep 0.1
	done
	[[ $(<"$BATS_TEST_TMPDIR/segid") -gt 0 ]]
}
