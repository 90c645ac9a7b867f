# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The cases of test programs as tests of a suite. The helpers and the runner of the suites
# (tests/vm/guest/suites) use this.

# Print the cases of a program that run_cases runs in a suite, a name and a description each,
# separated by a tab: those that no test of the file runs by itself with run_case. With
# XPMEM_TEST_ONLY, only the case of this name or description.
cases_of() {
	local program=$1 suite list name description

	suite=$(<"$2")
	list=$("$program-cases" --list) || return
	while IFS=$'\t' read -r name description; do
		[[ -z ${XPMEM_TEST_ONLY:-} || $XPMEM_TEST_ONLY == "$name" ||
			$XPMEM_TEST_ONLY == "$description" ]] || continue
		[[ $suite =~ "run_case $program $name"([[:space:];]|$) ]] ||
			printf '%s\t%s\n' "$name" "$description"
	done <<<"$list"
}

# cases_run_one PROGRAM NAME: as bats runs a test, with setup and teardown around it.
cases_run_one() {
	local status=0

	set -e
	setup
	limited "${XPMEM_TEST_LIMIT:-200}" "$1-cases" "$2" </dev/null || status=$?
	teardown
	return "$status"
}

# run_cases PROGRAM: each case as a test below this one, in a process of its own. A case has at most
# $XPMEM_TEST_LIMIT seconds. Prints the outcomes, and the output of those that fail, as TAP.
run_cases() (
	# Nothing here uses the traces that bats keeps of a test, which cost more than the cases.
	trap - DEBUG ERR
	set +eET
	program=$1 log=$BATS_TEST_TMPDIR/case number=0 failed=0
	list=$(cases_of "$program" "$BATS_TEST_FILENAME") || return 1
	[[ -n $list || -n ${XPMEM_TEST_ONLY:-} ]] || { echo "$program has no case"; return 1; }
	[[ -n $list ]] || return 0
	while IFS=$'\t' read -r name description; do
		number=$((number + 1))
		(cases_run_one "$program" "$name") >"$log" 2>&1 3>&-
		case $? in
		0) echo "    ok $number $description" >&3 ;;
		77)
			reason=$(<"$log")
			echo "    ok $number $description # skip ${reason##*$'\n'}" >&3
			;;
		*)
			failed=$((failed + 1))
			echo "    not ok $number $description" >&3
			tail -n 200 "$log" | sed 's/^/    # /' >&3
			;;
		esac
	done <<<"$list"
	echo "    1..$number" >&3
	((failed == 0))
)
