/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Any octets are either refused with a reason or read into a struct that keeps its promises. */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/base/text.h>
#include <tocsin/cap/cap.h>

#include "../../src/cap/cap_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool ok)
{
	if (!ok)
		abort();
}

/* Valid UTF-8, no control characters, no blanks at the ends. */
static void expect_text(const char *text)
{
	size_t i, len = strlen(text);

	expect(text_utf8_valid(text, len));
	for (i = 0; i < len; i++)
		expect((unsigned char)text[i] >= ' ' || text[i] == '\t' || text[i] == '\n');
	expect(!len || (!strchr(" \t\n", text[0]) && !strchr(" \t\n", text[len - 1])));
}

static void expect_info(const struct cap_info *info)
{
	size_t i;

	expect_text(info->language);
	expect_text(info->event);
	expect(info->categories != 0);
	expect(info->urgency <= CAP_URGENCY_UNKNOWN && info->severity <= CAP_SEVERITY_UNKNOWN &&
	       info->certainty <= CAP_CERTAINTY_UNKNOWN);
	if (info->headline)
		expect_text(info->headline);
	for (i = 0; i < info->n_parameters; i++) {
		expect_text(info->parameters[i].name);
		expect_text(info->parameters[i].value);
	}
	for (i = 0; i < info->n_areas; i++)
		expect_text(info->areas[i].desc);
}

static void expect_alert(const struct cap_alert *alert)
{
	size_t i;

	expect_text(alert->identifier);
	expect_text(alert->sender);
	expect(alert->sent_utc > 0);
	for (i = 0; i < alert->n_references; i++) {
		expect_text(alert->references[i].sender);
		expect_text(alert->references[i].identifier);
		expect(alert->references[i].sent_utc > 0);
	}
	for (i = 0; i < alert->n_infos; i++)
		expect_info(&alert->infos[i]);
}

/* The quick check of the schema says yes to nothing that libxml2 would refuse. */
static void expect_schema(const uint8_t *data, size_t size)
{
	struct cap_octets in = { (const char *)data, size }, utf8;
	struct problem problem = { 0 };
	void *scratch = talloc_new(NULL);
	xmlDocPtr doc = NULL;

	if (cap_utf8(scratch, in, &utf8, &problem) == 0)
		doc = cap_xml_read(utf8, &problem);
	if (doc && cap_plainly_valid(doc))
		expect(cap_schema_validate(doc, &problem) == 0);
	xmlFreeDoc(doc);
	talloc_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct problem problem = { 0 };
	struct cap_alert *alert;

	if (!ready)
		expect(cap_init() == 0);
	ready = true;
	expect_schema(data, size);
	alert = cap_parse(NULL, data, size, &problem);
	expect(alert ? problem.code == PROBLEM_NONE : problem.code != PROBLEM_NONE);
	if (!alert)
		return 0;
	expect_alert(alert);
	expect(cap_check(alert, &problem) == 0 ? problem.code == PROBLEM_NONE :
	       problem.code != PROBLEM_NONE);
	talloc_free(alert);
	return 0;
}
