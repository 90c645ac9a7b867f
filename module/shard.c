// SPDX-License-Identifier: GPL-2.0-only
/*
 * A share of the attachers of a space.
 *
 * Its inode stands for the address space: every VMA of these attachers maps it at the source
 * address, so the inode's i_mmap finds exactly those that overlap a change. A window knows in which
 * shards any of it may be mapped, so a change passes over most attachers that have not touched the
 * memory that changes.
 *
 * How the exporter's notifier zaps without waiting for the i_mmap_rwsem
 *
 * A zap notifies the attacher. Whoever registers a notifier in the attacher must not come in
 * between the start and the end of that, and page tables must stay, so a zap needs a lock that
 * mm_take_all_locks() and munmap() take: the i_mmap_rwsem. But mm_take_all_locks() keeps it while
 * it waits for the anon_vma roots and i_mmap_rwsems of all that the attacher maps, and the task
 * that changes the exporter may hold one of these while the notifier runs: migration and reclaim
 * walk an anon_vma that fork() shared, truncation walks a file that both map. If the notifier
 * waited, both would for ever, and with them all tasks that register a notifier anywhere. So:
 *
 *   - The notifier only tries for the lock. All others that write-lock it (mmap, munmap, mremap,
 *     fork) hold no other lock that the notifier's caller could hold, nor wait for one, so the lock
 *     is soon free, and trying again is right. A notifier that tries has no place in the queue, so
 *     attachers wait a little before they map or split (xpmem_shard_yield()).
 *   - If it fails for long, and the pages are those of a file whose i_mmap_rwsem the caller holds,
 *     and mm_take_all_locks() wants that lock, too, then the task that registers cannot go on until
 *     the notifier returns, and it holds all that a zap needs: so the notifier zaps without the
 *     lock.
 *   - If it fails for long, and the change may be one that walks an rmap, the zap is deferred
 *     (deferral.c), the notifier returns, and both tasks go on.
 *
 * unmap_mapping_range() takes the lock itself. So each VMA is zapped through a stand-in: a copy of
 * what the core reads of it, alone in an address_space on the stack.
 */
#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/interval_tree_generic.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "compat/mm.h"
#include "race.h"
#include "xpmem.h"

struct xpmem_shard {
	struct xpmem_space *space;
	struct inode *inode;
	struct file *files[2];		/* that VMAs map, read-only and writable; made on demand */
	atomic_t waiting;		/* notifiers that try for the i_mmap_rwsem in vain */
};

/* The mount of anonymous inodes. It outlives the module, so a late fput() is safe. Set once. */
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
	return shard;
}

static void destroy(struct xpmem_shard *shard)
{
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

#define first_page(vma) ((vma)->vm_pgoff)
#define last_page(vma) ((vma)->vm_pgoff + vma_pages(vma) - 1)

/* The core's functions for i_mmap trees are not exported. These make and read the same trees. */
INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long, shared.rb_subtree_last,
		     first_page, last_page, static __maybe_unused, i_mmap)

/* On the stack of the task that zaps: an address_space with one stand-in. */
struct standin {
	struct address_space mapping;
	struct vm_area_struct vma;
};

static void standin_init(struct standin *standin)
{
	static struct lock_class_key key;

	address_space_init_once(&standin->mapping);
	lockdep_set_class(&standin->mapping.i_mmap_rwsem, &key);
	memset(&standin->vma, 0, sizeof(standin->vma));
	i_mmap_insert(&standin->vma, &standin->mapping.i_mmap);
}

/*
 * The i_mmap_rwsem that the VMA is found by is held, so the VMA, its page tables and the notifiers
 * of its mm stay. The fields are those that unmap_mapping_range() reads down to zap_pte_range() and
 * __split_huge_pmd().
 */
static void zap_one(struct standin *standin, const struct vm_area_struct *vma, unsigned long start,
		    unsigned long end)
{
	standin->vma.vm_mm = vma->vm_mm;
	standin->vma.vm_start = vma->vm_start;
	standin->vma.vm_end = vma->vm_end;
	standin->vma.vm_pgoff = vma->vm_pgoff;
	standin->vma.vm_page_prot = vma->vm_page_prot;
	standin->vma.vm_ops = vma->vm_ops;
	standin->vma.vm_file = vma->vm_file;
	vm_flags_init(&standin->vma, vma->vm_flags & ~(VM_LOCKED | VM_LOCKONFAULT));
	/* It is alone in the tree. */
	standin->vma.shared.rb_subtree_last = last_page(&standin->vma);
	unmap_mapping_range(&standin->mapping, start, end - start, 1);
}

