/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that every ioctl obeys, walked over the generated table of all of them: which sizes,
 * flags and reserved bits are refused, and with what.
 */
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "abi_table_gen.h"
#include "device.h"
#include "sweep.h"

#define ROOM (4 * PAGE)

static long page, segid, apid;

/* so that the waiter is woken */
static void *wake_for_ever(void *none)
{
	for (;;) {
		ioctl(device, XPMEM_IOC_WAKE, &SIZED(xpmem_ioc_wake, .vaddr = page, .count = 1));
		usleep(1000);
	}
	return none;
}

static void prepare(void)
{
	pthread_t thread;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	segid = export_range(page, PAGE);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(pthread_create(&thread, NULL, wake_for_ever, NULL), 0);
}

/*
 * puts arguments that the ioctl takes into a buffer of ROOM zero bytes; each call makes what is
 * used up by it
 */
static void *valid_argument(const struct abi_ioctl *ioctl)
{
	static union {
		unsigned char bytes[ROOM];
		struct xpmem_ioc_query query;
		struct xpmem_ioc_make make;
		struct xpmem_ioc_remove remove;
		struct xpmem_ioc_get get;
		struct xpmem_ioc_release release;
		struct xpmem_ioc_attach attach;
		struct xpmem_ioc_detach detach;
		struct xpmem_ioc_segment_fd segment_fd;
		struct xpmem_ioc_wait wait;
		struct xpmem_ioc_wake wake;
		struct xpmem_ioc_dmabuf dmabuf;
		struct xpmem_ioc_close_word close_word;
	} argument;

	memset(&argument, 0, sizeof(argument));
	switch (ioctl->request) {
	case XPMEM_IOC_QUERY:
		break;
	case XPMEM_IOC_MAKE:
		argument.make =
			(struct xpmem_ioc_make){ .vaddr = page, .length = PAGE, .mode = 0600 };
		break;
	case XPMEM_IOC_REMOVE:
		argument.remove.segid = export_range(page, PAGE);
		break;
	case XPMEM_IOC_GET:
		argument.get = (struct xpmem_ioc_get){ .segid = segid, .flags = XPMEM_GET_RDWR };
		break;
	case XPMEM_IOC_RELEASE:
		argument.release.apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
		break;
	case XPMEM_IOC_ATTACH:
		argument.attach = (struct xpmem_ioc_attach){ .apid = apid, .length = PAGE };
		break;
	case XPMEM_IOC_DETACH:
		argument.detach.vaddr = CHECK_OK(ATTACH(.apid = apid, .length = PAGE));
		break;
	case XPMEM_IOC_SEGMENT_FD:
		argument.segment_fd =
			(struct xpmem_ioc_segment_fd){ .segid = segid, .flags = XPMEM_GET_RDWR };
		break;
	case XPMEM_IOC_WAIT:
		argument.wait = (struct xpmem_ioc_wait){ .vaddr = page,
							 .expected = *(uint32_t *)page,
							 .deadline = XPMEM_DEADLINE_NEVER };
		break;
	case XPMEM_IOC_WAKE:
		argument.wake = (struct xpmem_ioc_wake){ .vaddr = page, .count = 1 };
		break;
	case XPMEM_IOC_DMABUF:
		argument.dmabuf = (struct xpmem_ioc_dmabuf){ .apid = apid, .length = PAGE };
		break;
	case XPMEM_IOC_CLOSE_WORD:
		argument.close_word.vaddr = page;
		break;
	default:
		FAIL("no arguments known for ioctl %s: add them here", ioctl->name);
	}
	*(uint32_t *)&argument = ioctl->size;
	return &argument;
}

static void expect(const struct abi_ioctl *ioctl, void *argument, long expected, const char *what)
{
	long result = device_call(ioctl->request, argument);

	if (result != expected)
		FAIL("ioctl %s, %s: %s, expected %s", ioctl->name, what, describe(result),
		     describe(expected));
}

#define FOR_EACH_IOCTL(ioctl)                                                                  \
	for (const struct abi_ioctl *ioctl = abi_ioctls; ioctl < abi_ioctls + ABI_IOCTL_COUNT; \
	     ioctl++)                                                                          \
		if (!ioctl->legacy)

