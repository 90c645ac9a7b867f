/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tools/xpmemctl/schema.json: a JSON Schema of what xpmemctl prints. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "output.h"

static void put(struct json_object *object, const char *key, struct json_object *value)
{
	if (!value || json_object_object_add(object, key, value)) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
}

static void put_text(struct json_object *object, const char *key, const char *text)
{
	put(object, key, json_object_new_string(text));
}

static void append(struct json_object *array, struct json_object *value)
{
	if (!value || json_object_array_add(array, value)) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
}

static struct json_object *reference(const char *name)
{
	struct json_object *object = json_object_new_object();
	char path[128];

	snprintf(path, sizeof(path), "#/$defs/%s", name);
	put_text(object, "$ref", path);
	return object;
}

static void put_choice(struct json_object *object, const struct enumeration *enumeration)
{
	struct json_object *choices = json_object_new_array(), *other = json_object_new_object();
	size_t i;

	for (i = 0; i < enumeration->count; i++) {
		struct json_object *name = json_object_new_object();

		put_text(name, "const", snake(enumeration->entries[i].name));
		put_text(name, "description", enumeration->entries[i].doc);
		append(choices, name);
	}
	put_text(other, "type", "string");
	put_text(other, "pattern", "^0x[0-9a-f]+$");
	put_text(other, "description", "Value without a name in this version.");
	append(choices, other);
	put(object, "anyOf", choices);
}

static struct json_object *describe(const struct attribute *attribute)
{
	struct json_object *object = json_object_new_object(), *item;

	put_text(object, "description", attribute->doc);
	switch (json_form(attribute)) {
	case JSON_TEXT:
		put_text(object, "type", "string");
		break;
	case JSON_HEX:
		put_text(object, "type", "string");
		put_text(object, "pattern", "^0x[0-9a-f]+$");
		break;
	case JSON_OCTAL:
		put_text(object, "type", "string");
		put_text(object, "pattern", "^0[0-7]{3,}$");
		break;
	case JSON_NUMBER:
	case JSON_COUNTER:
	case JSON_COUNT:
	case JSON_BYTES:
	case JSON_TIMESTAMP:
		put_text(object, "type", "integer");
		if (attribute->kind != ATTRIBUTE_S64)
			put(object, "minimum", json_object_new_int(0));
		break;
	case JSON_NAME:
		put_choice(object, attribute->enumeration);
		break;
	case JSON_NAMES:
		put_text(object, "type", "array");
		item = json_object_new_object();
		put_choice(item, attribute->enumeration);
		put(object, "items", item);
		put(object, "uniqueItems", json_object_new_boolean(1));
		break;
	}
	return object;
}

static void put_required(struct json_object *object, const char *key)
{
	struct json_object *required = json_object_new_array();

	append(required, json_object_new_string(key));
	put(object, "required", required);
}

static struct json_object *require(const char *key)
{
	struct json_object *object = json_object_new_object();

	put_required(object, key);
	return object;
}

static struct json_object *type_of(const char *type)
{
	struct json_object *object = json_object_new_object();

	put_text(object, "type", type);
	return object;
}

static struct json_object *list_of(struct json_object *items)
{
	struct json_object *list = type_of("array");

	put(list, "items", items);
	return list;
}

static struct json_object *described(struct json_object *object, const char *description)
{
	put_text(object, "description", description);
	return object;
}

/* An object that has no keys but those of properties; all of them, if it is strict. */
static struct json_object *closed_object(struct json_object *properties, bool strict)
{
	struct json_object *object = type_of("object"), *required;
	struct json_object_iter property;

	if (strict) {
		required = json_object_new_array();
		json_object_object_foreachC(properties, property) {
			append(required, json_object_new_string(property.key));
		}
		put(object, "required", required);
	}
	put(object, "properties", properties);
	put(object, "additionalProperties", json_object_new_boolean(0));
	return object;
}

