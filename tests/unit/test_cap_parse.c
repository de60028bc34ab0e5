/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/cap/cap.h>

#define NS "xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\""
#define DSIG "xmlns=\"http://www.w3.org/2000/09/xmldsig#\""

/* Every element of CAP 1.2, each on a line of its own where its line is looked at. */
static const char whole[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"				/* 1 */
	"<alert " NS ">\n"
	"<identifier>id-1</identifier>\n"
	"<sender>s@example.org</sender>\n"
	"<sent>2026-06-01T12:00:00+00:00</sent>\n"				/* 5 */
	"<status>Exercise</status><msgType>Update</msgType><source>src</source>\n"
	"<scope>Restricted</scope><restriction>res</restriction><addresses>a b</addresses>\n"
	"<code>c1</code>\n"
	"<code>c2</code>\n"
	"<note>n</note>\n"							/* 10 */
	"<references>s,i,2026-05-01T00:00:00-00:00\n t,j,2026-05-01T02:00:00+02:00</references>\n"
	"<incidents>inc</incidents>\n"
	"<info>\n"
	"<language>fr-CA</language><category>Geo</category><category>CBRNE</category>\n"
	"<event>ev</event><responseType>Shelter</responseType><responseType>None</responseType>\n"
	"<urgency>Expected</urgency><severity>Minor</severity><certainty>Possible</certainty>\n"
	"<audience>aud</audience>\n"
	"<eventCode><valueName>SAME</valueName><value>EQW</value></eventCode>\n"	/* 19 */
	"<effective>2026-06-01T12:00:01+00:00</effective><onset>2026-06-01T12:00:02+00:00</onset>\n"
	"<expires>2026-06-01T12:00:03+00:00</expires><senderName>sn</senderName>\n"
	"<headline>head</headline><description>desc</description><instruction>ins</instruction>\n"
	"<web>http://example.org/</web><contact>con</contact>\n"
	"<parameter><valueName>p</valueName><value>1</value></parameter>\n"	/* 24 */
	"<parameter><valueName>q</valueName><value></value></parameter>\n"
	"<parameter><valueName>p</valueName><value>2</value></parameter>\n"
	"<resource><resourceDesc>r</resourceDesc><mimeType>m/t</mimeType><size>1</size>"
	"<uri>http://example.org/r</uri><derefUri>AAAA</derefUri><digest>d</digest></resource>\n"
	"<area>\n"								/* 28 */
	"<areaDesc>one</areaDesc>\n"
	"<polygon>1,2 3,4\n 5,6 1,2</polygon>\n"
	"<polygon></polygon>\n"
	"<circle>1,2 3</circle>\n"						/* 33 */
	"<geocode><valueName>g</valueName><value>v</value></geocode>\n"
	"<altitude>1.5</altitude><ceiling>2</ceiling>\n"
	"</area>\n"
	"<area><areaDesc>two</areaDesc></area>\n"				/* 37 */
	"</info>\n"
	"<info><category>Met</category><event>e2</event><urgency>Immediate</urgency>\n"	/* 39 */
	"<severity>Extreme</severity><certainty>Observed</certainty></info>\n"
	"<Signature " DSIG "><SignedInfo/></Signature>\n"
	"</alert>";

#define HEAD_(id, sent, status, type, scope) \
	"<alert " NS "><identifier>" id "</identifier><sender>s</sender><sent>" sent "</sent>" \
	"<status>" status "</status><msgType>" type "</msgType><scope>" scope "</scope>"
#define HEAD HEAD_("i", "2026-06-01T12:00:00+00:00", "Actual", "Alert", "Public")
#define INFO "<category>Met</category><event>e</event><urgency>Past</urgency>" \
	"<severity>Minor</severity><certainty>Likely</certainty>"
#define TAIL "</alert>"

static struct cap_alert *parse_text(void *ctx, const char *xml, struct problem *problem)
{
	*problem = (struct problem){ 0 };
	return cap_parse(ctx, xml, strlen(xml), problem);
}

static struct cap_alert *must_parse(void *ctx, const char *xml)
{
	struct problem problem;
	struct cap_alert *alert = parse_text(ctx, xml, &problem);

	if (!alert)
		fail_msg("refused: %s at %s line %u: %s", problem_code_name(problem.code),
			 problem.where, problem.line, problem.detail);
	return alert;
}

static void must_refuse(const char *name, const char *xml, size_t len, enum problem_code code,
			unsigned int line)
{
	struct problem problem = { 0 };
	struct cap_alert *alert = cap_parse(NULL, xml, len, &problem);

	if (alert)
		fail_msg("%s: accepted", name);
	if (problem.code != code || problem.line != line)
		fail_msg("%s: %s line %u: %s", name, problem_code_name(problem.code), problem.line,
			 problem.detail);
	assert_true(problem.detail[0] != '\0');
}

static void check_whole_alert(const struct cap_alert *a)
{
	assert_string_equal(a->identifier, "id-1");
	assert_string_equal(a->sender, "s@example.org");
	assert_int_equal(a->sent_utc, 1780315200);
	assert_string_equal(a->sent_text, "2026-06-01T12:00:00+00:00");
	assert_int_equal(a->status, CAP_STATUS_EXERCISE);
	assert_int_equal(a->msg_type, CAP_MSG_UPDATE);
	assert_int_equal(a->scope, CAP_SCOPE_RESTRICTED);
	assert_string_equal(a->source, "src");
	assert_string_equal(a->restriction, "res");
	assert_string_equal(a->addresses, "a b");
	assert_string_equal(a->note, "n");
	assert_string_equal(a->incidents, "inc");
	assert_int_equal(a->n_codes, 2);
	assert_string_equal(a->codes[0].text, "c1");
	assert_string_equal(a->codes[1].text, "c2");
	assert_int_equal(a->codes[1].line, 9);
	assert_true(a->has_signature);
}

static void check_whole_references(const struct cap_alert *a)
{
	assert_int_equal(a->references_line, 11);
	assert_int_equal(a->n_references, 2);
	assert_string_equal(a->references[0].sender, "s");
	assert_string_equal(a->references[0].identifier, "i");
	assert_string_equal(a->references[1].sender, "t");
	assert_string_equal(a->references[1].identifier, "j");
	/* The same instant in two spellings. */
	assert_int_equal(a->references[0].sent_utc, 1777593600);
	assert_int_equal(a->references[1].sent_utc, 1777593600);
}

static void check_whole_info(const struct cap_info *info)
{
	assert_int_equal(info->line, 14);
	assert_string_equal(info->language, "fr-CA");
	assert_int_equal(info->categories, 1u << 0 | 1u << 10);
	assert_string_equal(info->event, "ev");
	assert_int_equal(info->response_types, 1u << 0 | 1u << 8);
	assert_int_equal(info->urgency, CAP_URGENCY_EXPECTED);
	assert_int_equal(info->severity, CAP_SEVERITY_MINOR);
	assert_int_equal(info->certainty, CAP_CERTAINTY_POSSIBLE);
	assert_string_equal(info->audience, "aud");
	assert_int_equal(info->effective_utc, 1780315201);
	assert_int_equal(info->onset_utc, 1780315202);
	assert_int_equal(info->expires_utc, 1780315203);
	assert_string_equal(info->sender_name, "sn");
	assert_string_equal(info->headline, "head");
	assert_string_equal(info->description, "desc");
	assert_string_equal(info->instruction, "ins");
	assert_string_equal(info->web, "http://example.org/");
	assert_string_equal(info->contact, "con");
	assert_int_equal(info->n_resources, 1);
	assert_int_equal(info->n_event_codes, 1);
	assert_string_equal(info->event_codes[0].name, "SAME");
	assert_string_equal(info->event_codes[0].value, "EQW");
	assert_int_equal(info->event_codes[0].line, 19);
}

static void check_whole_parameters(const struct cap_info *info)
{
	assert_int_equal(info->n_parameters, 3);
	assert_int_equal(info->parameters[0].line, 24);
	assert_string_equal(info->parameters[0].name, "p");
	assert_string_equal(info->parameters[0].value, "1");
	assert_string_equal(info->parameters[1].name, "q");
	assert_string_equal(info->parameters[1].value, "");
	assert_string_equal(info->parameters[2].name, "p");
	assert_string_equal(info->parameters[2].value, "2");
}

static void check_whole_areas(const struct cap_info *info)
{
	const struct cap_area *area = info->areas;

	assert_int_equal(info->n_areas, 2);
	assert_int_equal(area->line, 28);
	assert_string_equal(area->desc, "one");
	assert_int_equal(area->n_polygons, 2);
	assert_string_equal(area->polygons[0].text, "1,2 3,4\n 5,6 1,2");
	assert_int_equal(area->polygons[0].line, 30);
	/* Kept, so that it is refused as a polygon and not overlooked. */
	assert_string_equal(area->polygons[1].text, "");
	assert_int_equal(area->n_circles, 1);
	assert_string_equal(area->circles[0].text, "1,2 3");
	assert_int_equal(area->circles[0].line, 33);
	assert_int_equal(area->n_geocodes, 1);
	assert_string_equal(area->geocodes[0].name, "g");
	assert_string_equal(area->geocodes[0].value, "v");
	assert_string_equal(info->areas[1].desc, "two");
	assert_int_equal(info->areas[1].line, 37);
	assert_int_equal(info->areas[1].n_polygons + info->areas[1].n_circles, 0);
}

static void every_element_arrives_in_its_place(void **state)
{
	struct cap_alert *a = must_parse(NULL, whole);

	(void)state;
	check_whole_alert(a);
	check_whole_references(a);
	assert_int_equal(a->n_infos, 2);
	check_whole_info(&a->infos[0]);
	check_whole_parameters(&a->infos[0]);
	check_whole_areas(&a->infos[0]);
	assert_int_equal(a->infos[1].line, 39);
	assert_string_equal(a->infos[1].event, "e2");
	talloc_free(a);
}

static void what_is_absent_or_empty_is_null(void **state)
{
	struct cap_alert *a = must_parse(NULL, HEAD "<note/><info><language/>" INFO
					 "<headline> \n </headline></info>" TAIL);

	(void)state;
	assert_null(a->source);
	assert_null(a->note);
	assert_null(a->addresses);
	assert_int_equal(a->n_codes + a->n_references + a->references_line, 0);
	assert_false(a->has_signature);
	assert_int_equal(a->n_infos, 1);
	/* The default of the schema. */
	assert_string_equal(a->infos[0].language, "en-US");
	assert_null(a->infos[0].headline);
	assert_null(a->infos[0].description);
	assert_int_equal(a->infos[0].expires_utc, 0);
	assert_int_equal(a->infos[0].response_types, 0);
	assert_int_equal(a->infos[0].n_areas, 0);
	talloc_free(a);
}

static void a_prefix_makes_no_difference(void **state)
{
	struct cap_alert *a = must_parse(NULL,
		"<c:alert xmlns:c=\"urn:oasis:names:tc:emergency:cap:1.2\" xmlns:ds=\"http://www.w3.org/"
		"2000/09/xmldsig#\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
		"xsi:schemaLocation=\"urn:oasis:names:tc:emergency:cap:1.2 file:///nonexistent.xsd\">"
		"<c:identifier>i</c:identifier><c:sender>s</c:sender>"
		"<c:sent>2026-06-01T12:00:00+00:00</c:sent><c:status>Test</c:status>"
		"<c:msgType>Cancel</c:msgType><c:scope>Public</c:scope>"
		"<x:info xmlns:x=\"urn:oasis:names:tc:emergency:cap:1.2\"><x:category>Met</x:category>"
		"<x:event>e</x:event><x:urgency>Past</x:urgency><x:severity>Minor</x:severity>"
		"<x:certainty>Likely</x:certainty></x:info><ds:Signature/></c:alert>");

	(void)state;
	assert_string_equal(a->identifier, "i");
	assert_int_equal(a->status, CAP_STATUS_TEST);
	assert_int_equal(a->n_infos, 1);
	assert_true(a->has_signature);
	talloc_free(a);
}

static void two_languages_are_two_infos(void **state)
{
	struct cap_alert *a = must_parse(NULL, HEAD
		"<info><language>en-CA</language>" INFO "<headline>Flood</headline></info>"
		"<info><language>fr-CA</language>" INFO
			"<headline>Crue \xc3\xa0 venir</headline></info>"
		TAIL);

	(void)state;
	assert_int_equal(a->n_infos, 2);
	assert_string_equal(a->infos[0].language, "en-CA");
	assert_string_equal(a->infos[0].headline, "Flood");
	assert_string_equal(a->infos[1].language, "fr-CA");
	assert_string_equal(a->infos[1].headline, "Crue \xc3\xa0 venir");
	talloc_free(a);
}

static const struct {
	const char *name;
	const char *written;
	const char *read;
} text_cases[] = {
	{ "CDATA is text", "a<![CDATA[<b> & ]]>c", "a<b> & c" },
	{ "a comment leaves no trace", "Riv<!-- not -->er", "River" },
	{ "a processing instruction leaves no trace", "Riv<?php x ?>er", "River" },
	{ "the five entities of XML are replaced", "&lt;&gt;&amp;&apos;&quot;", "<>&'\"" },
	{ "character references are replaced", "&#x20AC;&#228;", "\xe2\x82\xac\xc3\xa4" },
	{ "blanks at both ends go", " \t\n a b \n", "a b" },
	{ "blanks inside stay", "a  b\n\n\tc", "a  b\n\n\tc" },
	{ "CR LF is one line break", "a\r\nb", "a\nb" },
	{ "CR LF as references is one line break", "a&#13;&#10;b", "a\nb" },
	{ "CR alone is a line break", "a&#13;b", "a\nb" },
	{ "DEL and C1 controls become blanks", "a&#x7f;b&#x9b;c", "a b c" },
	{ "NEL is a line break", "a\xc2\x85" "b", "a\nb" },
	{ "the octets of C1 in longer characters stay",
	  "\xe2\x80\x9c\xc3\x80", "\xe2\x80\x9c\xc3\x80" },
	{ "CDATA is trimmed, too", "<![CDATA[ x ]]>", "x" },
	{ "markup that was escaped stays text", "&lt;br/&gt;", "<br/>" },
};

static void text_is_read_as_written(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text_cases) / sizeof(text_cases[0]); i++) {
		char *xml = talloc_asprintf(NULL, HEAD "<info>" INFO
			"<description>%s</description></info>"
					    TAIL, text_cases[i].written);
		struct cap_alert *a = must_parse(xml, xml);

		if (strcmp(a->infos[0].description, text_cases[i].read))
			fail_msg("%s: \"%s\"", text_cases[i].name, a->infos[0].description);
		talloc_free(xml);
	}
}

