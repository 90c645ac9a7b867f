/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "driver.h"
#include "harness.h"

int importer = -1;

long importer_open(void)
{
	importer = open("/dev/xpmem-importer", O_RDWR | O_CLOEXEC);
	return answer(importer);
}

long do_import(const long *descriptor_kind)
{
	struct importer_attach request = { .fd = descriptor_kind[0], .kind = descriptor_kind[1] };
	long result = importer_open();

	return result < 0 ? result : answer(ioctl(importer, IMPORTER_ATTACH, &request));
}

long do_pin(const long *address_pages_write)
{
	const long *a = address_pages_write;
	struct importer_pin request = { .address = a[0], .pages = a[1], .write = a[2] };
	long result = importer < 0 ? importer_open() : 0;

	return result < 0 ? result : answer(ioctl(importer, IMPORTER_PIN, &request));
}

long do_unpin(const long *none)
{
	(void)none;
	return answer(ioctl(importer, IMPORTER_UNPIN, 0));
}

long do_device_load(const long *offset)
{
	long value;
	ssize_t got = pread(importer, &value, sizeof(value), offset[0]);

	return got < 0 ? answer(got) : got == sizeof(value) ? value : -ERANGE;
}

long do_device_store(const long *offset_value)
{
	ssize_t put = pwrite(importer, offset_value + 1, sizeof(long), offset_value[0]);

	return put < 0 ? answer(put) : put == sizeof(long) ? 0 : -ERANGE;
}
