# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The kernel's ynl tool and the schema of its specs, for the tests that read XPMEM_YNL, its
# checkpatch and its kernel-doc: out of the linux-source of a newer Debian, as that of Debian 12 has
# no ynl. All of it stays in the cache and is not installed.

ynl_series=6.12

# Fetch a version's source, and keep what of it runs and checks: the folder appears only when
# complete.
ynl_unpack() {
	local version=$1 target=$2 source=linux-source-$ynl_series work=$cache/unpack.$$

	APT_CONFIG=$archive_apt packages_unpack "$work" "$source=$version" || return 1
	tar -x -C "$work" -f "$work/usr/src/$source.tar.xz" \
		"$source/Documentation/netlink/genetlink.yaml" \
		"$source/tools/net/ynl" "$source/scripts/"{checkpatch.pl,const_structs.checkpatch} \
		"$source/scripts/"{kernel-doc,spelling.txt} ||
		die "cannot unpack $source; is the disk full?"
	rm -rf "$target"
	mkdir -p "$(dirname "$target")" && mv "$work/$source" "$target" && rm -rf "$work"
}

# Sets ynl_dir to a folder laid out as the kernel's source. If there is none to be had it is empty,
# and what needs it is skipped; in CI it is a folder that is not there.
ynl_prepare() {
	local version= refreshed=

	ynl_dir=
	archive_prepare || say "apt does not say where this machine has Debian from"
	while [[ -f ${archive_apt:-} ]]; do
		if version=$(APT_CONFIG=$archive_apt kernel_candidates "linux-source-$ynl_series" |
			cut -d' ' -f2) && [[ -n $version ]]; then
			ynl_dir=$cache/ynl/$version
			[[ -f $ynl_dir/scripts/kernel-doc ]] && return 0
			say "fetching the ynl tool from Debian's linux-source $version" \
				"(150 MB, of which 1 is kept)"
			ynl_unpack "$version" "$ynl_dir" && return 0
		fi
		[[ -z $refreshed ]] || break
		archive_refresh
		refreshed=1
	done
	ynl_dir=$(find "$cache/ynl" -mindepth 1 -maxdepth 1 2>/dev/null | sort -V | tail -n1) ||
		true
	if [[ -n $ynl_dir ]]; then
		say "cannot fetch a newer ynl tool; using $(basename "$ynl_dir")"
	elif [[ -n ${CI:-} ]]; then
		say "cannot fetch the ynl tool; what needs it fails"
		ynl_dir=$cache/ynl/missing
	else
		say "cannot fetch the ynl tool; what needs it is left out"
	fi
}