/* Where a value of an enumeration stands. */
enum slot {
	STATUS, MSG_TYPE, SCOPE, CATEGORY, RESPONSE_TYPE, URGENCY, SEVERITY, CERTAINTY, N_SLOTS
};

static char *with_value(void *ctx, enum slot slot, const char *value)
{
	const char *v[N_SLOTS] = { "Actual", "Alert", "Public", "Met", "Shelter", "Past", "Minor",
				   "Likely" };

	v[slot] = value;
	return talloc_asprintf(ctx, HEAD_("i", "2026-06-01T12:00:00+00:00", "%s", "%s", "%s")
		"<info><category>%s</category><event>e</event><responseType>%s</responseType>"
		"<urgency>%s</urgency><severity>%s</severity><certainty>%s</certainty></info>" TAIL,
		v[STATUS], v[MSG_TYPE], v[SCOPE], v[CATEGORY], v[RESPONSE_TYPE], v[URGENCY],
		v[SEVERITY], v[CERTAINTY]);
}

static unsigned int value_in(const struct cap_alert *a, enum slot slot)
{
	switch (slot) {
	case STATUS: return a->status;
	case MSG_TYPE: return a->msg_type;
	case SCOPE: return a->scope;
	case CATEGORY: return a->infos[0].categories;
	case RESPONSE_TYPE: return a->infos[0].response_types;
	case URGENCY: return a->infos[0].urgency;
	case SEVERITY: return a->infos[0].severity;
	default: return a->infos[0].certainty;
	}
}

