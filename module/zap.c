// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zap of a change, in the exporter's notifier, which does not wait for the i_mmap_rwsem.
 *
 * A zap notifies the attacher. No task may register a notifier in the attacher between the start
 * and the end of that notification, and page tables must stay. So a zap needs a lock that
 * mm_take_all_locks() and munmap() take: the i_mmap_rwsem. But mm_take_all_locks() keeps it while
 * it waits for the anon_vma roots and i_mmap_rwsems of all that the attacher maps, and the task
 * that changes the exporter may hold one of these while the notifier runs: migration and reclaim
 * walk an anon_vma that fork() shared, and truncation walks a file that both map. If the notifier
 * waited, both tasks would wait forever, and so would all tasks that register a notifier anywhere.
 * So:
 *
 *   - The notifier only tries for the lock. All other tasks that write-lock it (mmap, munmap,
 *     mremap, fork) hold no other lock that the notifier's caller could hold, and wait for none. So
 *     they drop it soon, and the notifier can try again. A notifier that tries has no place in the
 *     lock's queue, so attachers wait a little before they map or split (xpmem_group_yield()).
 *   - If the registrant, the task that registers a notifier, holds the group's lock and waits for
 *     the lock of the file that the change is about, the notifier joins the readers of the file's
 *     lock, unless its caller has the lock for writing. Then the registrant cannot go on until the
 *     notifier returns, and it holds every lock that a zap needs. So the notifier zaps without
 *     taking the group's lock (hold_registrant()).
 *   - If the notifier fails for long, and the change may be one that walks an rmap, the notifier
 *     defers the zap (deferral.c) and returns, and both tasks go on.
 */
#include <linux/delay.h>
#include <linux/hugetlb_inline.h>
#include <linux/lockdep.h>
#include <linux/pagemap.h>

#include "compat/mm.h"
#include "compat/mm_locks.h"
#include "change.h"
#include "group.h"

/* The caller holds @lock, which keeps the VMAs of the group: see xpmem_group_zap(). */
static void zap_in_notifier(struct xpmem_group *group, const struct rw_semaphore *lock,
			    unsigned long start, unsigned long end)
{
	lockdep_assert_held(lock);
	/*
	 * lockdep takes the notification of the attacher for a recursion into the running notifier.
	 * The recursion ends in the attacher (invalidation.c). lockdep still learns which locks the
	 * callbacks take inside the notifier's lockdep map, from xpmem_groups_revoke().
	 */
	lockdep_off();
	xpmem_group_zap(group, lock, NULL, NULL, start, end);
	lockdep_on();
}

/* A zap of one group in the notifier, which may not get the group's lock. */
struct standoff {
	struct xpmem_exporter *exporter;
	struct xpmem_group *group;
	unsigned long start;
	unsigned long end;
	struct address_space *mapping;	/* of the file that the change is about, once it is known */
	bool joined;			/* hold_registrant() took the file's lock */
	bool caller_walks_rmap;
};

/*
 * Whether the caller walks an rmap. Reclaim does, and so does compaction for a task that needs
 * memory, whatever locks the task holds. So does a caller that holds neither the mmap_lock nor the
 * lock of a VMA: all other callers hold one of the two to keep the page tables. No caller takes or
 * drops these locks while the notifier runs, so it is enough to see each of them once in a state in
 * which the caller cannot hold it.
 */
static bool caller_walks_rmap(const struct standoff *standoff)
{
	struct mm_struct *mm = standoff->exporter->mm;

	if (current->flags & PF_MEMALLOC)
		return true;
	/* A VMA with a reader stays in the tree. */
	return !xpmem_mmap_lock_may_be_mine(mm) &&
	       !xpmem_vma_test(mm, standoff->start, xpmem_vma_has_readers);
}

/*
 * Returns the mapping of the file that the changed page belongs to, or NULL. A lock of the task
 * that changes the exporter keeps the VMA, and with it the file. No assertion knows which lock that
 * is: hold_registrant() is about to find out.
 */
static struct address_space *changed_file(const struct standoff *standoff)
{
	struct xpmem_exporter *exporter = standoff->exporter;
	struct address_space *mapping = NULL;
	struct page *page, *head;

	page = xpmem_deferral_first_page(exporter, standoff->start, standoff->end);
	if (!page)
		return NULL;
	head = compound_head(page);
	if (!PageAnon(head) && !(PageHead(head) && PageHuge(head)))
		mapping = READ_ONCE(head->mapping);
	put_page(page);
	return mapping;
}

/*
 * Whether the caller may be walking the rmap of standoff->mapping. In a private mapping, it may
 * instead be looking for an anonymous page in whose place the exporter maps a page of the file now.
 * Then this is false whenever no task holds the file's lock for reading. (A VMA that cannot be
 * tested is most likely shared.)
 */
