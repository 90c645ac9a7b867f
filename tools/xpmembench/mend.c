// SPDX-License-Identifier: GPL-2.0-or-later
/* Advice to administrators and users on a method that could not be measured. */
#include <errno.h>
#include <unistd.h>

#include "xpmembench.h"

static const char *mend_xpmem(int error)
{
	switch (error) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return "load the module with modprobe xpmem; xpmemctl doctor says why that fails";
	case EPERM:
		return "give this container the device: --device /dev/xpmem";
	case EACCES:
		return access("/dev/xpmem", R_OK | W_OK) ?
			       "let this user open /dev/xpmem: xpmemctl doctor says how" :
			       "permits were refused: xpmemctl stats counts why, as ptrace_denials";
	case EDQUOT:
		return "this user may have no more objects: remove some (xpmemctl usage shows "
		       "them), or raise the module's limits, which xpmem(7) names";
	case ENOMEM:
		return "raise vm.max_map_count with sysctl, or lower --sizes";
	default:
		return "xpmemctl doctor looks for causes";
	}
}

static void mend_cma(int error, char *text, size_t length)
{
	FILE *file;
	int scope = 0;

	if (error == ENOSYS) {
		snprintf(text, length, "use a kernel with CONFIG_CROSS_MEMORY_ATTACH");
		return;
	}
	if (error != EPERM)
		return;
	file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	if (file && fscanf(file, "%d", &scope) != 1)
		scope = 0;
	if (file)
		fclose(file);
	if (scope == 3)
		snprintf(text, length,
			 "ptrace scope 3 refuses it until a reboot: remove kernel.yama.ptrace_scope=3 "
			 "from /etc/sysctl.d, and reboot");
	else if (scope)
		snprintf(text, length, "ptrace scope %d refuses it: %s", scope,
			 "run sysctl kernel.yama.ptrace_scope=0, or xpmembench as root");
	else
		snprintf(text, length,
			 "a security module or seccomp filter refuses it: give the container "
			 "CAP_SYS_PTRACE, or leave cma-read and cma-write out of --methods");
}

void mend(const struct method *method, int error, char *text, size_t length)
{
	text[0] = 0;
	if (error == EILSEQ)
		snprintf(text, length,
			 "report this bug, and do not trust the figures of this method");
	else if (error == ESRCH)
		snprintf(text, length,
			 "the sending process ended: dmesg says whether the kernel killed it");
	else if (method->kind == KIND_XPMEM)
		snprintf(text, length, "%s", mend_xpmem(error));
	else if (method->kind == KIND_CMA)
		mend_cma(error, text, length);
	else if (method->kind == KIND_PIPE)
		snprintf(text, length, "raise fs.pipe-user-pages-soft with sysctl");
}
