/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XPMEM_DEVICE_H
#define XPMEM_DEVICE_H

/* Opens the device for this process unless it is open. Returns 0, or -1 and errno. */
int device_open(void);

/*
 * ioctl on this process's own open file of the device, which is opened when needed.
 * Safe in threads, in signal handlers and after any kind of fork.
 */
int device_ioctl(unsigned long command, void *argument);

/* Like device_ioctl(), but fails with ENOSYS if the loaded module does not know the command. */
int device_call(unsigned long command, void *request);

#endif
