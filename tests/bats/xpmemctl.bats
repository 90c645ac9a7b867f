#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# xpmemctl prints the objects that programs hold, to users that may see them.

load helpers

schema=$BATS_TEST_DIRNAME/../../tools/xpmemctl/schema.json

# Comparisons leave out the values that no program can know beforehand.
unknowable='.created, .exporter_id, .faults, .pages_mapped, .huge_mappings, .retries, .failures'
without_usage="del(.schema_version, .exporters)
	| map_values(if type == \"array\" then map(del($unknowable)) else . end)"

nothing='{"exporters":[],"segments":[],"permits":[],"attachments":[]}'

# A program does not know the ids of exporters, so its list of objects has none.
normal() {
	jq -S "$without_usage | map_values(if type == \"array\" then sort_by(.id) else . end)"
}

setup() {
	holder_pid=
}

teardown() {
	set_parameter global_ids N
	[[ -z $holder_pid ]] || {
		kill "$holder_pid" 2>/dev/null || true
		wait "$holder_pid" 2>/dev/null || true
	}
}

# Every JSON document on stdin; one interpreter for all, since it is slow to start.
validate() {
	python3 - "$schema" 3<&0 <<'END'
import json, jsonschema, os, sys

validator = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
for number, line in enumerate(os.fdopen(3), 1):
    for error in validator.iter_errors(json.loads(line)):
        sys.exit(f"document {number}: {error.message}")
END
}

@test "list shows all that a program holds, exactly" {
	holder_start objects "a name" 0640
	run_x xpmemctl list
	is "$(normal <<<"$output")" "$(normal <<<"$held")" "list"
	holder_stop
}

@test "list of one kind shows that kind" {
	local kind

	holder_start objects "a name" 0640
	for kind in segments permits attachments; do
		run_x xpmemctl list "$kind"
		is "$(normal <<<"$output")" "$(jq "{$kind}" <<<"$held" | normal)" "$kind"
	done
	holder_stop
}

@test "list is empty when there is nothing" {
	run_x xpmemctl list
	is "$(jq -c 'del(.schema_version)' <<<"$output")" "$nothing"
}

@test "inspect shows an object and who uses it" {
	local id

	holder_start objects "a name" 0640
	id=$(jq -r '.segments[0].id' <<<"$held")
	run_x xpmemctl inspect segment "$id"
	is "$(jq -S ".segment | del($unknowable)" <<<"$output")" \
		"$(jq -S '.segments[0]' <<<"$held")" "segment"
	is "$(jq -S ".permits | map(del($unknowable))" <<<"$output")" \
		"$(jq -S '[.permits[0]]' <<<"$held")" "permits of the segment"
	is "$(normal <<<"$output" | jq .attachments)" \
		"$(normal <<<"$held" | jq .attachments)" "attachments of the segment"
	id=$(jq -r '.permits[1].id' <<<"$held")
	run_x xpmemctl inspect permit "$id"
	is "$(jq -S ".permit | del($unknowable)" <<<"$output")" \
		"$(jq -S '.permits[1]' <<<"$held")" "permit"
	is "$(jq -c .attachments <<<"$output")" "[]"
	id=$(jq -r '.attachments[1].id' <<<"$held")
	run_x xpmemctl inspect attachment "$id"
	is "$(jq -S ".attachment | del($unknowable)" <<<"$output")" \
		"$(jq -S '.attachments[1]' <<<"$held")" "attachment"
	holder_stop
}

@test "inspect takes decimal ids" {
	local id

	holder_start objects "a name" 0640
	id=$(jq -r '.segments[0].id' <<<"$held")
	run_x xpmemctl inspect segment "$((id))"
	is "$(jq -r .segment.id <<<"$output")" "$id"
	holder_stop
}

@test "the usage of an attachment is counted" {
	local id

	holder_start objects "a name" 0640
	id=$(jq -r '.attachments[0].id' <<<"$held")
	run_x xpmemctl inspect attachment "$id"
	is "$(jq '.attachment.faults >= 1 and .attachment.pages_mapped >= 1' <<<"$output")" true
	id=$(jq -r '.attachments[1].id' <<<"$held")
	run_x xpmemctl inspect attachment "$id"
	is "$(jq '.attachment.faults' <<<"$output")" 0
	holder_stop
}

@test "an ordinary user sees its own objects with their addresses" {
	holder_start objects "of a user" 0600 2000
	run_x as_user 2000 xpmemctl list
	is "$(normal <<<"$output")" "$(normal <<<"$held")" "list of the user"
	run_x xpmemctl list
	is "$(normal <<<"$output")" "$(normal <<<"$held")" "list of the administrator"
	holder_stop
}

@test "an ordinary user sees nothing of another's" {
	local kind id

	holder_start objects "of a user" 0666 2000
	run_x as_user 2001 xpmemctl list
	is "$(jq -c 'del(.schema_version)' <<<"$output")" "$nothing"
	for kind in segment permit attachment; do
		id=$(jq -r ".${kind}s[0].id" <<<"$held")
		run_x 5 as_user 2001 xpmemctl inspect "$kind" "$id"
		run_x as_user 2000 xpmemctl inspect "$kind" "$id"
	done
	holder_stop
}

@test "another ipc namespace sees nothing" {
	holder_start objects "of this namespace" 0666
	run_x unshare --ipc xpmemctl list
	is "$(jq -c 'del(.schema_version)' <<<"$output")" "$nothing"
	run_x 5 unshare --ipc xpmemctl inspect segment "$(jq -r '.segments[0].id' <<<"$held")"
	holder_stop
}

@test "with global_ids the administrator sees all namespaces, and a user its own objects" {
	set_parameter global_ids Y
	holder_start objects "of a user" 0666 2000
	run_x unshare --ipc xpmemctl list
	is "$(jq -c '[.segments[].id] | sort' <<<"$output")" \
		"$(jq -c '[.segments[].id] | sort' <<<"$held")"
	run_x as_user 2000 unshare --user --map-root-user --ipc xpmemctl list
	is "$(jq -c '[.segments[].id] | sort' <<<"$output")" \
		"$(jq -c '[.segments[].id] | sort' <<<"$held")"
	run_x as_user 2001 unshare --user --map-root-user --ipc xpmemctl list
	is "$(jq -c 'del(.schema_version)' <<<"$output")" "$nothing"
	run_x 5 as_user 2001 unshare --user --map-root-user --ipc \
		xpmemctl inspect segment "$(jq -r '.segments[0].id' <<<"$held")"
	holder_stop
}

@test "pids are those of the reader's pid namespace" {
	holder_start objects "outside" 0666
	run_x unshare --pid --fork xpmemctl list segments
	is "$(jq -c '[.segments[] | has("pid")]' <<<"$output")" "[false,false]"
	holder_stop
}

@test "info counts the objects, for administrators" {
	run_x xpmemctl info
	is "$(jq -c '.info | [.segments, .permits, .attachments]' <<<"$output")" "[0,0,0]"
	holder_start objects "a name" 0640
	run_x xpmemctl info
	is "$(jq -c '.info | [.segments, .permits, .attachments]' <<<"$output")" "[2,2,2]"
	is "$(jq '.info.faults >= 1 and .info.pages_mapped >= 1' <<<"$output")" true
	holder_stop
	run_x xpmemctl info
	is "$(jq -c '.info | [.segments, .permits, .attachments]' <<<"$output")" "[0,0,0]"
}

@test "info tells an ordinary user what the module is, but no totals" {
	run_x as_user 2000 xpmemctl info
	is "$(jq -c '.info | [has("segments", "permits", "attachments", "faults", "pages_mapped",
		"invalidations")]' <<<"$output")" \
		"[false,false,false,false,false,false]"
	is "$(jq -c '.info | [.abi_version, .page_size, .mode_mask]' <<<"$output")" \
		"[2,$(getconf PAGESIZE),\"0700\"]"
}

