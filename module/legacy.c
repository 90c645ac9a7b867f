// SPDX-License-Identifier: GPL-2.0-only
/*
 * The historical ioctls, as thin wrappers over the current operations. Copies of old libraries in
 * programs and container images use these.
 */
#include <linux/mman.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>

#include "fault.h"
#include "ioctl.h"
#include "xpmem.h"

#define PERMIT_MODE 1	/* the only permit_type */
#define RDONLY 1
#define RDWR 2

/* Like the current ioctls, but an id that no object can have is an invalid argument. */
static bool id_is_valid(s64 id)
{
	return id > 0;
}

static long legacy_make(struct xpmem_client *client, void __user *user)
{
	struct xpmem_segment *segment;
	struct xpmem_cmd_make make;

	if (copy_from_user(&make, user, sizeof(make)))
		return -EFAULT;
	if (make.permit_type != PERMIT_MODE || make.permit_value & ~0777ULL)
		return -EINVAL;
	segment = xpmem_segment_create(client, make.vaddr, make.size, make.permit_value, 0, NULL);
	if (IS_ERR(segment))
		return PTR_ERR(segment);
	make.segid = segment->object.id;
	if (copy_to_user(user, &make, sizeof(make))) {
		xpmem_segment_put(segment);
		return -EFAULT;
	}
	xpmem_segment_publish(segment);
	return 0;
}

static long legacy_get(struct xpmem_client *client, void __user *user)
{
	struct xpmem_permit *permit;
	struct xpmem_cmd_get get;

	if (copy_from_user(&get, user, sizeof(get)))
		return -EFAULT;
	if (get.permit_type != PERMIT_MODE || get.permit_value & ~0777ULL ||
	    (get.flags != RDONLY && get.flags != RDWR) || !id_is_valid(get.segid))
		return -EINVAL;
	permit = xpmem_permit_create(client, get.segid, 0,
				     get.flags == RDWR ? XPMEM_GET_RDWR : XPMEM_GET_RDONLY);
	if (IS_ERR(permit))
		return PTR_ERR(permit);
	get.apid = permit->object.id;
	if (copy_to_user(user, &get, sizeof(get))) {
		xpmem_permit_put(permit);
		return -EFAULT;
	}
	xpmem_permit_publish(permit);
	return 0;
}

/*
 * Returns 0, -EINVAL if an attachment is mapped in a range of the caller, or -EINTR when the task
 * was killed. Only the caller's own threads can change that before it attaches there.
 */
static int refuse_attachments(u64 start, u64 length)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	bool found = false;
	u64 end;

	/* The attach refuses such a range. */
	if (check_add_overflow(start, length, &end))
		return 0;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for (vma = find_vma(mm, start); vma && vma->vm_start < end && !found;
	     vma = find_vma(mm, vma->vm_end))
		found = xpmem_vma_is_attachment(vma);
	mmap_read_unlock(mm);
	return found ? -EINVAL : 0;
}

static long legacy_attach(void __user *user)
{
	struct xpmem_attachment *attachment;
	struct xpmem_cmd_attach attach;
	long error = 0;

	if (copy_from_user(&attach, user, sizeof(attach)))
		return -EFAULT;
	if (!id_is_valid(attach.apid))
		return -EINVAL;
	if (attach.vaddr && !(attach.flags & MAP_FIXED)) {
		error = refuse_attachments(attach.vaddr, PAGE_ALIGN(attach.size));
		if (error)
			return error;
	}
	/* A size that wraps to zero here is refused. */
	attachment = xpmem_attachment_create(attach.apid, attach.offset, PAGE_ALIGN(attach.size),
					     attach.vaddr, attach.vaddr ? XPMEM_ATTACH_REPLACE : 0);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	attach.vaddr = attachment->address;
	if (copy_to_user(user, &attach, sizeof(attach))) {
		xpmem_attachment_unmap(attachment, attachment->address);
		error = -EFAULT;
	}
	xpmem_attachment_put(attachment);
	return error;
}

/* Serves an ioctl that takes a struct. */
static long legacy_call(struct xpmem_client *client, unsigned int cmd, void __user *user)
{
	struct xpmem_cmd_remove remove;
	struct xpmem_cmd_release release;
	struct xpmem_cmd_detach detach;
	struct xpmem_detach found;

	switch (cmd) {
	case XPMEM_CMD_MAKE:
		return legacy_make(client, user);
	case XPMEM_CMD_REMOVE:
		if (copy_from_user(&remove, user, sizeof(remove)))
			return -EFAULT;
		return id_is_valid(remove.segid) ? xpmem_segment_remove(remove.segid) : -EINVAL;
	case XPMEM_CMD_GET:
		return legacy_get(client, user);
	case XPMEM_CMD_RELEASE:
		if (copy_from_user(&release, user, sizeof(release)))
			return -EFAULT;
		return id_is_valid(release.apid) ? xpmem_permit_release(release.apid) : -EINVAL;
	case XPMEM_CMD_ATTACH:
		return legacy_attach(user);
	default:	/* XPMEM_CMD_DETACH */
		if (copy_from_user(&detach, user, sizeof(detach)))
			return -EFAULT;
		return xpmem_detach_begin(&found, detach.vaddr) ?: xpmem_detach_end(&found, true);
	}
}

/**
 * xpmem_legacy_ioctl() - serve a legacy ioctl
 * @client: the open file
 * @cmd: number
 * @user: its struct, if it has one
 * @result: is set to the return value of the ioctl
 *
 * Return: whether @cmd is a legacy ioctl.
 */
bool xpmem_legacy_ioctl(struct xpmem_client *client, unsigned int cmd, void __user *user,
			long *result)
{
	switch (cmd) {
	case XPMEM_CMD_VERSION:
		*result = XPMEM_VERSION_CODE;
		return true;
	case XPMEM_CMD_FORK_BEGIN:
	case XPMEM_CMD_FORK_END:
		*result = 0;
		return true;
	case XPMEM_CMD_MAKE:
	case XPMEM_CMD_REMOVE:
	case XPMEM_CMD_GET:
	case XPMEM_CMD_RELEASE:
	case XPMEM_CMD_ATTACH:
	case XPMEM_CMD_DETACH:
		*result = client->mm == current->mm ? legacy_call(client, cmd, user) :
						      -XPMEM_ERRNO_NOPROC;
		return true;
	default:
		return false;
	}
}
