// SPDX-License-Identifier: GPL-2.0-only
/*
 * A group of the attachers of an exporter.
 *
 * The group's inode stands for the exporter's address space. Every VMA of these attachers maps it
 * at the source address, so the inode's i_mmap finds exactly the VMAs that overlap a change. A
 * window knows the groups that may map any of it, so a change skips most attachers that have not
 * touched the memory.
 *
 * A zap holds the i_mmap_rwsem of the inode already (zap.c), and unmap_mapping_range() takes it. So
 * the module zaps each VMA through a stand-in: a copy of the fields that the core reads, alone in
 * an address_space on the stack.
 */
#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/hugetlb_inline.h>
#include <linux/interval_tree_generic.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "compat/mm.h"
#include "group.h"

/* The mount of anonymous inodes. It outlives the module, so a late fput() is safe. Set once. */
static struct vfsmount *mount;

static const struct file_operations anchor_fops = { .owner = THIS_MODULE };

/* Modules cannot name the mount, but every anonymous file is on it. */
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

static struct xpmem_group *group_create(struct xpmem_exporter *exporter)
{
	struct xpmem_group *group;
	int error;

	error = find_mount();
	if (error)
		return ERR_PTR(error);
	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);
	group->exporter = exporter;
	group->inode = alloc_anon_inode(mount->mnt_sb);
	if (IS_ERR(group->inode)) {
		error = PTR_ERR(group->inode);
		kfree(group);
		return ERR_PTR(error);
	}
	return group;
}

static void group_destroy(struct xpmem_group *group)
{
	iput(group->inode);
	kfree(group);
}

static struct xpmem_group *group_get(struct xpmem_exporter *exporter, unsigned int number)
{
	struct xpmem_group **place = &exporter->groups[number], *group = READ_ONCE(*place), *raced;

	if (group)
		return group;
	group = group_create(exporter);
	if (IS_ERR(group))
		return group;
	raced = cmpxchg(place, NULL, group);
	if (!raced)
		return group;
	group_destroy(group);
	return raced;
}

static struct file *group_open_file(struct xpmem_group *group, int flags)
{
	const struct file_operations *fops = &xpmem_attachment_fops;
	struct file *file;

	__module_get(fops->owner);
	ihold(group->inode);
	file = alloc_file_pseudo(group->inode, mount, "[xpmem]", flags, fops);
	if (IS_ERR(file)) {
		iput(group->inode);
		module_put(fops->owner);
		return file;
	}
	file->private_data = group->exporter;
	return file;
}

/**
 * xpmem_group_file() - get the file that an attacher's attachments of an exporter map
 * @exporter: the caller keeps it, and so the file
 * @number: number of the attacher's group
 * @writable: whether the attachments may become writable
 *
 * Return: the file, which keeps the module loaded but not the exporter, or an error pointer.
 */
struct file *xpmem_group_file(struct xpmem_exporter *exporter, unsigned int number, bool writable)
{
	struct xpmem_group *group = group_get(exporter, number);
	struct file **place, *file, *raced;

	if (IS_ERR(group))
		return ERR_CAST(group);
	place = &group->files[writable];
	file = READ_ONCE(*place);
	if (file)
		return file;
	file = group_open_file(group, writable ? O_RDWR : O_RDONLY);
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

/* The core does not export its functions for i_mmap trees. These build and read the same trees. */
INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long, shared.rb_subtree_last,
		     first_page, last_page, static __maybe_unused, i_mmap)

/* An address_space with one stand-in, on the stack of the task that zaps. */
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
 * The i_mmap_rwsem that the VMA was found under keeps the VMA, its page tables and the notifiers of
 * its mm. The fields are those that unmap_mapping_range() reads, down to zap_pte_range() and
 * __split_huge_pmd().
 */
static void zap_one(struct standin *standin, const struct vm_area_struct *vma, unsigned long start,
		    unsigned long end)
{
	vm_flags_t flags = vma->vm_flags & ~(VM_LOCKED | VM_LOCKONFAULT);

	/*
	 * A pinnable VMA may become one with special and huge entries before a deferred zap gets
	 * there (xpmem_pinnable_end()). The core zaps anonymous entries alike.
	 */
	if (!(flags & VM_MIXEDMAP))
		flags |= VM_PFNMAP;
	standin->vma.vm_mm = vma->vm_mm;
	standin->vma.vm_start = vma->vm_start;
	standin->vma.vm_end = vma->vm_end;
	standin->vma.vm_pgoff = vma->vm_pgoff;
	standin->vma.vm_page_prot = vma->vm_page_prot;
	standin->vma.vm_ops = vma->vm_ops;
	standin->vma.vm_file = vma->vm_file;
	vm_flags_init(&standin->vma, flags);
	/* The tree has no other node. */
	standin->vma.shared.rb_subtree_last = last_page(&standin->vma);
	unmap_mapping_range(&standin->mapping, start, end - start, 1);
}

