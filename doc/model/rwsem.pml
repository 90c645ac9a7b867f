/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks. Readers wait behind a writer that waits, as in an rwsem. */
typedef rwsem {
	byte readers;
	bit writer;
	byte writers_waiting;
};

#define free_to_read(l)		(!l.writer && !l.writers_waiting)
#define free_to_write(l)	(!l.writer && !l.readers)

#define read_lock(l)	free_to_read(l) -> l.readers++
#define read_unlock(l)	l.readers--
#define write_unlock(l)	l.writer = 0

inline write_lock(l)
{
	if
	:: free_to_write(l)
	:: else -> l.writers_waiting++; free_to_write(l); l.writers_waiting--
	fi;
	l.writer = 1
}