static const struct {
	enum slot slot;
	const char *name;
	unsigned int value;
} enum_cases[] = {
	{ STATUS, "Actual", CAP_STATUS_ACTUAL }, { STATUS, "Exercise", CAP_STATUS_EXERCISE },
	{ STATUS, "System", CAP_STATUS_SYSTEM }, { STATUS, "Test", CAP_STATUS_TEST },
	{ STATUS, "Draft", CAP_STATUS_DRAFT },
	{ MSG_TYPE, "Alert", CAP_MSG_ALERT }, { MSG_TYPE, "Update", CAP_MSG_UPDATE },
	{ MSG_TYPE, "Cancel", CAP_MSG_CANCEL }, { MSG_TYPE, "Ack", CAP_MSG_ACK },
	{ MSG_TYPE, "Error", CAP_MSG_ERROR },
	{ SCOPE, "Public", CAP_SCOPE_PUBLIC }, { SCOPE, "Restricted", CAP_SCOPE_RESTRICTED },
	{ SCOPE, "Private", CAP_SCOPE_PRIVATE },
	{ CATEGORY, "Geo", 0x001 }, { CATEGORY, "Met", 0x002 }, { CATEGORY, "Safety", 0x004 },
	{ CATEGORY, "Security", 0x008 }, { CATEGORY, "Rescue", 0x010 }, { CATEGORY, "Fire", 0x020 },
	{ CATEGORY, "Health", 0x040 }, { CATEGORY, "Env", 0x080 }, { CATEGORY, "Transport", 0x100 },
	{ CATEGORY, "Infra", 0x200 }, { CATEGORY, "CBRNE", 0x400 }, { CATEGORY, "Other", 0x800 },
	{ RESPONSE_TYPE, "Shelter", 0x001 }, { RESPONSE_TYPE, "Evacuate", 0x002 },
	{ RESPONSE_TYPE, "Prepare", 0x004 }, { RESPONSE_TYPE, "Execute", 0x008 },
	{ RESPONSE_TYPE, "Avoid", 0x010 }, { RESPONSE_TYPE, "Monitor", 0x020 },
	{ RESPONSE_TYPE, "Assess", 0x040 }, { RESPONSE_TYPE, "AllClear", 0x080 },
	{ RESPONSE_TYPE, "None", 0x100 },
	{ URGENCY, "Immediate", CAP_URGENCY_IMMEDIATE },
	{ URGENCY, "Expected", CAP_URGENCY_EXPECTED },
	{ URGENCY, "Future", CAP_URGENCY_FUTURE }, { URGENCY, "Past", CAP_URGENCY_PAST },
	{ URGENCY, "Unknown", CAP_URGENCY_UNKNOWN },
	{ SEVERITY, "Extreme", CAP_SEVERITY_EXTREME }, { SEVERITY, "Severe", CAP_SEVERITY_SEVERE },
	{ SEVERITY, "Moderate", CAP_SEVERITY_MODERATE }, { SEVERITY, "Minor", CAP_SEVERITY_MINOR },
	{ SEVERITY, "Unknown", CAP_SEVERITY_UNKNOWN },
	{ CERTAINTY, "Observed", CAP_CERTAINTY_OBSERVED },
	{ CERTAINTY, "Likely", CAP_CERTAINTY_LIKELY },
	{ CERTAINTY, "Possible", CAP_CERTAINTY_POSSIBLE },
	{ CERTAINTY, "Unlikely", CAP_CERTAINTY_UNLIKELY },
	{ CERTAINTY, "Unknown", CAP_CERTAINTY_UNKNOWN },
};

static void every_value_of_every_enumeration_is_known(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(enum_cases) / sizeof(enum_cases[0]); i++) {
		char *xml = with_value(NULL, enum_cases[i].slot, enum_cases[i].name);
		struct cap_alert *a = must_parse(xml, xml);

		if (value_in(a, enum_cases[i].slot) != enum_cases[i].value)
			fail_msg("%s: %u", enum_cases[i].name, value_in(a, enum_cases[i].slot));
		talloc_free(xml);
	}
}

static const struct {
	enum slot slot;
	const char *value;
	const char *where;
} no_enum_cases[] = {
	{ STATUS, "actual", "alert/status" },
	{ STATUS, " Actual", "alert/status" },
	{ STATUS, "", "alert/status" },
	{ MSG_TYPE, "Cancel ", "alert/msgType" },
	{ SCOPE, "public", "alert/scope" },
	{ CATEGORY, "Weather", "alert/info[1]/category" },
	{ RESPONSE_TYPE, "none", "alert/info[1]/responseType" },
	{ URGENCY, "Now", "alert/info[1]/urgency" },
	{ SEVERITY, "Critical", "alert/info[1]/severity" },
	/* CAP 1.0 */
	{ CERTAINTY, "Very Likely", "alert/info[1]/certainty" },
};

static void other_values_of_enumerations_are_refused(void **state)
{
	struct problem problem;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no_enum_cases) / sizeof(no_enum_cases[0]); i++) {
		char *xml = with_value(NULL, no_enum_cases[i].slot, no_enum_cases[i].value);

		if (parse_text(xml, xml, &problem))
			fail_msg("\"%s\" accepted", no_enum_cases[i].value);
		assert_int_equal(problem.code, PROBLEM_CAP_SCHEMA);
		assert_string_equal(problem.where, no_enum_cases[i].where);
		talloc_free(xml);
	}
}

static void names_are_read_back_as_written(void **state)
{
	int v;

	(void)state;
	for (v = CAP_STATUS_ACTUAL; v <= CAP_STATUS_DRAFT; v++)
		assert_int_equal(cap_status_parse(cap_status_name(v)), v);
	for (v = CAP_URGENCY_IMMEDIATE; v <= CAP_URGENCY_UNKNOWN; v++)
		assert_int_equal(cap_urgency_parse(cap_urgency_name(v)), v);
	for (v = CAP_SEVERITY_EXTREME; v <= CAP_SEVERITY_UNKNOWN; v++)
		assert_int_equal(cap_severity_parse(cap_severity_name(v)), v);
	for (v = CAP_CERTAINTY_OBSERVED; v <= CAP_CERTAINTY_UNKNOWN; v++)
		assert_int_equal(cap_certainty_parse(cap_certainty_name(v)), v);
	assert_string_equal(cap_msg_type_name(CAP_MSG_CANCEL), "Cancel");
	assert_string_equal(cap_scope_name(CAP_SCOPE_PRIVATE), "Private");
	assert_string_equal(cap_severity_name(CAP_SEVERITY_SEVERE), "Severe");
	assert_true(cap_status_parse("actual") < 0);
	assert_true(cap_severity_parse("") < 0);
	assert_non_null(cap_status_name(99));
}

