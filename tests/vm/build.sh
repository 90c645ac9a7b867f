# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Build everything with meson, incrementally. The modules are built against the VM's kernel. The
# library and the programs depend on no kernel, so kernels of other series and debug kernels share
# one build of them.

build_log() {
	local log=$cache/logs/build.$$

	if ! "$@" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		die "the build failed (all of it in $log)"
	fi
	rm -f "$log"
}

# build_setup FOLDER OPTION...: make a build folder of meson. It remembers absolute paths: begin
# anew when the tree or the kernel moved, or options changed.
build_setup() {
	local folder=$1 setup
	shift

	setup="$tree $*"
	[[ $(cat "$folder/xpmem-setup" 2>/dev/null) == "$setup" ]] || rm -rf "$folder"
	if [[ ! -d $folder ]]; then
		say "building; the first time takes a minute"
		build_log meson setup "$@" "$folder" "$tree"
		echo "$setup" >"$folder/xpmem-setup"
	fi
}

# Build the library and the programs that kernels share. Sets build_programs.
build_shared_programs() {
	local programs_lock

	build_programs=$cache/build-programs
	exec {programs_lock}>"$cache/lock-programs"
	flock "$programs_lock"
	build_setup "$build_programs" -Dwerror=true -Dmodule=disabled -Dgenerator=enabled
	build_log ninja -C "$build_programs"
	exec {programs_lock}>&-
}

# Sets build_dir to the folder of the modules, and build_programs to that of all else.
build_all() {
	# Headers of old kernels make new compilers warn.
	local options=(-Dwerror="$([[ -z $kernel_tree ]] && echo true ||
		echo false)" -Dmodule=enabled
		-Dkernel_build_dir="$kernel_build_dir")
	local targets=(tests/importer/xpmem-importer.ko tests/notifier/xpmem-notifier.ko
		tests/other_make/xpmem-other.ko)
	[[ -n $architecture ]] || options+=(-Dgenerator=enabled)

	build_dir=$cache/build
	[[ $vm_kernel == stock ]] || build_dir+=-$vm_kernel
	[[ -z $architecture ]] || build_dir+=-$architecture
	[[ $kernel_series == "$kernel_own_series" ]] || build_dir+=-$kernel_series
	if [[ -n $architecture ]]; then
		architecture_root_prepare
		architecture_cross_file >"$architecture_root.$architecture.cross"
		# The programs of the tests are for what the VM runs.
		architecture_runs || options+=(-Dtests=false)
		options+=(-Dgenerator=disabled \
			--cross-file "$architecture_root.$architecture.cross")
	fi
	build_setup "$build_dir" "${options[@]}"
	if [[ $build_dir == "$cache/build" || -n $architecture ]]; then
		build_programs=$build_dir
		targets+=(all)
	else
		build_shared_programs
		targets+=(module/xpmem.ko)
	fi
	build_log ninja -C "$build_dir" "${targets[@]}"
	build_module=$build_dir/module/xpmem.ko
	[[ -f $build_module ]] || die "the build made no xpmem.ko"
}

# Another build of the module. Sets build_variant_module.
build_variant() {
	local name=$1 work=$build_dir/module-$1 arguments

	case $name in
	coverage) arguments=(XPMEM_COVERAGE=1) ;;
	gcov) arguments=(GCOV_PROFILE=y) ;;
	race) arguments=(XPMEM_RACE=1) ;;
	core-entries) arguments=(XPMEM_CORE_ENTRIES=1) ;;
	no-events) arguments=(XPMEM_NO_EVENTS=1) ;;
	*) misuse "there is no other build of the module named $name" ;;
	esac
	mkdir -p "$work"
	build_log "$tree/module/build-in" "$kernel_build_dir" "$tree" module "$work/kbuild" \
		"$work/xpmem.ko" "$work/xpmem.ko.d" \
		"${arguments[@]}" ${architecture:+"CROSS_COMPILE=$architecture_triplet-"}
	build_variant_module=$work/xpmem.ko
}
