# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# ./vm check: the host-side checks that meson knows, a line a check, and the counts.

checks_run() {
	local log=$build_dir/meson-logs/testlog-all.json
	local passed=0 failed=0 skipped=0 status=0 result name

	rm -f "$log"
	XPMEM_YNL=$ynl_dir XPMEM_PROMTOOL=$promtool meson test -C "$build_dir" --setup all \
		--no-rebuild --print-errorlogs >"$run_dir/checks.log" 2>&1 || status=$?
	[[ -f $log ]] || : >"$log"
	while IFS=$'\t' read -r result name; do
		case $result in
		OK | EXPECTEDFAIL) passed=$((passed + 1)) && echo "ok    $name" ;;
		SKIP) skipped=$((skipped + 1)) && echo "skip  $name" ;;
		*) failed=$((failed + 1)) && echo "FAIL  $name" ;;
		esac
	done < <(jq -r '[.result, .name] | @tsv' "$log")
	if ((failed > 0 || status != 0 || passed == 0)); then
		sed 's/^/      /' "$run_dir/checks.log"
		((failed > 0)) || failed=1
	fi
	counts_print
}
