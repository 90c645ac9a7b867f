# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# ./vm test: all suites, a line a test, and the counts. A VM runs all of them, but an emulator may
# hang: then the suite that the VM ended in is repeated with one emulator thread, and the others go
# on in a new VM.
#
# The guest (tests/vm/guest/suites and long-run) sends events as lines of tab-separated words:
# begin SUITE, pass SUITE TEST, fail SUITE TEST, skip SUITE TEST REASON, note TEXT, done.
# The host answers begin with the name of the suite in $XPMEM_OUT/begun: then it has read all events
# before, which a VM that dies could lose.

# shellcheck source=/dev/null
. "$tree/tests/vm/guest/kernel-log"

# Print the names of the suites in a folder, in the order in which they run: its file "order" has
# those that run first, "*" for the others, and those that run last.
suites_in_order() {
	local folder=$1 name all
	local -a first=() last=()

	all=$(cd "$folder" 2>/dev/null && compgen -G '*.bats') || return 0
	all=$(sed 's|\.bats$||' <<<"$all" | LC_ALL=C sort)
	while read -r name; do
		case $name in
		'#'* | '') ;;
		'*') last=(-) ;;
		*)
			[[ -f $folder/$name.bats ]] || die "$folder/order: there is no suite $name"
			if ((${#last[@]} > 0)); then last+=("$name"); else first+=("$name"); fi
			;;
		esac
	done < <(cat "$folder/order" 2>/dev/null)
	((${#first[@]} == 0)) || printf '%s\n' "${first[@]}"
	grep -vxF -e "$(printf '%s\n' - "${first[@]}" "${last[@]}")" <<<"$all" || true
	((${#last[@]} < 2)) || printf '%s\n' "${last[@]:1}"
}

# Print the files of the suites that are named, in the order in which they run; all without names.
suites_select() {
	local folder=$1 name all status=0
	shift

	all=$(suites_in_order "$folder")
	[[ -n $all ]] || { say "no suite in $folder"; return 1; }
	for name; do
		grep -qxF -e "$name" <<<"$all" ||
			{ say "no suite is named $name; see ./vm test --list"; status=1; }
	done
	((status == 0)) || return 1
	(($# == 0)) || all=$(grep -xF -e "$(printf '%s\n' "$@")" <<<"$all")
	sed "s|.*|$folder/&.bats|" <<<"$all"
}

# Set wall to the time in milliseconds, and cpu to the processor time that the VM has had.
suites_clock() {
	local fields=() pid

	wall=$((${EPOCHREALTIME//[.,]/} / 1000)) cpu=$last_cpu
	if read -r pid 2>/dev/null <"$run_dir/qemu.pid" &&
		read -ra fields 2>/dev/null <"/proc/$pid/stat"; then
		cpu=$(((fields[13] + fields[14]) * 1000 / suites_ticks))
	fi
}

# Write what has passed since the last call into the run's file times: SUITE, TEST, and the
# milliseconds that passed and those of processor time.
suites_time() {
	local wall cpu

	suites_clock
	printf '%s\t%s\t%d\t%d\n' "$1" "$2" $((wall - last_wall)) $((cpu - last_cpu)) \
		>>"$run_dir/times"
	last_wall=$wall last_cpu=$cpu
}

# Print what took longest, if there were many tests.
suites_slowest() {
	local kind

	(($(wc -l <"$run_dir/times") > 30)) || return 0
	for kind in suites tests; do
		printf 'The slowest %s, with their seconds, and those of processor time:\n' "$kind"
		awk -F'\t' -v kind="$kind" '
			{ key = kind == "suites" ? $1 : $1 ": " $2 }
			{ wall[key] += $3; cpu[key] += $4 }
			END {
				for (key in wall)
					printf "%8.1f %8.1f  %s\n", wall[key] / 1000,
						cpu[key] / 1000, key
			}' "$run_dir/times" | sort -rn -k2 -k1 | sed -n 1,10p
	done
}

# Print events for people. Leaves two files in the run's folder: counts, with the counts of the
# suites that ended, those of the suite that began last, and its name; and done if the last event
# was done.
suites_report() {
	local word suite test reason i current= last_wall last_cpu=0 suites_ticks
	local -a oks=(0 0) bads=(0 0) skips=(0 0)
	local -A leaks_open=()

	suites_ticks=$(getconf CLK_TCK)
	last_wall=$((${EPOCHREALTIME//[.,]/} / 1000))
	while IFS=$'\t' read -r word suite test reason; do
		: >"$run_dir/progress"
		case $word in
		begin) suites_time "${current:-boot}" "the next suite begins" ;;
		pass | skip | fail) suites_time "$suite" "$test" ;;
		esac
		[[ -n $current && $suite == "$current" ]] && i=1 || i=0
		[[ $test != "no kernel memory is leaked" ]] || unset "leaks_open[$suite]"
		case $word in
		begin)
			oks=($((oks[0] + oks[1])) 0)
			bads=($((bads[0] + bads[1])) 0)
			skips=($((skips[0] + skips[1])) 0)
			[[ -z $current ]] || leaks_open[$current]=1
			current=$suite
			echo "$suite" >"$run_dir/out/begun"
			;;
		pass) oks[i]=$((oks[i] + 1)) && echo "ok    $suite: $test" ;;
		skip) skips[i]=$((skips[i] + 1)) &&
			echo "skip  $suite: $test${reason:+ ($reason)}" ;;
		fail) bads[i]=$((bads[i] + 1)) && echo "FAIL  $suite: $test" ;;
		note) echo "      $suite" ;;
		done) : >"$run_dir/done" ;;
		esac
	done
	# A VM looks for leaks when all its suites have ended.
	if [[ ! -e $run_dir/done && $vm_kernel == kasan ]]; then
		for suite in "${!leaks_open[@]}"; do
			skips[0]=$((skips[0] + 1))
			echo "skip  $suite: no kernel memory is leaked (its VM ended in $current)"
		done
	fi
	echo "${oks[0]} ${bads[0]} ${skips[0]} ${oks[1]} ${bads[1]} ${skips[1]} $current" \
		>"$run_dir/counts"
}

# Run a command that sends events in a VM, print them, and add the counts of the suites that ended
# to passed, failed and skipped. Sets vm_suite and vm_passed, vm_failed and vm_skipped to the suite
# that began last and its counts, and vm_end to the reason if the VM did not work to the end.
suites_vm() {
	local limit=$1 command=$2 status=0 ok=0 bad=0 left=0

	vm_passed=0 vm_failed=0 vm_skipped=0 vm_suite= vm_end=
	rm -f "$run_dir/counts" "$run_dir/done" "$run_dir/out/begun" "$run_dir/qemu.pid"
	run_job "$limit" "$command" suites_report || status=$?
	[[ ! -f $run_dir/counts ]] ||
		read -r ok bad left vm_passed vm_failed vm_skipped vm_suite <"$run_dir/counts"
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
	if [[ -n $boot_end ]]; then
		vm_end=$boot_end
	elif [[ ! -e $run_dir/done ]] || ((status != 0 && bad + vm_failed == 0)); then
		vm_end="the job in the VM ended early, with status $status"
	fi
}

# Count the suite that began last as well.
suites_add_last() {
	passed=$((passed + vm_passed)) failed=$((failed + vm_failed))
	skipped=$((skipped + vm_skipped))
}

# Count the end of the VM as a failure of the suite that began last, and print a note.
suites_fail_last() {
	failed=$((failed + 1))
	echo "FAIL  ${vm_suite:-boot}: the VM works to the end"
	echo "      $1"
}

# Run a command in one VM that sends events and print them. Sets passed, failed and skipped.
suites_run() {
	passed=0 failed=0 skipped=0
	suites_vm "$@"
	suites_add_last
	[[ -z $vm_end ]] || suites_fail_last "$vm_end"
	((passed > 0 || failed > 0)) || failed=1
}

# Print why the suite that the VM ended in is not repeated; nothing if the emulator may be why it
# ended.
suites_why_final() {
	local complaint

	complaint=$(kernel_log_complaint <"$boot_console" || true)
	if [[ -n $complaint ]]; then
		echo "the kernel complained: $complaint"
	elif ((vm_failed > 0)); then
		echo "a test of the suite had failed before"
	elif [[ $(boot_accel) != tcg || $boot_threads == single || -z $boot_end ||
		-n $boot_gave_up ]]; then
		echo "$vm_end"
	fi
}

# Take the time of the last VM from the time that is left, of which 0 is no limit.
suites_spend() {
	((suites_limit > 0)) || return 0
	suites_limit=$((suites_limit - boot_seconds))
	((suites_limit > 0)) || suites_limit=1
}

# What follows when the VM ended in the suite of a file: the suite failed, or is repeated alone in a
# VM with one emulator thread. Fails if no more suites can run.
suites_ended_in() {
	local suite log=$boot_console end=$vm_end final boot_threads=$boot_threads command

	suite=$(basename "$1" .bats)
	final=$(suites_why_final)
	if [[ -n $final ]]; then
		suites_add_last
		suites_fail_last "$final"
		[[ -n $vm_suite && -z $boot_gave_up ]]
		return
	fi
	echo "      $end; $suite is repeated alone, with one emulator thread"
	boot_threads=single
	suites_command "$1"
	suites_vm "$suites_limit" "$command"
	suites_spend
	suites_add_last
	if [[ -z $vm_end ]]; then
		suites_repeated+=("$suite: works with one emulator thread; before: $end ($log)")
		return
	fi
	suites_repeated+=("$suite: failed again, $vm_end ($boot_console); before: $end ($log)")
	suites_fail_last "$(suites_why_final)"
	[[ -n $vm_suite && -z $boot_gave_up ]]
}

# Whether a VM that ended is started again as it was: no suite had begun in it, and the kernel did
# not complain.
suites_may_boot_again() {
	[[ -z $vm_suite && -n $boot_end && -z $boot_gave_up && $(boot_accel) == tcg &&
		-z $(kernel_log_complaint <"$boot_console" || true) ]]
}

# Run the suites of files in a VM, and in new ones those that remain when a VM ends in a suite.
# Fails if no more suites can run.
suites_run_files() {
	local command silent=

	while (($# > 0)); do
		suites_command "$@"
		suites_vm "$suites_limit" "$command"
		suites_spend
		if [[ -z $silent ]] && suites_may_boot_again; then
			silent="$vm_end ($boot_console)"
			suites_repeated+=("boot: a VM that ended before a suite began: $silent")
			echo "      $vm_end; the VM is started again"
			continue
		fi
		if [[ -z $vm_end ]]; then
			suites_add_last
			return
		fi
		while [[ -n $vm_suite && $(basename "$1" .bats) != "$vm_suite" ]]; do
			shift
		done
		suites_ended_in "$1" || return
		shift
	done
}

# Print the machine that a suite needs: "default"; the number of MiB of memory, of which debug
# kernels take twice as much, unless the caller has set XPMEM_VM_MEMORY; or "one-thread" in an
# emulator if the suite patches kernel text.
suites_machine() {
	local memory

	memory=$(sed -n 's/^# XPMEM_VM_MEMORY=\([0-9]*\): .*/\1/p' "$1" 2>/dev/null)
	if [[ -n $memory && -z ${XPMEM_VM_MEMORY:-} ]]; then
		[[ $vm_kernel == stock ]] || memory=$((2 * memory))
		echo "$memory"
	elif [[ $(boot_accel) == tcg ]] && grep -qs '^# XPMEM_VM_ONE_THREAD' "$1"; then
		echo one-thread
	else
		echo default
	fi
}

# Run the suites of files on a machine. Fails if no more suites can run.
suites_run_on() {
	local machine=$1 boot_threads=$boot_threads
	shift

	case $machine in
	default) ;;
	one-thread) boot_threads=single ;;
	*) local XPMEM_VM_MEMORY=$machine ;;
	esac
	suites_run_files "$@"
}

# Run the suites in suites_files for at most so many seconds, those that need the same machine in
# one VM. Sets passed, failed and skipped.
suites_run_all() {
	local suites_limit=$1 suites_repeated=() file machine machines=(default one-thread)
	local -A suites_of=()

	passed=0 failed=0 skipped=0
	for file in "${suites_files[@]}"; do
		machine=$(suites_machine "$file")
		[[ " ${machines[*]} " == *" $machine "* ]] || machines+=("$machine")
		suites_of[$machine]+="$file "
	done
	for machine in "${machines[@]}"; do
		# shellcheck disable=SC2086
		suites_run_on "$machine" ${suites_of[$machine]:-} || break
	done
	suites_slowest
	((passed > 0 || failed > 0)) || failed=1
	((${#suites_repeated[@]} == 0)) || printf 'again %s\n' "${suites_repeated[@]}"
}

# A test of this machine, which is a command; what it prints is shown if it fails. Counts in
# host_passed and host_failed.
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

# Find the named suites; a single name may be SUITE:TEST. Sets suites_files, suites_only to the name
# of the test, boot_silence, and ynl_wanted and promtool_wanted if one is for these.
suites_choose() {
	local folder=${XPMEM_VM_SUITES:-$tree/tests/bats} files

	suites_only=
	if [[ $# == 1 && $1 == *:* ]]; then
		suites_only=${1#*:}
		set -- "${1%%:*}"
	fi
	files=$(suites_select "$(readlink -f "$folder")" "$@") || exit 2
	mapfile -t suites_files <<<"$files"
	! grep -qs XPMEM_YNL "${suites_files[@]}" || ynl_wanted=1
	! grep -qs XPMEM_PROMTOOL "${suites_files[@]}" || promtool_wanted=1
	suites_test_limit=${XPMEM_VM_TEST_TIMEOUT:-$(patience 200)}
	boot_silence=$((suites_test_limit + $(patience 60)))
}

# Make the command that runs the suites of files in the VM, and then what suites_after says. Sets
# command.
suites_command() {
	printf -v command '%q ' env XPMEM_TEST_LIMIT="$suites_test_limit" \
		XPMEM_TEST_ONLY="$suites_only" bash "$tree/tests/vm/guest/suites" "$@"
	command+=${suites_after:-}
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
		counts=$(tail -n 1 "$cache/logs/kernel.$$" |
			grep -E '^[0-9]+ passed, [0-9]+ failed') || counts="0 passed, 1 failed"
		read -r ok bad left <<<"${counts//[!0-9 ]/}"
		((status == 0 || bad > 0)) || bad=1
		passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
		echo
	done
	rm -f "$cache/logs/kernel.$$"
	counts_print
}

suites_main() {
	local passed failed skipped

	if [[ ${1:-} == --list ]]; then
		suites_select "$(readlink -f "${XPMEM_VM_SUITES:-$tree/tests/bats}")" |
			sed 's|.*/||; s|\.bats$||'
		return
	fi
	if [[ $kernel_wanted == all ]]; then
		suites_on_all_kernels "$@"
		return
	fi
	suites_choose "$@"
	prepare "${XPMEM_VM_MODULE:-}"
	[[ -z ${XPMEM_VM_MODULE:-} ]] || build_module=$build_variant_module
	suites_run_all "${XPMEM_VM_TIMEOUT:-$(patience 3600)}"
	counts_print
}
