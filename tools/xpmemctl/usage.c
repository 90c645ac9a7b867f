/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums of the objects that the caller may see: on the whole, and of each user, cgroup and job. */
#include <stdlib.h>
#include <string.h>

#include "xpmemctl.h"

static const struct attribute usage_table[] = {
	{ 0, "uid", ATTRIBUTE_U32, FORM_NUMBER, NULL,
	  "User whose objects they are, in the reader's user namespace." },
	{ 0, "cgroup", ATTRIBUTE_STRING, FORM_TEXT, NULL,
	  "Cgroup of their processes; absent if it is unknown." },
	{ 0, "job", ATTRIBUTE_STRING, FORM_TEXT, NULL,
	  "Slurm job of their processes, as the names of cgroups say." },
	{ 0, "exporters", ATTRIBUTE_U64, FORM_COUNT, NULL, "Live exporters." },
	{ 0, "segments", ATTRIBUTE_U64, FORM_COUNT, NULL, "Live segments." },
	{ 0, "permits", ATTRIBUTE_U64, FORM_COUNT, NULL, "Live permits." },
	{ 0, "attachments", ATTRIBUTE_U64, FORM_COUNT, NULL, "Live attachments." },
	{ 0, "exported", ATTRIBUTE_U64, FORM_BYTES, NULL,
	  "Bytes in segments; those in several segments count several times." },
	{ 0, "attached", ATTRIBUTE_U64, FORM_BYTES, NULL, "Bytes in attachments." },
	{ 0, "pinned", ATTRIBUTE_U64, FORM_BYTES, NULL, "Bytes that dma-bufs of permits pin." },
	{ 0, "share", ATTRIBUTE_U64, FORM_NUMBER, NULL,
	  "Part of a user's limit of objects that they take, in percent: that of the kind that is "
	  "nearest to its limit." },
};

const struct attribute_set usage_attributes = {
	.name = "usage",
	.attributes = usage_table,
	.count = sizeof(usage_table) / sizeof(*usage_table),
};

const struct grouping groupings[GROUPING_COUNT] = {
	[GROUPING_USER] = { "user",
			    "users",
			    { "user", "segments", "permits", "attachments", "exported", "attached",
			      "pinned", "share" } },
	[GROUPING_CGROUP] = { "cgroup",
			      "cgroups",
			      { "cgroup", "segments", "permits", "attachments", "exported",
				"attached", "pinned", "share" } },
	[GROUPING_JOB] = { "job",
			   "jobs",
			   { "job", "user", "segments", "attachments", "exported", "attached",
			     "pinned", "share" } },
};

/* The sums of one owner's objects. */
struct account {
	char *name;   /* of the cgroup or job; empty: of a user, or unknown */
	uint32_t uid; /* that of the first object */
	uint64_t counts[NOUN_COUNT];
	uint64_t exported, attached, pinned;
};

struct book {
	struct account *accounts;
	size_t count;
	size_t room;
	size_t last; /* account of the last object */
};

struct sums {
	int noun; /* of the objects that arrive */
	struct account whole;
	struct book books[GROUPING_COUNT];
	bool wanted[GROUPING_COUNT];
};

static bool is_account(const struct account *account, const char *name, uint32_t uid)
{
	return *name ? !strcmp(account->name, name) : !*account->name && account->uid == uid;
}

static struct account *find_account(struct book *book, const char *name, uint32_t uid)
{
	size_t room = book->room ? 2 * book->room : 16;
	struct account *accounts;

	if (book->last < book->count && is_account(&book->accounts[book->last], name, uid))
		return &book->accounts[book->last];
	for (book->last = 0; book->last < book->count; book->last++)
		if (is_account(&book->accounts[book->last], name, uid))
			return &book->accounts[book->last];
	if (book->count == book->room) {
		accounts = reallocarray(book->accounts, room, sizeof(*accounts));
		if (!accounts)
			return NULL;
		book->accounts = accounts;
		book->room = room;
	}
	book->accounts[book->count] = (struct account){ .name = strdup(name), .uid = uid };
	if (!book->accounts[book->count].name)
		return NULL;
	return &book->accounts[book->count++];
}

