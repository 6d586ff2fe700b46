/* Every reason that could hold gets a weight from what is known; the heaviest is named, the others
 * that are not excluded are listed.  Among equals the first in the order below: what a setting
 * excludes for ever comes before what happened once.
 */
#include "report/evidence_reason.h"

enum weight {
	IMPOSSIBLE,
	POSSIBLE, /* nothing is known of it */
	LIKELY,   /* so it is where nobody set anything */
	KNOWN     /* what is known says so */
};

struct weights {
	enum weight of[EVIDENCE_REASON_N];
};

/* FACT says that the reason holds. */
static enum weight
weight_of(enum evidence_fact fact)
{
	static const enum weight weights[] = {
		[EVIDENCE_UNKNOWN] = POSSIBLE, [EVIDENCE_NO] = IMPOSSIBLE, [EVIDENCE_YES] = KNOWN};
	return weights[fact];
}

/* A throttle that holds where HAPPENED, and BYPASS is not set. */
static enum weight
weight_of_throttle(enum evidence_fact happened, enum evidence_fact bypass)
{
	return bypass == EVIDENCE_YES ? IMPOSSIBLE : weight_of(happened);
}

/* Windows asks always where nobody set anything. */
static void
weigh_consent(const struct evidence_client *client, struct weights *w)
{
	bool is_unknown = client->consent == EVIDENCE_CONSENT_UNKNOWN;
	w->of[EVIDENCE_CONSENT_PARAMETERS] = client->consent == EVIDENCE_PARAMETERS ? KNOWN
					     : is_unknown                           ? POSSIBLE
										    : IMPOSSIBLE;
	w->of[EVIDENCE_CONSENT_ASK] = client->consent == EVIDENCE_ALWAYS_ASK ? KNOWN
				      : is_unknown                           ? LIKELY
									     : IMPOSSIBLE;
	w->of[EVIDENCE_REPORT_CONSENT] = client->report_consent == 3 ? KNOWN : IMPOSSIBLE;
}

/* No cabinet came. */
static void
weigh_no_cab(const struct evidence_input *input, struct weights *w)
{
	const struct evidence_client *client = &input->client;
	if (!input->request.cab) {
		w->of[EVIDENCE_NOT_ASKED] = KNOWN;
	} else if (!input->request.has_path) {
		w->of[EVIDENCE_NO_PATH] = KNOWN;
	} else if (input->upload == EVIDENCE_UPLOAD_WAITED) {
		w->of[EVIDENCE_WAITING] = KNOWN;
	} else if (input->upload == EVIDENCE_UPLOAD_BROKEN) {
		w->of[EVIDENCE_UPLOAD_FAILED] = KNOWN;
	} else {
		weigh_consent(client, w);
		w->of[EVIDENCE_SECOND_LEVEL_OFF] = weight_of(client->second_level_off);
		w->of[EVIDENCE_DATA_THROTTLED] =
			weight_of_throttle(client->sent_cab_before, client->bypasses_data);
		w->of[EVIDENCE_POWER_THROTTLED] =
			weight_of_throttle(client->ran_on_battery, client->bypasses_power);
		w->of[EVIDENCE_NETWORK_THROTTLED] =
			weight_of_throttle(client->was_metered, client->bypasses_network);
		w->of[EVIDENCE_UPLOAD_FAILED] = POSSIBLE;
	}
}

/* What Windows counts as data that may be personal. */
static bool
is_unsafe(enum evidence_directive directive)
{
	return directive == EVIDENCE_MEMORY_DUMP || directive == EVIDENCE_REG_KEY ||
	       directive == EVIDENCE_REG_TREE || directive == EVIDENCE_GET_FILE ||
	       directive == EVIDENCE_FDOC;
}

/* A cabinet came, without this. */
static void
weigh_no_file(const struct evidence_input *input, bool has_minidump,
	      enum evidence_directive directive, struct weights *w)
{
	int consent = input->client.consent;
	if (consent == EVIDENCE_SAFE_DATA)
		w->of[EVIDENCE_CONSENT_SAFE] = is_unsafe(directive) ? KNOWN : POSSIBLE;
	else if (consent == EVIDENCE_CONSENT_UNKNOWN)
		w->of[EVIDENCE_CONSENT_SAFE] = POSSIBLE;
	switch (directive) {
	case EVIDENCE_MEMORY_DUMP:
		w->of[EVIDENCE_MINI_ONLY] = has_minidump ? LIKELY : IMPOSSIBLE;
		w->of[EVIDENCE_NOT_THERE] = has_minidump ? POSSIBLE : LIKELY;
		break;
	case EVIDENCE_FDOC:
		w->of[EVIDENCE_NO_DOCUMENTS] = LIKELY;
		break;
	case EVIDENCE_MODULE_INFO:
		w->of[EVIDENCE_CLIENT_IGNORES] = LIKELY;
		break;
	default:
		w->of[EVIDENCE_NOT_THERE] = LIKELY;
		break;
	}
}

void
evidence_explain(const struct evidence_input *input, bool has_minidump, struct evidence_item *item)
{
	struct weights w = {.of = {IMPOSSIBLE}};
	unsigned best = EVIDENCE_NO_REASON;
	if (input->upload == EVIDENCE_UPLOAD_CAME)
		weigh_no_file(input, has_minidump, item->directive, &w);
	else
		weigh_no_cab(input, &w);
	for (unsigned i = 0; i < EVIDENCE_REASON_N; i++)
		if (w.of[i] > w.of[best])
			best = i;
	item->reason = best;
	for (unsigned i = 0; i < EVIDENCE_REASON_N; i++)
		if (i != best && w.of[i] != IMPOSSIBLE)
			item->possible |= 1U << i;
}
