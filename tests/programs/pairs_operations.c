/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of pairs.c. Each leaves the region mapped, with legal content. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/mempolicy.h>
#include <linux/netlink.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../importer/importer.h"
#include "deadline.h"
#include "pairs.h"
#include "sweep.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define SECRETS 256
#define SECRETS_AT_ONCE 4
#define SECRET 0x5ec2e75ec2000000L

static long secrets;
static atomic_long secrets_used;

void secrets_create(void)
{
	secrets = map_anonymous(SECRETS * PAGE);
	use_small_pages(secrets, SECRETS * PAGE);
}

/*
 * The kernel gives a task the pages that were freed last on its processor, if it frees no others.
 */
void secrets_reuse(void)
{
	long number = atomic_fetch_add(&secrets_used, SECRETS_AT_ONCE), i;

	for (i = number; i < number + SECRETS_AT_ONCE && i < SECRETS; i++)
		*(volatile long *)(secrets + i * PAGE) = SECRET + i;
}

void secrets_check(void)
{
	long used = secrets_used < SECRETS ? secrets_used : SECRETS, i, value;

	for (i = 0; i < used; i++) {
		value = *(volatile long *)(secrets + i * PAGE);
		if (value != SECRET + i)
			FAIL("memory that was never exported holds %s in place of %s",
			     describe(value), describe(SECRET + i));
	}
	CHECK_OK(answer(madvise((void *)secrets, SECRETS * PAGE, MADV_DONTNEED)));
	secrets_used = 0;
}

static bool is_hugetlb(const struct target *target)
{
	return target->offset >= HUGETLB_OFFSET;
}

static long source_at(const struct target *target)
{
	return REGION + target->offset;
}

static long seen_at(const struct target *target)
{
	return VIEW + target->offset;
}

/* Returns where a change of mappings begins. A page of hugetlbfs changes as a whole. */
static long at(const struct target *target)
{
	return is_hugetlb(target) ? REGION + HUGETLB_OFFSET : source_at(target);
}

static long length(const struct target *target)
{
	return is_hugetlb(target) ? HUGE_PAGE : target->length;
}

static void check_load(int page, long address)
{
	long value = load(address);

	if (value != GOT_SIGBUS && value != GOT_SIGSEGV && !legal(page, value))
		FAIL("page %d holds %s", page, describe(value));
}

/* Returns the file that the exporter maps there, or -1. Stores the offset in it. */
static int file_of(const struct target *target, long *offset)
{
	if (is_hugetlb(target)) {
		*offset = 0;
		return hugetlb_file;
	}
	*offset = target->offset - SHARED_OFFSET;
	return target->offset >= SHARED_OFFSET && target->offset < PRIVATE_OFFSET ? shared_file :
										     -1;
}

static bool is_shared(const struct target *target)
{
	long offset;

	return file_of(target, &offset) >= 0;
}

static void map_anew(const struct target *target)
{
	long offset;
	int file = file_of(target, &offset);
	int flags = MAP_FIXED | (file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);

	CHECK_OK(answer((long)mmap((void *)at(target), length(target), PROT_READ | PROT_WRITE,
				   flags, file, file < 0 ? 0 : offset)));
	if (file < 0 && target->offset < SHARED_OFFSET)
		(void)!madvise((void *)at(target), length(target), MADV_HUGEPAGE);
}

static void discard(const struct target *target, unsigned int *seed)
{
	(void)seed;
	(void)!madvise((void *)at(target), length(target), MADV_DONTNEED);
	secrets_reuse();
}

static void free_lazily(const struct target *target, unsigned int *seed)
{
	(void)seed;
	(void)!madvise((void *)at(target), length(target), MADV_FREE);
}

static void map_again(const struct target *target, unsigned int *seed)
{
	if (rand_r(seed) % 2) {
		(void)!munmap((void *)at(target), length(target));
		secrets_reuse();
	}
	map_anew(target);
	secrets_reuse();
}