/*
 * A task of the attacher that moves a huge entry, or takes it apart, holds the lock of the PMD from
 * when it clears that until it has set the other, or has had processors forget it. The zap passes
 * over a PMD that it sees clear, without the lock. So this waits for such a task. Where the entry
 * was moved to is zapped afterwards: the core has that VMA behind this one in the tree, or else
 * holds the i_mmap_rwsem while it moves.
 */
static void wait_for_huge(const struct vm_area_struct *vma, unsigned long source,
			  unsigned long source_end)
{
	unsigned long first = vma->vm_pgoff << PAGE_SHIFT, address, end, next;
	struct mm_struct *mm = vma->vm_mm;
	pgd_t *pgd;
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	address = vma->vm_start + (max(source, first) - first);
	end = min(vma->vm_end, vma->vm_start + (source_end - first));
	for (; address < end; address = next) {
		next = pgd_addr_end(address, end);
		pgd = pgd_offset(mm, address);
		if (pgd_none(*pgd))
			continue;
		next = p4d_addr_end(address, end);
		p4d = p4d_offset(pgd, address);
		if (!p4d_present(*p4d))
			continue;
		next = pud_addr_end(address, end);
		pud = pud_offset(p4d, address);
		if (!pud_present(READ_ONCE(*pud)) || pud_leaf(*pud))
			continue;
		next = pmd_addr_end(address, end);
		pmd = pmd_offset(pud, address);
		if (pmd_none(READ_ONCE(*pmd)))
			spin_unlock(pmd_lock(mm, pmd));
	}
}

/*
 * Zaps what VMAs of wanted attachments map of a range, or all of the shard. The caller holds the
 * i_mmap_rwsem, or another task does that waits for the caller (registrant_waits_for_caller()).
 */
static void zap_locked(struct xpmem_shard *shard, xpmem_attachment_test *wanted, const void *data,
		       unsigned long start, unsigned long end)
{
	struct rb_root_cached *tree = &shard->inode->i_mapping->i_mmap;
	unsigned long first = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	const struct xpmem_attachment *attachment;
	struct standin standin;
	struct vm_area_struct *vma;

	standin_init(&standin);
	for (vma = i_mmap_iter_first(tree, first, last); vma;
	     vma = i_mmap_iter_next(vma, first, last)) {
		attachment = vma->vm_private_data;
		if (wanted && !wanted(attachment, data))
			continue;
		zap_one(&standin, vma, start, end);
		if (READ_ONCE(attachment->huge))
			wait_for_huge(vma, start, end);
	}
}

/**
 * xpmem_shards_patience() - how long a zap is tried before it is deferred
 * @event: the change
 * @size: bytes that it changes
 *
 * The callers that announce the changes named first hold no lock of rmap meanwhile but of hugetlbfs
 * files, which mm_take_all_locks() takes before those of other files. So they are no part of a
 * deadlock. And the memory may be in use elsewhere after them, so references to its pages would not
 * be enough. The same goes for fork(), but it looks like write-back unless it announces more than a
 * huge page.
 *
 * Return: jiffies, or 0: it is never deferred.
 */
unsigned long xpmem_shards_patience(enum mmu_notifier_event event, unsigned long size)
{
	switch (event) {
	case MMU_NOTIFY_UNMAP:
	case MMU_NOTIFY_PROTECTION_VMA:
	case MMU_NOTIFY_SOFT_DIRTY:
	case MMU_NOTIFY_MIGRATE:
	case MMU_NOTIFY_RELEASE:
		return 0;
	case MMU_NOTIFY_PROTECTION_PAGE:
		return size > PMD_SIZE ? 0 : HZ;
	default:
		return HZ / 10;
	}
}

/* Takes the shard's i_mmap_rwsem for reading, unless that takes more than @tries jiffies. */
static bool try_lock(struct xpmem_shard *shard, unsigned long tries)
{
	struct rw_semaphore *lock = &shard->inode->i_mapping->i_mmap_rwsem;
	unsigned long begun = jiffies;
	bool locked;

	if (down_read_trylock(lock))
		return true;
	atomic_inc(&shard->waiting);
	do {
		usleep_range(10, 50);
		locked = down_read_trylock(lock);
	} while (!locked && (!tries || jiffies - begun <= tries));
	atomic_dec(&shard->waiting);
	return locked;
}

/*
 * Before an attacher takes the lock for writing: lets notifiers have it first, for a few
 * milliseconds at most. The caller may hold the mmap_lock.
 */
void xpmem_shard_yield(struct xpmem_space *space, unsigned int number)
{
	struct xpmem_shard *shard = READ_ONCE(space->shards[number]);
	int i;

	for (i = 0; i < 50 && shard && atomic_read(&shard->waiting); i++)
		usleep_range(50, 100);
}

