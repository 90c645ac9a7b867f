# SPDX-License-Identifier: LGPL-2.1-or-later
"""Segments: memory of this process that others may attach."""
import errno
import mmap
import os

from . import _address, _library
from ._abi_gen import GET_RDWR, LENGTH_MAX, MAKE_RDONLY


class Segment:
    """Memory that other processes may attach. Ends with close(), its last reference, or in a with.

    id is what attachers need, among them a child after a fork, which may read it; length is in
    bytes. The segment holds the buffer that it exports.
    """

    def __init__(self, segid, view, length):
        self._segid = segid
        self._view = view
        self._process = os.getpid()
        self.length = length

    @property
    def id(self):
        if self._segid is None:
            raise ValueError("the segment is closed")
        return self._segid

    @property
    def closed(self):
        """Whether it is closed, or another process made it: a fork leaves it to the parent."""
        return self._segid is None or self._process != os.getpid()

    def fileno(self, access=GET_RDWR):
        """A new descriptor that stands for the segment, for socket.send_fds().

        The caller closes it. Its holder may attach, whatever the mode says: see get_fd().
        """
        if self.closed:
            raise ValueError("the segment is closed")
        return _library.call_or_raise("xpmem_segment_fd", self._segid, access)

    def close(self):
        """End the segment, and all access through it: accesses of attachers raise SIGBUS."""
        if not self.closed:
            number = _library.call("xpmem_remove", self._segid)[1]
            # ENOENT: it was revoked, or the application closed the device.
            if number not in (0, errno.ENOENT):
                raise _library.error("xpmem_remove", number)
        self._segid = None
        if self._view is not None:
            self._view.release()
            self._view = None

    remove = close

    def __enter__(self):
        if self.closed:
            raise ValueError("the segment is closed")
        return self

    def __exit__(self, *exception):
        self.close()

    def __del__(self):
        if getattr(self, "_segid", None) is not None:
            self.close()

    def __repr__(self):
        return "<xpmem.Segment closed>" if self.closed else f"<xpmem.Segment {self._segid:#x}>"


def make(buffer=None, mode=0o600, flags=0, name=None):
    """Export a buffer, or without one the whole address space.

    The buffer must begin at a page and be a multiple of pages, as mmap.mmap(-1, length) is: its
    neighbours in a page would be exported as well. Attachers can only read a buffer that Python
    only reads. Attachers of the whole address space take addresses as offsets.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError("a segment's name is a str")
    if name is not None:
        name = name.encode("ascii", "replace")
    if buffer is None:
        segid = _library.call_or_raise("xpmem_make_segment", None, LENGTH_MAX, mode, flags, name,
                                       about="xpmem_make")
        return Segment(segid, None, LENGTH_MAX)
    view = memoryview(buffer)
    try:
        with _address.exported(buffer) as (address, length):
            if isinstance(buffer, mmap.mmap):
                # The rest of its last page is its own.
                length += -length % _address.PAGE_SIZE
            if not length or address % _address.PAGE_SIZE or length % _address.PAGE_SIZE:
                raise ValueError(
                    f"the buffer must begin at a page and be a multiple of {_address.PAGE_SIZE} "
                    "bytes: make it with mmap.mmap(-1, length), or export the whole address space")
            if view.readonly:
                flags |= MAKE_RDONLY
            segid = _library.call_or_raise("xpmem_make_segment", address, length, mode, flags,
                                           name, about="xpmem_make")
    except BaseException:
        view.release()
        raise
    return Segment(segid, view, length)
