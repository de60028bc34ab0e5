/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/cap/cap.h>

#define AREA "<area><areaDesc>d</areaDesc><circle>50,10 1</circle></area>"
#define NOWHERE "<area><areaDesc>the valley</areaDesc></area>"
#define REFERENCE "<references>a,b,2026-05-01T00:00:00-00:00</references>"
#define SENT "2026-06-01T12:00:00+00:00"

/* What a case changes of a document that breaks no rule. NULL leaves it as it is. */
struct check_case {
	const char *name;
	const char *identifier;
	const char *sender;
	const char *msg_type;
	const char *scope;
	const char *references;		/* with its tags */
	const char *expires[2];		/* of two infos; NULL = none */
	const char *areas[2];
	int n_infos;
	enum problem_code code;
	const char *where;
};

#define GOOD .expires = { "2026-06-01T12:10:00+00:00", NULL }, .areas = { AREA, AREA }

static const struct check_case cases[] = {
	{ "an alert that breaks no rule passes", GOOD, .n_infos = 2 },
	/* 3.2.1, identifier and sender */
	{ "an identifier with a blank is refused", "a b", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_IDENTIFIER, .where = "alert/identifier" },
	{ "an identifier with a line break is refused", "a\nb", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_IDENTIFIER, .where = "alert/identifier" },
	{ "an identifier with a comma is refused", "a,b", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_IDENTIFIER, .where = "alert/identifier" },
	{ "an identifier with < is refused", "a&lt;b", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_IDENTIFIER, .where = "alert/identifier" },
	{ "an identifier with & is refused", "a&amp;b", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_IDENTIFIER, .where = "alert/identifier" },
	{ "an identifier with a control character is refused", "a&#x85;b", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_IDENTIFIER, .where = "alert/identifier" },
	{ "an empty identifier is refused", " ", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_IDENTIFIER, .where = "alert/identifier" },
	{ "an identifier of other punctuation passes", "urn:oid:2.49.0/x_y-z>;'\"", GOOD, .n_infos = 1 },
	{ "an identifier outside ASCII passes", "\xc3\xbc" "berflutung", GOOD, .n_infos = 1 },
	{ "a sender with a blank is refused", .sender = "TEST DE", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_IDENTIFIER, .where = "alert/sender" },
	{ "a sender with a comma is refused", .sender = "a,b", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_IDENTIFIER, .where = "alert/sender" },
	{ "an empty sender is refused", .sender = "", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_IDENTIFIER, .where = "alert/sender" },
	/* 3.2.1, references */
	{ "an Update without references is refused", .msg_type = "Update", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_REFERENCES, .where = "alert/references" },
	{ "an Update with empty references is refused", .msg_type = "Update",
	  .references = "<references> </references>", GOOD, .n_infos = 1,
	  .code = PROBLEM_CAP_REFERENCES, .where = "alert/references" },
	{ "an Update with references passes", .msg_type = "Update", .references = REFERENCE, GOOD,
	  .n_infos = 1 },
	{ "a Cancel without references is refused", .msg_type = "Cancel",
	  .code = PROBLEM_CAP_REFERENCES, .where = "alert/references" },
	{ "a Cancel with references needs no info", .msg_type = "Cancel", .references = REFERENCE },
	{ "an Ack needs no info", .msg_type = "Ack", .references = REFERENCE },
	{ "an Error without references passes", .msg_type = "Error" },
	/* 3.2.1, addresses */
	{ "a Private alert without addresses is refused", .scope = "<scope>Private</scope>", GOOD,
	  .n_infos = 1, .code = PROBLEM_CAP_ADDRESSES, .where = "alert/addresses" },
	{ "a Private alert with empty addresses is refused",
	  .scope = "<scope>Private</scope><addresses/>", GOOD,
	  .n_infos = 1, .code = PROBLEM_CAP_ADDRESSES, .where = "alert/addresses" },
	{ "a Private alert with addresses passes",
	  .scope = "<scope>Private</scope><addresses>x</addresses>", GOOD, .n_infos = 1 },
	{ "a Restricted alert needs no addresses",
	  .scope = "<scope>Restricted</scope><restriction>r</restriction>", GOOD, .n_infos = 1 },
	/* info and area */
	{ "an Alert without info is refused", .code = PROBLEM_CAP_NO_INFO, .where = "alert/info" },
	{ "an Update without info is refused", .msg_type = "Update", .references = REFERENCE,
	  .code = PROBLEM_CAP_NO_INFO, .where = "alert/info" },
	{ "an info without area is refused", .areas = { AREA, "" }, .n_infos = 2,
	  .code = PROBLEM_CAP_NO_AREA, .where = "alert/info[2]/area" },
	{ "an area that is only described is refused", .areas = { NOWHERE, AREA }, .n_infos = 2,
	  .code = PROBLEM_CAP_NO_AREA, .where = "alert/info[1]/area" },
	{ "one area with a place among several is enough", .areas = { NOWHERE AREA }, .n_infos = 1 },
	{ "a geocode alone is a place", .n_infos = 1, .areas = { "<area><areaDesc>d</areaDesc>"
	  "<geocode><valueName>n</valueName><value>v</value></geocode></area>" } },
	{ "a polygon alone is a place", .n_infos = 1,
	  .areas = { "<area><areaDesc>d</areaDesc><polygon>x</polygon></area>" } },
	{ "a Cancel may have an info without area", .msg_type = "Cancel", .references = REFERENCE,
	  .areas = { "" }, .n_infos = 1 },
	/* expires */
	{ "an alert that expires when it was sent is refused", .expires = { SENT },
	  .areas = { AREA }, .n_infos = 1, .code = PROBLEM_CAP_TIME, .where = "alert/info[1]/expires" },
	{ "expires and sent are compared as instants", .expires = { "2026-06-01T13:30:00+02:00" },
	  .areas = { AREA }, .n_infos = 1, .code = PROBLEM_CAP_TIME, .where = "alert/info[1]/expires" },
	{ "the second info that expired before it was sent is found",
	  .expires = { NULL, "2026-06-01T11:59:59+00:00" }, .areas = { AREA, AREA }, .n_infos = 2,
	  .code = PROBLEM_CAP_TIME, .where = "alert/info[2]/expires" },
	{ "one second of life is enough", .expires = { "2026-06-01T05:00:01-07:00" },
	  .areas = { AREA }, .n_infos = 1 },
	{ "expires may be absent", .areas = { AREA }, .n_infos = 1 },
	{ "a Cancel of an alert that ran out passes", .msg_type = "Cancel", .references = REFERENCE,
	  .expires = { "2026-06-01T11:00:00+00:00" }, .areas = { AREA }, .n_infos = 1 },
};

