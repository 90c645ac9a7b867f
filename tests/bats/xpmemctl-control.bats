#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# xpmemctl: choosing, trees, figures, revoking, following, and what it says of the machine.

load helpers

schema=$BATS_TEST_DIRNAME/../../tools/xpmemctl/schema.json

setup() {
	holder_pid= monitor_pid=
	max_segments=$(parameter max_segments) mode_mask=$(parameter mode_mask)
}

# Load the module, if a test has left another one, or none.
restore_module() {
	rm -rf /var/lib/dkms/xpmem
	! mountpoint -q "/lib/modules/$(uname -r)" || umount "/lib/modules/$(uname -r)"
	[[ -e $module/parameters/max_segments ]] || rmmod xpmem 2>/dev/null || true
	[[ -d $module ]] || insmod "$XPMEM_MODULE"
}

teardown() {
	local pid

	restore_module
	set_parameter max_segments "$max_segments"
	set_parameter mode_mask "$mode_mask"
	for pid in $holder_pid $monitor_pid; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

of_held() {
	jq -r "$1" <<<"$held"
}

# Follow events into a file from before this returns.
monitor_start() {
	! without_events || skip "this build of the module sends no events"
	(
		# A holder ends when no process has its input open.
		[[ -z ${holder_in:-} ]] || exec {holder_in}>&-
		exec xpmemctl monitor "$@"
	) >"$BATS_TEST_TMPDIR/events" 2>"$BATS_TEST_TMPDIR/monitor-errors" &
	monitor_pid=$!
	within 30 has_joined
}

# Groups that sockets of generic netlink have joined, of which those of the tool are two.
has_joined() {
	awk -v pid="$monitor_pid" '$2 == 16 && $3 == pid && $4 != "00000000" { found = 1 }
		END { exit !found }' /proc/net/netlink ||
		awk '$2 == 16 && $4 != "00000000" { found = 1 }
			END { exit !found }' /proc/net/netlink
}

monitor_stop() {
	kill "$monitor_pid"
	wait "$monitor_pid"
	monitor_pid=
}

events() {
	jq -s -c "$@" "$BATS_TEST_TMPDIR/events"
}

told() {
	(($(events 'length') >= $1))
}

@test "the kernel selects by key and value" {
	local id pid

	holder_start objects "a name" 0640
	id=$(of_held '.segments[0].id') pid=$(of_held '.permits[0].pid')
	run_x xpmemctl list segments name "a name"
	is "$(jq -r '[.segments[].id] | join(" ")' <<<"$output")" "$id"
	run_x xpmemctl list name "a name"
	is "$(jq -c '[keys, [.segments[].id]]' <<<"$output")" \
		"[[\"schema_version\",\"segments\"],[\"$id\"]]"
	run_x xpmemctl list segment_id "$id"
	is "$(jq -c '[(.permits | length), (.attachments | length), .segments]' <<<"$output")" \
		"[1,2,null]"
	run_x xpmemctl list segments name "a nam"
	is "$(jq -c .segments <<<"$output")" "[]"
	run_x xpmemctl list permits segment_id "$id" access rdwr
	is "$(jq -r '[.permits[].id] | join(" ")' <<<"$output")" "$(of_held '.permits[0].id')"
	run_x xpmemctl list permits segment_id "$((id))" access rdonly
	is "$(jq -c .permits <<<"$output")" "[]"
	run_x xpmemctl list attachments pid "$pid"
	is "$(jq '.attachments | length' <<<"$output")" 2
	run_x xpmemctl list attachments uid 4711
	is "$(jq -c .attachments <<<"$output")" "[]"
	run_x xpmemctl list exporters pid "$(of_held '.segments[0].pid')"
	is "$(jq -c '[.exporters[] | .segments]' <<<"$output")" "[2]"
	holder_stop
}

@test "columns are chosen, and sizes are for people" {
	holder_start objects "a name" 0640
	run_x xpmemctl list segments --columns length,id
	is "$(jq -c '.segments[0] | keys_unsorted' <<<"$output")" '["length","id"]'
	run_x xpmemctl -t -H -o name,length list segments name "a name"
	is "$output" $'NAME   LENGTH\na name    16K'
	run_x xpmemctl inspect segment "$(of_held '.segments[0].id')" -o uid,id
	is "$(jq -c '[(.segment, .permits[], .attachments[]) | keys_unsorted]
		| unique' <<<"$output")" '[["uid","id"]]'
	run_x xpmemctl tree -o id,name
	is "$(jq -c '[.tree[] | keys_unsorted, (.children[] | keys_unsorted)]
		| unique' <<<"$output")" '[["id","children"],["id","name","children"]]'
	run_x xpmemctl --table tree -o pid
	is_like "$output" "OBJECT +( )PID"$'\n'"exporter 0x+([0-9a-f]) +( )+([0-9])"$'\n'"*"
	run_x xpmemctl --pretty list segments
	is "$(wc -l <<<"$output")" "$(jq . <<<"$output" | wc -l)" "lines"
	is "$output" "$(jq . <<<"$output")" "indentation"
	holder_stop
}

@test "inspect shows an exporter with all that exists through it" {
	holder_start objects "a name" 0640
	run_x xpmemctl list segments
	run_x xpmemctl inspect exporter "$(jq -r '.segments[0].exporter_id' <<<"$output")"
	is "$(jq -c '[.exporter.segments, (.segments | length), (.permits | length),
		(.attachments | length)]' <<<"$output")" "[2,2,2,2]"
	is "$(jq -r .exporter.pid <<<"$output")" "$(of_held '.segments[0].pid')"
	holder_stop
}

@test "tree puts each object below what it exists through" {
	holder_start objects "a name" 0640
	run_x xpmemctl tree
	is "$(jq -r '[.tree[0].children[] | .id] | sort | join(" ")' <<<"$output")" \
		"$(of_held '[.segments[].id] | sort | join(" ")')"
	is "$(jq -r '[.tree[0].children[] | select(.name == "a name") | .children[].id]
		| join(" ")' <<<"$output")" "$(of_held '.permits[0].id')"
	is "$(jq -r '[.tree[0].children[].children[] | .children[].id]
		| sort | join(" ")' <<<"$output")" \
		"$(of_held '[.attachments[].id] | sort | join(" ")')"
	is "$(jq -c keys <<<"$output")" '["schema_version","tree"]'
	run_x xpmemctl tree pid 1
	is "$(jq -c .tree <<<"$output")" "[]"
	run_x xpmemctl --table tree
	is "$(grep -c '[^ ]attachment 0x' <<<"$output")" 2 "attachments in the drawing"
	is "$(awk '/segment/ { print $3 }' <<<"$output" |
		grep -c "$(of_held '.segments[0].pid')" || true)" 0 "said twice"
	run_x xpmemctl -t tree -n -o all
	is_like "$output" "exporter 0x*"
	holder_stop
}