static bool caller_may_walk_file(const struct standoff *standoff)
{
	return !xpmem_vma_test(standoff->exporter->mm, standoff->start, xpmem_vma_is_private) ||
	       xpmem_rwsem_may_be_mine(&standoff->mapping->i_mmap_rwsem);
}

/* Sets standoff->mapping to the file whose lock the caller may hold, or to NULL. */
static void find_file(struct standoff *standoff)
{
	if (!standoff->mapping)
		standoff->mapping = changed_file(standoff);
	if (standoff->mapping && !caller_may_walk_file(standoff))
		standoff->mapping = NULL;
}

static bool is_in_all_locks(const struct address_space *mapping)
{
	return test_bit(AS_MM_ALL_LOCKS, &mapping->flags);
}

/*
 * Whether a registrant sleeps in mm_take_all_locks() with the group's lock. A registrant does not
 * sleep while it drops the locks, and no other task that holds a group's lock for writing sleeps. A
 * task that just got the lock may still look asleep, with the mark of a registrant that drops
 * locks. If the caller holds a file's lock, and that registrant had it, it has cleared the file's
 * mark already.
 */
static bool registrant_sleeps(const struct xpmem_group *group)
{
	const struct address_space *mapping = group->inode->i_mapping;
	struct task_struct *writer;
	bool sleeps;

	rcu_read_lock();
	writer = xpmem_rwsem_writer(&mapping->i_mmap_rwsem);
	sleeps = writer && task_state_to_char(writer) == 'D' && is_in_all_locks(mapping);
	rcu_read_unlock();
	return sleeps;
}

/*
 * Whether a registrant holds the group's lock and waits for the lock of @mapping, which the caller
 * holds. One task at a time is in mm_take_all_locks(). It marks a mapping before it locks it, and
 * clears the mark after it has unlocked it. So a mark of @mapping that is seen after the registrant
 * was seen taking locks, or after @mapping had no mark, means that the registrant waits for the
 * lock of @mapping: as long as the caller has that lock, no registrant gets as far as dropping
 * locks. The group's mark, seen after that of @mapping, belongs to the same registrant, which
 * locked the group first.
 */
static bool registrant_waits(const struct xpmem_group *group, const struct address_space *mapping)
{
	lockdep_assert_held(&mapping->i_mmap_rwsem);
	if (is_in_all_locks(mapping) && !registrant_sleeps(group))
		return false;
	/* Pairs with test_and_set_bit() in mm_take_all_locks(). The read of the mark precedes. */
	smp_rmb();
	if (!is_in_all_locks(mapping))
		return false;
	/* Pairs with the same: the registrant marked the group before @mapping. */
	smp_rmb();
	return is_in_all_locks(group->inode->i_mapping);
}

static void release_registrant(struct standoff *standoff)
{
	if (standoff->joined)
		up_read(&standoff->mapping->i_mmap_rwsem);
}

/*
 * If a registrant holds the group's lock and waits for that of the file that the change is about,
 * keeps it there until release_registrant(). Then no task changes VMAs or page tables of the
 * registrant's process, nor its notifiers.
 */
static bool hold_registrant(struct standoff *standoff)
{
	find_file(standoff);
	if (!standoff->mapping)
		return false;
	/* Truncations before 5.17, and splits of huge pages, hold it for writing. */
	standoff->joined = !xpmem_rwsem_is_mine_to_write(&standoff->mapping->i_mmap_rwsem);
	if (standoff->joined && !xpmem_rwsem_join(&standoff->mapping->i_mmap_rwsem))
		return false;
	if (registrant_waits(standoff->group, standoff->mapping))
		return true;
	release_registrant(standoff);
	return false;
}

/*
 * Whether the caller is fork(), which copies the PTEs of private mappings with the mmap_lock held
 * for writing. The kernel announces write-back of shared mappings in the same way, and migration in
 * the way in which fork() announces hugetlb pages.
 */
static bool caller_forks(const struct xpmem_exporter *exporter, unsigned long start,
			 enum mmu_notifier_event event)
{
	struct vm_area_struct *vma;

	if (!xpmem_rwsem_is_mine_to_write(&exporter->mm->mmap_lock))
		return false;
	vma = find_vma(exporter->mm, start);
	return vma && vma->vm_start <= start && xpmem_vma_is_private(vma) &&
	       (event == MMU_NOTIFY_PROTECTION_PAGE || is_vm_hugetlb_page(vma));
}

