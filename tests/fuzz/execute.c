/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a program: starts its actors, tells them what to call, ends them. Actors die of what they
 * do; the coordinator goes on. An actor that SIGKILL does not end is a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actors.h"

#define CALL_PATIENCE 2.0 /* seconds until the next call is made although this one has not ended */
#define KILL_PATIENCE 60.0
#define IDLE 0
#define ASKED 1

/* What the coordinator and one actor share. Actors may write anything here: it is not trusted. */
struct post {
	_Atomic uint32_t state;
	_Atomic int pid;
	unsigned int type;
	uint64_t arguments[MAX_PARAMETERS];
	struct result result;
};

static struct post *posts;
static _Atomic uint32_t *ended;	/* counts calls that ended, for whoever waits for one */
static int sockets[2];
static pid_t group;
static int waiting_for[ACTOR_COUNT];	/* index of the call that the actor makes, or -1 */
static bool verbose;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value, long milliseconds)
{
	struct timespec limit = { .tv_nsec = milliseconds * 1000000 };

	syscall(SYS_futex, word, FUTEX_WAIT, value, milliseconds ? &limit : NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void actor_become(enum actor actor)
{
	gid_t gid = actor_user(actor);

	if (actor == OTHER_IPC && unshare(CLONE_NEWIPC))
		_exit(1);
	if (actor != ADMIN && (setgroups(0, NULL) || setresgid(gid, gid, gid) ||
			       setresuid(actor_user(actor), actor_user(actor), actor_user(actor))))
		_exit(1);
	/* as after exec: others of the user may look at its memory */
	prctl(PR_SET_DUMPABLE, 1);
	/* a change of user would have cleared it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void serve(enum actor actor)
{
	struct post *post = &posts[actor];

	for (;;) {
		const struct call_type *type;

		while (atomic_load(&post->state) != ASKED)
			futex_wait(&post->state, IDLE, 0);
		type = &call_types[post->type % call_type_count];
		post->result = (struct result){ 0 };
		if (type->run)
			type->run(type, post->arguments, &post->result);
		atomic_store(&post->state, IDLE);
		atomic_fetch_add(ended, 1);
		futex_wake(ended);
	}
}

static void *serve_thread(void *none)
{
	(void)none;
	serve(THREAD);
	return NULL;
}

static void become_child(void)
{
	if (atomic_exchange(&posts[CHILD].pid, getpid()))
		_exit(0);
	atomic_store(&posts[CHILD].state, IDLE);
	serve(CHILD);
}

static void actor_run(enum actor actor, bool with_thread)
{
	static char stack[1 << 16];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	int null = open("/dev/null", O_RDWR);
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		dup2(null, i);
	if (setpgid(0, group))
		_exit(1);
	actor_become(actor);
	sigaltstack(&alternative, NULL);
	calls_actor_init(sockets[0], sockets[1], become_child);
	if (with_thread && !pthread_create(&thread, NULL, serve_thread, NULL))
		atomic_store(&posts[THREAD].pid, getpid());
	serve(actor);
}

static void actor_start(enum actor actor, bool with_thread)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %m");
	if (!pid)
		actor_run(actor, with_thread);
	if (!group)
		group = pid;
	setpgid(pid, group);
	atomic_store(&posts[actor].pid, pid);
}

/* Takes note of actors that died. */
static void reap(void)
{
	int status;
	pid_t pid;

	while (group && (pid = waitpid(-group, &status, WNOHANG)) > 0)
		for (unsigned int i = 0; i < ACTOR_COUNT; i++)
			if (atomic_load(&posts[i].pid) == pid)
				atomic_store(&posts[i].pid, -1);
}

static bool alive(enum actor actor)
{
	return atomic_load(&posts[actor].pid) > 0;
}

static bool await(enum actor actor, double seconds)
{
	double end = now() + seconds;

	for (;;) {
		uint32_t count = atomic_load(ended);

		if (atomic_load(&posts[actor].state) != ASKED)
			return true;
		reap();
		if (!alive(actor) || now() > end)
			return false;
		futex_wait(ended, count, 50);
	}
}

static bool ask(enum actor actor, unsigned int type, const uint64_t *arguments)
{
	struct post *post = &posts[actor];

	if (!await(actor, CALL_PATIENCE) || !alive(actor))
		return false;
	post->type = type;
	memcpy(post->arguments, arguments, sizeof(post->arguments));
	atomic_store(&post->state, ASKED);
	futex_wake(&post->state);
	return true;
}

long actor_load(enum actor actor, unsigned long address)
{
	uint64_t arguments[MAX_PARAMETERS] = { address };

	if (!ask(actor, call_type_find("load") - call_types, arguments) ||
	    !await(actor, CALL_PATIENCE) || !alive(actor))
		return NOT_RUN;
	return posts[actor].result.value;
}

static void end_actor(enum actor actor)
{
	pid_t pid = atomic_load(&posts[actor].pid);
	double end = now() + KILL_PATIENCE;

	if (pid <= 0 || getpgid(pid) != group)
		return;
	kill(pid, SIGKILL);
	while (alive(actor) && now() < end) {
		reap();
		usleep(1000);
	}
}

/* All that the program started, or false when something is still there. */
static bool end_all(void)
{
	double end = now() + KILL_PATIENCE;
	pid_t pid = 0;

	if (!group)
		return true;
	kill(-group, SIGKILL);
	while (now() < end) {
		pid = waitpid(-group, NULL, WNOHANG);
		if (pid < 0 && errno == ECHILD)
			break;
		if (!pid)
			usleep(500);
	}
	group = 0;
	return pid < 0;
}

/* A thread or child says itself that it is there. */
static void await_start(enum actor actor)
{
	double end = now() + CALL_PATIENCE;

	while (!atomic_load(&posts[actor].pid) && now() < end)
		usleep(100);
}

static uint64_t resolve(const struct call *call, unsigned int index, const struct result *results)
{
	const struct argument *argument = &call->arguments[index];

	if (call->type->parameters[index].kind == KIND_ACTOR && call->type->run)
		return atomic_load(&posts[argument->value % ACTOR_COUNT].pid);
	if (argument->from == FROM_CANARY)
		return oracle_canary_segid() + argument->value;
	if (argument->from == FROM_NOTHING)
		return argument->value;
	return (argument->second ? results[argument->from].second : results[argument->from].value) +
	       argument->value;
}

static bool all_idle(void)
{
	for (unsigned int i = 0; i < ACTOR_COUNT; i++)
		if (waiting_for[i] >= 0)
			return false;
	return true;
}

static void print_result(const struct program *program, unsigned int index,
			 const struct result *result)
{
	const struct call *call = &program->calls[index];

	if (!verbose)
		return;
	printf("  $%u %s %s: ", index, actor_names[call->actor], call->type->name);
	if (result->value == NOT_RUN)
		puts("did not end");
	else if (result->value < 0 && result->value > -4096)
		printf("%s\n", strerrorname_np(-result->value) ?: "an error");
	else if (actor_is_signal(result->value))
		printf("SIG%s\n", sigabbrev_np(-10000 - result->value) ?: "?");
	else
		printf("%#lx\n", result->value);
}

struct run {
	const struct program *program;
	struct result results[MAX_CALLS];
	uint64_t arguments[MAX_CALLS][MAX_PARAMETERS];
};

/* The end of what an actor was asked for; what it returned goes to the oracle. */
static const char *collect(struct run *run, enum actor actor, double patience)
{
	int index = waiting_for[actor];
	struct result *result;

	if (index < 0)
		return NULL;
	if (!await(actor, patience) && alive(actor))
		return NULL;
	waiting_for[actor] = -1;
	result = &run->results[index];
	if (!alive(actor)) {
		print_result(run->program, index, result);
		return NULL;
	}
	*result = posts[actor].result;
	if (result->value > 0 && !strcmp(run->program->calls[index].type->name, "fork"))
		await_start(CHILD);
	if (result->id_count > LENGTH(result->ids))
		result->id_count = 0;
	print_result(run->program, index, result);
	return oracle_after(&run->program->calls[index], run->arguments[index], result);
}

static const char *step(struct run *run, unsigned int index)
{
	const struct call *call = &run->program->calls[index];
	const char *failure;

	run->results[index].value = NOT_RUN;
	for (unsigned int i = 0; i < call->type->parameter_count; i++)
		run->arguments[index][i] = resolve(call, i, run->results);
	failure = collect(run, call->actor, CALL_PATIENCE);
	if (failure || waiting_for[call->actor] >= 0)
		return failure;
	if (!strcmp(call->type->name, "kill")) {
		end_actor(run->arguments[index][0] % ACTOR_COUNT);
		return NULL;
	}
	if (!call->type->run)
		return all_idle() ? oracle_compare(call->actor, run->arguments[index][0]) : NULL;
	if (!strcmp(call->type->name, "fork") && (alive(CHILD) || call->actor == CHILD))
		return NULL;
	oracle_before(call, run->arguments[index]);
	if (!strcmp(call->type->name, "fork")) {
		atomic_store(&posts[CHILD].pid, 0);
		oracle_forked(call->actor);
	}
	if (!ask(call->actor, call->type - call_types, run->arguments[index]))
		return NULL;
	waiting_for[call->actor] = index;
	return call->at_once ? NULL : collect(run, call->actor, CALL_PATIENCE);
}

static const char *survivors(void)
{
	static char text[1200];
	size_t length = snprintf(text, sizeof(text), "SIGKILL does not end:");

	for (unsigned int i = 0; i < ACTOR_COUNT; i++) {
		char path[64], stack[200];
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/stack", atomic_load(&posts[i].pid));
		file = fopen(path, "r");
		if (!file)
			continue;
		length += snprintf(text + length, sizeof(text) - length, " %s at", actor_names[i]);
		for (int line = 0;
		     line < 6 && fgets(stack, sizeof(stack), file) && length < sizeof(text);
		     line++) {
			stack[strcspn(stack, "\n")] = 0;
			length += snprintf(text + length, sizeof(text) - length, " %s", stack);
		}
		fclose(file);
		if (length >= sizeof(text))
			break;
	}
	return text;
}

const char *execute(const struct program *program, bool say)
{
	static struct run run;
	bool used[ACTOR_COUNT] = { false };
	const char *failure = NULL, *end;

	verbose = say;
	memset(&run, 0, sizeof(run));
	memset(posts, 0, ACTOR_COUNT * sizeof(*posts));
	run.program = program;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets))
		die("socketpair: %m");
	oracle_begin();
	for (unsigned int i = 0; i < program->count; i++)
		used[program->calls[i].actor] = true;
	used[ATTACHER] |= used[THREAD];
	for (unsigned int i = 0; i < ACTOR_COUNT; i++) {
		waiting_for[i] = -1;
		if (used[i] && i != CHILD && i != THREAD)
			actor_start(i, i == ATTACHER && used[THREAD]);
	}
	close(sockets[0]);
	close(sockets[1]);
	if (used[THREAD])
		await_start(THREAD);
	for (unsigned int i = 0; i < program->count && !failure; i++)
		failure = step(&run, i);
	for (unsigned int i = 0; i < ACTOR_COUNT && !failure; i++)
		failure = collect(&run, i, 0.2);
	if (!end_all())
		return survivors();
	end = oracle_end();
	return failure ? failure : end;
}

static void note_child(int number)
{
	/* only so that a wait for an actor ends */
	(void)number;
}

void execute_init(void)
{
	struct sigaction action = { .sa_handler = note_child };

	posts = mmap(NULL, ACTOR_COUNT * sizeof(*posts) + sizeof(*ended), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (posts == MAP_FAILED)
		die("mmap: %m");
	ended = (void *)(posts + ACTOR_COUNT);
	sigaction(SIGCHLD, &action, NULL);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		die("prctl: %m");
}