/*
 * A task of the attacher that moves or splits a huge entry holds the PMD's lock from when it clears
 * the entry until it has set the other one, or has flushed the TLBs. The zap skips a PMD that it
 * sees clear, without the lock. So this function waits for such a task. The zap reaches the new
 * place of a moved entry afterwards: the core has that VMA behind this one in the tree, or else
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

/**
 * xpmem_group_zap() - take a range away from attachments of a group
 * @group: the group
 * @lock: the group's i_mmap_rwsem, or that of the file for which a registrant waits (zap.c); the
 *	caller holds it. In the notifier, zap.c has asserted that, and lockdep is off here.
 * @wanted: tells whether to zap an attachment, or NULL for all
 * @data: passed to @wanted
 * @start: first source address
 * @end: end of the range
 */
void xpmem_group_zap(struct xpmem_group *group, const struct rw_semaphore *lock,
		     xpmem_attachment_test *wanted, const void *data, unsigned long start,
		     unsigned long end)
{
	struct rb_root_cached *tree = &group->inode->i_mapping->i_mmap;
	unsigned long first = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	const struct xpmem_attachment *attachment;
	struct standin standin;
	struct vm_area_struct *vma;

	lockdep_assert_held(lock);
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
 * xpmem_group_yield() - let notifiers have the i_mmap_rwsem of a group first
 * @exporter: the exporter
 * @number: number of the attacher's group
 *
 * An attacher calls this before it takes the lock for writing. The function waits a few
 * milliseconds at most. The caller may hold the mmap_lock.
 */
void xpmem_group_yield(struct xpmem_exporter *exporter, unsigned int number)
{
	struct xpmem_group *group = READ_ONCE(exporter->groups[number]);
	int i;

	for (i = 0; i < 50 && group && atomic_read(&group->waiting); i++)
		usleep_range(50, 100);
}

/**
 * xpmem_groups_revoke() - take a range away from attachments, outside of the notifier
 * @exporter: the exporter
 * @groups: a bit for each group with such attachments
 * @wanted: tells whether an attachment is one of them, or NULL for all
 * @data: passed to @wanted
 * @start: first source address
 * @end: end of the range
 *
 * The caller holds no lock but permit->attaching: it is a worker, or xpmem_permit_stop() has
 * asserted that. The function waits for tasks that map and unmap in the group.
 */
void xpmem_groups_revoke(struct xpmem_exporter *exporter, unsigned long groups,
			 xpmem_attachment_test *wanted, const void *data, unsigned long start,
			 unsigned long end)
{
	struct xpmem_group *group;
	unsigned int i;

	for_each_set_bit(i, &groups, XPMEM_GROUPS) {
		group = READ_ONCE(exporter->groups[i]);
		if (!group)
			continue;
		down_read(&group->inode->i_mapping->i_mmap_rwsem);
		xpmem_group_zap(group, &group->inode->i_mapping->i_mmap_rwsem, wanted, data,
				start, end);
		up_read(&group->inode->i_mapping->i_mmap_rwsem);
	}
}

/*
 * No task attaches any more: the mm has ended, or the exporter has no reference left. The files end
 * here and not with the exporter, because they keep the module loaded. The exporter may call this
 * again.
 */
void xpmem_groups_close(struct xpmem_exporter *exporter)
{
	struct file *file;
	unsigned int i, j;

	for (i = 0; i < XPMEM_GROUPS; i++) {
		for (j = 0; exporter->groups[i] && j < ARRAY_SIZE(exporter->groups[i]->files);
		     j++) {
			file = xchg(&exporter->groups[i]->files[j], NULL);
			if (file)
				fput(file);
		}
	}
}

/* Follows xpmem_groups_close(). */
void xpmem_groups_destroy(struct xpmem_exporter *exporter)
{
	unsigned int i;

	for (i = 0; i < XPMEM_GROUPS; i++)
		if (exporter->groups[i])
			group_destroy(exporter->groups[i]);
}

void xpmem_groups_exit(void)
{
	mntput(mount);
}