static void protect_source(const struct target *target, unsigned int *seed)
{
	(void)!mprotect((void *)at(target), length(target),
			rand_r(seed) % 2 ? PROT_READ : PROT_NONE);
	if (rand_r(seed) % 2)
		check_load(target->page, source_at(target));
	(void)!mprotect((void *)at(target), length(target), PROT_READ | PROT_WRITE);
}

/* The pages that were moved are no longer exported: they hold a secret. */
static void move_source(const struct target *target, unsigned int *seed)
{
	long away = MOVED_AWAY + rand_r(seed) % 1024 * HUGE_PAGE, secret = SECRET + target->page;

	if (mremap((void *)at(target), length(target), length(target),
		   MREMAP_MAYMOVE | MREMAP_FIXED, (void *)away) != MAP_FAILED) {
		/* The pages may have moved while the other operation protects them. */
		if (!is_shared(target) && !store(away, secret)) {
			usleep(rand_r(seed) % 200);
			CHECK_EQ(load(away), secret);
		}
		(void)!munmap((void *)away, length(target));
	}
	map_anew(target);
	secrets_reuse();
}

/* The child writes a secret into its own copy of private memory. */
static void fork_source(const struct target *target, unsigned int *seed)
{
	pid_t child = fork_bound();

	if (child < 0)
		return;
	if (!child) {
		if (!is_shared(target))
			(void)store(source_at(target), SECRET);
		_exit(EXIT_SUCCESS);
	}
	(void)store(source_at(target), stamp(target->page, seed));
	check_load(target->page, source_at(target));
	waitpid(child, NULL, 0);
}

static void page_out(const struct target *target, unsigned int *seed)
{
	(void)seed;
	(void)!madvise((void *)at(target), length(target), MADV_PAGEOUT);
}

static void merge(const struct target *target, unsigned int *seed)
{
	long i;

	for (i = 0; i < target->length; i += PAGE)
		(void)store(at(target) + i, 0);
	(void)!madvise((void *)at(target), length(target), MADV_MERGEABLE);
	usleep(rand_r(seed) % 20000);
	if (rand_r(seed) % 2)
		(void)!madvise((void *)at(target), length(target), MADV_UNMERGEABLE);
}

/* Asks for one huge page in all of the part, then changes some of it. */
static void split(const struct target *target, unsigned int *seed)
{
	(void)!madvise((void *)REGION, HUGE_PAGE, MADV_DONTNEED);
	(void)store(REGION, stamp(2 * PART_PAGES, seed));
	if (rand_r(seed) % 2)
		(void)!madvise((void *)at(target), length(target), MADV_DONTNEED);
	else
		protect_source(target, seed);
	secrets_reuse();
}

static void collapse(const struct target *target, unsigned int *seed)
{
	(void)target;
	(void)seed;
	(void)!madvise((void *)REGION, HUGE_PAGE, MADV_COLLAPSE);
}

static void punch(const struct target *target, unsigned int *seed)
{
	long offset;
	int file = file_of(target, &offset);

	(void)seed;
	(void)!fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length(target));
	secrets_reuse();
}

static void truncate_file(const struct target *target, unsigned int *seed)
{
	CHECK_OK(answer(ftruncate(shared_file, target->offset - SHARED_OFFSET)));
	secrets_reuse();
	usleep(rand_r(seed) % 200);
	CHECK_OK(answer(ftruncate(shared_file, PART_PAGES * PAGE)));
}

static void bind(const struct target *target, unsigned int *seed)
{
	unsigned long nodes = 1UL << rand_r(seed) % 2;

	(void)!syscall(SYS_mbind, at(target), length(target), MPOL_BIND, &nodes, 64, MPOL_MF_MOVE);
}

/*
 * Registers the memory with a userfaultfd that no task reads, so faults wait until the descriptor
 * is closed. Returns it, or -1.
 */
