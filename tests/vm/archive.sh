# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Packages of other Debians than this machine's, through an apt configuration of its own: its lists
# and downloads lie in the cache, and nothing of them is ever installed.

archive_suites="bullseye bookworm bookworm-backports trixie trixie-backports"
archive_security_suites="bullseye-security bookworm-security trixie-security"

# The mirror that this machine has a suite of Debian from.
archive_mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
		"Codename: $1" | head -n1
}

archive_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Lines of a sources.list for all that this machine has from Debian, or what is so of it.
archive_own_sources() {
	apt-get indextargets --format \
		"deb [signed-by=$archive_keyring] "'$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' "$@" | sort -u
}

# Its folder, one for each architecture: apt drops a suite of which it lacks the list of one.
archive_folder() {
	echo "$cache/apt/archive${architecture:+-$architecture_debian}"
}

# Write the configuration. Sets archive_apt, which is for APT_CONFIG.
archive_configure() {
	local folder codename mirror security key=/usr/share/keyrings/debian-archive-keyring.gpg

	folder=$(archive_folder)
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mirror=$(archive_mirror "$codename")
	[[ -n $mirror ]] || return 1
	security=$(archive_mirror "$codename-security")
	mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
	{
		# shellcheck disable=SC2086
		printf "deb [signed-by=$key] $mirror %s main\n" $archive_suites
		# shellcheck disable=SC2086
		[[ -z $security ]] ||
			printf "deb [signed-by=$key] $security %s main\n" $archive_security_suites
	} >"$folder/sources.list"
	: >"$folder/status"
	archive_apt=$folder/apt.conf
	cat >"$archive_apt" <<-END
		Dir::Etc::SourceList "$folder/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::State::Status "$folder/status";
		Dir::State::Lists "$folder/lists";
		Dir::Cache "$folder/cache";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
	END
	[[ -z $architecture ]] || cat >>"$archive_apt" <<-END
		APT::Architecture "$architecture_debian";
		APT::Architectures { "$architecture_debian"; "amd64"; };
	END
}

# A suite that a mirror no longer has leaves the lists of the others good.
archive_refresh() {
	local log=$cache/logs/apt-get.$$

	say "reading the package lists of other Debians"
	if ! APT_CONFIG=$archive_apt LC_ALL=C apt-get -q update >"$log" 2>&1 </dev/null; then
		say "apt-get update said: $(grep -m1 -E '^E:' "$log" || tail -n1 "$log")"
	fi
	rm -f "$log"
	touch "$(archive_folder)/refreshed"
}

# Have the configuration, and lists no older than a day.
archive_prepare() {
	archive_configure || { packages_refresh && archive_configure; } || return 1
	[[ -n $(find "$(archive_folder)/refreshed" -mtime -1 2>/dev/null) ]] || archive_refresh
}