static const struct {
	const char *text;
	int64_t utc;			/* 0 = refused */
	enum problem_code code;
} time_cases[] = {
	{ "2026-06-01T12:00:00+00:00", 1780315200, PROBLEM_NONE },
	{ "2026-06-01T12:00:00-00:00", 1780315200, PROBLEM_NONE },
	{ "2026-06-01T14:00:00+02:00", 1780315200, PROBLEM_NONE },
	{ "2026-06-01T05:00:00-07:00", 1780315200, PROBLEM_NONE },
	{ "2026-06-01T17:45:00+05:45", 1780315200, PROBLEM_NONE },
	{ "2026-06-02T02:00:00+14:00", 1780315200, PROBLEM_NONE },
	{ "2026-06-01T02:30:00-09:30", 1780315200, PROBLEM_NONE },
	{ "\n 2026-06-01T12:00:00+00:00 ", 1780315200, PROBLEM_NONE },
	{ "2024-02-29T23:59:59+00:00", 1709251199, PROBLEM_NONE },
	{ "2026-06-01T12:00:00Z", 0, PROBLEM_CAP_SCHEMA },
	{ "2026-06-01T12:00:00", 0, PROBLEM_CAP_SCHEMA },
	{ "2026-06-01T12:00:00.5+00:00", 0, PROBLEM_CAP_SCHEMA },
	{ "2026-06-01T12:00:00+0000", 0, PROBLEM_CAP_SCHEMA },
	{ "2026-06-01T12:00:00,00:00", 0, PROBLEM_CAP_SCHEMA },
	{ "2026-06-01T12:00:00+15:00", 0, PROBLEM_CAP_SCHEMA },
	{ "2026-06-01 12:00:00+00:00", 0, PROBLEM_CAP_SCHEMA },
	{ "2026-02-29T12:00:00+00:00", 0, PROBLEM_CAP_SCHEMA },
	{ "2026-06-01T25:00:00+00:00", 0, PROBLEM_CAP_SCHEMA },
	{ "", 0, PROBLEM_CAP_SCHEMA },
	/* 0 would read as "no time". */
	{ "1970-01-01T00:00:00-00:00", 0, PROBLEM_CAP_TIME },
	{ "1901-01-01T00:00:00-00:00", 0, PROBLEM_CAP_TIME },
};

static void times_are_read_with_every_offset(void **state)
{
	struct problem problem;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(time_cases) / sizeof(time_cases[0]); i++) {
		char *xml = talloc_asprintf(NULL, HEAD "\n<info>" INFO
			"\n<expires>%s</expires></info>"
					    TAIL, time_cases[i].text);
		struct cap_alert *a = parse_text(xml, xml, &problem);

		if (problem.code != time_cases[i].code || !a != !time_cases[i].utc)
			fail_msg("\"%s\": %s %s", time_cases[i].text, problem_code_name(problem.code),
				 problem.detail);
		if (a) {
			assert_int_equal(a->infos[0].expires_utc, time_cases[i].utc);
		} else {
			assert_string_equal(problem.where, "alert/info[1]/expires");
			assert_int_equal(problem.line, 3);
		}
		talloc_free(xml);
	}
}

static const struct {
	const char *text;
	int n;				/* -1 = refused */
} reference_cases[] = {
	{ "", 0 },
	{ "s,i,2026-06-01T12:00:00+00:00", 1 },
	{ "s,i,2026-06-01T12:00:00Z", 1 },
	{ "\n\ts,i,2026-06-01T12:00:00-00:00\r\n s,j,2026-06-01T12:00:00-00:00 \n", 2 },
	{ "s,i", -1 },
	{ "s,i,", -1 },
	{ ",i,2026-06-01T12:00:00+00:00", -1 },
	{ "s,,2026-06-01T12:00:00+00:00", -1 },
	{ "s,i,j,2026-06-01T12:00:00+00:00", -1 },
	{ "s,i,2026-06-01T12:00:00", -1 },
	{ "s,i,2026-06-31T12:00:00+00:00", -1 },
	{ "s,i,2026-06-01T12:00:00+00:00,", -1 },
	{ "s, i, 2026-06-01T12:00:00+00:00", -1 },
	{ "s,i,2026-06-01T12:00:00+00:00;s,j,2026-06-01T12:00:00+00:00", -1 },
	{ "s,i,2026-06-01T12:00:00+00:00 junk", -1 },
};

static void references_are_triples_and_nothing_else(void **state)
{
	struct problem problem;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(reference_cases) / sizeof(reference_cases[0]); i++) {
		char *xml = talloc_asprintf(NULL, HEAD "\n<references>%s</references>" TAIL,
					    reference_cases[i].text);
		struct cap_alert *a = parse_text(xml, xml, &problem);

		if ((a ? (int)a->n_references : -1) != reference_cases[i].n)
			fail_msg("\"%s\": %s", reference_cases[i].text, problem.detail);
		if (a) {
			assert_int_equal(a->references_line, 2);
		} else {
			assert_int_equal(problem.code, PROBLEM_CAP_REFERENCES);
			assert_string_equal(problem.where, "alert/references");
			assert_int_equal(problem.line, 2);
		}
		talloc_free(xml);
	}
}

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *name;
	const char *xml;
	size_t len;
	enum problem_code code;
	unsigned int line;
} refused[] = {
	{ "nothing at all", BYTES(""), PROBLEM_CAP_NOT_WELL_FORMED, 0 },
	{ "blanks only", BYTES(" \n "), PROBLEM_CAP_NOT_WELL_FORMED, 2 },
	{ "text", BYTES("flood!"), PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "JSON", BYTES("{\"alert\": {}}"), PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "a NUL", BYTES(HEAD "\n<note>a\0b</note>" TAIL), PROBLEM_CAP_NOT_WELL_FORMED, 2 },
	{ "a NUL at the end", BYTES(HEAD TAIL "\0"), PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "ISO-8859-1 that says it is UTF-8", BYTES(HEAD "\n\n<note>\xfc</note>" TAIL),
	  PROBLEM_CAP_NOT_WELL_FORMED, 3 },
	{ "a surrogate in UTF-8", BYTES(HEAD "<note>\xed\xa0\x80</note>" TAIL),
	  PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "an encoding not read here", BYTES("<?xml version='1.0' encoding='UTF-7'?>" HEAD TAIL),
	  PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "octets that say they are UTF-16",
	  BYTES("<?xml version='1.0' encoding='utf-16'?>" HEAD TAIL),
	  PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "half a character of UTF-16", BYTES("\xff\xfe<\0a"), PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "a lone surrogate of UTF-16", BYTES("\xff\xfe<\0\n\0\x00\xd8>\0"),
	  PROBLEM_CAP_NOT_WELL_FORMED, 2 },
	{ "a lone low surrogate of UTF-16",
	  BYTES("\xfe\xff\0<\xdc\0"), PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "a control character",
	  BYTES(HEAD "<note>\x1b</note>" TAIL), PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "a reference to a control character", BYTES(HEAD "<note>&#27;</note>" TAIL),
	  PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "a blank before the XML declaration", BYTES(" <?xml version='1.0'?>" HEAD TAIL),
	  PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "two roots", BYTES(HEAD TAIL "\n" HEAD TAIL), PROBLEM_CAP_NOT_WELL_FORMED, 2 },
	{ "text behind the root", BYTES(HEAD TAIL "\nx"), PROBLEM_CAP_NOT_WELL_FORMED, 2 },
	{ "tags that cross", BYTES(HEAD "<info>\n<area></info></area>" TAIL),
	  PROBLEM_CAP_NOT_WELL_FORMED, 2 },
	{ "an ampersand", BYTES(HEAD "<note>A & B</note>" TAIL), PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "an entity of HTML",
	  BYTES(HEAD "\n<note>&nbsp;</note>" TAIL), PROBLEM_CAP_NOT_WELL_FORMED, 2 },
	{ "a prefix without namespace", BYTES(HEAD "\n<c:note>x</c:note>" TAIL),
	  PROBLEM_CAP_NOT_WELL_FORMED, 2 },
	{ "an attribute twice", BYTES("<alert a='' a=''/>"), PROBLEM_CAP_NOT_WELL_FORMED, 1 },
	{ "a billion laughs",
	  BYTES("<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [\n<!ENTITY a \"lol\">\n"
	  "<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">\n"
	  "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">\n]>\n" HEAD "<note>&c;</note>" TAIL),
	  PROBLEM_CAP_DOCTYPE, 2 },
	{ "an external entity",
	  BYTES("<!DOCTYPE alert [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n"
	  HEAD "<note>&x;</note>" TAIL), PROBLEM_CAP_DOCTYPE, 1 },
	{ "an external DTD",
	  BYTES("\n\n<!DOCTYPE alert SYSTEM \"http://127.0.0.1:1/x.dtd\">\n" HEAD TAIL),
	  PROBLEM_CAP_DOCTYPE, 3 },
	{ "a parameter entity",
	  BYTES("<!DOCTYPE alert [<!ENTITY % p SYSTEM \"file:///dev/zero\"> %p;]>"
	  HEAD TAIL), PROBLEM_CAP_DOCTYPE, 1 },
	{ "a plain DOCTYPE", BYTES("<!DOCTYPE alert>" HEAD TAIL), PROBLEM_CAP_DOCTYPE, 1 },
	{ "an alert without namespace", BYTES("\n<alert><identifier/></alert>"),
	  PROBLEM_CAP_NOT_CAP, 2 },
	{ "an alert of CAP 1.1", BYTES("<alert xmlns='urn:oasis:names:tc:emergency:cap:1.1'/>"),
	  PROBLEM_CAP_NOT_CAP, 1 },
	{ "an alert of CAP 1.0", BYTES("<alert xmlns='http://www.incident.com/cap/1.0'/>"),
	  PROBLEM_CAP_NOT_CAP, 1 },
	{ "a part of CAP 1.2", BYTES("<info " NS "/>"), PROBLEM_CAP_NOT_CAP, 1 },
	{ "an alert wrapped in something",
	  BYTES("<feed xmlns='http://www.w3.org/2005/Atom'>" HEAD TAIL
	  "</feed>"), PROBLEM_CAP_NOT_CAP, 1 },
	{ "an included document",
	  BYTES(HEAD "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' "
	  "href='file:///etc/passwd' parse='text'/>" TAIL), PROBLEM_CAP_SCHEMA, 1 },
};