@test "permits whose segments a user may not see stand beside the tree" {
	set_parameter mode_mask 0777
	holder_start objects "of root" 0666 0 2000
	set_parameter mode_mask 0700
	run_x as_user 2000 xpmemctl tree
	is "$(jq -c '[.tree, .segments]' <<<"$output")" "[[],null]"
	is "$(jq -r '[.permits[].id] | sort | join(" ")' <<<"$output")" \
		"$(of_held '[.permits[].id] | sort | join(" ")')"
	is "$(jq -r '[.permits[].children[].id] | sort | join(" ")' <<<"$output")" \
		"$(of_held '[.attachments[].id] | sort | join(" ")')"
	is "$(jq -r .attachments <<<"$output")" null "attachments beside their permits"
	run_x as_user 2000 xpmemctl --table tree
	is "$(grep -c '^permit 0x' <<<"$output") $(grep -c '^[^ ]\+attachment 0x' <<<"$output")" \
		"2 2" "permits and attachments in the drawing"
	run_x as_user 2001 xpmemctl tree
	is "$(jq -c 'del(.schema_version)' <<<"$output")" '{"tree":[]}'
	holder_stop
}

@test "stats are the administrator's, exporters their owners'" {
	holder_start objects "of a user" 0600 2000
	run_x xpmemctl stats
	is "$(jq -c '.stats | [.exporters, .segments, .permits, .attachments]' <<<"$output")" \
		"[1,2,2,2]"
	run_x 4 as_user 2000 xpmemctl --table stats
	is_like "$output" \
		"xpmemctl: stats: machine-wide statistics require CAP_SYS_ADMIN; *"
	run_x as_user 2000 xpmemctl stats exporters
	is "$(jq -c '[.exporters[] | [.uid, .faults >= 1]]' <<<"$output")" "[[2000,true]]"
	run_x as_user 2001 xpmemctl stats exporters
	is "$(jq -c '.exporters' <<<"$output")" "[]"
	holder_stop
}

@test "stats are watched, with their growth" {
	holder_start objects "a name" 0640
	xpmemctl stats --watch=0.2 --count 3 >"$BATS_TEST_TMPDIR/watched"
	is "$(jq -s length "$BATS_TEST_TMPDIR/watched")" 3 "documents"
	is "$(jq -s -c '[.[] | has("time")]' "$BATS_TEST_TMPDIR/watched")" "[true,true,true]"
	is "$(jq -s -c '[.[].stats | has("rates")]' "$BATS_TEST_TMPDIR/watched")" \
		"[false,true,true]"
	is "$(jq -s -c '.[1].stats.rates.faults' "$BATS_TEST_TMPDIR/watched")" "0"
	run_x xpmemctl --table stats --watch 0.1 --count 2
	is "$(wc -l <<<"$output")" 3 "lines"
	is "$(($(wc -L <<<"$output") <= 80))" 1 "fits in a terminal"
	holder_stop
}

@test "watched tables have time, rates and the chosen columns" {
	holder_start objects "a name" 0640
	run_x xpmemctl -t stats --watch=0.2 --count 3 -o faults,segments
	is "$(xargs <<<"${output%%$'\n'*}")" "TIME FAULTS SEGMENTS" "heading"
	is_like "$(sed -n 2p <<<"$output" | xargs)" \
		"[0-9][0-9]:[0-9][0-9]:[0-9][0-9] +([0-9]) 2" "totals"
	is_like "$(sed -n 3p <<<"$output" | xargs)" \
		"[0-9][0-9]:[0-9][0-9]:[0-9][0-9] 0.0/s 2" "growth"
	run_x xpmemctl -t stats attachments --watch=0.2 --count 2 -o faults,length --sort -length
	is_like "$output" "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]"$'\n'"*LENGTH"$'\n'*[1-9]*16K\
$'\n'*0*8.0K$'\n\n'"[0-9][0-9]:*, growth per second"$'\n'"*LENGTH"\
$'\n'*0.0/s*16K$'\n'*0.0/s*8.0K
	run_x xpmemctl -t stats exporters
	is "$(head -n 1 <<<"$output" | xargs)" \
		"ID PID COMMAND USER FAULTS PAGES_MAPPED RETRIES FAILURES"
	holder_stop
}

@test "top shows what processes do per second" {
	local top_pid

	xpmemctl top -d 6 --count 1 >"$BATS_TEST_TMPDIR/top" &
	top_pid=$!
	sleep 2
	holder_start objects "a name" 0640
	wait "$top_pid"
	is "$(jq -c '[.processes[] | [.pid, .command, .uid, .exported, .attached, .faults > 0]]' \
		"$BATS_TEST_TMPDIR/top")" \
		"[[$(of_held '.attachments[0].pid'),\"objects\",0,null,24576,true],\
[$(of_held '.segments[0].pid'),\"objects\",0,32768,null,false]]"
	is "$(jq 'has("time")' "$BATS_TEST_TMPDIR/top")" true
	run_x xpmemctl -t top -d 0.2 --count 1 --sort -exported
	is_like "$output" "[0-9][0-9]:*2 processes, by exported"$'\n'*PID*COMMAND*$'\n'"*\
$(of_held '.segments[0].pid')*32K"$'\n'*
	holder_stop
}

@test "top on a terminal goes on after signals at any moment" {
	run_x python3 - <<'PYTHON'
import os, pty, select, signal, time
child, terminal = pty.fork()
if not child:
    os.execvp("xpmemctl", ["xpmemctl", "top", "-d", "0.1"])
def read():
    try:
        return os.read(terminal, 65536) if select.select([terminal], [], [], 0)[0] else b""
    except OSError: # the tool has ended
        return b""
while b"q quit" not in read():
    time.sleep(0.01)
for turn in range(1000):
    os.kill(child, signal.SIGWINCH)
    read()
    time.sleep(turn % 10 / 1000)
os.write(terminal, b"q")
ended, status = os.waitpid(child, os.WNOHANG)
while not ended:
    read()
    time.sleep(0.01)
    ended, status = os.waitpid(child, os.WNOHANG)
assert os.waitstatus_to_exitcode(status) == 0
PYTHON
}

