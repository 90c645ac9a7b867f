# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Machines other than this one: Debian's kernels for them, Debian's cross compiler, and a Debian of
# theirs in a folder, which is unpacked without running anything of it: programs are linked against
# it, and it is what the VM has in place of this machine's files.
#
# architecture_choose NAME sets
#   architecture		what was named; empty for this machine's own
#   architecture_debian		as Debian calls it
#   architecture_triplet	as compilers do
#   architecture_qemu		as QEMU does
#   architecture_page		bytes of a page
#   kernel_flavour		how the names of Debian's kernels end
#   kernel_series		the one of this machine's Debian, or the first that has such kernels

architecture=
architecture_debian=amd64
architecture_page=4096

# What the root has besides the libraries that programs are linked against.
architecture_packages="bash bats busybox-static coreutils dash e2fsprogs findutils grep iproute2 jq
	kmod libc-bin mawk mount procps sed util-linux
	libasan8 libc6-dev libibverbs-dev libjson-c-dev libnl-3-dev libnl-genl-3-dev
	libsmartcols-dev libstdc++6 libubsan1 liburing-dev"

architecture_choose() {
	case $1 in
	amd64) return 0 ;;
	arm64 | arm64-16k)
		architecture_debian=arm64 architecture_triplet=aarch64-linux-gnu \
			architecture_qemu=aarch64 kernel_flavour=$1
		[[ $1 == arm64 ]] || kernel_series=6.12 architecture_page=16384
		;;
	ppc64el) architecture_debian=$1 architecture_triplet=powerpc64le-linux-gnu \
		architecture_qemu=ppc64 kernel_flavour=powerpc64le ;;
	*) misuse "no such architecture: $1" ;;
	esac
	architecture=$1
}

# Whether the VM can be one. Else things can only be built.
architecture_runs() {
	[[ $architecture != ppc64el ]]
}

architecture_packages_why() {
	[[ -n $architecture ]] || return 0
	printf '%s\t%s\n' "gcc-${architecture_triplet/_/-}" "compiles for $architecture_debian" \
		mmdebstrap "unpacks a Debian for $architecture_debian"
	! architecture_runs || printf 'qemu-system-arm\truns the VM\n'
}

# Unpack the root. Its folder appears only when complete, under a name that changes with what is in
# it.
architecture_root_prepare() {
	local key work=$cache/unpack.$$ library link

	key=$(echo "$architecture_packages" | sha256sum)
	architecture_root=$cache/root/$architecture_debian-${key:0:12}
	[[ ! -d $architecture_root ]] || return 0
	say "unpacking a Debian 12 for $architecture_debian (100 MB)"
	rm -rf "$cache/root/$architecture_debian"-*
	mkdir -p "$cache/root"
	# The release itself will do: its lists are few.
	archive_own_sources 'Codename: bookworm' >"$cache/root/sources.list"
	# shellcheck disable=SC2086
	build_log mmdebstrap --variant=extract --architectures="$architecture_debian" \
		--include="$(echo $architecture_packages | tr ' ' ,)" \
		bookworm "$work" "$cache/root/sources.list"
	# Links between libraries would lead the linker to this machine's.
	find "$work/usr/lib" "$work"/lib*/ -lname '/*' -printf '%l\t%p\n' |
		while IFS=$'\t' read -r library link; do
			ln -sfr "$work$library" "$link"
		done
	# What scripts of the packages would do.
	ln -s mawk "$work/usr/bin/awk"
	printf '%s\n' root:x:0:0:root:/root:/bin/bash \
		nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin >"$work/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$work/etc/group"
	mkdir -p "$work$tree"
	mv "$work" "$architecture_root"
}

# What meson is to know of the machine.
architecture_cross_file() {
	local family=$architecture_qemu libraries=$architecture_root/usr/lib/$architecture_triplet

	cat <<-END
		[binaries]
		c = ['$architecture_triplet-gcc', '--sysroot=$architecture_root']
		strip = '$architecture_triplet-strip'
		pkgconfig = 'pkgconf'
		[properties]
		sys_root = '$architecture_root'
		pkg_config_libdir = '$libraries/pkgconfig:$architecture_root/usr/share/pkgconfig'
		# Of the VM's kernel, for the tests.
		page_size = '$architecture_page'
		[host_machine]
		system = 'linux'
		cpu_family = '$family'
		cpu = '$family'
		endian = 'little'
	END
}
