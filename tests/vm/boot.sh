# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One run of the VM: its folder, QEMU, and the verdict.
#
# The guest talks to the host through virtio ports: "verdict" gets a line "ready" when the guest
# is up and "exit STATUS" at the end; "stdout" and "stderr" are those of the job. The serial console
# only fills console.log, which nothing interprets.

runs_kept=20
boot_deadline=400
# Seconds without news in the run's progress file after which the VM counts as hung (0: no such
# limit).
boot_silence=0
# Threads of the emulator: multi (one for each emulated processor) or single.
boot_threads=multi
# Number of VMs that this run has started.
boot_count=0

# The folder of this run, with a copy of the build that later builds leave alone.
run_create() {
	local old

	run_dir=$cache/logs/$(date +%Y%m%d-%H%M%S)-$$
	mkdir -p "$run_dir/out"
	cp -a --reflink=auto "$build_programs" "$run_dir/build"
	[[ $build_programs == "$build_dir" ]] ||
		cp -a --reflink=auto "$build_dir/." "$run_dir/build"
	ls -d "$cache/logs"/*-*/ | sort | head -n -$runs_kept | while read -r old; do
		rm -rf "$old"
	done
	mkfifo "$run_dir/stdout" "$run_dir/stderr"
	: >"$run_dir/verdict"
	: >"$run_dir/progress"
	: >"$run_dir/times"
	trap run_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# Leave only the logs and what the guest made.
run_end() {
	if [[ -n ${qemu_pid:-} ]]; then
		kill -KILL "$qemu_pid" 2>/dev/null || true
		wait "$qemu_pid" 2>/dev/null || true
	fi
	rm -f "$run_dir/out/begun" "$run_dir/qemu.pid" "$run_dir/disk"
	rmdir "$run_dir/out" 2>/dev/null || [[ ! -d $run_dir/out ]] ||
		say "the VM left files in $run_dir/out"
	rm -rf "$run_dir"/{build,initramfs,initramfs.cpio,stdout,stderr,modules}
}

# Whether KVM runs the kernel: until that has no root to mount, panics and so resets the VM. Of a
# KVM that is there and does not work, some cannot be opened, and some never get that far.
boot_kvm_works() {
	[[ -r /dev/kvm && -w /dev/kvm ]] || return
	(ulimit -c 0; exec timeout 20 qemu-system-x86_64 -nodefaults -no-user-config -display none \
		-no-reboot -M q35 -accel kvm -cpu max \
		-m 1024 -kernel "$kernel_image" -append panic=-1) >/dev/null 2>&1
}

# Found out once for a start of this machine.
boot_accel() {
	local known=$cache/accel machine accel

	[[ -z $architecture ]] || { echo "${XPMEM_VM_ACCEL:-tcg}"; return; }
	case ${XPMEM_VM_ACCEL:-} in
	kvm | tcg | icount) echo "$XPMEM_VM_ACCEL" ;;
	'')
		machine=$(</proc/sys/kernel/random/boot_id)
		accel=$(sed -n "s/^$machine //p" "$known" 2>/dev/null)
		if [[ -z $accel ]]; then
			boot_kvm_works && accel=kvm || accel=tcg
			echo "$machine $accel" >"$known"
		fi
		echo "$accel"
		;;
	*) die "XPMEM_VM_ACCEL must be kvm or tcg, not $XPMEM_VM_ACCEL" ;;
	esac
}

# Print the frequency in kHz of the time-stamp counter of this machine, which the emulator shows;
# nothing if there is none.
boot_tsc_khz() {
	local known=$cache/tsc machine khz

	[[ $(uname -m) == x86_64 ]] || return 0
	machine=$(</proc/sys/kernel/random/boot_id)
	khz=$(sed -n "s/^$machine //p" "$known" 2>/dev/null) || khz=
	if [[ -z $khz ]]; then
		gcc -O2 -o "$run_dir/tsc" "$tree/tests/vm/tsc.c" && khz=$("$run_dir/tsc") ||
			return 0
		rm "$run_dir/tsc"
		echo "$machine $khz" >"$known"
	fi
	echo "$khz"
}

# Divide memory and processors of the VM between NUMA nodes, or have the kernel pretend that there
# are two, of which the first has all processors. Adds to machine and append.
boot_nodes() {
	local nodes=${XPMEM_VM_NODES:-} cpus=${XPMEM_VM_CPUS:-2} node each first last

	if [[ -z $nodes ]]; then
		append+="numa=fake=2 "
		return
	fi
	((nodes > 0 && cpus % nodes == 0 && memory % nodes == 0)) ||
		die "XPMEM_VM_NODES must divide the VM's $cpus processors and $memory MiB"
	each=$((cpus / nodes))
	for ((node = 0; node < nodes; node++)); do
		first=$((each * node)) last=$((each * (node + 1) - 1))
		machine+=(-object "memory-backend-ram,id=node$node,size=$((memory / nodes))M"
			-numa "node,nodeid=$node,memdev=node$node,cpus=$first-$last")
	done
}