static const char *or_else(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

static char *document(void *ctx, const struct check_case *c)
{
	char *xml = talloc_asprintf(ctx,
		"<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>%s</identifier>"
		"<sender>%s</sender><sent>" SENT "</sent><status>Actual</status><msgType>%s</msgType>"
		"%s%s", or_else(c->identifier, "id-1"), or_else(c->sender, "s@example.org"),
		or_else(c->msg_type, "Alert"), or_else(c->scope, "<scope>Public</scope>"),
		or_else(c->references, ""));
	int i;

	for (i = 0; i < c->n_infos; i++)
		xml = talloc_asprintf_append(xml, "<info><category>Met</category><event>e</event>"
			"<urgency>Immediate</urgency><severity>Severe</severity>"
			"<certainty>Observed</certainty>%s%s%s%s</info>",
			c->expires[i] ? "<expires>" : "", or_else(c->expires[i], ""),
			c->expires[i] ? "</expires>" : "", or_else(c->areas[i], ""));
	return talloc_asprintf_append(xml, "</alert>");
}

static void each_rule_refuses_what_breaks_it_and_nothing_else(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct check_case *c = &cases[i];
		void *ctx = talloc_new(NULL);
		struct problem problem = { 0 };
		char *xml = document(ctx, c);
		struct cap_alert *alert = cap_parse(ctx, xml, strlen(xml), &problem);
		int rc;

		if (!alert)
			fail_msg("%s: not parsed: %s: %s", c->name, problem.where, problem.detail);
		rc = cap_check(alert, &problem);
		if (problem.code != c->code || (rc == 0) != (c->code == PROBLEM_NONE))
			fail_msg("%s: rc %d, %s", c->name, rc, problem_code_name(problem.code));
		if (c->where && strcmp(problem.where, c->where))
			fail_msg("%s: found at %s", c->name, problem.where);
		talloc_free(ctx);
	}
}

static void the_line_of_empty_references_is_told(void **state)
{
	static const char xml[] = "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n"
		"<identifier>i</identifier><sender>s</sender>\n<sent>" SENT "</sent>"
		"<status>Actual</status><msgType>Cancel</msgType><scope>Public</scope>\n"
		"<references/></alert>";
	struct problem problem = { 0 };
	struct cap_alert *alert = cap_parse(NULL, xml, strlen(xml), &problem);

	(void)state;
	assert_non_null(alert);
	assert_true(cap_check(alert, &problem) < 0);
	assert_int_equal(problem.code, PROBLEM_CAP_REFERENCES);
	assert_int_equal(problem.line, 4);
	talloc_free(alert);
}

static int setup(void **state)
{
	(void)state;
	return cap_init();
}

static int teardown(void **state)
{
	(void)state;
	cap_exit();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_refuses_what_breaks_it_and_nothing_else),
		cmocka_unit_test(the_line_of_empty_references_is_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
