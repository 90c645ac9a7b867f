# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debug kernels, built from Debian's linux-source with tests/vm/kernel/*.config. Only what
# booting them and building modules for them takes is kept in the cache.

debug_kernel_variants="kasan kcsan"

# Options of a variant, for allnoconfig.
debug_kernel_config() {
	cat "$tree/tests/vm/kernel/"{vm,debug,"$1"}.config
}

# Parts of the kernel that handle no memory of the module and hand it no objects. They are compiled
# without sanitizers, which makes them quicker to build and to run.
debug_kernel_plain=(
	arch/x86/pci block crypto drivers/acpi drivers/ata drivers/block drivers/char drivers/pci
	drivers/pnp drivers/scsi drivers/tty drivers/virtio fs/9p fs/ext4 fs/jbd2 net/9p net/ethtool
	net/ipv4 net/sched lib/lzo lib/zlib_deflate lib/zlib_inflate lib/zstd
)

# Switch the sanitizers off in a folder of the source and in all below it.
debug_kernel_leave_plain() {
	find "$@" -name Makefile -exec \
		sed -i '1i KASAN_SANITIZE := n\nUBSAN_SANITIZE := n\nKCSAN_SANITIZE := n' {} +
}

# What the module's build reads of a kernel, source and output in one folder.
debug_kernel_prune() {
	local source=$1 output=$2 target=$3 part

	mkdir -p "$target"
	# shellcheck disable=SC2046
	(cd "$source" && tar -c --exclude='include/dt-bindings' Makefile scripts include \
		arch/x86/include arch/x86/Makefile* \
		$(find arch/x86 -name Kbuild -o -name 'Makefile*' -path 'arch/x86/tools/*')) |
		tar -x -C "$target"
	(cd "$output" && tar -c --exclude='*.o' --exclude='*.cmd' --exclude='*.a' .config scripts \
		include arch/x86/include \
		tools/objtool/objtool) | tar -x -C "$target"
	cp "$output/vmlinux.symvers" "$target/Module.symvers"
}

# Build a variant from the source package in a folder, which is used up, into the target.
debug_kernel_build() {
	local variant=$1 work=$2 target=$3 series=$4 source output release log

	source=$work/linux-source-$series
	output=$work/output
	log=$cache/logs/kernel-$variant.$$
	if ! {
		tar -x -C "$work" -f "$work/usr/src/linux-source-$series.tar.xz" --wildcards \
			--exclude='*/boot/dts' --exclude="linux-source-$series/tools/testing" &&
			rm "$work/usr/src/linux-source-$series.tar.xz" &&
			(cd "$source" && debug_kernel_leave_plain "${debug_kernel_plain[@]}") &&
			mkdir "$output" &&
			debug_kernel_config "$variant" >"$work/config" &&
			make -s -C "$source" O="$output" KCONFIG_ALLCONFIG="$work/config" \
			allnoconfig &&
			make -s -C "$source" O="$output" -j"$(nproc)" bzImage modules_prepare &&
			release=$(make -s -C "$source" O="$output" kernelrelease) &&
			mkdir -p "$work/kernel/boot" "$work/kernel/lib/modules/$release" &&
			cp "$output/arch/x86/boot/bzImage" "$work/kernel/boot/vmlinuz-$release" &&
			cp "$output/System.map" "$work/kernel/boot/System.map-$release" &&
			cp "$output"/modules.builtin{,.modinfo} \
			"$work/kernel/lib/modules/$release" &&
			: >"$work/kernel/lib/modules/$release/modules.order" &&
			depmod -b "$work/kernel" "$release" &&
			debug_kernel_prune "$source" "$output" \
			"$work/kernel/usr/src/linux-headers-$release"
	} >"$log" 2>&1; then
		rm -rf "$work"
		tail -n 40 "$log" >&2
		die "the debug kernel could not be built (all of it in $log)"
	fi
	rm "$log"
	mkdir -p "$(dirname "$target")"
	mv -T "$work/kernel" "$target"
	rm -rf "$work"
}

# Sets what kernel_prepare sets.
debug_kernel_prepare() {
	local variant=$1 series=$2 version= hash work=$cache/unpack.$$ refreshed= newest

	hash=$({ debug_kernel_config "$variant" |
		sed '/^#/d; /^$/d'; echo "${debug_kernel_plain[@]}"; } | sha256sum | cut -c1-12)
	while :; do
		version=$(kernel_candidates "linux-source-$series" | cut -d' ' -f2) || version=
		if [[ -n $version ]]; then
			kernel_dir=$cache/kernel/debug-$series-$variant.$version.$hash
			[[ -d $kernel_dir ]] && break
			if packages_unpack "$work" "linux-source-$series=$version"; then
				say "building the debug kernel ($variant) from Debian's" \
					"linux-source $version; this takes 25 minutes of" \
					"processor time"
				debug_kernel_build "$variant" "$work" "$kernel_dir" "$series"
				break
			fi
		fi
		if [[ -z $refreshed ]]; then
			packages_refresh || true
			refreshed=1
			continue
		fi
		newest=$(ls -d "$cache/kernel/debug-$series-$variant."*".$hash" 2>/dev/null |
			sort -V | tail -n1) || true
		[[ -n $newest ]] || die "cannot download Debian's linux-source-$series;" \
			"check the network and /etc/apt"
		say "cannot fetch a newer kernel source; using $(basename "$newest")"
		kernel_dir=$newest
		break
	done
}