static void add(struct account *account, int noun, struct json_object *object)
{
	account->counts[noun]++;
	if (noun == NOUN_SEGMENT)
		account->exported += json_number(object, "length");
	else if (noun == NOUN_PERMIT)
		account->pinned += json_number(object, "pinned");
	else if (noun == NOUN_ATTACHMENT)
		account->attached += json_number(object, "length");
}

static enum status add_object(struct json_object *object, void *data)
{
	uint32_t uid = json_number(object, "uid"), pid = json_number(object, "pid");
	char cgroup[512] = "", job[32] = "";
	const char *const names[GROUPING_COUNT] = { "", cgroup, job };
	struct sums *sums = data;
	struct account *account;
	int i;

	if (pid && (sums->wanted[GROUPING_CGROUP] || sums->wanted[GROUPING_JOB])) {
		cgroup_name(cgroup, sizeof(cgroup), pid);
		job_name(job, sizeof(job), cgroup);
	}
	for (i = 0; i < GROUPING_COUNT; i++) {
		if (!sums->wanted[i] || (i == GROUPING_JOB && !*job))
			continue;
		account = find_account(&sums->books[i], names[i], uid);
		if (!account)
			return out_of_memory();
		add(account, sums->noun, object);
	}
	add(&sums->whole, sums->noun, object);
	return STATUS_OK;
}

static void forget(struct sums *sums)
{
	size_t i, j;

	for (i = 0; i < GROUPING_COUNT; i++) {
		for (j = 0; j < sums->books[i].count; j++)
			free(sums->books[i].accounts[j].name);
		free(sums->books[i].accounts);
	}
}

/* Also returns the limits, in info. */
static enum status sum_up(struct netlink *netlink, struct sums *sums, struct json_object **info)
{
	enum status status = netlink_get(netlink, &operation_info_get, 0, info);

	for (sums->noun = 0; sums->noun < NOUN_COUNT && status == STATUS_OK; sums->noun++)
		status = netlink_dump(netlink, nouns[sums->noun].get, NULL, add_object, sums);
	return status;
}

uint64_t limit_of(struct json_object *info, int noun)
{
	uint64_t limit;
	char key[64];

	snprintf(key, sizeof(key), "max_%s", nouns[noun].plural);
	limit = json_number(info, key);
	/* As in module/registry.c. */
	return limit ? limit : 16777216;
}

static double share_of(const struct account *account, struct json_object *info)
{
	double share = 0, part;
	int i;

	for (i = NOUN_SEGMENT; i < NOUN_COUNT; i++) {
		part = 100.0 * account->counts[i] / limit_of(info, i);
		if (part > share)
			share = part;
	}
	return share;
}

static bool put_sums(struct json_object *object, const struct account *account)
{
	int i;

	for (i = 0; i < NOUN_COUNT; i++)
		if (!json_put_number(object, nouns[i].plural, account->counts[i]))
			return false;
	return json_put_number(object, "exported", account->exported) &&
	       json_put_number(object, "attached", account->attached) &&
	       json_put_number(object, "pinned", account->pinned);
}

/* The caller's to put; NULL without memory. */
static struct json_object *describe(const struct account *account, int grouping,
				    struct json_object *info)
{
	struct json_object *object = json_object_new_object();
	const char *key = groupings[grouping].singular;

	if ((grouping == GROUPING_CGROUP || json_put_number(object, "uid", account->uid)) &&
	    (!*account->name || json_put(object, key, json_object_new_string(account->name))) &&
	    put_sums(object, account) &&
	    json_put(object, "share", json_new_decimal(share_of(account, info))))
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *describe_all(const struct book *book, int grouping,
					struct json_object *info)
{
	struct json_object *array = json_object_new_array(), *object;
	size_t i;

