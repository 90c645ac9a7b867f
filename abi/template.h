/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Templates of generated files. A template is text with these tags:
 *
 * {PATH} or {PATH|FILTER}
 *	The text of a scalar, as the filter changes it, or the number of a list's items.
 * {for NAME in PATH} ... {end}
 *	Once for each item of a list. For a mapping, NAME is the value and "key" the key.
 * {if PATH} ... {end}
 *	Also {if not PATH}, and {if PATH is WORD or WORD}. A path that leads nowhere, the number 0,
 *	false and an empty list are false. {if first} and {if last} are about the innermost loop.
 * {define NAME} ... {end}, {use NAME}, {use NAME PATH}
 *	A text that other places use. There, NAME stands for the value at PATH.
 *
 * A path is the name of a specification or one from an enclosing for or use, then keys, or names of
 * a list's items: netlink.definitions.access.entries. rules.c and the two spec files say which keys
 * there are, template.c has the filters. A tag that is alone on a line leaves no line. A backslash
 * joins a line to the next. A line that begins with % is a comment.
 */
#ifndef TEMPLATE_H
#define TEMPLATE_H

#include "document.h"

struct scope {
	const char *name;
	const struct node *value;
	const struct scope *outer;
};

/* Returns the text that the template in the file makes. */
char *template_render(const char *path, const struct scope *scope);

#endif