# Give the VM a disk, for tests/bats/nvme.bats. Its kernel leaves the disk alone until a driver is
# loaded. Adds to machine.
boot_disk() {
	truncate -s 16M "$run_dir/disk"
	machine+=(-drive "if=none,id=disk,format=raw,file=$run_dir/disk"
		-device "nvme,drive=disk,serial=xpmem")
}

# Start QEMU in the background with the chardevs given; sets qemu_pid, and boot_console and boot_log
# to the logs of this VM.
boot_start() {
	local accel append= memory clock=() machine steady= suffix= khz cpu=max

	boot_count=$((boot_count + 1))
	((boot_count == 1)) || suffix=-$boot_count
	boot_console=$run_dir/console$suffix.log boot_log=$run_dir/qemu$suffix.log
	: >"$run_dir/verdict"
	: >"$run_dir/progress"
	accel=$(boot_accel)
	# Each miss of an emulated TLB walks page tables: a level less takes a fourth from the time
	# of a boot. Recorded counts of instructions are of five levels.
	[[ $accel != tcg ]] || cpu=max,la57=off
	case $architecture_debian in
	amd64)
		machine=(qemu-system-x86_64 -M q35 -cpu "${XPMEM_VM_CPU:-$cpu}")
		append="console=ttyS0 no_timer_check "
		steady="tsc=reliable clocksource=tsc "
		;;
	arm64)
		# Its own way to sign pointers is one that costs little.
		machine=(qemu-system-aarch64 -M virt -cpu "max,pauth-impdef=on")
		append="console=ttyAMA0 "
		;;
	esac
	# The emulated time-stamp counter is steady, and read without leaving the emulated
	# processor. What QEMU translated it keeps by address: at random ones every start of a
	# program is translated anew, and each store to a page that once held code searches all of
	# that, until the machine stands still for minutes.
	# The kernel must not measure the frequency: where this machine was busy, it got a
	# twentieth of it, and its clock ran that many times too fast.
	if [[ $accel == tcg ]]; then
		khz=$(boot_tsc_khz)
		[[ -z $khz || -z $steady ]] || steady+="tsc_early_khz=$khz "
		accel=tcg,thread=$boot_threads append+="${steady}norandmaps "
	fi
	# One processor, and a clock that an instruction advances by a nanosecond.
	if [[ $accel == icount ]]; then
		accel=tcg,thread=single append+="${steady}norandmaps "
		clock=(-icount "shift=0,sleep=off" -rtc "base=2020-01-01,clock=vm" -seed 1)
	fi
	memory=1024
	[[ $vm_kernel == stock ]] || memory=2048
	memory=${XPMEM_VM_MEMORY:-$memory}
	# Memory that a file system may have, for dax_mount in tests/bats/helpers.bash.
	if [[ $architecture_debian == amd64 && $vm_kernel == stock ]] &&
		((memory >= 1024 && ${#clock[@]} == 0)); then
		memory=$((memory + 64)) append+="memmap=64M!768M "
	fi
	((${#clock[@]} > 0)) || boot_disk
	append+="loglevel=7 log_buf_len=16M oops=panic panic=-1 secretmem.enable=1 "
	boot_nodes
	# A VM that hangs ends before its kernel complains, also on a busy machine, where the
	# kernel's time passes while QEMU waits for a processor. The kernel takes 300 at most.
	append+="rcupdate.rcu_cpu_stall_timeout=300"
	# It takes entries of page tables whenever it likes, and tests count faults and move pages:
	# those that are about it switch it on.
	append+=" numa_balancing=disable"
	# Report every bad access, not only the first. The checker of page tables, where the kernel
	# has it, keeps the module from mapping huge pages huge: it is for runs of its own.
	[[ $vm_kernel == stock ]] || append+=" kasan_multi_shot page_table_check=off"
	setpriv --pdeathsig KILL "${machine[@]}" -nodefaults -no-user-config -display none \
		-no-reboot \
		-accel "$accel" "${clock[@]}" -smp "${XPMEM_VM_CPUS:-2}" \
		-m "$memory" \
		-kernel "$kernel_image" -initrd "$run_dir/initramfs.cpio" \
		-append "$append ${XPMEM_VM_APPEND:-}" \
		-chardev file,id=console,path="$boot_console" -serial chardev:console \
		-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=host,mount_tag=host \
		-fsdev local,id=out,path="$run_dir/out",security_model=none \
		-device virtio-9p-pci,fsdev=out,mount_tag=out \
		-object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng \
		-device virtio-serial-pci \
		-chardev file,id=verdict,path="$run_dir/verdict" \
		-device virtserialport,chardev=verdict,name=verdict \
		"$@" 2>"$boot_log" &
	qemu_pid=$!
	echo "$qemu_pid" >"$run_dir/qemu.pid"
}

# Set boot_seconds to the age of the VM, without the time that QEMU waited for a processor of this
# machine (its thread that waited longest, in nanoseconds). The age is at least a quarter of the
# true one.
boot_clock() {
	local age=$((SECONDS - boot_started)) file waited

	for file in /proc/"$qemu_pid"/task/*/schedstat; do
		read -r _ waited _ 2>/dev/null <"$file" || continue
		((waited <= boot_waited)) || boot_waited=$waited
	done
	boot_seconds=$((age - boot_waited / 1000000000))
	((boot_seconds >= age / 4)) || boot_seconds=$((age / 4))
}

# Wait until the VM is off; give up after so many seconds (0: never). Returns the guest's exit
# status. Sets boot_end to the reason if the VM did not end by itself with a verdict, and
# boot_gave_up if that is the limit. All limits are of time by boot_clock.
boot_wait() {
	local limit=$1 ready= status= news= last= heard=0

	boot_started=$SECONDS boot_waited=0 boot_seconds=0 boot_end= boot_gave_up=
	while kill -0 "$qemu_pid" 2>/dev/null; do
		sleep 0.2
		boot_clock
		[[ -n $ready ]] || ! grep -q '^ready$' "$run_dir/verdict" || ready=1
		if [[ -z $ready ]] && ((boot_seconds > boot_deadline)); then
			boot_failed "the VM did not boot within $boot_deadline seconds"
			return 125
		fi
		if ((limit > 0 && boot_seconds > limit)); then
			boot_gave_up=1
			boot_failed "gave up after $limit seconds"
			return 125
		fi
		news=$(stat -c %y "$run_dir/progress")
		[[ -n $ready && $news == "$last" ]] || heard=$boot_seconds
		last=$news
		if ((boot_silence > 0 && boot_seconds - heard > boot_silence)); then
			boot_failed "the VM said nothing for $boot_silence seconds"
			return 125
		fi
	done
	wait "$qemu_pid" || true
	qemu_pid=
	status=$(sed -n 's/^exit //p' "$run_dir/verdict")
	if [[ -z $status ]]; then
		boot_failed "the VM stopped without a verdict${ready:+ while it ran}"
		return 125
	fi
	return "$status"
}

# The last 40 lines of the console, or more where a panic began before.
console_end() {
	[[ -f $boot_console ]] || return 0
	tr -d '\r' <"$boot_console" | awk '
		{ line[NR] = $0 }
		/Kernel panic - not syncing/ && !panic { panic = NR }
		END {
			first = NR - 39
			if (panic && panic - 20 < first)
				first = panic - 20
			for (i = first > 0 ? first : 1; i <= NR; i++)
				print "  | " line[i]
		}'
}

# Say why, show the end of the console, and make sure that QEMU is gone.
boot_failed() {
	boot_end=$1
	if [[ -n $qemu_pid ]]; then
		kill -KILL "$qemu_pid" 2>/dev/null || true
		wait "$qemu_pid" 2>/dev/null || true
		qemu_pid=
	fi
	if [[ -s $boot_log ]]; then
		say "QEMU said:"
		sed 's/^/  /' "$boot_log" >&2
	fi
	say "the end of the VM's console ($boot_console):"
	console_end >&2
	say "$1"
}

# Run a shell command as root in the VM; stdout goes through a filter command, by default cat.
run_job() {
	local limit=$1 status=0 filter
	printf '%s\n' "$2" >"$run_dir/job"
	shift 2
	(($# > 0)) || set -- cat

	guest_initramfs
	"$@" <"$run_dir/stdout" &
	filter=$!
	cat <"$run_dir/stderr" >&2 &
	boot_start \
		-chardev file,id=stdout,path="$run_dir/stdout" \
		-device virtserialport,chardev=stdout,name=stdout \
		-chardev file,id=stderr,path="$run_dir/stderr" \
		-device virtserialport,chardev=stderr,name=stderr \
		</dev/null
	boot_wait "$limit" || status=$?
	wait "$filter" || status=$?
	wait
	return "$status"
}

run_shell() {
	local status=0 terminal

	# shellcheck disable=SC2046,SC2183
	printf 'rows=%s cols=%s term=%q\n' $(stty size) "${TERM:-linux}" >"$run_dir/terminal"
	guest_initramfs
	terminal=$(stty -g)
	boot_start -chardev stdio,id=tty,signal=off -device virtconsole,chardev=tty <&0
	boot_wait 0 || status=$?
	stty "$terminal"
	return "$status"
}