@test "top on a terminal leaves its screen before it says why it ends" {
	run_x python3 - "$XPMEM_MODULE" <<'PYTHON'
import os, pty, subprocess, sys
child, terminal = pty.fork()
if not child:
    os.execvp("xpmemctl", ["xpmemctl", "top", "-d", "0.2"])
text = b""
while b"q quit" not in text:
    text += os.read(terminal, 4096)
subprocess.run(["rmmod", "xpmem"], check=True)
try:
    while part := os.read(terminal, 4096):
        text += part
except OSError: # the tool has ended
    pass
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
subprocess.run(["insmod", sys.argv[1]], check=True)
screen, after = text.split(b"\033[?1049l")
assert status == 3, status
# Lines are cut off at the edge of the screen, and wrapped again afterwards.
assert screen.index(b"\033[?7l") < screen.index(b"q quit") < screen.index(b"\033[?7h"), screen
assert b"unloaded" not in screen, screen
assert after == b"xpmemctl: the xpmem module was unloaded; load it with: modprobe xpmem\r\n", after
PYTHON
}

@test "keys of top on a terminal" {
	holder_start objects "a name" 0640
	run_x python3 - <<'PYTHON'
import os, pty, signal, time
child, terminal = pty.fork()
if not child:
    os.execvp("xpmemctl", ["xpmemctl", "top", "-d", "0.2"])
text = b""
def wait_for(what):
    global text
    end = time.monotonic() + 60
    while what not in text:
        assert time.monotonic() < end, text
        text += os.read(terminal, 4096)
wait_for(b"2 processes, by faults")
wait_for(b"q quit")
for key, word in ((b"a", b"by attached"), (b"c", b"by command"), (b"r", b"by retries")):
    os.write(terminal, key)
    wait_for(word)
text = b""
os.write(terminal, b"\x1a")
assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
wait_for(b"\033[?1049l")
text = b""
os.kill(child, signal.SIGCONT)
wait_for(b"\033[?1049h")
wait_for(b"by retries")
os.write(terminal, b"q")
wait_for(b"\033[?1049l")
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
PYTHON
	holder_stop
}

@test "usage sums up users, cgroups and jobs" {
	local group sum

	group=/sys/fs/cgroup/slurm/uid_2000/job_4711
	holder_start objects "of a user" 0600 2000
	set_parameter max_segments 8
	run_x xpmemctl usage users \
		-o user,segments,permits,attachments,exported,attached,pinned,share
	sum='[{"user":"2000","segments":2,"permits":2,"attachments":2,'
	sum+='"exported":32768,"attached":24576,"pinned":0,"share":25}]'
	is "$(jq -c .users <<<"$output")" "$sum"
	run_x xpmemctl usage jobs
	is "$(jq -c .jobs <<<"$output")" "[]"
	mkdir -p "$group/step_0"
	of_held '[.segments[0].pid, .attachments[0].pid] | .[]' | while read -r pid; do
		echo "$pid" >"$group/step_0/cgroup.procs"
	done
	run_x xpmemctl usage
	is "$(jq -c '[.users, .cgroups, .jobs | length]' <<<"$output")" "[1,1,1]"
	is "$(jq -c '.cgroups[0] | [.cgroup, .segments]' <<<"$output")" \
		'["/slurm/uid_2000/job_4711/step_0",2]'
	is "$(jq -c '.jobs[0] | [.job, .uid, .segments, .attached]' <<<"$output")" \
		'["4711",2000,2,24576]'
	run_x xpmemctl -t usage jobs
	is "$(xargs <<<"$output")" "JOB USER SEGMENTS ATTACHMENTS EXPORTED ATTACHED PINNED SHARE \
4711 2000 2 2 32K 24K 0 25.0%"
	holder_stop
	rmdir "$group/step_0" "$group"
}

@test "figures as OpenMetrics" {
	holder_start objects "of a user" 0600 2000
	run_x xpmemctl stats --openmetrics
	is "$(tail -n 1 <<<"$output")" "# EOF"
	is_like "$output" "*"$'\n'"xpmem_segments 2"$'\n'"*"
	is_like "$output" "*"$'\n'"# TYPE xpmem_exporter_faults counter"$'\n'"*\
xpmem_exporter_faults_total{id=\"0x"*"\",uid=\"2000\"} "*
	run_x as_user 2000 xpmemctl stats --openmetrics
	is "$(grep -c '^xpmem_segments ' <<<"$output" || true)" 0 "figures of the machine"
	is "$(grep -c '^xpmem_exporter_faults_total{' <<<"$output")" 1 "exporters"
	holder_stop
}

@test "another's parser takes the OpenMetrics" {
	python3 -c 'import prometheus_client' || skip "python3-prometheus-client is not installed"
	holder_start objects "a name" 0640
	xpmemctl stats --openmetrics >"$BATS_TEST_TMPDIR/metrics"
	run_x python3 - "$BATS_TEST_TMPDIR/metrics" <<'PYTHON'
import sys
from prometheus_client import openmetrics, parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families as new
text = open(sys.argv[1]).read()
families = {family.name: family for family in new(text)}
assert families["xpmem_faults"].type == "counter", families["xpmem_faults"]
assert families["xpmem_segments"].samples[0].value == 2
assert len(list(parser.text_string_to_metric_families(text))) > 10
PYTHON
	holder_stop
}

files_of() {
	(cd "$1" && echo *)
}

# The value of a series in $output.
series() {
	awk -v name="$1" '$1 == name { print $2 }' <<<"$output"
}

# Lines of $output that begin with a text.
lines_of() {
	grep -c "^\($1\)" <<<"$output" || true
}

@test "totals, limits and versions for Prometheus" {
	local faults names abi

	abi=$(xpmemctl info | jq .info.abi_version)
	set_parameter max_segments 8
	holder_start objects "of a user" 0600 2000
	run_x xpmemctl stats --prometheus
	is "$(series xpmem_exporters) $(series xpmem_segments) $(series xpmem_attachments)" "1 2 2"
	is "$(series xpmem_exported_bytes) $(series xpmem_attached_bytes)" "32768 24576"
	is "$(series xpmem_top_user_segments) $(series xpmem_limit_segments)" "2 8"
	is "$(series xpmem_limit_permits)" "$(parameter max_permits)"
	is "$(series xpmem_mode_mask)" "$(($(parameter mode_mask)))"
	names="component=\"module\",version=\"$(<"$module/version")\",abi_version=\"$abi\""
	is "$(series "xpmem_build_info{$names}")" 1
	is "$(lines_of 'xpmem_build_info{component="tool"')" 1
	is "$(grep -c '# EOF' <<<"$output" || true)" 0
	names=$(sed 's/ [^ ]*$//' <<<"$output")
	faults=$(series xpmem_faults_total)
	holder_stop
	holder_start objects --many 300
	run_x xpmemctl stats --prometheus
	is "$(series xpmem_segments)" 300
	is "$(sed 's/ [^ ]*$//' <<<"$output")" "$names" "more objects, the same series"
	holder_stop
	holder_start objects "a name" 0640
	holder_stop
	run_x xpmemctl stats --prometheus
	is "$(series xpmem_segments) $(series xpmem_attached_bytes)" "0 0"
	is "$(series xpmem_top_user_segments)" 0
	is "$(($(series xpmem_faults_total) > faults))" 1 "counters grow, and stay when objects end"
}

