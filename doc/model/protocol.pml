/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocol by which an attacher B maps a page of an exporter A and loses it again. README.md
 * says which function of the module each part stands for, and how spin checks the model.
 *
 * -D options choose the processes of a run, and one mistake for a run that must fail; README.md
 * lists both.
 */

#include "rwsem.pml"

rwsem a_mmap, b_mmap;		/* the mmap_locks */
rwsem rmap;			/* an anon_vma root or a file's i_mmap that A and B share */
rwsem attachment_lock;
rwsem group_lock;		/* the i_mmap of the inode that B's VMA maps */

/* A page-table entry. */
typedef entry {
	bit present;
	bit write;
	byte page;
};

entry a;			/* A's own */
entry b;			/* B's */

#define PAGES 6

byte refs[PAGES];		/* references that deferrals hold */

/* A task's fault saw this of A's entry, and keeps it for the next fault in an xpmem_retry. */
typedef snapshot {
	bit valid;
	bit write;
	byte page;
	bit raced;		/* window->seq differs from the one that was sampled */
};

snapshot seen[2];		/* of each task */

byte ranges;			/* active_lock; active ranges that cover the page */
bit mapped;			/* window->lock; an attachment may map the page */
bit touched;			/* attachment_lock; the attachment had an entry */
bit dead;			/* the segment or the permit */
bit withdrawn;			/* a revocation has begun */
bit unstable;			/* the OOM reaper has marked A's mm */
bit gone;			/* A's mm has no users */
byte users;			/* faults that have A's mm_users raised */
bit ended;			/* A's mm ended, and its release callback has returned */

bit linked = 1;			/* group_lock; B's VMA is in the i_mmap */
bit unmapped;			/* b_mmap; faults do not find B's VMA */

chan deferrals = [4] of { bit, byte };	/* whether each holds a reference, and of which page */
byte pending;			/* deferrals that are not done */

byte tasks_left;
byte retry_owner;		/* RETRY_SHARED: the task that used the one slot last */
byte a_wanted;			/* CONTEND: tasks that wait for a_mmap */

/* What the properties are stated with. */
byte changing;			/* start callbacks that returned and have not ended */
bit revoked;			/* a revocation has returned */
bit tables_freed;		/* B's page tables */

/* B has no entry, or one of a page that is kept. */
#define unreachable_or_held	(!b.present || refs[b.page])
/* The same, or the entry that A has. */
#define allowed			(unreachable_or_held || (a.present && a.page == b.page))

inline clear(entry_)
{
	entry_.present = 0; entry_.write = 0; entry_.page = 0
}

inline zap()
{
	assert(group_lock.readers > 0);
	if
	:: linked -> assert(!tables_freed); clear(b)
	:: else
	fi
}

inline locked_zap()
{
	atomic { read_lock(group_lock) };
	atomic { zap(); read_unlock(group_lock) }
}

/* window->seq++ */
inline bump()
{
	seen[0].raced = 1; seen[1].raced = 1
}

/* Take a reference of the page that A maps, and leave the zap to worker(). */
inline defer()
{
	has_ref = mapped;
	atomic {
		has_ref = has_ref && a.present;
#ifdef DEFER_WITHOUT_REFERENCE
		has_ref = 0;
#endif
		refs[a.page] = refs[a.page] + has_ref;
		pending++;
		deferrals!has_ref, a.page
	}
}

/* invalidate_range_start() before the zap. */
inline announce()
{
	ranges++;
	atomic {
		bump();
		collected = mapped;
#ifdef CLEAR_BEFORE_ZAP
		mapped = 0
#endif
	}
}

/* invalidate_range_start() after the zap, or without one. */
inline finish_start(may_defer)
{
	atomic {
#ifndef CLEAR_BEFORE_ZAP
		mapped = mapped && !collected;
#endif
#ifndef DEFERRALS_FORGOTTEN
		may_defer || !pending;
#endif
		assert(unreachable_or_held);
#ifdef STRICT
		assert(may_defer || !b.present);
#endif
		changing++
	}
}

/* invalidate_range_start(). A change that holds no lock of rmap does not defer. */
inline start(may_defer)
{
	announce();
	if
	:: collected ->
		if
		:: locked_zap()	/* waiting stands for trying again and again */
#ifndef ZAP_WAITS
		:: may_defer && !free_to_read(group_lock) -> defer()
#endif
		fi
	:: else
	fi;
	finish_start(may_defer)
}

/* invalidate_range_end() */
inline end()
{
	assert(ranges > 0 && changing > 0);
	ranges--;
	changing--
}

/* A's page is unmapped, and freed unless it is held. */
inline lose()
{
	assert(unreachable_or_held);
	clear(a)
}

