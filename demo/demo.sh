#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two processes of one user share memory, another user is refused, the administrator looks on.
# Runs as root in the VM with the module loaded (./vm demo). Exit status 0: every step held.

set -euo pipefail
exec 2>&1
. "$XPMEM_TREE/tests/vm/guest/kernel-log"

user=1000
other_user=2000
file=$(echo "$XPMEM_KERNEL"/boot/vmlinuz-*)
work=$(mktemp -d)
exporter_job= attacher_job=

step() {
	printf '\n== %s\n' "$*"
}

fail() {
	printf 'FAILED: %s\n' "$*"
	exit 1
}

cleanup() {
	local status=$?

	[[ -z $exporter_job ]] || kill -KILL "$exporter_job" 2>/dev/null || true
	[[ -z $attacher_job ]] || kill -KILL "$attacher_job" 2>/dev/null || true
	((status == 0)) || printf '\nThe demo FAILED.\n'
}

# Replace this (sub)shell by a program of an ordinary user.
exec_as() {
	exec setpriv --reuid "$1" --regid "$1" --clear-groups --no-new-privs timeout 100 "${@:2}"
}

# A counter of the kernel.
vmstat() {
	awk -v name="$1" '$1 == name { print $2; found = 1 } END { exit !found }' /proc/vmstat
}

# A line of a process's status, without unit.
status_of() {
	awk -v name="$2:" '$1 == name { print $2; found = 1 } END { exit !found }' "/proc/$1/status"
}

# The number of the physical page that a process has at an address.
physical_page() {
	local entry

	entry=$(od -An -t u8 -j $(($2 / 4096 * 8)) -N 8 "/proc/$1/pagemap" | tr -d ' ')
	entry=$(printf '%x' "$entry")
	((0x$entry >> 63 & 1)) || return 1
	echo $((0x$entry & ((1 << 55) - 1)))
}

# Have the kernel move the contents of a page elsewhere, which it refuses for a pinned page.
move_page() {
	local what=$1 address=$2 before after

	before=$(physical_page "$exporter" "$address") || fail "the exporter's $what page is not in memory"
	printf '%#x' $((before * 4096)) >/sys/devices/system/memory/soft_offline_page ||
		fail "the kernel could not move a shared page of the $what: it is pinned"
	after=$(physical_page "$exporter" "$address") || after=elsewhere
	[[ $before != "$after" ]] || fail "the page of the $what has not moved"
	echo "the kernel moved a page of the $what: physical page $before, now $after"
}

# Test what the administrator's JSON says.
holds() {
	local json=$1
	shift

	jq -e "$@" <<<"$json" >/dev/null || fail "not so in xpmemctl's JSON: ${*: -1}"
}

trap cleanup EXIT
kernel_log_mark demo
chown "$user:$user" "$work"
chmod 755 "$work"
mkfifo "$work/to-exporter" "$work/to-attacher" "$work/looked"
chown "$user:$user" "$work"/*
pins_before=$(vmstat nr_foll_pin_acquired)

step "Two processes of user $user: one exports its memory, one attaches it"
echo "the file is $(basename "$file"), $(stat -c %s "$file") bytes"
(exec_as "$user" exporter "$file" <"$work/to-exporter" >"$work/to-attacher") &
exporter_job=$!
(exec_as "$user" attacher "$work/facts" "$work/looked" >"$work/to-exporter" <"$work/to-attacher") &
attacher_job=$!
until [[ -f $work/facts ]]; do
	kill -0 "$exporter_job" 2>/dev/null && kill -0 "$attacher_job" 2>/dev/null ||
		fail "exporter or attacher ended early"
	sleep 0.1
done
. "$work/facts"
for pid in "$exporter" "$attacher"; do
	[[ $(status_of "$pid" Uid) == "$user" && $(status_of "$pid" CapEff) =~ ^0+$ ]] ||
		fail "process $pid has privileges"
done

step "A third process, of user $other_user, tries to get at the same segment"
(exec_as "$other_user" stranger "$segment") || fail "another user was not refused"
