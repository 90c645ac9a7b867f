/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs: their text, and how they are made up and changed. A line of the text is a call:
 *
 *	ACTOR[&] CALL [PARAMETER=VALUE]...
 *
 * & does not wait for its end. A value is a number, $N (what call N returned, counted from 0),
 * $N.second (the second result of call N, such as an attid) or $canary, each with +NUMBER if need
 * be. What is not said has the usual value. # begins a comment.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

const char *const actor_names[ACTOR_COUNT] = {
	[EXPORTER] = "exporter",     [ATTACHER] = "attacher",	[THIRD] = "third",
	[OTHER_USER] = "other-user", [OTHER_IPC] = "other-ipc", [ADMIN] = "admin",
	[CHILD] = "child",	     [THREAD] = "thread",
};

static uint64_t random_state = 1;

void random_seed(uint64_t seed)
{
	random_state = seed * 0x9e3779b97f4a7c15ULL | 1;
}

uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 0x2545f4914f6cdd1dULL >> 11) % limit;
}

static bool chance(unsigned int percent)
{
	return random_below(100) < percent;
}

static bool read_value(struct argument *argument, unsigned int index, char *text)
{
	char *end = text;

	*argument = (struct argument){ .from = FROM_NOTHING };
	if (!strncmp(text, "$canary", 7)) {
		argument->from = FROM_CANARY;
		end = text + 7;
	} else if (*text == '$') {
		unsigned long from = strtoul(text + 1, &end, 0);

		if (end == text + 1 || from >= index)
			return false;
		argument->from = from;
		argument->second = !strncmp(end, ".second", 7);
		end += argument->second ? 7 : 0;
	}
	if (argument->from == FROM_NOTHING || *end == '+') {
		text = end + (*end == '+');
		errno = 0;
		argument->value = strtoull(text, &end, 0);
		if (end == text || errno)
			return false;
	}
	return !*end;
}

static bool read_call(struct call *call, unsigned int index, char *line)
{
	char *word = strtok(line, " \t\n"), *rest;
	unsigned int actor = 0;
	size_t length = strlen(word);

	*call = (struct call){ .at_once = word[length - 1] == '&' };
	if (call->at_once)
		word[length - 1] = 0;
	while (actor < ACTOR_COUNT && strcmp(actor_names[actor], word))
		actor++;
	word = strtok(NULL, " \t\n");
	if (actor == ACTOR_COUNT || !word)
		return false;
	call->actor = actor;
	call->type = call_type_find(word);
	if (!call->type)
		return false;
	for (unsigned int i = 0; i < call->type->parameter_count; i++)
		call->arguments[i] = (struct argument){ .value = call->type->parameters[i].usual,
							.from = FROM_NOTHING };
	while ((word = strtok(NULL, " \t\n"))) {
		int parameter;

		rest = strchr(word, '=');
		if (!rest)
			return false;
		*rest++ = 0;
		parameter = parameter_find(call->type, word);
		if (parameter < 0 || !read_value(&call->arguments[parameter], index, rest))
			return false;
	}
	return true;
}

bool program_read(struct program *program, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[600], copy[600];
	unsigned int number = 0;
	bool fine = true;

	program->count = 0;
	if (!file) {
		fprintf(stderr, "cannot read %s: %m\n", path);
		return false;
	}
	while (fine && fgets(line, sizeof(line), file)) {
		number++;
		line[strcspn(line, "#\n")] = 0;
		if (!line[strspn(line, " \t")])
			continue;
		strcpy(copy, line);
		fine = program->count < MAX_CALLS &&
		       read_call(&program->calls[program->count], program->count, line);
		if (!fine)
			fprintf(stderr, "%s:%u: no call that can be made (or more than %d): %s\n",
				path, number, MAX_CALLS, copy);
		program->count++;
	}
	fclose(file);
	return fine;
}

static void print_value(const struct argument *argument, FILE *out)
{
	if (argument->from == FROM_CANARY)
		fputs("$canary", out);
	else if (argument->from >= 0)
		fprintf(out, "$%d%s", argument->from, argument->second ? ".second" : "");
	if (argument->from == FROM_NOTHING)
		fprintf(out, "%#llx", (unsigned long long)argument->value);
	else if (argument->value)
		fprintf(out, "+%#llx", (unsigned long long)argument->value);
}

