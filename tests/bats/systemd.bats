#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# systemd runs the units: with their rights, at their times, and again when the module comes back.
# It is process 1 of a pid namespace, and has no other units than the journal and these.

load helpers

monitoring=$BATS_TEST_DIRNAME/../../tools/monitoring
units=/tmp/xpmem-units
group=/sys/fs/cgroup/xpmem-systemd
folder=/var/lib/prometheus/node-exporter
manager=/lib/systemd/systemd
ours=(xpmem-metrics.timer xpmem-metrics.service xpmem-monitor.service)

# The pid of systemd, as this pid namespace has it.
manager_pid() {
	local pid

	while read -r pid; do
		[[ $(readlink "/proc/$pid/exe") != */systemd ]] || echo "$pid"
	done <"$group/init.scope/cgroup.procs"
}

# Run a command where systemd is.
beside() {
	nsenter --target "$(manager_pid)" --mount --pid "$@"
}

is_running() {
	[[ $(beside systemctl is-system-running) == running ]]
} 2>/dev/null

# Give the units their first state.
reset() {
	beside systemctl stop "${ours[@]}"
	rm -rf "$units"/xpmem-*.d
	beside systemctl daemon-reload
	beside systemctl reset-failed
}

# add UNIT LINE...: what "systemctl edit" would add to its service or timer.
add() {
	local unit=$1
	shift

	mkdir -p "$units/$unit.d"
	printf '%s\n' "$@" >"$units/$unit.d/test.conf"
	beside systemctl daemon-reload
}

setup_file() {
	local name tool

	[[ -x $manager ]] || return 0
	mkdir -p "$units" "$group" "$folder"
	for name in basic paths shutdown slices sockets sysinit timers; do
		cp "/lib/systemd/system/$name.target" "$units"
	done
	cp /lib/systemd/system/systemd-journald{.service,.socket,-dev-log.socket} "$units"
	cp "$XPMEM_BUILD"/tools/monitoring/xpmem-m*.service "$monitoring/xpmem-metrics.timer" \
		"$units"
	printf '[Unit]\nWants=systemd-journald.service\n' >"$units/first.target"
	tool=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$units/xpmem-monitor.service")
	install -D "$XPMEM_BUILD/tools/xpmemctl/xpmemctl" "$tool"
	cat >"$units/begin" <<-END
		echo \$\$ >$group/cgroup.procs
		export container=xpmem SYSTEMD_UNIT_PATH=$units
		unset NOTIFY_SOCKET LD_LIBRARY_PATH
		exec unshare --cgroup --mount --pid --fork --kill-child --mount-proc bash -ec '
			umount /sys/fs/cgroup
			mount -t cgroup2 none /sys/fs/cgroup
			mount -t tmpfs -o mode=755 none /run
			mount -t tmpfs -o mode=755 none /var/log
			exec $manager --system --unit=first.target --log-target=console'
	END
	bash "$units/begin" >"$units/log" 2>&1 </dev/null 3>&- &
	echo $! >"$units/pid"
	within 120 is_running && return
	cat "$units/log"
	return 1
}

teardown_file() {
	[[ -x $manager ]] || return 0
	kill -KILL "$(<"$units/pid")"
	within 20 eval "! grep -q 'populated 1' $group/cgroup.events"
	find "$group" -depth -type d -exec rmdir {} +
	rm -rf "$units" "$folder/xpmem.prom"
}

setup() {
	holder_pid=
	[[ -x $manager ]] || skip "this machine has no systemd"
	reset
	rm -f "$folder/xpmem.prom"
}

teardown() {
	[[ -d $module ]] || insmod "$XPMEM_MODULE"
	[[ -z $holder_pid ]] || kill "$holder_pid" 2>/dev/null || true
}

# Whether a socket of generic netlink has joined a group.
a_socket_listens() {
	awk '$2 == 16 && $4 != "00000000" { found = 1 } END { exit !found }' /proc/net/netlink
}

# Events in the journal, of one kind.
logged() {
	beside journalctl -u xpmem-monitor -o cat --output-fields=MESSAGE | grep '^{' |
		jq -s "map(select(.event == \"$1\")) | length"
}

@test "the timer starts the service, which writes metrics" {
	holder_start objects "of a user" 0600 2000
	add xpmem-metrics.timer '[Timer]' 'OnCalendar=' 'OnCalendar=*:*:0/2' AccuracySec=1s
	run_x beside systemctl start xpmem-metrics.timer
	within 60 test -s "$folder/xpmem.prom"
	is "$(grep -c '^xpmem_segments 2$' "$folder/xpmem.prom")" 1
	is "$(beside systemctl show -P Result xpmem-metrics.service)" success
	holder_stop
}

@test "the service writes into its folder alone, and into another that it is told" {
	chown 2001 "$folder"
	run_x beside systemctl start xpmem-metrics.service
	chown root "$folder"
	is "$(grep -c '^xpmem_segments 0$' "$folder/xpmem.prom")" 1
	mkdir -p /srv/textfile
	add xpmem-metrics.service '[Service]' Environment=TEXTFILE_DIR=/srv/textfile
	run_x 1 beside systemctl start xpmem-metrics.service
	is "$(ls /srv/textfile)" ""
	within 30 eval "beside journalctl -u xpmem-metrics |
		grep -q 'xpmem.prom: Read-only file system'"
	add xpmem-metrics.service '[Service]' Environment=TEXTFILE_DIR=/srv/textfile \
		ReadWritePaths=/srv/textfile
	run_x beside systemctl start xpmem-metrics.service
	is "$(ls /srv/textfile)" xpmem.prom
	rm -rf /srv/textfile
}

@test "events go to the journal" {
	! without_events || skip "this build of the module sends no events"
	run_x beside systemctl start xpmem-monitor.service
	within 30 a_socket_listens
	holder_start objects "of a user" 0600 2000
	within 60 eval '[[ $(logged segment_created) == 2 ]]'
	holder_stop
	within 60 eval '[[ $(logged segment_gone) == 2 ]]'
	add xpmem-monitor.service '[Service]' 'Environment="EVENTS=event permit_refused"'
	run_x beside systemctl restart xpmem-monitor.service
	# systemd calls a simple service started before it runs the command.
	within 30 pgrep -x xpmemctl >/dev/null
	is_like "$(tr '\0' ' ' <"/proc/$(pgrep -x xpmemctl)/cmdline")" "* event permit_refused "
}

@test "the service follows the module" {
	! without_events || skip "this build of the module sends no events"
	add xpmem-monitor.service '[Service]' RestartSec=1s
	rmmod xpmem
	run_x 1 beside systemctl start xpmem-metrics.service
	is "$(beside systemctl show -P ExecMainStatus xpmem-metrics.service)" 3
	run_x beside systemctl start xpmem-monitor.service
	within 60 eval '(($(beside systemctl show -P NRestarts xpmem-monitor.service) > 0))'
	insmod "$XPMEM_MODULE"
	within 60 eval '[[ $(beside systemctl show -P SubState xpmem-monitor.service) == running ]]'
	# systemd calls the service running before the command listens.
	within 60 a_socket_listens
	holder_start objects "of a user" 0600 2000
	within 60 eval '(($(logged segment_created) > 2))'
	holder_stop
}
