// SPDX-License-Identifier: GPL-2.0-or-later
/* A mutex in memory that another process attaches, and that says so when its holder dies. */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xpmem.h>
#include <xpmem_ext.h>

struct counter {
	pthread_mutex_t mutex;
	long count;
};

static void count_and_die(xpmem_segid_t segid, size_t length)
{
	struct xpmem_addr from = { .apid = xpmem_get(segid, XPMEM_RDWR, XPMEM_PERMIT_MODE, NULL) };
	struct counter *counter = xpmem_attach(from, length, NULL);

	if (counter == XPMEM_FAILED)
		err(1, "xpmem_attach");
	pthread_mutex_lock(&counter->mutex);
	counter->count++;
	_exit(0);	/* with the mutex locked */
}

int main(void)
{
	size_t length = (size_t)sysconf(_SC_PAGESIZE);
	struct counter *counter = xpmem_alloc(sizeof(*counter), 0);
	pthread_mutexattr_t attributes;
	xpmem_segid_t segid;

	if (!counter)
		err(1, "xpmem_alloc");
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&counter->mutex, &attributes);
	segid = xpmem_make(counter, length, XPMEM_PERMIT_MODE, (void *)0600);
	if (segid < 0)
		err(1, "xpmem_make");

	if (!fork())
		count_and_die(segid, length);
	wait(NULL);
	if (pthread_mutex_lock(&counter->mutex) == EOWNERDEAD) {
		printf("the holder died at %ld\n", counter->count);
		pthread_mutex_consistent(&counter->mutex);
	}
	pthread_mutex_unlock(&counter->mutex);
	return 0;
}
