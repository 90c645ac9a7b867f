/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XPMEM_DEVICE_H
#define XPMEM_DEVICE_H

/* The names have the prefix of the library, as they are global in libxpmem.a. */

/* Opens the device for this process unless it is open. Returns 0, or -1 and errno. */
int xpmem_device_open(void);

/*
 * Calls ioctl on this process's own open file of the device, which it opens if needed.
 * Threads and signal handlers may call it, also after any kind of fork.
 */
int xpmem_device_ioctl(unsigned long command, void *argument);

/* Like xpmem_device_ioctl(), but sets ENOSYS if the loaded module does not know the command. */
int xpmem_device_call(unsigned long command, void *request);

#endif
