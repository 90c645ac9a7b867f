# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# ./vm clients: programs of the field that use XPMEM, out of Debian's own source packages. They are
# built with XPMEM switched on against the library as meson installs it, and the suites of
# tests/clients run them.
#
# A client is rebuilt when Debian has another version or its recipe here has changed, not with each
# change of the library: what was built against it once has to go on working with what is built
# later.

clients_dir=$cache/clients

# Tell apt of the sources of the Debian that this machine has. Sets clients_apt.
clients_apt_prepare() {
	local folder=$cache/apt/sources sources

	clients_apt=$folder/apt.conf
	sources=$(. /etc/os-release && apt-get indextargets 'Created-By: Packages' \
		'Origin: Debian' "Codename: $VERSION_CODENAME" \
		--format \
		"deb-src [signed-by=$archive_keyring] "'$(REPO_URI) $(CODENAME) $(COMPONENT)' |
		sort -u)
	[[ -n $sources ]] || return 1
	mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
	echo "$sources" >"$folder/sources.list"
	cat >"$clients_apt" <<-END
		Dir::Etc::SourceList "$folder/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::State::Lists "$folder/lists";
		Dir::Cache "$folder/cache";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
	END
}

clients_refresh() {
	local log=$cache/logs/apt-get.$$

	say "reading Debian's lists of source packages"
	if ! APT_CONFIG=$clients_apt LC_ALL=C apt-get -q update -o APT::Update::Error-Mode=any \
		>"$log" 2>&1 </dev/null; then
		say "apt-get update failed: $(grep -m1 -E '^E:' "$log" ||
			tail -n1 "$log") (all of it in $log)"
		return 1
	fi
	rm -f "$log"
}

# Newest version of a source package.
clients_version() {
	APT_CONFIG=$clients_apt apt-cache showsrc --only-source "$1" 2>/dev/null |
		sed -n 's/^Version: //p' | sort -V | tail -n1 | grep .
}

# Download a source package and unpack it as Debian patches it, to FOLDER/source.
clients_unpack() {
	local client=$1 version=$2 folder=$3 log=$cache/logs/apt-get.$$

	rm -rf "$folder"
	mkdir -p "$folder"
	if ! (cd "$folder" && APT_CONFIG=$clients_apt LC_ALL=C apt-get source -q \
		--only-source "$client=$version") >"$log" 2>&1 </dev/null; then
		say "apt-get source failed: $(grep -m1 -E '^E:' "$log" ||
			tail -n1 "$log") (all of it in $log)"
		return 1
	fi
	rm -f "$log"
	mv "$folder/$client"-*/ "$folder/source"
}

# The recipes: in a client's source, for a prefix. They leave out what has to do with other
# hardware, other languages and files.
clients_options=(--disable-static --disable-dependency-tracking CFLAGS='-O1 -g0' CXXFLAGS='-O1 -g0')

clients_configure_ucx() {
	./autogen.sh &&
		./configure --prefix="$1" "${clients_options[@]}" --with-xpmem --enable-mt \
			--disable-numa --disable-doxygen-doc \
			--without-java --without-go --without-verbs --without-rdmacm \
			--without-fuse3 --without-bfd --without-cuda \
			--without-rocm --without-knem --without-valgrind
}

# It would link what Debian's libfabric.pc names for static links, which is not installed:
# pkg-config is not to find that.
clients_configure_mpich() {
	PKG_CONFIG_LIBDIR=$clients_xpmem_lib/pkgconfig ./configure --prefix="$1" \
		"${clients_options[@]}" --with-xpmem-include="$clients_xpmem/include" \
		--with-xpmem-lib="$clients_xpmem_lib" \
		--with-device=ch4:ofi --with-libfabric=/usr --with-ch4-shmmods=posix,xpmem \
		--with-pm=hydra \
		--with-datatype-engine=dataloop --with-hwloc=no --with-wrapper-dl-type=none \
		--disable-fortran --disable-cxx --disable-romio
}

