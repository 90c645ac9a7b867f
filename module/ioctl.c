// SPDX-License-Identifier: GPL-2.0-only
/* The extensible ioctls. One dispatcher copies the structs, so operations see no user pointer. */
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include "dmabuf.h"
#include "ioctl.h"
#include "wait.h"
#include "xpmem.h"

struct call {
	union xpmem_ioctl_arg arg;
	void __user *user;
	size_t user_size;
	size_t size;
};

/**
 * ioctl_reply() - copy an ioctl's struct back to its caller
 * @arg: the argument that the dispatcher passed to the operation
 *
 * An operation that creates an object calls this last: no later step may fail.
 * Return: 0 or -EFAULT.
 */
static int ioctl_reply(union xpmem_ioctl_arg *arg)
{
	struct call *call = container_of(arg, struct call, arg);

	return copy_to_user(call->user, arg, min(call->size, call->user_size)) ? -EFAULT : 0;
}

/**
 * ioctl_reply_u64() - copy one field of an ioctl's struct back to its caller
 * @arg: the argument that the dispatcher passed to the operation
 * @field: of 64 bits, in @arg; every caller's struct has it
 *
 * Costs less than ioctl_reply(). An operation that creates an object calls this last.
 * Return: 0 or -EFAULT.
 */
static int ioctl_reply_u64(union xpmem_ioctl_arg *arg, const void *field)
{
	struct call *call = container_of(arg, struct call, arg);
	size_t offset = field - (const void *)arg;

	return put_user(*(const u64 *)field, (u64 __user *)(call->user + offset));
}

/* The same for a field that was added later, and that the caller's struct may lack. */
static int ioctl_reply_added_u64(union xpmem_ioctl_arg *arg, const void *field)
{
	struct call *call = container_of(arg, struct call, arg);

	if (call->user_size < field - (const void *)arg + sizeof(u64))
		return 0;
	return ioctl_reply_u64(arg, field);
}

void xpmem_query_fill(struct xpmem_ioc_query *query)
{
	query->abi_version = XPMEM_ABI_VERSION;
	query->module_version = XPMEM_VERSION_CODE;
	query->features = XPMEM_FEATURE_LEGACY | XPMEM_FEATURE_NETLINK | XPMEM_FEATURE_SEGMENT_FD |
			  XPMEM_FEATURE_POPULATE | XPMEM_FEATURE_SHARED_GUP | XPMEM_FEATURE_WAIT |
			  XPMEM_FEATURE_NO_PTRACE_CHECK | XPMEM_FEATURE_NO_GUP |
			  XPMEM_FEATURE_CLOSE_WORD |
			  (IS_ENABLED(CONFIG_DMA_SHARED_BUFFER) ? XPMEM_FEATURE_DMABUF : 0) |
			  (xpmem_pinnable_supported() ? XPMEM_FEATURE_PINNABLE : 0);
	query->address_limit = TASK_SIZE;
	query->mode_mask = READ_ONCE(xpmem_mode_mask);
	query->page_size = PAGE_SIZE;
}

int xpmem_ioctl_query(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	xpmem_query_fill(&arg->query);
	return ioctl_reply(arg);
}

int xpmem_ioctl_make(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	struct xpmem_ioc_make *make = &arg->make;
	struct xpmem_segment *segment;
	int error;

	segment = xpmem_segment_create(client, make->vaddr, make->length, make->mode, make->flags,
				       make->name);
	if (IS_ERR(segment))
		return PTR_ERR(segment);
	make->segid = segment->object.id;
	error = ioctl_reply_u64(arg, &make->segid);
	if (error)
		xpmem_segment_put(segment);
	else
		xpmem_segment_publish(segment);
	return error;
}

int xpmem_ioctl_remove(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	return xpmem_segment_remove(arg->remove.segid);
}

int xpmem_ioctl_get(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	struct xpmem_ioc_get *get = &arg->get;
	struct xpmem_permit *permit;
	int error;

	permit = xpmem_permit_create(client, get->segid, get->fd, get->flags);
	if (IS_ERR(permit))
		return PTR_ERR(permit);
	get->apid = permit->object.id;
	get->length = permit->segment->length;
	error = ioctl_reply_u64(arg, &get->apid) ?: ioctl_reply_u64(arg, &get->length);
	if (error)
		xpmem_permit_put(permit);
	else
		xpmem_permit_publish(permit);
	return error;
}

int xpmem_ioctl_release(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	return xpmem_permit_release(arg->release.apid);
}

int xpmem_ioctl_attach(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	struct xpmem_ioc_attach *attach = &arg->attach;
	struct xpmem_attachment *attachment;
	int error;

	attachment = xpmem_attachment_create(attach->apid, attach->offset, attach->length,
					     attach->vaddr, attach->flags);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	attach->vaddr = attachment->address;
	attach->attid = attachment->object.id;
	error = ioctl_reply_u64(arg, &attach->vaddr) ?: ioctl_reply_u64(arg, &attach->attid);
	if (error)
		xpmem_attachment_unmap(attachment, attachment->address);
	xpmem_attachment_put(attachment);
	return error;
}

/* Replies before it unmaps, as no step may fail after that. */
int xpmem_ioctl_detach(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	struct xpmem_ioc_detach *request = &arg->detach;
	struct xpmem_detach detach;
	int error, reply;

	error = xpmem_detach_begin(&detach, request->vaddr);
	if (error)
		return error;
	request->start = detach.start;
	request->length = detach.end - detach.start;
	reply = ioctl_reply_added_u64(arg, &request->start) ?:
		ioctl_reply_added_u64(arg, &request->length);
	error = xpmem_detach_end(&detach, !reply);
	return reply ?: error;
}

