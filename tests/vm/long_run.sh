# SPDX-License-Identifier: GPL-2.0-or-later
# ./vm stress and ./vm fuzz: a program that runs for a given time, and what must hold afterwards.

long_run_main() {
	local name=$1 seconds=${3:-$2} command limit passed failed skipped

	(($# <= 3)) && [[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || misuse "$name takes a number of seconds"
	[[ -f $tree/tests/$name/run ]] || die "there is no tests/$name/run in this tree"
	if [[ $name == fuzz ]]; then
		prepare coverage
		build_coverage_module=$build_variant_module
	else
		prepare
	fi
	printf -v command '%q ' exec bash "$tree/tests/vm/guest/long-run" "$name" "$seconds"
	limit=$((seconds + $(patience 300)))
	suites_run "${XPMEM_VM_TIMEOUT:-$limit}" "$command"
	counts_print
}
