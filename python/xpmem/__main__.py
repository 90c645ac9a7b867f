# SPDX-License-Identifier: LGPL-2.1-or-later
"""Show what this machine offers, and the segments that this user may see."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys

from . import query

_COLUMNS = ("id", "pid", "uid", "mode", "access", "length", "permits", "name")
_NO_TOOL = 1


def _segments():
    """The segments that xpmemctl lists, or the reason why it lists none."""
    tool = shutil.which("xpmemctl")
    if tool is None:
        return None, "xpmemctl is missing: install the package xpmemctl", _NO_TOOL
    said = subprocess.run([tool, "list", "segments"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)
    try:
        document = json.loads(said.stdout)
    except ValueError:
        return None, f"{tool} printed no JSON", said.returncode or 1
    if "error" in document:
        return None, document["error"]["message"], said.returncode
    return document["segments"], None, 0


def _print_table(rows):
    rows = [_COLUMNS] + [tuple(str(row.get(key, "-")) for key in _COLUMNS) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def main():
    argparse.ArgumentParser(prog="python3 -m xpmem", description=__doc__).parse_args()
    try:
        found = query()
    except OSError as reason:
        print(f"xpmem: {reason.strerror}", file=sys.stderr)
        return 1
    print(f"module {found.module_version}, ABI version {found.abi_version}, "
          f"mode_mask {found.mode_mask:04o}", flush=True)
    segments, reason, status = _segments()
    if reason:
        print(f"xpmem: {reason}", file=sys.stderr)
        return status
    if segments:
        _print_table(segments)
    else:
        print("no segments")
    return 0


def _run():
    """Run main(). A closed pipe ends the program; other errors of the output are reported."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        status = main()
        sys.stdout.flush()
    except OSError as reason:
        print(f"xpmem: cannot write the output: {reason.strerror}", file=sys.stderr)
        # The interpreter writes the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(_run())
