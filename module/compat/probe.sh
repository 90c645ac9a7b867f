#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# usage: probe.sh SYMVERS FOLDER WORK COMPILER [FLAG...]
# Compiles the probes in FOLDER as a part of the kernel at hand, and prints features.h. FOLDER has
# a folder for each interface, and in it a probe for each form that the interface has on supported
# kernels. One of them compiles, and defines XPMEM_HAVE_FORM. Fails if none does, or several do.
# WORK is a folder for temporary files. A probe with a line "/* exported: SYMBOL */" also needs
# SYMBOL in SYMVERS, the kernel's list of exported symbols, and one with "not exported" needs SYMBOL
# to be absent from it. Without that file nothing counts as exported.
set -eu

symvers=$1 folder=$2 work=$3
shift 3

# Drop the options for warnings, so that only errors decide, whatever the kernel or the caller asks
# for. Collect the headers of -include options in a header for the probes.
count=$# previous=''
: >"$work/probe.h"
for argument; do
	case $previous,$argument in
	*,-include) ;;
	-include,*)
		[ ! -e "$PWD/$argument" ] || argument=$PWD/$argument
		echo "#include \"$argument\"" >>"$work/probe.h"
		;;
	*,-W[alp],*) set -- "$@" "$argument" ;;
	*,-W* | *,-pedantic*) ;;
	*) set -- "$@" "$argument" ;;
	esac
	previous=$argument
done
shift "$count"
compiler=$1
shift
# -fms-extensions allows a struct as a member without a name: some kernels pass it themselves. The
# warnings that become errors here are about errors in C.
set -- "$@" -fms-extensions -Werror=implicit-function-declaration -Werror=implicit-int \
	-Werror=int-conversion -Werror=incompatible-pointer-types

echo '/* SPDX-License-Identifier: GPL-2.0-only */'
echo '/* Made by compat/probe.sh for one kernel. */'
# Most of the time goes into <linux/mm.h>. A compiler that cannot precompile the header, or that
# cannot use the result, reads it again for each probe.
echo '#include <linux/mm.h>' >>"$work/probe.h"
"$compiler" "$@" -x c-header "$work/probe.h" -o "$work/probe.h.gch" 2>/dev/null ||
	rm -f "$work/probe.h.gch"

compile()
{
	"$compiler" -include "$work/probe.h" "$@" -fsyntax-only 2>&1
}

# Print an error for each symbol that is exported, or not, contrary to the probe.
exports()
{
	sed -nE 's|^/\* (not )?exported: ([a-zA-Z0-9_]+) \*/$|\2 \1|p' "$1" |
	while read -r symbol not; do
		is=''
		grep -qs "	$symbol	" "$symvers" || is=not
		[ "$is" = "$not" ] || echo "error: $symbol is${is:+ not} exported"
	done
}

if ! errors=$(compile "$@" "$folder/base.c"); then
	echo "a probe that compiles on every supported kernel does not: $errors" >&2
	exit 1
fi
newline='
'
restricted=$newline$(grep -lE '^/\* (not )?exported: ' "$folder"/*/*.c || :)$newline
failed=0 forms=''
for interface in "$folder"/*/; do
	found=''
	for probe in "$interface"*.c; do
		case $restricted in
		*"$newline$probe$newline"*) [ -z "$(exports "$probe")" ] || continue ;;
		esac
		# Most probes fail, and the compiler need not read on after the first error.
		if compile "$@" -Wfatal-errors "$probe" >/dev/null; then
			probe=${probe##*/}
			found="$found ${probe%.c}"
		fi
	done
	name=${interface%/}
	name=${name##*/}
	case $found in
	'')
		failed=1 refusals=''
		for probe in "$interface"*.c; do
			errors=$(exports "$probe")
			[ -n "$errors" ] || errors=$(compile "$@" "$probe") || :
			refusals="$refusals$newline$(echo "$errors" | grep 'error:' | head -n 3)"
		done
		echo "error: xpmem knows no form of this kernel's $name:$refusals" >&2
		;;
	' '*' '*)
		failed=1
		echo "error: xpmem cannot tell the form of this kernel's $name:$found" >&2
		;;
	*) forms=$forms$found ;;
	esac
done
for form in $(echo "$forms" | tr '[:lower:]' '[:upper:]'); do
	echo "#define XPMEM_HAVE_$form 1"
done
rm -f "$work/probe.h" "$work/probe.h.gch"
exit "$failed"
