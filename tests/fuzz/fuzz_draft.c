/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The way of an HTTP body: octets of a stranger become a draft or a problem, never anything else. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/cap/cap.h>
#include <tocsin/core/draft.h>

#define NOW 1795467900 /* 2026-11-23T21:05:00Z */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

/* What the gateway relies on. */
static void check(const struct alert_draft *draft, size_t size)
{
	if (strlen(draft->id) != ALERT_ID_LEN || draft->len != size)
		broken("a draft without its id or its octets");
	if (!draft->cap || !draft->cap->identifier || !draft->cap->sender)
		broken("a draft without a name");
	if (draft->n_advisories > MAX_ADVISORIES)
		broken("more advisories than there is room for");
	if (draft->cap->msg_type == CAP_MSG_ALERT && (!draft->area || !draft->language))
		broken("an alert without area or language");
	if (draft->area && !draft->area->n_rings && !draft->area->n_circles)
		broken("an area of nothing");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const languages[] = { "en", "de", NULL };
	struct problem problem = { 0 };
	struct alert_draft *draft;
	uint8_t *bytes;

	if (cap_init() < 0)
		return 0;
	bytes = talloc_size(NULL, size ? size : 1);
	memcpy(bytes, data, size);
	draft = alert_draft_read(NULL, "fuzz", bytes, size, languages, NOW, &problem);
	if (draft)
		check(draft, size);
	else if (problem.code == PROBLEM_NONE || problem.code >= _NUM_PROBLEM || !problem.detail[0])
		broken("refused without a reason");
	talloc_free(draft);
	return 0;
}