static const struct attribute_set *find_child(const struct netlink_spec *spec,
					      const struct attribute_set *set)
{
	size_t i, j;

	for (i = 0; i < spec->set_count; i++)
		for (j = 0; j < spec->sets[i].count; j++)
			if (spec->sets[i].attributes[j].parent &&
			    !strcmp(spec->sets[i].attributes[j].parent, set->name))
				return &spec->sets[i];
	return NULL;
}

static bool has_attribute(const struct attribute_set *set, const char *name)
{
	size_t i;

	for (i = 0; i < set->count && strcmp(set->attributes[i].name, name); i++)
		;
	return i < set->count;
}

static void put_user(struct json_object *properties)
{
	put(properties, "user",
	    described(type_of("string"),
		      "Name of the user, or else its uid; only if it is chosen."));
}

static void put_command(struct json_object *properties)
{
	put(properties, "command",
	    described(type_of("string"),
		      "Name of the process, if it can be found; only if it is chosen."));
}

/* Columns that the tool derives from others. */
static void put_derived(struct json_object *properties, const struct attribute_set *set)
{
	if (has_attribute(set, "pid"))
		put_command(properties);
	if (has_attribute(set, "uid"))
		put_user(properties);
}

static struct json_object *describe_set(const struct netlink_spec *spec,
					const struct attribute_set *set)
{
	const struct attribute_set *child = find_child(spec, set);
	struct json_object *properties = json_object_new_object(), *rates = type_of("object");
	size_t i;

	for (i = 0; i < set->count; i++)
		if (set->attributes[i].kind != ATTRIBUTE_PAD && !set->attributes[i].event_only)
			put(properties, snake(set->attributes[i].name),
			    describe(&set->attributes[i]));
	put_derived(properties, set);
	put(rates, "additionalProperties", type_of("number"));
	put(properties, "rates",
	    described(rates, "Growth of its counters per second; only in stats --watch."));
	if (child)
		put(properties, "children",
		    described(list_of(reference(snake(child->name))),
			      "Objects that exist through it; only in a tree."));
	return closed_object(properties, false);
}

static const struct operation *find_operation(const struct netlink_spec *spec,
					      const struct attribute_set *set)
{
	size_t i;

	for (i = 0; i < spec->operation_count; i++)
		if (spec->operations[i].set == set)
			return &spec->operations[i];
	return NULL;
}

static struct json_object *describe_event(const struct netlink_spec *spec)
{
	static const char *const ours[][2] = {
		{ "present", "The object existed before the snapshot." },
		{ "snapshot_begin", "The objects that exist follow." },
		{ "snapshot_complete", "The snapshot has listed all objects." },
		{ "lost", "Some events were lost." },
	};
	struct json_object *choices = json_object_new_array(), *event = json_object_new_object();
	size_t i;

	for (i = spec->request_count; i < spec->operation_count + sizeof(ours) / sizeof(*ours);
	     i++) {
		struct json_object *choice = json_object_new_object();
		bool own = i >= spec->operation_count;

		put_text(choice, "const",
			 own ? ours[i - spec->operation_count][0] :
			       snake(spec->operations[i].name));
		put_text(choice, "description",
			 own ? ours[i - spec->operation_count][1] : spec->operations[i].doc);
		append(choices, choice);
	}
	put(event, "anyOf", choices);
	return event;
}

static struct json_object *describe_reason(const struct netlink_spec *spec)
{
	struct json_object *reason = json_object_new_object();
	size_t i;

	for (i = 0; i < spec->enumeration_count; i++)
		if (!strcmp(spec->enumerations[i].name, "reason"))
			put_choice(reason, &spec->enumerations[i]);
	return described(reason, "Reason why the object ended; only in events.");
}

static struct json_object *describe_error(void)
{
	struct json_object *properties = json_object_new_object();

	put(properties, "status", described(type_of("integer"), "The exit status."));
	put(properties, "name",
	    described(type_of("string"),
		      "One of failed, usage, no_module, not_permitted and not_found."));
	put(properties, "message",
	    described(type_of("string"),
		      "One line that explains the failure and says how to fix it."));
	return closed_object(properties, true);
}

static struct json_object *describe_revoked(void)
{
	struct json_object *properties = json_object_new_object();

