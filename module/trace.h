/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the system xpmem. Ids are those of objects. Addresses belong to processes, so only
 * users that may see them may trace. No event has strings, because kernels assign them in different
 * ways.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xpmem

#if !defined(XPMEM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define XPMEM_TRACE_H

#include <linux/tracepoint.h>

#include "xpmem.h"

/* The end of a fault in an attachment. A fault that is retried reports 0x400, VM_FAULT_RETRY. */
TRACE_EVENT(fault,
	TP_PROTO(const struct xpmem_attachment *attachment, unsigned long address,
		 unsigned long source, bool write, vm_fault_t fault, unsigned long pages,
		 u64 duration),
	TP_ARGS(attachment, address, source, write, fault, pages, duration),
	TP_STRUCT__entry(
		__field(s64, attachment)
		__field(s64, segment)
		__field(unsigned long, address)
		__field(unsigned long, source)
		__field(bool, write)
		__field(unsigned int, fault)
		__field(unsigned long, pages)
		__field(u64, duration)
	),
	TP_fast_assign(
		__entry->attachment = attachment->object.id;
		__entry->segment = attachment->permit->segment->object.id;
		__entry->address = address;
		__entry->source = source;
		__entry->write = write;
		__entry->fault = (__force unsigned int)fault;
		__entry->pages = pages;
		__entry->duration = duration;
	),
	TP_printk("attachment=0x%llx segment=0x%llx address=0x%lx source=0x%lx write=%d fault=0x%x pages=%lu duration=%llu",
		  __entry->attachment, __entry->segment, __entry->address, __entry->source,
		  __entry->write, __entry->fault, __entry->pages, __entry->duration)
);

/* An exporter is about to change [start, end). The module takes its pages away from attachments. */
TRACE_EVENT(invalidate,
	TP_PROTO(const struct xpmem_exporter *exporter, unsigned long start, unsigned long end,
		 unsigned long pages),
	TP_ARGS(exporter, start, end, pages),
	TP_STRUCT__entry(
		__field(s64, exporter)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(unsigned long, pages)
	),
	TP_fast_assign(
		__entry->exporter = exporter->object.id;
		__entry->start = start;
		__entry->end = end;
		__entry->pages = pages;
	),
	TP_printk("exporter=0x%llx start=0x%lx end=0x%lx pages=%lu",
		  __entry->exporter, __entry->start, __entry->end, __entry->pages)
);

/*
 * The exporter's notifier deferred the zap of such a change, because a task registers a notifier in
 * an attacher.
 */
TRACE_EVENT(defer,
	TP_PROTO(const struct xpmem_exporter *exporter, unsigned long start, unsigned long end),
	TP_ARGS(exporter, start, end),
	TP_STRUCT__entry(
		__field(s64, exporter)
		__field(unsigned long, start)
		__field(unsigned long, end)
	),
	TP_fast_assign(
		__entry->exporter = exporter->object.id;
		__entry->start = start;
		__entry->end = end;
	),
	TP_printk("exporter=0x%llx start=0x%lx end=0x%lx",
		  __entry->exporter, __entry->start, __entry->end)
);

DECLARE_EVENT_CLASS(segment,
	TP_PROTO(const struct xpmem_segment *segment),
	TP_ARGS(segment),
	TP_STRUCT__entry(
		__field(s64, segment)
		__field(s64, exporter)
		__field(unsigned long, start)
		__field(unsigned long, length)
		__field(unsigned int, mode)
	),
	TP_fast_assign(
		__entry->segment = segment->object.id;
		__entry->exporter = segment->exporter->object.id;
		__entry->start = segment->start;
		__entry->length = segment->length;
		__entry->mode = segment->mode;
	),
	TP_printk("segment=0x%llx exporter=0x%llx start=0x%lx length=%lu mode=0%o",
		  __entry->segment, __entry->exporter, __entry->start, __entry->length,
		  __entry->mode)
);

DEFINE_EVENT(segment, make,
	TP_PROTO(const struct xpmem_segment *segment),
	TP_ARGS(segment)
);

DEFINE_EVENT(segment, remove,
	TP_PROTO(const struct xpmem_segment *segment),
	TP_ARGS(segment)
);

DECLARE_EVENT_CLASS(permit,
	TP_PROTO(const struct xpmem_permit *permit),
	TP_ARGS(permit),
	TP_STRUCT__entry(
		__field(s64, permit)
		__field(s64, segment)
		__field(bool, rdonly)
	),
	TP_fast_assign(
		__entry->permit = permit->object.id;
		__entry->segment = permit->segment->object.id;
		__entry->rdonly = permit->rdonly;
	),
	TP_printk("permit=0x%llx segment=0x%llx rdonly=%d",
		  __entry->permit, __entry->segment, __entry->rdonly)
);

DEFINE_EVENT(permit, get,
	TP_PROTO(const struct xpmem_permit *permit),
	TP_ARGS(permit)
);

DEFINE_EVENT(permit, release,
	TP_PROTO(const struct xpmem_permit *permit),
	TP_ARGS(permit)
);

DECLARE_EVENT_CLASS(attachment,
	TP_PROTO(const struct xpmem_attachment *attachment),
	TP_ARGS(attachment),
	TP_STRUCT__entry(
		__field(s64, attachment)
		__field(s64, permit)
		__field(unsigned long, address)
		__field(unsigned long, source)
		__field(unsigned long, length)
		__field(bool, rdonly)
	),
	TP_fast_assign(
		__entry->attachment = attachment->object.id;
		__entry->permit = attachment->permit->object.id;
		__entry->address = attachment->address;
		__entry->source = attachment->source;
		__entry->length = attachment->length;
		__entry->rdonly = attachment->rdonly;
	),
	TP_printk("attachment=0x%llx permit=0x%llx address=0x%lx source=0x%lx length=%lu rdonly=%d",
		  __entry->attachment, __entry->permit, __entry->address, __entry->source,
		  __entry->length, __entry->rdonly)
);

DEFINE_EVENT(attachment, attach,
	TP_PROTO(const struct xpmem_attachment *attachment),
	TP_ARGS(attachment)
);

DEFINE_EVENT(attachment, detach,
	TP_PROTO(const struct xpmem_attachment *attachment),
	TP_ARGS(attachment)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
