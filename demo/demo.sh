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

	entry=$(dd if="/proc/$1/pagemap" bs=8 skip=$(($2 / 4096)) count=1 status=none |
		od -An -t x8 | tr -d ' ')
	# Bit 63: present.
	[[ -n $entry ]] && ((0x$entry >> 63 & 1)) || return 1
	echo $((0x$entry & ((1 << 55) - 1)))
}

# Have the kernel move the contents of a page elsewhere, which it refuses to do with a pinned page.
move_page() {
	local what=$1 address=$2 before after

	before=$(physical_page "$exporter" "$address") ||
		fail "the exporter's $what is not in memory"
	printf '%#x' $((before * 4096)) >/sys/devices/system/memory/soft_offline_page ||
		fail "the kernel could not move a shared page of the $what: something pins it"
	after=$(physical_page "$exporter" "$address") || after="none until the next touch"
	[[ $before != "$after" ]] || fail "the page of the $what has not moved"
	echo "the kernel moved a shared page of the $what: physical page $before, now $after"
}

# Test what the administrator's JSON says.
holds() {
	local what=$1 json=$2
	shift 2

	jq -e "$@" <<<"$json" >/dev/null || fail "xpmemctl does not say that $what"
}

await_end() {
	local name=$1 status=0

	wait "$2" || status=$?
	((status == 0)) || fail "the $name ended with status $status"
}

no_objects() {
	xpmemctl info | jq -e '.info | .segments + .permits + .attachments == 0' >/dev/null
}

trap cleanup EXIT
kernel_log_mark demo
chmod 755 "$work"
mkfifo "$work"/{to-exporter,to-attacher,looked}
chown -R "$user:$user" "$work"
pins_before=$(vmstat nr_foll_pin_acquired)

step "Two processes of user $user: one exports its memory, the other attaches it"
echo "the file is $(basename "$file"), $(stat -c %s "$file") bytes"
# Each waits for the other to open the first of its fifos.
(exec_as "$user" exporter "$file" <"$work/to-exporter" >"$work/to-attacher") &
exporter_job=$!
(exec_as "$user" attacher "$work/facts" "$work/looked" >"$work/to-exporter" <"$work/to-attacher") &
attacher_job=$!
until [[ -f $work/facts ]]; do
	kill -0 "$exporter_job" 2>/dev/null && kill -0 "$attacher_job" 2>/dev/null ||
		fail "the exporter or the attacher ended early"
	sleep 0.1
done
# shellcheck source=/dev/null
. "$work/facts"
read -r -a attachments <<<"$attachments"
read -r -a addresses <<<"$addresses"
for pid in "$exporter" "$attacher"; do
	[[ $(status_of "$pid" Uid) == "$user" && $(status_of "$pid" CapEff) =~ ^0+$ ]] ||
		fail "process $pid is privileged"
done

step "A third process, of user $other_user, wants the same segment"
(exec_as "$other_user" stranger "$segment") || fail "another user was not refused"

step "Meanwhile, the administrator looks: xpmemctl --pretty list"
list=$(xpmemctl --pretty list) || fail "xpmemctl list"
echo "$list"
holds "the exporter has the one segment" "$list" --arg id "$segment" --argjson pid "$exporter" \
	--argjson uid "$user" \
	'.segments | length == 1 and (.[0] | .id == $id and .pid == $pid and .uid == $uid and
		.mode == "0600" and .name == "demo")'
holds "the attacher has the one permit" "$list" --arg id "$permit" --arg segment "$segment" \
	--argjson pid "$attacher" \
	'.permits | length == 1 and (.[0] | .id == $id and .segment_id == $segment and
		.pid == $pid and .access == "rdwr")'
holds "there are three attachments" "$list" '.attachments | length == 3'

pages_mapped=0 faults_handled=0
for index in "${!attachments[@]}"; do
	attachment=$(xpmemctl --pretty inspect attachment "${attachments[index]}") ||
		fail "xpmemctl inspect"
	if ((index == ${#attachments[@]} - 1)); then
		step "xpmemctl --pretty inspect attachment ${attachments[index]}" \
			"(buffer, hole, file, hole, memfd)"
		echo "$attachment"
	fi
	holds "attachment ${attachments[index]} is where the attacher has it" "$attachment" \
		--argjson pid "$attacher" \
		--arg permit "$permit" --arg segment "$segment" \
		--arg address "${addresses[index]}" \
		'.attachment | .pid == $pid and .permit_id == $permit and
			.segment_id == $segment and .address == $address'
	pages_mapped=$((pages_mapped + $(jq .attachment.pages_mapped <<<"$attachment")))
	faults_handled=$((faults_handled + $(jq .attachment.faults <<<"$attachment")))
done
((pages_mapped >= bytes / 4096)) || fail "$pages_mapped pages mapped for $bytes bytes"
((faults_handled > 0)) || fail "no page fault was counted"
((page_faults < bytes / 4096)) ||
	fail "$page_faults page faults for $((bytes / 4096)) pages: none was mapped ahead"

step "The kernel may still move what is shared"
move_page heap "$heap"
move_page memfd "$memfd"

# All that pins user pages on purpose counts itself here, and in the process's own count of pinned
# memory.
pinned=$(($(vmstat nr_foll_pin_acquired) - pins_before))
for pid in "$exporter" "$attacher"; do
	pinned=$((pinned + $(status_of "$pid" VmPin)))
done
((pinned == 0)) || fail "$pinned pages were pinned"

step "The last comparison, and the end"
echo "look no more" >"$work/looked"
await_end attacher "$attacher_job"
attacher_job=
await_end exporter "$exporter_job"
exporter_job=
for _ in {1..50}; do
	no_objects && break
	sleep 0.1
done
no_objects || fail "something is left: $(xpmemctl list)"
rmmod xpmem || fail "the module does not unload"
trouble=$(kernel_log_trouble)
[[ -z $trouble ]] || fail "the kernel complained: $trouble"
echo "nothing is left, the module is unloaded, the kernel has not complained"

cat <<END

== What was done
Two processes of an ordinary user shared $bytes bytes: heap, stack, a private buffer, a file and a
memfd. The attacher found every byte by plain loads, and the exporter every byte that the attacher
stored. Holes and freed memory raised SIGBUS, a store to the read-only file SIGSEGV; memory mapped
anew at the same address was seen at once, and pages that the kernel moved were found again. Another
user was refused.

== What was measured
first look at all:   $bytes bytes, $((bytes / 4096)) pages, $page_faults page faults of the attacher
in all, by xpmemctl: $pages_mapped pages mapped, $faults_handled page faults handled
pages pinned:        $pinned
The demo held in every step.
END
