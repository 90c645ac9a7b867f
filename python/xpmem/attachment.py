# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attachments: memory of another process, as a buffer."""
import ctypes
import errno
import mmap
import os
import weakref

from . import _address, _library
from ._abi_gen import ATTACH_FIXED, ATTACH_PINNABLE, GET_RDWR
from .permit import get

_MAP_NORESERVE = 0x4000
_MAP_FIXED_NOREPLACE = 0x100000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                       ctypes.c_int, ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)

# The attachments of this process, so that a child can give up those it inherits.
_attachments = weakref.WeakSet()


def _reserve(length, writable):
    """Arguments for a mapping of so many bytes, which holds the place of an attachment."""
    protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    return {"fileno": -1, "length": length, "prot": protection,
            "flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE}


def _hold(address, length):
    """Reserve a range where nothing is mapped. False if something is."""
    return address == _libc.mmap(address, length, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
                                 | _MAP_FIXED_NOREPLACE, -1, 0)


class Attachment(mmap.mmap):
    """A mapping of a part of a segment: a buffer, with the methods of mmap.mmap.

    It shows at each moment what the exporter has at these addresses. Where the exporter has
    nothing, and everywhere once the segment or the permit has ended, an access raises SIGBUS,
    which ends the process: Python cannot turn that into an exception.

    The memory stays mapped while a memoryview, a numpy array or another export of the buffer
    exists; close() raises BufferError then.

    RDMA devices, and system calls that take pages, fail on private memory of the exporter, such as
    its heap, unless the attachment is pinnable: /usr/share/doc/xpmem/python.md says at what price.
    """

    # An mmap object owns a range of addresses: it counts exports of its buffer, and unmaps the
    # range when it is closed. The library attaches in place of the range's first contents, and
    # munmap() is a way to detach.
    def __new__(cls, permit, offset=0, length=None, *, pinnable=False):
        apid = permit.id
        if length is None:
            length = permit.length - offset
        if length <= 0 or not 0 <= offset < permit.length:
            raise ValueError("the range must lie in the segment, and have a length above zero")
        number = errno.EEXIST
        while number == errno.EEXIST:
            try:
                self = super().__new__(cls, **_reserve(length, permit.access == GET_RDWR))
            except (OSError, OverflowError):
                raise _library.error("xpmem_attach", errno.ENOMEM) from None
            self._permit = None
            self._owns_permit = False
            self._length = length
            with _address.exported(self) as (self._address, _):
                number, owned = self._attach(apid, offset, pinnable)
            if not owned:
                self._disown()
        if number:
            if owned:
                mmap.mmap.close(self)
            raise _library.error("xpmem_attach", number)
        self._permit = permit
        permit._attachments.add(self)
        _attachments.add(self)
        return self

    def _attach(self, apid, offset, pinnable):
        """Attach at the reserved range. Returns the errno, and whether the range is its own."""
        if not pinnable:
            address = _library.Address(apid, offset)
            return _library.call("xpmem_attach", address, self._length, self._address)[1], True
        # This call replaces no mapping, so another thread may map memory there first: EEXIST.
        length = self._length + -self._length % _address.PAGE_SIZE
        if _libc.munmap(self._address, length):
            return ctypes.get_errno(), True
        number = _library.call("xpmem_attach_range", apid, offset, length, self._address,
                               ATTACH_FIXED | ATTACH_PINNABLE, None)[1]
        return number, not number or _hold(self._address, length)

    def _disown(self):
        """Keep the object for ever, for other memory is in its range, which it must not unmap."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))

    @property
    def permit(self):
        return self._permit

    def close(self):
        """Detach. Raises BufferError if a buffer of it is exported. May be repeated."""
        super().close()
        permit, self._permit = self._permit, None
        if permit is not None and self._owns_permit:
            permit.close()

    detach = close

    def resize(self, length):
        raise TypeError("an attachment cannot be resized: attach another range of the permit")

    def __exit__(self, *exception):
        self.close()

    # Before the permit goes, which would detach it as well.
    def __del__(self):
        try:
            super().close()
        except BufferError:
            pass

    def __repr__(self):
        if self.closed:
            return "<xpmem.Attachment closed>"
        return f"<xpmem.Attachment of {self._length} bytes at {self._address:#x}>"

    def _give_up(self):
        """Close it in a child, which has nothing mapped there."""
        if self.closed:
            return
        if not _hold(self._address, self._length):
            self._disown()
            return
        try:
            super().close()
        except BufferError:
            # Accesses through the inherited views raise SIGSEGV, and reach nothing else.
            pass


def _give_up_all():
    for attachment in list(_attachments):
        attachment._give_up()


os.register_at_fork(after_in_child=_give_up_all)


def attach(segment_id, offset=0, length=None, access=GET_RDWR, *, pinnable=False):
    """Attach a part of a segment, by its id; the permit ends with the attachment."""
    permit = get(segment_id, access)
    try:
        attachment = Attachment(permit, offset, length, pinnable=pinnable)
    except BaseException:
        permit.close()
        raise
    attachment._owns_permit = True
    return attachment