@test "series of exporters and users are printed on request, and ordinary users get their own" {
	local address exporter labels

	holder_start objects "of a user" 0600 2000
	exporter=$(xpmemctl list segments | jq -r '.segments[0].exporter_id')
	run_x xpmemctl stats --prometheus
	is "$(lines_of xpmem_user_) $(lines_of xpmem_exporter_)" "0 0"
	run_x xpmemctl stats --prometheus --by user
	is "$(series 'xpmem_user_segments{uid="2000",user="2000"}')" 2
	is "$(series 'xpmem_user_attached_bytes{uid="2000",user="2000"}')" 24576
	is "$(lines_of xpmem_exporter_)" 0
	run_x xpmemctl stats --prometheus --by exporter,user
	labels="id=\"$exporter\",pid=\"$(of_held '.segments[0].pid')\",uid=\"2000\",user=\"2000\""
	is "$(series "xpmem_exporter_segments{$labels}")" 2
	is "$(lines_of xpmem_exporter_faults_total) $(lines_of xpmem_user_segments)" "1 1"
	run_x as_user 2000 xpmemctl stats --prometheus --by exporter,user
	is "$(lines_of xpmem_exporter_faults_total) $(lines_of xpmem_user_segments)" "1 1"
	is "$(lines_of \
		'xpmem_segments\|xpmem_faults_total\|xpmem_attached_bytes\|xpmem_top_user')" 0
	for address in $(xpmemctl list | jq -r '.segments[].address, .attachments[].address'); do
		is "$(grep -c "$address\|$((address))" <<<"$output" || true)" 0 "address $address"
	done
	run_x as_user 2001 xpmemctl stats --prometheus --by exporter,user
	is "$(lines_of xpmem_exporter_faults_total) $(lines_of xpmem_user_segments)" "0 0"
	is "$(lines_of xpmem_limit_segments)" 1
	holder_stop
}

@test "Prometheus' own tool takes the metrics" {
	[[ -n $XPMEM_PROMTOOL ]] || skip "promtool could not be fetched from Debian"
	holder_start objects --many 300
	xpmemctl stats --prometheus --by exporter,user >"$BATS_TEST_TMPDIR/metrics"
	run_x "$XPMEM_PROMTOOL" check metrics <"$BATS_TEST_TMPDIR/metrics"
	is "$output" ""
	holder_stop
}

write_again() {
	local i

	for ((i = 0; i < 15; i++)); do
		xpmemctl stats --prometheus --output "$1" || return
	done
}

@test "a file of metrics is replaced as a whole" {
	local folder=$BATS_TEST_TMPDIR/folder file lines first second

	file=$folder/xpmem.prom
	mkdir "$folder"
	run_x xpmemctl stats --prometheus --output "$file"
	is "$output" ""
	is "$(stat -c %a "$file") $(ls -A "$folder")" "644 xpmem.prom"
	lines=$(wc -l <"$file")
	is "$((lines > 80))" 1 "lines"
	write_again "$file" 3>&- &
	first=$!
	write_again "$file" 3>&- &
	second=$!
	while kill -0 "$first" 2>/dev/null || kill -0 "$second" 2>/dev/null; do
		is "$(wc -l <"$file")" "$lines" "lines of the file"
	done
	wait "$first"
	wait "$second"
	is "$(ls -A "$folder")" xpmem.prom
	run_x xpmemctl stats --openmetrics --output "$file"
	is "$(tail -n 1 "$file")" "# EOF"
}

@test "a failure leaves the old file of metrics" {
	local folder=$BATS_TEST_TMPDIR/small file=$BATS_TEST_TMPDIR/small/xpmem.prom

	mkdir "$folder"
	mount -t tmpfs -o size=16k,mode=755 none "$folder"
	echo old >"$file"
	dd if=/dev/zero of="$folder/filler" bs=4k 2>/dev/null || true
	run_x 1 xpmemctl stats --prometheus --output "$file"
	is "$output" "xpmemctl: cannot write $file: No space left on device"
	is "$(<"$file") $(files_of "$folder")" "old filler xpmem.prom"
	rm "$folder/filler"
	run_x 1 as_user 2000 xpmemctl stats --prometheus --output "$file"
	is "$output" "xpmemctl: cannot write $file: Permission denied"
	run_x 1 xpmemctl stats --prometheus --output "$folder/missing/xpmem.prom"
	is "$output" "xpmemctl: cannot write $folder/missing/xpmem.prom: No such file or directory"
	run_x 1 xpmemctl stats --prometheus --output /dev/full
	is "$output" "xpmemctl: cannot write /dev/full: it is no regular file"
	[[ -c /dev/full ]]
	rmmod xpmem
	run_x 3 xpmemctl stats --prometheus --output "$file"
	is "$(wc -l <<<"$output")" 1
	is "$(<"$file") $(files_of "$folder")" "old xpmem.prom"
	insmod "$XPMEM_MODULE"
	run_x xpmemctl stats --prometheus --output "$file"
	is "$(ls -A "$folder")" xpmem.prom
	umount "$folder"
}

# run_unit UNIT [CAPABILITY]: become what a unit starts, with its capabilities but the one named.
run_unit() {
	local unit=$XPMEM_BUILD/tools/monitoring/$1 bounds line

	bounds=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr '[:upper:] ' '[:lower:],' |
		sed 's/cap_/+/g')
	bounds=-all,$bounds${2:+,-$2}
	line=$(sed -n 's,^ExecStart=[^ ]*/xpmemctl,exec xpmemctl,p' "$unit")
	exec setpriv --bounding-set="$bounds" --inh-caps=-all --no-new-privs sh -c "$line"
}

