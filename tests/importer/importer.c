// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver that imports dma-bufs, and pins memory of processes, as those of RDMA devices and GPUs
 * do. It is the device as well: reads and writes of its file go to the addresses that the device
 * got. It also maps an ordinary page of its own, as drivers map buffers for display: a shared
 * mapping that is neither VM_IO nor VM_PFNMAP, with the cache attributes that the test asks for.
 */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "compat/dma_buf.h"
#include "importer.h"

struct import {
	struct mutex lock;
	struct dma_buf *dma_buf;	/* lock */
	struct dma_buf_attachment *attach;	/* lock */
	struct sg_table *table;		/* dma_buf->resv */
	unsigned int notices;		/* dma_buf->resv to write */
	bool pinned;			/* lock */
	bool holds_on;			/* memory_goes() waits */
	wait_queue_head_t lets_go;
	struct page **pages;		/* lock; pinned memory of a process, or NULL */
	unsigned long page_count;	/* lock */
	bool may_write;			/* lock */
};

static struct platform_device *device;
static struct page *own_page;

static void unmap(struct import *import)
{
	dma_resv_assert_held(import->dma_buf->resv);
	if (!import->table)
		return;
	dma_buf_unmap_attachment(import->attach, import->table, DMA_BIDIRECTIONAL);
	import->table = NULL;
}

static void memory_goes(struct dma_buf_attachment *attach)
{
	struct import *import = attach->importer_priv;

	WRITE_ONCE(import->notices, import->notices + 1);
	/* Drivers wait for their devices here. */
	wait_event(import->lets_go, !READ_ONCE(import->holds_on));
	unmap(import);
}

static const struct dma_buf_attach_ops attach_ops = { XPMEM_MOVE_NOTIFY(memory_goes) };

static void detach(struct import *import)
{
	dma_resv_lock(import->dma_buf->resv, NULL);
	unmap(import);
	if (import->pinned)
		dma_buf_unpin(import->attach);
	dma_resv_unlock(import->dma_buf->resv);
	dma_buf_detach(import->dma_buf, import->attach);
	dma_buf_put(import->dma_buf);
	import->dma_buf = NULL;
}

static long attach(struct import *import, const struct importer_attach *request)
{
	bool dynamic = request->kind != IMPORTER_STATIC;
	long error = 0;

	if (import->dma_buf)
		return -EBUSY;
	import->dma_buf = dma_buf_get(request->fd);
	if (IS_ERR(import->dma_buf)) {
		error = PTR_ERR(import->dma_buf);
		import->dma_buf = NULL;
		return error;
	}
	import->attach = dma_buf_dynamic_attach(import->dma_buf, &device->dev,
						dynamic ? &attach_ops : NULL, import);
	if (IS_ERR(import->attach)) {
		error = PTR_ERR(import->attach);
		dma_buf_put(import->dma_buf);
		import->dma_buf = NULL;
		return error;
	}
	if (request->kind == IMPORTER_PINNED) {
		dma_resv_lock(import->dma_buf->resv, NULL);
		error = dma_buf_pin(import->attach);
		dma_resv_unlock(import->dma_buf->resv);
		import->pinned = !error;
		if (error)
			detach(import);
	}
	return error;
}

static long map(struct import *import)
{
	struct sg_table *table;

	if (import->table)
		return -EBUSY;
	table = dma_buf_map_attachment(import->attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(table))
		return PTR_ERR(table);
	import->table = table;
	return 0;
}

static void hold_on(struct import *import, bool holds_on)
{
	WRITE_ONCE(import->holds_on, holds_on);
	wake_up_all(&import->lets_go);
}

static void unpin(struct import *import)
{
	unpin_user_pages_dirty_lock(import->pages, import->page_count, import->may_write);
	kvfree(import->pages);
	import->pages = NULL;
}

static long pin(struct import *import, const struct importer_pin *request)
{
	unsigned int flags = FOLL_LONGTERM | (request->write ? FOLL_WRITE : 0);
	unsigned long done;
	long count;

	if (import->pages || import->dma_buf)
		return -EBUSY;
	import->pages = kvcalloc(request->pages, sizeof(struct page *), GFP_KERNEL);
	if (!import->pages)
		return -ENOMEM;
	import->may_write = request->write;
	for (done = 0; done < request->pages; done += count) {
		count = pin_user_pages_fast(request->address + (done << PAGE_SHIFT),
					    request->pages - done, flags, import->pages + done);
		if (count <= 0)
			break;
	}
	import->page_count = done;
	if (done == request->pages)
		return 0;
	unpin(import);
	return count;
}

static long importer_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct import *import = file->private_data;
	struct importer_attach request;
	struct importer_pin pinning;
	long result = -ENXIO;

	/* These are for a device that memory_goes() waits for. */
	switch (command) {
	case IMPORTER_NOTICES:
		return READ_ONCE(import->notices);
	case IMPORTER_HOLD_ON:
	case IMPORTER_LET_GO:
		hold_on(import, command == IMPORTER_HOLD_ON);
		return 0;
	}
	mutex_lock(&import->lock);
	if (command == IMPORTER_ATTACH) {
		result = copy_from_user(&request, (void __user *)argument, sizeof(request)) ?
				 -EFAULT :
				 attach(import, &request);
	} else if (command == IMPORTER_PIN) {
		result = copy_from_user(&pinning, (void __user *)argument, sizeof(pinning)) ?
				 -EFAULT :
				 pin(import, &pinning);
	} else if (command == IMPORTER_UNPIN && import->pages) {
		unpin(import);
		result = 0;
	} else if (import->dma_buf) {
		dma_resv_lock(import->dma_buf->resv, NULL);
		switch (command) {
		case IMPORTER_MAP:
			result = map(import);
			break;
		case IMPORTER_UNMAP:
			unmap(import);
			result = 0;
			break;
		default:
			result = -ENOTTY;
		}
		dma_resv_unlock(import->dma_buf->resv);
	}
	mutex_unlock(&import->lock);
	return result;
}

