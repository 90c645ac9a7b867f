/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ELF note in which libxpmem.so has its version; xpmemctl reads it. Not installed. */
#ifndef XPMEM_VERSION_NOTE_H
#define XPMEM_VERSION_NOTE_H

#define XPMEM_NOTE_NAME "XPMEM"
#define XPMEM_NOTE_VERSION 1	/* type of the note; its content is a C string */

#endif