@test "the rights of the service suffice to write metrics" {
	local file=$BATS_TEST_TMPDIR/folder/xpmem.prom
	export TEXTFILE_DIR=$BATS_TEST_TMPDIR/folder

	holder_start objects "of a user" 0600 2000
	install -d -o 2001 -m 755 "$TEXTFILE_DIR"
	run_x run_unit xpmem-metrics.service
	is "$(grep -c '^xpmem_segments 2$' "$file")" 1
	is "$(grep -c '^xpmem_attached_bytes 24576$' "$file")" 1
	run_x run_unit xpmem-metrics.service sys_admin
	is "$(grep -c '^xpmem_segments ' "$file" || true)" 0 "without CAP_SYS_ADMIN"
	run_x 1 run_unit xpmem-metrics.service dac_override
	holder_stop
}

@test "the rights of the service suffice to log events" {
	! without_events || skip "this build of the module sends no events"
	EVENTS= run_unit xpmem-monitor.service >"$BATS_TEST_TMPDIR/events" 3>&- &
	monitor_pid=$!
	within 30 has_joined
	holder_start objects "of a user" 0600 2000
	within 30 told 6
	is "$(events '[.[] | select(.event == "segment_created")] | length')" 2
	holder_stop
	within 30 told 12
	monitor_stop
}

@test "revoke ends what is one's own" {
	holder_start objects "of a user" 0666 2000
	run_x 5 as_user 2001 xpmemctl revoke permit "$(of_held '.permits[0].id')"
	run_x 5 as_user 2001 xpmemctl revoke segment "$(of_held '.segments[0].id')"
	run_x as_user 2000 xpmemctl revoke permit "$(of_held '.permits[0].id')"
	is "$(jq -c .revoked <<<"$output")" \
		"[{\"kind\":\"permit\",\"id\":\"$(of_held '.permits[0].id')\"}]"
	run_x 5 as_user 2000 xpmemctl revoke permit "$(of_held '.permits[0].id')"
	run_x xpmemctl revoke segment "$(of_held '.segments[0].id')" "$(of_held '.segments[1].id')"
	is "$(jq -c '.revoked | length' <<<"$output")" 2
	run_x xpmemctl list segments
	is "$(jq -c .segments <<<"$output")" "[]"
}

@test "what was revoked before an error is told" {
	holder_start objects "a name" 0666
	run_x '?' bash -c "xpmemctl revoke segment $(of_held '.segments[0].id') 0x1 2>/dev/null"
	is "$status" 5
	is "$(jq -c '[(.revoked | length), .error.status]' <<<"$output")" "[1,5]"
}

@test "monitor tells of all that is made and ends" {
	monitor_start
	holder_start objects "a name" 0640
	holder_stop
	within 30 told 12
	monitor_stop
	is "$(events '[.[] | select(.event == "segment_created") | .segment.id] | sort')" \
		"$(jq -c '[.segments[].id] | sort' <<<"$held")"
	is "$(events '[.[] | select(.event == "attachment_gone") | .attachment.id] | sort')" \
		"$(jq -c '[.attachments[].id] | sort' <<<"$held")"
	is "$(events '[.[] | select(.event | endswith("_gone")) | .reason] | unique')" '["exited"]'
	is "$(events '[.[] | .time | test("^20[0-9-]*T[0-9:]*[.][0-9]{9}Z$")] | unique')" "[true]"
}

@test "monitor selects" {
	monitor_start event segment_created name "a name"
	holder_start objects "a name" 0640
	within 30 told 1
	holder_stop
	monitor_stop
	is "$(events '[.[] | .segment.id]')" "$(jq -c '[.segments[0].id]' <<<"$held")"
}

@test "monitor shows chosen columns, and selects however a value is written" {
	monitor_start -o length,id kind attachment access 1
	holder_start objects "a name" 0640
	holder_stop
	within 30 told 2
	monitor_stop
	is "$(events '[.[] | [.event, (.attachment | keys_unsorted)]] | unique')" \
		'[["attachment_created",["length","id"]],["attachment_gone",["length","id"]]]'
}

@test "monitor begins with what is there, if asked to" {
	local two='"present","present"'

	holder_start objects "a name" 0640
	monitor_start --snapshot
	within 30 told 8
	monitor_stop
	is "$(events '[.[].event]')" \
		"[\"snapshot_begin\",$two,$two,$two,\"snapshot_complete\"]"
	is "$(events '[.[] | select(.segment) | .segment.id] | sort')" \
		"$(jq -c '[.segments[].id] | sort' <<<"$held")"
	holder_stop
}

@test "monitor from a snapshot on ends with the objects that list shows" {
	local i pids=()

	monitor_start --snapshot
	for i in 1 2 3 4; do
		(for _ in 1 2 3 4 5 6; do objects --many 40 </dev/null >/dev/null; done) &
		pids+=($!)
	done
	wait "${pids[@]}"
	holder_start objects "that stays" 0640
	within 60 told $((2 + 4 * 6 * 80 + 6))
	monitor_stop
	is "$(events '[.[] | select(.event == "lost")]')" "[]"
	run_x xpmemctl list
	is "$(events 'reduce .[] as $e ({}; ($e.segment // $e.permit // $e.attachment) as $o |
		if $o == null then . elif ($e.event | endswith("_gone")) then del(.[$o.id])
		else .[$o.id] = true end) | keys')" \
		"$(jq -c '[.segments[].id, .permits[].id, .attachments[].id] | sort' <<<"$output")"
	holder_stop
}

@test "monitor from a snapshot on ends with the objects that list shows, when events were lost" {
	local after fold='reduce .[] as $e ({}; ($e.segment // $e.permit // $e.attachment) as $o |
		if $o == null then . elif ($e.event | endswith("_gone")) then del(.[$o.id])
		else .[$o.id] = true end) | keys'

	monitor_start --snapshot kind segment
	holder_start objects "that goes" 0640
	kill -STOP "$monitor_pid"
	objects --many 20000 </dev/null >/dev/null
	holder_stop
	holder_start objects "that stays" 0640
	kill -CONT "$monitor_pid"
	within 100 grep -q '"lost"' "$BATS_TEST_TMPDIR/events"
	within 60 eval '(($(grep -c snapshot_complete "$BATS_TEST_TMPDIR/events") >= 2))'
	# The monitor reports events after the snapshot as well.
	xpmemctl revoke segment "$(of_held '.segments[1].id')" >/dev/null
	within 30 grep -q '"revoked"' "$BATS_TEST_TMPDIR/events"
	monitor_stop
	run_x xpmemctl list segments
	after=$(tac "$BATS_TEST_TMPDIR/events" | sed '/"snapshot_begin"/q' |
		jq -s -c "reverse | $fold")
	is "$after" "$(jq -c '[.segments[].id] | sort' <<<"$output")"
	is "$(jq '.segments | length' <<<"$output")" 1
	holder_stop
}

