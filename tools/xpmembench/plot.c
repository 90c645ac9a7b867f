// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A picture of the bandwidth by message size, drawn by gnuplot.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "xpmembench.h"

/* The terminal of gnuplot for a file name; false if there is none. */
bool plot_format(const char *path, const char **terminal)
{
	const char *suffix = strrchr(path, '.');

	if (suffix && !strcmp(suffix, ".svg"))
		*terminal = "svg size 1000,600 background rgb 'white'";
	else if (suffix && !strcmp(suffix, ".png"))
		*terminal = "pngcairo size 1000,600";
	else
		return false;
	return true;
}

static bool has_results(const struct results *results, unsigned int number)
{
	unsigned int i;

	for (i = 0; i < options.size_count; i++)
		if (results->of[number][USE_COPY][i].measured)
			return true;
	return false;
}

static void print_data(const struct results *results, unsigned int number, FILE *gnuplot)
{
	unsigned int i;

	fprintf(gnuplot, "$data%u << END\n", number);
	for (i = 0; i < options.size_count; i++)
		if (results->of[number][USE_COPY][i].measured)
			fprintf(gnuplot, "%zu %.6g\n", options.sizes[i],
				results->of[number][USE_COPY][i].bandwidth / 1e6);
	fprintf(gnuplot, "END\n");
}

static void print_path(const char *path, FILE *gnuplot)
{
	for (; *path; path++) {
		if (*path == '\'')
			fputc('\'', gnuplot);
		fputc(*path, gnuplot);
	}
}

bool plot(const struct results *results, const char *path)
{
	const char *terminal, *separator = "plot ";
	unsigned int number;
	FILE *gnuplot;
	int status;

	if (!plot_format(path, &terminal))
		return false;
	gnuplot = popen("gnuplot", "w");
	if (!gnuplot) {
		complain("gnuplot: %s", strerror(errno));
		return false;
	}
	fprintf(gnuplot, "set terminal %s\nset output '", terminal);
	print_path(path, gnuplot);
	fprintf(gnuplot,
		"'\nset title 'Bandwidth of messages that are copied'\nset key left top noenhanced\nset grid\n"
		"set logscale x 2\nset logscale y\nset format x '%%.0b %%BB'\nset xlabel 'message size'\n"
		"set ylabel 'million bytes a second'\n");
	for (number = 0; number < method_count; number++)
		if (has_results(results, number))
			print_data(results, number, gnuplot);
	for (number = 0; number < method_count; number++) {
		if (!has_results(results, number))
			continue;
		fprintf(gnuplot, "%s$data%u using 1:2 with linespoints title '%s'", separator,
			number, methods[number].name);
		separator = ", ";
	}
	fprintf(gnuplot, "\n");
	status = pclose(gnuplot);
	if (status == 0)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		complain("no gnuplot to draw %s with; install Debian's gnuplot-nox", path);
	else
		complain("gnuplot could not draw %s", path);
	return false;
}
