# SPDX-License-Identifier: GPL-2.0-or-later
# Functions for all suites. The suites run as root in the VM (./vm test), with the module loaded and
# the programs of tests/programs and xpmemctl on PATH.

module=/sys/module/xpmem
. "${BASH_SOURCE[0]%/*}/cases.bash"

# The process of bats that runs a file loads this before anything else. The runner then looks at
# what the suite before left behind, and says when this one may begin.
if [[ -n ${XPMEM_SUITE_BEGINS:-} && -n ${BATS_FILE_TMPDIR:-} &&
	-z ${BATS_SUITE_TEST_NUMBER:-} ]]; then
	echo "suite begins $BATS_TEST_FILENAME" >&3
	read -r _ <"$XPMEM_SUITE_BEGINS"
fi

# Print "expected ... but ..." and fail unless two texts are the same.
is() {
	local actual=$1 expected=$2 what=${3:-value}

	[[ $actual == "$expected" ]] && return 0
	printf '%s\n  is:       %q\n  expected: %q\n' "$what" "$actual" "$expected" >&2
	return 1
}

# The same, where the expected text is a pattern of [[ == ]].
is_like() {
	local actual=$1 pattern=$2 what=${3:-value}

	# shellcheck disable=SC2053
	[[ $actual == $pattern ]] && return 0
	printf '%s\n  is:             %q\n  expected like:  %s\n' "$what" "$actual" "$pattern" >&2
	return 1
}

# Fail if a command succeeds. A plain "! command" never fails a test.
fails() {
	! "$@" 2>/dev/null
}

# run_x [STATUS|?] COMMAND...: run it and log the command, its output and its status. Fails unless
# the status is the one given (0 if none; ? for any). Sets output (stdout and stderr) and status.
run_x() {
	local expected=0

	if [[ $1 == '?' || $1 =~ ^[0-9]+$ ]]; then
		expected=$1
		shift
	fi
	printf '# %s\n' "$*"
	status=0
	output=$("$@" 2>&1) || status=$?
	[[ -z $output ]] || printf '%s\n' "$output"
	((status == 0)) || printf '[status %d]\n' "$status"
	[[ $expected == '?' || $status == "$expected" ]] && return 0
	printf 'status of: %s\n  is:       %d\n  expected: %d\n' "$*" "$status" "$expected" >&2
	return 1
}

# run_case PROGRAM CASE: one case of PROGRAM-cases, for a test that prepares something for it; its
# status 77 skips the test with what it said. run_cases leaves this case out.
run_case() {
	run_x '?' "$1-cases" "$2"
	case $status in
	0) return 0 ;;
	77) skip "$output" ;;
	*) return 1 ;;
	esac
}

