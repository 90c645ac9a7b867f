# SPDX-License-Identifier: LGPL-2.1-or-later
"""Map the memory of another process, and reach it without a copy.

One process exports memory, and tells the other the id of the segment by any means:

    memory = mmap.mmap(-1, 1 << 20)
    segment = xpmem.make(memory)

The other attaches it. An attachment is a buffer, as mmap.mmap is:

    with xpmem.attach(segment_id) as theirs:
        array = numpy.frombuffer(theirs, dtype="int64")

Calls that fail raise OSError with an errno and a hint. Objects that are closed raise ValueError.
Objects belong to the process that made them: after a fork, those that a child inherited are
closed in the child, and stay as they are in the parent.
/usr/share/doc/xpmem/python.md says more.
"""
from ._abi_gen import *  # noqa: F403
from ._abi_gen import GET_RDONLY as RDONLY, GET_RDWR as RDWR
from ._address import PAGE_SIZE
from ._library import Capabilities, query
from .attachment import Attachment, attach
from .permit import Permit, get, get_fd
from .segment import Segment, make
from .word import wait, wake

__all__ = [
    "Attachment", "Capabilities", "PAGE_SIZE", "Permit", "RDONLY", "RDWR", "Segment",
    "attach", "get", "get_fd", "make", "query", "wait", "wake",
]
