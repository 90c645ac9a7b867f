# SPDX-License-Identifier: GPL-2.0-or-later
# ./vm test: all suites in one VM, a line a test, and the counts.
#
# The guest (tests/vm/guest/suites and long-run) sends events as lines of tab-separated words:
# begin SUITE, pass SUITE TEST, fail SUITE TEST, skip SUITE TEST REASON, note TEXT, done.

# Print the files of the suites that names (number, topic or both) select; all without names.
suites_select() {
	local folder=$1 name file base found status=0
	shift

	(($# > 0)) || set -- '*'
	for name; do
		found=
		for file in "$folder"/*.bats; do
			base=$(basename "$file" .bats)
			# shellcheck disable=SC2053
			[[ $name == '*' || $base == "${name%.bats}" || ${base%%-*} == "$name" || ${base#*-} == "$name" ]] || continue
			[[ -f $file ]] || continue
			found=1
			echo "$file"
		done
		if [[ -z $found ]]; then
			[[ $name == '*' ]] && say "no suite in $folder" || say "no suite is named $name; see ./vm test --list"
			status=1
		fi
	done
	return "$status"
}

# Print events for people, and leave the counts in a file.
suites_report() {
	local word suite test reason passed=0 failed=0 skipped=0 complete=0 current=

	while IFS=$'\t' read -r word suite test reason; do
		: >"$run_dir/progress"
		case $word in
		begin) current=$suite ;;
		pass) passed=$((passed + 1)) && echo "ok    $suite: $test" ;;
		skip) skipped=$((skipped + 1)) && echo "skip  $suite: $test${reason:+ ($reason)}" ;;
		fail) failed=$((failed + 1)) && echo "FAIL  $suite: $test" ;;
		note) echo "      $suite" ;;
		done) complete=1 ;;
		esac
	done
	if ((!complete)); then
		failed=$((failed + 1))
		echo "FAIL  ${current:-boot}: the VM works to the end"
	fi
	echo "$passed $failed $skipped" >"$run_dir/counts"
}

# Run a command in the VM that sends events and print them. Sets passed, failed and skipped.
suites_run() {
	local limit=$1 command=$2 status=0

	passed=0 failed=1 skipped=0
	run_job "$limit" "$command" suites_report || status=$?
	[[ ! -f $run_dir/counts ]] || read -r passed failed skipped <"$run_dir/counts"
	# A VM that ended badly is a failure, whatever was counted.
	((status == 0 || failed > 0)) || failed=1
	((passed > 0 || failed > 0)) || failed=1
}

# A test of this machine, which is a command; what it prints is shown if it fails. Counts in host_passed and host_failed.
expect() {
	local suite=$1 name=$2 log=$run_dir/expect status
	shift 2

	set +e
	(set -e; "$@") >"$log" 2>&1
	status=$?
	set -e
	if ((status == 0)); then
		host_passed=$((host_passed + 1))
		echo "ok    $suite: $name"
	else
		host_failed=$((host_failed + 1))
		echo "FAIL  $suite: $name"
		tail -n 60 "$log" | sed 's/^/      /'
	fi
}

# The last line, and the exit status.
counts_print() {
	((skipped == 0)) && echo "$passed passed, $failed failed" ||
		echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0))
}

# Make the command that runs the named suites in the VM. Sets command, boot_silence, and ynl_wanted if one is for ynl.
suites_command() {
	local folder=${XPMEM_VM_SUITES:-$tree/tests/bats} files limit

	files=$(suites_select "$(readlink -f "$folder")" "$@") || exit 2
	mapfile -t files < <(sort -u <<<"$files")
	! grep -qs XPMEM_YNL "${files[@]}" || ynl_wanted=1
	limit=${XPMEM_VM_TEST_TIMEOUT:-$(patience 200)}
	printf -v command '%q ' env BATS_TEST_TIMEOUT="$limit" XPMEM_VM_BATS="${XPMEM_VM_BATS:-}" bash "$tree/tests/vm/guest/suites" "${files[@]}"
	boot_silence=$((limit + $(patience 60)))
}

# The suites on one kernel after another, and all counts together.
suites_on_all_kernels() {
	local series counts ok bad left passed=0 failed=0 skipped=0 status

	lock_take all
	kernel_choose newest
	lock_drop
	for series in $(kernel_all_series); do
		echo "Linux $series"
		status=0
		"$tree/vm" test --kernel "$series" "$@" | tee "$cache/logs/kernel.$$" || status=$?
		((status != 2)) || return 2
		counts=$(tail -n 1 "$cache/logs/kernel.$$" | grep -E '^[0-9]+ passed, [0-9]+ failed') || counts="0 passed, 1 failed"
		read -r ok bad left <<<"${counts//[!0-9 ]/}"
		((status == 0 || bad > 0)) || bad=1
		passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
		echo
	done
	rm -f "$cache/logs/kernel.$$"
	counts_print
}

suites_main() {
	local command passed failed skipped

	if [[ ${1:-} == --list ]]; then
		suites_select "$(readlink -f "${XPMEM_VM_SUITES:-$tree/tests/bats}")" | sed 's|.*/||; s|\.bats$||'
		return
	fi
	if [[ $kernel_wanted == all ]]; then
		suites_on_all_kernels "$@"
		return
	fi
	suites_command "$@"
	prepare "${XPMEM_VM_MODULE:-}"
	[[ -z ${XPMEM_VM_MODULE:-} ]] || build_module=$build_variant_module
	suites_run "${XPMEM_VM_TIMEOUT:-$(patience 3600)}" "$command"
	counts_print
}
