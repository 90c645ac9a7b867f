# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Build everything with meson, incrementally, against the VM's kernel.

build_log() {
	local log=$cache/logs/build.$$

	if ! "$@" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		die "the build failed (all of it in $log)"
	fi
	rm -f "$log"
}

build_all() {
	# Headers of old kernels make new compilers warn.
	local options=(-Dwerror="$([[ -z $kernel_tree ]] && echo true ||
		echo false)" -Dmodule=enabled
		-Dkernel_build_dir="$kernel_build_dir")
	local setup
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
	setup="$tree ${options[*]}"

	# A build folder remembers absolute paths: begin anew when the tree or the kernel moved, or
	# options changed.
	[[ $(cat "$build_dir/xpmem-setup" 2>/dev/null) == "$setup" ]] || rm -rf "$build_dir"
	if [[ ! -d $build_dir ]]; then
		say "building; the first time takes a minute"
		build_log meson setup "${options[@]}" "$build_dir" "$tree"
		echo "$setup" >"$build_dir/xpmem-setup"
	fi
	build_log ninja -C "$build_dir" all tests/importer/xpmem-importer.ko \
		tests/notifier/xpmem-notifier.ko tests/other_make/xpmem-other.ko
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
