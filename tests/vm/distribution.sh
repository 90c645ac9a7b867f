# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# ./vm packages: Debian's packages and the RPMs are built as others would, and Debian's are
# installed in a clean Debian 12, used there and in the VM, upgraded and purged.

# The kernel beside the VM's that DKMS builds for.
distribution_other_series=6.12
distribution_ways="xpmem cray-xpmem plain cmake"

# The files that git knows, as they are now, in a folder of the chroot for builds; of the version
# named, if one is.
copy_source() {
	local target=$build_root/build/$1/xpmem-${2:-$version}

	mkdir -p "$target"
	git -C "$tree" -c safe.directory='*' ls-files -z | tar -C "$tree" -c --null -T - |
		tar -C "$target" -x --no-same-owner
	[[ -n ${2:-} ]] || return 0
	sed -i "s/^  version: .*/  version: '$2',/" "$target/meson.build"
	sed -i "s/^\(#define XPMEM_VERSION_PATCH\) .*/\1 ${2##*.}/" "$target/module/xpmem.h"
	sed "1s/(.*)/($2-0upstream1)/" "$tree/debian/changelog" >"$target/debian/changelog"
}

build_debian() {
	# shellcheck disable=SC2086
	chroot_run "$build_root" env -C "/build/$1/xpmem-$2" ${3:-} dpkg-buildpackage -us -uc -b
	ls "$build_root/build/$1/"*.changes
}

lint_debian() {
	chroot_run "$build_root" \
		sh -c "lintian --allow-root --fail-on error,warning /build/first/*.changes"
}

# What a package must have, and no other may.
debian_contents() {
	local package file list=$run_dir/contents owners

	for package in "$build_root"/build/first/*.deb; do
		[[ $package == *-dbgsym_* ]] || dpkg-deb -c "$package" |
			awk -v package="$(basename "${package%%_*}")" \
			'{ sub(/^\./, "", $6); print package, $6 }'
	done >"$list"
	while read -r package file; do
		owners=$(awk -v pattern="^$file\$" '$2 ~ pattern { print $1 }' "$list" | sort -u)
		[[ $owners == "$package" ]] ||
			{ echo "$file must be in $package, and is in: ${owners:-none}"; return 1; }
	done <<-END
		xpmem-dkms	/usr/src/xpmem-$version/dkms.conf
		xpmem-dkms	/usr/src/xpmem-$version/module/Kbuild
		xpmem-dkms	/usr/src/xpmem-$version/module/compat/probes/base.c
		xpmem-dkms	/usr/src/xpmem-$version/uapi/linux/xpmem.h
		xpmem-dkms	/usr/lib/udev/rules.d/60-xpmem.rules
		xpmem-dkms	/usr/lib/modules-load.d/xpmem.conf
		libxpmem0	/usr/lib/x86_64-linux-gnu/libxpmem.so.0
		libxpmem-dev	/usr/lib/x86_64-linux-gnu/libxpmem.so
		libxpmem-dev	/usr/lib/x86_64-linux-gnu/libxpmem.a
		libxpmem-dev	/usr/lib/x86_64-linux-gnu/pkgconfig/(cray-)?xpmem.pc
		libxpmem-dev	/usr/lib/x86_64-linux-gnu/cmake/xpmem/xpmem-config(-version)?.cmake
		libxpmem-dev	/usr/include/(linux/xpmem|xpmem|xpmem_ext).h
		libxpmem-dev	/usr/share/man/man3/xpmem(_make)?.3.gz
		libxpmem-dev	/usr/share/doc/xpmem/examples/(wait|hello/exporter).c
		python3-xpmem	/usr/lib/python3/dist-packages/xpmem/__init__.py
		xpmemctl	/usr/bin/xpmemctl
		xpmemctl	/usr/share/bash-completion/completions/xpmemctl
		xpmemctl	/usr/share/zsh/vendor-completions/_xpmemctl
		xpmemctl	/usr/share/man/man7/xpmem.7.gz
		xpmemctl	/usr/share/man/man8/xpmemctl.*.8.gz
		xpmemctl	/usr/share/doc/xpmem/(tuning|packages|security-model).md
		xpmemctl	/usr/share/doc/xpmem/examples/leak-alarm
		python3-xpmem	/usr/share/doc/xpmem/python.md
		xpmemctl	/usr/share/xpmem/schema.json
		xpmemctl	/usr/share/xpmem/monitoring/(alerts.yaml|dashboard.json)
		xpmemctl	/usr/lib/systemd/system/xpmem-(metrics|monitor).(service|timer)
		xpmembench	/usr/bin/xpmembench
		xpmembench	/usr/share/bash-completion/completions/xpmembench
		xpmembench	/usr/share/zsh/vendor-completions/_xpmembench
		xpmembench	/usr/share/man/man1/xpmembench.1.gz
	END
}

# Its own list of files is compared with what was installed by rpmbuild.
build_rpm() {
	mkdir -p "$build_root/build/rpm/SOURCES"
	tar -C "$build_root/build/first" -c -J \
		-f "$build_root/build/rpm/SOURCES/xpmem-$version.tar.xz" --exclude=debian \
		"xpmem-$version"
	chroot_run "$build_root" rpmspec --parse "/build/first/xpmem-$version/rpm/xpmem.spec"
	chroot_run "$build_root" rpmbuild --nodeps --define "_topdir /build/rpm" \
		-bb "/build/first/xpmem-$version/rpm/xpmem.spec"
}

rpm_packages() {
	local package

	for package in xpmem-dkms libxpmem libxpmem-devel python3-xpmem xpmemctl xpmembench; do
		chroot_run "$build_root" \
			sh -c "rpm -qlp /build/rpm/RPMS/*/$package-$version-*.rpm" >"$run_dir/rpm"
		cat "$run_dir/rpm"
		case $package in
		xpmem-dkms) grep -q "^/usr/src/xpmem-$version/dkms.conf$" "$run_dir/rpm" &&
			grep -q /60-xpmem.rules "$run_dir/rpm" ;;
		libxpmem) grep -q '/libxpmem.so.0$' "$run_dir/rpm" ;;
		libxpmem-devel) grep -q '/cray-xpmem.pc$' "$run_dir/rpm" &&
			grep -q '/xpmem-config.cmake$' "$run_dir/rpm" ;;
		python3-xpmem) grep -q '/site-packages/xpmem/attachment.py$' "$run_dir/rpm" ;;
		xpmemctl)
			grep -q '^/usr/bin/xpmemctl$' "$run_dir/rpm"
			grep -q '/xpmem-metrics.timer$' "$run_dir/rpm"
			;;
		xpmembench) grep -q '^/usr/bin/xpmembench$' "$run_dir/rpm" ;;
		esac
	done
}