static void what_is_no_readable_cap_is_refused(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		must_refuse(refused[i].name, refused[i].xml, refused[i].len, refused[i].code,
			    refused[i].line);
}

static const struct {
	const char *name;
	const char *xml;
	const char *where;
	unsigned int line;
} violations[] = {
	{ "sent before sender", "<alert " NS ">\n<identifier>i</identifier>\n<sent>"
	  "2026-06-01T12:00:00+00:00</sent><sender>s</sender></alert>", "alert/sent", 3 },
	{ "no scope", "<alert " NS "><identifier>i</identifier><sender>s</sender>"
	  "<sent>2026-06-01T12:00:00+00:00</sent><status>Actual</status><msgType>Alert</msgType>"
	  "\n<info/></alert>", "alert/info[1]", 2 },
	{ "nothing in it", "<alert " NS "/>", "alert", 1 },
	{ "an element of the second area of the third info", HEAD "<info>" INFO "</info><info>" INFO
	  "</info><info>" INFO "<area><areaDesc/></area>\n<area><areaDesc/>\n<circle>0,0 1</circle>"
	  "\n<polygon/></area></info>" TAIL, "alert/info[3]/area[2]/polygon", 4 },
	{ "an area without areaDesc",
	  HEAD "<info>" INFO "\n<area>\n<circle>0,0 1</circle></area></info>"
	  TAIL, "alert/info[1]/area[1]/circle", 3 },
	{ "one of several geocodes",
	  HEAD "<info>" INFO "<area><areaDesc/><geocode><valueName/><value/>"
	  "</geocode>\n<geocode><value/></geocode></area></info>" TAIL,
	  "alert/info[1]/area[1]/geocode[2]/value", 2 },
	{ "an attribute that CAP does not have", HEAD "\n<note lang='en'/>" TAIL, "alert/note", 2 },
	{ "text between elements", HEAD "<info>" INFO "<area>x<areaDesc/></area></info>" TAIL,
	  "alert/info[1]/area[1]", 1 },
	{ "markup in a text", HEAD "\n<note>a<b/>c</note>" TAIL, "alert/note", 2 },
	{ "an element of another namespace", HEAD "\n<note xmlns='urn:x'/>" TAIL, "alert/note", 2 },
	{ "a type of its own", HEAD "\n<info xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
	  "xsi:type='x'/>" TAIL, "alert/info[1]", 2 },
	{ "altitude in words",
	  HEAD "<info>" INFO "<area><areaDesc/><altitude>high</altitude></area>"
	  "</info>" TAIL, "alert/info[1]/area[1]/altitude", 1 },
};

static void a_violation_of_the_schema_is_told_with_its_place(void **state)
{
	struct problem problem;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(violations) / sizeof(violations[0]); i++) {
		if (parse_text(NULL, violations[i].xml, &problem))
			fail_msg("%s: accepted", violations[i].name);
		if (problem.code != PROBLEM_CAP_SCHEMA || problem.line != violations[i].line ||
		    strcmp(problem.where, violations[i].where))
			fail_msg("%s: %s at %s line %u: %s", violations[i].name,
				 problem_code_name(problem.code), problem.where, problem.line,
				 problem.detail);
		if (strstr(problem.detail, "urn:oasis") || !strchr(problem.detail, '\''))
			fail_msg("%s: %s", violations[i].name, problem.detail);
	}
}

static char *repeated(void *ctx, const char *text, size_t n)
{
	size_t len = strlen(text), used;
	char *all = talloc_array(ctx, char, n * len + 1);

	for (used = 0; n; n--, used += len)
		memcpy(all + used, text, len);
	all[used] = '\0';
	return all;
}

/* A Signature may hold anything, as far as the schema goes. */
static char *in_signature(void *ctx, const char *text)
{
	return talloc_asprintf(ctx, HEAD "<Signature " DSIG ">\n%s</Signature>" TAIL, text);
}

static char *nested(void *ctx, size_t n)
{
	return in_signature(ctx, talloc_asprintf(ctx, "%s%s", repeated(ctx, "<x>", n),
						 repeated(ctx, "</x>", n)));
}

static void elements_may_be_nested_to_a_limit(void **state)
{
	/* alert and Signature are the first two. */
	const size_t most = CAP_MAX_DEPTH - 2;
	void *ctx = talloc_new(NULL);
	char *bomb;

	(void)state;
	must_parse(ctx, nested(ctx, most));
	bomb = nested(ctx, most + 1);
	must_refuse("one deeper", bomb, strlen(bomb), PROBLEM_CAP_TOO_COMPLEX, 2);
	bomb = nested(ctx, 1000000);
	must_refuse("a million deep", bomb, strlen(bomb), PROBLEM_CAP_TOO_COMPLEX, 2);
	bomb = repeated(ctx, "<alert " NS ">", 1000000);
	must_refuse("a million that are never closed", bomb, strlen(bomb), PROBLEM_CAP_TOO_COMPLEX, 1);
	talloc_free(ctx);
}

static void elements_are_counted(void **state)
{
	void *ctx = talloc_new(NULL);
	/* HEAD is seven elements, Signature the eighth. */
	char *most = in_signature(ctx, repeated(ctx, "<x/>", CAP_MAX_ELEMENTS - 8));
	char *bomb = in_signature(ctx, repeated(ctx, "<x/>", CAP_MAX_ELEMENTS - 7));

	(void)state;
	must_parse(ctx, most);
	must_refuse("one more", bomb, strlen(bomb), PROBLEM_CAP_TOO_COMPLEX, 2);
	talloc_free(ctx);
}