@test "monitor says when a permit was refused" {
	monitor_start kind refusal
	run_case events permit-is-refused
	within 30 told 1
	monitor_stop
	is "$(events '.[0] | [.event, .refusal.uid, .refusal.denial,
		(.refusal.segment_id | startswith("0x"))]')" \
		'["permit_refused",2000,"dumpable",true]'
}

@test "monitor says when a limit was hit" {
	monitor_start kind limit
	set_parameter max_segments 10
	run_x '?' as_user 2000 objects --many 20
	within 30 told 1
	monitor_stop
	is "$(events '.[0] | [.event, .limit.kind, .limit.uid, .limit.limit]')" \
		'["limit_hit","segment",2000,10]'
}

@test "monitor says for people of what kind each line is" {
	holder_start objects "a name" 0640
	monitor_start -t --snapshot -o name,access,command
	within 30 eval '(($(wc -l <"$BATS_TEST_TMPDIR/events") >= 8))'
	holder_stop
	within 30 eval '(($(wc -l <"$BATS_TEST_TMPDIR/events") >= 14))'
	monitor_stop
	is "$(cut -d ' ' -f 3,4 "$BATS_TEST_TMPDIR/events" | head -n 8 | uniq -c | xargs)" \
		"1 snapshot_begin 2 present segment 2 present permit 2 present attachment \
1 snapshot_complete"
	is "$(grep -c ' segment_gone segment (exited) name a name access rdwr' \
		"$BATS_TEST_TMPDIR/events")" 1
	is "$(grep -c ' present permit access .* command objects$' "$BATS_TEST_TMPDIR/events")" 2
}

@test "monitor refuses another network namespace" {
	run_x 1 unshare --net xpmemctl -t monitor
	is_like "$output" \
		"xpmemctl: events reach the machine's first network namespace only*nsenter*"
	is "$(wc -l <<<"$output")" 1 "lines on stderr"
	# Process 1 of a container is in its namespace.
	run_x 1 unshare --net --pid --fork --mount-proc xpmemctl -t monitor
	is_like "$output" "xpmemctl: events reach the machine's first network namespace only*"
	is "$(unshare --net --pid --fork --mount-proc xpmemctl doctor |
		jq -r '.findings[] | select(.check == "net_namespace") | .state')" "note"
}

@test "monitor is not for ordinary users" {
	! without_events || skip "this build of the module sends no events"
	run_x 4 as_user 2000 xpmemctl --table monitor
	is "$(wc -l <<<"$output")" 1 "lines on stderr"
}

@test "monitor and doctor say whether there are events" {
	local state

	run_x xpmemctl doctor
	state=$(jq -r '.findings[] | select(.check == "events") | .state' <<<"$output")
	if without_events; then
		is "$state" note
		run_x 1 xpmemctl monitor
		is_like "$output" "*sends no events*"
		is "$(wc -l <<<"$output")" 1 "lines on stderr"
	else
		is "$state" ok
	fi
}

# Start a command, unload the module once the command has printed something, and load it again.
run_unloading() {
	xpmemctl "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
	monitor_pid=$!
	within 30 test -s "$BATS_TEST_TMPDIR/out"
	within 30 rmmod xpmem
	status=0
	wait "$monitor_pid" || status=$?
	monitor_pid=
	insmod "$XPMEM_MODULE"
}

@test "commands that repeat end with the module" {
	local command

	for command in "stats --watch 0.2" "-t stats --watch 0.2" "-t stats exporters --watch 0.2" \
		"top -d 0.2" "-t top -d 0.2"; do
		# shellcheck disable=SC2086
		run_unloading $command
		is "$status" 3 "status of $command"
		is "$(<"$BATS_TEST_TMPDIR/errors")" \
			"xpmemctl: the xpmem module was unloaded; load it with: modprobe xpmem"
	done
	run_unloading stats --watch 0.2
	is "$(tail -n 1 "$BATS_TEST_TMPDIR/out" | jq -c .error.name)" '"no_module"'
}

@test "monitor ends with the module" {
	monitor_start
	rmmod xpmem
	status=0
	wait "$monitor_pid" || status=$?
	monitor_pid=
	insmod "$XPMEM_MODULE"
	is "$status" 3
	is_like "$(cat "$BATS_TEST_TMPDIR/monitor-errors")" "*was unloaded*"
}

@test "monitor whose reader is gone ends" {
	xpmemctl monitor > >(head -n 1 >/dev/null) &
	monitor_pid=$!
	within 30 has_joined
	within 60 ended_amid_events
	status=0
	wait "$monitor_pid" || status=$?
	monitor_pid=
	is "$status" 141 "status, of SIGPIPE"
}

# The reader may go after the last of some events.
ended_amid_events() {
	objects --many 1 </dev/null >/dev/null
	! kill -0 "$monitor_pid" 2>/dev/null
}

@test "doctor finds nothing wrong here" {
	run_x xpmemctl doctor
	is "$(jq -c '[.findings[] | select(.state == "problem")]' <<<"$output")" "[]"
	is "$(jq -c '[.findings[] | select(.check == "module" or .check == "device"
		or .check == "version") | .state]' <<<"$output")" '["ok","ok","ok"]'
}

@test "doctor finds what is wrong" {
	holder_start objects --many 10
	set_parameter max_segments 10
	chmod 600 /dev/xpmem
	run_x '?' as_user 2000 xpmemctl doctor
	chmod 666 /dev/xpmem
	is "$status" 1
	is "$(jq -c '[.findings[] | select(.state == "problem") | .check]' <<<"$output")" \
		'["device"]'
	run_x 1 xpmemctl doctor
	is "$(jq -c '[.findings[] | select(.state == "problem") | .check]' <<<"$output")" \
		'["max_segments"]'
	is_like "$output" "*echo options xpmem max_segments=NUMBER >> /etc/modprobe.d/xpmem.conf*"
	holder_stop
	rmmod xpmem
	run_x '?' xpmemctl doctor
	insmod "$XPMEM_MODULE"
	is "$status" 1
	is "$(jq -c '[.findings[] | select(.state == "problem") | .check]' <<<"$output")" \
		'["module"]'
}

@test "doctor tells administrators of users near a limit" {
	holder_start objects "of a user" 0600 2000
	set_parameter max_segments 2
	run_x xpmemctl doctor
	is "$(jq -r '.findings[] | select(.state == "note" and .check == "max_segments").finding' \
		<<<"$output")" "user 2000 has 2 of the 2 segments that it may have"
	is "$(as_user 2001 xpmemctl doctor | grep -c 'user 2000' || true)" 0 "another's figures"
	holder_stop
}