/* A maps a page that nobody knows. */
inline gain(writable)
{
	a.present = 1;
	a.write = writable;
	a.page = 0;
	do
	:: refs[a.page] || (b.present && b.page == a.page) ||
	   (seen[0].valid && seen[0].page == a.page) ||
	   (seen[1].valid && seen[1].page == a.page) || a.page == old ->
		a.page++;
		assert(a.page < PAGES)
	:: else -> break
	od
}

inline forget()
{
	seen[me].valid = 0; seen[me].write = 0; seen[me].page = 0; seen[me].raced = 0
}

/* Begin a snapshot: window->seq, and then whether an invalidation runs. */
inline sample()
{
	seen[me].raced = 0;
	busy = ranges > 0 || unstable
}

/* Look at A's entry. The caller holds a_mmap. */
inline look()
{
#ifdef SAMPLE_LATE
	seen[me].raced = 0;
#endif
	atomic {
		seen[me].valid = a.present && (!write || a.write) && !busy;
		seen[me].write = a.write && seen[me].valid;
		seen[me].page = (seen[me].valid -> a.page : 0)
	}
}

/*
 * A task of B that reads the page; with `rmw` its instruction reads and then writes.
 * `write` is kept in the xpmem_retry with what the fault saw.
 */
proctype task(byte me; bit rmw)
{
	bit write, busy, collected, has_ref, tried, hint;
	byte old;

instruction:
	atomic {
		forget();
		tried = 0; busy = 0;
		if
		:: b.present && (!rmw || b.write) -> goto out
		:: else -> write = b.present
		fi
	};
fault:
	atomic {
		read_lock(b_mmap);
		if
		:: unmapped || dead || unstable || gone -> read_unlock(b_mmap); goto out
		:: else -> users++; write = write || hint; hint = 0
		fi;
#ifdef RETRY_SHARED
		if
		:: retry_owner != me -> seen[me].valid = 0
		:: else
		fi;
#endif
		if
		:: tried && seen[me].valid -> goto insert
		:: else
		fi
	};
	/* A's lock is only tried. */
	atomic {
		if
		:: free_to_read(a_mmap) -> a_mmap.readers++
		:: else -> goto wait
		fi;
		sample()
	};
	look();
	atomic {
		read_unlock(a_mmap);
		if
		:: seen[me].valid -> goto insert
		:: else
		fi
	};
wait:
#if defined(TRACKED) || defined(MKWRITE_ZAPS)
	/* page_mkwrite() takes away the entry that is read-only. */
	if
	:: b.present && write ->
		locked_zap();
		atomic {
#ifdef TRACKED
			hint = 1;
#endif
			users--; read_unlock(b_mmap); goto instruction
		}
	:: else
	fi;
#endif
	/* No lock of B's from here to the retry. */
	read_unlock(b_mmap);
	!ranges;
	atomic {
		a_wanted++;
		read_lock(a_mmap);
		a_wanted--
	};
	/* A's own page fault. */
	if
	:: a.present && write && !a.write ->
		start(true);
		atomic {
			if
			:: a.present -> old = a.page; lose(); gain(1); old = PAGES
			:: else
			fi;
			end()
		}
	:: else ->
		atomic {
			if
			:: !a.present -> old = PAGES; gain(write)
			:: else
			fi
		}
	fi;
	atomic { sample() };
	look();
	atomic {
		retry_owner = me;
		read_unlock(a_mmap);
		users--;
#ifdef HINT_LOST
		write = 0;
#endif
		tried = 1;
		goto fault
	};

insert:
	atomic { read_lock(attachment_lock) };
	/* Under window->lock. */
	atomic {
		if
		:: !seen[me].raced && !dead && !unstable ->
			assert(!changing && !revoked && !tables_freed);
			assert(a.present && a.page == seen[me].page && a.write >= seen[me].write);
			touched = 1;
			mapped = 1;
			if
			:: !b.present || b.page == seen[me].page ->
				b.present = 1;
				b.page = seen[me].page;
#ifdef TRACKED
				b.write = b.write || (write && seen[me].write)
#else
				b.write = b.write || seen[me].write
#endif
			:: else		/* until the page that a deferral holds has been zapped */
			fi
		:: else
		fi;
		read_unlock(attachment_lock); users--; read_unlock(b_mmap); goto instruction
	};
out:
	atomic { forget(); tasks_left-- }
}

/*
 * A change by an rmap walk. One that frees or moves the page gives up if the page is held, and
 * truncation does not: then the page is no longer A's.
 */
proctype walk_rmap()
{
	bit collected, has_ref;

	atomic { read_lock(rmap) };
	start(true);
	atomic {
		if
		:: a.present && refs[a.page]
		:: lose()
		fi
	};
	atomic { end(); read_unlock(rmap) }
}

