/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of --output, which a complete new one replaces. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xpmemctl.h"

/* The name of the new file; NULL: none was begun. */
static char *part;

static enum status refuse(const char *why)
{
	if (part)
		unlink(part);
	free(part);
	part = NULL;
	return fail(STATUS_FAILED, "cannot write %s: %s", options.output, why);
}

/* Devices, links and folders are not replaced. */
static bool may_replace(void)
{
	struct stat target;

	return lstat(options.output, &target) || S_ISREG(target.st_mode);
}

/* The permission bits of a file that open() would create. */
static mode_t mode_of_new_file(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

enum status output_file_begin(void)
{
	int fd, error;

	if (!options.output)
		return STATUS_OK;
	if (!may_replace())
		return refuse("it is no regular file");
	/* Two writers at a time have a file each. */
	if (asprintf(&part, "%s.tmp.XXXXXX", options.output) < 0) {
		part = NULL;
		return out_of_memory();
	}
	fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0) {
		error = errno;
		free(part);
		part = NULL;
		return refuse(strerror(error));
	}
	error = fchmod(fd, mode_of_new_file()) || dup2(fd, STDOUT_FILENO) < 0 ? errno : 0;
	close(fd);
	return error ? refuse(strerror(error)) : STATUS_OK;
}

enum status output_file_end(void)
{
	if (!part)
		return output_finish();
	if (fflush(stdout) || ferror(stdout) || fsync(STDOUT_FILENO) ||
	    rename(part, options.output))
		return refuse(strerror(errno));
	free(part);
	part = NULL;
	return STATUS_OK;
}
