# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What things cost in instructions, which are counted in a VM with one processor whose clock they
# drive; how fast messages are beside what one would use instead, and what several threads are
# worth, in others with two; the record of that, and whether instructions have grown since.

bench_record=$tree/doc/performance.md
bench_groups="memory touch part single attach control exporter notifier teardown"

# Of xpmembench's JSON: a table of the bandwidth (or of latency_ns) of messages that are copied (or
# used in_place), by size: what XPMEM does in millions of bytes a second (or microseconds), and how
# many times as good that is as each other method.
bench_ratios() {
	jq -r --arg key "$1" --arg use "$2" '
		def round_to($digits): pow(10; $digits) as $unit | . * $unit | round / $unit;
		def size: if . >= 1048576 then "\(. / 1048576) MiB"
			elif . >= 1024 then "\(. / 1024) KiB" else "\(.) B" end;
		(if $key == "latency_ns" then 1e-3 else 1e-6 end) as $unit |
		["cma-read", "cma-write", "shm-copy", "vmsplice", "shared"] as $others |
		"| size | xpmem | cold | cache | reg | " +
			($others | join(" | ")) + " |",
		"|---:|" + ("---:|" * (4 + ($others | length))),
		(.results | map(select(.use == $use)) | group_by(.size)[] | . as $row |
			(map({(.method): .[$key]}) | add) as $of |
			"| \($row[0].size | size) | " +
			(["xpmem", "xpmem-cold", "xpmem-cache", "xpmem-reg"] | map($of[.] |
				if . then . * $unit | round_to(2) | tostring else "" end) |
				join(" | ")) +
			" | " + ($others | map(if $key == "latency_ns" then $of[.] / $of.xpmem
					else $of.xpmem / $of[.] end |
				round_to(2) | tostring) | join(" | ")) + " |")'
}

# The record of instructions: a head, and a row for each line of NAME, VALUE and WHAT; then that of
# xpmembench's JSON, and of parallel.
bench_document() {
	cat <<-END
		<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
		<!-- made by ./vm bench --record -->
		# What XPMEM costs

		Costs are in instructions, including those of the kernel, unless a row says
		otherwise. They were counted on $1 in a VM with Linux $2 and one
		processor. \`./vm bench\` counts them again, and \`./vm bench --check\` fails if a
		cost is more than 5 % above the one recorded here.

		| what | cost | unit and workload |
		|---|---:|---|
	END
	awk -F '\t' '{ printf "| `%s` | %s | %s |\n", $1, $2, $3 }' "$3"
	cat <<-END

		# Comparison with alternatives

		xpmembench measures messages from one process to another, through XPMEM and through
		the alternatives, side by side in a VM with two processors; xpmembench(1) describes
		the methods. If the VM is emulated, as here ($5), only the ratios are meaningful,
		and they differ from those of a real machine: the emulator takes longer for a copy
		than for a kernel entry, and the kernel's own copies (cma, vmsplice) move one byte
		at a time there. The columns after \`reg\` say how many times better \`xpmem\` is
		than the methods that they name. Each figure is a median; xpmembench prints its
		spread and noise as well.

		This table shows the bandwidth of copied messages, in million bytes a second.

		$(bench_ratios bandwidth_bytes_per_second copy <"$4")

		This table shows the latency of copied messages, in microseconds.

		$(bench_ratios latency_ns copy <"$4")

		This table shows the bandwidth of messages of which the receiver reads every byte,
		in place if the method allows that, in million bytes a second.

		$(bench_ratios bandwidth_bytes_per_second in_place <"$4")

		# Several threads

		These figures come from the same VM. Faults in attachments take no lock exclusively:
		threads of one attacher share its mmap_lock, and all attachers share the exporter's,
		as readers. To map much memory quickly, let several threads each attach a part,
		populated.

		| speedup with two threads | work of each thread |
		|---:|---|
	END
	awk -F '\t' '{ sub(/.*each of which /, "", $3); printf "| %s | %s |\n", $2, $3 }' "$6"
}

# Names and values of the record.
bench_recorded() {
	sed -n 's/^| `\([a-z0-9_]*\)` | \([0-9.]*\) | .*/\1\t\2/p' "$bench_record"
}

# Compare lines of NAME and VALUE with the record.
bench_compare() {
	awk -F '\t' -v record=<(bench_recorded) '
		BEGIN {
			while ((getline line < record) > 0) {
				split(line, field, "\t")
				recorded[field[1]] = field[2]
			}
		}
		function fail(what) { print "FAIL  " what; failed++ }
		!($1 in recorded) { fail($1 ": not in the record; ./vm bench --record"); next }
		{ seen[$1] = 1 }
		{ figures = $1 ": " $2 ", recorded " recorded[$1] }
		$2 > recorded[$1] * 1.05 + 0.01 { fail(figures); next }
		{ print "ok    " figures; passed++ }
		END {
			for (name in recorded)
				if (!(name in seen))
					fail(name ": in the record only")
			print passed + 0 " passed, " failed + 0 " failed"
			exit failed > 0
		}'
}

bench_main() {
	local mode=${1:-} folder tunables=

	[[ $mode == "" || $mode == --record || $mode == --check ]] && (($# <= 1)) ||
		misuse "bench takes --record, --check or nothing"
	folder=$cache/bench
	mkdir -p "$folder"
	(
		XPMEM_VM_ACCEL=icount XPMEM_VM_CPUS=1
		prepare
		run_job "${XPMEM_VM_TIMEOUT:-1800}" \
			"for group in $bench_groups; do instructions \$group || exit; done" \
			tee "$folder/figures" >&2
	) || die "the figures could not be had"
	if [[ $mode == --check ]]; then
		bench_compare <"$folder/figures"
		return
	fi
	(
		prepare
		boot_accel >"$folder/accel"
		run_job "${XPMEM_VM_TIMEOUT:-1800}" parallel tee "$folder/parallel" >&2
	) || die "the figures of several threads could not be had"
	(
		prepare
		# The C library copies some sizes by rep movsb, which takes an emulated processor as
		# long a byte as other ways take for many.
		[[ $(<"$folder/accel") == kvm ]] ||
			tunables=GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=0x40000000
		run_job "${XPMEM_VM_TIMEOUT:-1800}" \
			"$tunables xpmembench --sizes 8:16M*8 --time 0.5 --json" cat >"$folder/json"
	) || die "xpmembench failed"
	case $mode in
	--record)
		bench_document "$(date +%F)" "$(jq -r .environment.kernel "$folder/json")" \
			"$folder/figures" "$folder/json" "$(<"$folder/accel")" "$folder/parallel" \
			>"$bench_record" &&
			say "written to $bench_record"
		;;
	*)
		awk -F '\t' '{ printf "%-28s %10s  %s\n", $1, $2, $3 }' "$folder/figures"
		awk -F '\t' '{ printf "%-28s %10s  %s\n", $1, $2, $3 }' "$folder/parallel"
		bench_ratios bandwidth_bytes_per_second copy <"$folder/json"
		;;
	esac
}
