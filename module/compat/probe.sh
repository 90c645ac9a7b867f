#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# usage: probe.sh FOLDER COMPILER [FLAG...]
# Compiles each probe in FOLDER as a part of the kernel at hand, and prints features.h: a
# definition XPMEM_HAVE_NAME for each that compiles.
set -eu

folder=$1
shift
base=$folder/base.c

echo '/* SPDX-License-Identifier: GPL-2.0-only */'
echo '/* Made by compat/probe.sh for one kernel. */'
if ! errors=$("$@" -fsyntax-only "$base" 2>&1); then
	echo "a probe that compiles on every supported kernel does not: $errors" >&2
	exit 1
fi
for probe in "$folder"/*.c; do
	[ "$probe" != "$base" ] || continue
	name=$(basename "$probe" .c | tr '[:lower:]' '[:upper:]')
	if "$@" -fsyntax-only -Werror "$probe" 2>/dev/null; then
		echo "#define XPMEM_HAVE_$name 1"
	fi
done