/* A system call of A that changes its mapping, under its mmap_lock and no lock of rmap. */
proctype change_mapping()
{
	bit collected, has_ref, discards;

	atomic {
		if
		:: true -> write_lock(a_mmap)		/* munmap() and the like never defer */
		:: discards = 1; read_lock(a_mmap)	/* madvise() */
		fi
	};
	start(discards);
	atomic { lose() };
	atomic {
		end();
		if
		:: discards -> read_unlock(a_mmap)
		:: else -> write_unlock(a_mmap)
		fi
	}
}

/* The OOM reaper, whose start must not wait. The veto refuses it before the start. */
proctype reap()
{
	bit refused;

	atomic { read_lock(a_mmap) };
#ifndef UNSTABLE_LATE
	unstable = 1;
#endif
	refused = mapped;
	if
	:: refused
	:: else ->
		ranges++;
		atomic { assert(!mapped && unreachable_or_held); changing++ };
		atomic { lose() };
		atomic { end() }
	fi;
	atomic { unstable = 1; read_unlock(a_mmap) }
}

/* A's mm ends. */
proctype finish()
{
	bit collected, has_ref;

	atomic { !users -> gone = 1 };
	announce();
	if
	:: collected -> locked_zap()
	:: else
	fi;
	finish_start(false);
	ended = 1;
	atomic { lose(); end() }
}

/* The segment or the permit dies. */
proctype revoke()
{
	bit needed;

	atomic {
		if
		:: withdrawn -> goto second
		:: else -> withdrawn = 1
		fi
	};
	dead = 1;
#ifdef REVOKE_TRUSTS_BITS
	needed = mapped;
#else
	atomic { write_lock(attachment_lock) };
	atomic {
		write_unlock(attachment_lock);
		needed = touched && !ended
	};
#endif
	if
	:: needed ->
		locked_zap()
	:: else
	fi;
	atomic { assert(dead && !b.present); revoked = 1; goto out };
second:
#ifndef SECOND_REVOKER_RETURNS
	revoked;
#endif
	assert(withdrawn && !b.present);
out:
	skip
}

/* Zaps what was deferred. */
proctype worker()
{
	bit has_ref;
	byte page;

	do
	:: atomic { deferrals?has_ref, page };
		locked_zap();
		atomic {
			refs[page] = refs[page] - has_ref;
			assert(allowed);
			pending--;
			has_ref = 0; page = 0
		}
	:: _nr_pr == 2 -> break		/* only init is left */
	od
}

/* munmap() in B. It may let other threads fault then. */
proctype unmap()
{
	bit downgraded;

	atomic {
		write_lock(b_mmap);
		unmapped = 1;
		if
		:: downgraded = 1; b_mmap.writer = 0; b_mmap.readers++
		:: true
		fi
	};
	atomic { clear(b) };
	atomic { write_lock(group_lock) };
	atomic { linked = 0; write_unlock(group_lock) };
	atomic {
		assert(!b.present);
		tables_freed = 1;
		if
		:: downgraded -> read_unlock(b_mmap)
		:: else -> write_unlock(b_mmap)
		fi
	}
}

/* mm_take_all_locks() of B, which each registration of an mmu notifier in B calls. */
proctype register()
{
	bit rmap_first;

	atomic { write_lock(b_mmap) };
	if
	:: rmap_first = 1; atomic { write_lock(rmap) }
	:: true
	fi;
	atomic { write_lock(group_lock) };
	if
	:: rmap_first
	:: else -> atomic { write_lock(rmap) }
	fi;
	atomic { write_unlock(rmap); write_unlock(group_lock); write_unlock(b_mmap) }
}

/* Other system calls of A, without end: trying for its lock fails, a task that waits gets it. */
proctype contend()
{
	do
	:: !tasks_left -> break
	:: else ->
		atomic { free_to_write(a_mmap) && !a_wanted -> a_mmap.writer = 1 };
		write_unlock(a_mmap)
	od
}

init {
	atomic {
		run worker();
#ifdef WRITER
		tasks_left++; run task(0, 1);
#endif
#ifdef READER
		tasks_left++; run task(1, 0);
#endif
#ifdef RMAP
		run walk_rmap();
#endif
#ifdef CHANGE
		run change_mapping();
#endif
#ifdef REAP
		run reap();
#endif
#ifdef EXIT
		run finish();
#endif
#ifdef REVOKE
		run revoke();
#endif
#ifdef REVOKE_TWICE
		run revoke();
#endif
#ifdef UNMAP
		run unmap();
#endif
#ifdef REGISTER
		run register();
#endif
#ifdef CONTEND
		run contend();
#endif
	}
}
