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

# Set compiler to the compiler and its flags for a file of a copy, with the headers that kbuild has
# it include first.
compile_load() {
	local name=$1 tree=$2 command all i

	command=$(kbuild_command "$name.o" | sed "s|$kbuild|$tree|g")
	eval "all=(${command%% -c -o *})"
	compiler=()
	for ((i = 0; i < ${#all[@]}; i++)); do
		case ${all[i]} in
		-Wp,-M*) ;;
		*) is_left_out "${all[i]}" || compiler+=("${all[i]}") ;;
		esac
	done
	compiler=("${compiler[0]}" "${extra_flags[@]}" "${compiler[@]:1}" -g0)
}

# compile_file TREE NAME [HEADER...]: compile one file of a copy, after headers, and drop the code.
compile_file() {
	local tree=$1 name=$2 compiler header
	shift 2

	compile_load "$name" "$tree"
	for header; do
		compiler+=(-include "$header")
	done
	(cd "$headers" && "${compiler[@]}" -S -o /dev/null "$tree/module/$name.c")
}

# compile_files TREE HEADER NAME...: compile files of a copy, after a header, and drop the code.
# Most of the time goes into the kernel's headers, so the compiler gets one file that includes all
# files, with the flags of the first; so the names of statics have to be unique in the module. The
# headers of compat come before the files, so that they include what they need themselves.
compile_files() {
	local tree=$1 header=$2 name
	shift 2

	for name in compat/mm.h xpmem.h $(cd "$tree/module" && echo compat/*.h) "${@/%/.c}"; do
		echo "#include \"$tree/module/$name\""
	done >"$tree/module/together.c"
	compile_load "$1" "$tree"
	(cd "$headers" && "${compiler[@]}" -include "$header" -S -o /dev/null \
		"$tree/module/together.c")
}

# compile_module TREE HEADER: compile all files of a copy, after a header, and drop the code. One of
# them, by itself, has the kernel's tracing headers included twice.
compile_module() {
	local tree=$1 header=$2 file names=()

	for file in "$kbuild"/module/.*.o.cmd; do
		file=$(basename "${file#*/module/.}" .o.cmd)
		[[ -e $tree/module/$file.c && $file != trace ]] && ! is_left_out "$file" || continue
		names+=("$file")
	done
	compile_files "$tree" "$header" "${names[@]}" && compile_file "$tree" trace "$header"
}
