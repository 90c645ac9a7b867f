/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who the actors are. */
#ifndef ACTORS_H
#define ACTORS_H

#include <stdarg.h>

#include "fuzz.h"

#define NOT_RUN (-20000L)		/* the actor is dead or does not answer */
#define BY_SIGNAL(number) (-10000L - (number))

static inline uid_t actor_user(enum actor actor)
{
	return actor == ADMIN ? 0 : actor == OTHER_USER ? 2001 : 2000;
}

/* Nothing was loaded. */
static inline bool actor_is_signal(long value)
{
	return value == NOT_RUN || (value <= BY_SIGNAL(1) && value >= BY_SIGNAL(64));
}

/* Take the identity; for good. */
void actor_become(enum actor actor);

#endif