	for (i = 0; array && i < book->count; i++) {
		object = describe(&book->accounts[i], grouping, info);
		if (!object || json_object_array_add(array, object)) {
			json_object_put(object);
			json_object_put(array);
			array = NULL;
		}
	}
	return array;
}

enum status usage_collect(struct netlink *netlink, struct json_object **info,
			  struct json_object **whole, struct json_object **users)
{
	struct sums sums = { .wanted[GROUPING_USER] = true };
	enum status status = sum_up(netlink, &sums, info);

	if (status == STATUS_OK) {
		*whole = json_object_new_object();
		*users = describe_all(&sums.books[GROUPING_USER], GROUPING_USER, *info);
		if (!*users || !put_sums(*whole, &sums.whole))
			status = out_of_memory();
	}
	forget(&sums);
	return status;
}

/* Sorts by a key, the greatest first, and keeps the first few. */
static void keep_greatest(struct json_object *array, const char *key)
{
	enum { KEPT = 5 };
	size_t count = json_object_array_length(array);

	options.sort = key;
	options.descending = true;
	columns_sort(array);
	options.sort = NULL;
	if (count > KEPT)
		json_object_array_del_idx(array, KEPT, count - KEPT);
}

/* Adds what the module is to the sums. False without memory. */
static bool put_module(struct json_object *overview, struct json_object *info)
{
	static const char *const keys[] = { "module_version", "abi_version",  "mode_mask",
					    "global_ids",     "max_segments", "max_permits",
					    "max_attachments" };
	struct json_object *value;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (json_object_object_get_ex(info, keys[i], &value) &&
		    !json_put(overview, keys[i], json_object_get(value)))
			return false;
	return true;
}

static void print_count(struct json_object *overview, int noun, const char *bytes,
			const char *end)
{
	unsigned long long count = json_number(overview, nouns[noun].plural);
	char text[64];

	printf("%llu %s%s", count, nouns[noun].singular, text_plural(count));
	if (bytes) {
		struct json_object *value = NULL;

		json_object_object_get_ex(overview, bytes, &value);
		table_format(text, sizeof(text), attribute_of_key(&usage_attributes, bytes),
			     value);
		printf(" (%s %s)", text, bytes);
	}
	fputs(end, stdout);
}

static enum status print_for_people(struct json_object *overview, struct json_object *users,
				    struct json_object *exporters)
{
	static const char *const exporter_columns[] = { "id",	   "pid",      "command",
							"user",	   "faults",   "pages_mapped",
							"retries", "failures", NULL };

	printf("module %s, ABI version %s, mode_mask %s, ids valid %s\n",
	       json_text_or(overview, "module_version", "?"),
	       json_text_or(overview, "abi_version", "?"), json_text_or(overview, "mode_mask", "?"),
	       json_number(overview, "global_ids") ? "everywhere" : "in their ipc namespace");
	print_count(overview, NOUN_EXPORTER, NULL, ", ");
	print_count(overview, NOUN_SEGMENT, "exported", ", ");
	print_count(overview, NOUN_PERMIT, "pinned", ", ");
	print_count(overview, NOUN_ATTACHMENT, "attached", "\n");
	if (json_object_array_length(users)) {
		keep_greatest(users, "attached");
		keep_greatest(exporters, "faults");
		puts("\nUsers with the most memory attached:");
		table_print_rows("users", false, &usage_attributes, groupings[GROUPING_USER].usual,
				 NULL, users);
		puts("\nExporters with the most faults:");
		table_print_rows("exporters", false, &exporter_attributes, exporter_columns, NULL,
				 exporters);
	}
	puts("\nSee also: xpmemctl list, tree, top, usage, doctor, help");
	return output_finish();
}

static enum status print_as_json(const struct netlink *netlink, struct json_object *overview,
				 struct json_object *users)
{
	output_begin();
	output_value("overview", overview);
	output_value("users", users);
	output_interrupted(netlink);
	return output_end();
}

enum status overview(void)
{
	struct json_object *info = NULL, *exporters = NULL, *about = NULL, *users = NULL;
	struct netlink netlink;
	enum status status = netlink_open(&netlink);

