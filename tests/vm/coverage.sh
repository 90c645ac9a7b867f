# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# ./vm coverage: which lines of the module the suites reach. All that they do not reach are listed
# in tests/coverage/reasons, each as FILE: FUNCTION: SOURCE LINE # REASON; "race" as its first word
# says that a run may reach it and another not.

# Print FILE FUNCTION NUMBER COUNT for each line of code, tab-separated. Lines of one function that
# are compiled more than once (in headers) are added up, and so is what the VMs of a run left, a
# folder each.
coverage_lines() {
	local folder

	for folder; do
		cp "$build_dir"/module-gcov/kbuild/module/*.gcno "$folder"
		(cd "$folder" && for file in *.gcda; do
			"gcov-$(gcc -dumpversion | cut -d. -f1)" --json-format --stdout "$file"
		done)
	done |
		jq -rn '
			[inputs.files[] |
				select(.file | test("(^|/)module/[^/]*$") or (contains("/") | not))
				| (.file | split("/") | last) as $file | .lines[]
				| {file: $file, line: .line_number, count,
					function: (.function_name // "" |
						if . == "" then "-" else . end)}]
			| group_by([.file, .line])[]
			| [.[0].file, .[0].function, .[0].line, (map(.count) | add)] | @tsv'
}

# Read lines of code and print a table.
coverage_table() {
	awk -F'\t' '
		{ lines[$1]++; all++ }
		$4 > 0 { covered[$1]++; all_covered++ }
		END {
			printf "%-16s %6s %8s %6s\n", "file", "lines", "covered", "%"
			for (file in lines)
				printf "%-16s %6d %8d %6.1f\n", file, lines[file], covered[file],
					100 * covered[file] / lines[file] | "sort"
			close("sort")
			if (all)
				printf "%-16s %6d %8d %6.1f\n", "all", all, all_covered,
					100 * all_covered / all
		}'
}

# Read lines of code and print those not covered as FILE: FUNCTION: SOURCE LINE.
coverage_uncovered() {
	local file function number count

	while IFS=$'\t' read -r file function number count; do
		((count > 0)) || printf '%s: %s: %s\n' "$file" "$function" \
			"$(sed -n "${number}{s/^[[:space:]]*//;s/[[:space:]]*$//;p}" \
				"$build_dir/module-gcov/kbuild/module/$file")"
	done
}

# Compare uncovered lines with the reasons; sets passed and failed further.
coverage_judge() {
	local uncovered=$1 known steady without stale reasons=$tree/tests/coverage/reasons

	known=$(sed -n 's/^\([^#].*\) # .*[^ ].*$/\1/p' "$reasons" | sort -u)
	steady=$(sed '/ # race/d' "$reasons" | sed -n 's/^\([^#].*\) # .*[^ ].*$/\1/p' | sort -u)
	without=$(grep -vxFf <(printf '%s\n' "$known") <<<"$uncovered") || true
	stale=$(comm -23 <(printf '%s\n' "$steady") <(sort -u <<<"$uncovered") | grep .) || true
	coverage_verdict "every line not covered has a reason" "$without"
	coverage_verdict "every reason is of a line not covered" "$stale"
}

coverage_verdict() {
	if [[ -z $2 ]]; then
		passed=$((passed + 1))
		echo "ok    coverage: $1"
	else
		failed=$((failed + 1))
		echo "FAIL  coverage: $1"
		sed 's/^/      /' <<<"$2"
	fi
}

coverage_main() {
	local suites_after passed failed skipped lines uncovered

	vm_kernel=kasan
	suites_choose "$@"
	prepare gcov
	build_module=$build_variant_module
	suites_after="; status=\$?; bash $tree/tests/vm/guest/coverage; exit \$status"
	suites_run_all "${XPMEM_VM_TIMEOUT:-$(patience 3600)}"
	lines=$(coverage_lines "$run_dir/out/coverage"/*)
	echo
	coverage_table <<<"$lines"
	uncovered=$(coverage_uncovered <<<"$lines")
	if (($# > 0)); then
		printf '\nNot covered:\n%s\n' "$uncovered"
	else
		echo
		coverage_judge "$uncovered"
	fi
	rm -rf "$run_dir/out/coverage"
	counts_print
}
