# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced by checks that repeat parts of the module's build by the commands that kbuild ran. The
# caller has set kbuild (the folder where build-in built the module), headers, and work (a folder
# for temporary files), and may set extra_flags for the compiler, symvers, the list of the kernel's
# exports, and left_out, the flags of kbuild and the files that compile_module leaves out. Nothing
# writes to kbuild, and nothing makes debug information.

# Print the command that kbuild ran for a file of the module.
kbuild_command() {
	sed -nE '1{s/^(saved)?cmd_[^ ]* := //;p}' \
		"$kbuild/module/$(dirname "$1")/.$(basename "$1").cmd"
}

# Set probe_compiler to the compiler and its flags that kbuild ran the probes with.
probe_load() {
	local command

	command=$(kbuild_command compat/features.h)
	command=${command#*/compat/probes * }
	eval "probe_compiler=(${command%% > *})"
	((${#probe_compiler[@]} > 1))
}

# probe PROBES HEADER [FLAG...]: print features.h, with flags before those of kbuild, and a header
# after those that kbuild has it include first, or none.
probe() {
	local probes=$1 header=$2
	shift 2

	mkdir -p "$work/probe"
	set -- "${probe_compiler[0]}" "${extra_flags[@]}" "$@" "${probe_compiler[@]:1}" -g0
	[[ -z $header ]] || set -- "$@" -include "$header"
	(cd "$headers" && sh "$kbuild/module/compat/probe.sh" "${symvers:-Module.symvers}" \
		"$probes" "$work/probe" "$@")
}

# Copy the module's sources to a folder, where compile_module finds them.
copy_module() {
	mkdir -p "$1"
	cp -r "$kbuild/module" "$kbuild/uapi" "$1"
	find "$1" \( -name '*.ko' -o -name '*.o' -o -name '*.mod*' -o -name '.*.cmd' \) -delete
}

is_left_out() {
	[[ " ${left_out-} " == *" $1 "* ]]
}

# Set compiler to the compiler and its flags for a file of a copy, and included to the headers that
# kbuild has it include first.
compile_load() {
	local name=$1 tree=$2 command all i

	command=$(kbuild_command "$name.o" | sed "s|$kbuild|$tree|g")
	eval "all=(${command%% -c -o *})"
	compiler=() included=()
	for ((i = 0; i < ${#all[@]}; i++)); do
		case ${all[i]} in
		-include)
			i=$((i + 1))
			included+=("$(cd "$headers" && realpath "${all[i]}")")
			;;
		-Wp,-M*) ;;
		# With different names the compiler does not take the precompiled header.
		-DKBUILD_BASENAME=*) compiler+=('-DKBUILD_BASENAME="xpmem"') ;;
		*) is_left_out "${all[i]}" || compiler+=("${all[i]}") ;;
		esac
	done
	compiler=("${compiler[0]}" "${extra_flags[@]}" "${compiler[@]:1}" -g0)
}

# compile_file TREE NAME [HEADER...]: compile one file of a copy, after headers, and drop the code.
compile_file() {
	local tree=$1 name=$2 compiler included header
	shift 2

	compile_load "$name" "$tree"
	[[ ${1:-} == "$work/shared.h" ]] || set -- "${included[@]}" "$@"
	for header; do
		compiler+=(-include "$header")
	done
	(cd "$headers" && "${compiler[@]}" -S -o /dev/null "$tree/module/$name.c")
}

# compile_module TREE [HEADER]: compile all files of a copy, after a header, and drop the code. Most
# of the time goes into the kernel's headers, so what the files share is precompiled, except for the
# file that has the kernel's tracing headers included twice.
compile_module() {
	local tree=$1 shared=$work/shared.h compiler included file
	shift

	compile_load main "$tree"
	printf '#include "%s"\n' "${included[@]}" "$@" "$tree/module/compat/mm.h" \
		"$tree/module/xpmem.h" >"$shared"
	(cd "$headers" && "${compiler[@]}" -x c-header "$shared" -o "$shared.gch") || return
	for file in "$kbuild"/module/.*.o.cmd; do
		file=$(basename "${file#*/module/.}" .o.cmd)
		[[ -e $tree/module/$file.c ]] && ! is_left_out "$file" || continue
		if [[ $file == trace ]]; then
			compile_file "$tree" "$file" "$@" || return
		else
			compile_file "$tree" "$file" "$shared" || return
		fi
	done
}
