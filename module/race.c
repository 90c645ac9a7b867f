// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decides from a seed whether to delay a task that passes a race point, or to have it take a rare
 * branch.
 *
 * Only a build with XPMEM_RACE=1 contains this file. The n-th pass of a point draws the n-th number
 * of a stream, which the seed and the name of the point determine. So the same seed gives the same
 * delays, as long as tasks pass each point in the same order.
 */
#include <linux/delay.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "race.h"

#define LONGEST_SLEEP 5000	/* microseconds */
#define SHORT_SLEEP 200		/* microseconds */
#define LONGEST_SPIN 50		/* microseconds */

static DEFINE_SPINLOCK(race_lock);
static struct xpmem_race *race_points;	/* race_lock; points that tasks have passed */
static u32 race_seed;			/* race_lock, to write; 0: no delays */

static unsigned int race_rate = 25;
module_param(race_rate, uint, 0644);
MODULE_PARM_DESC(race_rate, "Share of passes that are delayed, in percent (default: 25)");

static char race_only[32];
module_param_string(race_only, race_only, sizeof(race_only), 0644);
MODULE_PARM_DESC(race_only, "Name of the only point that delays (default: empty, all points)");

static int race_set_seed(const char *value, const struct kernel_param *param)
{
	struct xpmem_race *race;
	unsigned long flags;
	u32 seed;
	int error = kstrtou32(value, 0, &seed);

	if (error)
		return error;
	spin_lock_irqsave(&race_lock, flags);
	WRITE_ONCE(race_seed, seed);
	for (race = race_points; race; race = race->next) {
		race->passes = 0;
		race->delays = 0;
	}
	spin_unlock_irqrestore(&race_lock, flags);
	return 0;
}

static int race_get_seed(char *buffer, const struct kernel_param *param)
{
	return scnprintf(buffer, PAGE_SIZE, "%u\n", READ_ONCE(race_seed));
}

static const struct kernel_param_ops race_seed_ops = { .set = race_set_seed, .get = race_get_seed };
module_param_cb(race_seed, &race_seed_ops, NULL, 0644);
MODULE_PARM_DESC(race_seed, "Seed of the delays, restarts all streams (default: 0, no delays)");

/*
 * Prints a line for each point that tasks have passed: its name, and its passes and delays since
 * the seed was set.
 */
static int race_get_passes(char *buffer, const struct kernel_param *param)
{
	struct xpmem_race *race;
	unsigned long flags;
	int length = 0;

	spin_lock_irqsave(&race_lock, flags);
	for (race = race_points; race; race = race->next)
		length += scnprintf(buffer + length, PAGE_SIZE - length, "%s %lu %lu\n", race->name,
				    race->passes, race->delays);
	spin_unlock_irqrestore(&race_lock, flags);
	return length;
}

static const struct kernel_param_ops race_passes_ops = { .get = race_get_passes };
module_param_cb(race_passes, &race_passes_ops, NULL, 0444);
MODULE_PARM_DESC(race_passes, "The points that were passed, with their passes and delays");

/* Counts a pass and draws a number for it. Returns whether to delay the pass. */
static bool race_draw(struct xpmem_race *race, u32 *number)
{
	unsigned long flags, pass;
	u32 stream, seed;
	bool delay;

	if (!READ_ONCE(race_seed))
		return false;
	spin_lock_irqsave(&race_lock, flags);
	if (!race->listed) {
		race->listed = true;
		race->next = race_points;
		race_points = race;
	}
	pass = race->passes++;
	seed = race_seed;
	stream = jhash(race->name, strlen(race->name), seed);
	delay = seed && jhash_2words(pass, 0, stream) % 100 < READ_ONCE(race_rate) &&
		(!race_only[0] || sysfs_streq(race_only, race->name));
	if (delay)
		race->delays++;
	spin_unlock_irqrestore(&race_lock, flags);
	*number = jhash_2words(pass, 1, stream);
	return delay;
}

/**
 * xpmem_race_sleep() - perhaps delay the calling task, which may sleep
 * @race: the point that it passes
 *
 * Yields, or sleeps for at most some milliseconds. Signals do not end the sleep.
 */
void xpmem_race_sleep(struct xpmem_race *race)
{
	unsigned int microseconds;
	u32 number;

	might_sleep();
	if (!race_draw(race, &number))
		return;
	microseconds = (number >> 2) % (number & 2 ? LONGEST_SLEEP : SHORT_SLEEP);
	if (number & 1)
		usleep_range(microseconds, microseconds + SHORT_SLEEP / 4);
	else
		schedule();
}

/**
 * xpmem_race_delay() - perhaps keep the processor busy for some microseconds
 * @race: the point that the caller passes, which must not sleep
 */
void xpmem_race_delay(struct xpmem_race *race)
{
	u32 number;

	if (race_draw(race, &number))
		udelay(number % LONGEST_SPIN);
}

/**
 * xpmem_race_choose() - choose whether the calling task takes a rare branch
 * @race: the point that it passes
 *
 * Return: true for the share of passes that other points delay.
 */
bool xpmem_race_choose(struct xpmem_race *race)
{
	u32 number;

	return race_draw(race, &number);
}
