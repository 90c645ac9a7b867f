# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debian packages that the build and the VM need.

# The code name of this machine's Debian, or nothing if it is no Debian that all of this works on.
packages_debian=$(. /etc/os-release 2>/dev/null && [[ ${ID:-} == debian ]] &&
	echo "${VERSION_CODENAME:-}") || true
packages_suffix=
case $packages_debian in
bookworm) ;;
# Libraries have other names since times have 64 bits everywhere.
trixie) packages_suffix=t64 ;;
*) packages_debian= ;;
esac

packages_why() {
	cat <<END
gcc			compiles the module, the library and the tools
g++			checks that the headers are good C++
libc6-dev		C library headers
make			drives the kernel's own build of the module
meson			drives the build
pkgconf			finds the libraries below
libelf1$packages_suffix		used by the kernel's build tools
libssl3$packages_suffix		used by the kernel's build tools
libyaml-dev		reads the ABI specs (generator)
libnl-3-dev		netlink (xpmemctl)
libnl-genl-3-dev	generic netlink (xpmemctl)
libjson-c-dev		JSON output (xpmemctl)
libsmartcols-dev	tables (xpmemctl)
libibverbs-dev		RDMA (tests)
ibverbs-providers	drives the RDMA device of the VM
liburing-dev		io_uring (tests)
iproute2		sets up the RDMA device of the VM
kmod			indexes the modules of the VM's kernel, loads ours
procps			stops tests that hang
qemu-system-x86		runs the VM
sparse			checks the module's sources
spin			checks the model of the protocol
bats			runs the test suites
jq			looks into JSON in tests and demo
python3-yaml		reads the netlink spec (the kernel's ynl tool) and alerts (tests)
python3-jsonschema	checks JSON and the netlink spec against schemas (tests)
xz-utils		unpacks sources of kernels
e2fsprogs		makes the disk of the tests
zsh			completes command lines of the tools (tests)
gnuplot-nox		draws pictures for xpmembench (tests)
python3-prometheus-client	reads OpenMetrics of xpmemctl (tests)
systemd			verifies and runs units (tests)
valgrind		watches programs that use attachments (tests)
python3-numpy		reads attachments without a copy (tests)
END
	architecture_packages_why
	case ${packages_wanted:-} in
	analysis) cat <<'END' ;;
clang			has other warnings than gcc
clang-tidy		analyzes what runs in user space
cppcheck		analyzes what runs in user space
shellcheck		checks the shell scripts
END
	distribution) cat <<'END' ;;
mmdebstrap		makes clean Debians that packages are tested in
END
	esac
	[[ -z ${clients_wanted:-} ]] || cat <<'END'
dpkg-dev		unpacks Debian's source packages (clients)
autoconf		makes the configure script of UCX
automake		makes the makefiles of UCX
libtool			links the libraries of UCX
libfabric-dev		the network of MPICH
END
	[[ $vm_kernel == stock ]] || cat <<'END'
bc			used by the kernel's build
bison			used by the kernel's build
flex			used by the kernel's build
libelf-dev		used by the kernel's build
END
}

packages_missing() {
	local package why

	while read -r package why; do
		[[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) \
			== installed ]] ||
			printf '%s\t%s\n' "$package" "$why"
	done < <(packages_why)
}

# Run apt-get as root; on failure say its own first error.
packages_apt() {
	local sudo=() log status=0

	if ((EUID != 0)); then
		command -v sudo >/dev/null ||
			die "missing packages can only be installed by root; run as root:" \
				"apt-get install --no-install-recommends" \
				"$(packages_missing | cut -f1 | tr '\n' ' ')"
		sudo=(sudo)
		[[ -t 0 ]] || sudo+=(-n)
	fi
	log=$cache/logs/apt-get.$$
	flock "$cache/lock-apt" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
		apt-get -q \
		-o DPkg::Lock::Timeout=60 "$@" >"$log" 2>&1 </dev/null || status=$?
	if ((status != 0)); then
		say "apt-get $1 failed: $(grep -m1 -E '^(E:|sudo:)' "$log" ||
			tail -n1 "$log") (all of it in $log)"
		return 1
	fi
	rm -f "$log"
}

packages_refresh() {
	say "reading Debian's package lists"
	packages_apt update
}

# Download packages (NAME or NAME=VERSION) and unpack them into a new folder, without installing
# them.
packages_unpack() {
	local target=$1 deb
	shift

	rm -rf "$target"
	mkdir -p "$target"
	if ! (cd "$target" && LC_ALL=C apt-get download -q -o APT::Sandbox::User=root "$@") \
		>"$cache/logs/apt-get.$$" 2>&1; then
		rm -rf "$target"
		return 1
	fi
	rm -f "$cache/logs/apt-get.$$"
	for deb in "$target"/*.deb; do
		dpkg -x "$deb" "$target" ||
			die "cannot unpack $(basename "$deb"); is the disk full?"
		rm "$deb"
	done
}

packages_install() {
	local missing package why names=()

	[[ -n $packages_debian && $(dpkg --print-architecture) == amd64 ]] ||
		die "this needs Debian 12 or 13 for amd64, for instance in a container or chroot" \
			"with /proc and /dev, and root or sudo"
	missing=$(packages_missing)
	[[ -n $missing ]] || return 0
	say "installing from Debian:"
	while IFS=$'\t' read -r package why; do
		say "  $package - $why"
		names+=("$package")
	done <<<"$missing"
	packages_refresh || true
	packages_apt install -y --no-install-recommends "${names[@]}" ||
		die "packages are missing; install them by hand: ${names[*]}"
}
