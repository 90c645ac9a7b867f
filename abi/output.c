/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "document.h"
#include "output.h"

#define COLUMNS 80

static _Noreturn void fail_file(const char *verb, const char *path)
{
	fprintf(stderr, "generate: cannot %s %s: %s\n", verb, path, strerror(errno));
	exit(1);
}

FILE *output_open(struct output *output, const char *root, const char *path)
{
	FILE *out;

	*output = (struct output){ .root = root, .path = path };
	out = open_memstream(&output->text, &output->length);
	if (!out)
		fail_file("make", path);
	return out;
}

static bool file_holds(const char *path, const char *text, size_t length)
{
	char *have = allocate(1, length + 1);
	FILE *file = fopen(path, "r");
	bool same = false;

	if (file) {
		same = fread(have, 1, length + 1, file) == length && !memcmp(have, text, length);
		fclose(file);
	}
	free(have);
	return same;
}

static void make_folders(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0777) && errno != EEXIST)
			fail_file("make folder", path);
		*slash = '/';
	}
}

void output_close(struct output *output, FILE *out)
{
	char *path;

	if (fclose(out) || asprintf(&path, "%s/%s", output->root, output->path) < 0)
		fail_file("make", output->path);
	if (!file_holds(path, output->text, output->length)) {
		make_folders(path);
		out = fopen(path, "w");
		if (!out)
			fail_file("write", path);
		fwrite(output->text, 1, output->length, out);
		if (fclose(out))
			fail_file("write", path);
	}
	free(path);
	free(output->text);
}

static const char *restyle(const char *name, int (*change)(int))
{
	char *text = allocate(1, strlen(name) + 1);
	size_t i;

	for (i = 0; name[i]; i++)
		text[i] = name[i] == '-' ? '_' : change((unsigned char)name[i]);
	return text;
}

const char *snake(const char *name)
{
	return restyle(name, tolower);
}

const char *upper(const char *name)
{
	return restyle(name, toupper);
}

static size_t width(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns = *text == '\t' ? (columns | 7) + 1 : columns + 1;
	return columns;
}

void print_wrapped(FILE *out, const char *first, const char *prefix, const char *text)
{
	size_t column = width(first), length;
	bool begun = false;

	fputs(first, out);
	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		length = strcspn(text, " \n");
		if (begun && column + 1 + length > COLUMNS) {
			fprintf(out, "\n%s", prefix);
			column = width(prefix);
			begun = false;
		}
		fprintf(out, "%s%.*s", begun ? " " : "", (int)length, text);
		column += length + begun;
		begun = true;
		text += length;
	}
	fputc('\n', out);
}

static void print_notice(FILE *out, const char *from)
{
	fputs("/*\n * ", out);
	fprintf(out, GENERATED_BY, from);
	fputs("\n * " REGENERATE "\n */\n", out);
}

void print_header_notice(FILE *out, const char *license, const char *from)
{
	fprintf(out, "/* SPDX-License-Identifier: %s */\n", license);
	print_notice(out, from);
}

void print_source_notice(FILE *out, const char *license, const char *from)
{
	fprintf(out, "// SPDX-License-Identifier: %s\n", license);
	print_notice(out, from);
}

static const char *join(const char *format, const char *word)
{
	char *text;

	if (asprintf(&text, format, word) < 0)
		fail_file("name", word);
	return text;
}

const char *struct_name(const struct command *command)
{
	return join(command->legacy ? "xpmem_cmd_%s" : "xpmem_ioc_%s", command->name);
}

const char *request_name(const struct command *command)
{
	return join(command->legacy ? "XPMEM_CMD_%s" : "XPMEM_IOC_%s", upper(command->name));
}