@test "info follows mode_mask" {
	local before
	before=$(parameter mode_mask)

	set_parameter mode_mask 0770
	run_x '?' xpmemctl info
	set_parameter mode_mask "$before"
	is "$(jq -r .info.mode_mask <<<"$output")" 0770
}

@test "all output is as the schema says" {
	local documents=$BATS_TEST_TMPDIR/documents

	holder_start objects "a name" 0640
	{
		xpmemctl list
		xpmemctl list segments
		xpmemctl list permits
		xpmemctl list attachments
		xpmemctl info
		as_user 2000 xpmemctl info
		xpmemctl list segments -o all
		xpmemctl
		xpmemctl inspect segment "$(jq -r '.segments[0].id' <<<"$held")"
		xpmemctl inspect permit "$(jq -r '.permits[0].id' <<<"$held")"
		xpmemctl inspect attachment "$(jq -r '.attachments[0].id' <<<"$held")"
	} | jq -c . >"$documents"
	holder_stop
	is "$(wc -l <"$documents")" 11 "documents"
	run_x validate <"$documents"
	run_x 1 validate <<<'{"schema_version":1,"segments":[{"id":5}]}'
}

@test "many objects are listed, each once" {
	holder_start objects --many 3000
	run_x xpmemctl list segments >"$BATS_TEST_TMPDIR/log"
	is "$(jq '.segments | length' <<<"$output")" 3000
	is "$(jq '[.segments[].id] | unique | length' <<<"$output")" 3000
	is "$(jq 'has("interrupted")' <<<"$output")" false
	holder_stop
}