void program_print(const struct program *program, FILE *out)
{
	for (unsigned int i = 0; i < program->count; i++) {
		const struct call *call = &program->calls[i];

		fprintf(out, "%s%s %s", actor_names[call->actor], call->at_once ? "&" : "",
			call->type->name);
		for (unsigned int j = 0; j < call->type->parameter_count; j++) {
			if (call->arguments[j].from == FROM_NOTHING &&
			    call->arguments[j].value == call->type->parameters[j].usual)
				continue;
			fprintf(out, " %s=", call->type->parameters[j].name);
			print_value(&call->arguments[j], out);
		}
		fprintf(out, "\t# $%u\n", i);
	}
}

/* A call before `index` with such a result; those that came last are likelier. */
static bool pick_result(const struct program *program, unsigned int index, enum kind kind,
			struct argument *argument)
{
	struct argument found = { .from = FROM_NOTHING };

	for (unsigned int i = 0; i < index; i++) {
		const struct call_type *type = program->calls[i].type;
		bool first = type->result == kind ||
			     (kind == KIND_ATTID &&
			      (type->result == KIND_APID || type->result == KIND_SEGID));

		if (!first && type->second != kind)
			continue;
		if (found.from == FROM_NOTHING || chance(60))
			found = (struct argument){ .from = i, .second = !first };
	}
	if (found.from == FROM_NOTHING)
		return false;
	*argument = found;
	return true;
}

static uint64_t odd_number(void)
{
	static const uint64_t numbers[] = {
		0,
		1,
		2,
		3,
		7,
		8,
		255,
		4095,
		4096,
		4097,
		8192,
		65536,
		1 << 21,
		(1 << 21) + 4096,
		1U << 31,
		~0U,
		1ULL << 32,
		1ULL << 46,
		0x7ffffffff000,
		0x7fffffffe000,
		0x800000000000,
		0xffff888000000000,
		0xffffffff81000000,
		1ULL << 63,
		~0ULL,
		~0ULL - 4095,
		~0ULL - 1,
		0x7fffffffffffffff,
	};

	return numbers[random_below(LENGTH(numbers))];
}

static void make_argument(const struct program *program, unsigned int index,
			  const struct parameter *parameter, struct argument *argument)
{
	*argument = (struct argument){ .value = parameter->usual, .from = FROM_NOTHING };
	if (chance(4)) {
		argument->value = odd_number();
		return;
	}
	switch (parameter->kind) {
	case KIND_NONE:
		break;
	case KIND_SEGID:
		if (chance(15))
			*argument = (struct argument){ .from = FROM_CANARY };
		else
			pick_result(program, index, KIND_SEGID, argument);
		break;
	case KIND_APID:
	case KIND_ATTID:
		pick_result(program, index, parameter->kind, argument);
		break;
	case KIND_DESCRIPTOR:
		if (chance(strcmp(parameter->name, "device") ? 70 : 8))
			pick_result(program, index, KIND_DESCRIPTOR, argument);
		break;
	case KIND_ADDRESS:
		if (chance(strcmp(parameter->name, "at") ? 92 : 4) &&
		    pick_result(program, index, KIND_ADDRESS, argument)) {
			if (chance(40))
				argument->value = random_below(16) * PAGE +
						  (chance(10) ? random_below(PAGE) : 0);
		}
		break;
	case KIND_LENGTH:
		if (chance(60))
			argument->value = random_below(chance(80) ? 9 : 600) * PAGE;
		else if (chance(5))
			argument->value = random_below(20000);
		break;
	case KIND_FLAGS:
		if (chance(30))
			argument->value = random_below(1ULL << 32) & parameter->mask;
		else if (chance(5))
			argument->value ^= 1ULL << random_below(33);
		break;
	case KIND_ACTOR:
		argument->value = random_below(ACTOR_COUNT);
		break;
	case KIND_NUMBER:
		if (parameter->mask && chance(50))
			argument->value = random_below(parameter->mask + 1);
		break;
	}
}

