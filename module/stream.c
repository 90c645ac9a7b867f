// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams of faults in an attachment: how much each fault maps.
 *
 * A fault next to what the last one of a stream mapped most likely is followed by more. So it maps
 * twice as much as that one, up to a window. Any other fault maps little, because the memory around
 * it may be of no use. Racing faults overwrite each other's records. Then some map too little or
 * too much, which does no harm.
 */
#include <linux/log2.h>

#include "xpmem.h"

/* What a fault maps that continues no stream. The core maps as much around a page of a file. */
#define FIRST_SIZE max(65536UL, PAGE_SIZE)

#define WINDOW_ORDER (XPMEM_WINDOW_SHIFT - PAGE_SHIFT)

/*
 * A record is the edge of what was mapped last, the order of the block that the next fault is to
 * map, and a direction. A new stream may turn out to go backwards. Its edge is the upper one, and
 * what was mapped is half the next block.
 */
#define STREAM_ORDER 0x1fUL
#define STREAM_NEW 0x20UL
#define STREAM_BACKWARDS 0x40UL

static bool is_next(struct xpmem_snapshot *snapshot, unsigned long stream)
{
	unsigned long edge = stream & PAGE_MASK, size = PAGE_SIZE << (stream & STREAM_ORDER);
	unsigned long source = snapshot->source;

	if (!stream)
		return false;
	snapshot->backwards = source + PAGE_SIZE ==
			      (stream & STREAM_NEW ? edge - size / 2 : edge);
	return stream & STREAM_BACKWARDS ? snapshot->backwards :
					   edge == source ||
					   (stream & STREAM_NEW && snapshot->backwards);
}

/* Sets the block that a fault is to map. */
void xpmem_stream_find(struct xpmem_snapshot *snapshot)
{
	struct xpmem_attachment *attachment = snapshot->attachment;
	unsigned long source = snapshot->source, size = FIRST_SIZE, window, stream;
	unsigned int i;

	for (i = 0; i < XPMEM_STREAMS; i++) {
		stream = READ_ONCE(attachment->streams[i]);
		if (is_next(snapshot, stream))
			break;
	}
	snapshot->continues = i < XPMEM_STREAMS;
	if (snapshot->continues) {
		size = PAGE_SIZE << (stream & STREAM_ORDER);
		snapshot->block_start = source;
		if (snapshot->backwards)
			snapshot->block_start -= min(size - PAGE_SIZE, source);
	} else {
		i = READ_ONCE(attachment->next_stream);
		WRITE_ONCE(attachment->next_stream, i + 1);
		/* Processes attach little memory to use all of it. */
		if (attachment->length <= XPMEM_WINDOW_SIZE && !READ_ONCE(attachment->touched))
			size = XPMEM_WINDOW_SIZE;
		snapshot->backwards = false;
		snapshot->block_start = source & ~(size - 1);
	}
	snapshot->stream = i % XPMEM_STREAMS;
	snapshot->block_order = ilog2(size >> PAGE_SHIFT);
	/* The exporter brings in nothing outside of the attachment, so outside of the segment. */
	window = source & ~(XPMEM_WINDOW_SIZE - 1);
	snapshot->block_end = min3(snapshot->block_start + size, window + XPMEM_WINDOW_SIZE,
				   attachment->source + attachment->length);
	snapshot->block_start = max3(snapshot->block_start, window, attachment->source);
}

/**
 * xpmem_stream_advance() - record what a fault has mapped
 * @snapshot: after xpmem_stream_find()
 * @start: source address of the first page
 * @end: end of the last page
 * @order: how much the next fault of the stream is to map: a page, so many times doubled, and at
 *	most a window
 */
void xpmem_stream_advance(const struct xpmem_snapshot *snapshot, unsigned long start,
			  unsigned long end, unsigned int order)
{
	unsigned long stream = min_t(unsigned long, order, WINDOW_ORDER);

	if (snapshot->backwards)
		stream |= start | STREAM_BACKWARDS;
	else
		stream |= end | (snapshot->continues ? 0 : STREAM_NEW);
	WRITE_ONCE(snapshot->attachment->streams[snapshot->stream], stream);
}