/*
 * Returns where the device finds a byte, and how many follow there. The addresses are physical: no
 * IOMMU is between.
 */
static void *find(struct import *import, loff_t at, size_t *length)
{
	struct scatterlist *part;
	int i;

	for_each_sgtable_dma_sg(import->table, part, i) {
		if (at < sg_dma_len(part)) {
			*length = min_t(size_t, *length, sg_dma_len(part) - at);
			return phys_to_virt(sg_dma_address(part)) + at;
		}
		at -= sg_dma_len(part);
	}
	return NULL;
}

/* Finds a byte in pinned memory. */
static void *find_pinned(struct import *import, loff_t at, size_t *length)
{
	unsigned long index = at >> PAGE_SHIFT;

	if (index >= import->page_count)
		return NULL;
	*length = min_t(size_t, *length, PAGE_SIZE - offset_in_page(at));
	return page_address(import->pages[index]) + offset_in_page(at);
}

static ssize_t move_bytes(struct file *file, char __user *to, const char __user *from,
			  size_t length, loff_t *at)
{
	struct import *import = file->private_data;
	ssize_t result = -ENXIO;
	char *bounce;
	void *memory;

	length = min_t(size_t, length, PAGE_SIZE);
	bounce = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!bounce)
		return -ENOMEM;
	if (from && copy_from_user(bounce, from, length)) {
		kfree(bounce);
		return -EFAULT;
	}
	mutex_lock(&import->lock);
	if (import->dma_buf) {
		dma_resv_lock(import->dma_buf->resv, NULL);
		memory = import->table ? find(import, *at, &length) : NULL;
		if (memory) {
			memcpy(from ? memory : bounce, from ? bounce : memory, length);
			result = length;
		} else if (import->table) {
			result = 0;
		}
		dma_resv_unlock(import->dma_buf->resv);
	} else if (import->pages && (!from || import->may_write)) {
		memory = find_pinned(import, *at, &length);
		if (memory)
			memcpy(from ? memory : bounce, from ? bounce : memory, length);
		result = memory ? length : 0;
	}
	mutex_unlock(&import->lock);
	if (to && result > 0 && copy_to_user(to, bounce, result))
		result = -EFAULT;
	if (result > 0)
		*at += result;
	kfree(bounce);
	return result;
}

static ssize_t importer_read(struct file *file, char __user *to, size_t length, loff_t *at)
{
	return move_bytes(file, to, NULL, length, at);
}

static ssize_t importer_write(struct file *file, const char __user *from, size_t length, loff_t *at)
{
	return move_bytes(file, NULL, from, length, at);
}

static int importer_open(struct inode *inode, struct file *file)
{
	struct import *import = kzalloc(sizeof(*import), GFP_KERNEL);

	if (!import)
		return -ENOMEM;
	mutex_init(&import->lock);
	init_waitqueue_head(&import->lets_go);
	file->private_data = import;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct import *import = file->private_data;

	hold_on(import, false);
	if (import->dma_buf)
		detach(import);
	if (import->pages)
		unpin(import);
	kfree(import);
	return 0;
}

static vm_fault_t own_page_fault(struct vm_fault *vmf)
{
	get_page(own_page);
	vmf->page = own_page;
	return 0;
}

static const struct vm_operations_struct own_page_ops = { .fault = own_page_fault };

static int importer_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	switch (vma->vm_pgoff) {
	case IMPORTER_CACHED:
		break;
	case IMPORTER_WRITE_COMBINED:
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
		break;
	case IMPORTER_UNCACHED:
		vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
		break;
	default:
		return -EINVAL;
	}
	vma->vm_ops = &own_page_ops;
	return 0;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = importer_open,
	.release = importer_release,
	.read = importer_read,
	.write = importer_write,
	.llseek = default_llseek,
	.mmap = importer_mmap,
	.unlocked_ioctl = importer_ioctl,
};

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xpmem-importer",
	.fops = &fops,
	.mode = 0666,
};

static int __init importer_init(void)
{
	int error;

	own_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!own_page)
		return -ENOMEM;
	device = platform_device_register_simple("xpmem-importer", -1, NULL, 0);
	if (IS_ERR(device)) {
		error = PTR_ERR(device);
		goto free_page;
	}
	error = dma_coerce_mask_and_coherent(&device->dev, DMA_BIT_MASK(64));
	if (!error)
		error = misc_register(&misc);
	if (!error)
		return 0;
	platform_device_unregister(device);
free_page:
	put_page(own_page);
	return error;
}

static void __exit importer_exit(void)
{
	misc_deregister(&misc);
	platform_device_unregister(device);
	put_page(own_page);
}

module_init(importer_init);
module_exit(importer_exit);
MODULE_DESCRIPTION("Imports dma-bufs, for the tests of xpmem");
MODULE_LICENSE("GPL");
XPMEM_IMPORT_NS_DMA_BUF;
