#include "dump/hardware.h"

#include <stdio.h>

#include "dump/bugcheck.h"

enum {
	POINTS_SOME = 30,
	POINTS_STRONG = 70
};

/* Many crashes in as many places; below these numbers it is chance. */
enum {
	SCATTERED_CRASHES = 5,
	SCATTERED_PERCENT = 80,
	SCATTERED_POINTS = 25
};

static const char *const level_names[HARDWARE_N] = {
	[HARDWARE_NONE] = "none",
	[HARDWARE_SOME] = "some",
	[HARDWARE_STRONG] = "strong",
};

const char *
hardware_level_name(enum hardware_level level)
{
	return level_names[level];
}

/* ---- counting ---- */

enum {
	BIT_FLIP_LEAST_PERCENT = 50
};

#define STATUS_IN_PAGE_ERROR UINT32_C(0xc0000006)

static bool
is_machine_check(uint32_t number)
{
	return number == 0x9c || number == 0x124; /* MACHINE_CHECK_EXCEPTION, WHEA_... */
}

/* PFN_LIST_CORRUPT, MEMORY_MANAGEMENT, FAULTY_HARDWARE_CORRUPTED_PAGE: drivers cause the first
 * two as well. */
static bool
is_memory_check(uint32_t number)
{
	return number == 0x4e || number == 0x1a || number == 0x12b;
}

static bool
is_in_page_check(uint32_t number)
{
	return number == 0x77 || number == 0x7a; /* KERNEL_STACK_INPAGE_..., KERNEL_DATA_... */
}

void
hardware_count(const struct dump *dump, const struct bit_flips *flips,
	       const struct code_difference *code, struct hardware_counts *counts)
{
	uint32_t number = dump->bugcheck.is_there ? bugcheck_number(dump->bugcheck.code) : 0;
	bool is_windows = dump->os == DUMP_OS_WINDOWS;
	if (!dump->bugcheck.is_there && !dump->exception.is_there)
		return;
	counts->crashes++;
	counts->bit_flips += flips->n > 0 && flips->items[0].percent >= BIT_FLIP_LEAST_PERCENT;
	counts->one_bit_code += code != NULL && code->kind == CODE_ONE_BIT;
	counts->machine_checks += is_machine_check(number);
	counts->memory_checks += is_memory_check(number);
	counts->in_page_errors +=
		is_in_page_check(number) ||
		(number == 0 && is_windows && dump->exception.code == STATUS_IN_PAGE_ERROR);
}

/* ---- the suspicion ---- */

static void
add_clue(struct hardware_suspicion *s, unsigned points, const char *text)
{
	s->points += points;
	(void)snprintf(s->reasons[s->n_reasons++], HARDWARE_REASON_BYTES, "%s (+%u)", text, points);
}

/* Each of COUNT gives EACH points, all together at most MOST. */
static void
add_counted(struct hardware_suspicion *s, unsigned count, unsigned each, unsigned most,
	    const char *text)
{
	char line[HARDWARE_REASON_BYTES - 16];
	if (count == 0)
		return;
	(void)snprintf(line, sizeof(line), "%s: %u", text, count);
	add_clue(s, count > most / each ? most : count * each, line);
}

static bool
is_scattered(const struct hardware_counts *c)
{
	return c->crashes >= SCATTERED_CRASHES &&
	       (uint64_t)c->signatures * 100 >= (uint64_t)c->crashes * SCATTERED_PERCENT;
}

void
hardware_suspect(const struct hardware_counts *counts, struct hardware_suspicion *ret_suspicion)
{
	struct hardware_suspicion s = {.level = HARDWARE_NONE};
	char scattered[HARDWARE_REASON_BYTES - 16];
	add_counted(&s, counts->machine_checks, 70, 100, "errors that the processor reported");
	add_counted(&s, counts->one_bit_code, 40, 80, "crashes with one bit of code changed");
	add_counted(&s, counts->bit_flips, 15, 60, "crashes that one flipped bit would explain");
	add_counted(&s, counts->memory_checks, 15, 45, "bug checks of broken memory management");
	add_counted(&s, counts->in_page_errors, 15, 45, "pages that could not be read from disk");
	if (is_scattered(counts)) {
		(void)snprintf(scattered, sizeof(scattered), "%u crashes in %u different places",
			       counts->crashes, counts->signatures);
		add_clue(&s, SCATTERED_POINTS, scattered);
	}
	if (s.points >= POINTS_STRONG)
		s.level = HARDWARE_STRONG;
	else if (s.points >= POINTS_SOME)
		s.level = HARDWARE_SOME;
	*ret_suspicion = s;
}
