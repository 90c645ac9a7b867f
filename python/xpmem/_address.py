# SPDX-License-Identifier: LGPL-2.1-or-later
"""Addresses of buffers."""
import contextlib
import ctypes
import mmap

PAGE_SIZE = mmap.PAGESIZE

_SIMPLE = 0  # PyBUF_SIMPLE: contiguous bytes, for reading


class _Buffer(ctypes.Structure):
    """Py_buffer"""
    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


@contextlib.contextmanager
def exported(buffer):
    """Address and bytes of a buffer, which cannot be closed or resized meanwhile."""
    view = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(
        ctypes.py_object(buffer), ctypes.byref(view), ctypes.c_int(_SIMPLE))
    try:
        yield view.buf or 0, view.len
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(view))
