# SPDX-License-Identifier: GPL-2.0-or-later
# The VM's kernel: a stock Debian image and the headers that match it, unpacked in the cache,
# or a debug kernel (debug_kernel.sh).
#
# kernel_prepare KERNEL, which is stock or a variant of the debug kernel, sets
#   kernel_release	as uname -r says it in the VM
#   kernel_dir		where image and headers are unpacked
#   kernel_image	what QEMU boots
#   kernel_build_dir	what modules are built against

kernel_series=6.1

# Print "PACKAGE VERSION" of the candidate of each package, or fail if one has none.
kernel_candidates() {
	local package version

	for package; do
		version=$(apt-cache show --no-all-versions "$package" 2>/dev/null | sed -n 's/^Version: //p' | head -n1)
		[[ -n $version ]] || return 1
		printf '%s %s\n' "$package" "$version"
	done
}

# The packages a module can be built and run with for a release: image, headers and what headers need.
kernel_packages() {
	local release=$1 headers

	headers=$(apt-cache show --no-all-versions "linux-headers-$release" 2>/dev/null |
		sed -n 's/^Depends: //p' | tr ',' '\n' | sed -nE 's/^ *(linux-(headers|kbuild)-[^ ]+).*/\1/p')
	[[ $headers == *-common* && $headers == *kbuild* ]] || return 1
	# shellcheck disable=SC2086
	kernel_candidates "linux-image-$release" "linux-headers-$release" $headers
}

# Newest release of a series whose image and headers Debian has in one version. Sets release and packages.
kernel_resolve() {
	local series=$1

	while read -r release; do
		packages=$(kernel_packages "$release") || continue
		[[ $(grep -v kbuild <<<"$packages" | cut -d' ' -f2 | sort -u | wc -l) == 1 ]] && return 0
	done < <(apt-cache pkgnames "linux-image-$series." |
		sed -nE 's/^linux-image-([0-9.]+(-[0-9]+|\+deb[0-9]+)-amd64)$/\1/p' | sort -rV)
	return 1
}

# Unpack a release into a folder, which appears only when complete.
kernel_unpack() {
	local packages=$1 release=$2 target=$3 work=$cache/unpack.$$

	packages_unpack "$work" $(tr ' ' = <<<"$packages") || return 1
	# The headers name the common ones by absolute path.
	sed -i -E 's|^include /usr/src/|include $(dir $(lastword $(MAKEFILE_LIST)))../|' \
		"$work/usr/src/linux-headers-$release/Makefile"
	depmod -b "$work" "$release"
	mkdir -p "$(dirname "$target")"
	mv "$work" "$target"
}

stock_kernel_prepare() {
	local series=$1 release= packages= refreshed= newest

	while :; do
		if kernel_resolve "$series"; then
			kernel_dir=$cache/kernel/$release.$(head -n1 <<<"$packages" | cut -d' ' -f2)
			[[ -d $kernel_dir ]] && break
			say "fetching Debian's kernel $release for the VM (not installed on this machine)"
			kernel_unpack "$packages" "$release" "$kernel_dir" && break
		fi
		if [[ -z $refreshed ]]; then
			packages_refresh || true
			refreshed=1
			continue
		fi
		newest=$(ls -d "$cache/kernel/$series."* 2>/dev/null | sort -V | tail -n1) || true
		[[ -n $newest ]] ||
			die "Debian's package lists offer no complete linux-image and linux-headers $series.*-amd64, or they cannot be downloaded"
		say "cannot fetch a newer kernel; using $(basename "$newest")"
		kernel_dir=$newest
		break
	done
}

kernel_prepare() {
	case $1 in
	stock) stock_kernel_prepare "$kernel_series" ;;
	*) debug_kernel_prepare "$1" "$kernel_series" ;;
	esac
	kernel_image=$(echo "$kernel_dir"/boot/vmlinuz-*)
	kernel_release=${kernel_image##*/vmlinuz-}
	kernel_build_dir=$kernel_dir/usr/src/linux-headers-$kernel_release
}