static int register_userfault(const struct target *target, unsigned long mode)
{
	int file = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register registration = {
		.range = { at(target), length(target) }, .mode = mode,
	};

	if (file >= 0 && !ioctl(file, UFFDIO_API, &api) &&
	    !ioctl(file, UFFDIO_REGISTER, &registration))
		return file;
	if (file >= 0)
		close(file);
	return -1;
}

static void write_protect(const struct target *target, unsigned int *seed)
{
	int file = register_userfault(target, UFFDIO_REGISTER_MODE_WP);
	struct uffdio_writeprotect request = {
		.range = { at(target), length(target) }, .mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	if (file < 0)
		return;
	(void)!ioctl(file, UFFDIO_WRITEPROTECT, &request);
	usleep(rand_r(seed) % 500);
	request.mode = 0;
	if (rand_r(seed) % 2)
		(void)!ioctl(file, UFFDIO_WRITEPROTECT, &request);
	close(file);
}

static void hold_faults(const struct target *target, unsigned int *seed)
{
	int file = register_userfault(target, UFFDIO_REGISTER_MODE_MISSING);

	if (file < 0)
		return;
	discard(target, seed);
	usleep(rand_r(seed) % 500);
	close(file);
}

static void use_source(const struct target *target, unsigned int *seed)
{
	(void)store(source_at(target), stamp(target->page, seed));
	check_load(target->page, source_at(target));
}

/* No touch that begins after this may reach the memory. */
static void note_end(long result)
{
	if (result)
		return;
	stage->ended = true;
	stage->endings++;
}

static void remove_segment(const struct target *target, unsigned int *seed)
{
	(void)target;
	(void)seed;
	note_end(REMOVE(.segid = stage->segid));
}

static void close_device(const struct target *target, unsigned int *seed)
{
	int file = __atomic_exchange_n(&device, -1, __ATOMIC_SEQ_CST);

	(void)target;
	(void)seed;
	if (file < 0)
		return;
	stage->closed = true;
	if (!close(file) && stage->close_is_end)
		note_end(0);
}

static void exit_exporter(const struct target *target, unsigned int *seed)
{
	(void)target;
	(void)seed;
	_exit(EXIT_SUCCESS);
}

static void exec_exporter(const struct target *target, unsigned int *seed)
{
	(void)target;
	(void)seed;
	execl("/bin/true", "true", NULL);
	_exit(EXIT_SUCCESS);
}

static void migrate(const struct target *target, unsigned int *seed)
{
	void *pages[PART_PAGES];
	int nodes[PART_PAGES], status[PART_PAGES], node = rand_r(seed) % 2;
	long i, count = target->length / PAGE;

	for (i = 0; i < count; i++) {
		pages[i] = (void *)(source_at(target) + i * PAGE);
		nodes[i] = node;
	}
	(void)!syscall(SYS_move_pages, stage->pids[EXPORTER], count, pages, nodes, status,
		       MPOL_MF_MOVE_ALL);
}

static void revoke_segment(const struct target *target, unsigned int *seed)
{
	int64_t id = stage->segid;

	(void)target;
	(void)seed;
	note_end(sweep_request(NLM_F_ACK, XPMEM_NL_CMD_SEGMENT_REVOKE, XPMEM_A_SEGMENT_ID, &id,
			       sizeof(id)));
}

static void revoke_permit(const struct target *target, unsigned int *seed)
{
	int64_t id = stage->apid;

	(void)target;
	(void)seed;
	note_end(sweep_request(NLM_F_ACK, XPMEM_NL_CMD_PERMIT_REVOKE, XPMEM_A_PERMIT_ID, &id,
			       sizeof(id)));
}

static void kill_exporter(const struct target *target, unsigned int *seed)
{
	(void)target;
	(void)seed;
	(void)!kill(stage->pids[EXPORTER], SIGKILL);
}

static void kill_attacher(const struct target *target, unsigned int *seed)
{
	(void)target;
	(void)seed;
	(void)!kill(stage->pids[ATTACHER], SIGKILL);
}

/* Reads or writes the memory of a process, as debuggers do. Returns what the kernel returned. */
static long access_process(pid_t pid, long address, long *value, bool writes, bool by_file)
{
	struct iovec own = { value, sizeof(*value) }, other = { (void *)address, sizeof(*value) };
	char path[32];
	long result;
	int file;

	if (!by_file)
		return writes ? process_vm_writev(pid, &own, 1, &other, 1, 0)
			      : process_vm_readv(pid, &own, 1, &other, 1, 0);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	file = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0)
		return -1;
	result = writes ? pwrite(file, value, sizeof(*value), address)
			: pread(file, value, sizeof(*value), address);
	close(file);
	return result;
}