# Install the library, its headers and pkg-config files where the recipes find them. Sets
# clients_xpmem and clients_xpmem_lib.
clients_install_xpmem() {
	local root=$clients_dir/xpmem

	rm -rf "$root"
	mkdir -p "$root"
	build_log meson install -C "$build_programs" --no-rebuild --destdir "$root"
	clients_xpmem=$root/usr/local
	clients_xpmem_lib=$(dirname "$(find "$clients_xpmem" -name libxpmem.so)")
}

# Build from FOLDER/source; the prefix appears only when complete.
clients_build() {
	local client=$1 folder=$2 prefix=$3 log=$cache/logs/$1.$$

	if ! (
		export PKG_CONFIG_SYSROOT_DIR=$clients_dir/xpmem \
			PKG_CONFIG_PATH=$clients_xpmem_lib/pkgconfig
		cd "$folder/source" &&
			"clients_configure_$client" "$prefix" &&
			nice -n 10 make -j"$(nproc)" &&
			make install DESTDIR="$folder/installed"
	) >"$log" 2>&1 </dev/null; then
		tail -n 40 "$log" >&2
		die "$client could not be built (all of it in $log)"
	fi
	mv "$folder/installed$prefix" "$prefix"
	rm -rf "$folder" "$log"
}

# Make a client, as $clients_dir/NAME.
clients_prepare_one() {
	local client=$1 version= recipe work=$cache/unpack.$$ refreshed= prefix

	recipe=$({ declare -p clients_options; declare -f "clients_configure_$client"; } |
		sha256sum | cut -c1-12)
	while :; do
		if [[ -f ${clients_apt:-} ]] && version=$(clients_version "$client"); then
			prefix=$clients_dir/$client.$version.$recipe
			[[ -d $prefix ]] && break
			say "fetching Debian's source of $client $version," \
				"to build it with XPMEM; this takes minutes"
			if clients_unpack "$client" "$version" "$work"; then
				clients_build "$client" "$work" "$prefix"
				break
			fi
		fi
		if [[ -z $refreshed ]]; then
			{ clients_apt_prepare || { packages_refresh && clients_apt_prepare; }; } &&
				clients_refresh || true
			refreshed=1
			continue
		fi
		prefix=$(find "$clients_dir" -mindepth 1 -maxdepth 1 -name "$client.*.$recipe" |
			sort -V | tail -n1)
		[[ -n $prefix ]] || die "cannot download Debian's source of $client;" \
			"check the network and /etc/apt"
		say "cannot fetch a newer $client; using $(basename "$prefix")"
		break
	done
	ln -sfn "$(basename "$prefix")" "$clients_dir/$client"
}

# The programs of tests/clients, each for every client that it is for.
clients_programs() {
	local client programs=$clients_dir/programs \
		flags=(-std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wshadow -Wmissing-prototypes)

	mkdir -p "$programs"
	for client; do
		case $client in
		ucx)
			build_log gcc "${flags[@]}" -I"$tree/tests/programs" \
				-I"$clients_dir/ucx/include" "$tree/tests/clients/ucx.c" \
				"$build_programs/tests/programs/libharness.a" \
				-L"$clients_dir/ucx/lib" -lucp -lucs -pthread \
				-o "$programs/ucx-cases"
			;;
		mpich)
			build_log "$clients_dir/$client/bin/mpicc" "${flags[@]}" \
				"$tree/tests/clients/mpi.c" \
				-Wl,-rpath-link,"$clients_xpmem_lib" -o "$programs/mpi-with-$client"
			;;
		esac
	done
}

# Make those named, after XPMEM itself has been built.
clients_prepare() {
	local client

	clients_apt=$cache/apt/sources/apt.conf
	clients_install_xpmem
	for client; do
		clients_prepare_one "$client"
	done
	clients_programs "$@"
}

clients_main() {
	local XPMEM_VM_SUITES=$tree/tests/clients

	# A suite is named after its client.
	[[ ${1:-} == --list ]] ||
		clients_wanted=$(suites_select "$XPMEM_VM_SUITES" "$@" |
			sed 's|.*/||; s|\.bats$||' | sort -u) || exit 2
	suites_main "$@"
}