@test "no such object is status 5" {
	run_x 5 xpmemctl inspect segment 0x123456789abcdef
	run_x 5 xpmemctl inspect permit 81985529216486895
	run_x 5 xpmemctl --table inspect attachment 0x1
	is "$(wc -l <<<"$output")" 1 "lines on stderr"
}

@test "an id of another kind is status 5" {
	holder_start objects "a name" 0640
	run_x 5 xpmemctl inspect permit "$(jq -r '.segments[0].id' <<<"$held")"
	run_x 5 xpmemctl inspect attachment "$(jq -r '.permits[0].id' <<<"$held")"
	holder_stop
}

@test "wrong use is status 2, with one line on stderr" {
	local arguments

	for arguments in "nonsense" "list nonsense" "list segments more" "list segments pid" \
		"inspect" "inspect segment" "inspect nonsense 1" "inspect segment x" \
		"inspect segment 0" "inspect segment -1" "inspect segment 1 2" "info more" \
		"--nonsense"; do
		# shellcheck disable=SC2086
		run_x 2 xpmemctl --table $arguments
		is "$(wc -l <<<"$output")" 1 "lines on stderr"
		is_like "$output" "xpmemctl: ?*"
	done
}

@test "help, version and the table for people" {
	run_x xpmemctl --help
	is_like "$output" "*inspect*"
	run_x xpmemctl --version
	is_like "$output" "xpmemctl [0-9]*"
	holder_start objects "a name" 0640
	run_x xpmemctl --table list
	is_like "$output" "*a name*"
	holder_stop
}

# Run a command on a terminal of some width; prints what it prints there.
on_terminal() {
	python3 - "$@" <<'PYTHON'
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if not child:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
text = b""
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    text += part
print(text.decode().replace("\r\n", "\n"), end="")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
PYTHON
}

@test "on a terminal there are tables, elsewhere JSON, and -j and -t choose" {
	holder_start objects "a name" 0640
	run_x on_terminal 80 xpmemctl list segments
	is "$(head -n 1 <<<"$output" | xargs)" \
		"ID PID COMMAND USER NAME MODE LENGTH PERMITS" "default columns"
	is_like "$output" "*"$'\n'"0x* objects root a name 0640    16K       1*"
	is "$(wc -l <<<"$output")" 3 "lines"
	run_x on_terminal 80 xpmemctl list attachments
	is "$(awk 'length > 80' <<<"$output")" "" "lines that are too long"
	run_x on_terminal 80 xpmemctl list exporters
	is "$(head -n 1 <<<"$output" | xargs)" \
		"ID PID COMMAND USER SEGMENTS FAULTS PAGES_MAPPED CREATED"
	is_like "$output" "* [0-2][0-9]:[0-5][0-9]*"
	run_x on_terminal 80 xpmemctl -j list segments
	is "$(jq '.segments | length' <<<"$output")" 2
	run_x xpmemctl -t list segments
	is "$(head -n 1 <<<"$output" | xargs)" "ID PID COMMAND USER NAME MODE LENGTH PERMITS"
	run_x xpmemctl list segments
	is "$(jq '.segments[0] | has("command") or has("user")' <<<"$output")" \
		false "keys that nobody chose"
	holder_stop
}

@test "tables fit the terminal, however long pids and names are" {
	local command width

	sysctl -qw kernel.pid_max=4194304
	echo 4000000 >/proc/sys/kernel/ns_last_pid
	holder_start objects "a name that is as long as some" 0640
	((holder_pid > 4000000))
	for width in 80 40; do
		for command in "" list "list permits" tree usage "stats segments"; do
			# shellcheck disable=SC2086
			run_x on_terminal "$width" env LC_ALL=C xpmemctl $command
			is "$(grep -v '[.,;:] ' <<<"$output" | awk -v w="$width" 'length > w')" "" \
				"lines that are too long"
		done
	done
	run_x on_terminal 40 xpmemctl list permits
	is "$(head -n 1 <<<"$output" | xargs)" "ID SEGMENT_ID"
	run_x on_terminal 40 xpmemctl list permits -o id,segment_id,pinned
	is "$(head -n 1 <<<"$output" | xargs)" "ID SEGMENT_ID PINNED" "chosen columns"
	holder_stop
}