static char *with_attributes(void *ctx, const char *form, unsigned int n)
{
	char *text = talloc_array(ctx, char, n * 24 + 1);
	size_t used = sprintf(text, "<x");
	unsigned int i;

	for (i = 0; i < n; i++)
		used += sprintf(text + used, form, i);
	strcpy(text + used, "/>");
	return in_signature(ctx, text);
}

static const struct {
	const char *form;
	enum problem_code code;		/* of a million of them */
} attribute_bombs[] = {
	{ " a%u=''", PROBLEM_CAP_TOO_COMPLEX },
	{ " a%u = \"'>'\"", PROBLEM_CAP_TOO_COMPLEX },
	{ " a='%u'", PROBLEM_CAP_TOO_COMPLEX },
	{ " xmlns:a%u='u'", PROBLEM_CAP_TOO_COMPLEX },
	/* The first of them ends the parse. */
	{ " a%u='<'", PROBLEM_CAP_NOT_WELL_FORMED },
};

/* libxml2 alone takes minutes for most of the bombs; a test that hangs has failed. */
static void attributes_are_counted(void **state)
{
	void *ctx = talloc_new(NULL);
	char *xml = with_attributes(ctx, " a%u=''", CAP_MAX_ATTRIBUTES);
	size_t i;

	(void)state;
	must_parse(ctx, xml);
	xml = with_attributes(ctx, " a%u=''", CAP_MAX_ATTRIBUTES + 1);
	must_refuse("one more", xml, strlen(xml), PROBLEM_CAP_TOO_COMPLEX, 2);
	for (i = 0; i < sizeof(attribute_bombs) / sizeof(attribute_bombs[0]); i++) {
		xml = with_attributes(ctx, attribute_bombs[i].form, 1000000);
		must_refuse(attribute_bombs[i].form, xml, strlen(xml), attribute_bombs[i].code, 2);
	}
	talloc_free(ctx);
}

static void attributes_of_all_elements_are_counted(void **state)
{
	void *ctx = talloc_new(NULL);
	/* One each of alert and Signature, then 50 each. */
	char *tag = talloc_strdup(ctx, "<x"), *xml;
	int i;

	(void)state;
	for (i = 0; i < 50; i++)
		tag = talloc_asprintf_append(tag, " a%d=''", i);
	tag = talloc_asprintf_append(tag, "/>");
	xml = in_signature(ctx, repeated(ctx, tag, CAP_MAX_ELEMENTS / 50 - 1));
	must_parse(ctx, xml);
	xml = in_signature(ctx, repeated(ctx, tag, CAP_MAX_ELEMENTS / 50));
	must_refuse("too many altogether", xml, strlen(xml), PROBLEM_CAP_TOO_COMPLEX, 2);
	talloc_free(ctx);
}

static void tags_in_cdata_and_comments_are_no_bombs(void **state)
{
	void *ctx = talloc_new(NULL);
	char *many = repeated(ctx, " a='b'", 100);
	char *tag = talloc_asprintf(ctx, "<p%s>", many);
	char *xml = talloc_asprintf(ctx, HEAD "<!-- %s --><note><![CDATA[%s]]></note>"
		TAIL, tag, tag);

	(void)state;
	assert_string_equal(must_parse(ctx, xml)->note, tag);
	xml = talloc_asprintf(ctx, HEAD "<!-- %s --><note>%s</note>" TAIL,
			      repeated(ctx, "\"don't\" ", 5000), repeated(ctx, "a=\"b\" ", 5000));
	must_parse(ctx, xml);
	talloc_free(ctx);
}

static void namespaces_in_scope_are_counted(void **state)
{
	static const char open[] =
		"<x xmlns:a='u' xmlns:b='u' xmlns:c='u' xmlns:d='u' xmlns:e='u'>";
	void *ctx = talloc_new(NULL);
	/* One each of alert and Signature, then five each. */
	char *most = talloc_asprintf(ctx, "%s%s", repeated(ctx, open, 12), repeated(ctx,
		"</x>", 12));
	char *bomb = talloc_asprintf(ctx, "%s%s", repeated(ctx, open, 13), repeated(ctx,
		"</x>", 13));

	(void)state;
	must_parse(ctx, in_signature(ctx, most));
	bomb = in_signature(ctx, bomb);
	must_refuse("too many namespaces", bomb, strlen(bomb), PROBLEM_CAP_TOO_COMPLEX, 2);
	talloc_free(ctx);
}

static char *of_length(void *ctx, const char *before, size_t n, const char *after)
{
	char *text = talloc_array(ctx, char, n + 1);

	memset(text, 'x', n);
	text[n] = '\0';
	return talloc_asprintf(ctx, HEAD "<note>%s%s%s</note>" TAIL, before, text, after);
}

static void a_text_may_be_long_to_a_limit(void **state)
{
	void *ctx = talloc_new(NULL);
	struct cap_alert *a = must_parse(ctx, of_length(ctx, "", CAP_MAX_TEXT, ""));
	const struct { const char *before; size_t n; const char *after; } bombs[] = {
		{ "", CAP_MAX_TEXT + 1, "" },
		{ "<![CDATA[", CAP_MAX_TEXT + 1, "]]>" },
		{ "a<!-- -->", CAP_MAX_TEXT, "" },
		{ "&amp;", CAP_MAX_TEXT, "" },
		{ "", 9u << 20, "" },
	};
	size_t i;

	(void)state;
	assert_int_equal(strlen(a->note), CAP_MAX_TEXT);
	for (i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		char *xml = of_length(ctx, bombs[i].before, bombs[i].n, bombs[i].after);

		must_refuse(bombs[i].before, xml, strlen(xml), PROBLEM_CAP_TOO_COMPLEX, 1);
		talloc_free(xml);
	}
	talloc_free(ctx);
}

static void lines_are_right_beyond_65535(void **state)
{
	void *ctx = talloc_new(NULL);
	char *gap = talloc_array(ctx, char, 70001), *xml;
	struct problem problem;
	struct cap_alert *a;

	(void)state;
	memset(gap, '\n', 70000);
	gap[70000] = '\0';
	xml = talloc_asprintf(ctx, HEAD "%s<info>\n" INFO "\n<area><areaDesc/>\n<circle/>\n</area>"
			      "</info>" TAIL, gap);
	a = must_parse(ctx, xml);
	assert_int_equal(a->infos[0].line, 70001);
	assert_int_equal(a->infos[0].areas[0].line, 70003);
	assert_int_equal(a->infos[0].areas[0].circles[0].line, 70004);
	xml = talloc_asprintf(ctx, HEAD "%s<info>\n" INFO "\n<area>\n<circle/>\n</area></info>"
		TAIL, gap);
	assert_null(parse_text(ctx, xml, &problem));
	assert_int_equal(problem.code, PROBLEM_CAP_SCHEMA);
	assert_int_equal(problem.line, 70004);
	xml = talloc_asprintf(ctx, HEAD "%s<info>\n\n</area>" TAIL, gap);
	must_refuse("a wrong tag far below", xml, strlen(xml), PROBLEM_CAP_NOT_WELL_FORMED, 70003);
	talloc_free(ctx);
}

static void a_part_of_a_document_is_never_taken_for_the_whole(void **state)
{
	size_t len = strlen(whole), n;

	(void)state;
	for (n = 0; n < len; n++) {
		struct problem problem = { 0 };
		/* An exact allocation, so that a sanitizer sees a read beyond it. */
		char *part = malloc(n ? n : 1);

		assert_non_null(part);
		memcpy(part, whole, n);
		if (cap_parse(NULL, part, n, &problem))
			fail_msg("accepted at %zu of %zu octets", n, len);
		/* A root whose tag is cut is no alert yet, whichever is noticed first. */
		assert_true(problem.code == PROBLEM_CAP_NOT_WELL_FORMED ||
			    problem.code == PROBLEM_CAP_NOT_CAP);
		free(part);
	}
	talloc_free(must_parse(NULL, whole));
}

