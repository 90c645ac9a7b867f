#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# MPICH, whose processes on one machine read each other's memory through XPMEM if messages are large
# enough.

load helpers

# What belongs to a collective operation, MPICH 4.0 sends through shared memory only: there nothing
# is mapped.

setup() {
	use_client mpich
}

# run_ranks PAGES RANKS CASE: it must map at least so many pages.
run_ranks() {
	maps "$1" mpiexec -n "$2" mpi-with-mpich "$3"
	is_like "$output" "*$3: $2 ranks"
}

@test "two ranks: point to point" {
	run_ranks 4000 2 point-to-point
}

@test "two ranks: unexpected messages" {
	run_ranks 1000 2 unexpected
}

@test "two ranks: memory replaced" {
	run_ranks 16000 2 replaced
}

@test "two ranks: datatypes" {
	run_ranks 500 2 datatypes
}

@test "two ranks: collectives" {
	run_ranks none 2 collectives
}

@test "two ranks: windows" {
	run_ranks 200 2 windows
}

@test "four ranks: point to point" {
	run_ranks 8000 4 point-to-point
}

@test "four ranks: unexpected messages" {
	run_ranks 2000 4 unexpected
}

@test "four ranks: memory replaced" {
	run_ranks 32000 4 replaced
}

@test "four ranks: datatypes" {
	run_ranks 1000 4 datatypes
}

@test "four ranks: collectives" {
	run_ranks none 4 collectives
}

@test "four ranks: windows" {
	run_ranks 500 4 windows
}

@test "small messages too" {
	MPIR_CVAR_CH4_IPC_XPMEM_P2P_THRESHOLD=1 run_ranks 4000 2 point-to-point
}

@test "an ordinary user's ranks" {
	maps 4000 as_user 65534 mpiexec -n 2 mpi-with-mpich point-to-point
}

@test "every case of the program has its tests" {
	local name

	for name in $(mpi-with-mpich --list); do
		is "$(grep -c "^	run_ranks [0-9a-z]* [24] $name\$" "$BATS_TEST_FILENAME")" \
			2 "tests of $name"
	done
}

@test "nothing is mapped where MPICH is told to do without" {
	MPIR_CVAR_CH4_XPMEM_ENABLE=0 run_ranks none 2 point-to-point
}
