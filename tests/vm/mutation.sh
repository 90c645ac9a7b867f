# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# ./vm mutate: applies each small mutant of tests/mutation/mutants to the module, builds it, and
# runs in a VM the tests that are to find it. One VM tries mutants until one leaves it unusable.
#
# The guest (tests/vm/guest/mutants) sends events as lines of tab-separated words:
# begin NAME, proven BUILD CASE, outcome NAME killed|survived|error CASE SYMPTOM, spent, done.
# The host answers begin with the name in $XPMEM_OUT/begun, as it does for suites.

mutation_tool=$tree/tests/mutation/mutant
mutation_results=$tree/tests/mutation/results
# Seconds that one test may take.
mutation_limit=90

# Copy what the module is built from, as it is in the tree.
mutation_restore() {
	rm -rf "$mutation_work/source"
	mkdir -p "$mutation_work/source"
	cp -rp "$tree/module" "$tree/uapi" "$mutation_work/source"
}

# Have the next build begin with what the module as it is was built to, so that it compiles only
# what is mutated; a file that differs gets a new time, as make looks at nothing else.
mutation_begin() {
	local file kbuild=$mutation_work/kbuild-$1

	[[ ! -d $kbuild.original ]] || { rm -rf "$kbuild" && cp -rp "$kbuild.original" "$kbuild"; }
	(cd "$mutation_work/source" && find . -type f) | while read -r file; do
		[[ ! -e $kbuild/$file ]] || cmp -s "$mutation_work/source/$file" "$kbuild/$file" ||
			touch "$mutation_work/source/$file"
	done
}

# Build the module out of the copy, or take it from the cache. Sets mutation_product.
mutation_build_module() {
	local build=$1 key arguments=()

	key=$(cd "$mutation_work/source" && find . -type f -exec sha256sum {} + | sort -k 2 |
		sha256sum)
	mutation_product=$cache/mutants/$kernel_release-$build-${key:0:16}.ko
	if [[ -e $mutation_product ]]; then
		touch "$mutation_product"
		return 0
	fi
	mkdir -p "$cache/mutants"
	[[ $build == plain ]] || arguments=(XPMEM_RACE=1)
	mutation_begin "$build"
	"$mutation_work/source/module/build-in" "$kernel_build_dir" "$mutation_work/source" module \
		"$mutation_work/kbuild-$build" "$mutation_work/xpmem.ko" \
		"$mutation_work/xpmem.ko.d" \
		"${arguments[@]}" >"$mutation_work/log" 2>&1 || return 1
	mv "$mutation_work/xpmem.ko" "$mutation_product"
	[[ -z ${2:-} ]] || { rm -rf "$2" && cp -rp "$mutation_work/kbuild-$build" "$2"; }
}

# Build xpmemctl with a mutated file, with the commands of the build. Sets mutation_product, which
# is outside the build: a VM has a copy of that from before the mutant.
mutation_build_tool() {
	local file=$1 object command target=tools/xpmemctl/xpmemctl

	mutation_product=$cache/mutants/xpmemctl-$2
	mkdir -p "$cache/mutants"
	object=$target.p/$(basename "$file").o
	command=$(ninja -C "$build_dir" -t commands "$target" | grep -F -e "-o $object " |
		tail -n 1)
	command=${command/-o $object/-o $mutation_work/tool.o}
	command=${command/ -MD -MQ $object -MF $object.d/}
	command=${command/ -c *\/$file/ -c $mutation_work/tool/$file}
	command+=" -Wno-error -I$tree/tools/xpmemctl"
	(cd "$build_dir" && eval "$command") >"$mutation_work/log" 2>&1 || return 1
	command=$(ninja -C "$build_dir" -t commands "$target" | tail -n 1)
	command=${command/$object/$mutation_work/tool.o}
	command=${command/-o $target/-o $mutation_product}
	(cd "$build_dir" && eval "$command") >>"$mutation_work/log" 2>&1
}

# Make a mutant; the caller has the lock. Sets mutation_product.
mutation_make() {
	local name=$1 part=$2 build=$3 files

	if [[ $part == xpmemctl ]]; then
		rm -rf "$mutation_work/tool"
		mkdir -p "$mutation_work/tool/tools"
		cp -r "$tree/tools/xpmemctl" "$mutation_work/tool/tools"
		files=$("$mutation_tool" apply "$tree" "$mutation_work/tool" "$name") &&
			mutation_build_tool "$files" "$name"
		return
	fi
	mutation_restore
	"$mutation_tool" apply "$tree" "$mutation_work/source" "$name" >/dev/null &&
		mutation_build_module "$build"
}

