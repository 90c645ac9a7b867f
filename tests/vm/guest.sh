# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the VM starts with: a small initramfs that puts an overlay over this machine's files.

# Modules that the initramfs needs to reach them and to talk to the host.
guest_modules="virtio_pci virtio_console 9pnet_virtio 9p overlay"

guest_prepare() {
	local work=$cache/unpack.$$

	guest_busybox=$cache/busybox/busybox
	[[ -x $guest_busybox ]] && return 0
	packages_unpack "$work" busybox-static ||
		{ packages_refresh && packages_unpack "$work" busybox-static; } ||
		die "cannot download Debian's busybox-static; check the network and /etc/apt"
	mkdir -p "$cache/busybox"
	# It is in bin, and since Debian 13 in usr/bin.
	find "$work" -name busybox -type f -exec mv {} "$guest_busybox" \;
	rm -rf "$work"
	[[ -x $guest_busybox ]] || die "Debian's busybox-static has no program busybox"
}

# Make the initramfs of one run in its folder. Its environment tells the guest where things are.
guest_initramfs() {
	local root=$run_dir/initramfs module path number=10 busybox=$guest_busybox

	[[ -z $architecture ]] || busybox=$architecture_root/bin/busybox
	mkdir -p "$root"/{bin,modules,lower,upper,root,proc,sys,dev}
	cp "$busybox" "$root/bin/busybox"
	cp "$tree/tests/vm/guest/init" "$root/init"
	chmod 755 "$root/init"
	# shellcheck disable=SC2086
	for module in $guest_modules; do
		modprobe -d "$kernel_dir" -S "$kernel_release" --show-depends "$module"
	done | sed -n 's/^insmod //p' | awk '!seen[$1]++ { print $1 }' >"$run_dir/modules"
	while read -r path; do
		# busybox takes them as they are only.
		case $path in
		*.xz) xz -dc "$path" >"$root/modules/$number-$(basename "$path" .xz)" ;;
		*) cp "$path" "$root/modules/$number-$(basename "$path")" ;;
		esac
		number=$((number + 1))
	done <"$run_dir/modules"
	cat >"$root/environment" <<-END
		export XPMEM_TREE='$tree'
		export XPMEM_BUILD='$build_dir'
		export XPMEM_ROOT='${architecture:+$architecture_root}'
		export XPMEM_RUN='$run_dir'
		export XPMEM_KERNEL='$kernel_dir'
		export XPMEM_BUSYBOX='$busybox'
		export XPMEM_VM_KERNEL='$vm_kernel'
		export XPMEM_TEST_SLOWNESS='$(patience 1)'
		export XPMEM_MODULE='$build_module'
		export XPMEM_COVERAGE_MODULE='${build_coverage_module:-}'
		export XPMEM_CLIENTS='$cache/clients'
		export XPMEM_YNL='${ynl_dir:-}'
		export XPMEM_PROMTOOL='${promtool:-}'
		export XPMEM_OUT='$run_dir/out'
	END
	(cd "$root" && find . | "$guest_busybox" cpio -o -H newc 2>/dev/null) \
		>"$run_dir/initramfs.cpio"
	rm -rf "$root" "$run_dir/modules"
}
