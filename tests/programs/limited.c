/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage: limited SECONDS COMMAND [ARGUMENT...]
 * Runs a command and returns its exit status. Kills it and all its descendants when it takes longer
 * than the seconds; the exit status is then 124. Fails as well if a signal ends the command, or if
 * a process of it outlives it: that is killed.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE 5.0	/* seconds that processes may outlive the command */
#define DEATH 25.0	/* seconds that a killed process may take */
#define TIMED_OUT 124

static pid_t command;
static int status = -1;	/* of the command, as waitpid gives it; -1 while it runs */
static double slowness = 1;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Reap what has ended. Returns false if there is no child left. */
static bool reap(void)
{
	int ended;
	pid_t pid;

	while ((pid = waitpid(-1, &ended, WNOHANG)) > 0)
		if (pid == command)
			status = ended;
	return pid == 0;
}

/* Wait until the command has ended, or all children have, for so many seconds. */
static bool ends_within(double seconds, bool all)
{
	double end = now() + seconds, left;
	struct timespec time;
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (reap() && (all || status == -1)) {
		left = end - now();
		if (left <= 0)
			return false;
		time.tv_sec = (time_t)left;
		time.tv_nsec = (long)((left - (double)time.tv_sec) * 1e9);
		sigtimedwait(&child, NULL, &time);
	}
	return true;
}

/* The parent of a process; sets its name, and whether it is alive. */
static pid_t parent_of(const char *pid, char *name, bool *alive)
{
	char path[64], text[512] = "", *end;
	FILE *file;
	int parent = 0;
	char state = 0;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1, " %c %d", &state, &parent) != 2)
		return 0;
	*end = 0;
	snprintf(name, 17, "%.16s", strchr(text, '(') ? strchr(text, '(') + 1 : "");
	*alive = state != 'Z' && state != 'X';
	return parent;
}

/* Kill each child, or only name it on stderr. */
static void each_child(bool kill_it)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	char name[17] = "";
	bool alive = false;

	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    parent_of(entry->d_name, name, &alive) != getpid() || !alive)
			continue;
		if (kill_it)
			kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
		else
			fprintf(stderr, "  process %s (%s)\n", entry->d_name, name);
	}
	closedir(directory);
}

/* Kill all descendants: what loses its parent becomes a child of this process. */
static void kill_all(void)
{
	double end = now() + DEATH * slowness;

	do {
		each_child(true);
	} while (!ends_within(0.1, true) && now() < end);
	if (reap()) {
		fputs("processes that cannot be killed:\n", stderr);
		each_child(false);
	}
}

static void __attribute__((noreturn)) run(char **arguments, const sigset_t *mask, pid_t parent)
{
	/* Nothing of a test goes on when its runner is killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(arguments[0], arguments);
	fprintf(stderr, "%s: %s\n", arguments[0], strerror(errno));
	_exit(127);
}

int main(int argc, char **argv)
{
	const char *times = getenv("XPMEM_TEST_SLOWNESS");
	double limit = argc > 2 ? strtod(argv[1], NULL) : 0;
	pid_t parent = getpid();
	sigset_t child, mask;

	if (limit <= 0) {
		fprintf(stderr, "usage: %s SECONDS COMMAND [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	if (times)
		slowness = strtod(times, NULL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &mask);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	command = fork();
	if (command == -1) {
		perror("fork");
		return EXIT_FAILURE;
	}
	if (!command)
		run(argv + 2, &mask, parent);

	if (!ends_within(limit, false)) {
		fprintf(stderr, "timeout after %s seconds\n", argv[1]);
		kill_all();
		return TIMED_OUT;
	}
	if (!ends_within(GRACE * slowness, true)) {
		fputs("left processes behind:\n", stderr);
		each_child(false);
		kill_all();
		if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
			return EXIT_FAILURE;
	}
	if (WIFSIGNALED(status)) {
		fprintf(stderr, "ended by SIG%s\n", sigabbrev_np(WTERMSIG(status)));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status);
}