/*
 * Whether the task that keeps the shard's lock in mm_take_all_locks() cannot go on until the caller
 * of the notifier does. One task at a time is in there. It set the bit of the shard's inode, and
 * that of the file whose pages change. Nobody holds the exporter's mmap_lock, so the caller walks
 * the file's rmap and holds its i_mmap_rwsem for reading. So the other task has the shard's lock
 * and waits for the file's.
 */
static bool registrant_waits_for_caller(struct xpmem_space *space, struct xpmem_shard *shard,
					unsigned long start, unsigned long end)
{
	struct address_space *mapping;
	struct page *page;
	bool waits;

	if (rwsem_is_locked(&space->mm->mmap_lock) ||
	    !test_bit(AS_MM_ALL_LOCKS, &shard->inode->i_mapping->flags))
		return false;
	page = xpmem_deferral_first_page(space, start, end);
	if (!page)
		return false;
	mapping = READ_ONCE(compound_head(page)->mapping);
	waits = mapping && !PageAnon(page) && test_bit(AS_MM_ALL_LOCKS, &mapping->flags);
	put_page(page);
	return waits;
}

static void zap_in_notifier(struct xpmem_shard *shard, unsigned long start, unsigned long end)
{
	/*
	 * lockdep takes the notification of the attacher for a recursion into the one that runs. It
	 * ends there (invalidation.c). What the nested callbacks lock comes after the notifier's
	 * lockdep map in xpmem_shards_revoke(), too, where lockdep sees it.
	 */
	lockdep_off();
	zap_locked(shard, NULL, NULL, start, end);
	lockdep_on();
}

/* Returns false when the zap has to be deferred. */
static bool try_zap(struct xpmem_space *space, struct xpmem_shard *shard, unsigned long start,
		    unsigned long end, unsigned long patience)
{
	if (try_lock(shard, patience)) {
		zap_in_notifier(shard, start, end);
		up_read(&shard->inode->i_mapping->i_mmap_rwsem);
		return true;
	}
	if (!registrant_waits_for_caller(space, shard, start, end))
		return false;
	zap_in_notifier(shard, start, end);
	return true;
}

/**
 * xpmem_shards_zap() - take a range away from attachments, in the exporter's notifier
 * @space: the exporter
 * @shards: a bit for each shard whose attachments may map any of it
 * @start: first source address
 * @end: end of the range, which is active
 * @event: the change
 *
 * When this returns, nothing of the range is mapped any more, but for shards whose zap was
 * deferred: their attachments may reach the pages a little longer, which are neither freed nor
 * moved until then.
 */
void xpmem_shards_zap(struct xpmem_space *space, unsigned long shards, unsigned long start,
		      unsigned long end, enum mmu_notifier_event event)
{
	unsigned long patience = xpmem_shards_patience(event, end - start), left = shards;
	unsigned int i;

	do {
		for_each_set_bit(i, &shards, XPMEM_SHARDS)
			if (try_zap(space, space->shards[i], start, end, patience))
				left &= ~BIT(i);
		shards = left;
	} while (left && !xpmem_deferral_add(space, left, start, end));
}

/**
 * xpmem_shards_revoke() - take a range away from attachments, outside of the notifier
 * @space: the exporter
 * @shards: a bit for each shard with such attachments
 * @wanted: whether an attachment is one of them, or NULL for all
 * @data: for @wanted
 * @start: first source address
 * @end: end of the range
 *
 * The caller holds no lock but the mmap_lock of an attacher, and waits for those that map and unmap
 * in the shard.
 */
void xpmem_shards_revoke(struct xpmem_space *space, unsigned long shards,
			 xpmem_attachment_test *wanted, const void *data, unsigned long start,
			 unsigned long end)
{
	struct xpmem_shard *shard;
	unsigned int i;

	for_each_set_bit(i, &shards, XPMEM_SHARDS) {
		shard = READ_ONCE(space->shards[i]);
		if (!shard)
			continue;
		down_read(&shard->inode->i_mapping->i_mmap_rwsem);
		zap_locked(shard, wanted, data, start, end);
		up_read(&shard->inode->i_mapping->i_mmap_rwsem);
	}
}

/*
 * The mm has ended, so no attachment is made any more. Files go here and not with the space, as
 * they keep the module loaded. May be called again.
 */
void xpmem_shards_close(struct xpmem_space *space)
{
	struct file *file;
	unsigned int i, j;

	for (i = 0; i < XPMEM_SHARDS; i++) {
		for (j = 0; space->shards[i] && j < ARRAY_SIZE(space->shards[i]->files); j++) {
			file = xchg(&space->shards[i]->files[j], NULL);
			if (file)
				fput(file);
		}
	}
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