static enum actor make_actor(void)
{
	static const unsigned char weights[ACTOR_COUNT] = {
		[EXPORTER] = 34, [ATTACHER] = 34, [THIRD] = 8, [OTHER_USER] = 5,
		[OTHER_IPC] = 4, [ADMIN] = 3,	  [CHILD] = 4, [THREAD] = 8,
	};
	unsigned int point = random_below(100), actor = 0;

	while (point >= weights[actor])
		point -= weights[actor++];
	return actor;
}

static void make_call(const struct program *program, unsigned int index, struct call *call)
{
	unsigned int total = 0, type = 0, point;

	for (unsigned int i = 0; i < call_type_count; i++)
		total += call_types[i].weight;
	for (point = random_below(total); point >= call_types[type].weight; type++)
		point -= call_types[type].weight;
	*call = (struct call){ .type = &call_types[type],
			       .actor = make_actor(),
			       .at_once = chance(7) };
	for (unsigned int i = 0; i < call->type->parameter_count; i++)
		make_argument(program, index, &call->type->parameters[i], &call->arguments[i]);
}

/* What the arguments of later calls name stays the same calls. */
static void renumber(struct program *program, unsigned int from, int by)
{
	for (unsigned int i = 0; i < program->count; i++)
		for (unsigned int j = 0; j < program->calls[i].type->parameter_count; j++)
			if (program->calls[i].arguments[j].from >= (int)from)
				program->calls[i].arguments[j].from += by;
}

static void insert(struct program *program, unsigned int index)
{
	struct call call;

	if (program->count == MAX_CALLS)
		return;
	make_call(program, index, &call);
	renumber(program, index, 1);
	memmove(&program->calls[index + 1], &program->calls[index],
		(program->count - index) * sizeof(call));
	program->calls[index] = call;
	program->count++;
}

void program_remove(struct program *program, unsigned int index)
{
	for (unsigned int i = index + 1; i < program->count; i++) {
		struct call *call = &program->calls[i];

		for (unsigned int j = 0; j < call->type->parameter_count; j++)
			if (call->arguments[j].from == (int)index)
				call->arguments[j] =
					(struct argument){ .value = call->arguments[j].value,
							   .from = FROM_NOTHING };
	}
	program->count--;
	memmove(&program->calls[index], &program->calls[index + 1],
		(program->count - index) * sizeof(struct call));
	renumber(program, index + 1, -1);
}

void program_generate(struct program *program)
{
	unsigned int count = 3 + random_below(12);

	program->count = 0;
	while (program->count < count) {
		make_call(program, program->count, &program->calls[program->count]);
		program->count++;
	}
}

/* The beginning of one, then a part of the other. */
static void splice(struct program *program, const struct program *other)
{
	unsigned int kept = random_below(program->count + 1);

	program->count = kept;
	for (unsigned int i = 0; i < other->count && program->count < MAX_CALLS; i++) {
		struct call *call = &program->calls[program->count++];

		*call = other->calls[i];
		for (unsigned int j = 0; j < call->type->parameter_count; j++)
			if (call->arguments[j].from >= 0)
				call->arguments[j].from += kept;
	}
}

static void change_argument(struct program *program)
{
	unsigned int index = random_below(program->count), parameter;
	struct call *call = &program->calls[index];
	struct argument *argument;

	if (!call->type->parameter_count)
		return;
	parameter = random_below(call->type->parameter_count);
	argument = &call->arguments[parameter];
	switch (random_below(5)) {
	case 0:
		argument->value += PAGE;
		break;
	case 1:
		argument->value -= PAGE;
		break;
	case 2:
		argument->value ^= 1ULL << random_below(64);
		break;
	default:
		make_argument(program, index, &call->type->parameters[parameter], argument);
	}
}

void program_mutate(struct program *program, const struct program *other)
{
	for (unsigned int changes = 1 + random_below(4); changes; changes--) {
		unsigned int way = random_below(100);

		if (!program->count || way < 40)
			insert(program, random_below(program->count + 1));
		else if (way < 65)
			change_argument(program);
		else if (way < 77 && program->count > 1)
			program_remove(program, random_below(program->count));
		else if (way < 87)
			splice(program, other);
		else if (way < 93)
			program->calls[random_below(program->count)].actor = make_actor();
		else
			program->calls[random_below(program->count)].at_once ^= true;
	}
}
