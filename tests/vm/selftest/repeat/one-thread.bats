#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# XPMEM_VM_ONE_THREAD: the harness runs this suite in a VM of its own.

load "$XPMEM_TREE/tests/bats/helpers"

@test "runs in a VM of its own" {
	[[ $(dmesg | grep -c "suite .* begins") == 1 ]]
}
