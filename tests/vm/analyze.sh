# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# ./vm analyze: what compilers, analyzers and sanitizers find in the sources, a line a tool, and the
# counts. They are to find nothing.

# Not what checkpatch takes for something else: an argument that is a pointer to a function, the
# compiler's hook, a comparison of two constants, an argument of a macro that is empty for some
# kernels.
analyze_unlike_module=OPEN_BRACE,AVOID_EXTERNS,CONSTANT_COMPARISON,MACRO_ARG_UNUSED
# The interface's headers have no macros for attributes.
analyze_unlike_uapi=PREFER_DEFINED_ATTRIBUTE_MACRO,LINE_SPACING

# The build that ./vm always makes was made so.
analyze_compiled() {
	meson introspect --buildoptions "$build_dir" |
		jq -e 'any(.[]; .name == "werror" and .value)'
}

# A build of its own of all but the module, which no warning passes.
analyze_build() {
	local compiler=$1 folder=$cache/analyze/$1
	shift

	[[ -f $folder/build.ninja ]] ||
		CC=$compiler meson setup "$folder" "$tree" -Dmodule=disabled -Dgenerator=enabled \
		-Dwerror=true "$@"
	meson compile -C "$folder"
}

analyze_sanitized() {
	# Before the sanitizer comes what the tests preload.
	ASAN_OPTIONS=verify_asan_link_order=0 meson test -C "$cache/analyze/gcc" --no-rebuild \
		--print-errorlogs --no-suite source
}

# Unknown to it: formats that are macros, what NULL is, and that there are calls to choose from.
analyze_cppcheck() {
	(cd "$tree" && cppcheck --quiet --error-exitcode=1 --std=c11 \
		--enable=warning,performance,portability --inline-suppr \
		--suppress=wrongPrintfScanfArgNum --suppress=varFuncNullUB \
		--suppress=zerodiv:tests/fuzz/program.c -D_GNU_SOURCE -DXPMEM_TEST_PAGE=4096L \
		-Iuapi -Ilibxpmem \
		abi demo doc/examples libxpmem tests/checks tests/fuzz tests/packages \
		tests/programs tools)
}

# The tests' programs are wrong on purpose in too many ways.
analyze_clang_tidy() {
	jq -r '.[] | .directory + "/" + .file' "$cache/analyze/clang/compile_commands.json" |
		xargs realpath | sort -u |
		grep -E "^$tree/(abi|demo|doc|libxpmem|tools)/" |
		xargs -n 4 -P 2 clang-tidy -p "$cache/analyze/clang" --quiet
}

analyze_checkpatch() {
	local checkpatch=(perl "$ynl_dir/scripts/checkpatch.pl" --no-tree --terse --show-types \
		--no-summary --quiet --max-line-length=140)

	[[ -n $ynl_dir ]] || { echo "there is no checkpatch"; return 1; }
	(cd "$tree" && "${checkpatch[@]}" --ignore "$analyze_unlike_module" -f module/*.[ch] \
		module/compat/*.h module/compat/probes/*.c module/compat/probes/*/*.c &&
		"${checkpatch[@]}" --ignore "$analyze_unlike_uapi" -f uapi/linux/*.h)
}

# Comments of the module and of the interface that begin as kernel-doc does.
analyze_kernel_doc() {
	[[ -n $ynl_dir ]] || { echo "there is no kernel-doc"; return 1; }
	(cd "$tree" && perl "$ynl_dir/scripts/kernel-doc" -none -Wall -Werror \
		module/*.[ch] module/compat/*.h uapi/linux/*.h)
}

# .shellcheckrc says what is not looked for. The names in a list of the script have no spaces.
analyze_shellcheck() {
	(cd "$tree" && git -c safe.directory='*' ls-files | while read -r file; do
		if [[ $file == *.@(sh|bash|bats) ]] || head -n 1 "$file" |
			grep -aqE '^#!.*(/|env )(ba)?sh$|^#!/bin/busybox sh$|^#!.*bats$'; then
			echo "$file"
		fi
	done | grep -vx module/build-in | xargs -n 12 -P 2 shellcheck &&
		shellcheck --exclude=SC2086 module/build-in)
}

analyze_main() {
	local host_passed=0 host_failed=0

	packages_wanted=analysis ynl_wanted=1
	prepare
	lock_take analyze
	expect analyze "gcc has no warning" analyze_compiled
	expect analyze "library and tools build with the sanitizers" \
		analyze_build gcc -Dtests=false -Db_sanitize=address,undefined -Db_lundef=false
	expect analyze "their checks pass with the sanitizers" analyze_sanitized
	expect analyze "clang has no warning" analyze_build clang
	expect analyze "clang-tidy" analyze_clang_tidy
	expect analyze "cppcheck" analyze_cppcheck
	expect analyze "checkpatch" analyze_checkpatch
	expect analyze "shellcheck" analyze_shellcheck
	expect analyze "kernel-doc" analyze_kernel_doc

	passed=$host_passed failed=$host_failed skipped=0
	counts_print
}
