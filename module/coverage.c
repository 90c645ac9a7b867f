// SPDX-License-Identifier: GPL-2.0-only
/*
 * A map of the branches that ran in this module. A test program maps it from debugfs.
 *
 * Only a build with XPMEM_COVERAGE=1 contains this file. In that build gcc adds a call of
 * __sanitizer_cov_trace_pc() to every basic block of all other files.
 */
#include <linux/debugfs.h>
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "coverage.h"
#include "xpmem.h"

#define MAP_BITS 16
#define MAP_SIZE (1UL << MAP_BITS)
#define TASK_BITS 8

/* One byte per pair of blocks, 1 after a task ran them in succession. Readers reset it. */
static u8 *map;
static struct dentry *folder;

/* The last block of each task. Tasks that share a slot only add noise. */
static unsigned long last[1 << TASK_BITS];

void __sanitizer_cov_trace_pc(void);

void notrace __sanitizer_cov_trace_pc(void)
{
	/* Relative addresses keep maps comparable when the module is loaded at another address. */
	unsigned long block =
		hash_long(_RET_IP_ - (unsigned long)__sanitizer_cov_trace_pc, MAP_BITS);
	u8 *edges = READ_ONCE(map);
	unsigned long *previous;

	if (!edges || !in_task())
		return;
	previous = &last[hash_ptr(current, TASK_BITS)];
	block ^= READ_ONCE(*previous);
	WRITE_ONCE(*previous, (block ^ READ_ONCE(*previous)) >> 1);
	if (!READ_ONCE(edges[block]))
		WRITE_ONCE(edges[block], 1);
}

static int coverage_mmap(struct file *file, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, map, vma->vm_pgoff);
}

static const struct file_operations coverage_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.mmap = coverage_mmap,
	.llseek = noop_llseek,
};

int xpmem_coverage_init(void)
{
	void *edges = vmalloc_user(MAP_SIZE);

	if (!edges)
		return -ENOMEM;
	folder = debugfs_create_dir("xpmem", NULL);
	/* The safe variant's wrapper does not support mmap. */
	debugfs_create_file_unsafe("coverage", 0600, folder, NULL, &coverage_fops);
	WRITE_ONCE(map, edges);
	return 0;
}

/* No other code of the module runs. .owner keeps the module while a file is open or mapped. */
void xpmem_coverage_exit(void)
{
	void *edges = map;

	debugfs_remove(folder);
	WRITE_ONCE(map, NULL);
	vfree(edges);
}
