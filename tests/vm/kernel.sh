# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The VM's kernel: a stock Debian image and the headers that match it, unpacked in the cache,
# a kernel tree that the caller has built, or a debug kernel (debug_kernel.sh). The machine's own
# Debian has one series of them; the others are fetched from other Debians (archive.sh), whatever
# point release is the newest.
#
# kernel_choose SERIES sets kernel_series, kernel_choose_tree DIR also kernel_tree. A series may end
# in -rt: Debian has PREEMPT_RT kernels in packages of that name. kernel_prepare KERNEL, which is
# stock or a variant of the debug kernel, sets
#   kernel_release	as uname -r says it in the VM
#   kernel_dir		where image and headers are unpacked
#   kernel_image	what QEMU boots
#   kernel_build_dir	what modules are built against

case $packages_debian in
trixie) kernel_own_series=6.12 ;;
*) kernel_own_series=6.1 ;;
esac
kernel_flavour=amd64
kernel_tree=
kernel_series=$kernel_own_series

# Whether the machine's own Debian has it.
kernel_is_own() {
	[[ -z $architecture && ${1%-rt} == "$kernel_own_series" ]]
}

# The names of packages whose programs run on this machine.
kernel_host_packages() {
	[[ -z $architecture ]] && cat || sed -E '/^linux-headers-/! s/$/:amd64/'
}

# Print "PACKAGE VERSION" of the candidate of each package, or fail if one has none.
kernel_candidates() {
	local package version

	for package; do
		version=$(apt-cache show --no-all-versions "$package" 2>/dev/null |
			sed -n 's/^Version: //p' | head -n1)
		[[ -n $version ]] || return 1
		printf '%s %s\n' "$package" "$version"
	done
}

# Print the packages matching a pattern that a package depends on.
kernel_dependencies() {
	apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Depends: //p' | tr ',' '\n' |
		sed -nE "s/^ *($2).*/\1/p"
}

# The packages a module can be built and run with for a release: image, headers and what they need.
kernel_packages() {
	local release=$1 headers parts

	headers=$(kernel_dependencies "linux-headers-$release" 'linux-(headers|kbuild)-[^ ]+' |
		kernel_host_packages)
	[[ $headers == *-common* && $headers == *kbuild* ]] || return 1
	# From 7.x on the image is in several packages.
	parts=$(kernel_dependencies "linux-image-$release" 'linux-(base|binary|modules)-[0-9][^ ]*')
	# shellcheck disable=SC2046,SC2086
	kernel_candidates "linux-image-$release" "linux-headers-$release" \
		$(grep -v kbuild <<<"$headers") $parts || return 1
	# shellcheck disable=SC2046
	kernel_kbuild "linux-headers-$release" $(grep kbuild <<<"$headers")
}

# The same of a kbuild package: the one that came with the headers, if there is such a one, as
# another Debian's has the name, too. apt-cache succeeds, and prints nothing, for a version that
# Debian no longer has.
kernel_kbuild() {
	local version

	version=$(kernel_candidates "$1" | cut -d' ' -f2)
	if [[ -n $(apt-cache show "$2=$version" 2>/dev/null) ]]; then
		printf '%s %s\n' "$2" "$version"
	else
		kernel_candidates "$2"
	fi
}

# Newest release of a series whose image and headers Debian has in one version. Sets release and
# packages.
kernel_resolve() {
	local series=${1%-rt}

	while read -r release; do
		packages=$(kernel_packages "$release") || continue
		[[ $(grep -v kbuild <<<"$packages" | cut -d' ' -f2 | sort -u | wc -l) == 1 ]] &&
			return 0
	done < <(apt-cache pkgnames "linux-image-$series." |
		sed -nE 's/^linux-image-([0-9.]+(-[0-9]+|\+deb[0-9.]+)-'"$kernel_flavour"')$/\1/p' |
		sort -rV)
	return 1
}

# The series that all Debians together have headers for, oldest first.
kernel_all_series() {
	{
		[[ -n $architecture ]] || echo "$kernel_own_series"
		APT_CONFIG=$archive_apt apt-cache pkgnames linux-headers- |
			sed -nE "s/^linux-headers-([0-9]+\.[0-9]+)\.[0-9].*-$kernel_flavour\$/\1/p"
	} | sort -Vu
}

