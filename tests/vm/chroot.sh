# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debian 12 without anything of this machine, in chroots. Those in the cache stay clean: what is
# done in one is done in a layer in memory, which is a mount, as /proc and /dev/pts in it are, in a
# namespace that ends with this process.

# Begin this command anew in such a namespace.
chroot_namespace() {
	[[ $packages_debian == bookworm ]] || die "$1 needs a Debian 12 machine"
	((EUID == 0)) || die "$1 works in chroots, which only root can make; run it as root"
	[[ -n ${XPMEM_VM_NAMESPACE:-} ]] ||
		XPMEM_VM_NAMESPACE=1 exec unshare --mount "$tree/vm" "$@"
}

# A chroot with packages; its folder appears only when complete. Sets chroot_clean.
chroot_prepare() {
	local name=$1 key
	shift

	key=$(printf '%s\n' "$@" | sha256sum)
	chroot_clean=$cache/chroot/$name-${key:0:12}
	[[ ! -d $chroot_clean ]] || return 0
	say "making a chroot of Debian 12 for: $name"
	rm -rf "$cache/chroot/$name"-*
	mkdir -p "$cache/chroot"
	# From where this machine has Debian.
	archive_own_sources >"$cache/chroot/sources.list"
	build_log mmdebstrap --variant=minbase --include="$(tr ' ' , <<<"$*")" bookworm \
		"$cache/unpack.$$" "$cache/chroot/sources.list"
	mv "$cache/unpack.$$" "$chroot_clean"
}

# Print where a clean chroot with a layer for writes is.
chroot_open() {
	local clean=$1 work=$cache/chroot/open/$2

	mkdir -p "$work"
	mount -t tmpfs tmpfs "$work"
	mkdir "$work"/{upper,work,root}
	mount -t overlay overlay -o "lowerdir=$clean,upperdir=$work/upper,workdir=$work/work" \
		"$work/root"
	mount -t proc proc "$work/root/proc"
	# For tests that need a terminal.
	mkdir -p "$work/root/dev/pts"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$work/root/dev/pts"
	ln -sf pts/ptmx "$work/root/dev/ptmx"
	echo "$work/root"
}

# Run a command as root in a chroot, without a network.
chroot_run() {
	local root=$1
	shift

	# shellcheck disable=SC2086
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive ${chroot_environment:-} \
		unshare --net chroot "$root" "$@" </dev/null
}
