# SPDX-License-Identifier: GPL-2.0-or-later
# What the suites of clients use (./vm clients), beside what all suites do. Each client lies in
# $XPMEM_CLIENTS/NAME, and the programs of this folder, built for it, in $XPMEM_CLIENTS/programs.

. "$XPMEM_TREE/tests/bats/helpers.bash"

use_client() {
	PATH=$XPMEM_CLIENTS/programs:$XPMEM_CLIENTS/$1/bin:$PATH
	LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$XPMEM_CLIENTS/$1/lib
}

# Pages that the module has mapped for attachers since it was loaded; a huge page counts as all that
# it is made of.
pages_mapped() {
	xpmemctl stats | jq .stats.pages_mapped
}

# Fail if a client, however well it ended, said that something went wrong.
no_complaint() {
	local complaint

	complaint=$(grep -E -e '\b(ERROR|WARN|FATAL|DIAG)\b|[Ff]atal error' \
		-e 'rror stack|[Ff]ailed|Abort' <<<"$output") || return 0
	printf 'complaint:\n%s\n' "$complaint" >&2
	return 1
}

# maps PAGES COMMAND...: run it like run_x; it must have at least so many pages mapped in
# attachments (none: exactly none), leave nothing, and complain of nothing.
maps() {
	local least=$1 before mapped
	shift

	before=$(pages_mapped)
	run_x "$@"
	no_complaint
	mapped=$(($(pages_mapped) - before))
	printf '%d pages mapped\n' "$mapped"
	if [[ $least == none ]]; then
		is "$mapped" 0 "pages mapped"
	else
		is "$((mapped >= least))" 1 "whether $mapped pages mapped are $least or more"
	fi
}
