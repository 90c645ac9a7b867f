/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The version of libxpmem.so.0, which is in a note of the loaded library. */
#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "version_note.h"
#include "xpmemctl.h"

struct search {
	ElfW(Addr) base; /* of the library */
	char *text;
	size_t size;
	bool found;
};

static void read_notes(struct search *search, const char *notes, size_t length)
{
	while (length >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)notes;
		size_t name = (note->n_namesz + 3ul) & ~3ul, text = (note->n_descsz + 3ul) & ~3ul;

		notes += sizeof(*note);
		length -= sizeof(*note);
		if (name > length || text > length - name)
			return;
		if (note->n_type == XPMEM_NOTE_VERSION &&
		    note->n_namesz == sizeof(XPMEM_NOTE_NAME) &&
		    !memcmp(notes, XPMEM_NOTE_NAME, sizeof(XPMEM_NOTE_NAME))) {
			snprintf(search->text, search->size, "%.*s", (int)note->n_descsz,
				 notes + name);
			search->found = true;
		}
		notes += name + text;
		length -= name + text;
	}
}

static int look_at(struct dl_phdr_info *object, size_t size, void *data)
{
	struct search *search = data;
	size_t i;

	(void)size;
	for (i = 0; object->dlpi_addr == search->base && i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_NOTE)
			read_notes(search,
				   (const char *)object->dlpi_addr + object->dlpi_phdr[i].p_vaddr,
				   object->dlpi_phdr[i].p_memsz);
	return search->found;
}

bool library_version(char *text, size_t size)
{
	void *library = dlopen("libxpmem.so.0", RTLD_LAZY | RTLD_LOCAL);
	struct search search = { .text = text, .size = size };
	struct link_map *map;

	if (!library)
		return false;
	if (!dlinfo(library, RTLD_DI_LINKMAP, &map)) {
		search.base = map->l_addr;
		dl_iterate_phdr(look_at, &search);
	}
	dlclose(library);
	return search.found;
}