# Take a series by number, or the newest that is complete. Sets kernel_series.
kernel_choose() {
	local wanted=$1 series packages release

	kernel_series=$wanted
	if [[ $wanted == *-rt ]]; then
		[[ $wanted != newest-rt ]] || misuse "name the series of the PREEMPT_RT kernel"
		[[ -z $architecture ]] || misuse "there are PREEMPT_RT kernels for amd64 only"
		kernel_flavour=rt-amd64 wanted=${wanted%-rt}
	fi
	! kernel_is_own "$wanted" || return 0
	check_tree
	archive_prepare || die "apt does not say where this machine has Debian from"
	while read -r series; do
		[[ $wanted == newest || $wanted == "$series" ]] || continue
		[[ $wanted == newest ]] || return 0
		kernel_series=$series
		! APT_CONFIG=$archive_apt kernel_resolve "$series" || return 0
	done < <(kernel_all_series | sort -rV)
	[[ $wanted != newest ]] || die "no Debian's package lists offer a complete kernel"
	misuse "Debian has image and headers of $(kernel_all_series |
		tr '\n' ' ')but not of $wanted"
}

# The libraries that the programs in a kbuild package need, if this machine's are too old for them.
kernel_libraries() {
	local kbuild=$1 needed libraries library

	needed=$(apt-cache show --no-all-versions "$kbuild" |
		sed -nE '/^Depends: /s/.*libc6 \(>= ([^)]*)\).*/\1/p')
	! dpkg --compare-versions "$(dpkg-query -W -f='${Version}' libc6)" ge "$needed" || return 0
	libraries=$(kernel_dependencies "$kbuild" '(lib|zlib)[^ ]+' | kernel_host_packages)
	{
		printf '%s\n' "$libraries"
		for library in $libraries; do
			kernel_dependencies "$library" '(lib|zlib)[^ ]+' | kernel_host_packages
		done
	} | sort -u
}

# Have each program of a kbuild package run with libraries beside it.
kernel_wrap_programs() {
	local file

	find "$1"/usr/lib/linux-kbuild-* -type f -perm -u+x | while read -r file; do
		[[ $(head -c 4 "$file") == $'\x7fELF' ]] || continue
		mv "$file" "$file.elf"
		cat >"$file" <<-'END'
			#!/bin/sh
			program=$(realpath "$0")
			libraries=${program%/usr/lib/linux-kbuild-*}/libraries
			libraries=$libraries/usr/lib/x86_64-linux-gnu
			exec "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" \
				--argv0 "$program" "$program.elf" "$@"
		END
		chmod 755 "$file"
	done
}

# Make headers of another Debian work where they lie, with this machine's compiler.
kernel_adopt() {
	local headers=$1

	sed -i -E 's/gcc-[0-9]+/gcc/' "$headers/.kernelvariables"
	# What is not so of this compiler, whatever theirs could. Older ones have a way of their own
	# for it.
	sed -i "/^CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=/d
		s/^CONFIG_PAHOLE_VERSION=.*/CONFIG_PAHOLE_VERSION=$(pahole --version 2>/dev/null |
			tr -d v. || echo 0)/" \
		"$headers/include/config/auto.conf"
}

# Unpack a release into a folder, which appears only when complete.
kernel_unpack() {
	local packages=$1 release=$2 target=$3 work=$cache/unpack.$$ libraries headers

	# shellcheck disable=SC2046
	packages_unpack "$work" $(tr ' ' = <<<"$packages") || return 1
	libraries=$(kernel_libraries "$(sed -n 's/^\(linux-kbuild-[^ ]*\) .*/\1/p' <<<"$packages")")
	if [[ -n $libraries ]]; then
		# shellcheck disable=SC2086
		packages_unpack "$work.libraries" $libraries || { rm -rf "$work"; return 1; }
		mv "$work.libraries" "$work/libraries"
		kernel_wrap_programs "$work"
	fi
	# Newer packages have all of it below usr/lib/modules.
	[[ -e $work/lib ]] || ln -s usr/lib "$work/lib"
	if [[ ! -d $work/boot ]]; then
		mkdir "$work/boot"
		ln -s "../lib/modules/$release/vmlinuz" "$work/boot/vmlinuz-$release"
	fi
	headers=$work/usr/src/linux-headers-$release
	# The headers name the common ones and themselves by absolute path.
	sed -i -E 's|^include /usr/src/|include $(dir $(lastword $(MAKEFILE_LIST)))../|
		s|^(KBUILD_OUTPUT)=.*|\1 := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))|' \
		"$headers/Makefile"
	# With it the BTF of modules would be made, which wants pahole.
	rm -f "$headers/vmlinux"
	[[ -z ${APT_CONFIG:-} ]] || kernel_adopt "$headers"
	depmod -b "$work" "$release"
	mkdir -p "$(dirname "$target")"
	mv "$work" "$target"
}

