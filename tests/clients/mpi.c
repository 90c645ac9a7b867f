/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What MPI programs do, with every byte checked: mpi CASE, started by mpiexec with any number of
 * ranks. Nothing in it is of one MPI or of XPMEM. Exit status 0 passed; `--list` names the cases.
 */
#include <mpi.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MIB (1L << 20)
#define LARGEST (8 * MIB)

static const int sizes[] = { 1, 7, 64, 1000, 4096, 8191, 65536, 65537, MIB, LARGEST };
#define SIZES ((int)(sizeof(sizes) / sizeof(*sizes)))

static int rank, ranks;

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "rank %d: ", rank);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	MPI_Abort(MPI_COMM_WORLD, 1);
	abort();
}

static void *allocate(size_t length)
{
	void *memory = malloc(length);

	if (!memory)
		fail("no memory");
	return memory;
}

/* of the message from a rank, the last of the arguments, or of whatever else is to differ */
static unsigned char byte_of(long i, int seed)
{
	return seed * 37 + i + (i >> 8) * 3 + (i >> 16) * 7;
}

static void fill(unsigned char *bytes, long length, int seed)
{
	long i;

	for (i = 0; i < length; i++)
		bytes[i] = byte_of(i, seed);
}

static void check(const unsigned char *bytes, long length, int seed, const char *what)
{
	long i;

	for (i = 0; i < length; i++)
		if (bytes[i] != byte_of(i, seed))
			fail("%s: byte %ld of %ld is %#x, not %#x", what, i, length, bytes[i],
			     byte_of(i, seed));
}

/*
 * one after the other around the ring, in both modes of sending, from heap that begins nowhere in
 * particular
 */
static void point_to_point(void)
{
	int next = (rank + 1) % ranks, last = (rank + ranks - 1) % ranks, i, count;
	unsigned char *out = allocate(LARGEST + 5), *in = allocate(LARGEST + 3);
	MPI_Request request;
	MPI_Status status;

	for (i = 0; i < SIZES; i++) {
		fill(out + 5, sizes[i], rank + i);
		memset(in + 3, 0, sizes[i]);
		MPI_Sendrecv(out + 5, sizes[i], MPI_BYTE, next, i, in + 3, LARGEST, MPI_BYTE, last,
			     i, MPI_COMM_WORLD, &status);
		MPI_Get_count(&status, MPI_BYTE, &count);
		if (count != sizes[i])
			fail("%d bytes of %d came", count, sizes[i]);
		check(in + 3, sizes[i], last + i, "received");

		memset(in + 3, 0, sizes[i]);
		MPI_Irecv(in + 3, LARGEST, MPI_BYTE, MPI_ANY_SOURCE, 100 + i, MPI_COMM_WORLD,
			  &request);
		MPI_Ssend(out + 5, sizes[i], MPI_BYTE, next, 100 + i, MPI_COMM_WORLD);
		MPI_Wait(&request, &status);
		check(in + 3, sizes[i], last + i, "received from anyone");
		MPI_Barrier(MPI_COMM_WORLD);
	}
	free(out);
	free(in);
}