static void damaged_documents_are_read_or_refused(void **state)
{
	unsigned int seed = 20260601, round, i;
	size_t len = strlen(whole);
	char *copy = malloc(len);

	(void)state;
	assert_non_null(copy);
	for (round = 0; round < 3000; round++) {
		struct problem problem = { 0 };
		struct cap_alert *a;

		memcpy(copy, whole, len);
		for (i = 0; i <= round % 4; i++)
			copy[rand_r(&seed) % len] = rand_r(&seed) & 0xff;
		a = cap_parse(NULL, copy, len, &problem);
		if (!a != (problem.code != PROBLEM_NONE))
			fail_msg("seed 20260601, round %u: no verdict", round);
		talloc_free(a);
	}
	free(copy);
}

/* ASCII as 16-bit units. */
static char *utf16(void *ctx, const char *text, bool little, size_t *len)
{
	char *out = talloc_array(ctx, char, 2 * strlen(text) + 1);
	size_t i;

	for (i = 0; text[i]; i++) {
		out[2 * i + !little] = text[i];
		out[2 * i + little] = 0;
	}
	*len = 2 * i;
	return out;
}

static void utf16_is_read_in_either_order(void **state)
{
	/* U+20AC and U+1F30A, whose places are marked by # and $$. */
	static const char text[] = "<?xml version='1.0' encoding='UTF-16'?>" HEAD
		"<note>#$$</note>" TAIL;
	static const char units[2][6] = { "\x20\xac\xd8\x3c\xdf\x0a", "\xac\x20\x3c\xd8\x0a\xdf" };
	int little, mark;

	(void)state;
	for (little = 0; little < 2; little++) {
		for (mark = 0; mark < 2; mark++) {
			void *ctx = talloc_new(NULL);
			char *marked = talloc_asprintf(ctx, "%s%s", mark ? "^" : "", text);
			struct problem problem = { 0 };
			struct cap_alert *a;
			size_t len;
			char *xml = utf16(ctx, marked, little, &len);

			memcpy(xml + 2 * (strchr(marked, '#') - marked), units[little], 6);
			if (mark)
				memcpy(xml, little ? "\xff\xfe" : "\xfe\xff", 2);
			a = cap_parse(ctx, xml, len, &problem);
			if (!a)
				fail_msg("little %d, mark %d: %s", little, mark, problem.detail);
			assert_string_equal(a->note, "\xe2\x82\xac\xf0\x9f\x8c\x8a");
			talloc_free(ctx);
		}
	}
}

static void a_byte_order_mark_and_latin1_are_understood(void **state)
{
	static const char note[] = HEAD "<note>Usulut\xe1n</note>" TAIL;
	struct cap_alert *a = must_parse(NULL, "\xef\xbb\xbf" HEAD TAIL);
	char *xml;

	(void)state;
	talloc_free(a);
	xml = talloc_asprintf(NULL, "<?xml version='1.0' encoding='iso-8859-1'?>%s", note);
	a = must_parse(xml, xml);
	assert_string_equal(a->note, "Usulut\xc3\xa1n");
	talloc_free(xml);
}

static void *parse_often(void *arg)
{
	unsigned int i;
	bool good = true;

	(void)arg;
	for (i = 0; i < 200 && good; i++) {
		struct problem problem = { 0 };
		struct cap_alert *a = cap_parse(NULL, whole, strlen(whole), &problem);

		good = a && a->n_infos == 2 && a->n_references == 2;
		talloc_free(a);
		good = good && !cap_parse(NULL, BYTES(HEAD "<info/>" TAIL), &problem) &&
		       problem.code == PROBLEM_CAP_SCHEMA;
	}
	return good ? NULL : (void *)1;
}

static void several_threads_parse_at_once(void **state)
{
	pthread_t threads[4];
	void *result;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, parse_often, NULL), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
}

/* What people who read the documents found in them; counts are those of the first info. */
struct real_case {
	const char *file;
	enum problem_code parse;
	enum problem_code check;
	const char *where;
	unsigned int line;
	enum cap_msg_type type;
	size_t infos, areas, polygons, circles, geocodes, parameters, references;
	bool signature;
	const char *language;
	int64_t sent;
};

#define P(code) PROBLEM_##code
#define REFUSED(file, code, where, line) \
	{ file, code, 0, where, line, 0, 0, 0, 0, 0, 0, 0, 0, false, "", 0 }
static const struct real_case real_cases[] = {
	{ "au-bom-001", 0, 0, "", 0, CAP_MSG_ALERT, 1, 1, 0, 0, 7, 0, 0, 0, "en-AU", 1547608558 },
	{ "au-cfs-001", 0, 0, "", 0, CAP_MSG_ALERT, 1, 1, 0, 1, 1, 7, 0, 0, "en-AU", 1318821780 },
	{ "br-inmet-001", 0, 0, "", 0, CAP_MSG_ALERT, 1, 1, 1, 0, 0, 5, 0, 0, "pt-BR", 1660321365 },
	{ "ca-alertable-001", 0, 0, "", 0, CAP_MSG_ALERT, 1, 1, 1, 0, 1, 5, 0, 0, "en-CA",
	  1758662220 },
	{ "ca-naad-004", 0, 0, "", 0, CAP_MSG_UPDATE, 2, 2, 2, 0, 13, 5, 2, 0, "en-CA",
	  1336000864 },
	{ "ca-naad-006", 0, 0, "", 0, CAP_MSG_CANCEL, 0, 0, 0, 0, 0, 0, 1, 1, "", 1456433229 },
	REFUSED("ch-alertswiss-001", P(CAP_SCHEMA), "alert/sent", 4),
	{ "de-dwd-003", 0, 0, "", 0, CAP_MSG_UPDATE, 1, 73, 2, 0, 71, 5, 1, 0, "de-DE",
	  1689143760 },
	{ "de-dwd-005", 0, 0, "", 0, CAP_MSG_UPDATE, 1, 2, 1, 0, 1, 4, 1, 0, "de-DE", 1661544180 },
	REFUSED("examples-002", P(CAP_SCHEMA), "alert/info[1]/area[1]/geocode[2]/value", 34),
	{ "examples-004", 0, P(CAP_NO_AREA), "alert/info[1]/area", 9, CAP_MSG_ALERT, 1, 1, 0, 0,
	  0, 1, 0, false, "en-US", 1049312341 },
	{ "fr-meteofrance-001", 0, P(CAP_TIME), "alert/info[1]/expires", 11, CAP_MSG_UPDATE, 2, 6,
	  0, 0, 6, 2, 1, 0, "fr-FR", 1670389286 },
	{ "gdacs-003", 0, 0, "", 0, CAP_MSG_ALERT, 1, 1, 1, 0, 0, 19, 0, 0, "en-US", 1740869544 },
	{ "ie-meteireann-001", 0, 0, "", 0, CAP_MSG_ALERT, 1, 1, 0, 0, 4, 2, 0, 0, "en-GB",
	  1744586208 },
	REFUSED("invalid-001", P(CAP_SCHEMA), "alert/info[1]", 9),
	{ "invalid-002", 0, P(CAP_REFERENCES), "alert/references", 12, CAP_MSG_UPDATE, 1, 1, 1, 0,
	  1, 0, 0, 0, "en-CA", 1336000864 },
	{ "is-imo-001", 0, 0, "", 0, CAP_MSG_ALERT, 2, 1, 1, 0, 1, 1, 0, 0, "is-IS", 1631280626 },
	{ "mo-smg-001", 0, 0, "", 0, CAP_MSG_UPDATE, 3, 1, 1, 0, 0, 0, 1, 0, "zh-mo", 1744494732 },
	REFUSED("oasis-appendix-001", P(CAP_NOT_CAP), "", 2),
	{ "oasis-appendix-002", 0, 0, "", 0, CAP_MSG_ALERT, 2, 1, 0, 0, 1, 0, 0, 0, "en-US",
	  1055396340 },
	REFUSED("oasis-appendix-008", P(CAP_NOT_CAP), "", 2),
	{ "sambro-demo-007", 0, 0, "", 0, CAP_MSG_ALERT, 2, 1, 1, 0, 0, 2, 0, 0, "dv", 1441851029 },
	REFUSED("uk-ea-001", P(CAP_SCHEMA), "alert", 1),
	{ "us-tsunami-001", 0, 0, "", 0, CAP_MSG_UPDATE, 1, 1, 0, 0, 2, 38, 1, 0, "en-US",
	  1314963410 },
	REFUSED("us-usgs-001", P(CAP_NOT_CAP), "", 1),
	{ "us-usgs-002", 0, 0, "", 0, CAP_MSG_ALERT, 1, 1, 0, 1, 0, 12, 0, 1, "en-US", 1350255184 },
	{ "wmo-bz-005", 0, 0, "", 0, CAP_MSG_ALERT, 1, 1, 1, 0, 0, 0, 0, 1, "en", 1720892824 },
	{ "wmo-sc-001", 0, 0, "", 0, CAP_MSG_ALERT, 1, 1, 1, 0, 0, 0, 0, 1, "en", 1716124680 },
};
#undef REFUSED
#undef P

