/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <err.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "template.h"

#define TAG_SIZE 128	/* and a word of a tag has at most 127 characters */
#define WRAP_COLUMNS 80

struct render {
	const char *path;
	const char *template;
	const char *at;		/* the next character to render */
	const char *tag;	/* the last tag, for messages */
	const struct scope *scope;
	FILE *out;
	char *text;		/* what out holds after a flush */
	size_t length;
};

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file || getdelim(&text, &size, '\0', file) < 0)
		err(1, "cannot read %s", path);
	fclose(file);
	return text;
}

static _Noreturn void fail_tag(const struct render *render, const char *problem)
{
	struct node place = { .path = render->path, .line = 1 };
	const char *c;

	for (c = render->template; c < render->tag; c++)
		place.line += *c == '\n';
	fail_at(&place, "%s: %.*s", problem, (int)strcspn(render->tag, "\n"), render->tag);
}

/* Returns the value that a path leads to, or NULL. */
static const struct node *find(const struct render *render, const char *path)
{
	const struct scope *scope = render->scope;
	size_t length = strcspn(path, ".");

	while (scope && (strncmp(scope->name, path, length) || scope->name[length]))
		scope = scope->outer;
	if (!scope || !path[length])
		return scope ? scope->value : NULL;
	return node_find(scope->value, path + length + 1);
}

static const struct node *look_up(const struct render *render, const char *path)
{
	const struct node *node = find(render, path);

	if (!node)
		fail_tag(render, "there is no such value");
	return node;
}

/* Returns the text of a scalar, or the number of a list's items. */
static const char *value_text(const struct node *value)
{
	return value->kind == NODE_SCALAR ? value->text : format_text("%zu", value->count);
}

/* Prints a name with its letters in one case, and _ for -. */
static void print_name(const struct render *render, const char *name, int (*change)(int))
{
	for (; *name; name++)
		fputc(*name == '-' ? '_' : change((unsigned char)*name), render->out);
}

