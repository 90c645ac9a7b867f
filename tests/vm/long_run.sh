# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# ./vm stress, fuzz and race: a program that runs for a given time, and what must hold afterwards.

# usage: long_run_main NAME DEFAULT_SECONDS [SECONDS [SEED...]]
long_run_main() {
	local name=$1 seconds=${3:-$2} seed command limit passed failed skipped
	shift $(($# < 3 ? 2 : 3))

	[[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || misuse "$name takes a number of seconds"
	(($# == 0)) || [[ $name == race ]] || misuse "$name takes nothing but a number of seconds"
	for seed; do
		[[ $seed =~ ^[1-9][0-9]{0,9}$ ]] || misuse "a seed is a number above zero"
	done
	[[ -f $tree/tests/$name/run ]] || die "there is no tests/$name/run in this tree"
	case $name in
	fuzz)
		prepare coverage
		build_coverage_module=$build_variant_module
		;;
	race)
		prepare race
		build_module=$build_variant_module
		;;
	*) prepare ;;
	esac
	printf -v command '%q ' exec bash "$tree/tests/vm/guest/long-run" "$name" "$seconds" "$@"
	limit=$((seconds + $(patience 300)))
	suites_run "${XPMEM_VM_TIMEOUT:-$limit}" "$command"
	counts_print
}
