#include "werload/command.h"

#include <inttypes.h>
#include <stdio.h>

#include "werload/options.h"

bool
option_mix(struct slice text, void *field)
{
	static const char *const names[FLEET_MIX_N] = {
		[FLEET_MIX_FLEET] = "fleet",
		[FLEET_MIX_SEED] = "seed",
	};
	unsigned index;
	if (!option_choice(text, names, FLEET_MIX_N, &index))
		return false;
	*(enum fleet_mix *)field = (enum fleet_mix)index;
	return true;
}

int
command_failed(err_t err, const struct err_detail *detail)
{
	bool has_why = detail != NULL && detail->why[0] != '\0';
	(void)fprintf(stderr, "werload: %s\n", has_why ? detail->why : err_text(err));
	return err_exit_status(err);
}

const char *
count_text(uint64_t count, char text[COUNT_TEXT_BYTES])
{
	char digits[COUNT_TEXT_BYTES];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *out = text;
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return text;
}

const char *
latency_text(int64_t us, char text[COUNT_TEXT_BYTES])
{
	if (us < 1000)
		(void)snprintf(text, COUNT_TEXT_BYTES, "%" PRId64 " us", us);
	else if (us < 1000000)
		(void)snprintf(text, COUNT_TEXT_BYTES, "%.1f ms", (double)us / 1e3);
	else
		(void)snprintf(text, COUNT_TEXT_BYTES, "%.1f s", (double)us / 1e6);
	return text;
}
