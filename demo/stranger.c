// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process of another user that knows the segment's id, and must be refused.
 *
 * usage: stranger SEGID
 */
#include <xpmem.h>

#include "demo.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		fail("usage: stranger SEGID");
	if (xpmem_get(strtoll(argv[1], NULL, 0), XPMEM_RDONLY, XPMEM_PERMIT_MODE, NULL) != -1)
		fail("another user got a permit");
	if (errno != EACCES)
		fail("refused, but not for lack of permission: %s", strerror(errno));
	say("refused: %s", strerror(errno));
	return EXIT_SUCCESS;
}
