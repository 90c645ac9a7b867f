/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes by what they do per second: on a screen with keys, or round by round. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "xpmemctl.h"

static const struct attribute process_table[] = {
	{ 0, "pid", ATTRIBUTE_U32, FORM_NUMBER, NULL,
	  "Process, in the reader's pid namespace; absent if it has no pid there." },
	{ 0, "command", ATTRIBUTE_STRING, FORM_TEXT, NULL,
	  "Name of the process, if it can be found." },
	{ 0, "uid", ATTRIBUTE_U32, FORM_NUMBER, NULL,
	  "User that it belongs to, in the reader's user namespace." },
	{ 0, "user", ATTRIBUTE_STRING, FORM_TEXT, NULL, "Name of the user, or else its uid." },
	{ 0, "faults", ATTRIBUTE_U64, FORM_NUMBER, NULL,
	  "Page faults handled in its attachments, per second." },
	{ 0, "pages_mapped", ATTRIBUTE_U64, FORM_NUMBER, NULL,
	  "Pages mapped into its attachments, per second." },
	{ 0, "retries", ATTRIBUTE_U64, FORM_NUMBER, NULL,
	  "Faults in its attachments that the module restarted, per second." },
	{ 0, "failures", ATTRIBUTE_U64, FORM_NUMBER, NULL,
	  "Faults in its attachments that failed, per second." },
	{ 0, "invalidations", ATTRIBUTE_U64, FORM_NUMBER, NULL,
	  "Changes of its memory that took pages away from attachments, per second." },
	{ 0, "zaps", ATTRIBUTE_U64, FORM_NUMBER, NULL,
	  "Pages that its changes took away from attachments, per second." },
	{ 0, "attached", ATTRIBUTE_U64, FORM_BYTES, NULL, "Bytes in its attachments." },
	{ 0, "exported", ATTRIBUTE_U64, FORM_BYTES, NULL,
	  "Bytes in its segments; those in several segments count several times." },
};

const struct attribute_set process_attributes = {
	.name = "process",
	.attributes = process_table,
	.count = sizeof(process_table) / sizeof(*process_table),
};

static const char *const usual[] = { "pid",	"command",  "user",	"faults", "pages_mapped",
				     "retries", "attached", "exported", NULL };

/* Counters of attachments, and of exporters. */
static const char *const attachment_counters[] = { "faults", "pages_mapped", "retries", "failures",
						   NULL };
static const char *const exporter_counters[] = { "invalidations", "zaps", NULL };

static const struct {
	const char *column;
	const char *label;
	char key;
	bool descending;
} keys[] = {
	{ "faults", "faults", 'f', true },
	{ "pages_mapped", "pages", 'p', true },
	{ "retries", "retries", 'r', true },
	{ "attached", "attached", 'a', true },
	{ "exported", "exported", 'e', true },
	{ "command", "command", 'c', false },
	{ "user", "user", 'u', false },
};

#define KEY_COUNT (sizeof(keys) / sizeof(*keys))

static volatile sig_atomic_t ended, stopped, resumed;

/* One look at all objects, and what it found out about processes. */
struct top {
	struct netlink netlink;
	int noun;		    /* of the objects that arrive */
	double seconds;		    /* since the look before; 0: there was none */
	struct json_object *before; /* counters by id */
	struct json_object *now;
	struct json_object *processes; /* by pid */
	uint64_t time;
};

/* The process of an object; NULL without memory. */
static struct json_object *process_of(struct top *top, struct json_object *object)
{
	uint32_t pid = json_number(object, "pid"), uid = json_number(object, "uid");
	struct json_object *process;
	char key[32], name[256];

	snprintf(key, sizeof(key), "%u", pid);
	if (json_object_object_get_ex(top->processes, key, &process))
		return process;
	process = json_object_new_object();
	if (!json_put(top->processes, key, process))
		return NULL;
	command_name(name, sizeof(name), pid);
	if ((pid && !json_put_number(process, "pid", pid)) ||
	    (pid && *name && !json_put(process, "command", json_object_new_string(name))))
		return NULL;
	user_name(name, sizeof(name), uid);
	return json_put_number(process, "uid", uid) &&
			       json_put(process, "user", json_object_new_string(name)) ?
		       process :
		       NULL;
}

static bool add_bytes(struct json_object *process, const char *key, uint64_t bytes)
{
	return json_put_number(process, key, json_number(process, key) + bytes);
}

