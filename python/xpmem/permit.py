# SPDX-License-Identifier: LGPL-2.1-or-later
"""Permits: the right of this process to attach a segment."""
import ctypes
import errno
import os
import weakref

from . import _library
from ._abi_gen import GET_RDWR


class Permit:
    """The right to attach a segment. Ends with close(), with its last reference, or in a with.

    id, length and access are the permit's id, the bytes of its segment, and RDONLY or RDWR.
    """

    def __init__(self, apid, length, access):
        self._apid = apid
        self._process = os.getpid()
        self._attachments = weakref.WeakSet()
        self.length = length
        self.access = access

    @property
    def id(self):
        if self.closed:
            raise ValueError("the permit is closed")
        return self._apid

    @property
    def closed(self):
        """Whether it is closed, or another process got it: a fork leaves it to the parent."""
        return self._apid is None or self._process != os.getpid()

    def attach(self, offset=0, length=None, *, pinnable=False):
        """Map a part of the segment: see Attachment. Without a length, all from the offset."""
        from .attachment import Attachment

        return Attachment(self, offset, length, pinnable=pinnable)

    def close(self):
        """Detach all that was attached with it, and release it.

        Raises BufferError, and keeps the permit, if an attachment has exported buffers.
        """
        for attachment in list(self._attachments):
            attachment.close()
        if not self.closed:
            number = _library.call("xpmem_release", self._apid)[1]
            # ENOENT: it was revoked, or the application closed the device.
            if number not in (0, errno.ENOENT):
                raise _library.error("xpmem_release", number)
        self._apid = None

    def __enter__(self):
        if self.closed:
            raise ValueError("the permit is closed")
        return self

    def __exit__(self, *exception):
        self.close()

    def __del__(self):
        # Attachments hold their permit, so there are none.
        if getattr(self, "_apid", None) is not None:
            self.close()

    def __repr__(self):
        return "<xpmem.Permit closed>" if self.closed else f"<xpmem.Permit {self._apid:#x}>"


def get(segment_id, access=GET_RDWR):
    """Get a permit for a segment, by its id. access is RDONLY or RDWR."""
    length = ctypes.c_size_t()
    if isinstance(segment_id, str):
        raise TypeError("a segment's id is a number: int(text, 0) makes one of a text")
    apid = _library.call_or_raise("xpmem_get_segment", segment_id, access,
                                  ctypes.byref(length), about="xpmem_get")
    return Permit(apid, length.value, access)


def get_fd(fd, access=GET_RDWR):
    """Get a permit for the segment that a descriptor of Segment.fileno() stands for."""
    length = ctypes.c_size_t()
    apid = _library.call_or_raise("xpmem_get_fd", fd, access, ctypes.byref(length),
                                  about="xpmem_get")
    return Permit(apid, length.value, access)
