# SPDX-License-Identifier: GPL-2.0-or-later
# What things cost in instructions, which are counted in a VM with one processor whose clock they drive; the record of
# that, and whether it has grown since.

bench_record=$tree/doc/performance.md
bench_groups="touch single attach control exporter"

# The record: a head, and a row for each line of NAME, VALUE and WHAT.
bench_document() {
	cat <<-END
		<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
		<!-- made by ./vm bench --record -->
		# What XPMEM costs

		In instructions, those of the kernel included, unless a row says otherwise; counted on $1 in a VM with Linux
		$2, with one processor. \`./vm bench\` counts them again, and \`./vm bench --check\` fails when one
		is more than 5 % over the one here.

		| what | cost | of |
		|---|---:|---|
	END
	awk -F '\t' '{ printf "| `%s` | %s | %s |\n", $1, $2, $3 }'
}

# Names and values of the record.
bench_recorded() {
	sed -n 's/^| `\([a-z0-9_]*\)` | \([0-9.]*\) | .*/\1\t\2/p' "$bench_record"
}

# Compare lines of NAME and VALUE with the record.
bench_compare() {
	awk -F '\t' -v record=<(bench_recorded) '
		BEGIN { while ((getline line < record) > 0) { split(line, field, "\t"); recorded[field[1]] = field[2] } }
		!($1 in recorded) { print "FAIL  " $1 ": not in the record; ./vm bench --record"; failed++; next }
		{ seen[$1] = 1 }
		$2 > recorded[$1] * 1.05 + 0.01 { print "FAIL  " $1 ": " $2 ", recorded " recorded[$1]; failed++; next }
		{ print "ok    " $1 ": " $2 ", recorded " recorded[$1]; passed++ }
		END {
			for (name in recorded)
				if (!(name in seen)) { print "FAIL  " name ": in the record only"; failed++ }
			print passed + 0 " passed, " failed + 0 " failed"
			exit failed > 0
		}'
}

bench_main() {
	local mode=${1:-} figures

	[[ $mode == "" || $mode == --record || $mode == --check ]] && (($# <= 1)) || misuse "bench takes --record, --check or nothing"
	XPMEM_VM_ACCEL=icount XPMEM_VM_CPUS=1
	prepare
	figures=$run_dir/figures
	run_job "${XPMEM_VM_TIMEOUT:-1800}" "for group in $bench_groups; do instructions \$group || exit; done" tee "$figures" >&2 ||
		die "the figures could not be had"
	case $mode in
	--check) bench_compare <"$figures" ;;
	--record) bench_document "$(date +%F)" "$kernel_release" <"$figures" >"$bench_record" && say "written to $bench_record" ;;
	*) awk -F '\t' '{ printf "%-28s %10s  %s\n", $1, $2, $3 }' "$figures" ;;
	esac
}