static void debug(const struct target *target, unsigned int *seed)
{
	bool ended = stage->ended, in_view = rand_r(seed) % 2, writes = rand_r(seed) % 2;
	long value = writes ? stamp(target->page, seed) : 0;

	if (access_process(stage->pids[in_view ? ATTACHER : EXPORTER],
			   in_view ? seen_at(target) : source_at(target), &value, writes,
			   rand_r(seed) % 2) != sizeof(value))
		return;
	if (ended && in_view)
		FAIL("a debugger reached page %d after the end", target->page);
	if (!legal(target->page, value))
		FAIL("a debugger found %s in page %d", describe(value), target->page);
}

static void read_view(const struct target *target, unsigned int *seed)
{
	(void)seed;
	check_load(target->page, seen_at(target));
}

static void write_view(const struct target *target, unsigned int *seed)
{
	(void)store(seen_at(target), stamp(target->page, seed));
}

/* The read makes a read-only entry where the exporter has not made the page its own. */
static void write_after_read(const struct target *target, unsigned int *seed)
{
	long i;

	for (i = 0; i < target->length; i += PAGE)
		check_load(target->page + i / PAGE, seen_at(target) + i);
	for (i = 0; i < target->length; i += PAGE)
		(void)store(seen_at(target) + i, stamp(target->page + i / PAGE, seed));
}

static void read_modify_write(const struct target *target, unsigned int *seed)
{
	(void)seed;
	(void)touch_for_writing(seen_at(target));
}

static void populate(const struct target *target, unsigned int *seed)
{
	long view = ATTACH(.apid = stage->apid, .length = REGION_LENGTH,
			   .flags = XPMEM_ATTACH_POPULATE);

	(void)seed;
	if (view < 0)
		return;
	check_load(target->page, view + target->offset);
	(void)DETACH(.vaddr = view);
}

static void discard_view(const struct target *target, unsigned int *seed)
{
	(void)seed;
	(void)!madvise((void *)seen_at(target), target->length, MADV_DONTNEED);
}

static void map_view_again(const struct target *target, unsigned int *seed)
{
	(void)seed;
	stage->view_changed = true;
	(void)!munmap((void *)seen_at(target), target->length);
	(void)ATTACH(.apid = stage->apid, .offset = target->offset, .length = target->length,
		     .vaddr = seen_at(target), .flags = XPMEM_ATTACH_FIXED);
}

static void protect_view(const struct target *target, unsigned int *seed)
{
	(void)!mprotect((void *)seen_at(target), target->length,
			rand_r(seed) % 2 ? PROT_READ : PROT_NONE);
	(void)!mprotect((void *)seen_at(target), target->length, PROT_READ | PROT_WRITE);
}

static void move_view(const struct target *target, unsigned int *seed)
{
	long away = VIEW_MOVED + target->offset;

	(void)seed;
	stage->view_changed = true;
	if (mremap((void *)seen_at(target), target->length, target->length,
		   MREMAP_MAYMOVE | MREMAP_FIXED, (void *)away) == MAP_FAILED)
		return;
	check_load(target->page, away);
	(void)!mremap((void *)away, target->length, target->length, MREMAP_MAYMOVE | MREMAP_FIXED,
		      (void *)seen_at(target));
}

