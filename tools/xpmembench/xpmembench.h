/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XPMEMBENCH_H
#define XPMEMBENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "xpmem.h"

#define SIZES_MAX 64
#define METHODS_MAX 12
#define PAIRS_MAX 64
#define PROCESSORS_MAX (2 * PAIRS_MAX)
/* A bidirectional pair has two receivers. */
#define MEMBERS_MAX (2 * PAIRS_MAX)
/* The time of each figure is divided into this many parts, each with a median of its own. */
#define ATTEMPTS 5
/* For the bandwidth, a receiver asks for this many messages at a time, or this many bytes. */
#define WINDOW 64
#define WINDOW_BYTES ((size_t)16 * 1024 * 1024)
/* A figure is noisy if medians of its parts differ by more than this part of the median. */
#define NOISE_LIMIT 0.10

/* what is done with a message once it is there */
enum use {
	USE_COPY,	/* it is brought into a buffer of the receiver */
	USE_IN_PLACE,	/* every byte of it is read, where it is if the method allows that */
	USE_COUNT,
};

enum figure {
	FIGURE_LATENCY,		/* seconds for one message that is asked for and waited for */
	FIGURE_BANDWIDTH,	/* bytes a second, of messages asked for many at a time */
	FIGURE_COUNT,
};

/* A task that waits spins this often before it yields, and looks for dead tasks so seldom. */
#define SPINS 200
#define YIELDS 1000

/* Of the JSON. */
#define SCHEMA_VERSION 1

enum format {
	FORMAT_TABLE,
	FORMAT_JSON,
};

/* The measurements of a run. */
struct plan {
	size_t sizes[SIZES_MAX];
	unsigned int size_count;
	bool methods[METHODS_MAX];
	double seconds;			/* for each figure */
	unsigned int pairs;
	bool bidirectional;
	bool huge_pages;
	int processors[PROCESSORS_MAX];	/* of each pair's receiver and sender */
	unsigned int processor_count;	/* 0: any */
};

struct options {
	struct plan plan;
	bool quiet;
	bool brief;
	enum format format;
	const char *plot;	/* file, or NULL */
	const char *from;	/* file of results to show instead of measuring, or NULL */
	const char *compare[2];	/* files of the old and the new results, or NULL */
};

extern struct options options;

/* Where a receiver and its sender ran; -1 is unknown. */
struct placement {
	int receiver_processor, receiver_node;
	int sender_processor, sender_node;
	int memory_node;	/* of the sender's memory */
};

struct environment {
	char date[32];
	char kernel[128];
	char machine[64];
	char cpu[128];
	char huge_pages[32];	/* the kernel's setting, as are all texts: empty if unknown */
	char governor[32];
	char program[32];
	char library[64];
	char module[64];
	long processors;
	long page_size;
	long nodes;
	double load;		/* runnable tasks before the run; negative: unknown */
	bool virtual_machine;
	bool emulated;
	int xpmem_version;	/* or negative */
	struct placement placements[MEMBERS_MAX];
	unsigned int placement_count;
};

/* All zero but the median where a file of results does not have the rest. */
struct spread {
	double min;
	double median;
	double p99;
	double noise;		/* what the medians of the parts differ by, by the median */
	unsigned long samples;
};

struct result {
	bool measured;
	struct spread figures[FIGURE_COUNT];
	double cache_hits;	/* part of all look-ups, or negative */
};

struct missing {
	char reason[160];	/* why a method could not be measured, or empty */
	char mend[240];		/* what mends it, or empty */
};

struct results {
	struct plan plan;
	struct environment environment;
	struct result of[METHODS_MAX][USE_COUNT][SIZES_MAX];
	struct missing missing[METHODS_MAX];
};

/* An offset in the sender's memory, and how much from there. */
struct message {
	size_t offset;
	size_t length;
};

#define SLOT_COUNT 4
#define SLOT_SIZE ((size_t)64 * 1024)

/* Memory of both processes. One side writes each counter, which has its own cache line. */
struct channel {
	_Alignas(64) atomic_ulong asked;	/* messages the receiver has asked for */
	_Alignas(64) atomic_ulong sent;		/* messages that are there */
	_Alignas(64) atomic_ulong filled;	/* slots */
	_Alignas(64) atomic_ulong emptied;
	_Alignas(64) atomic_ulong made;		/* segments of messages */
	_Alignas(64) atomic_ulong received;	/* of these, by the receiver */
	_Alignas(64) atomic_ulong finished;	/* messages that the sender has cleaned up after */
	_Alignas(64) atomic_ulong ready;	/* 1 when the sender is */
	atomic_int error;			/* errno of the sender's last failure, or 0 */
	/* Written by the receiver before it asks. */
	_Alignas(64) atomic_uint method;
	atomic_bool ended;
	atomic_bool abandoned;			/* the receiver takes no more */
	struct message message;
	xpmem_segid_t segment;			/* by the sender, before it is ready; or -errno */
	xpmem_segid_t segments[WINDOW];		/* of messages, or -errno */
	struct placement placement;		/* each side writes its part */
	_Alignas(4096) char slots[SLOT_COUNT][SLOT_SIZE];
};

/*
 * One direction between two processes, each of which has a struct of its own. Everything lives
 * until the program ends.
 */
struct pair {
	struct channel *channel;
	size_t length;		/* of memory, and of shared */
	char *memory;		/* the sender's own; what the receiver has there is not touched */
	char *shared;		/* the same contents, shared from the start */
	char *buffer;		/* the receiver's */
	int pipe[2];
	pid_t sender;
	pid_t receiver;
	pid_t child;		/* the sender, if it is a child of this process */
	bool sends;		/* this process is the sender */
	bool spins;		/* there is a processor for each */
	size_t page_size;
};