static char *load(void *ctx, const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *data = talloc_array(ctx, char, 1 << 20);

	if (!f)
		fail_msg("%s cannot be opened", path);
	*len = fread(data, 1, 1 << 20, f);
	fclose(f);
	return data;
}

static void sum_up(const struct cap_info *info, struct real_case *found)
{
	size_t i;

	found->areas = info->n_areas;
	found->parameters = info->n_parameters;
	found->language = info->language;
	for (i = 0; i < info->n_areas; i++) {
		found->polygons += info->areas[i].n_polygons;
		found->circles += info->areas[i].n_circles;
		found->geocodes += info->areas[i].n_geocodes;
	}
}

static void check_content(const struct real_case *c, const struct cap_alert *a)
{
	struct real_case found = { .language = "" };

	if (a->n_infos)
		sum_up(&a->infos[0], &found);
	if (a->msg_type != c->type || a->n_infos != c->infos || a->n_references != c->references ||
	    a->has_signature != c->signature || a->sent_utc != c->sent)
		fail_msg("%s: type %d, %zu infos, %zu references, signature %d, sent %lld", c->file,
			 a->msg_type, a->n_infos, a->n_references, a->has_signature,
			 (long long)a->sent_utc);
	if (found.areas != c->areas || found.polygons != c->polygons || found.circles != c->circles ||
	    found.geocodes != c->geocodes || found.parameters != c->parameters ||
	    strcmp(found.language, c->language))
		fail_msg("%s: %s, %zu areas, %zu polygons, %zu circles, %zu geocodes, %zu parameters",
			 c->file, found.language, found.areas, found.polygons, found.circles,
			 found.geocodes, found.parameters);
}

static void documents_of_real_senders_are_read(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(real_cases) / sizeof(real_cases[0]); i++) {
		const struct real_case *c = &real_cases[i];
		void *ctx = talloc_new(NULL);
		struct problem problem = { 0 };
		size_t len;
		char *xml = load(ctx, talloc_asprintf(ctx, TEST_DATA "/cap/%s.xml", c->file), &len);
		struct cap_alert *a = cap_parse(ctx, xml, len, &problem);

		if (problem.code != c->parse || (!a) != (c->parse != PROBLEM_NONE))
			fail_msg("%s: %s %s", c->file, problem_code_name(problem.code), problem.detail);
		if (a) {
			check_content(c, a);
			cap_check(a, &problem);
			if (problem.code != c->check)
				fail_msg("%s: %s", c->file, problem_code_name(problem.code));
		}
		if (strcmp(problem.where, c->where) || problem.line != c->line)
			fail_msg("%s: %s line %u", c->file, problem.where, problem.line);
		talloc_free(ctx);
	}
}

static void latin1_of_a_real_sender_becomes_utf8(void **state)
{
	void *ctx = talloc_new(NULL);
	struct problem problem = { 0 };
	size_t len;
	char *xml = load(ctx, TEST_DATA "/cap/us-usgs-002.xml", &len);
	struct cap_alert *a = cap_parse(ctx, xml, len, &problem);

	(void)state;
	assert_non_null(a);
	assert_string_equal(a->infos[0].headline,
		"EQ 4.6 Usulut\xc3\xa1n, Usulut\xc3\xa1n, El Salvador"
			    " - PRELIMINARY REPORT");
	talloc_free(ctx);
}

static void the_examples_of_the_manual_break_no_rule(void **state)
{
	static const char *const files[] = { "flood", "flood-cancel" };
	struct cap_alert *a[2];
	void *ctx = talloc_new(NULL);
	struct problem problem = { 0 };
	size_t i, len;

	(void)state;
	for (i = 0; i < 2; i++) {
		char *path = talloc_asprintf(ctx, SOURCE_DIR "/doc/examples/%s.cap.xml", files[i]);
		char *xml = load(ctx, path, &len);

		a[i] = cap_parse(ctx, xml, len, &problem);
		assert_non_null(a[i]);
		assert_int_equal(cap_check(a[i], &problem), 0);
	}
	assert_int_equal(a[0]->infos[0].expires_utc - a[0]->sent_utc, 600);
	assert_string_equal(a[1]->references[0].sender, a[0]->sender);
	assert_string_equal(a[1]->references[0].identifier, a[0]->identifier);
	assert_int_equal(a[1]->references[0].sent_utc, a[0]->sent_utc);
	talloc_free(ctx);
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
		cmocka_unit_test(every_element_arrives_in_its_place),
		cmocka_unit_test(what_is_absent_or_empty_is_null),
		cmocka_unit_test(a_prefix_makes_no_difference),
		cmocka_unit_test(two_languages_are_two_infos),
		cmocka_unit_test(text_is_read_as_written),
		cmocka_unit_test(every_value_of_every_enumeration_is_known),
		cmocka_unit_test(other_values_of_enumerations_are_refused),
		cmocka_unit_test(names_are_read_back_as_written),
		cmocka_unit_test(times_are_read_with_every_offset),
		cmocka_unit_test(references_are_triples_and_nothing_else),
		cmocka_unit_test(what_is_no_readable_cap_is_refused),
		cmocka_unit_test(a_violation_of_the_schema_is_told_with_its_place),
		cmocka_unit_test(elements_may_be_nested_to_a_limit),
		cmocka_unit_test(elements_are_counted),
		cmocka_unit_test(attributes_are_counted),
		cmocka_unit_test(attributes_of_all_elements_are_counted),
		cmocka_unit_test(tags_in_cdata_and_comments_are_no_bombs),
		cmocka_unit_test(namespaces_in_scope_are_counted),
		cmocka_unit_test(a_text_may_be_long_to_a_limit),
		cmocka_unit_test(lines_are_right_beyond_65535),
		cmocka_unit_test(a_part_of_a_document_is_never_taken_for_the_whole),
		cmocka_unit_test(damaged_documents_are_read_or_refused),
		cmocka_unit_test(utf16_is_read_in_either_order),
		cmocka_unit_test(a_byte_order_mark_and_latin1_are_understood),
		cmocka_unit_test(several_threads_parse_at_once),
		cmocka_unit_test(documents_of_real_senders_are_read),
		cmocka_unit_test(latin1_of_a_real_sender_becomes_utf8),
		cmocka_unit_test(the_examples_of_the_manual_break_no_rule),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