/*
 * Installs @file as a descriptor of the caller, and returns the descriptor in the field @fd of
 * @arg. @file may be an error pointer, which is returned.
 */
static int reply_with_fd(union xpmem_ioctl_arg *arg, s32 *fd, struct file *file)
{
	int error;

	if (IS_ERR(file))
		return PTR_ERR(file);
	error = *fd = get_unused_fd_flags(O_CLOEXEC);
	if (error < 0)
		goto put_file;
	error = ioctl_reply(arg);
	if (error)
		goto put_fd;
	fd_install(*fd, file);
	return 0;

put_fd:
	put_unused_fd(*fd);
put_file:
	fput(file);
	return error;
}

int xpmem_ioctl_segment_fd(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	return reply_with_fd(arg, &arg->segment_fd.fd,
			     xpmem_segment_file(arg->segment_fd.segid, arg->segment_fd.flags));
}

int xpmem_ioctl_dmabuf(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	return reply_with_fd(arg, &arg->dmabuf.fd,
			     xpmem_dmabuf_file(arg->dmabuf.apid, arg->dmabuf.offset,
					       arg->dmabuf.length));
}

int xpmem_ioctl_wait(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	return xpmem_wait(arg->wait.vaddr, arg->wait.expected, arg->wait.deadline, arg->wait.flags);
}

int xpmem_ioctl_wake(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	long woken = xpmem_wake(arg->wake.vaddr, arg->wake.count);

	if (woken < 0)
		return woken;
	arg->wake.woken = woken;
	return ioctl_reply(arg);
}

int xpmem_ioctl_close_word(struct xpmem_client *client, union xpmem_ioctl_arg *arg)
{
	return xpmem_client_set_close_word(client, arg->close_word.vaddr);
}

/* Copies whole words. Returns false if they cannot be read. */
static bool read_words(u64 *words, const u64 __user *user, size_t size)
{
	if (!user_read_access_begin(user, size))
		return false;
	for (; size; size -= sizeof(*words))
		unsafe_get_user(*words++, user++, fault);
	user_read_access_end();
	return true;

fault:
	user_read_access_end();
	return false;
}

/*
 * Copies the struct in. Most callers' structs have the size that the module knows. Then this reads
 * a few words, which costs less than a copy of variable size.
 */
static int read_struct(const struct xpmem_ioctl_op *op, struct call *call, size_t size)
{
	BUILD_BUG_ON(offsetof(struct call, arg) || __alignof__(call->arg) < sizeof(u64));
	if (size == op->size && IS_ALIGNED(size, sizeof(u64)))
		return read_words((u64 *)&call->arg, call->user, size) ? 0 : -EFAULT;
	return copy_struct_from_user(&call->arg, op->size, call->user, size);
}

/* Copies the struct in, and makes the checks of every ioctl: size, flags, reserved fields. */
static int read_arg(const struct xpmem_ioctl_op *op, struct call *call)
{
	u32 *words = (u32 *)&call->arg;
	u32 size;
	int error;
	unsigned int i;

	if (get_user(size, (u32 __user *)call->user))
		return -EFAULT;
	if (size < op->min_size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	error = read_struct(op, call, size);
	if (error)
		return error;
	call->user_size = size;
	call->size = op->size;
	call->arg.size = size;
	/* `flags` follows `size` in every struct. */
	if (words[1] & ~op->flags)
		return -EINVAL;
	for (i = 0; i < op->reserved_count; i++)
		if (words[op->reserved[i] / sizeof(u32)])
			return -EINVAL;
	return 0;
}

static const struct xpmem_ioctl_op *find_op(unsigned int cmd)
{
	unsigned int nr = cmd - _IO('x', XPMEM_IOCTL_FIRST);

	BUILD_BUG_ON(XPMEM_IOCTL_FIRST + XPMEM_IOCTL_COUNT > 1 << _IOC_NRBITS);
	if (nr >= XPMEM_IOCTL_COUNT)
		return NULL;
	nr = array_index_nospec(nr, XPMEM_IOCTL_COUNT);
	return xpmem_ioctl_ops[nr].size ? &xpmem_ioctl_ops[nr] : NULL;
}

static long ioctl_dispatch(struct xpmem_client *client, const struct xpmem_ioctl_op *op,
			   void __user *user)
{
	struct call call;	/* initialized up to op->size only */
	int error;

	call.user = user;
	error = read_arg(op, &call);
	if (error)
		return error;
	if (client->mm != current->mm && op->handler != xpmem_ioctl_query)
		return -ESTALE;
	return op->handler(client, &call.arg);
}

long xpmem_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct xpmem_client *client = file->private_data;
	const struct xpmem_ioctl_op *op = find_op(cmd);
	long result;

	if (op)
		return ioctl_dispatch(client, op, (void __user *)arg);
	return xpmem_legacy_ioctl(client, cmd, (void __user *)arg, &result) ? result : -ENOTTY;
}

/* The legacy structs have the layout of 64-bit callers, so 32-bit callers cannot use them. */
long xpmem_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct xpmem_ioctl_op *op = find_op(cmd);

	return op ? ioctl_dispatch(file->private_data, op, compat_ptr(arg)) : -ENOTTY;
}