static void set_size(void *argument, uint32_t size)
{
	*(uint32_t *)argument = size;
}

CASE(table_is_complete)
{
	unsigned long number;
	int known = 0;

	prepare();
	FOR_EACH_IOCTL(ioctl)
		known++;
	CHECK_EQ(known, 12);
	/* what the module serves and what the table says agree */
	for (number = 0; number < 256; number++) {
		long result = device_call(_IO('x', number), NULL);
		bool listed = false;
		size_t i;

		for (i = 0; i < ABI_IOCTL_COUNT; i++)
			listed |= abi_ioctls[i].request == _IO('x', number);
		if (listed == (result == -ENOTTY))
			FAIL("ioctl number %#lx is %s in the table, the module says %s", number,
			     listed ? "" : "not", describe(result));
	}
}

CASE(exact_size)
{
	prepare();
	FOR_EACH_IOCTL(ioctl) {
		CHECK(ioctl->min_size >= 8 && ioctl->min_size <= ioctl->size);
		expect(ioctl, valid_argument(ioctl), 0, "exact size");
	}
}

CASE(least_size)
{
	prepare();
	FOR_EACH_IOCTL(ioctl) {
		void *argument = valid_argument(ioctl);

		set_size(argument, ioctl->min_size);
		expect(ioctl, argument, 0, "least size");
	}
}

CASE(too_short)
{
	prepare();
	FOR_EACH_IOCTL(ioctl) {
		for (unsigned int size = 0; size < ioctl->min_size; size++) {
			void *argument = valid_argument(ioctl);

			set_size(argument, size);
			expect(ioctl, argument, -EINVAL, "too short");
		}
	}
}

static void expect_zero_tail(const struct abi_ioctl *ioctl, unsigned int size)
{
	unsigned char *argument = valid_argument(ioctl);

	set_size(argument, size);
	memset(argument + size, 0xa5, ROOM - size);
	expect(ioctl, argument, 0, "longer, the rest zero");
	for (unsigned int byte = ioctl->size; byte < size; byte++)
		CHECK_EQ(argument[byte], 0);
	for (unsigned int byte = size; byte < ROOM; byte++)
		CHECK_EQ(argument[byte], 0xa5);
}

/* a newer program on this module: what it does not use is zero, and comes back untouched */
CASE(longer_and_zero)
{
	prepare();
	FOR_EACH_IOCTL(ioctl) {
		for (unsigned int more = 1; more <= 64; more++)
			expect_zero_tail(ioctl, ioctl->size + more);
		expect_zero_tail(ioctl, PAGE);
	}
}

/* a newer program that uses what this module does not know */
CASE(longer_and_not_zero)
{
	prepare();
	FOR_EACH_IOCTL(ioctl) {
		for (unsigned int byte = 0; byte < 64; byte++)
			for (int bit = 0; bit < 8; bit++) {
				unsigned char *argument = valid_argument(ioctl);

				set_size(argument, ioctl->size + 64);
				argument[ioctl->size + byte] = 1 << bit;
				expect(ioctl, argument, -E2BIG, "longer, the rest not zero");
			}
		for (unsigned int byte = ioctl->size; byte < PAGE; byte += 61) {
			unsigned char *argument = valid_argument(ioctl);

			set_size(argument, PAGE);
			argument[byte] = 0x80;
			expect(ioctl, argument, -E2BIG, "a page, one byte of it not zero");
		}
	}
}

CASE(longer_than_a_page)
{
	prepare();
	FOR_EACH_IOCTL(ioctl) {
		static const uint32_t sizes[] = { PAGE + 1, PAGE + 8, 2 * PAGE, UINT32_MAX };

		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			void *argument = valid_argument(ioctl);
			long result;

			set_size(argument, sizes[i]);
			result = device_call(ioctl->request, argument);
			if (result != -E2BIG && result != -EINVAL)
				FAIL("ioctl %s, size %u: %s, expected E2BIG or EINVAL", ioctl->name,
				     sizes[i], describe(result));
		}
	}
}