# Every file of the chroot, but where apt, dpkg and others keep their records.
list_files() {
	(cd "$root" && find . -xdev \( -path ./proc -o -path ./tmp -o -path ./debs -o \
		-path ./var/log -o -path ./var/cache -o -path ./var/lib/apt \) \
		-prune -o ! -path './var/lib/dpkg/*-old' -printf '%y %p %l\n') | sort
}

install_debian() {
	mkdir -p "$root/debs"
	cp "$build_root/build/$1"/*.deb "$root/debs"
	rm -f "$root/debs"/*-dbgsym_*
	chroot_run "$root" sh -c 'apt-get install -y --no-install-recommends /debs/*.deb'
	rm -r "$root/debs"
	[[ -f $root/usr/lib/udev/rules.d/60-xpmem.rules && -d $root/usr/src/xpmem-$2 &&
		$(find "$root"/usr/src/xpmem-* -maxdepth 0 | wc -l) == 1 ]]
	[[ $(chroot_run "$root" dpkg-query -W -f '${db:Status-Abbrev}${Version}\n' xpmem-dkms \
		libxpmem0 libxpmem-dev python3-xpmem xpmemctl xpmembench | sort -u) == \
		"ii $2-"* ]]
}

# dkms_module RELEASE VERSION: DKMS has made the module of this version for this kernel, and of no
# other. It is compressed as the kernel's own are; leaves it as it is loaded in $run_dir/RELEASE.ko.
dkms_module() {
	local module=$root/lib/modules/$1/updates/dkms/xpmem.ko

	chroot_run "$root" dkms status -k "$1" | tee "$run_dir/dkms"
	[[ $(grep ^xpmem "$run_dir/dkms") == "xpmem/$2, $1, x86_64: installed" ]]
	[[ -f $module ]] && cp "$module" "$run_dir/$1.ko" || xz -dc "$module.xz" >"$run_dir/$1.ko"
	module=$run_dir/$1.ko
	modinfo "$module"
	[[ $(modinfo -F version "$module") == "$2" && $(modinfo -F vermagic "$module") == "$1 "* ]]
}

# As a machine does whose kernel is booted, or whose headers are installed.
dkms_autoinstall() {
	chroot_run "$root" /etc/kernel/header_postinst.d/dkms "$1"
	dkms_module "$1" "$2"
}

# The signature is by the key's holder, and is good: whoever trusts the certificate takes the
# module.
module_is_signed() {
	local module=$run_dir/$1.ko work=$root/tmp/signature size

	[[ $(modinfo -F signer "$module") == "$distribution_signer" ]]
	# What is signed, the signature, 12 bytes of which the last four are its length, and 28 of a
	# mark.
	mkdir -p "$work"
	size=$((16#$(tail -c 32 "$module" | head -c 4 | od -An -tx1 | tr -d ' ')))
	head -c -$((size + 40)) "$module" >"$work/content"
	tail -c $((size + 40)) "$module" | head -c "$size" >"$work/signature"
	chroot_run "$root" openssl x509 -inform DER -in /var/lib/dkms/mok.pub \
		-out /tmp/signature/certificate
	chroot_run "$root" openssl cms -verify -binary -inform DER -in /tmp/signature/signature \
		-content /tmp/signature/content \
		-certfile /tmp/signature/certificate -nointern -noverify -out /dev/null
	# A byte changed is found.
	printf x | dd of="$work/content" bs=1 seek=4096 conv=notrunc status=none
	! chroot_run "$root" openssl cms -verify -binary -inform DER -in /tmp/signature/signature \
		-content /tmp/signature/content \
		-certfile /tmp/signature/certificate -nointern -noverify -out /dev/null
	rm -r "$work"
}

# A key as doc/packages.md has one made, for this test only.
make_signing_key() {
	chroot_run "$root" openssl req -new -x509 -newkey rsa:2048 -nodes -days 36500 \
		-subj "/CN=$distribution_signer/" \
		-addext extendedKeyUsage=codeSigning -keyout /var/lib/dkms/mok.key -outform DER \
		-out /var/lib/dkms/mok.pub
}

build_consumers() {
	chroot_run "$root" /consumer/build-consumers "$1" /consumer
	[[ -x $root/consumer/$1-c && -x $root/consumer/$1-cc ]]
}

purge_debian() {
	chroot_run "$root" apt-get purge -y xpmem-dkms libxpmem0 libxpmem-dev python3-xpmem \
		xpmemctl xpmembench
	list_files >"$run_dir/after"
	(($(wc -l <"$run_dir/before") > 1000))
	diff "$run_dir/before" "$run_dir/after"
}

distribution_main() {
	local build_root root version next release packages other_release host_passed=0 \
		host_failed=0 way command

	check_tree
	remove_leftovers
	lock_take all
	packages_wanted=distribution packages_install
	guest_prepare
	kernel_prepare "$vm_kernel"
	kernel_resolve "$distribution_other_series" ||
		{ packages_refresh && kernel_resolve "$distribution_other_series"; } ||
		die "Debian's package lists offer no complete linux-headers" \
			"$distribution_other_series"
	other_release=$release
	version=$(sed -n "s/^  version: '\(.*\)',/\1/p" "$tree/meson.build")
	next=${version%.*}.$((${version##*.} + 1))
	distribution_signer="XPMEM test key"

	# shellcheck disable=SC2046
	chroot_prepare build build-essential lintian rpm \
		$(sed -n '/^Build-Depends:/,/^[^ ]/s/^ \([a-z0-9-]*\).*/\1/p' \
			"$tree/debian/control" |
			sed 's/^debhelper-compat$/debhelper/; s/^dh-sequence-dkms$/dh-dkms/
				s/^dh-sequence-python3$/dh-python/')
	build_root=$(chroot_open "$chroot_clean" build)
	chroot_prepare use cmake dkms g++ kmod libjson-c5 libnl-3-200 libnl-genl-3-200 \
		libsmartcols1 \
		make openssl pkgconf python3 systemd udev \
		"linux-headers-$kernel_release" "linux-headers-$other_release"
	root=$(chroot_open "$chroot_clean" use)

	# The VM needs no build of this machine.
	build_dir=$cache/chroot/none build_programs=$cache/chroot/none
	mkdir -p "$build_dir"
	run_create
	lock_drop

	copy_source first
	copy_source next "$next"
	expect packages "Debian's packages build where nothing else is installed" build_debian \
		first "$version"
	expect packages "lintian has no error and no warning" lint_debian
	expect packages "each file is in its package" debian_contents
	expect packages "the RPMs build" build_rpm
	expect packages "each RPM has its files" rpm_packages

	make_signing_key >/dev/null 2>&1
	chroot_run "$root" depmod "$kernel_release" >/dev/null 2>&1
	chroot_run "$root" depmod "$other_release" >/dev/null 2>&1
	list_files >"$run_dir/before"
	expect packages "the packages install" install_debian first "$version"
	for release in "$kernel_release" "$other_release"; do
		expect packages "DKMS builds the module for $release" dkms_module "$release" \
			"$version"
		expect packages "the module for $release is signed with the machine owner's key" \
			module_is_signed "$release"
	done
	cp -r "$tree/tests/packages" "$root/consumer"
	for way in $distribution_ways; do
		expect packages "a consumer builds in C and C++ that finds the library by: $way" \
			build_consumers "$way"
	done

	build_module=$root/lib/modules/$kernel_release/updates/dkms/xpmem.ko
	# shellcheck disable=SC2086
	printf -v command '%q ' exec bash "$tree/tests/vm/guest/packages" "$root" "$version" \
		$distribution_ways
	suites_run "${XPMEM_VM_TIMEOUT:-300}" "$command"
	rm -r "$root/consumer"

	expect packages "the next version builds" build_debian next "$next" \
		DEB_BUILD_OPTIONS=nocheck
	expect packages "it upgrades the packages" install_debian next "$next"
	for release in "$kernel_release" "$other_release"; do
		expect packages "DKMS has only its module for $release" dkms_autoinstall \
			"$release" "$next"
	done
	expect packages "purged, the packages leave no file behind" purge_debian

	passed=$((passed + host_passed)) failed=$((failed + host_failed))
	counts_print
}
