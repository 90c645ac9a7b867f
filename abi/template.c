/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "template.h"

#define TAG_SIZE 128	/* and a word of a tag has at most 127 characters */
#define WRAP_COLUMNS 80
/* Columns of a string in a table; a tab and two spaces stand before it. */
#define STRING_COLUMNS 80

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

/* Fail for the tag if a part of the path is absent; if there is no tag, return NULL. */
static const struct node *look_up(const struct render *render, const struct scope *scope,
				  const char *path, const char *tag)
{
	char copy[TAG_SIZE], *rest = copy, *part;
	const struct node *node;

	snprintf(copy, sizeof(copy), "%s", path);
	part = strsep(&rest, ".");
	while (scope && strcmp(scope->name, part))
		scope = scope->outer;
	node = scope ? scope->value : NULL;
	while (node && (part = strsep(&rest, ".")))
		node = node->kind == NODE_SEQUENCE ? node_with(node, "name", part) :
						     node_find(node, part);
	if (!node && tag)
		fail_tag(render, tag, "there is no such value");
	return node;
}

static void print_snake(const struct render *render, const char *text)
{
	for (; *text; text++)
		fputc(*text == '-' ? '_' : *text, render->out);
}

static void print_upper(const struct render *render, const char *text)
{
	for (; *text; text++)
		fputc(*text == '-' ? '_' : toupper((unsigned char)*text), render->out);
}

/* A name without the prefix XPMEM_, because Python names have the package in front. */
static void print_bare(const struct render *render, const char *text)
{
	fputs(strncmp(text, "XPMEM_", 6) ? text : text + 6, render->out);
}

static void print_hex(const struct render *render, const char *number)
{
	fprintf(render->out, "%#llx", strtoull(number, NULL, 0));
}

/* A character, after a backslash if it is one of these. */
static void print_escaped(const struct render *render, char c, const char *these)
{
	if (strchr(these, c))
		fputc('\\', render->out);
	fputc(c, render->out);
}

/* A cell of a Markdown table, which a bar would end. */
static void print_cell(const struct render *render, const char *text)
{
	for (; *text; text++)
		print_escaped(render, *text == '\n' ? ' ' : *text, "|");
}

/* The inside of a JSON string. */
static void print_json(const struct render *render, const char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			fputs("\\n", render->out);
		else
			print_escaped(render, *text, "\"\\");
}

/* A C string in a table, continued on further lines so that none is wider than 100 columns. */
static void print_string(const struct render *render, const char *text)
{
	size_t column = 0, word;

	fputc('"', render->out);
	for (; *text; text++) {
		word = *text == ' ' || *text == '\n' ? strcspn(text + 1, " \n") : 0;
		if (word && column + word > STRING_COLUMNS) {
			fputs(" \"\n\t  \"", render->out);
			column = 0;
			continue;
		}
		print_escaped(render, *text == '\n' ? ' ' : *text, "\"\\");
		column++;
	}
	fputc('"', render->out);
}

/* Returns the part of the last line that is written already. It is valid until the next write. */
static const char *line_begun(const struct render *render)
{
	const char *newline;

	fflush(render->out);
	newline = memrchr(render->text, '\n', render->length);
	return newline ? newline + 1 : render->text;
}

static void print_words(const struct render *render, const char *text, const char *prefix)
{
	size_t column = strlen(line_begun(render)), length;
	bool begun = false;

	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		length = strcspn(text, " \n");
		if (begun && column + 1 + length > WRAP_COLUMNS) {
			fprintf(render->out, "\n%s", prefix);
			column = strlen(prefix);
			begun = false;
		}
		fprintf(render->out, "%s%.*s", begun ? " " : "", (int)length, text);
		column += length + begun;
		begun = true;
		text += length;
	}
}

/* Lines of at most 80 columns, each of which begins as the first one does. */
static void print_wrapped(const struct render *render, const char *text)
{
	char *prefix = strdup(line_begun(render));

	if (!prefix)
		fail_without_memory();
	print_words(render, text, prefix);
	free(prefix);
}

/* Lines of at most 80 columns: an item of a list in a C comment. */
static void print_item(const struct render *render, const char *text)
{
	print_words(render, text, " *   ");
}

static const struct filter {
	const char *name;
	void (*print)(const struct render *render, const char *text);
} filters[] = {
	{ "snake", print_snake },   { "upper", print_upper },
	{ "bare", print_bare },	    { "hex", print_hex },
	{ "cell", print_cell },	    { "json", print_json },
	{ "string", print_string }, { "wrap", print_wrapped },
	{ "item", print_item },	    { NULL, NULL },
};

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
	const char *name = strchr(path, '|');
	const struct filter *filter;
	const struct node *value;

	path[strcspn(path, "|")] = '\0';
	value = look_up(render, scope, path, tag);
	if (!name) {
		fputs(value_text(value), render->out);
		return;
	}
	for (filter = filters; filter->name && strcmp(filter->name, name + 1); filter++)
		;
	if (!filter->name)
		fail_tag(render, tag, "there is no such filter");
	filter->print(render, value_text(value));
}

/* "first" and "last" are those of the innermost loop. */
static bool loop_state(const struct scope *scope, const char *which)
{
	while (scope && !scope->loops)
		scope = scope->outer;
	return scope && (*which == 'f' ? scope->first : scope->last);
}

static bool holds(const struct render *render, const struct scope *scope, char *condition)
{
	char *words = strstr(condition, " is ");
	const struct node *value;

	if (!strncmp(condition, "not ", 4))
		return !holds(render, scope, condition + 4);
	if (!strcmp(condition, "first") || !strcmp(condition, "last"))
		return loop_state(scope, condition);
	if (words)
		*words = '\0';
	value = look_up(render, scope, condition, NULL);
	if (!value)
		return false;
	if (words)
		return is_among(value_text(value), words + 4);
	if (value->kind != NODE_SCALAR)
		return value->count;
	return !value->numeric || value->number;
}

static const char *render_part(struct render *render, const char *at, const struct scope *scope,
			       bool quiet);

static const char *render_loop(struct render *render, const char *at, const struct scope *scope,
			       const char *name, const struct node *list)
{
	struct scope key = { .name = "key", .outer = scope };
	struct scope item = { .name = name, .outer = scope, .loops = true };
	size_t i;

	for (i = 0; i < list->count; i++) {
		item.value = list->items[i];
		if (list->kind == NODE_MAPPING) {
			key.value = list->keys[i];
			item.outer = &key;
		}
		item.first = !i;
		item.last = i + 1 == list->count;
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

	if (!render.template) {
		fprintf(stderr, "generate: cannot read %s: %s\n", path, strerror(errno));
		exit(1);
	}
	render.out = open_memstream(&render.text, &render.length);
	if (!render.out)
		fail_without_memory();
	end = render_part(&render, render.template, scope, false);
	if (*end)
		fail_tag(&render, end, "an end without a begin precedes");
	if (fclose(render.out))
		fail_without_memory();
	return render.text;
}
