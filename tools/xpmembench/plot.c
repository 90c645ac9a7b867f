// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A picture of bandwidth and latency by message size, drawn by gnuplot.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xpmembench.h"

/* The terminal of gnuplot for a file name; false if there is none. */
bool plot_format(const char *path, const char **terminal)
{
	const char *suffix = strrchr(path, '.');

	if (suffix && !strcmp(suffix, ".svg"))
		*terminal = "svg";
	else if (suffix && !strcmp(suffix, ".png"))
		*terminal = "pngcairo";
	else
		return false;
	return true;
}

static bool check_path(const char *path)
{
	char copy[PATH_MAX];
	const char *folder;
	struct stat status;

	if (!stat(path, &status)) {
		if (S_ISDIR(status.st_mode))
			complain("cannot draw %s: it is a folder; give a file in it", path);
		else if (access(path, W_OK))
			complain("cannot draw %s: %s; give another file", path, strerror(errno));
		else
			return true;
		return false;
	}
	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	if (!access(folder, W_OK | X_OK))
		return true;
	complain("cannot draw %s: folder %s: %s; give another folder", path, folder,
		 strerror(errno));
	return false;
}

static bool check_gnuplot(const char *path)
{
	const char *terminal = "";
	char command[128];
	int status;

	plot_format(path, &terminal);
	snprintf(command, sizeof(command), "gnuplot -e 'set terminal %s' >/dev/null 2>&1",
		 terminal);
	status = system(command);
	if (status == 0)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		complain("no gnuplot to draw %s with; install %s", path,
			 "Debian's gnuplot-nox or Fedora's gnuplot");
	else
		complain("gnuplot has no terminal %s to draw %s with; give a name in %s", terminal,
			 path, strcmp(terminal, "svg") ? ".svg" : ".png");
	return false;
}

/* Before anything is measured, so that no time is lost. */
bool plot_check(const char *path)
{
	return check_path(path) && check_gnuplot(path);
}

static bool has_results(const struct results *results, unsigned int number)
{
	unsigned int i;

	for (i = 0; i < results->plan.size_count; i++)
		if (results->of[number][USE_COPY][i].measured)
			return true;
	return false;
}

static void print_data(const struct results *results, unsigned int number, FILE *gnuplot)
{
	unsigned int i;

	fprintf(gnuplot, "$data%u << END\n", number);
	for (i = 0; i < results->plan.size_count; i++) {
		const struct result *result = &results->of[number][USE_COPY][i];

		if (result->measured)
			fprintf(gnuplot, "%zu %.6g %.6g\n", results->plan.sizes[i],
				result->figures[FIGURE_BANDWIDTH].median / 1e6,
				result->figures[FIGURE_LATENCY].median * 1e6);
	}
	fprintf(gnuplot, "END\n");
}

/* Inside single quotes of gnuplot. */
static void print_quoted(const char *text, FILE *gnuplot)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', gnuplot);
		if (*text != '\n')
			fputc(*text, gnuplot);
	}
}

static void print_title(const struct results *results, FILE *gnuplot)
{
	const struct environment *environment = &results->environment;
	const char *cpu = environment->cpu[0] ? environment->cpu : environment->machine;

	fprintf(gnuplot, "title = '");
	print_quoted(cpu, gnuplot);
	fprintf(gnuplot, ", %ld processor%s, Linux ", environment->processors,
		environment->processors > 1 ? "s" : "");
	print_quoted(environment->kernel, gnuplot);
	fprintf(gnuplot, ", %.10s'\n", environment->date);
	fprintf(gnuplot, "set multiplot layout 1,2 title ");
	fprintf(gnuplot, "\"Messages copied from one process to another, %u pair%s%s\\n\".title ",
		results->plan.pairs, results->plan.pairs > 1 ? "s" : "",
		results->plan.bidirectional ? ", bidirectional" : "");
	fprintf(gnuplot, "font ',15' margins 0.075,0.985,0.23,0.86 spacing 0.085\n");
}