enum kind {
	KIND_MEMORY,
	KIND_XPMEM,
	KIND_CMA,
	KIND_PIPE,
};

/*
 * A method to transfer a message. With `send`, the sender acts for each message; with `view`, the
 * receiver uses the message without a copy of its own and ends the view afterwards; with `finish`,
 * the sender cleans up after each message. Each function returns false, or NULL, with errno set.
 */
struct method {
	const char *name;
	const char *heads[2];	/* the name, in two lines of a narrow column */
	const char *what;
	enum kind kind;
	bool streams;		/* what is sent in pieces is received while it is sent */
	bool is_limit;		/* not a way for memory that was not shared before */
	bool (*begin)(struct pair *pair);				/* in the receiver, once */
	bool (*send)(struct pair *pair, const struct message *message);
	bool (*finish)(struct pair *pair);
	bool (*receive)(struct pair *pair, const struct message *message, void *buffer);
	const void *(*view)(struct pair *pair, const struct message *message);
	bool (*end_view)(struct pair *pair, const void *view);
	/* Chooses message number @number; returns false if these sizes do not fit. */
	bool (*choose)(const struct pair *pair, unsigned long number, struct message *message);
};

/* method.c */
extern const struct method methods[];
extern const unsigned int method_count;
/* The number of the method, or -1. */
int method_find(const char *name);
/*
 * Returns the share of look-ups since the last call that the registration cache answered, or a
 * negative number if there were none.
 */
double method_cache_hits(void);
/* The memory that messages of these sizes come from. */
size_t method_memory(const struct plan *plan);

/* samples.c */
/* The next number of a linear congruential generator, with the multiplier of Knuth's MMIX. */
static inline uint64_t next_random(uint64_t number)
{
	return number * 6364136223846793005u + 1442695040888963407u;
}

#define SAMPLES_MAX 4096

/* A random choice, if there are more. */
struct samples {
	unsigned long count;
	double min;
	uint64_t random;
	double of[SAMPLES_MAX];
};

void samples_clear(struct samples *samples);
void samples_add(struct samples *samples, double value);
/* Of all samples of ATTEMPTS parts of @count receivers; @sets has the parts of each receiver. */
struct spread samples_spread(struct samples *const sets[], unsigned int count);

/* crew.c: the receivers of all pairs, which measure the same at the same time */
struct share {
	struct samples samples[FIGURE_COUNT][ATTEMPTS];
	double cache_hits;
};

struct crew {
	_Alignas(64) atomic_uint round;
	_Alignas(64) atomic_uint arrived;
	atomic_int pending;	/* the first error of this round, or 0 */
	int agreed;		/* of the last round; written before the round ends */
	unsigned int members;
	bool spins;
	struct share shares[];
};

struct member {
	struct crew *crew;
	struct pair *pair;
	unsigned int number;	/* 0 has the results */
};

size_t crew_size(unsigned int members);
/* Waits for all receivers, and returns an error of any of them, or 0. */
int crew_meet(const struct member *member, int error);

/* pair.c */
bool pair_wait(const struct pair *pair, const atomic_ulong *counter, unsigned long value);
/* Starts all pairs and calls @receive in each receiver. Only the first receiver returns. */
void pairs_run(struct results *results,
	       void (*receive)(const struct member *member, struct results *results));
/* The number of receivers. */
unsigned int plan_members(const struct plan *plan);
/* The place of a size, or -1. */
int plan_place(const struct plan *plan, size_t size);
size_t plan_need(const struct plan *plan);

/* measure.c */
void measure(const struct member *member, struct results *results);
extern const char *const use_names[USE_COUNT];
double result_rate(const struct result *result, size_t size);

/* memory.c: false after an error message */
bool memory_suffices(const struct plan *plan);

/* environment.c */
void environment_read(struct environment *environment);
void environment_place(struct placement *placement, const void *memory);

/* mend.c: the words that say what mends an error, or empty */
void mend(const struct method *method, int error, char *text, size_t length);

/* noise.c */
/* A sentence about noise and its likely causes; false if there is none. */
bool noise_warning(const struct results *results, char *text, size_t length);

/* verdict.c */
void verdict(const struct results *results, char *text, size_t length);

/* table.c */
void report_table(const struct results *results, bool brief, FILE *file);
void print_wrapped(const char *text, FILE *file);
void format_number(double value, char *text, size_t length);
double percent(double part);

/* json.c and load.c: false after an error message */
void report_json(const struct results *results, FILE *file);
bool load(const char *path, struct results *results);

/* compare.c */
struct comparison {
	unsigned int worse, better, same;
};

/* False after an error message, if the two have nothing in common. */
bool compare(const struct results *old, const struct results *new, FILE *file,
	     struct comparison *comparison);

/* plot.c: false after an error message */
bool plot_format(const char *path, const char **terminal);
bool plot_check(const char *path);
bool plot(const struct results *results, const char *path);

/* size.c */
#define SIZE_LIMIT ((size_t)1 << 40)

void format_size(size_t size, char *text, size_t length);
/* The end of the size in @text, or NULL. */
const char *parse_size(const char *text, size_t *size);

/* options.c */
void parse_options(int count, char **arguments);

/* main.c */
enum status {
	STATUS_OK,
	STATUS_FAILURE,		/* nothing or not all could be measured, or not written */
	STATUS_USAGE,
	STATUS_WORSE,		/* a comparison has found figures that are worse */
};

void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