/* Objects that are new have grown from nothing. */
static bool add_growth(struct top *top, struct json_object *process, struct json_object *object,
		       const char *const *counters)
{
	struct json_object *last = NULL, *value;
	double rate;

	json_object_object_get_ex(top->before, json_text_or(object, "id", ""), &last);
	for (; *counters; counters++) {
		rate = (double)json_number(object, *counters) -
		       (last ? (double)json_number(last, *counters) : 0);
		rate = top->seconds > 0 ? rate / top->seconds : 0;
		if (json_object_object_get_ex(process, *counters, &value))
			rate += json_object_get_double(value);
		if (!json_put(process, *counters, json_new_decimal(rate)))
			return false;
	}
	return true;
}

static enum status see(struct json_object *object, void *data)
{
	struct top *top = data;
	struct json_object *process = process_of(top, object);
	bool done = process;

	if (top->noun == NOUN_SEGMENT) {
		done = done && add_bytes(process, "exported", json_number(object, "length"));
		return done ? STATUS_OK : out_of_memory();
	}
	if (top->noun == NOUN_ATTACHMENT)
		done = done && add_bytes(process, "attached", json_number(object, "length")) &&
		       add_growth(top, process, object, attachment_counters);
	else
		done = done && add_growth(top, process, object, exporter_counters);
	done = done && json_put(top->now, json_text_or(object, "id", ""), json_object_get(object));
	return done ? STATUS_OK : out_of_memory();
}

static enum status look(struct top *top)
{
	static const int order[] = { NOUN_EXPORTER, NOUN_SEGMENT, NOUN_ATTACHMENT };
	enum status status = STATUS_OK;
	uint64_t time = now();
	size_t i;

	json_object_put(top->before);
	json_object_put(top->processes);
	top->before = top->now;
	top->seconds = top->time && time > top->time ? (time - top->time) / 1e9 : 0;
	top->time = time;
	top->now = json_object_new_object();
	top->processes = json_object_new_object();
	if (!top->now || !top->processes)
		return out_of_memory();
	top->netlink.interrupted = false;
	forget_processes();
	for (i = 0; i < sizeof(order) / sizeof(*order) && status == STATUS_OK; i++) {
		top->noun = order[i];
		status = netlink_dump(&top->netlink, nouns[top->noun].get, NULL, see, top);
	}
	return status;
}

/* The processes, sorted; the caller's to put, NULL without memory. */
static struct json_object *sorted(struct top *top)
{
	struct json_object *array = json_object_new_array();
	struct json_object_iter each;

	json_object_object_foreachC(top->processes, each)
	{
		if (array && json_object_array_add(array, json_object_get(each.val))) {
			json_object_put(array);
			array = NULL;
		}
	}
	if (array)
		columns_sort(array);
	return array;
}

static void print_heading(const struct top *top, size_t count)
{
	char text[32];

	text_local_time(text, sizeof(text), FORMAT_TIME, top->time / 1000000000);
	printf("%s  %zu process%s, by %s\n", text, count, count == 1 ? "" : "es", options.sort);
}

static enum status print_as_json(struct top *top, struct json_object *processes)
{
	struct json_object *value = json_time(top->time), *selected = columns_select_all(processes);

	if (!selected)
		return out_of_memory();
	output_begin();
	output_value("time", value);
	output_value("processes", selected);
	output_interrupted(&top->netlink);
	json_object_put(value);
	json_object_put(selected);
	return output_end();
}

static enum status print(struct top *top)
{
	struct json_object *processes = sorted(top);
	enum status status;

	if (!processes)
		return out_of_memory();
	if (options.format != FORMAT_TABLE) {
		status = print_as_json(top, processes);
	} else {
		if (!options.no_headings)
			print_heading(top, json_object_array_length(processes));
		table_print_rows("processes", false, &process_attributes, usual, NULL, processes);
		status = output_finish();
	}
	json_object_put(processes);
	return status;
}

static void on_signal(int number)
{
	if (number == SIGCONT)
		resumed = 1;
	else if (number == SIGTSTP)
		stopped = 1;
	else if (number != SIGWINCH)
		ended = 1;
}

static enum status run_rounds(struct top *top)
{
	const struct timespec pause = {
		.tv_sec = options.interval,
		.tv_nsec = (options.interval - (long)options.interval) * 1e9,
	};
	enum status status = look(top);
	unsigned long round;

	for (round = 0; status == STATUS_OK && (!options.count || round < options.count); round++) {
		nanosleep(&pause, NULL);
		status = look(top);
		if (status == STATUS_OK)
			status = print(top);
	}
	return status;
}

static struct termios cooked;
static bool on_screen;