CASE(unknown_flags)
{
	prepare();
	FOR_EACH_IOCTL(ioctl) {
		for (int bit = 0; bit < 32; bit++) {
			uint32_t *argument = valid_argument(ioctl);

			if (ioctl->flags & 1U << bit)
				continue;
			argument[1] |= 1U << bit;
			expect(ioctl, argument, -EINVAL, "unknown flag");
		}
	}
}

/*
 * each set of known flags is either served or refused as the contract says, whatever else is asked
 */
CASE(flags_that_do_not_go_together)
{
	long descriptor;

	prepare();
	descriptor = CHECK_OK(SEGMENT_FD(.segid = segid, .flags = XPMEM_GET_RDWR));
	for (unsigned int flags = 0; flags < 8; flags++) {
		const unsigned int access = flags & (XPMEM_GET_RDONLY | XPMEM_GET_RDWR);
		const bool one_access = access == XPMEM_GET_RDONLY || access == XPMEM_GET_RDWR;
		long by_segid = GET(.segid = segid, .flags = flags),
		     by_descriptor = GET(.fd = descriptor, .flags = flags);

		CHECK_EQ(by_segid > 0 ? 0 : by_segid,
			 one_access && !(flags & XPMEM_GET_FD) ? 0 : -EINVAL);
		if (flags & XPMEM_GET_FD || !one_access)
			CHECK_EQ(by_descriptor > 0 ? 0 : by_descriptor, one_access ? 0 : -EINVAL);
		CHECK_EQ(GET(.segid = segid, .fd = descriptor, .flags = flags), -EINVAL);
		by_segid = SEGMENT_FD(.segid = segid, .flags = flags);
		CHECK_EQ(by_segid > 0 ? 0 : by_segid,
			 one_access && !(flags & XPMEM_GET_FD) ? 0 : -EINVAL);
	}
	for (unsigned int flags = 0; flags < 8; flags++) {
		long free_place = map_anonymous(PAGE), address;

		unmap(free_place, PAGE);
		address = ATTACH(.apid = apid, .length = PAGE, .vaddr = free_place, .flags = flags);
		CHECK_EQ(address, flags & XPMEM_ATTACH_FIXED ? free_place : -EINVAL);
		address =
			ATTACH(.apid = apid, .length = PAGE, .flags = flags & ~XPMEM_ATTACH_FIXED);
		CHECK_OK(address);
	}
}

/* a number with a size or a direction in it is another ioctl */
CASE(other_encodings)
{
	prepare();
	FOR_EACH_IOCTL(ioctl)
		for (int bit = _IOC_SIZESHIFT; bit < 32; bit++)
			expect(&(struct abi_ioctl){ .name = ioctl->name,
						    .request = ioctl->request | 1UL << bit },
			       valid_argument(ioctl), -ENOTTY, "a size or direction in its number");
}

/* the frozen ioctls refuse, too, what they do not know */
CASE(legacy_values)
{
	prepare();
	for (int bit = 0; bit < 64; bit++) {
		struct xpmem_cmd_make make = { .vaddr = page,
					       .size = PAGE,
					       .permit_type = 1,
					       .permit_value = 0600 ^ 1ULL << bit };
		struct xpmem_cmd_get get = {
			.segid = segid, .flags = 2, .permit_type = 1, .permit_value = 1ULL << bit
		};

		if (bit >= 9) {
			CHECK_EQ(device_call(XPMEM_CMD_MAKE, &make), -EINVAL);
			CHECK_EQ(device_call(XPMEM_CMD_GET, &get), -EINVAL);
		}
		if (bit >= 32)
			continue;
		make.permit_value = 0600;
		make.permit_type = 1 ^ 1U << bit;
		CHECK_EQ(device_call(XPMEM_CMD_MAKE, &make), -EINVAL);
		get.permit_value = 0;
		get.permit_type = 1 ^ 1U << bit;
		CHECK_EQ(device_call(XPMEM_CMD_GET, &get), -EINVAL);
		get.permit_type = 1;
		get.flags = 2 ^ 1U << bit;
		CHECK_EQ(device_call(XPMEM_CMD_GET, &get), -EINVAL);
	}
}