# Whether the module is built to send no events (XPMEM_VM_MODULE=no-events ./vm test).
without_events() {
	[[ $XPMEM_MODULE == */module-no-events/* ]]
}

# Run a command as an ordinary user and group without any privilege.
as_user() {
	local user=$1
	shift

	setpriv --reuid="$user" --regid="$user" --clear-groups --inh-caps=-all \
		--bounding-set=-all "$@"
}

parameter() {
	cat "$module/parameters/$1"
}

set_parameter() {
	echo "$2" >"$module/parameters/$1"
}

# Wait until a command succeeds, for at most so many seconds.
within() {
	local seconds=$1 end
	shift

	end=$((SECONDS + seconds))
	until "$@"; do
		if ((SECONDS >= end)); then
			echo "not within $seconds seconds: $*" >&2
			return 1
		fi
		sleep 0.1
	done
}

# A file system on a block device, where written pages reach a disk and O_DIRECT works; sets
# XPMEM_TEST_DISK.
disk_mount() {
	export XPMEM_TEST_DISK=/tmp/xpmem-test-disk

	mkdir -p "$XPMEM_TEST_DISK"
	modprobe loop
	truncate -s 32M "$XPMEM_TEST_DISK.image"
	mkfs.ext4 -q -F -O ^has_journal "$XPMEM_TEST_DISK.image"
	mount -o loop "$XPMEM_TEST_DISK.image" "$XPMEM_TEST_DISK"
	chmod 1777 "$XPMEM_TEST_DISK"
}

disk_unmount() {
	umount "$XPMEM_TEST_DISK"
	rm -f "$XPMEM_TEST_DISK.image"
}

# A file system on memory that the VM sets aside, which maps files without a page cache; sets
# XPMEM_TEST_DAX. Fails without such memory or a driver of it, and prints the reason.
dax_mount() {
	export XPMEM_TEST_DAX=/tmp/xpmem-test-dax

	[[ $(</proc/cmdline) =~ memmap=[0-9]+M! ]] || { echo "no memory is set aside"; return 1; }
	modprobe -qa nd_e820 nd_pmem || { echo "this kernel has no driver of pmem"; return 1; }
	within 20 test -b /dev/pmem0 || return 1
	mkdir -p "$XPMEM_TEST_DAX"
	mkfs.ext4 -q -F -b 4096 -E stride=512,stripe_width=512 -O ^has_journal /dev/pmem0
	mount -o dax /dev/pmem0 "$XPMEM_TEST_DAX" || return 1
	chmod 1777 "$XPMEM_TEST_DAX"
}

dax_unmount() {
	! mountpoint -q "$XPMEM_TEST_DAX" || umount "$XPMEM_TEST_DAX"
	modprobe -qr nd_pmem nd_e820 || true
}

# Load the driver of the tests that imports dma-bufs and pins memory. Fails where the kernel has no
# dma-bufs, and prints the reason.
importer_load() {
	insmod "$XPMEM_BUILD/tests/importer/xpmem-importer.ko" ||
		{ echo "this kernel has no dma-bufs"; return 1; }
}

# Unload it, if it was loaded.
importer_unload() {
	rmmod xpmem-importer 2>/dev/null || true
}

# Add compressed memory as swap, of this size.
swap_add() {
	modprobe zram
	echo "$1" >/sys/block/zram0/disksize
	mkswap /dev/zram0
	swapon /dev/zram0
}

# Remove it, if it was added.
swap_remove() {
	grep -q ^/dev/zram0 /proc/swaps || return 0
	swapoff /dev/zram0
	echo 1 >/sys/block/zram0/reset
}

# Start a program in the background that holds something until holder_stop; waits for its first
# line, in $held.
holder_start() {
	local directory

	directory=$(mktemp -d "$BATS_TEST_TMPDIR/holder.XXXXXX")
	chmod 755 "$directory"
	mkfifo "$directory/in" "$directory/out"
	"$@" <"$directory/in" >"$directory/out" 3>&- &
	holder_pid=$!
	exec {holder_in}>"$directory/in" {holder_out}<"$directory/out"
	read -r -t 60 held <&"$holder_out" || {
		echo "said nothing: $*" >&2
		return 1
	}
}

holder_stop() {
	exec {holder_in}>&- {holder_out}<&-
	wait "$holder_pid"
}

# Run a command in a control group whose device controller denies every device, as that of a
# container denies those that it was not given. Status 77, with the reason, if there is none.
without_devices() {
	local group=/sys/fs/cgroup/xpmem-without-devices status=0

	mkdir "$group"
	python3 - "$group" "$@" <<'PYTHON' || status=$?
import ctypes, os, platform, struct, sys
number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)
group, command = sys.argv[1], sys.argv[2:]

def bpf(operation, *values):
    attributes = ctypes.create_string_buffer(struct.pack(*values), 128)
    result = libc.syscall(number, operation, attributes, 128)
    if result < 0:
        print("no device controller:", os.strerror(ctypes.get_errno()))
        sys.exit(77)
    return result

# BPF_PROG_LOAD, BPF_PROG_TYPE_CGROUP_DEVICE: r0 = 0; exit
code = ctypes.create_string_buffer(bytes([0xb7] + 7 * [0] + [0x95] + 7 * [0]))
license = ctypes.create_string_buffer(b"GPL")
program = bpf(5, "IIQQ", 15, 2, ctypes.addressof(code), ctypes.addressof(license))
# BPF_PROG_ATTACH, BPF_CGROUP_DEVICE
bpf(8, "IIII", os.open(group, os.O_RDONLY), program, 6, 0)
with open(group + "/cgroup.procs", "w") as processes:
    processes.write(str(os.getpid()))
os.execvp(command[0], command)
PYTHON
	rmdir "$group"
	return "$status"
}
