/* SPDX-License-Identifier: GPL-2.0-only */
/* A client keeps the memory of one segment and of one permit for its next ones. */
#ifndef XPMEM_SPARE_H
#define XPMEM_SPARE_H

#include <linux/slab.h>

/* Returns NULL without memory. */
static inline void *xpmem_spare_alloc(struct kmem_cache *cache, void **spare)
{
	void *object = NULL;

	if (READ_ONCE(*spare))
		object = xchg(spare, NULL);
	return object ? object : kmem_cache_alloc(cache, GFP_KERNEL_ACCOUNT);
}

/* The caller keeps the client. With KASAN, frees all memory, so that KASAN finds later uses. */
static inline void xpmem_spare_keep(struct kmem_cache *cache, void **spare, void *object)
{
	if (IS_ENABLED(CONFIG_KASAN) || cmpxchg(spare, NULL, object))
		kmem_cache_free(cache, object);
}

/* The client has no reference left. */
static inline void xpmem_spare_free(struct kmem_cache *cache, void *spare)
{
	if (spare)
		kmem_cache_free(cache, spare);
}

#endif