/* Colours that people with colour blindness can tell apart, with a point type for each. */
static void print_style(FILE *gnuplot)
{
	static const char *const colours[] = {
		"#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#d55e00",
		"#e69f00", "#7f3b08", "#555555", "#000000",
	};
	static const unsigned int points[] = { 7, 6, 5, 4, 9, 8, 11, 13, 2 };
	unsigned int number;

	for (number = 0; number < method_count; number++)
		fprintf(gnuplot, "set style line %u lc rgb '%s' lw 2 pt %u ps 0.8%s\n", number + 1,
			colours[number % 9], points[number % 9],
			methods[number].is_limit ? " dt 2" : "");
	fprintf(gnuplot, "set grid lt 1 lw 0.5 lc rgb '#bbbbbb'\nset border lc rgb '#444444'\n"
			 "set logscale xy\nset tics textcolor rgb '#000000'\n"
			 "set xlabel 'message size, bytes'\nset format y '%%g'\n");
}

/* A label for about every eighth part of the sizes. */
static void print_axis(const struct plan *plan, FILE *gnuplot)
{
	size_t first = plan->sizes[0], last = plan->sizes[plan->size_count - 1], step = 2, at;
	const char *separator = "";
	char text[32];

	for (at = 1; at <= first / 2;)
		at *= 2;
	while ((double)at * step * step * step * step * step * step * step < last)
		step *= 2;
	fprintf(gnuplot, "set xrange [%.6g:%.6g]\nset xtics (", first / 1.5, last * 1.5);
	for (; at <= last * 1.5; at *= step, separator = ", ") {
		format_size(at, text, sizeof(text));
		fprintf(gnuplot, "%s'%s' %zu", separator, text, at);
	}
	fprintf(gnuplot, ")\n");
}

static void print_panel(const struct results *results, const char *label, int column, FILE *gnuplot)
{
	const char *separator = "plot ";
	unsigned int number;

	fprintf(gnuplot, "set ylabel '%s'\n", label);
	for (number = 0; number < method_count; number++) {
		if (!has_results(results, number))
			continue;
		fprintf(gnuplot, "%s$data%u using 1:%d with linespoints ls %u title '%s'",
			separator, number, column, number + 1, methods[number].name);
		separator = ", ";
	}
	fprintf(gnuplot, "\n");
}

static void print_script(const struct results *results, const char *path, FILE *gnuplot)
{
	const char *terminal = "";
	unsigned int number;

	plot_format(path, &terminal);
	fprintf(gnuplot, "set encoding utf8\n");
	fprintf(gnuplot, "set terminal %s size 1280,680 noenhanced font 'sans,12' ", terminal);
	fprintf(gnuplot, "background rgb 'white'\n");
	fprintf(gnuplot, "set output '");
	print_quoted(path, gnuplot);
	fprintf(gnuplot, "'\n");
	for (number = 0; number < method_count; number++)
		if (has_results(results, number))
			print_data(results, number, gnuplot);
	print_style(gnuplot);
	print_axis(&results->plan, gnuplot);
	print_title(results, gnuplot);
	fprintf(gnuplot, "set key at screen 0.5,0.01 center bottom horizontal samplen 3\n");
	print_panel(results, "bandwidth, MB/s (more is better)", 2, gnuplot);
	fprintf(gnuplot, "unset key\n");
	print_panel(results, "latency, µs (less is better)", 3, gnuplot);
	fprintf(gnuplot, "unset multiplot\n");
}

bool plot(const struct results *results, const char *path)
{
	unsigned int number, count = 0;
	void (*before)(int);
	FILE *gnuplot;
	bool drawn;

	for (number = 0; number < method_count; number++)
		count += has_results(results, number);
	if (!count) {
		complain("there is nothing to draw in %s", path);
		return false;
	}
	/* Only this program says why there is no picture. gnuplot may end at the first line. */
	gnuplot = popen("gnuplot 2>/dev/null", "w");
	if (!gnuplot) {
		complain("gnuplot: %s", strerror(errno));
		return false;
	}
	before = signal(SIGPIPE, SIG_IGN);
	print_script(results, path, gnuplot);
	drawn = pclose(gnuplot) == 0;
	signal(SIGPIPE, before);
	if (drawn)
		return true;
	complain("gnuplot could not draw %s; see that there is room and a file can be made there",
		 path);
	return false;
}
