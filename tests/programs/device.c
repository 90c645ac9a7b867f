/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"

int device = -1;

long device_open(void)
{
	device = open("/dev/xpmem", O_RDWR | O_CLOEXEC);
	return answer(device);
}

long device_call(unsigned long number, void *argument)
{
	return answer(ioctl(device, number, argument));
}

long device_make(struct xpmem_ioc_make argument)
{
	long result = device_call(XPMEM_IOC_MAKE, &argument);

	if (!result)
		CHECK(argument.segid > 0);
	return result ? result : argument.segid;
}

long device_get(struct xpmem_ioc_get argument)
{
	long result = device_call(XPMEM_IOC_GET, &argument);

	if (!result)
		CHECK(argument.apid > 0);
	return result ? result : argument.apid;
}

long device_attach(struct xpmem_ioc_attach argument)
{
	const unsigned int placed = XPMEM_ATTACH_FIXED | XPMEM_ATTACH_REPLACE;
	long result = device_call(XPMEM_IOC_ATTACH, &argument);

	if (!result)
		CHECK(argument.attid > 0 && argument.vaddr % PAGE == 0 &&
		      (argument.vaddr || argument.flags & placed));
	return result ? result : (long)argument.vaddr;
}

long device_segment_fd(struct xpmem_ioc_segment_fd argument)
{
	long result = device_call(XPMEM_IOC_SEGMENT_FD, &argument);

	return result ? result : argument.fd;
}

long device_dmabuf(struct xpmem_ioc_dmabuf argument)
{
	long result = device_call(XPMEM_IOC_DMABUF, &argument);

	return result ? result : argument.fd;
}

bool device_has(uint64_t features)
{
	struct xpmem_ioc_query query = { .size = sizeof(query) };

	CHECK_OK(QUERY(&query));
	return query.features & features;
}

long export_range(long address, long length)
{
	return CHECK_OK(MAKE(.vaddr = address, .length = length, .mode = 0600));
}

static long mapped(void *address)
{
	if (address == MAP_FAILED)
		FAIL("mmap: %s", strerror(errno));
	return (long)address;
}

