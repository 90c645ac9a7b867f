# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Prometheus' promtool, for the tests that read XPMEM_PROMTOOL. It is in the package of the server,
# which is unpacked into the cache, as an installed one would run.

# Sets promtool. If there is none to be had it is empty, and what needs it is skipped; in CI it is a
# file that is not there.
promtool_prepare() {
	local work=$cache/unpack.$$

	promtool=$(command -v promtool) && return 0
	promtool=$cache/promtool/promtool
	[[ -x $promtool ]] && return 0
	say "fetching promtool from Debian's prometheus (20 MB)"
	if packages_unpack "$work" prometheus ||
		{ packages_refresh && packages_unpack "$work" prometheus; }; then
		mkdir -p "$cache/promtool"
		mv "$work/usr/bin/promtool" "$promtool" && rm -rf "$work" && return 0
	fi
	rm -rf "$work"
	if [[ -n ${CI:-} ]]; then
		say "cannot fetch promtool; what needs it fails"
	else
		say "cannot fetch promtool; what needs it is left out"
		promtool=
	fi
}