# The problems that doctor finds.
problems() {
	xpmemctl doctor |
		jq -r '.findings[] | select(.state == "problem") | .check + ": " + .finding'
}

@test "doctor knows why no module is loaded" {
	local modules kept=$BATS_TEST_TMPDIR/modules

	modules=/lib/modules/$(uname -r)
	rmmod xpmem
	mkdir "$kept"
	cp "$modules"/modules.{order,builtin*} "$kept"
	mount -t tmpfs none "$modules"
	cp "$kept"/* "$modules"
	depmod
	is_like "$(problems)" \
		"module: no module xpmem is installed for kernel $(uname -r), nor are the headers *"
	mkdir -p /var/lib/dkms/xpmem
	is_like "$(problems)" \
		"module: no module xpmem is installed for kernel $(uname -r), nor are the headers *"
	# shellcheck disable=SC2016
	is "$(xpmemctl doctor --fix --dry-run)" 'apt-get install linux-headers-$(uname -r) &&'\
' dkms autoinstall && modprobe xpmem'
	rmdir /var/lib/dkms/xpmem
	mkdir "$modules/build"
	is "$(problems)" "module: no module xpmem is installed for kernel $(uname -r)"
	mkdir -p /var/lib/dkms/xpmem
	is "$(problems)" "module: DKMS has xpmem, but no module is installed for kernel $(uname -r)"
	is "$(xpmemctl doctor --fix --dry-run)" "dkms autoinstall && modprobe xpmem"
	mkdir -p "$modules/updates/dkms"
	cp "$XPMEM_MODULE" "$modules/updates/dkms/xpmem.ko"
	depmod
	is "$(problems)" \
		"module: the module is installed ($modules/updates/dkms/xpmem.ko) and not loaded"
	is "$(xpmemctl doctor --fix --dry-run)" "modprobe xpmem"
	run_x bash -c "xpmemctl doctor --fix 2>&1"
	is_like "$output" "modprobe xpmem"$'\n'"*xpmemctl doctor*"
	is "$(problems)" ""
}

@test "doctor finds a different module" {
	rmmod xpmem
	insmod "$XPMEM_BUILD/tests/other_make/xpmem-other.ko"
	is_like "$(problems)" \
		"module: a different module xpmem is loaded (version 2.7-other)*"$'\n'"\
device: /dev/xpmem belongs to a different module*"
	is "$(xpmemctl doctor --fix --dry-run)" "modprobe -r xpmem && modprobe xpmem"
	run_x 3 bash -c "xpmemctl -t list 2>&1"
	is "$output" \
		"xpmemctl: a different xpmem module is loaded; see: xpmemctl doctor --table"
}

# Print the state of doctor's finding about the device, for a user.
device_state() {
	as_user "$1" xpmemctl doctor >"$BATS_TEST_TMPDIR/findings" || true
	jq -r '.findings[] | select(.check == "device") | .state' "$BATS_TEST_TMPDIR/findings"
}

@test "doctor respects a device that belongs to a group" {
	chown root:2000 /dev/xpmem
	chmod 660 /dev/xpmem
	is "$(device_state 2001)" "problem"
	is "$(device_state 2000)" "ok"
	is "$(problems)" ""
	is "$(xpmemctl doctor --fix --dry-run 2>&1)" \
		"xpmemctl: there is no problem to mend"
	# The group of root is no group of users.
	chown root:root /dev/xpmem
	is "$(device_state 2001)" "problem"
	is "$(problems)" "device: /dev/xpmem has mode 0660: not all users may use it"
	chmod 600 /dev/xpmem
	run_x 1 xpmemctl doctor --fix --dry-run
	is "$output" "chmod 666 /dev/xpmem"
	run_x 1 as_user 2000 bash -c "xpmemctl doctor --fix 2>&1"
	is "$(tail -n 1 <<<"$output")" \
		"xpmemctl: 1 problem is left; see: xpmemctl doctor --table"
	run_x 1 xpmemctl doctor --fix --dry-run -j
	is "$(jq -r '.findings[] | select(.state == "problem").command' <<<"$output")" \
		"chmod 666 /dev/xpmem"
	run_x xpmemctl doctor --fix
	is "$(stat -c %a /dev/xpmem) $(problems)" "666 "
}

@test "doctor knows the device controller of a container" {
	run_x '?' without_devices xpmemctl doctor -t
	((status != 77)) || skip "$output"
	is "$status" 1
	is_like "$output" "*problem  device: the device controller of this container does not *\
give the container the device: --device /dev/xpmem*"
	is "$(problems)" ""
}

@test "doctor respects a device that has an access control list" {
	# The list admits user 2000. It has the kernel's form: a version, and then the tag,
	# permissions and id of each entry.
	chmod 600 /dev/xpmem
	run_x python3 - <<'PYTHON'
import os, struct
entries = (1, 6, 2**32 - 1), (2, 6, 2000), (4, 0, 2**32 - 1), (16, 6, 2**32 - 1), (32, 0, 2**32 - 1)
os.setxattr("/dev/xpmem", "system.posix_acl_access",
            struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries))
PYTHON
	is "$(stat -c '%a %g' /dev/xpmem)" "660 0"
	is "$(device_state 2000) $(device_state 2001)" "ok problem"
	is "$(problems)" ""
	run_x python3 -c 'import os; os.removexattr("/dev/xpmem", "system.posix_acl_access")'
	chmod 666 /dev/xpmem
}

@test "doctor ends with a summary and finds namespaces" {
	is_like "$(xpmemctl doctor --table | tail -n 1)" \
		"0 problems, * note*, * checks without a finding"
	is "$(unshare --ipc xpmemctl doctor |
		jq -r '.findings[] | select(.check == "ipc_namespace") | .state')" "note"
	is "$(unshare --net xpmemctl doctor |
		jq -r '.findings[] | select(.check == "net_namespace") | .state')" "note"
	is "$(xpmemctl doctor | jq -c '[.findings[] | select(.check | endswith("namespace"))]')" \
		"[]"
}

# The refusals that doctor finds; a command before it may change the user.
refusals_found() {
	"$@" xpmemctl doctor |
		jq -c '[.findings[] | select(.check == "refusals" or .check == "limits").finding]'
}

@test "doctor finds refusals that are recent, and ordinary users do not" {
	local denials last=', the last less than a minute ago"'

	rmmod xpmem
	insmod "$XPMEM_MODULE"
	is "$(xpmemctl stats | jq -c '.stats | [.last_limit_hit, .last_ptrace_denial]')" \
		"[null,null]"
	is "$(refusals_found)" "[]"
	set_parameter max_segments 1
	as_user 2000 objects --many 10 </dev/null >/dev/null 2>&1 || true
	is "$(refusals_found)" "[\"since it was loaded the module refused 1 object because of a \
user's limit$last]"
	run_case events permit-is-refused
	denials=$(xpmemctl stats | jq .stats.ptrace_denials)
	is "$(refusals_found)" "[\"since it was loaded the module refused $denials permits because \
of the ptrace check$last,\"since it was loaded the module refused 1 object because of a user's \
limit$last]"
	is "$(xpmemctl stats | jq -c '.stats | [.last_limit_hit, .last_ptrace_denial |
		now - . | . >= 0 and . < 60]')" "[true,true]"
	is "$(refusals_found as_user 2000)" "[]"
	run_x 4 as_user 2000 xpmemctl stats
}

@test "completion knows what is there" {
	holder_start objects "a name" 0640
	run_x xpmemctl complete inspect permit 0x
	is "$(sort <<<"$output")" "$(jq -r '.permits[].id' <<<"$held" | sort)"
	run_x xpmemctl complete list attachments segment_id ''
	is "$(sort <<<"$output")" "$(jq -r '.segments[].id' <<<"$held" | sort)"
	run_x xpmemctl complete --pretty revoke segment "$(of_held '.segments[0].id')" ''
	is "$(sort <<<"$output")" "$(jq -r '.segments[].id' <<<"$held" | sort)"
	holder_stop
}

@test "all output is as the schema says" {
	local documents=$BATS_TEST_TMPDIR/documents

	python3 -c 'import jsonschema' || skip "python3-jsonschema is not installed"
	monitor_start --snapshot
	holder_start objects "a name" 0640
	{
		xpmemctl list exporters
		xpmemctl list
		xpmemctl tree
		xpmemctl stats
		xpmemctl stats --watch=0.1 --count 2
		xpmemctl stats attachments --watch=0.1 --count 2
		xpmemctl inspect exporter "$(xpmemctl list exporters | jq -r '.exporters[0].id')"
		xpmemctl doctor || true
		xpmemctl revoke permit "$(of_held '.permits[0].id')"
		xpmemctl revoke permit "$(of_held '.permits[0].id')" 2>/dev/null || true
		xpmemctl nonsense 2>/dev/null || true
		xpmemctl list segments -o id,length
		xpmemctl list -o +command,user --sort user
		xpmemctl tree -o all
		xpmemctl usage
		xpmemctl usage -o +user --sort -share
		xpmemctl top -d 0.1 --count 2
		xpmemctl
	} >"$documents"
	holder_stop
	within 30 told 14
	monitor_stop
	cat "$BATS_TEST_TMPDIR/events" >>"$documents"
	is "$(($(wc -l <"$documents") >= 35))" 1 "documents"
	run_x python3 - "$schema" "$documents" <<'PYTHON'
import json, jsonschema, sys
validator = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
for number, line in enumerate(open(sys.argv[2]), 1):
    for error in validator.iter_errors(json.loads(line)):
        sys.exit(f"document {number}: {error.message}: {line}")
for wrong in ('{"schema_version":1,"event":"segment_lost"}',
              '{"schema_version":1,"tree":[{"children":[{"children":[{"colour":1}]}]}]}',
              '{"schema_version":1,"error":{"status":1}}', '{"schema_version":1}'):
    document = json.loads(wrong)
    if validator.is_valid(document) and wrong.find("event") < 0:
        sys.exit("taken: " + wrong)
PYTHON
}

@test "the sanitizers find nothing in any command" {
	local arguments

	holder_start objects "a name" 0640
	for arguments in "list" "--table list" "list segments name x -o id" "tree" "--table tree" \
		"stats --watch=0.01 --count 2" "--table stats --watch=0.01 --count 2" \
		"stats attachments --watch=0.01 --count 2" "stats --openmetrics" \
		"stats --prometheus --by exporter,user" \
		"stats --prometheus --output $BATS_TEST_TMPDIR/metrics" \
		"inspect segment $(of_held '.segments[0].id')" "info" "-b -t info" \
		"-t list --sort -id" "list -o all --sort user" "" "-t" "list uid=root comm=x" \
		"help" "doctor" "usage" "-t usage -o all" "top -d 0.1 --count 2" \
		"-t top -d 0.1 --count 1 -o all" "-t stats attachments --watch=0.01 --count 2" \
		"schema" "complete inspect permit 0x" "nonsense" "list segments pid x" \
		"revoke permit $(of_held '.permits[0].id') 0x1"; do
		# shellcheck disable=SC2086
		run_x '?' env ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99 \
			xpmemctl-sanitized $arguments
		is "$((status != 99))" 1 "under the sanitizers: xpmemctl $arguments"
	done
	holder_stop
	(export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99 &&
		exec xpmemctl-sanitized monitor --snapshot) >"$BATS_TEST_TMPDIR/events" &
	monitor_pid=$!
	within 60 told 2
	holder_start objects "a name" 0640
	holder_stop
	within 60 told 14
	monitor_stop
}

@test "a closed stdout and a full disk are told of" {
	run_x 1 bash -c 'xpmemctl list >/dev/full'
	is_like "$output" "xpmemctl: cannot write the output: *"
	run_x 1 bash -c 'xpmemctl --table list >&-'
	holder_start objects --many 3000
	run_x 1 bash -c 'xpmemctl list >/dev/full'
	is "$(wc -l <<<"$output")" 1 "lines on stderr"
	holder_stop
}

@test "a reader that goes ends a long list" {
	holder_start objects --many 3000
	run_x bash -c 'set -o pipefail; xpmemctl list | head -c 100 >/dev/null; [[ $? == 141 ]]'
	holder_stop
}

@test "a hundred thousand objects are listed, each once, in the memory that a thousand take" {
	local few many

	holder_start objects --many 1000
	few=$(peak_of xpmemctl list)
	holder_stop
	holder_start objects --many 100000
	many=$(peak_of xpmemctl list)
	is "$(xpmemctl list segments --columns id | tr , '\n' | sort -u | grep -c '"id":"0x')" \
		100000 "ids that are listed"
	is "$(xpmemctl --table list segments --columns id | wc -l)" 100001 "lines"
	holder_stop
	is "$((many < few + 1024))" 1 "$many KiB for 100000 and $few KiB for 1000"
}

# The most memory that a command had, in KiB.
peak_of() {
	python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}