long map_anonymous(long length)
{
	return mapped(
		mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

long map_file(int file, long length, int protection, int flags)
{
	return mapped(mmap(NULL, length, protection, flags, file, 0));
}

long map_aligned(long length, long alignment)
{
	long start = map_anonymous(length + alignment);
	long aligned = (start + alignment - 1) / alignment * alignment;

	if (aligned > start)
		unmap(start, aligned - start);
	if (start + alignment > aligned)
		unmap(aligned + length, start + alignment - aligned);
	return aligned;
}

long map_huge(long length)
{
	long address = map_aligned(length, 2 * MIB);

	use_huge_pages(address, length);
	return address;
}

bool kernel_has_huge_pages(void)
{
	return !access("/sys/kernel/mm/transparent_hugepage", F_OK);
}

void use_huge_pages(long address, long length)
{
	if (!kernel_has_huge_pages())
		SKIP("this kernel has no transparent huge pages");
	CHECK_OK(answer(madvise((void *)address, length, MADV_HUGEPAGE)));
}

void use_small_pages(long address, long length)
{
	long result = answer(madvise((void *)address, length, MADV_NOHUGEPAGE));

	if (result != -EINVAL || kernel_has_huge_pages())
		CHECK_OK(result);
}

#define SYSLOG_ACTION_READ_ALL 3	/* see syslog(2) */

long lines_in_log(const char *text, const char *then)
{
	static char log[1 << 20];
	long length = CHECK_OK(answer(klogctl(SYSLOG_ACTION_READ_ALL, log, sizeof(log) - 1)));
	char *line, *rest = log, *found;
	long count = 0;

	log[length] = 0;
	while ((line = strsep(&rest, "\n"))) {
		found = strstr(line, text);
		count += found && strstr(found, then);
	}
	return count;
}

long map_shared(long length)
{
	return map_file(memory_file(length), length, PROT_READ | PROT_WRITE, MAP_SHARED);
}

int memory_file(long length)
{
	int file = CHECK_OK(answer(memfd_create("test", MFD_CLOEXEC)));

	CHECK_OK(answer(ftruncate(file, length)));
	return file;
}

int temporary_file(const char *content_of_each_page, int pages)
{
	const char *folder = getenv("XPMEM_TEST_DISK");
	char path[256], page[PAGE];
	int file, i;

	snprintf(path, sizeof(path), "%s/xpmem-test-XXXXXX", folder ? folder : "/tmp");
	file = CHECK_OK(answer(mkostemp(path, O_CLOEXEC)));
	CHECK_OK(answer(unlink(path)));
	memset(page, 0, sizeof(page));
	strncpy(page, content_of_each_page, sizeof(page) - 1);
	for (i = 0; i < pages; i++)
		CHECK_EQ(answer(write(file, page, sizeof(page))), PAGE);
	return file;
}

void map_much(void)
{
	long count = 20000 / slowness() / slowness(), start = map_anonymous(2 * count * PAGE), i;

	for (i = 0; i < count; i++)
		protect(start + 2 * i * PAGE, PAGE, PROT_READ);
}

void map_over(long address, long length, int protection, int flags, int file)
{
	mapped(mmap((void *)address, length, protection, flags | MAP_FIXED, file, 0));
}

void unmap(long address, long length)
{
	CHECK_OK(answer(munmap((void *)address, length)));
}

void protect(long address, long length, int protection)
{
	CHECK_OK(answer(mprotect((void *)address, length, protection)));
}

void fill(long address, long length, long seed)
{
	long i;

	for (i = 0; i < length / 8; i++)
		((volatile long *)address)[i] = seed * 0x10000000L + i;
}

long verify(long address, long length, long seed)
{
	long i, wrong = 0;

	for (i = 0; i < length / 8; i++)
		wrong += ((volatile long *)address)[i] != seed * 0x10000000L + i;
	return wrong;
}

long do_open(const long *none)
{
	(void)none;
	if (device >= 0)
		close(device);
	return device_open();
}

long do_close(const long *none)
{
	(void)none;
	return answer(close(device));
}

/* Page faults of this process that needed no device. */
long do_count_faults(const long *none)
{
	struct rusage usage;

	(void)none;
	return getrusage(RUSAGE_SELF, &usage) ? -errno : usage.ru_minflt;
}

long do_load(const long *a)
{
	return load(a[0]);
}

long do_store(const long *a)
{
	return store(a[0], a[1]);
}

long do_fill(const long *a)
{
	fill(a[0], a[1], a[2]);
	return 0;
}

long do_verify(const long *a)
{
	return verify(a[0], a[1], a[2]);
}

long do_count(const long *a)
{
	long turn, i;

	for (turn = 0; turn < a[2]; turn++)
		for (i = 0; i < a[1]; i += PAGE)
			++*(volatile long *)(a[0] + i);
	return 0;
}

long do_map(const long *a)
{
	return map_anonymous(a[0]);
}

long do_export(const long *a)
{
	return export_range(a[0], a[1]);
}

long do_make(const long *a)
{
	return MAKE(.vaddr = a[0], .length = a[1], .mode = a[2], .flags = a[3]);
}

long do_remove(const long *a)
{
	return REMOVE(.segid = a[0]);
}

long do_get(const long *a)
{
	return GET(.segid = a[0], .flags = a[1]);
}

long do_get_fd(const long *a)
{
	return GET(.fd = a[0], .flags = a[1] | XPMEM_GET_FD);
}

long do_segment_fd(const long *a)
{
	return SEGMENT_FD(.segid = a[0], .flags = a[1]);
}

long do_dmabuf(const long *a)
{
	return DMABUF(.apid = a[0], .offset = a[1], .length = a[2]);
}

long do_release(const long *a)
{
	return RELEASE(.apid = a[0]);
}

long do_attach(const long *a)
{
	return ATTACH(.apid = a[0], .offset = a[1], .length = a[2], .flags = a[3], .vaddr = a[4]);
}

long do_attach_segment(const long *a)
{
	long apid = GET(.segid = a[0], .flags = XPMEM_GET_RDWR);

	return apid < 0 ? apid :
			  ATTACH(.apid = apid, .offset = a[1], .length = a[2], .flags = a[3]);
}

long do_detach(const long *a)
{
	return DETACH(.vaddr = a[0]);
}

long do_unmap(const long *a)
{
	return answer(munmap((void *)a[0], a[1]));
}

long do_protect(const long *a)
{
	return answer(mprotect((void *)a[0], a[1], a[2]));
}

long do_advise(const long *a)
{
	return answer(madvise((void *)a[0], a[1], a[2]));
}

long do_splice(const long *a)
{
	struct iovec vector = { (void *)a[0], sizeof(long) };
	long result, value;
	int ends[2];

	CHECK_OK(answer(pipe2(ends, O_CLOEXEC)));
	result = answer(vmsplice(ends[1], &vector, 1, 0));
	if (result == sizeof(value)) {
		*(volatile long *)a[0] += 1;
		CHECK_EQ(read(ends[0], &value, sizeof(value)), sizeof(value));
		result = value;
	}
	close(ends[0]);
	close(ends[1]);
	return result;
}

long do_become(const long *a)
{
	gid_t supplementary = a[2];

	if (setgroups(a[2] ? 1 : 0, &supplementary) || setresgid(a[1], a[1], a[1]) ||
	    setresuid(a[0], a[0], a[0]))
		return -errno;
	/* a change of user clears both */
	if (prctl(PR_SET_DUMPABLE, 1) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	return do_open(NULL);
}

long do_unshare(const long *a)
{
	if (unshare(a[0]))
		return -errno;
	return do_open(NULL);
}

long write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	long result;

	if (file < 0)
		return -errno;
	result = answer(write(file, text, strlen(text)));
	close(file);
	return result;
}

long read_counter(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	char line[256], found[128];
	long value, result = -ENOENT;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%127s %ld", found, &value) == 2 && !strcmp(found, name))
			result = value;
	fclose(file);
	return result;
}

uint64_t page_number(long address)
{
	int file = CHECK_OK(answer(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)));
	uint64_t entry;

	CHECK_EQ(pread(file, &entry, sizeof(entry), address / PAGE * 8), sizeof(entry));
	close(file);
	/* Bit 63 says that the page is present, and bits 0 to 54 are its number. */
	return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0;
}