/* messages that are sent before anyone waits for them, many at once */
static void unexpected(void)
{
	enum { MESSAGES = 16, LENGTH = 200000 };
	unsigned char *out = allocate(MESSAGES * LENGTH), *in = allocate(LENGTH);
	MPI_Request requests[MESSAGES];
	MPI_Status statuses[MESSAGES];
	int from, i;

	for (i = 0; i < MESSAGES; i++) {
		fill(out + i * LENGTH, LENGTH, rank + i);
		MPI_Isend(out + i * LENGTH, LENGTH, MPI_BYTE, (rank + 1 + i % (ranks - 1)) % ranks,
			  i, MPI_COMM_WORLD, requests + i);
	}
	MPI_Barrier(MPI_COMM_WORLD);
	for (i = MESSAGES - 1; i >= 0; i--) {
		from = (rank + 2 * ranks - 1 - i % (ranks - 1)) % ranks;
		MPI_Recv(in, LENGTH, MPI_BYTE, from, i, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		check(in, LENGTH, from + i, "unexpected");
	}
	MPI_Waitall(MESSAGES, requests, statuses);
	free(out);
	free(in);
}

/* the same address again and again, with memory that was unmapped in between */
static void replaced(void)
{
	int next = (rank + 1) % ranks, last = (rank + ranks - 1) % ranks, i;
	unsigned char *in = allocate(LARGEST), *out = NULL;

	for (i = 0; i < 4; i++) {
		out = mmap(out, LARGEST, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | (out ? MAP_FIXED_NOREPLACE : 0), -1, 0);
		if (out == MAP_FAILED)
			fail("cannot map there again");
		fill(out, LARGEST, rank + i);
		MPI_Sendrecv(out, LARGEST, MPI_BYTE, next, i, in, LARGEST, MPI_BYTE, last, i,
			     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
		check(in, LARGEST, last + i, "from memory mapped anew");
		MPI_Barrier(MPI_COMM_WORLD);
		munmap(out, LARGEST);
	}
	free(in);
}

/* memory with gaps on one side or both: columns of a matrix, blocks in no order, a triangle */
static void datatypes(void)
{
	enum { ROWS = 600, COLUMNS = 500 };
	int next = (rank + 1) % ranks, last = (rank + ranks - 1) % ranks;
	int lengths[ROWS], offsets[ROWS], row, column;
	int(*out)[COLUMNS] = allocate(ROWS * sizeof(*out)),
	(*in)[COLUMNS] = allocate(ROWS * sizeof(*in));
	int *packed = allocate(ROWS * COLUMNS * sizeof(int)), *at;
	MPI_Datatype columns, triangle, blocks;

	for (row = 0; row < ROWS; row++)
		for (column = 0; column < COLUMNS; column++)
			out[row][column] = rank * 1000000 + row * 1000 + column;

	/* every other group of 20 columns, into the same places */
	MPI_Type_vector(ROWS * COLUMNS / 40, 20, 40, MPI_INT, &columns);
	MPI_Type_commit(&columns);
	memset(in, 0xff, ROWS * sizeof(*in));
	MPI_Sendrecv(out, 1, columns, next, 0, in, 1, columns, last, 0, MPI_COMM_WORLD,
		     MPI_STATUS_IGNORE);
	for (row = 0; row < ROWS; row++)
		for (column = 0; column < COLUMNS; column++)
			if (in[row][column] != ((row * COLUMNS + column) % 40 < 20 ?
							last * 1000000 + row * 1000 + column :
							-1))
				fail("vector: %d at %d, %d", in[row][column], row, column);
	MPI_Type_free(&columns);

	/* a triangle, into memory without gaps */
	for (row = 0; row < ROWS; row++) {
		lengths[row] = row % COLUMNS + 1;
		offsets[row] = row * COLUMNS;
	}
	MPI_Type_indexed(ROWS, lengths, offsets, MPI_INT, &triangle);
	MPI_Type_commit(&triangle);
	MPI_Sendrecv(out, 1, triangle, next, 1, packed, ROWS * COLUMNS, MPI_INT, last, 1,
		     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	for (row = 0, at = packed; row < ROWS; row++)
		for (column = 0; column < lengths[row]; column++, at++)
			if (*at != last * 1000000 + row * 1000 + column)
				fail("triangle: %d at %d, %d", *at, row, column);
	MPI_Type_free(&triangle);

	/* rows from the last to the first, out of memory without gaps */
	for (row = 0; row < ROWS; row++)
		offsets[row] = (ROWS - 1 - row) * COLUMNS;
	MPI_Type_create_indexed_block(ROWS, COLUMNS, offsets, MPI_INT, &blocks);
	MPI_Type_commit(&blocks);
	MPI_Sendrecv(out, ROWS * COLUMNS, MPI_INT, next, 2, in, 1, blocks, last, 2, MPI_COMM_WORLD,
		     MPI_STATUS_IGNORE);
	for (row = 0; row < ROWS; row++)
		for (column = 0; column < COLUMNS; column++)
			if (in[ROWS - 1 - row][column] != last * 1000000 + row * 1000 + column)
				fail("blocks: %d at %d, %d", in[ROWS - 1 - row][column], row,
				     column);
	MPI_Type_free(&blocks);
	free(out);
	free(in);
	free(packed);
}

static void collectives(void)
{
	long *sums = allocate(LARGEST / 4), *mine = allocate(LARGEST / 4);
	unsigned char *all = allocate((size_t)ranks * MIB), *out = allocate((size_t)ranks * MIB);
	int i, j, root, length;
	long k, count;

	for (i = 0; i < SIZES; i++) {
		length = sizes[i] < MIB ? sizes[i] : MIB;
		for (root = 0; root < ranks; root++) {
			if (rank == root)
				fill(out, length, root + i);
			else
				memset(out, 0, length);
			MPI_Bcast(out, length, MPI_BYTE, root, MPI_COMM_WORLD);
			check(out, length, root + i, "broadcast");

			fill(out, length, rank + i);
			MPI_Gather(out, length, MPI_BYTE, all, length, MPI_BYTE, root,
				   MPI_COMM_WORLD);
			for (j = 0; rank == root && j < ranks; j++)
				check(all + (long)j * length, length, j + i, "gathered");

			for (j = 0; rank == root && j < ranks; j++)
				fill(all + (long)j * length, length, j + i);
			memset(out, 0, length);
			MPI_Scatter(all, length, MPI_BYTE, out, length, MPI_BYTE, root,
				    MPI_COMM_WORLD);
			check(out, length, rank + i, "scattered");
		}
		fill(out, length, rank + i);
		memset(all, 0, (size_t)ranks * length);
		MPI_Allgather(out, length, MPI_BYTE, all, length, MPI_BYTE, MPI_COMM_WORLD);
		for (j = 0; j < ranks; j++)
			check(all + (long)j * length, length, j + i, "gathered by all");

		for (j = 0; j < ranks; j++)
			fill(out + (long)j * length, length, rank * ranks + j + i);
		memset(all, 0, (size_t)ranks * length);
		MPI_Alltoall(out, length, MPI_BYTE, all, length, MPI_BYTE, MPI_COMM_WORLD);
		for (j = 0; j < ranks; j++)
			check(all + (long)j * length, length, j * ranks + rank + i,
			      "from all to all");
	}
	for (count = 1; count * (long)sizeof(long) <= LARGEST / 4; count *= 8) {
		for (k = 0; k < count; k++)
			mine[k] = rank + k;
		MPI_Allreduce(mine, sums, count, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
		for (k = 0; k < count; k++)
			if (sums[k] != ranks * k + ranks * (ranks - 1) / 2)
				fail("sum %ld of %ld is %ld", k, count, sums[k]);
	}
	free(sums);
	free(mine);
	free(all);
	free(out);
}

static void put_and_get(MPI_Win window, unsigned char *memory, const char *what)
{
	int next = (rank + 1) % ranks, last = (rank + ranks - 1) % ranks, i;
	unsigned char *bytes = allocate(MIB);

	for (i = 0; i < SIZES && sizes[i] <= MIB; i++) {
		fill(bytes, sizes[i], rank + i);
		MPI_Win_fence(0, window);
		MPI_Put(bytes, sizes[i], MPI_BYTE, next, 3, sizes[i], MPI_BYTE, window);
		MPI_Win_fence(0, window);
		check(memory + 3, sizes[i], last + i, what);
		memset(bytes, 0, sizes[i]);
		MPI_Win_fence(0, window);
		MPI_Get(bytes, sizes[i], MPI_BYTE, next, 3, sizes[i], MPI_BYTE, window);
		MPI_Win_fence(0, window);
		check(bytes, sizes[i], rank + i, what);
	}
	free(bytes);
}

static void count_together(MPI_Win window, const char *what)
{
	enum { TIMES = 200 };
	long one = 1, before, sum;
	int i;

	for (i = 0; i < TIMES; i++) {
		MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, window);
		MPI_Fetch_and_op(&one, &before, MPI_LONG, 0, 0, MPI_SUM, window);
		MPI_Win_unlock(0, window);
	}
	for (i = 0; i < TIMES; i++) {
		MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, window);
		MPI_Accumulate(&one, 1, MPI_LONG, 0, 0, 1, MPI_LONG, MPI_SUM, window);
		MPI_Win_unlock(0, window);
	}
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, window);
	MPI_Get(&sum, 1, MPI_LONG, 0, 0, 1, MPI_LONG, window);
	MPI_Win_unlock(0, window);
	if (sum != 2L * TIMES * ranks)
		fail("%s: counted to %ld, not %ld", what, sum, 2L * TIMES * ranks);
	MPI_Barrier(MPI_COMM_WORLD);
}

/* of memory that the program brings, and of memory that the library makes */
static void windows(void)
{
	unsigned char *memory = calloc(1, MIB + 8), *given;
	MPI_Win window;

	if (!memory)
		fail("no memory");
	MPI_Win_create(memory, MIB + 8, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &window);
	count_together(window, "window of the program's memory");
	put_and_get(window, memory, "window of the program's memory");
	MPI_Win_free(&window);
	free(memory);

	MPI_Win_allocate(MIB + 8, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &given, &window);
	memset(given, 0, MIB + 8);
	MPI_Barrier(MPI_COMM_WORLD);
	count_together(window, "window of the library's memory");
	put_and_get(window, given, "window of the library's memory");
	MPI_Win_free(&window);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "point-to-point", point_to_point },
	{ "unexpected", unexpected },
	{ "replaced", replaced },
	{ "datatypes", datatypes },
	{ "collectives", collectives },
	{ "windows", windows },
};

int main(int argc, char **argv)
{
	const char *name = argc == 2 ? argv[1] : "";
	bool list = !strcmp(name, "--list");
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (list)
			puts(cases[i].name);
		else if (!strcmp(cases[i].name, name))
			break;
	}
	if (list)
		return 0;
	if (i == sizeof(cases) / sizeof(*cases)) {
		fprintf(stderr, "usage: mpiexec -n RANKS %s CASE | %s --list\n", argv[0], argv[0]);
		return 2;
	}
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &ranks);
	if (ranks < 2)
		fail("two ranks at least");
	cases[i].run();
	MPI_Barrier(MPI_COMM_WORLD);
	MPI_Finalize();
	if (!rank)
		printf("%s: %d ranks\n", name, ranks);
	return 0;
}