	if (status != STATUS_OK)
		return status;
	status = usage_collect(&netlink, &info, &about, &users);
	if (status == STATUS_OK)
		status = netlink_collect(&netlink, &operation_exporter_get, NULL, &exporters);
	if (status == STATUS_OK) {
		if (!put_module(about, info))
			status = out_of_memory();
		else
			status = options.format == FORMAT_TABLE ?
					 print_for_people(about, users, exporters) :
					 print_as_json(&netlink, about, users);
	}
	json_object_put(info);
	json_object_put(exporters);
	json_object_put(about);
	json_object_put(users);
	netlink_close(&netlink);
	return status;
}

static enum status print_usage(const struct netlink *netlink, const struct sums *sums,
			       struct json_object *info)
{
	enum status status = STATUS_OK;
	const char *separator = "";
	int i, count = 0;

	for (i = 0; i < GROUPING_COUNT; i++)
		count += sums->wanted[i];
	if (options.format != FORMAT_TABLE)
		output_begin();
	for (i = 0; i < GROUPING_COUNT && status == STATUS_OK; i++) {
		const struct grouping *grouping = &groupings[i];
		struct json_object *array, *selected;

		if (!sums->wanted[i])
			continue;
		array = describe_all(&sums->books[i], i, info);
		if (!array)
			return out_of_memory();
		columns_sort(array);
		if (options.format == FORMAT_TABLE) {
			fputs(separator, stdout);
			separator = "\n";
			table_print_rows(grouping->plural, count > 1, &usage_attributes,
					 grouping->usual, NULL, array);
		} else {
			selected = columns_select_all(array);
			if (selected)
				output_value(grouping->plural, selected);
			else
				status = out_of_memory();
			json_object_put(selected);
		}
		json_object_put(array);
	}
	if (status != STATUS_OK || options.format == FORMAT_TABLE)
		return status == STATUS_OK ? output_finish() : status;
	output_interrupted(netlink);
	return output_end();
}

static enum status choose(int count, char **arguments, bool *wanted)
{
	struct guess guess;
	bool known = !count;
	int i;

	guess_begin(&guess, count ? arguments[0] : "");
	for (i = 0; i < GROUPING_COUNT; i++) {
		guess_add(&guess, groupings[i].plural);
		wanted[i] = !count || !strcmp(arguments[0], groupings[i].singular) ||
			    !strcmp(arguments[0], groupings[i].plural);
		known |= wanted[i];
	}
	if (!known)
		return fail(STATUS_USAGE,
			    "there is no usage of \"%s\"; give users, cgroups, jobs or nothing%s",
			    arguments[0], guess_text(&guess, "; ", ""));
	if (count > 1)
		return fail(
			STATUS_USAGE,
			"usage takes one argument, but there is \"%s\"; see: xpmemctl usage --help",
			arguments[1]);
	return STATUS_OK;
}

enum status usage(int count, char **arguments)
{
	const struct attribute_set *sets[] = { &usage_attributes, NULL };
	struct json_object *info = NULL;
	struct sums sums = { .noun = 0 };
	struct netlink netlink;
	enum status status = choose(count, arguments, sums.wanted);

	if (status == STATUS_OK)
		status = columns_check(sets);
	if (status == STATUS_OK)
		status = netlink_open(&netlink);
	if (status != STATUS_OK)
		return status;
	status = sum_up(&netlink, &sums, &info);
	if (status == STATUS_OK)
		status = print_usage(&netlink, &sums, info);
	json_object_put(info);
	forget(&sums);
	netlink_close(&netlink);
	return status;
}