/* A JSON string, which is a C string too. */
static const char *quote(const char *text)
{
	return json_object_to_json_string_ext(checked(json_object_new_string(text)),
					      JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* `column` is that of the next character. A further line begins with `begin`. */
static void print_words(const struct render *render, const char *text, int column,
			const char *end, const char *begin)
{
	bool begun = false;
	int length;

	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		length = strcspn(text, " \n");
		if (begun && column + 1 + length > WRAP_COLUMNS) {
			fprintf(render->out, "%s\n%s", end, begin);
			column = strlen(begin);
			begun = false;
		}
		fprintf(render->out, "%s%.*s", begun ? " " : "", length, text);
		column += length + begun;
		begun = true;
		text += length;
	}
}

/* Lines, each of which begins as the first one does, or, after a colon, as an item of a comment. */
static void print_wrapped(const struct render *render, const char *text)
{
	char *begun;

	fflush(render->out);
	begun = memrchr(render->text, '\n', render->length);
	begun = checked(strdup(begun ? begun + 1 : render->text));
	print_words(render, text, strlen(begun), "", strchr(begun, ':') ? " *   " : begun);
}

static void print_value(const struct render *render, char *path)
{
	const char *name = strsep(&path, "|"), *filter = path;
	const char *text = value_text(look_up(render, name));
	unsigned long long number = strtoull(text, NULL, 0);

	if (!filter)
		fputs(text, render->out);
	else if (!strcmp(filter, "snake"))
		print_name(render, text, tolower);
	else if (!strcmp(filter, "upper"))
		print_name(render, text, toupper);
	else if (!strcmp(filter, "bare"))	/* in Python, the package is in front of names */
		fputs(strncmp(text, "XPMEM_", 6) ? text : text + 6, render->out);
	else if (!strcmp(filter, "literal"))	/* of C90, where more than 32 bits need a suffix */
		fprintf(render->out, "%s%s", text, number > UINT32_MAX ? "ULL" : "");
	else if (!strcmp(filter, "hex"))
		fprintf(render->out, "%#llx", number);
	else if (!strcmp(filter, "json"))
		fputs(quote(text), render->out);
	else if (!strcmp(filter, "string"))	/* of C, continued on further lines of a table */
		print_words(render, quote(text), 3, " \"", "\t  \"");
	else if (!strcmp(filter, "wrap"))
		print_wrapped(render, text);
	else
		fail_tag(render, "there is no such filter");
}

static bool holds(const struct render *render, char *condition)
{
	char *words = strstr(condition, " is ");
	const struct node *value;

	if (!strncmp(condition, "not ", 4))
		return !holds(render, condition + 4);
	if (words)
		*words = '\0';
	value = find(render, condition);
	if (!value || words)
		return value && is_among(value_text(value), words + 4);
	return !is_among(value_text(value), "0 false");
}

static void render_part(struct render *render, bool quiet);

static void render_loop(struct render *render, const char *name, const struct node *list)
{
	static const struct node no = { .text = "false" }, yes = { .text = "true" };
	struct scope key = { "key", NULL, render->scope }, first = { "first", NULL, &key };
	struct scope last = { "last", NULL, &first }, item = { name, NULL, &last };
	const char *begin = render->at;
	size_t i;

	render->scope = &item;
	for (i = 0; i < node_count(list); i++) {
		key.value = list->keys ? list->keys[i] : NULL;
		first.value = i ? &no : &yes;
		last.value = i + 1 < list->count ? &no : &yes;
		item.value = list->items[i];
		render->at = begin;
		render_part(render, false);
	}
	render->scope = key.outer;
	render->at = begin;
	render_part(render, true);
}

static void render_use(struct render *render, const char *name, const struct node *value)
{
	struct scope used = { .name = name, .value = value, .outer = render->scope };
	char *define = format_text("{define %s}\n", name);
	const char *back = render->at, *begin = strstr(render->template, define);

	if (!begin)
		fail_tag(render, "there is no such define");
	if (value)
		render->scope = &used;
	render->at = begin + strlen(define);
	render_part(render, false);
	render->scope = used.outer;
	render->at = back;
}

/* Renders a tag and the part that it begins, or goes behind the part if quiet. */
static void render_tag(struct render *render, char *tag, bool quiet)
{
	char name[TAG_SIZE], path[TAG_SIZE];
	int words = sscanf(tag, "use %127s %127s", name, path);

	if (sscanf(tag, "for %127s in %127s", name, path) == 2) {
		render_loop(render, name, quiet ? NULL : look_up(render, path));
	} else if (!strncmp(tag, "if ", 3)) {
		render_part(render, quiet || !holds(render, tag + 3));
	} else if (!strncmp(tag, "define ", 7)) {
		render_part(render, true);
		render->at += *render->at == '\n';
	} else if (!quiet && words > 0) {
		render_use(render, name, words > 1 ? look_up(render, path) : NULL);
	} else if (!quiet) {
		print_value(render, tag);
	}
}

/* Reads the tag at this place, if there is one. A tag that is alone on a line takes the line. */
static bool read_tag(struct render *render, char tag[TAG_SIZE], bool starts_line)
{
	size_t length = strcspn(render->at, "}\n");

	if (*render->at != '{' || !islower((unsigned char)render->at[1]) || length >= TAG_SIZE)
		return false;
	snprintf(tag, TAG_SIZE, "%.*s", (int)length - 1, render->at + 1);
	render->tag = render->at;
	render->at += length + 1;
	if (starts_line && *render->at == '\n' && (strchr(tag, ' ') || !strcmp(tag, "end")))
		render->at++;
	return true;
}

/* Renders up to the {end} of the part, or nothing if quiet, and goes behind it. */
static void render_part(struct render *render, bool quiet)
{
	char tag[TAG_SIZE];
	bool starts_line;

	while (*render->at) {
		starts_line = render->at == render->template || render->at[-1] == '\n';
		if (starts_line && *render->at == '%') {
			render->at += strcspn(render->at, "\n");
			render->at += *render->at == '\n';
		} else if (read_tag(render, tag, starts_line)) {
			if (!strcmp(tag, "end"))
				return;
			render_tag(render, tag, quiet);
		} else if (!strncmp(render->at, "\\\n", 2)) {
			render->at += 2;
		} else {
			if (!quiet)
				fputc(*render->at, render->out);
			render->at++;
		}
	}
}

char *template_render(const char *path, const struct scope *scope)
{
	struct render render = { .path = path, .template = read_file(path), .scope = scope };

	render.at = render.template;
	render.out = checked(open_memstream(&render.text, &render.length));
	render_part(&render, false);
	if (*render.at)
		fail_tag(&render, "an end without a begin precedes");
	if (fclose(render.out))
		checked(NULL);
	return render.text;
}