	put(properties, "kind", type_of("string"));
	put(properties, "id", type_of("string"));
	return list_of(closed_object(properties, true));
}

static struct json_object *describe_findings(void)
{
	struct json_object *properties = json_object_new_object(), *finding;

	put(properties, "check", described(type_of("string"), "Name of the check."));
	put(properties, "state", described(type_of("string"), "One of ok, note and problem."));
	put(properties, "finding", type_of("string"));
	finding = closed_object(properties, true);
	put(properties, "remedy", described(type_of("string"), "Way to fix it."));
	put(properties, "command",
	    described(type_of("string"), "Shell command with which an administrator fixes it."));
	return list_of(finding);
}

static void put_number(struct json_object *properties, const char *key, const char *description)
{
	struct json_object *number = type_of("integer");

	put(number, "minimum", json_object_new_int(0));
	put(properties, key, described(number, description));
}

/* Sums over objects, which the tool makes. */
static void put_sums(struct json_object *properties)
{
	put_number(properties, "exporters", "Exporters.");
	put_number(properties, "segments", "Segments.");
	put_number(properties, "permits", "Permits.");
	put_number(properties, "attachments", "Attachments.");
	put_number(properties, "exported",
		   "Bytes in segments; those in several segments count several times.");
	put_number(properties, "attached", "Bytes in attachments.");
	put_number(properties, "pinned", "Bytes that dma-bufs pin.");
}

static struct json_object *describe_usage(void)
{
	struct json_object *properties = json_object_new_object();

	put_number(properties, "uid", "User whose objects they are.");
	put_user(properties);
	put(properties, "cgroup",
	    described(type_of("string"), "Cgroup of their processes; absent if it is unknown."));
	put(properties, "job",
	    described(type_of("string"),
		      "Slurm job of their processes, as the names of cgroups say."));
	put_sums(properties);
	put(properties, "share",
	    described(type_of("number"),
		      "Part of a user's limit of objects that they take, in percent: that of the "
		      "kind that is nearest to its limit."));
	return closed_object(properties, false);
}

/* The counts per second and the memory of a process. */
static struct json_object *describe_process(void)
{
	static const char *const rates[][2] = {
		{ "faults", "Page faults handled in its attachments, per second." },
		{ "pages_mapped", "Pages mapped into its attachments, per second." },
		{ "retries", "Faults in its attachments that the module restarted, per second." },
		{ "failures", "Faults in its attachments that failed, per second." },
		{ "invalidations",
		  "Changes of its memory that took pages away from attachments, per second." },
		{ "zaps", "Pages that its changes took away from attachments, per second." },
	};
	struct json_object *properties = json_object_new_object();
	size_t i;

	put_number(properties, "pid", "Process; absent if it has no pid here.");
	put(properties, "command",
	    described(type_of("string"), "Name of the process, if it can be found."));
	put_number(properties, "uid", "User that it belongs to.");
	put(properties, "user",
	    described(type_of("string"), "Name of the user, or else its uid."));
	for (i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		put(properties, rates[i][0], described(type_of("number"), rates[i][1]));
	put_number(properties, "attached", "Bytes in its attachments.");
	put_number(properties, "exported",
		   "Bytes in its segments; those in several segments count several times.");
	return closed_object(properties, false);
}

static struct json_object *describe_overview(void)
{
	struct json_object *properties = json_object_new_object();

