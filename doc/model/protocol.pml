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
rwsem anon_vma;			/* a root that A and B share, as B descends from A */
rwsem i_mmap;			/* of a file that A and B map */
rwsem attachment_lock;
rwsem shard_lock;		/* the i_mmap of the private address_space that holds the parts */

#ifdef ZAP_THROUGH_FILE
#define index_lock i_mmap
#else
#define index_lock shard_lock
#endif

/* Nothing but register() waits for i_mmap. */
#if defined(REGISTER) && !defined(ZAP_THROUGH_FILE)
#define FILE_LOCKED true
#else
#define FILE_LOCKED false
#endif

/* A page-table entry. */
typedef entry {
	bit present;
	bit write;
};

entry a;			/* A's own */
entry b;			/* B's */

/* What a task's fault saw of A's entry; it outlives the fault in the stash. */
typedef snapshot {
	bit valid;
	bit write;
	bit raced;		/* window->seq differs from the one that was sampled */
	bit stale;		/* A's entry differs; the module cannot know */
};

snapshot seen[2];		/* of each task */

byte ranges;			/* space->lock; active ranges that cover the page */
bit mapped;			/* window->lock; an attachment may map the page */
bit dead;			/* the segment or the permit */

mtype = { none, whole, half };
mtype part = none;		/* index_lock; what the index has of B's VMA */
bit split;			/* b_mmap; B unmapped half of its VMA, not the one with the page */
bit unmapped;			/* b_mmap; B unmapped all of it */

byte tasks_left;
byte stash_owner;		/* STASH_SHARED: the task that used the one slot last */
byte a_wanted;			/* CONTEND: tasks that wait for a_mmap */

/* What the properties are stated with. */
byte changing;			/* start callbacks that returned and have not ended */
bit revoked;			/* the revocation has returned */
bit tables_freed;		/* B's page tables */

inline zap()
{
	if
	:: part != none -> assert(!tables_freed); b.present = 0; b.write = 0
	:: else
	fi
}

/* window->seq++ */
inline bump()
{
	seen[0].raced = 1; seen[1].raced = 1
}

/* invalidate_range_start() */
inline start()
{
	ranges++;
	atomic {
		bump();
		collected = mapped;
#ifdef CLEAR_BEFORE_ZAP
		mapped = 0
#endif
	};
	if
	:: collected ->
		atomic { read_lock(index_lock) };
		atomic { zap(); read_unlock(index_lock) };
#ifndef CLEAR_BEFORE_ZAP
		mapped = 0
#endif
	:: else
	fi;
	atomic { assert(!b.present); changing++ }
}

/* A's entry is another from now on. */
inline change(is_present, is_write)
{
	assert(!b.present);
	a.present = is_present;
	a.write = is_write;
	seen[0].stale = 1; seen[1].stale = 1
}

/* invalidate_range_end(), which the kernel also calls after a start that refused. */
inline end(refused)
{
	if
	:: ranges > 0 -> ranges--
	:: else
	fi;
	if
	:: refused
	:: else -> changing--
	fi
}

/* Drop B's part. In a split VMA, `only` leaves a part that does not reach into the other half. */
inline drop(only)
{
	atomic { write_lock(attachment_lock) };
	if
	:: part != none && (only) ->
		atomic { write_lock(index_lock) };
#ifdef DROP_WITHOUT_ZAP
		atomic { part = none; write_unlock(index_lock) };
		atomic { b.present = 0; b.write = 0 };
#else
		atomic { zap(); part = none; write_unlock(index_lock) };
#endif
	:: else
	fi;
	write_unlock(attachment_lock)
}

/* Look at A's entry. The caller holds a_mmap. Sets `busy` if an invalidation runs. */
inline take_snapshot()
{
#ifdef SAMPLE_LATE
	busy = ranges > 0;
	seen[me].raced = 0;
#else
	atomic { busy = ranges > 0; seen[me].raced = 0 };
#endif
	atomic {
		seen[me].valid = a.present && (!write || a.write) && !busy;
		seen[me].write = a.write && seen[me].valid;
		seen[me].stale = 0;
	}
}

