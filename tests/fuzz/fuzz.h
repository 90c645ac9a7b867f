/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzzer of the module. A program is a list of calls, each made by one of a few actors; what one
 * call returns may be an argument of later ones. The coordinator, root, tells the actors what to
 * call, and after each call and each program asks the oracle whether something happened that must
 * not.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define PAGE ((unsigned long)XPMEM_TEST_PAGE)
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum actor {
	EXPORTER,	/* the first three: processes of the same user */
	ATTACHER,
	THIRD,
	OTHER_USER,
	OTHER_IPC,	/* the same user in another ipc namespace */
	ADMIN,		/* root */
	CHILD,		/* what `fork` made last */
	THREAD,		/* a second thread of ATTACHER */
	ACTOR_COUNT
};

extern const char *const actor_names[ACTOR_COUNT];

/* what a parameter or a result is: where its values come from */
enum kind {
	KIND_NONE,
	KIND_ADDRESS,
	KIND_LENGTH,
	KIND_FLAGS,
	KIND_SEGID,
	KIND_APID,
	KIND_ATTID,
	KIND_DESCRIPTOR,
	KIND_ACTOR,
	KIND_NUMBER,
};

struct parameter {
	const char *name;
	enum kind kind;
	uint64_t usual;		/* when a program does not say */
	uint64_t mask; /* of KIND_FLAGS: flags that exist; of KIND_NUMBER: the largest sensible */
};

#define MAX_PARAMETERS 14

struct abi_ioctl;

struct result {
	long value;		/* or -errno, or -10000 - signal */
	long second;
	unsigned int id_count;
	long ids[8];		/* of netlink: the objects that were shown */
};

struct call_type {
	const char *name;
	enum kind result, second;
	unsigned int weight;	/* how often it is made up */
	struct parameter parameters[MAX_PARAMETERS];
	unsigned int parameter_count;
	/* NULL: the coordinator does it */
	void (*run)(const struct call_type *type, const uint64_t *arguments, struct result *result);
	const struct abi_ioctl *ioctl;
};

/* calls.c: what can be called; run in an actor */

#define MAX_CALL_TYPES 64

extern struct call_type call_types[MAX_CALL_TYPES];
extern unsigned int call_type_count;

void calls_init(int netlink_family);
const struct call_type *call_type_find(const char *name);
int parameter_find(const struct call_type *type, const char *name);
void calls_actor_init(int send_socket, int receive_socket, void (*become_child)(void));

/* program.c */

#define MAX_CALLS 32
#define FROM_NOTHING (-1)
#define FROM_CANARY (-2)	/* the segment of the canary */

struct argument {
	uint64_t value;		/* added to the result it is from */
	short from;		/* index of a call */
	bool second;		/* its second result */
};

struct call {
	const struct call_type *type;
	enum actor actor;
	bool at_once;		/* the next call does not wait for its end */
	struct argument arguments[MAX_PARAMETERS];
};

struct program {
	unsigned int count;
	struct call calls[MAX_CALLS];
};

/* false with a message on stderr */
bool program_read(struct program *program, const char *path);
void program_print(const struct program *program, FILE *out);
void program_generate(struct program *program);
void program_mutate(struct program *program, const struct program *other);
void program_remove(struct program *program, unsigned int index);

void random_seed(uint64_t seed);
uint64_t random_below(uint64_t limit);

/* execute.c */

void execute_init(void);
/* NULL, or what happened that must not; in a static buffer */
const char *execute(const struct program *program, bool verbose);
long actor_load(enum actor actor, unsigned long address);

/* oracle.c */

void oracle_init(void);
void oracle_begin(void);
void oracle_before(const struct call *call, const uint64_t *arguments);
const char *oracle_after(const struct call *call, const uint64_t *arguments,
			 const struct result *result);
const char *oracle_compare(enum actor actor, unsigned long address);
const char *oracle_end(void);
void oracle_forked(enum actor parent);
long oracle_canary_segid(void);
int oracle_family(void);

/* coverage.c */

/* false: this module was built without */
bool coverage_open(void);
void coverage_reset(void);
/* how many edges were taken that `known` does not have; adds them to it */
unsigned int coverage_merge(uint8_t *known);
bool coverage_includes(const uint8_t *wanted);
#define COVERAGE_SIZE 65536

/* A failure that makes going on pointless. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
