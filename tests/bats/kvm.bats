#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# XPMEM_VM_ONE_THREAD: KVM switches static keys, and patches its own text.
# Virtual machines whose memory is an attachment.

load helpers

setup_file() {
	swap_add 16M
	modprobe -q kvm_amd || modprobe -q kvm_intel || export lacking="this processor has no KVM"
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

teardown_file() {
	modprobe -qr kvm_amd || modprobe -qr kvm_intel || true
	swap_remove
}

@test "cases of kvm" {
	run_cases kvm
}
