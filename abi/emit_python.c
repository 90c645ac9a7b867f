/* SPDX-License-Identifier: GPL-2.0-or-later */
/* python/xpmem/_abi_gen.py: the constants of the ioctls, for the Python package. */
#include <string.h>

#include "output.h"

/* A name without the prefix that the package stands for. */
static const char *in_package(const char *name)
{
	static const char prefix[] = "XPMEM_";

	return strncmp(name, prefix, strlen(prefix)) ? name : name + strlen(prefix);
}

static void print_flags(FILE *out, const struct flag_set *set)
{
	size_t i;

	fputc('\n', out);
	print_wrapped(out, "# ", "# ", set->doc);
	for (i = 0; i < set->count; i++)
		fprintf(out, "%s%s = 1 << %u\n", in_package(set->prefix),
			upper(set->flags[i].name), set->flags[i].bit);
}

void emit_python(const struct specs *specs, const char *root)
{
	const struct ioctl_spec *ioctls = specs->ioctls;
	struct output output;
	FILE *out = output_open(&output, root, "python/xpmem/_abi_gen.py");
	size_t i;

	fputs("# SPDX-License-Identifier: LGPL-2.1-or-later\n", out);
	fprintf(out, "# " GENERATED_BY "\n# " REGENERATE "\n", IOCTL_SPEC);
	for (i = 0; i < ioctls->constant_count; i++) {
		const struct constant *constant = &ioctls->constants[i];

		fputc('\n', out);
		print_wrapped(out, "# ", "# ", constant->doc);
		fprintf(out, "%s = %s\n", in_package(constant->name), constant->text);
	}
	for (i = 0; i < ioctls->flag_set_count; i++)
		print_flags(out, &ioctls->flag_sets[i]);
	output_close(&output, out);
}
