/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "template.h"

#define TAG_SIZE 128	/* and a word of a tag has at most 127 characters */
#define WRAP_COLUMNS 80

struct render {
	const char *path;
	const char *template;
	FILE *out;
	char *text;		/* what out holds after a flush */
	size_t length;
};

char *file_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0)
		text = strdup("");
	fclose(file);
	return text;
}

static _Noreturn void fail_tag(const struct render *render, const char *tag, const char *problem)
{
	struct node place = { .path = render->path, .line = 1 };
	const char *c;

	for (c = render->template; c < tag; c++)
		place.line += *c == '\n';
	fail_at(&place, "%s: %.*s", problem, (int)strcspn(tag, "\n"), tag);
}

/* Fail for the tag if the path leads nowhere; if there is no tag, return NULL. */
static const struct node *look_up(const struct render *render, const struct scope *scope,
				  const char *path, const char *tag)
{
	size_t length = strcspn(path, ".");
	const struct node *node;

	while (scope && (strncmp(scope->name, path, length) || scope->name[length]))
		scope = scope->outer;
	node = scope ? scope->value : NULL;
	if (path[length])
		node = node_find(node, path + length + 1);
	if (!node && tag)
		fail_tag(render, tag, "there is no such value");
	return node;
}

/* A name with its letters in one case, and _ for -. */
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

static void print_filtered(const struct render *render, const char *filter, const char *text,
			   const char *tag)
{
	if (!strcmp(filter, "snake"))
		print_name(render, text, tolower);
	else if (!strcmp(filter, "upper"))
		print_name(render, text, toupper);
	else if (!strcmp(filter, "bare"))	/* in Python, the package is in front of names */
		fputs(strncmp(text, "XPMEM_", 6) ? text : text + 6, render->out);
	else if (!strcmp(filter, "hex"))
		fprintf(render->out, "%#llx", strtoull(text, NULL, 0));
	else if (!strcmp(filter, "json"))
		fputs(quote(text), render->out);
	else if (!strcmp(filter, "string"))	/* of C, continued on further lines of a table */
		print_words(render, quote(text), 3, " \"", "\t  \"");
	else if (!strcmp(filter, "wrap"))
		print_wrapped(render, text);
	else
		fail_tag(render, tag, "there is no such filter");
}

/* The text of a scalar, or the number of a list's items. */
static const char *value_text(const struct node *value)
{
	static char number[32];

	if (value->kind == NODE_SCALAR)
		return value->text;
	snprintf(number, sizeof(number), "%zu", value->count);
	return number;
}

static void print_value(const struct render *render, const struct scope *scope, char *path,
			const char *tag)
{
	char *filter = path;
	const char *text;

	path = strsep(&filter, "|");
	text = value_text(look_up(render, scope, path, tag));
	if (filter)
		print_filtered(render, filter, text, tag);
	else
		fputs(text, render->out);
}

static bool holds(const struct render *render, const struct scope *scope, char *condition)
{
	char *words = strstr(condition, " is ");
	const struct node *value;

	if (!strncmp(condition, "not ", 4))
		return !holds(render, scope, condition + 4);
	if (words)
		*words = '\0';
	value = look_up(render, scope, condition, NULL);
	if (!value)
		return false;
	if (words)
		return is_among(value_text(value), words + 4);
	if (value->kind != NODE_SCALAR)
		return value->count;
	return !is_among(value->text, "0 false");
}

static const char *render_part(struct render *render, const char *at, const struct scope *scope,
			       bool quiet);

static const char *render_loop(struct render *render, const char *at, const struct scope *scope,
			       const char *name, const struct node *list)
{
	static const struct node no = { .text = "false" }, yes = { .text = "true" };
	struct scope key = { "key", NULL, scope }, first = { "first", NULL, &key };
	struct scope last = { "last", NULL, &first }, item = { name, NULL, &last };
	size_t i;

	for (i = 0; i < list->count; i++) {
		key.value = list->keys ? list->keys[i] : NULL;
		first.value = i ? &no : &yes;
		last.value = i + 1 < list->count ? &no : &yes;
		item.value = list->items[i];
		render_part(render, at, &item, false);
	}
	return render_part(render, at, scope, true);
}

static void render_use(struct render *render, const struct scope *scope, const char *name,
		       const struct node *value, const char *tag)
{
	struct scope used = { .name = name, .value = value, .outer = scope };
	char define[TAG_SIZE + 16];
	const char *at;

	snprintf(define, sizeof(define), "{define %s}\n", name);
	at = strstr(render->template, define);
	if (!at)
		fail_tag(render, tag, "there is no such define");
	render_part(render, at + strlen(define), value ? &used : scope, false);
}

static bool begins_part(const char *tag)
{
	return !strncmp(tag, "for ", 4) || !strncmp(tag, "if ", 3) || !strncmp(tag, "define ", 7);
}

/* Renders a tag, and the part that it begins; returns what follows. */
static const char *render_tag(struct render *render, const char *at, char *tag, const char *begin,
			      const struct scope *scope, bool quiet)
{
	char name[TAG_SIZE], path[TAG_SIZE];
	int words;

	if (quiet)
		return begins_part(tag) ? render_part(render, at, scope, true) : at;
	if (sscanf(tag, "for %127s in %127s", name, path) == 2)
		return render_loop(render, at, scope, name, look_up(render, scope, path, begin));
	if (!strncmp(tag, "if ", 3))
		return render_part(render, at, scope, !holds(render, scope, tag + 3));
	if (!strncmp(tag, "define ", 7)) {
		at = render_part(render, at, scope, true);
		return *at == '\n' ? at + 1 : at;
	}
	words = sscanf(tag, "use %127s %127s", name, path);
	if (words > 0)
		render_use(render, scope, name,
			   words > 1 ? look_up(render, scope, path, begin) : NULL, begin);
	else
		print_value(render, scope, tag, begin);
	return at;
}

/* Renders up to the {end} of the part, or nothing if quiet; returns what follows that. */
static const char *render_part(struct render *render, const char *at, const struct scope *scope,
			       bool quiet)
{
	while (*at) {
		bool starts_line = at == render->template || at[-1] == '\n';
		const char *begin = at;
		char tag[TAG_SIZE];
		size_t length;

		if (starts_line && *at == '%') {
			at += strcspn(at, "\n") + 1;
			continue;
		}
		length = *at == '{' && islower((unsigned char)at[1]) ? strcspn(at, "}\n") : 0;
		if (!length || length >= sizeof(tag)) {
			if (!strncmp(at, "\\\n", 2))
				at++;
			else if (!quiet)
				fputc(*at, render->out);
			at++;
			continue;
		}
		snprintf(tag, sizeof(tag), "%.*s", (int)length - 1, at + 1);
		at += length + 1;
		if (starts_line && *at == '\n' && (strchr(tag, ' ') || !strcmp(tag, "end")))
			at++;
		if (!strcmp(tag, "end"))
			return at;
		at = render_tag(render, at, tag, begin, scope, quiet);
	}
	return at;
}

char *template_render(const char *path, const struct scope *scope)
{
	struct render render = { .path = path, .template = file_read(path) };
	const char *end;

	if (!render.template)
		fail_file("read", path);
	render.out = checked(open_memstream(&render.text, &render.length));
	end = render_part(&render, render.template, scope, false);
	if (*end)
		fail_tag(&render, end, "an end without a begin precedes");
	if (fclose(render.out))
		checked(NULL);
	return render.text;
}