CASE(reserved_bits)
{
	int tried = 0;

	prepare();
	FOR_EACH_IOCTL(ioctl) {
		for (unsigned int i = 0; i < ioctl->reserved_count; i++) {
			for (int bit = 0; bit < 32; bit++) {
				uint32_t *argument = valid_argument(ioctl);

				argument[ioctl->reserved[i] / 4] |= 1U << bit;
				expect(ioctl, argument, -EINVAL, "reserved bit");
				tried++;
			}
		}
	}
	CHECK(tried >= 32);
}

/* what the kernel writes is not read */
CASE(garbage_in_output)
{
	prepare();
	FOR_EACH_IOCTL(ioctl) {
		unsigned char *argument = valid_argument(ioctl);

		for (unsigned int i = 0; i < ioctl->field_count; i++)
			if (ioctl->fields[i].direction == ABI_OUT)
				memset(argument + ioctl->fields[i].offset, 0xa5,
				       ioctl->fields[i].size);
		expect(ioctl, argument, 0, "garbage in what is only written");
		for (unsigned int i = 0; i < ioctl->field_count; i++) {
			uint32_t word;

			if (ioctl->fields[i].direction != ABI_OUT)
				continue;
			memcpy(&word, argument + ioctl->fields[i].offset, sizeof(word));
			if (word == 0xa5a5a5a5)
				FAIL("ioctl %s does not write %s", ioctl->name,
				     ioctl->fields[i].name);
		}
	}
}

/* what the kernel only reads comes back as it was */
CASE(input_is_kept)
{
	prepare();
	FOR_EACH_IOCTL(ioctl) {
		unsigned char *argument = valid_argument(ioctl);
		unsigned char before[PAGE];

		memcpy(before, argument, ioctl->size);
		expect(ioctl, argument, 0, "exact size");
		for (unsigned int i = 0; i < ioctl->field_count; i++) {
			const struct abi_field *field = &ioctl->fields[i];

			if (field->direction == ABI_IN &&
			    memcmp(before + field->offset, argument + field->offset, field->size))
				FAIL("ioctl %s changes %s", ioctl->name, field->name);
		}
	}
}

CASE(bad_pointer)
{
	long memory;

	prepare();
	memory = map_anonymous(2 * PAGE);
	protect(memory + PAGE, PAGE, PROT_NONE);
	FOR_EACH_IOCTL(ioctl) {
		unsigned char *crossing = (unsigned char *)memory + PAGE - 8;

		expect(ioctl, NULL, -EFAULT, "no argument");
		expect(ioctl, (void *)(memory + PAGE), -EFAULT, "argument that cannot be read");
		expect(ioctl, (void *)-PAGE, -EFAULT, "argument in the kernel");
		memcpy(crossing, valid_argument(ioctl), 8);
		expect(ioctl, crossing, -EFAULT, "argument that cannot be read to its end");
	}
}

/* Fails unless the machine has as many objects of each kind as the process made. */
static void check_objects(const char *call)
{
	static const int kinds[] = {
		XPMEM_A_STATS_SEGMENTS, XPMEM_A_STATS_PERMITS, XPMEM_A_STATS_ATTACHMENTS,
	};
	static long before[3] = { -1 };
	int i;

	for (i = 0; i < 3; i++) {
		if (call && sweep_stat(kinds[i]) != before[i])
			FAIL("%s that cannot reply changes the number of objects", call);
		before[i] = sweep_stat(kinds[i]);
	}
}

/* the reply cannot be written, and what it would have told of is not made */
CASE(argument_in_read_only_memory)
{
	long memory;

	prepare();
	memory = map_anonymous(PAGE);
	FOR_EACH_IOCTL(ioctl) {
		bool replies = false;

		for (unsigned int i = 0; i < ioctl->field_count; i++)
			replies |= ioctl->fields[i].direction == ABI_OUT ||
				   ioctl->fields[i].direction == ABI_INOUT;
		protect(memory, PAGE, PROT_READ | PROT_WRITE);
		memcpy((void *)memory, valid_argument(ioctl), ioctl->size);
		protect(memory, PAGE, PROT_READ);
		check_objects(NULL);
		expect(ioctl, (void *)memory, replies ? -EFAULT : 0,
		       "argument in read-only memory");
		if (replies)
			check_objects(ioctl->name);
	}
}
