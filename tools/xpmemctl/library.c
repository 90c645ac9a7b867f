/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library that programs get. Its version is in a note of the loaded file. */
#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "version_note.h"
#include "xpmemctl.h"

struct search {
	ElfW(Addr) base; /* of the library */
	struct library *library;
};

static void read_notes(struct library *library, const char *notes, size_t length)
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
		    !memcmp(notes, XPMEM_NOTE_NAME, sizeof(XPMEM_NOTE_NAME)))
			snprintf(library->version, sizeof(library->version), "%.*s",
				 (int)note->n_descsz, notes + name);
		notes += name + text;
		length -= name + text;
	}
}

static int look_at(struct dl_phdr_info *object, size_t size, void *data)
{
	const struct search *search = data;
	size_t i;

	(void)size;
	if (object->dlpi_addr != search->base)
		return 0;
	for (i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_NOTE)
			read_notes(search->library,
				   (const char *)object->dlpi_addr + object->dlpi_phdr[i].p_vaddr,
				   object->dlpi_phdr[i].p_memsz);
	return 1;
}

bool library_find(struct library *library)
{
	void *handle = dlopen("libxpmem.so.0", RTLD_LAZY | RTLD_LOCAL);
	struct search search = { .library = library };
	struct link_map *map;
	bool found;

	if (!handle)
		return false;
	library->version[0] = 0;
	found = !dlinfo(handle, RTLD_DI_LINKMAP, &map);
	if (found) {
		snprintf(library->path, sizeof(library->path), "%s", map->l_name);
		search.base = map->l_addr;
		dl_iterate_phdr(look_at, &search);
	}
	dlclose(handle);
	return found;
}
