// SPDX-License-Identifier: GPL-2.0-only
/*
 * A share of the attachers of a space.
 *
 * Its inode stands for the address space: every VMA of these attachers maps it at the source address, so
 * unmap_mapping_range() finds exactly those that overlap a change. A window knows in which shards any of it may be
 * mapped, so a change passes over most attachers of those who have not touched what changes.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/slab.h>

#include "xpmem.h"

struct xpmem_shard {
	struct xpmem_space *space;
	struct inode *inode;
	struct file *files[2];		/* what attachments map, to read only and to write; made for the first that needs it */
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	struct lockdep_map i_mmap_class;	/* what the inode's lock had before */
#endif
};

/*
 * Of the kernel's anonymous inodes: it outlives the module, whoever still closes one of our files.
 * Set once.
 */
static struct vfsmount *mount;

static const struct file_operations anchor_fops = { .owner = THIS_MODULE };

/* The mount cannot be named, but every anonymous file has it. */
static int find_mount(void)
{
	struct vfsmount *found;
	struct file *file;

	if (READ_ONCE(mount))
		return 0;
	file = anon_inode_getfile("[xpmem]", &anchor_fops, NULL, O_RDONLY);
	if (IS_ERR(file))
		return PTR_ERR(file);
	found = mntget(file->f_path.mnt);
	fput(file);
	if (cmpxchg(&mount, NULL, found))
		mntput(found);
	return 0;
}

#ifdef CONFIG_DEBUG_LOCK_ALLOC
/*
 * The page cache's i_mmap_rwsem may be held when the notifier takes ours, so it is a class of its own. The
 * lock's class outlives the inode in the kernel's cache of inodes, so it is put back.
 */
static struct lock_class_key i_mmap_key;

static void set_i_mmap_class(struct xpmem_shard *shard)
{
	struct rw_semaphore *lock = &shard->inode->i_mapping->i_mmap_rwsem;

	shard->i_mmap_class = lock->dep_map;
	lockdep_set_class(lock, &i_mmap_key);
}

static void restore_i_mmap_class(struct xpmem_shard *shard)
{
	shard->inode->i_mapping->i_mmap_rwsem.dep_map = shard->i_mmap_class;
}
#else
static void set_i_mmap_class(struct xpmem_shard *shard) { }
static void restore_i_mmap_class(struct xpmem_shard *shard) { }
#endif

static struct xpmem_shard *create(struct xpmem_space *space)
{
	struct xpmem_shard *shard;
	int error;

	error = find_mount();
	if (error)
		return ERR_PTR(error);
	shard = kzalloc(sizeof(*shard), GFP_KERNEL_ACCOUNT);
	if (!shard)
		return ERR_PTR(-ENOMEM);
	shard->space = space;
	shard->inode = alloc_anon_inode(mount->mnt_sb);
	if (IS_ERR(shard->inode)) {
		error = PTR_ERR(shard->inode);
		kfree(shard);
		return ERR_PTR(error);
	}
	set_i_mmap_class(shard);
	return shard;
}

static void destroy(struct xpmem_shard *shard)
{
	restore_i_mmap_class(shard);
	iput(shard->inode);
	kfree(shard);
}

static struct xpmem_shard *get(struct xpmem_space *space, unsigned int number)
{
	struct xpmem_shard **place = &space->shards[number], *shard = READ_ONCE(*place), *raced;

	if (shard)
		return shard;
	shard = create(space);
	if (IS_ERR(shard))
		return shard;
	raced = cmpxchg(place, NULL, shard);
	if (!raced)
		return shard;
	destroy(shard);
	return raced;
}

static struct file *open_file(struct xpmem_shard *shard, int flags)
{
	const struct file_operations *fops = &xpmem_attachment_fops;
	struct file *file;

	__module_get(fops->owner);
	ihold(shard->inode);
	file = alloc_file_pseudo(shard->inode, mount, "[xpmem]", flags, fops);
	if (IS_ERR(file)) {
		iput(shard->inode);
		module_put(fops->owner);
		return file;
	}
	file->private_data = shard->space;
	return file;
}

/**
 * xpmem_shard_file() - the file that an attacher's attachments of a space map
 * @space: kept by the caller, and so the file
 * @number: of its shard
 * @writable: whether they may become writable
 *
 * Return: the file, which keeps the module loaded but not the space, or an error pointer.
 */
struct file *xpmem_shard_file(struct xpmem_space *space, unsigned int number, bool writable)
{
	struct xpmem_shard *shard = get(space, number);
	struct file **place, *file, *raced;

	if (IS_ERR(shard))
		return ERR_CAST(shard);
	place = &shard->files[writable];
	file = READ_ONCE(*place);
	if (file)
		return file;
	file = open_file(shard, writable ? O_RDWR : O_RDONLY);
	if (IS_ERR(file))
		return file;
	raced = cmpxchg(place, NULL, file);
	if (!raced)
		return file;
	fput(file);
	return raced;
}

/**
 * xpmem_shards_zap() - take a range away from attachments
 * @space: the space
 * @shards: a bit for each shard whose attachments may map any of it
 * @start: first source address
 * @end: end of the range
 */
void xpmem_shards_zap(struct xpmem_space *space, unsigned long shards, unsigned long start, unsigned long end)
{
	unsigned int i;

	for_each_set_bit(i, &shards, XPMEM_SHARDS)
		unmap_mapping_range(space->shards[i]->inode->i_mapping, start, end - start, 1);
}

/* The i_mmap_rwsem of one of the shards, to teach lockdep with; somebody has attached. */
struct rw_semaphore *xpmem_shards_lock(struct xpmem_space *space)
{
	unsigned int i;

	for (i = 0; i < XPMEM_SHARDS; i++)
		if (READ_ONCE(space->shards[i]))
			return &space->shards[i]->inode->i_mapping->i_mmap_rwsem;
	return NULL;
}

/* No one refers to the space any more. Files go here and not later, as they keep the module loaded. */
void xpmem_shards_close(struct xpmem_space *space)
{
	unsigned int i, j;

	for (i = 0; i < XPMEM_SHARDS; i++)
		for (j = 0; space->shards[i] && j < ARRAY_SIZE(space->shards[i]->files); j++)
			if (space->shards[i]->files[j])
				fput(space->shards[i]->files[j]);
}

/* After xpmem_shards_close(). */
void xpmem_shards_destroy(struct xpmem_space *space)
{
	unsigned int i;

	for (i = 0; i < XPMEM_SHARDS; i++)
		if (space->shards[i])
			destroy(space->shards[i]);
}

void xpmem_shards_exit(void)
{
	mntput(mount);
}