# Take the lock and make a mutant. Keeps the log of a failure.
mutation_build() {
	local status=0

	lock_take mutate
	mutation_make "$@" || status=$?
	((status == 0)) || cp "$mutation_work/log" "$run_dir/build-$1.log"
	lock_drop
	return "$status"
}

# Print the outcome of a mutant and keep it.
mutation_outcome() {
	local name=$1 outcome=$2 case=$3 symptom=$4

	printf '%s\t%s\t%s\t%s\n' "$name" "$outcome" "$case" "$symptom" >>"$mutation_outcomes"
	[[ $case == - ]] && case= || case=": $case"
	[[ $symptom == - ]] && symptom= || symptom=": $symptom"
	printf '%-9s %s%s%s\n' "$outcome" "$name" "$case" "$symptom"
}

# Read events. Leaves files in the run's folder: begun, and how the job ended in ended.
mutation_report() {
	local word name outcome case symptom

	while IFS=$'\t' read -r word name outcome case symptom; do
		: >"$run_dir/progress"
		case $word in
		begin) echo "$name" >"$run_dir/out/begun" ;;
		proven) printf '%s\t%s\n' "$name" "$outcome" >>"$run_dir/proven" ;;
		outcome) mutation_outcome "$name" "$outcome" "$case" "$symptom" ;;
		spent | done) echo "$word" >"$run_dir/ended" ;;
		*) say "$word" ;;
		esac
	done
}

# Try the mutants of lines in one VM. Sets mutation_left to the lines of those that had no turn, and
# mutation_died to the line of the one in which the VM died.
mutation_vm() {
	local command begun line

	printf '%s\n' "$@" >"$run_dir/mutants"
	rm -f "$run_dir/ended" "$run_dir/out/begun"
	printf -v command '%q ' exec bash "$tree/tests/vm/guest/mutants" "$run_dir/mutants" \
		"$run_dir/proven" "$(patience "$mutation_limit")"
	boot_silence=$(($(patience "$mutation_limit") + $(patience 60)))
	run_job 0 "$command" mutation_report || true
	mutation_left=() mutation_died=
	[[ $(cat "$run_dir/ended" 2>/dev/null) != "done" ]] || return 0
	begun=$(cat "$run_dir/out/begun" 2>/dev/null) ||
		die "the VM did not get to the first mutant"
	for line; do
		if [[ ${line%%$'\t'*} == "$begun" ]]; then
			[[ -e $run_dir/ended ]] || mutation_died=$line
			mutation_left=()
		else
			mutation_left+=("$line")
		fi
	done
}

# Judge the mutant in which the VM died. An emulator may hang by itself: then the mutant is tried
# again, alone and with one emulator thread.
mutation_death() {
	local name=${1%%$'\t'*} complaint

	complaint=$(kernel_log_complaint <"$boot_console" | sed 's/^\[[^]]*\] *//' || true)
	if [[ -z $complaint && $(boot_accel) == tcg && $boot_threads == multi ]]; then
		local boot_threads=single left=("${mutation_left[@]}")

		mutation_vm "$1"
		[[ -z $mutation_died ]] || mutation_death "$1"
		mutation_left=("${left[@]}")
		return
	fi
	mutation_outcome "$name" killed "${1##*$'\t'}" "${complaint:-$boot_end}"
}

