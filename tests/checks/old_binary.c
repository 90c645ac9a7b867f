// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program as it was linked long ago. With OLD_LIBRARY defined this is the library it
 * was linked with, which had no symbol versions and whose calls all return 42.
 */
#include <xpmem.h>

#ifdef OLD_LIBRARY

#define ANSWER 42
int xpmem_version(void) { return ANSWER; }
xpmem_segid_t xpmem_make(void *vaddr, size_t size, int type, void *value)
{ (void)vaddr; (void)size; (void)type; (void)value; return ANSWER; }
int xpmem_remove(xpmem_segid_t segid) { (void)segid; return ANSWER; }
xpmem_apid_t xpmem_get(xpmem_segid_t segid, int flags, int type, void *value)
{ (void)segid; (void)flags; (void)type; (void)value; return ANSWER; }
int xpmem_release(xpmem_apid_t apid) { (void)apid; return ANSWER; }
void *xpmem_attach(struct xpmem_addr addr, size_t size, void *vaddr)
{ (void)addr; (void)size; (void)vaddr; return (void *)ANSWER; }
int xpmem_detach(void *vaddr) { (void)vaddr; return ANSWER; }
int xpmem_init(void) { return ANSWER; }
int xpmem_ioctl(int cmd, void *arg) { (void)cmd; (void)arg; return ANSWER; }

#else

#include <stdio.h>

int main(void)
{
	xpmem_segid_t segid = xpmem_make(NULL, XPMEM_MAXADDR_SIZE, XPMEM_PERMIT_MODE, (void *)0666);
	xpmem_apid_t apid = xpmem_get(segid, XPMEM_RDWR, XPMEM_PERMIT_MODE, (void *)0666);
	struct xpmem_addr address = { .apid = apid, .offset = 4096 };

	printf("%d %#x %d %d %d\n", xpmem_init(), (unsigned int)xpmem_version(),
	       segid > 0 && segid != 42, apid > 0 && apid != 42,
	       xpmem_attach(address, 1, (void *)0x10000) == (void *)0x10000);
	printf("%d %d %d %d\n", xpmem_detach((void *)0x10000), xpmem_release(apid),
	       xpmem_remove(segid), xpmem_ioctl(-1, NULL));
	return 0;
}

#endif