# Find a series with the apt at hand, whose lists a command refreshes, and have it unpacked. Sets
# kernel_dir.
kernel_find() {
	local series=$1 refresh=$2 release= packages= refreshed= newest

	while :; do
		if kernel_resolve "$series"; then
			kernel_dir=$cache/kernel/$release.$(head -n1 <<<"$packages" | cut -d' ' -f2)
			[[ -d $kernel_dir ]] && break
			say "fetching Debian's kernel $release for the VM" \
				"(not installed on this machine)"
			kernel_unpack "$packages" "$release" "$kernel_dir" && break
		fi
		if [[ -z $refreshed ]]; then
			"$refresh" || true
			refreshed=1
			continue
		fi
		newest=$(ls -d "$cache/kernel/${series%-rt}."*[0-9]"-$kernel_flavour."* \
			2>/dev/null | sort -V | tail -n1) || true
		[[ -n $newest ]] ||
			die "Debian's package lists offer no complete linux-image and" \
				"linux-headers $series.*-$kernel_flavour," \
				"or they cannot be downloaded"
		say "cannot fetch a newer kernel; using $(basename "$newest")"
		kernel_dir=$newest
		break
	done
}

stock_kernel_prepare() {
	local series=$1

	if kernel_is_own "$series"; then
		kernel_find "$series" packages_refresh
	else
		local -x APT_CONFIG=$archive_apt
		kernel_find "$series" archive_refresh
	fi
}

# What booting the VM and building the module takes of a kernel's configuration; modules will do.
kernel_tree_options="64BIT MODULES HMM_MIRROR MMU_NOTIFIER BLK_DEV_INITRD
	BINFMT_SCRIPT DEVTMPFS TMPFS SERIAL_8250_CONSOLE VIRTIO_PCI VIRTIO_CONSOLE NET_9P_VIRTIO
	9P_FS OVERLAY_FS MULTIUSER UNIX INET SYSVIPC"

# Take the kernel that is built in a folder: in its source, or apart from it with O=.
kernel_choose_tree() {
	local option missing=

	kernel_tree=$(realpath -e "$1" 2>/dev/null) || misuse "there is no folder $1"
	[[ -s $kernel_tree/include/config/kernel.release && -s $kernel_tree/arch/x86/boot/bzImage &&
		-e $kernel_tree/scripts/mod/modpost ]] ||
		die "no kernel for x86-64 is built in $kernel_tree;" \
			"build bzImage and modules there first"
	for option in $kernel_tree_options; do
		grep -q "^CONFIG_$option=[ym]" "$kernel_tree/.config" || missing+=" CONFIG_$option"
	done
	[[ -z $missing ]] ||
		die "the kernel in $kernel_tree is configured without$missing," \
			"which the VM or the module needs; see tests/vm/kernel/vm.config"
	kernel_series=tree-$(<"$kernel_tree/include/config/kernel.release")
	kernel_series+=-$(cksum <<<"$kernel_tree" | cut -d' ' -f1)
}

# Lay out a built tree as a package is. Its modules are installed if any is built. Sets kernel_dir.
tree_kernel_prepare() {
	local release work=$cache/unpack.$$ key

	release=$(<"$kernel_tree/include/config/kernel.release")
	kernel_dir=$cache/kernel/$kernel_series
	key=$(cd "$kernel_tree" && stat -c '%n %Y %s' arch/x86/boot/bzImage modules.order \
		2>/dev/null) || true
	[[ $(cat "$kernel_dir/key" 2>/dev/null) != "$key" ]] || return 0
	rm -rf "$work" "$kernel_dir"
	mkdir -p "$work/boot" "$work/usr/src" "$work/lib/modules/$release" "$cache/kernel"
	if [[ -s $kernel_tree/modules.order ]]; then
		build_log make -s -C "$kernel_tree" INSTALL_MOD_PATH="$work" INSTALL_MOD_STRIP=1 \
			DEPMOD=true modules_install
		rm -f "$work/lib/modules/$release"/{build,source}
	else
		: >"$work/lib/modules/$release/modules.order"
		cp "$kernel_tree"/modules.builtin* "$work/lib/modules/$release"
	fi
	depmod -b "$work" "$release"
	cp "$kernel_tree/arch/x86/boot/bzImage" "$work/boot/vmlinuz-$release"
	ln -s "$kernel_tree" "$work/usr/src/linux-headers-$release"
	echo "$key" >"$work/key"
	mv -T "$work" "$kernel_dir"
}

kernel_prepare() {
	[[ -z $kernel_tree ]] || set -- tree
	case $1 in
	tree) tree_kernel_prepare ;;
	stock) stock_kernel_prepare "$kernel_series" ;;
	*) debug_kernel_prepare "$1" "$kernel_series" ;;
	esac
	kernel_image=$(echo "$kernel_dir"/boot/vmlinu[xz]-*)
	kernel_release=${kernel_image##*/vmlinu[xz]-}
	kernel_build_dir=$kernel_dir/usr/src/linux-headers-$kernel_release
}
