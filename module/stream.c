// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams of faults in an attachment: how much each fault maps.
 *
 * A fault next to the pages that the last fault of a stream mapped is most likely followed by more.
 * So it maps twice as much as that one, up to a window. Any other fault maps little, because the
 * memory around it may be of no use. Racing faults overwrite each other's records. Then some map
 * too little or too much, which does no harm.
 */
#include <linux/log2.h>

#include "fault.h"
#include "xpmem.h"

/* A fault that continues no stream maps this. The core maps as much around a page of a file. */
#define FIRST_SIZE max(65536UL, PAGE_SIZE)

#define WINDOW_ORDER (XPMEM_WINDOW_SHIFT - PAGE_SHIFT)

/*
 * A record is the edge of the range that was mapped last, the order of the block that the next
 * fault is to map, and a direction. A new stream may turn out to go backwards. Its record has the
 * upper edge, and the range has half the size of the next block.
 */
#define STREAM_ORDER 0x1fUL
#define STREAM_NEW 0x20UL
#define STREAM_BACKWARDS 0x40UL

enum direction { NONE, FORWARDS, BACKWARDS };

/* Returns how the wanted page continues a stream. */
static enum direction direction_of(unsigned long stream, unsigned long source)
{
	unsigned long edge = stream & PAGE_MASK, size = PAGE_SIZE << (stream & STREAM_ORDER);

	if (!stream)
		return NONE;
	if (!(stream & STREAM_BACKWARDS) && edge == source)
		return FORWARDS;
	if (stream & STREAM_NEW)
		edge -= size / 2;
	return stream & (STREAM_NEW | STREAM_BACKWARDS) && edge == source + PAGE_SIZE ? BACKWARDS :
											NONE;
}

/* Sets the block that a fault is to map. */
void xpmem_stream_find(struct xpmem_snapshot *snapshot)
{
	struct xpmem_attachment *attachment = snapshot->attachment;
	unsigned long source = snapshot->source, size = FIRST_SIZE, window, stream;
	enum direction direction = NONE;
	unsigned int i;

	for (i = 0; i < XPMEM_STREAMS; i++) {
		stream = READ_ONCE(attachment->streams[i]);
		direction = direction_of(stream, source);
		if (direction != NONE)
			break;
	}
	snapshot->absent = false;
	snapshot->continues = direction != NONE;
	snapshot->backwards = direction == BACKWARDS;
	if (snapshot->continues) {
		size = PAGE_SIZE << (stream & STREAM_ORDER);
		snapshot->block_start = source;
		if (snapshot->backwards)
			snapshot->block_start -= min(size - PAGE_SIZE, source);
	} else {
		i = READ_ONCE(attachment->next_stream);
		WRITE_ONCE(attachment->next_stream, i + 1);
		/* A process most likely uses all of a small attachment. */
		if (attachment->length <= XPMEM_WINDOW_SIZE && !READ_ONCE(attachment->touched))
			size = XPMEM_WINDOW_SIZE;
		snapshot->block_start = source & ~(size - 1);
	}
	snapshot->stream = i % XPMEM_STREAMS;
	snapshot->block_order = ilog2(size >> PAGE_SHIFT);
	/* The exporter brings in nothing outside of the attachment, hence of the segment. */
	window = source & ~(XPMEM_WINDOW_SIZE - 1);
	snapshot->block_end = min3(snapshot->block_start + size, window + XPMEM_WINDOW_SIZE,
				   attachment->source + attachment->length);
	snapshot->block_start = max3(snapshot->block_start, window, attachment->source);
}

/**
 * xpmem_stream_advance() - record the range that a fault has mapped
 * @snapshot: after xpmem_stream_find()
 * @start: source address where the fault began to map
 * @end: where it ended
 * @pages: number of pages in between that it mapped; the others are absent, or were mapped before
 */
void xpmem_stream_advance(const struct xpmem_snapshot *snapshot, unsigned long start,
			  unsigned long end, unsigned long pages)
{
	unsigned long count = (end - start) >> PAGE_SHIFT, order = snapshot->block_order, stream;

	if (pages >= count) {
		order++;
	} else if (pages <= count / 2) {
		start = snapshot->source;
		end = start + PAGE_SIZE;
		order = 1;
	}
	stream = min_t(unsigned long, order, WINDOW_ORDER);
	if (snapshot->backwards)
		stream |= start | STREAM_BACKWARDS;
	else
		stream |= end | (snapshot->continues ? 0 : STREAM_NEW);
	WRITE_ONCE(snapshot->attachment->streams[snapshot->stream], stream);
}
