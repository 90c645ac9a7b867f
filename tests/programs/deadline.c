/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "harness.h"

double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

long wait_for_end(pid_t child, double seconds)
{
	double end = now() + seconds;
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(child, &status, WNOHANG);
		if (pid)
			return pid == child ? status : -errno;
		if (now() >= end)
			return -ETIMEDOUT;
		usleep(2000);
	}
}

static void print_file(const char *format, pid_t pid, const char *task)
{
	char path[300], text[4096];
	int file, length;

	snprintf(path, sizeof(path), format, pid, task);
	file = open(path, O_RDONLY | O_CLOEXEC);
	length = read(file, text, sizeof(text) - 1);
	if (length > 0)
		fprintf(stderr, "%s:\n%.*s\n", path, length, text);
	close(file);
}

void print_kernel_stacks(pid_t pid)
{
	char path[64];
	struct dirent *task;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (task = readdir(tasks))) {
		if (task->d_name[0] == '.')
			continue;
		print_file("/proc/%d/task/%s/stat", pid, task->d_name);
		print_file("/proc/%d/task/%s/stack", pid, task->d_name);
	}
	if (tasks)
		closedir(tasks);
}

void end_in_time(pid_t child)
{
	if (wait_for_end(child, DEATH_LIMIT) != -ETIMEDOUT)
		return;
	print_kernel_stacks(child);
	FAIL("process %d does not end", child);
}

void kill_in_time(pid_t child)
{
	CHECK_OK(answer(kill(child, SIGKILL)));
	end_in_time(child);
}

static bool all_sleep(pid_t pid)
{
	char path[300], text[512], *state;
	struct dirent *task;
	bool all = true;
	int file, length;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	CHECK(tasks);
	while ((task = readdir(tasks))) {
		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", pid, task->d_name);
		file = open(path, O_RDONLY | O_CLOEXEC);
		length = read(file, text, sizeof(text) - 1);
		close(file);
		text[length > 0 ? length : 0] = 0;
		state = strrchr(text, ')');
		all = all && state && strchr("SDT", state[2]);
	}
	closedir(tasks);
	return all;
}

bool falls_asleep(pid_t pid, double seconds)
{
	double end = now() + seconds;
	int seen = 0;

	while (seen < 5 && now() < end) {
		seen = all_sleep(pid) ? seen + 1 : 0;
		usleep(20000);
	}
	return seen == 5;
}

long module_users(void)
{
	FILE *file = fopen("/sys/module/xpmem/refcnt", "re");
	long users = -ENOENT;

	if (!file)
		return -errno;
	if (fscanf(file, "%ld", &users) != 1)
		users = -EIO;
	fclose(file);
	return users;
}

bool module_users_fall_to(long users, double seconds)
{
	double end = now() + seconds;

	while (module_users() > users) {
		if (now() >= end)
			return false;
		usleep(5000);
	}
	return true;
}