/*
 * Keys arrive at once and are not shown; the screen from before comes back afterwards. A narrow
 * terminal cuts long lines off, because wrapped ones would push the heading off the screen.
 */
static void enter_screen(void)
{
	struct termios raw = cooked;

	raw.c_lflag &= ~(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
	on_screen = true;
}

static void leave_screen(void)
{
	if (!on_screen)
		return;
	on_screen = false;
	fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
}

/* As many processes as fit, and the keys. */
static enum status draw(struct top *top)
{
	struct json_object *processes = sorted(top);
	struct winsize size = { .ws_row = 24 };
	size_t count, room, i;

	if (!processes)
		return out_of_memory();
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	room = size.ws_row > 5 ? size.ws_row - 4 : 1;
	count = json_object_array_length(processes);
	fputs("\033[H\033[2J", stdout);
	print_heading(top, count);
	if (count > room)
		json_object_array_del_idx(processes, room, count - room);
	table_print_rows("processes", false, &process_attributes, usual, NULL, processes);
	fputs("sort by:", stdout);
	for (i = 0; i < KEY_COUNT; i++)
		printf(" %c %s", keys[i].key, keys[i].label);
	fputs("  q quit", stdout);
	json_object_put(processes);
	return output_finish();
}

/* Returns whether the key changes the screen. */
static bool take_key(char key)
{
	size_t i;

	if (key == 'q')
		ended = 1;
	for (i = 0; i < KEY_COUNT; i++)
		if (keys[i].key == key) {
			options.sort = keys[i].column;
			options.descending = keys[i].descending;
			return true;
		}
	return false;
}

/*
 * Waits for a key until the next round. Signals arrive only here, so they interrupt no other call.
 * Returns whether it is time for the next round.
 */
static bool wait_for_key(uint64_t next, const sigset_t *unblocked, bool *changed)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t time = now(), left = time < next ? next - time : 0;
	const struct timespec wait = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
	char key;

	*changed = false;
	if (ppoll(&input, 1, &wait, unblocked) < 0)
		*changed = true; /* the window has another size, or the tool goes on */
	else if (input.revents && read(STDIN_FILENO, &key, 1) != 1)
		ended = 1;
	else if (input.revents && key == ' ')
		return true;
	else if (input.revents)
		*changed = take_key(key);
	if (stopped) {
		leave_screen();
		stopped = 0;
		raise(SIGSTOP);
		resumed = 1;
	}
	if (resumed)
		enter_screen();
	resumed = 0;
	return now() >= next;
}

static enum status run_screen(struct top *top)
{
	struct sigaction action = { .sa_handler = on_signal };
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH };
	enum status status = look(top);
	uint64_t next = top->time + 300000000;
	sigset_t blocked, unblocked;
	unsigned long round = 0;
	bool changed, due;
	size_t i;

	if (status != STATUS_OK)
		return status;
	sigemptyset(&blocked);
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&blocked, signals[i]);
	sigprocmask(SIG_BLOCK, &blocked, &unblocked);
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
	output_leave_screen = leave_screen;
	enter_screen();
	status = draw(top);
	while (status == STATUS_OK && !ended) {
		due = wait_for_key(next, &unblocked, &changed);
		if (ended)
			break;
		if (due)
			status = look(top);
		if (status != STATUS_OK)
			break;
		if (due)
			next = top->time + (uint64_t)(options.interval * 1e9);
		if (due || changed)
			status = draw(top);
		ended |= due && options.count && ++round == options.count;
	}
	leave_screen();
	return status;
}

enum status top(int count, char **arguments)
{
	const struct attribute_set *sets[] = { &process_attributes, NULL };
	struct top top = { .noun = NOUN_COUNT };
	enum status status;

	if (count)
		return fail(STATUS_USAGE,
			    "top takes no argument, but there is \"%s\"; see: xpmemctl top --help",
			    arguments[0]);
	if (!options.sort) {
		options.sort = "faults";
		options.descending = true;
	}
	if (!options.interval)
		options.interval = 1;
	status = columns_check(sets);
	if (status == STATUS_OK)
		status = netlink_open(&top.netlink);
	if (status != STATUS_OK)
		return status;
	if (options.format == FORMAT_TABLE && isatty(STDOUT_FILENO) &&
	    !tcgetattr(STDIN_FILENO, &cooked))
		status = run_screen(&top);
	else
		status = run_rounds(&top);
	json_object_put(top.before);
	json_object_put(top.now);
	json_object_put(top.processes);
	netlink_close(&top.netlink);
	return status;
}