	put(properties, "module_version", described(type_of("string"), "Version of the module."));
	put_number(properties, "abi_version", "ABI version that the module serves.");
	put(properties, "mode_mask",
	    described(type_of("string"), "Permission bits that this machine honours."));
	put_number(properties, "global_ids", "1 if ids are valid across ipc namespaces, else 0.");
	put_number(properties, "max_segments", "Limit of a user; 0 means 16777216.");
	put_number(properties, "max_permits", "Limit of a user; 0 means 16777216.");
	put_number(properties, "max_attachments", "Limit of a user; 0 means 16777216.");
	put_sums(properties);
	return closed_object(properties, false);
}

static void put_output(struct json_object *properties, struct json_object *any, const char *key,
		       struct json_object *value)
{
	put(properties, key, value);
	append(any, require(key));
}

/* An object that can be dumped appears alone in inspect, and in a list under its plural name. */
static void describe_outputs(const struct netlink_spec *spec, struct json_object *schema)
{
	struct json_object *properties = json_object_new_object(), *any = json_object_new_array();
	struct json_object *version = json_object_new_object(),
			   *interrupted = json_object_new_object();
	size_t i;

	put(version, "const", json_object_new_int(JSON_SCHEMA_VERSION));
	put_text(version, "description",
		 "Raised when a key is removed or changes its meaning; new keys do not raise it.");
	put(properties, "schema_version", version);
	put(interrupted, "const", json_object_new_boolean(1));
	put_text(interrupted, "description",
		 "Objects changed during the listing: some may be missing or listed twice.");
	put(properties, "interrupted", interrupted);
	for (i = 0; i < spec->set_count; i++) {
		const struct operation *operation = find_operation(spec, &spec->sets[i]);
		const char *name = snake(spec->sets[i].name);
		char plural[128];

		snprintf(plural, sizeof(plural), "%ss", name);
		put_output(properties, any, name, reference(name));
		if (operation && operation->dump)
			put_output(properties, any, plural, list_of(reference(name)));
	}
	put_output(properties, any, "tree",
		   described(list_of(reference("exporter")),
			     "Exporters, with the objects that exist through them."));
	put_output(properties, any, "overview",
		   described(describe_overview(),
			     "The module, and sums of the objects that the caller may see."));
	put_output(properties, any, "users",
		   described(list_of(reference("usage")), "Objects of each user."));
	put_output(properties, any, "cgroups",
		   described(list_of(reference("usage")), "Objects of each cgroup."));
	put_output(properties, any, "jobs",
		   described(list_of(reference("usage")), "Objects of each Slurm job."));
	put_output(properties, any, "processes",
		   described(list_of(reference("process")), "Processes that have objects."));
	put_output(properties, any, "revoked", describe_revoked());
	put_output(properties, any, "findings", describe_findings());
	put_output(properties, any, "event", describe_event(spec));
	put(properties, "time",
	    described(type_of("string"), "Time of this state, in ISO 8601 and UTC."));
	put(properties, "reason", describe_reason(spec));
	put_output(properties, any, "error",
		   described(describe_error(), "Reason why the rest is missing."));
	put_required(schema, "schema_version");
	put(schema, "anyOf", any);
	put(schema, "properties", properties);
	put(schema, "additionalProperties", json_object_new_boolean(0));
}

void emit_schema(const struct specs *specs, const char *root)
{
	struct json_object *schema = json_object_new_object(),
			   *definitions = json_object_new_object();
	struct output output;
	FILE *out = output_open(&output, root, "tools/xpmemctl/schema.json");
	char notice[256];
	size_t i;

	snprintf(notice, sizeof(notice),
		 "SPDX-License-Identifier: GPL-2.0-or-later. " GENERATED_BY " " REGENERATE,
		 NETLINK_SPEC);
	put_text(schema, "$comment", notice);
	put_text(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
	put_text(schema, "title", "Output of xpmemctl");
	put_text(schema, "description",
		 "A key is absent if its value is unknown or the caller may not see it. Ids, "
		 "addresses and masks are hexadecimal strings, permission bits are octal strings, "
		 "and lengths and offsets are numbers in bytes. --columns leaves only the chosen "
		 "keys.");
	put_text(schema, "type", "object");
	describe_outputs(specs->netlink, schema);
	for (i = 0; i < specs->netlink->set_count; i++)
		put(definitions, snake(specs->netlink->sets[i].name),
		    describe_set(specs->netlink, &specs->netlink->sets[i]));
	put(definitions, "usage", describe_usage());
	put(definitions, "process", describe_process());
	put(schema, "$defs", definitions);
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(schema, JSON_C_TO_STRING_PRETTY |
							       JSON_C_TO_STRING_SPACED |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(schema);
	output_close(&output, out);
}
