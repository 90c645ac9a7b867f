# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for words of memory that processes share."""
import ctypes
import errno
import time

from . import _address, _library

_INT_MAX = (1 << 31) - 1


def _word(address, length, offset, size):
    if size not in (4, 8):
        raise ValueError("a word has 4 or 8 bytes")
    if offset < 0 or offset + size > length:
        raise ValueError("the word is not in the buffer")
    return address + offset


def wait(buffer, offset, expected, timeout=None, size=4):
    """Sleep while the word of size bytes at an offset is as expected, until wake() is called.

    Returns False if timeout seconds have passed, else True: read the word again then, as there
    are other reasons to wake up. The buffer is an attachment, or memory that this process exports.
    """
    name = "xpmem_wait64" if size == 8 else "xpmem_wait"
    deadline = None
    if timeout is not None:
        end = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + max(0, int(timeout * 1e9))
        deadline = ctypes.byref(_library.Timespec(*divmod(end, 1_000_000_000)))
    with _address.exported(buffer) as (address, length):
        word = _word(address, length, offset, size)
        while True:
            number = _library.call(name, word, expected, deadline)[1]
            # Handlers of signals in Python run between two calls.
            if number != errno.EINTR:
                break
    if number == errno.ETIMEDOUT:
        return False
    if number not in (0, errno.EAGAIN):
        raise _library.error("xpmem_wait", number)
    return True


def wake(buffer, offset, count=None):
    """Wake so many tasks that wait for a word, or all. Returns how many there were."""
    with _address.exported(buffer) as (address, length):
        word = _word(address, length, offset, 4)
        return _library.call_or_raise("xpmem_wake", word, _INT_MAX if count is None else count)