static void fork_attacher(const struct target *target, unsigned int *seed)
{
	pid_t child = fork_bound();
	int status;

	(void)seed;
	if (child < 0)
		return;
	if (!child)
		_exit(load(seen_at(target)) != GOT_SIGSEGV);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status))
		FAIL("a child has an attachment");
}

static void release(const struct target *target, unsigned int *seed)
{
	(void)target;
	(void)seed;
	stage->view_changed = true;
	note_end(RELEASE(.apid = stage->apid));
}

static void detach(const struct target *target, unsigned int *seed)
{
	(void)target;
	(void)seed;
	stage->view_changed = true;
	(void)DETACH(.vaddr = VIEW);
}

static void wait_shortly(const struct target *target, unsigned int *seed)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	(void)device_call(XPMEM_IOC_WAIT,
			  &SIZED(xpmem_ioc_wait, .vaddr = seen_at(target),
				 .expected = load(seen_at(target)) & 0xffffffff,
				 .deadline = time.tv_sec * 1000000000ULL + time.tv_nsec +
					     rand_r(seed) % 2000000));
}

static void wake(const struct target *target, unsigned int *seed)
{
	(void)seed;
	(void)device_call(XPMEM_IOC_WAKE,
			  &SIZED(xpmem_ioc_wake, .vaddr = seen_at(target), .count = 2));
}

/* Needs the driver of tests/notifier. */
static void register_notifier(const struct target *target, unsigned int *seed)
{
	int notifier = open("/dev/xpmem-notifier", O_RDWR | O_CLOEXEC);

	(void)target;
	(void)seed;
	if (notifier >= 0)
		close(notifier);
}

static void map_for_device(const struct target *target, unsigned int *seed)
{
	struct importer_attach request = { .kind = rand_r(seed) % 3 };
	int importer;

	request.fd =
		DMABUF(.apid = stage->apid, .offset = target->offset, .length = target->length);
	if (request.fd < 0)
		return;
	importer = open("/dev/xpmem-importer", O_RDWR | O_CLOEXEC);
	if (importer >= 0 && !ioctl(importer, IMPORTER_ATTACH, &request)) {
		(void)!ioctl(importer, IMPORTER_MAP, 0);
		usleep(rand_r(seed) % 200);
		(void)!ioctl(importer, IMPORTER_UNMAP, 0);
	}
	if (importer >= 0)
		close(importer);
	close(request.fd);
}

/* A device that has pinned pages of the attachment reads and writes them. */
static void pin(const struct target *target, unsigned int *seed)
{
	struct importer_pin request = { .address = seen_at(target),
					.pages = target->length / PAGE,
					.write = true };
	int importer = open("/dev/xpmem-importer", O_RDWR | O_CLOEXEC), turn, index;
	long value;

	if (importer >= 0 && !ioctl(importer, IMPORTER_PIN, &request)) {
		for (turn = 0; turn < 8; turn++) {
			index = rand_r(seed) % request.pages;
			CHECK_EQ(pread(importer, &value, sizeof(value), index * PAGE),
				 sizeof(value));
			if (!legal(target->page + index, value))
				FAIL("the device finds %s in page %d", describe(value),
				     target->page + index);
			value = stamp(target->page + index, seed);
			CHECK_EQ(pwrite(importer, &value, sizeof(value), index * PAGE),
				 sizeof(value));
		}
	}
	if (importer >= 0)
		close(importer);
}

/* The kernel copies from the attachment. */
static void write_to_pipe(const struct target *target, unsigned int *seed)
{
	int ends[2];

	(void)seed;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return;
	(void)!write(ends[1], (void *)seen_at(target), PAGE);
	close(ends[0]);
	close(ends[1]);
}

/* The device writes to the attachment. */
static void read_direct(const struct target *target, unsigned int *seed)
{
	long i;

	(void)seed;
	if (direct_file < 0)
		return;
	for (i = 0; i < target->length; i += PAGE)
		(void)!pread(direct_file, (void *)(seen_at(target) + i), PAGE,
			     target->page * PAGE + i);
}