/**
 * xpmem_zap_may_defer() - whether the zap of a change may be deferred
 * @exporter: the exporter
 * @event: the change
 * @start: first source address
 *
 * Tasks that announce changes whose zaps may not be deferred, fork() among them, hold no lock of an
 * rmap meanwhile, except those of hugetlbfs files, which mm_take_all_locks() takes before the locks
 * of other files. So they take no part in a deadlock. After these changes the memory may be in use
 * elsewhere, so references to its pages would not be enough.
 *
 * Return: true if the zap may be deferred.
 */
bool xpmem_zap_may_defer(const struct xpmem_exporter *exporter, enum mmu_notifier_event event,
			 unsigned long start)
{
	switch (event) {
	case MMU_NOTIFY_UNMAP:
	case MMU_NOTIFY_PROTECTION_VMA:
	case MMU_NOTIFY_SOFT_DIRTY:
	case MMU_NOTIFY_MIGRATE:
	case MMU_NOTIFY_RELEASE:
		return false;
	case MMU_NOTIFY_PROTECTION_PAGE:
	case MMU_NOTIFY_CLEAR:
		return !caller_forks(exporter, start, event);
	default:
		return true;
	}
}

/*
 * Returns the jiffies for which the notifier tries before it defers the zap. A truncation goes on
 * with its page even if the zap is deferred, so a change of a file's page waits as long as it
 * takes: in the end, the notifier gets the group's lock, or holds the registrant. (The limit is for
 * a private mapping whose file has readers of its lock all the time.) A caller that may hold the
 * mmap_lock or a VMA's lock most likely does, and holds no lock of an rmap. A registrant that
 * sleeps while the caller walks an rmap most likely waits for the caller, with the attacher's
 * mmap_lock held.
 */
static unsigned long standoff_patience(struct standoff *standoff)
{
	if (standoff->mapping)
		return 60 * HZ;
	if (!standoff->caller_walks_rmap)
		standoff->caller_walks_rmap = caller_walks_rmap(standoff);
	if (!standoff->caller_walks_rmap)
		return HZ;
	return registrant_sleeps(standoff->group) ? HZ / 100 : HZ / 10;
}

/* A build with race points defers some zaps that could be done, because deadlocks are rare. */
static bool defers_by_chance(struct standoff *standoff, enum mmu_notifier_event event)
{
	if (!xpmem_race_chance("zap-deferred") ||
	    !xpmem_zap_may_defer(standoff->exporter, event, standoff->start))
		return false;
	find_file(standoff);
	return !standoff->mapping && caller_walks_rmap(standoff);
}

/* Zaps a range of a group in the exporter's notifier. Returns false if the zap must be deferred. */
static bool try_zap(struct standoff *standoff, enum mmu_notifier_event event)
{
	struct xpmem_group *group = standoff->group;
	struct rw_semaphore *lock = &group->inode->i_mapping->i_mmap_rwsem;
	unsigned long begun = jiffies;
	bool locked, zaps, may_defer;

	if (defers_by_chance(standoff, event))
		return false;
	locked = zaps = down_read_trylock(lock);
	if (!locked) {
		may_defer = xpmem_zap_may_defer(standoff->exporter, event, standoff->start);
		atomic_inc(&group->waiting);
		do {
			usleep_range(10, 50);
			locked = zaps = down_read_trylock(lock);
			if (!locked && may_defer)
				zaps = hold_registrant(standoff);
		} while (!zaps && (!may_defer || jiffies - begun <= standoff_patience(standoff)));
		atomic_dec(&group->waiting);
	}
	if (zaps)
		zap_in_notifier(group, locked ? lock : &standoff->mapping->i_mmap_rwsem,
				standoff->start, standoff->end);
	if (locked)
		up_read(lock);
	else if (zaps)
		release_registrant(standoff);
	return zaps;
}

/**
 * xpmem_zap_groups() - take a range away from attachments, in the exporter's notifier
 * @exporter: the exporter
 * @groups: a bit for each group whose attachments may map any of it
 * @start: first source address
 * @end: end of the range, which is active
 * @event: the change
 *
 * When this returns, no attachment maps any of the range, except in groups whose zap was deferred.
 * Those attachments may reach the pages a little longer, and the kernel neither frees nor moves the
 * pages until then.
 */
void xpmem_zap_groups(struct xpmem_exporter *exporter, unsigned long groups, unsigned long start,
		      unsigned long end, enum mmu_notifier_event event)
{
	unsigned long left = groups;
	unsigned int i;

	do {
		for_each_set_bit(i, &groups, XPMEM_GROUPS) {
			struct standoff standoff = { .exporter = exporter,
						     .group = exporter->groups[i],
						     .start = start,
						     .end = end };

			if (try_zap(&standoff, event))
				left &= ~BIT(i);
		}
		groups = left;
	} while (left && !xpmem_deferral_add(exporter, left, start, end));
}