@test "commands and users are shown and selected by" {
	holder_start objects "of a user" 0640 2000
	run_x xpmemctl list segments -o pid,command,user
	is "$(jq -c '.segments | unique' <<<"$output")" \
		"[{\"pid\":$(jq '.segments[0].pid' <<<"$held"),\
\"command\":\"objects\",\"user\":\"2000\"}]"
	run_x xpmemctl list segments comm=objects uid=2000
	is "$(jq '.segments | length' <<<"$output")" 2
	run_x xpmemctl list user=2000 segments -o PID,Command --sort -LENGTH
	is "$(jq -c '.segments | unique' <<<"$output")" \
		"[{\"pid\":$(jq '.segments[0].pid' <<<"$held"),\"command\":\"objects\"}]"
	run_x xpmemctl list segments -o all -o +user -o pid
	is "$(jq -c '[.segments[] | keys] | unique' <<<"$output")" '[["pid"]]' "the last -o"
	run_x xpmemctl stats uid 2000 segments
	is "$(jq '.segments | length' <<<"$output")" 2
	run_x xpmemctl list comm objects
	is "$(jq -c '[.exporters, .segments, .permits, .attachments | length]' <<<"$output")" \
		"[1,2,2,2]"
	run_x xpmemctl list segment comm other
	is "$(jq -c .segments <<<"$output")" "[]"
	run_x xpmemctl list uid=root
	is "$(jq -c .segments <<<"$output")" "[]"
	run_x xpmemctl inspect segments "$(jq -r '.segments[0].id' <<<"$held")" -o +user
	is "$(jq -c '[.segment.user, .segment.length]' <<<"$output")" '["2000",16384]'
	holder_stop
}

@test "pinnable attachments are shown" {
	local supported

	supported=$(xpmemctl info | jq '.info.features | if index("pinnable") then 1 else 0 end')
	holder_start objects "a name" 0640
	run_x xpmemctl list attachments -o access,pinnable
	is "$(jq -c '[.attachments[] | [.access, .pinnable]] | sort' <<<"$output")" \
		"[[\"rdonly\",$supported],[\"rdwr\",0]]"
	run_x xpmemctl -t -n list attachments --sort pinnable -o pinnable
	is "$(xargs <<<"$output")" "0 $supported"
	run_x xpmemctl tree -t -o pinnable
	is "$(head -n 1 <<<"$output" | xargs)" "OBJECT PINNABLE"
	is "$(awk '/attachment/ { print $NF }' <<<"$output" | sort | xargs)" "0 $supported" \
		"column of the tree"
	run_x xpmemctl -t list attachments
	is "$(head -n 1 <<<"$output" | xargs)" \
		"ID SEGMENT_ID PID COMMAND USER ACCESS LENGTH FAULTS" "default columns"
	holder_stop
}

@test "names of processes cannot write to the terminal" {
	local i shown=('esc?[31m' 'new?line' 'c1??31m' 'wrong?' 'snow☃')
	local names=($'esc\e[31m' $'new\nline' $'c1\xc2\x9b31m' $'wrong\xff' 'snow☃')

	for i in "${!names[@]}"; do
		cp "$(command -v objects)" "$BATS_TEST_TMPDIR/${names[i]}"
		holder_start "$BATS_TEST_TMPDIR/${names[i]}" "a name" 0640
		run_x xpmemctl list segments -o command
		is "$(jq -c '.segments | unique' <<<"$output")" "[{\"command\":\"${shown[i]}\"}]"
		run_x xpmemctl list segments comm "${shown[i]}"
		is "$(jq '.segments | length' <<<"$output")" 2
		run_x env LC_ALL=C.UTF-8 xpmemctl -t -n list segments -o command
		is "$output" "${shown[i]}"$'\n'"${shown[i]}"
		holder_stop
	done
}

@test "objects are sorted" {
	local ids

	holder_start objects "a name" 0640
	run_x xpmemctl list segments --sort -address
	ids=$(jq -c '[.segments[].address]' <<<"$output")
	is "$ids" "$(jq -c '[.segments[].address] | sort | reverse' <<<"$held")"
	run_x xpmemctl -t -n list segments --sort address -o address
	is "$output" "$(jq -r '[.segments[].address] | sort | .[]' <<<"$held")" "no headings"
	holder_stop
}

@test "xpmemctl alone gives an overview" {
	holder_start objects "a name" 0640
	run_x xpmemctl
	is "$(jq -c '.overview | [.exporters, .segments, .permits, .attachments, .exported,
		.attached]' <<<"$output")" "[1,2,2,2,32768,24576]"
	is "$(jq -c '[.users[] | [.uid, .segments]]' <<<"$output")" "[[0,2]]"
	run_x on_terminal 80 xpmemctl
	is_like "$output" "module 3.*1 exporter, 2 segments (32K exported), 2 permits (0 pinned), \
2 attachments (24K attached)*root*objects*See also: xpmemctl *help*"
	is "$(($(wc -l <<<"$output") <= 24))" 1 "fits on a screen"
	holder_stop
	run_x xpmemctl
	is "$(jq -c .users <<<"$output")" "[]"
}

@test "without the module it says so with status 3" {
	rmmod xpmem
	run_x '?' xpmemctl --table list
	insmod "$XPMEM_MODULE"
	is "$status" 3
	is "$(wc -l <<<"$output")" 1 "lines on stderr"
	run_x xpmemctl list
}