/* A task of B that reads the page; with `rmw` its instruction reads and then writes. */
proctype task(byte me; bit rmw)
{
	bit write, busy, collected, tried;

instruction:
	atomic {
		seen[me].valid = 0; seen[me].write = 0; seen[me].raced = 0; seen[me].stale = 0;
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
		:: unmapped || dead -> read_unlock(b_mmap); goto out
		:: else
		fi;
#ifdef STASH_SHARED
		if
		:: stash_owner != me -> seen[me].valid = 0
		:: else
		fi;
#endif
		if
		:: tried && seen[me].valid -> goto insert
		:: else
		fi
	};
in_place:
	/* A's lock is only tried. */
	atomic {
		if
		:: free_to_read(a_mmap) -> a_mmap.readers++
		:: else -> goto wait
		fi
	};
	take_snapshot();
	atomic {
		read_unlock(a_mmap);
		if
		:: seen[me].valid -> goto insert
		:: else
		fi
	};
#ifdef MKWRITE_ZAPS
	if
	:: write && !busy ->
		atomic { read_lock(index_lock) };
		atomic { zap(); read_unlock(index_lock) };
		atomic { read_unlock(b_mmap); goto instruction }
	:: else
	fi;
#endif
wait:
	/* No lock of B's from here to the retry. */
	read_unlock(b_mmap);
	ranges == 0;
	atomic {
		a_wanted++;
		read_lock(a_mmap);
		a_wanted--
	};
	/* A's own page fault. */
	if
	:: a.present && write && !a.write ->
		start();
		atomic { change(a.present, a.present) };
		atomic { end(false) }
	:: else ->
		atomic {
			if
			:: !a.present -> a.present = 1; a.write = write
			:: else
			fi
		}
	fi;
	take_snapshot();
	atomic {
		stash_owner = me;
		read_unlock(a_mmap);
		tried = 1;
		goto fault
	};

insert:
#ifdef PART_NOT_RECHECKED
	if
	:: part != none
	:: else -> atomic { write_lock(attachment_lock) };
		atomic { write_lock(index_lock) };
		atomic {
			part = (split -> half : whole);
			write_unlock(index_lock); write_unlock(attachment_lock)
		}
	fi;
	atomic { read_lock(attachment_lock) };
#else
	atomic {
		read_lock(attachment_lock);
		if
		:: part == none && !dead -> read_unlock(attachment_lock)
		:: else -> goto locked
		fi
	};
	atomic { write_lock(attachment_lock) };
	if
	:: part == none && !dead -> atomic { write_lock(index_lock) };
		atomic { part = (split -> half : whole); write_unlock(index_lock) }
	:: else
	fi;
	atomic { write_unlock(attachment_lock); goto insert };
locked:
#endif
	/* Under window->lock. */
	atomic {
		if
		:: !dead && !seen[me].raced ->
			assert(!seen[me].stale && !changing && !revoked && !tables_freed);
			b.present = 1; b.write = b.write || seen[me].write;
			mapped = 1
		:: else
		fi
	};
	atomic { read_unlock(attachment_lock); read_unlock(b_mmap); goto instruction };
out:
	tasks_left--
}

/* Reclaim, migration or truncation of A's page: holds a lock of what maps it, and no mmap_lock. */
proctype reclaim()
{
	bit collected, of_file;

	atomic {
		if
		:: read_lock(anon_vma)
		:: FILE_LOCKED -> of_file = 1; read_lock(i_mmap)
		fi
	};
	start();
	atomic { change(0, 0) };
	atomic {
		end(false);
		if
		:: of_file -> read_unlock(i_mmap)
		:: else -> read_unlock(anon_vma)
		fi
	}
}

/* A system call of A that changes its mapping, under its mmap_lock. */
proctype change_mapping()
{
	bit collected, exclusive;

	atomic {
		if
		:: exclusive = 1; write_lock(a_mmap)
		:: read_lock(a_mmap)
		fi
	};
	start();
	atomic { change(0, 0) };
	atomic {
		end(false);
		if
		:: exclusive -> write_unlock(a_mmap)
		:: else -> read_unlock(a_mmap)
		fi
	}
}

/* The OOM reaper, whose start must not wait and so may refuse. */
proctype reap()
{
	bit refused;

	atomic { read_lock(a_mmap) };
	ranges++;
	atomic {
		if
		:: !mapped -> bump(); assert(!b.present); changing++
		:: refused = 1
		fi
	};
	if
#ifdef REFUSAL_TAKES_OUT
	:: refused -> ranges--
#else
	:: refused
#endif
	:: else -> atomic { change(0, 0) }
	fi;
	atomic { end(refused); read_unlock(a_mmap) }
}

/* The segment or the permit dies. */
proctype revoke()
{
	dead = 1;
#ifdef REVOKE_TRUSTS_BITS
	bit collected = mapped;
	if
	:: collected -> atomic { read_lock(index_lock) };
		atomic { zap(); read_unlock(index_lock) }
	:: else
	fi;
#else
	drop(true);
#endif
	atomic { assert(dead && !b.present); revoked = 1 }
}

/* munmap() in B, of the whole VMA or of its other half. It may let other threads fault then. */
proctype unmap()
{
	bit downgraded;

	atomic {
		write_lock(b_mmap);
		if
		:: unmapped = 1
		:: split = 1
		fi;
		if
		:: downgraded = 1; b_mmap.writer = 0; b_mmap.readers++
		:: true
		fi
	};
	drop(unmapped || part == whole);
	atomic {
		assert(!unmapped || (!b.present && part == none));
		tables_freed = unmapped;
		if
		:: downgraded -> read_unlock(b_mmap)
		:: else -> write_unlock(b_mmap)
		fi
	}
}

/* mm_take_all_locks() of B, which every registration of an mmu notifier in B calls. */
proctype register()
{
	atomic { write_lock(b_mmap) };
	atomic { write_lock(i_mmap) };
	atomic { write_lock(anon_vma) };
	atomic { write_unlock(anon_vma); write_unlock(i_mmap); write_unlock(b_mmap) }
}

/* Other system calls of A, without end: trying for its lock fails, but who waits gets it. */
proctype contend()
{
	do
	:: tasks_left == 0 -> break
	:: else ->
		atomic { free_to_write(a_mmap) && !a_wanted -> a_mmap.writer = 1 };
		write_unlock(a_mmap)
	od
}

init {
	atomic {
#ifdef WRITER
		tasks_left++; run task(0, 1);
#endif
#ifdef READER
		tasks_left++; run task(1, 0);
#endif
#ifdef RECLAIM
		run reclaim();
#endif
#ifdef CHANGE
		run change_mapping();
#endif
#ifdef REAP
		run reap();
#endif
#ifdef REVOKE
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