# Build the mutants for one kernel that lines name, and try them.
mutation_on_kernel() {
	local line name part kernel build survives cases ready=()

	prepare
	mutation_work=$build_dir/mutation
	: >"$run_dir/proven"
	mkdir -p "$mutation_work"
	lock_take mutate
	mutation_restore
	for build in plain race; do
		printf '%s\n' "$@" | cut -f 4 | grep -x "$build" >/dev/null || continue
		mutation_build_module "$build" "$mutation_work/kbuild-$build.original" ||
			die "the build failed (all of it in $mutation_work/log)"
		printf '%s\t%s\n' "$build" "$mutation_product" >>"$run_dir/originals"
	done
	lock_drop
	for line; do
		IFS=$'\t' read -r name part kernel build survives cases <<<"$line"
		if ! mutation_build "$name" "$part" "$build"; then
			mutation_outcome "$name" error - \
				"it does not compile ($run_dir/build-$name.log)"
		elif [[ -z $cases ]]; then
			mutation_outcome "$name" untried - -
		else
			printf -v line '%s\t' "$name" "$part" "$build" "$mutation_product"
			ready+=("$line$cases")
		fi
	done
	find "$cache/mutants" -name '*.ko' -mtime +14 -delete
	while [[ -z $mutation_only_build ]] && ((${#ready[@]} > 0)); do
		mutation_vm "${ready[@]}"
		ready=("${mutation_left[@]}")
		[[ -z $mutation_died ]] ||
			{ mutation_death "$mutation_died"; ready=("${mutation_left[@]}"); }
	done
	run_end
}

# The last record with the outcomes of this run in it, in the order of the list.
mutation_record() {
	local name outcome case symptom line kernel
	local -A records=()

	while IFS= read -r line; do
		if [[ $line =~ ^[a-z0-9] ]]; then
			name=${line%% *}
			records[$name]=$line
		elif [[ $line == $'\t'* ]]; then
			records[$name]+=$'\n'$line
		fi
	done <"$mutation_results"
	while IFS=$'\t' read -r name outcome case symptom; do
		kernel=$(grep -P "^$name\t" "$mutation_releases" | cut -f 2)
		printf -v line '%-48s %-8s %s %s' "$name" "$outcome" "$(date +%F)" "$kernel"
		[[ $case == - ]] || line+=$'\n\t'"by $case"
		symptom=${symptom#tests/programs/*: *: }
		[[ $symptom == - ]] || line+=$'\n\t'"${symptom:0:92}"
		records[$name]=$line
	done <"$mutation_outcomes"
	sed '/^#/!d' "$mutation_results" >"$mutation_results.new"
	while IFS=$'\t' read -r name _; do
		[[ -z ${records[$name]:-} ]] || printf '\n%s\n' "${records[$name]}"
	done < <("$mutation_tool" list "$tree") >>"$mutation_results.new"
	mv "$mutation_results.new" "$mutation_results"
}

# Compare the outcomes with the list, and print the counts.
mutation_judge() {
	local name outcome case symptom survives killed=0 survived=0 untried=0 wrong=0

	while IFS=$'\t' read -r name outcome case symptom; do
		survives=$("$mutation_tool" list "$tree" "$name" | cut -f 5)
		case $outcome in
		killed) [[ $survives == - ]] && killed=$((killed + 1)) || wrong=$((wrong + 1)) ;;
		survived) [[ $survives != - ]] && survived=$((survived + 1)) ||
			wrong=$((wrong + 1)) ;;
		untried) untried=$((untried + 1)) ;;
		*) wrong=$((wrong + 1)) ;;
		esac
		case $outcome-$survives in
		survived--) echo "FAIL  mutate: $name survived, and the list says no reason" ;;
		untried-*) echo "      $name has no test: $survives" ;;
		survived-*) echo "      $name survives: $survives" ;;
		killed--) ;;
		killed-*)
			echo "FAIL  mutate: $name was killed, and the list says that it survives" ;;
		*) echo "FAIL  mutate: $name: $symptom" ;;
		esac
	done <"$mutation_outcomes"
	echo "$killed killed, $survived survived as the list says, $untried without a test," \
		"$wrong not as the list says"
	((wrong == 0))
}

# usage: mutation_main [--build] [--record] [NAME...]
mutation_main() {
	local mutation_only_build='' record='' lines kernel chosen mutation_work mutation_product
	local mutation_left mutation_died mutation_outcomes mutation_releases

	while [[ ${1:-} == --* ]]; do
		case $1 in
		--build) mutation_only_build=1 ;;
		--record) record=1 ;;
		*) misuse "mutate takes no $1" ;;
		esac
		shift
	done
	check_tree
	"$mutation_tool" check "$tree" || die "the list is wrong"
	lines=$("$mutation_tool" list "$tree" "$@") || exit 2
	mutation_outcomes=$cache/logs/mutation.$$ mutation_releases=$cache/logs/releases.$$
	: >"$mutation_outcomes"
	: >"$mutation_releases"
	for kernel in stock debug; do
		chosen=$(awk -F '\t' -v kernel="$kernel" '$3 == kernel' <<<"$lines")
		[[ -n $chosen ]] || continue
		[[ $kernel == stock ]] && vm_kernel=stock || vm_kernel=kasan
		mapfile -t chosen <<<"$chosen"
		mutation_on_kernel "${chosen[@]}"
		printf '%s\n' "${chosen[@]}" |
			sed "s/\t.*/\t$kernel_release/" >>"$mutation_releases"
	done
	[[ -z $mutation_only_build ]] || return 0
	[[ -z $record ]] || mutation_record
	mutation_judge || { rm -f "$mutation_outcomes" "$mutation_releases"; return 1; }
	rm -f "$mutation_outcomes" "$mutation_releases"
}