const struct operation operations[] = {
	{ "discard", EXPORTER, ANYWHERE, .run = discard },
	{ "free", EXPORTER, IN_PRIVATE | IN_HUGE, .run = free_lazily },
	{ "map", EXPORTER, ANYWHERE, .run = map_again },
	{ "protect", EXPORTER, ANYWHERE, .run = protect_source },
	{ "move", EXPORTER, ANYWHERE, .run = move_source },
	{ "fork", EXPORTER, ANYWHERE, .forks = true, .run = fork_source },
	{ "page-out", EXPORTER, ANYWHERE, .run = page_out },
	{ "merge", EXPORTER, IN_PRIVATE | IN_HUGE, .run = merge },
	{ "split", EXPORTER, IN_HUGE, .run = split },
	{ "collapse", EXPORTER, IN_HUGE, .run = collapse },
	{ "punch", EXPORTER, IN_SHARED | IN_HUGETLB, .run = punch },
	{ "truncate", EXPORTER, IN_SHARED, .run = truncate_file },
	{ "bind", EXPORTER, ANYWHERE, .run = bind },
	{ "write-protect", EXPORTER, ANYWHERE, .run = write_protect },
	{ "hold-faults", EXPORTER, ANYWHERE, .run = hold_faults },
	{ "use", EXPORTER, ANYWHERE, .run = use_source },
	{ "remove", EXPORTER, ANYWHERE, .run = remove_segment },
	{ "close", EXPORTER, ANYWHERE, .run = close_device },
	{ "exit", EXPORTER, ANYWHERE, .ends_exporter = true, .run = exit_exporter },
	{ "exec", EXPORTER, ANYWHERE, .ends_exporter = true, .run = exec_exporter },
	{ "migrate", OUTSIDE, ANYWHERE, .run = migrate },
	{ "revoke-segment", OUTSIDE, ANYWHERE, .run = revoke_segment },
	{ "revoke-permit", OUTSIDE, ANYWHERE, .run = revoke_permit },
	{ "kill-exporter", OUTSIDE, ANYWHERE, .ends_exporter = true, .run = kill_exporter },
	{ "kill-attacher", OUTSIDE, ANYWHERE, .ends_attacher = true, .run = kill_attacher },
	{ "debug", OUTSIDE, ANYWHERE, .run = debug },
	{ "read", ATTACHER, ANYWHERE, .run = read_view },
	{ "write", ATTACHER, ANYWHERE, .run = write_view },
	{ "write-after-read", ATTACHER, ANYWHERE, .run = write_after_read },
	{ "read-modify-write", ATTACHER, ANYWHERE, .run = read_modify_write },
	{ "populate", ATTACHER, ANYWHERE, .run = populate },
	{ "discard-view", ATTACHER, ANYWHERE, .run = discard_view },
	{ "map-view", ATTACHER, ANYWHERE, .run = map_view_again },
	{ "protect-view", ATTACHER, ANYWHERE, .run = protect_view },
	{ "move-view", ATTACHER, ANYWHERE, .run = move_view },
	{ "fork-attacher", ATTACHER, ANYWHERE, .forks = true, .run = fork_attacher },
	{ "release", ATTACHER, ANYWHERE, .run = release },
	{ "detach", ATTACHER, ANYWHERE, .run = detach },
	{ "close-attacher", ATTACHER, ANYWHERE, .run = close_device },
	{ "wait", ATTACHER, ANYWHERE, .run = wait_shortly },
	{ "wake", ATTACHER, ANYWHERE, .run = wake },
	{ "register-notifier", ATTACHER, ANYWHERE, .run = register_notifier },
	{ "map-for-device", ATTACHER, ANYWHERE, .run = map_for_device },
	{ "pin", ATTACHER, ANYWHERE, .run = pin },
	{ "write-to-pipe", ATTACHER, ANYWHERE, .run = write_to_pipe },
	{ "read-direct", ATTACHER, ANYWHERE, .run = read_direct },
};

const int operation_count = sizeof(operations) / sizeof(operations[0]);
