# SPDX-License-Identifier: LGPL-2.1-or-later
"""The calls of libxpmem, with exceptions in place of errno."""
import ctypes
import errno
import functools
import os
from typing import NamedTuple

DEVICE = "/dev/xpmem"
SONAME = "libxpmem.so.0"


class Address(ctypes.Structure):
    """struct xpmem_addr"""
    _fields_ = [("apid", ctypes.c_int64), ("offset", ctypes.c_long)]


class Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Capabilities(ctypes.Structure):
    """struct xpmem_capabilities"""
    _fields_ = [
        ("abi_version", ctypes.c_uint32),
        ("module_version", ctypes.c_uint32),
        ("features", ctypes.c_uint64),
        ("address_limit", ctypes.c_uint64),
        ("mode_mask", ctypes.c_uint32),
        ("page_size", ctypes.c_uint32),
    ]


class Capabilities(NamedTuple):
    """Version and features of the loaded module."""
    abi_version: int
    module_version: str
    features: int
    address_limit: int
    mode_mask: int
    page_size: int


_PROTOTYPES = {
    "xpmem_attach": (ctypes.c_void_p, Address, ctypes.c_size_t, ctypes.c_void_p),
    "xpmem_attach_range": (ctypes.c_void_p, ctypes.c_int64, ctypes.c_long, ctypes.c_size_t,
                           ctypes.c_void_p, ctypes.c_uint, ctypes.POINTER(ctypes.c_int64)),
    "xpmem_get_fd": (ctypes.c_int64, ctypes.c_int, ctypes.c_int,
                     ctypes.POINTER(ctypes.c_size_t)),
    "xpmem_get_segment": (ctypes.c_int64, ctypes.c_int64, ctypes.c_int,
                          ctypes.POINTER(ctypes.c_size_t)),
    "xpmem_make_segment": (ctypes.c_int64, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint,
                           ctypes.c_uint, ctypes.c_char_p),
    "xpmem_query": (ctypes.c_int, ctypes.POINTER(_Capabilities)),
    "xpmem_release": (ctypes.c_int, ctypes.c_int64),
    "xpmem_remove": (ctypes.c_int, ctypes.c_int64),
    "xpmem_segment_fd": (ctypes.c_int, ctypes.c_int64, ctypes.c_int),
    "xpmem_wait": (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(Timespec)),
    "xpmem_wait64": (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint64, ctypes.POINTER(Timespec)),
    "xpmem_wake": (ctypes.c_int, ctypes.c_void_p, ctypes.c_int),
}

_NUMBERS = (ctypes.c_int, ctypes.c_uint, ctypes.c_long, ctypes.c_ulong, ctypes.c_int64,
            ctypes.c_uint64)

# Hints by call and errno. None stands for all calls that are not listed.
_HINTS = {
    ("xpmem_attach", errno.EACCES):
        "the permit belongs to another process; or pinnable attachments need a permit for RDWR of "
        "a segment without MAKE_NO_GUP",
    ("xpmem_attach", errno.EINVAL):
        "offset must be a multiple of the page size, and the range must lie in the segment",
    ("xpmem_attach", errno.ENOENT): "the permit or its segment has ended",
    ("xpmem_attach", errno.ENOMEM): "the address space has no room: attach a smaller part",
    ("xpmem_attach", errno.EOPNOTSUPP): "this kernel has no pinnable attachments",
    ("xpmem_get", errno.EACCES):
        "the segment's mode, the machine's mode_mask or the ptrace check forbids it: "
        "see ACCESS in xpmem(7), and the kernel log",
    ("xpmem_get", errno.EBADF): "the descriptor is not open",
    ("xpmem_get", errno.EINVAL):
        "access must be RDONLY or RDWR, and a descriptor must be one of Segment.fileno()",
    ("xpmem_get", errno.ENOENT):
        "there is no such segment in this ipc namespace, or it has ended",
    ("xpmem_make", errno.EINVAL):
        "the range must lie below the address limit, mode must be at most 0o777, and name at most "
        "31 characters of printable ASCII",
    ("xpmem_segment_fd", errno.EACCES): "the segment is read-only",
    ("xpmem_segment_fd", errno.EINVAL): "access must be RDONLY or RDWR",
    ("xpmem_segment_fd", errno.ENOENT): "the segment has ended",
    ("xpmem_wait", errno.EINVAL): "the word must be aligned to its size",
    (None, errno.EDQUOT):
        "this user has as many objects as it may have: xpmemctl doctor shows the limits",
    (None, errno.EFAULT): "the exporter has no readable memory there",
    (None, errno.EIDRM): "the segment or permit has ended",
    (None, errno.EMFILE): "too many open descriptors: close some, or raise ulimit -n",
    (None, errno.ENOMEM): "the kernel has no memory",
    (None, errno.ENOSYS): "the loaded module is too old for this call",
    (None, errno.EPERM): "give this container the device: --device /dev/xpmem",
    (None, errno.ESTALE): "another process opened the device",
}


def error(call, number):
    """The exception for a call that failed with this errno."""
    if not os.path.exists(DEVICE):
        hint = "the module is not loaded: modprobe xpmem"
    elif number != errno.EPERM and not os.access(DEVICE, os.R_OK | os.W_OK):
        hint = f"this user may not open {DEVICE}"
    else:
        hint = _HINTS.get((call, number)) or _HINTS.get((None, number))
    text = os.strerror(number)
    return OSError(number, f"{call}: {text}: {hint}" if hint else f"{call}: {text}")


@functools.lru_cache(maxsize=None)
def _load():
    try:
        library = ctypes.CDLL(SONAME, use_errno=True)
    except OSError as reason:
        raise OSError(errno.ELIBACC,
                      f"{reason}: install libxpmem0, or name its folder in LD_LIBRARY_PATH"
                      ) from None
    for name, (result, *arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _check_range(name, kind, value):
    """Raise OverflowError for a number that ctypes would cut off."""
    if isinstance(value, int) and issubclass(kind, _NUMBERS):
        bits = 8 * ctypes.sizeof(kind)
        if not -1 << bits - 1 <= value < 1 << bits:
            raise OverflowError(f"{name}: {value} has more than {bits} bits")


def call(name, *arguments):
    """The result of a call and its errno, which is 0 unless it failed."""
    for kind, value in zip(_PROTOTYPES[name][1:], arguments):
        _check_range(name, kind, value)
    function = getattr(_load(), name)
    ctypes.set_errno(0)
    try:
        result = function(*arguments)
    except ctypes.ArgumentError as reason:
        raise TypeError(f"{name}: {reason}") from None
    if _PROTOTYPES[name][0] is ctypes.c_void_p:
        failed = result == ctypes.c_void_p(-1).value
    else:
        failed = result < 0
    return result, ctypes.get_errno() if failed else 0


def call_or_raise(name, *arguments, about=None):
    """The result of a call; raises OSError if it failed."""
    result, number = call(name, *arguments)
    if number:
        raise error(about or name, number)
    return result


def query():
    """Version, features and limits of the loaded module."""
    found = _Capabilities()
    call_or_raise("xpmem_query", ctypes.byref(found))
    version = found.module_version
    return Capabilities(
        found.abi_version, f"{version >> 16}.{version >> 12 & 0xf}.{version & 0xfff}",
        found.features, found.address_limit, found.mode_mask, found.page_size)
