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
#define METHODS_MAX 8

/* what is done with a message once it is there */
enum use {
	USE_COPY,	/* it is brought into a buffer of the receiver */
	USE_IN_PLACE,	/* every byte of it is read, where it is if the method allows that */
	USE_COUNT,
};

enum format {
	FORMAT_TABLE,
	FORMAT_JSON,
};

struct options {
	size_t sizes[SIZES_MAX];
	unsigned int size_count;
	bool methods[METHODS_MAX];
	double seconds;		/* for each figure */
	int processors[2];	/* of receiver and sender; -1: any */
	bool huge_pages;
	bool quiet;
	enum format format;
	const char *plot;	/* file, or NULL */
};

extern struct options options;

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
	_Alignas(64) atomic_ulong ready;	/* 1 when the sender is */
	atomic_int error;			/* errno of the sender's last failure, or 0 */
	/* Written by the receiver before it asks. */
	_Alignas(64) atomic_uint method;
	atomic_bool ended;
	struct message message;
	xpmem_segid_t segment;			/* by the sender, before it is ready; or -errno */
	_Alignas(4096) char slots[SLOT_COUNT][SLOT_SIZE];
};

/* One pair of processes. Everything lives until the program ends. */
struct pair {
	struct channel *channel;
	size_t length;		/* of memory, and of shared */
	char *memory;		/* the sender's own; what the receiver has there is not touched */
	char *shared;		/* the same contents, shared from the start */
	char *buffer;		/* the receiver's */
	int pipe[2];
	pid_t sender;
	pid_t receiver;
	bool spins;		/* there is a processor for each */
	size_t page_size;
};

/*
 * A method to transfer a message. With `send`, the sender acts for each message; with `view`, the
 * receiver uses the message without a copy of its own and ends the view afterwards. Each function
 * returns false, or NULL, with errno set.
 */
struct method {
	const char *name;
	const char *what;
	bool uses_xpmem;
	bool streams;		/* what is sent in pieces is received while it is sent */
	bool (*begin)(struct pair *pair);				/* in the receiver, once */
	bool (*send)(struct pair *pair, const struct message *message);
	bool (*receive)(struct pair *pair, const struct message *message, void *buffer);
	const void *(*view)(struct pair *pair, const struct message *message);
	bool (*end_view)(struct pair *pair, const void *view);
	/* Chooses message number @number; returns false if these sizes do not fit. */
	bool (*choose)(const struct pair *pair, unsigned long number, struct message *message);
};

extern const struct method methods[];
extern const unsigned int method_count;

/* method.c: of the registration cache, since asked last */
double method_cache_hits(void);

struct result {
	bool measured;
	double latency;		/* seconds for one message that is asked for and waited for */
	double bandwidth;	/* bytes a second, of messages asked for many at a time */
	double cache_hits;	/* part of all look-ups, or negative */
};

struct results {
	struct result of[METHODS_MAX][USE_COUNT][SIZES_MAX];
	char missing[METHODS_MAX][160];	/* why a method could not be measured, or empty */
	int xpmem_version;		/* or negative */
};

extern const char *const use_names[USE_COUNT];

/* measure.c */
void measure(struct results *results);
/* Yields the processor at times. Returns false, with errno set, if the sender ended or failed. */
bool wait_until(const struct pair *pair, const atomic_ulong *counter, unsigned long value);

/* report.c */
void report_table(const struct results *results, FILE *file);
void report_json(const struct results *results, FILE *file);
void format_size(size_t size, char *text, size_t length);

/* plot.c: false after an error message */
bool plot(const struct results *results, const char *path);
bool plot_format(const char *path, const char **terminal);

/* main.c */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
