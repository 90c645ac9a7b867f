#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's own tool for netlink specs, ynl, speaks to the module with abi/netlink.yaml and
# nothing else.

load helpers

spec=$BATS_TEST_DIRNAME/../../abi/netlink.yaml

setup() {
	holder_pid=
	[[ -n $XPMEM_YNL ]] || skip "the ynl tool could not be fetched from Debian"
}

teardown() {
	[[ -z $holder_pid ]] || {
		kill "$holder_pid" 2>/dev/null || true
		wait "$holder_pid" 2>/dev/null || true
	}
}

# The schema is checked once, by itself: that takes as long as all else together.
ynl() {
	/usr/bin/python3 "$XPMEM_YNL/tools/net/ynl/cli.py" --spec "$spec" --no-schema \
		--output-json "$@"
}

# Ynl's names and numbers as xpmemctl shows them.
as_xpmemctl() {
	jq -S '
		def octal: [. / 512, . / 64, . / 8, .] | map(floor % 8 | tostring) | join("");
		def object: with_entries(.key |= gsub("-"; "_"))
			| if has("mode") then .mode |= octal else . end
			| if has("mode_mask") then .mode_mask |= octal else . end
			| if has("features") then .features |= (map(gsub("-"; "_")) | sort)
				else . end;
		if type == "array" then map(object) | sort_by(.id) else object end'
}

@test "the spec is as the kernel's schema says" {
	run_x /usr/bin/python3 "$XPMEM_YNL/tools/net/ynl/cli.py" --spec "$spec" \
		--schema "$XPMEM_YNL/Documentation/netlink/genetlink.yaml" --list-ops
	is_like "$output" "*info-get*segment-get*permit-get*attachment-get*"
}

@test "info-get tells what xpmemctl info tells" {
	holder_start objects "a name" 0640
	run_x ynl --do info-get
	is "$(as_xpmemctl <<<"$output")" \
		"$(xpmemctl info | jq -S '.info | .features |= sort')" "info"
	holder_stop
}

@test "segment-get tells what xpmemctl inspect tells of a segment" {
	local id

	holder_start objects "a name" 0640
	id=$(jq -r '.segments[0].id' <<<"$held")
	run_x ynl --do segment-get --json "{\"id\": $((id))}"
	is "$(as_xpmemctl <<<"$output")" \
		"$(xpmemctl inspect segment "$id" | jq -S .segment)" "segment"
	is "$(jq -c '[.id, .name, .mode, .access, .length]' <<<"$output")" \
		"[\"$id\",\"a name\",$((0640)),\"rdwr\",16384]"
	holder_stop
}

@test "dumps tell what xpmemctl list tells" {
	local kind list

	holder_start objects "a name" 0640
	list=$(xpmemctl list)
	for kind in segment permit attachment; do
		run_x ynl --dump "$kind-get"
		is "$(as_xpmemctl <<<"$output")" \
			"$(jq -S ".${kind}s | sort_by(.id)" <<<"$list")" "${kind}s"
		is "$(jq -c '[.[].id] | sort' <<<"$output")" \
			"$(jq -c "[.${kind}s[].id] | sort" <<<"$held")" "ids of ${kind}s"
	done
	holder_stop
}

@test "a wrong request is told what is wrong with it" {
	run_x 1 ynl --do segment-get
	is_like "$output" "*Invalid argument*the id of the object is missing*"
	run_x 1 ynl --do segment-get --json '{"id": 5}'
	is_like "$output" "*No such file or directory*no such segment*"
}
