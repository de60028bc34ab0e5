/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/core/draft.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define SENT "2026-06-01T12:00:00+00:00"
#define NOW 1780315200		/* the same */
#define EXPIRES "<expires>2026-06-01T13:00:00+00:00</expires>"
#define SQUARE "<polygon>50,10 50,11 51,11 51,10 50,10</polygon>"
#define CIRCLE "<circle>48,11 2.5</circle>"
#define GEOCODE "<geocode><valueName>SAME</valueName><value>006109</value></geocode>"
#define AREA(inner) "<area><areaDesc>the valley</areaDesc>" inner "</area>"
#define SIGNATURE "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>"

/* An info block; the parts that a case changes. */
#define BLOCK(lang, event, urgency, severity, certainty, times, texts, areas) \
	"<info>" lang "<category>Met</category><event>" event "</event><urgency>" urgency \
	"</urgency><severity>" severity "</severity><certainty>" certainty "</certainty>" times texts areas "</info>"
#define LANG(tag) "<language>" tag "</language>"
#define HEAD(text) "<headline>" text "</headline>"
#define INFO(tag, text) \
	BLOCK(LANG(tag), "Flood", "Immediate", "Severe", "Observed", EXPIRES, HEAD(text), AREA(SQUARE))
#define INFO_AREA(tag, text, areas) \
	BLOCK(LANG(tag), "Flood", "Immediate", "Severe", "Observed", EXPIRES, HEAD(text), areas)
#define INFO_TIMES(times) \
	BLOCK(LANG("en"), "Flood", "Immediate", "Severe", "Observed", times, HEAD("t"), AREA(SQUARE))

static const char *const no_languages[] = { NULL };

static struct alert_draft *read_text(const char *text, const char *originator, const char *const *languages,
				     int64_t now, struct problem *problem)
{
	uint8_t *bytes = talloc_memdup(NULL, text, strlen(text));

	*problem = (struct problem){ 0 };
	return alert_draft_read(NULL, originator, bytes, strlen(text), languages, now, problem);
}

static char *alert_text(const char *sent, const char *status, const char *msg_type, const char *scope,
			const char *rest)
{
	return talloc_asprintf(NULL, "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">"
			       "<identifier>flood-1</identifier><sender>met@example.org</sender>"
			       "<sent>%s</sent><status>%s</status><msgType>%s</msgType><scope>%s</scope>%s</alert>",
			       sent, status, msg_type, scope, rest);
}

static struct alert_draft *read_infos(const char *infos, const char *const *languages, struct problem *problem)
{
	char *text = alert_text(SENT, "Actual", "Alert", "Public", infos);
	struct alert_draft *draft = read_text(text, "met", languages, NOW, problem);

	talloc_free(text);
	return draft;
}

static bool advised(const struct alert_draft *draft, const char *code, size_t times)
{
	size_t i, n = 0;

	for (i = 0; i < draft->n_advisories; i++)
		n += !strcmp(draft->advisories[i].code, code);
	return n == times;
}

/* Language */

static const struct {
	const char *name;
	const char *wanted[4];
	const char *infos;
	const char *language;
	size_t others;		/* advisories about languages left out */
} languages[] = {
	{ "the one that is wanted", { "de" }, INFO("en", "a") INFO("de", "b"), "de", 1 },
	{ "the first wish goes before the first block", { "fr", "de" }, INFO("de", "a") INFO("fr", "b"), "fr", 1 },
	{ "the second wish where the first is not there", { "it", "de" }, INFO("en", "a") INFO("de", "b"), "de", 1 },
	{ "the first block where no wish is there", { "it" }, INFO("en", "a") INFO("de", "b"), "en", 1 },
	{ "the first block where nothing is wished", { NULL }, INFO("de", "a") INFO("en", "b"), "de", 1 },
	{ "a range takes a longer tag", { "de" }, INFO("en", "a") INFO("de-AT", "b"), "de-AT", 1 },
	{ "a range takes a tag of three parts", { "zh" }, INFO("en", "a") INFO("zh-Hant-TW", "b"), "zh-Hant-TW", 1 },
	{ "a longer range takes no shorter tag", { "de-AT" }, INFO("en", "a") INFO("de", "b"), "en", 1 },
	{ "a longer range takes no tag of another country", { "de-AT" }, INFO("en", "a") INFO("de-DE", "b"), "en", 1 },
	{ "a range ends at a hyphen", { "de" }, INFO("en", "a") INFO("den", "b"), "en", 1 },
	{ "case does not matter", { "DE-at" }, INFO("en", "a") INFO("de-AT", "b"), "de-AT", 1 },
	{ "no language is en-US", { "en" },
	  BLOCK("", "Flood", "Immediate", "Severe", "Observed", EXPIRES, HEAD("a"), AREA(SQUARE)), "en-US", 0 },
	{ "each other language is named once", { "en" },
	  INFO("en", "a") INFO("de", "b") INFO("de", "c") INFO("DE", "d") INFO("fr", "e"), "en", 2 },
};

static void test_language_that_is_broadcast(void **state)
{
	struct alert_draft *draft;
	struct problem problem;
	size_t i;

	(void)state;
	for (i = 0; i < N(languages); i++) {
		draft = read_infos(languages[i].infos, languages[i].wanted, &problem);
		if (!draft)
			fail_msg("%s: %s", languages[i].name, problem.detail);
		if (strcmp(draft->language, languages[i].language) ||
		    !advised(draft, "language-not-broadcast", languages[i].others))
			fail_msg("%s: %s, %zu advisories", languages[i].name, draft->language, draft->n_advisories);
		talloc_free(draft);
	}
}

/* Blocks of one language, and areas */

static const struct {
	const char *name;
	const char *infos;
	enum problem_code code;
	const char *where;
	size_t n_rings, n_circles;
	const char *advisory;	/* NULL: none at all */
} bodies[] = {
	{ "one block", INFO("en", "a"), PROBLEM_NONE, NULL, 1, 0, NULL },
	{ "blocks of one language and text join their areas",
	  INFO("en", "a") INFO_AREA("en", "a", AREA(CIRCLE)), PROBLEM_NONE, NULL, 1, 1, NULL },
	{ "the case of the tag makes no other language",
	  INFO("en-GB", "a") INFO_AREA("EN-gb", "a", AREA(CIRCLE)), PROBLEM_NONE, NULL, 1, 1, NULL },
	{ "the area of another language is not broadcast",
	  INFO("en", "a") INFO_AREA("de", "b", AREA(CIRCLE)), PROBLEM_NONE, NULL, 1, 0, "area-not-broadcast" },
	{ "another language in the same area loses only its text",
	  INFO("en", "a") INFO("de", "b"), PROBLEM_NONE, NULL, 1, 0, "language-not-broadcast" },
	{ "two texts of one language", INFO("en", "a") INFO("en", "b"), PROBLEM_CAP_MIXED_INFO,
	  "alert/info[2]/headline", 0, 0, NULL },
	{ "two texts of one language behind a block of another",
	  INFO("en", "a") INFO("de", "c") INFO("en", "b"), PROBLEM_CAP_MIXED_INFO, "alert/info[3]/headline", 0, 0, NULL },
	{ "two events", INFO("en", "a") BLOCK(LANG("en"), "Storm", "Immediate", "Severe", "Observed", EXPIRES, HEAD("a"),
	  AREA(SQUARE)), PROBLEM_CAP_MIXED_INFO, "alert/info[2]/event", 0, 0, NULL },
	{ "two urgencies", INFO("en", "a") BLOCK(LANG("en"), "Flood", "Expected", "Severe", "Observed", EXPIRES, HEAD("a"),
	  AREA(SQUARE)), PROBLEM_CAP_MIXED_INFO, "alert/info[2]/urgency", 0, 0, NULL },
	{ "two severities", INFO("en", "a") BLOCK(LANG("en"), "Flood", "Immediate", "Extreme", "Observed", EXPIRES,
	  HEAD("a"), AREA(SQUARE)), PROBLEM_CAP_MIXED_INFO, "alert/info[2]/severity", 0, 0, NULL },
	{ "two certainties", INFO("en", "a") BLOCK(LANG("en"), "Flood", "Immediate", "Severe", "Likely", EXPIRES,
	  HEAD("a"), AREA(SQUARE)), PROBLEM_CAP_MIXED_INFO, "alert/info[2]/certainty", 0, 0, NULL },
	{ "two ends", INFO("en", "t") INFO_TIMES("<expires>2026-06-01T13:00:01+00:00</expires>"),
	  PROBLEM_CAP_MIXED_INFO, "alert/info[2]/expires", 0, 0, NULL },
	{ "one end in two spellings", INFO("en", "t") INFO_TIMES("<expires>2026-06-01T15:00:00+02:00</expires>"),
	  PROBLEM_NONE, NULL, 2, 0, NULL },
	{ "a description in one of two blocks", INFO("en", "a") BLOCK(LANG("en"), "Flood", "Immediate", "Severe",
	  "Observed", EXPIRES, HEAD("a") "<description>b</description>", AREA(SQUARE)), PROBLEM_CAP_MIXED_INFO,
	  "alert/info[2]/description", 0, 0, NULL },
	{ "two descriptions", BLOCK(LANG("en"), "Flood", "Immediate", "Severe", "Observed", EXPIRES,
	  "<description>a</description>", AREA(SQUARE)) BLOCK(LANG("en"), "Flood", "Immediate", "Severe", "Observed",
	  EXPIRES, "<description>b</description>", AREA(SQUARE)), PROBLEM_CAP_MIXED_INFO,
	  "alert/info[2]/description", 0, 0, NULL },
	{ "an instruction in one of two blocks", INFO("en", "a") BLOCK(LANG("en"), "Flood", "Immediate", "Severe",
	  "Observed", EXPIRES, HEAD("a") "<instruction>run</instruction>", AREA(SQUARE)), PROBLEM_CAP_MIXED_INFO,
	  "alert/info[2]/instruction", 0, 0, NULL },
	{ "no text at all", BLOCK(LANG("en"), "Flood", "Immediate", "Severe", "Observed", EXPIRES, "", AREA(SQUARE)),
	  PROBLEM_CAP_NO_TEXT, "alert/info[1]", 0, 0, NULL },
	{ "a description alone", BLOCK(LANG("en"), "Flood", "Immediate", "Severe", "Observed", EXPIRES,
	  "<description>a</description>", AREA(SQUARE)), PROBLEM_NONE, NULL, 1, 0, NULL },
	{ "an instruction alone", BLOCK(LANG("en"), "Flood", "Immediate", "Severe", "Observed", EXPIRES,
	  "<instruction>a</instruction>", AREA(SQUARE)), PROBLEM_NONE, NULL, 1, 0, NULL },
	/* areas */
	{ "polygons and circles of one area", INFO_AREA("en", "a", AREA(SQUARE SQUARE CIRCLE)), PROBLEM_NONE, NULL, 2, 1, NULL },
	{ "two areas", INFO_AREA("en", "a", AREA(SQUARE) AREA(CIRCLE)), PROBLEM_NONE, NULL, 1, 1, NULL },
	{ "a geocode alone", INFO_AREA("en", "a", AREA(GEOCODE)), PROBLEM_AREA_GEOCODE,
	  "alert/info[1]/area[1]/geocode[1]", 0, 0, NULL },
	{ "a geocode alone in one of two areas", INFO_AREA("en", "a", AREA(SQUARE) AREA(GEOCODE)), PROBLEM_AREA_GEOCODE,
	  "alert/info[1]/area[2]/geocode[1]", 0, 0, NULL },
	{ "a geocode beside a polygon", INFO_AREA("en", "a", AREA(SQUARE GEOCODE)), PROBLEM_NONE, NULL, 1, 0, "geocode-not-used" },
	{ "a geocode beside a circle", INFO_AREA("en", "a", AREA(CIRCLE GEOCODE)), PROBLEM_NONE, NULL, 0, 1, "geocode-not-used" },
	{ "an area that is only described", INFO_AREA("en", "a", AREA(SQUARE) AREA("")), PROBLEM_CAP_NO_AREA,
	  "alert/info[1]/area[2]", 0, 0, NULL },
	{ "a broken polygon behind a good one", INFO_AREA("en", "a", AREA(SQUARE "<polygon>50,10 51,11</polygon>")),
	  PROBLEM_AREA_POLYGON, "alert/info[1]/area[1]/polygon[2]", 0, 0, NULL },
	{ "a broken circle behind a good one", INFO_AREA("en", "a", AREA(CIRCLE "<circle>50,10</circle>")),
	  PROBLEM_AREA_CIRCLE, "alert/info[1]/area[1]/circle[2]", 0, 0, NULL },
	{ "a broken polygon of a language that is not broadcast",
	  INFO("en", "a") INFO_AREA("de", "b", AREA("<polygon>50,10 51,11</polygon>")), PROBLEM_NONE, NULL, 1, 0,
	  "area-not-broadcast" },
	/* times */
	{ "no expires", INFO_TIMES(""), PROBLEM_CAP_NO_EXPIRES, "alert/info[1]", 0, 0, NULL },
	{ "no expires in the second block", INFO("en", "t") INFO_TIMES(""), PROBLEM_CAP_MIXED_INFO,
	  "alert/info[2]/expires", 0, 0, NULL },
	{ "effective ahead", INFO_TIMES("<effective>2026-06-01T12:00:01+00:00</effective>" EXPIRES), PROBLEM_NONE, NULL, 1, 0,
	  "broadcast-at-once" },
	{ "effective now", INFO_TIMES("<effective>" SENT "</effective>" EXPIRES), PROBLEM_NONE, NULL, 1, 0, NULL },
	{ "onset ahead", INFO_TIMES("<onset>2026-06-01T12:30:00+00:00</onset>" EXPIRES), PROBLEM_NONE, NULL, 1, 0,
	  "broadcast-at-once" },
	/* signature */
	{ "a signature", INFO("en", "a") SIGNATURE, PROBLEM_NONE, NULL, 1, 0, "signature-unchecked" },
};

/* Where the area of another language is left out, its text is too. */
static size_t n_expected(const char *advisory)
{
	return !advisory ? 0 : strcmp(advisory, "area-not-broadcast") ? 1 : 2;
}

static void test_what_is_taken_and_what_is_refused(void **state)
{
	struct alert_draft *draft;
	struct problem problem;
	size_t i;

	(void)state;
	for (i = 0; i < N(bodies); i++) {
		draft = read_infos(bodies[i].infos, no_languages, &problem);
		if (problem.code != bodies[i].code || !draft != !!problem.code)
			fail_msg("%s: %s, %s", bodies[i].name, problem_code_name(problem.code), problem.detail);
		if (bodies[i].where && strcmp(bodies[i].where, problem.where))
			fail_msg("%s: at %s", bodies[i].name, problem.where);
		if (draft && (draft->area->n_rings != bodies[i].n_rings || draft->area->n_circles != bodies[i].n_circles))
			fail_msg("%s: %zu polygons, %zu circles", bodies[i].name, draft->area->n_rings,
				 draft->area->n_circles);
		if (draft && (draft->n_advisories != n_expected(bodies[i].advisory) ||
			      (bodies[i].advisory && !advised(draft, bodies[i].advisory, 1))))
			fail_msg("%s: %zu advisories, %s", bodies[i].name, draft->n_advisories, draft->advisories[0].code);
		talloc_free(draft);
	}
}

/* The area as readers see it (RFC 7946) */

#define POLYGON(text) "<polygon>" text "</polygon>"
#define CIRCLE_OF(text) "<circle>" text "</circle>"
#define DESCRIBED(desc, inner) "<area><areaDesc>" desc "</areaDesc>" inner "</area>"
#define COLLECTION(features, areas) "{\"type\":\"FeatureCollection\",\"features\":[" features "],\"areas\":[" areas "]}"
#define RING_OF(area, ring) "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[" ring "]]}," \
	"\"properties\":{\"area\":" area "}}"
#define DISC_OF(area, centre, radius) "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":" centre "}," \
	"\"properties\":{\"area\":" area ",\"radius_m\":" radius "}}"
#define SAID(desc, n_polygons, n_circles) \
	"{\"description\":\"" desc "\",\"polygons\":" n_polygons ",\"circles\":" n_circles "}"
#define SQUARE_RING "[10,50],[11,50],[11,51],[10,51],[10,50]"

static const struct {
	const char *name;
	const char *infos;
	const char *json;
} areas_told[] = {
	{ "a polygon, longitude before latitude", INFO("en", "a"),
	  COLLECTION(RING_OF("0", SQUARE_RING), SAID("the valley", "1", "0")) },
	{ "a clockwise polygon is turned round",
	  INFO_AREA("en", "a", AREA(POLYGON("50,10 51,10 51,11 50,11 50,10"))),
	  COLLECTION(RING_OF("0", SQUARE_RING), SAID("the valley", "1", "0")) },
	{ "a point said twice counts once", INFO_AREA("en", "a", AREA(POLYGON("50,10 50,11 50.0,11.0 51,11 51,10 50,10"))),
	  COLLECTION(RING_OF("0", SQUARE_RING), SAID("the valley", "1", "0")) },
	{ "a circle in metres", INFO_AREA("en", "a", AREA(CIRCLE)),
	  COLLECTION(DISC_OF("0", "[11,48]", "2500"), SAID("the valley", "0", "1")) },
	{ "no digit is lost", INFO_AREA("en", "a", AREA(CIRCLE_OF("-48.1234567,-0.0000001 0.000001") CIRCLE_OF("90,180 20037")
							 CIRCLE_OF("-0.5,-179.9999999 1234.567891"))),
	  COLLECTION(DISC_OF("0", "[-0.0000001,-48.1234567]", "0.001") "," DISC_OF("0", "[180,90]", "20037000") ","
		     DISC_OF("0", "[-179.9999999,-0.5]", "1234567.891"), SAID("the valley", "0", "3")) },
	{ "a circle without radius is its centre", INFO_AREA("en", "a", AREA(CIRCLE_OF("0,0 0"))),
	  COLLECTION(DISC_OF("0", "[0,0]", "0"), SAID("the valley", "0", "1")) },
	{ "polygons before circles, area by area",
	  INFO_AREA("en", "a", DESCRIBED("west", SQUARE CIRCLE_OF("1,1 1")) DESCRIBED("east", SQUARE SQUARE CIRCLE)),
	  COLLECTION(RING_OF("0", SQUARE_RING) "," DISC_OF("0", "[1,1]", "1000") "," RING_OF("1", SQUARE_RING) ","
		     RING_OF("1", SQUARE_RING) "," DISC_OF("1", "[11,48]", "2500"),
		     SAID("west", "1", "1") "," SAID("east", "2", "1")) },
	{ "all blocks of the language and of no other",
	  INFO_AREA("en", "a", DESCRIBED("one", SQUARE)) INFO_AREA("de", "b", DESCRIBED("anders", CIRCLE_OF("9,9 9"))) INFO_AREA(
		  "EN", "a", DESCRIBED("two", CIRCLE)),
	  COLLECTION(RING_OF("0", SQUARE_RING) "," DISC_OF("1", "[11,48]", "2500"), SAID("one", "1", "0") "," SAID("two", "0", "1")) },
	{ "a geocode beside a circle is not there", INFO_AREA("en", "a", AREA(CIRCLE GEOCODE)),
	  COLLECTION(DISC_OF("0", "[11,48]", "2500"), SAID("the valley", "0", "1")) },
	{ "across the antimeridian, eastward", INFO_AREA("en", "a", AREA(POLYGON("0,179 0,-179 1,-179 1,179 0,179"))),
	  COLLECTION(RING_OF("0", "[179,0],[181,0],[181,1],[179,1],[179,0]"), SAID("the valley", "1", "0")) },
	{ "across the antimeridian, westward", INFO_AREA("en", "a", AREA(POLYGON("0,-179 1,-179 1,179 0,179 0,-179"))),
	  COLLECTION(RING_OF("0", "[-179,0],[-179,1],[-181,1],[-181,0],[-179,0]"), SAID("the valley", "1", "0")) },
	{ "a cut to a hole", INFO_AREA("en", "a", AREA(POLYGON("0,0 0,9 9,9 9,0 0,0 3,3 6,3 6,6 3,6 3,3 0,0"))),
	  COLLECTION(RING_OF("0", "[0,0],[9,0],[9,9],[0,9],[0,0],[3,3],[3,6],[6,6],[6,3],[3,3],[0,0]"),
		     SAID("the valley", "1", "0")) },
	{ "a description of any letters", INFO_AREA("en", "a", DESCRIBED("K\xc3\xb6ln &quot;S&#xfc;d&quot;\n\\", CIRCLE)),
	  COLLECTION(DISC_OF("0", "[11,48]", "2500"), SAID("K\xc3\xb6ln \\\"S\xc3\xbc" "d\\\"\\n\\\\", "0", "1")) },
};

static void test_area_is_told_as_it_was_decided_on(void **state)
{
	struct alert_draft *draft;
	struct problem problem;
	size_t i;

	(void)state;
	for (i = 0; i < N(areas_told); i++) {
		draft = read_infos(areas_told[i].infos, no_languages, &problem);
		if (!draft)
			fail_msg("%s: %s", areas_told[i].name, problem.detail);
		if (strcmp(draft->area_json, areas_told[i].json))
			fail_msg("%s: %s", areas_told[i].name, draft->area_json);
		assert_ptr_equal(talloc_parent(draft->area_json), draft);
		talloc_free(draft);
	}
}

/* A long description must not be told again with each of many shapes. */
static void test_area_is_told_in_little_more_than_the_document(void **state)
{
	char *desc = talloc_zero_size(NULL, 100001), *circles = talloc_strdup(desc, ""), *infos;
	struct alert_draft *draft;
	struct problem problem;
	int i;

	(void)state;
	memset(desc, 'x', 100000);
	for (i = 0; i < 1000; i++)
		circles = talloc_strdup_append_buffer(circles, CIRCLE_OF("1,1 1"));
	infos = talloc_asprintf(desc, INFO_AREA("en", "a", DESCRIBED("%s", "%s")), desc, circles);
	draft = read_infos(infos, no_languages, &problem);
	assert_non_null(draft);
	assert_true(strlen(draft->area_json) < 100000 + 1000 * 150);
	talloc_free(draft);
	talloc_free(desc);
}

/* Kinds of alerts, and the clock */

#define REFERENCES "<references>met@example.org,flood-0,2026-06-01T11:00:00+00:00</references>"

static const struct {
	const char *name;
	const char *sent, *status, *msg_type, *scope, *rest;
	int64_t now;
	enum problem_code code;
} kinds[] = {
	{ "Actual", SENT, "Actual", "Alert", "Public", INFO("en", "a"), NOW, PROBLEM_NONE },
	{ "Test", SENT, "Test", "Alert", "Public", INFO("en", "a"), NOW, PROBLEM_NONE },
	{ "Exercise", SENT, "Exercise", "Alert", "Public", INFO("en", "a"), NOW, PROBLEM_NONE },
	{ "System", SENT, "System", "Alert", "Public", INFO("en", "a"), NOW, PROBLEM_CAP_STATUS },
	{ "Draft", SENT, "Draft", "Alert", "Public", INFO("en", "a"), NOW, PROBLEM_CAP_STATUS },
	{ "a Draft of a Cancel", SENT, "Draft", "Cancel", "Public", REFERENCES, NOW, PROBLEM_CAP_STATUS },
	{ "Restricted", SENT, "Actual", "Alert", "Restricted", INFO("en", "a"), NOW, PROBLEM_CAP_NOT_PUBLIC },
	{ "Private", SENT, "Actual", "Alert", "Private", "<addresses>a@b</addresses>" INFO("en", "a"), NOW,
	  PROBLEM_CAP_NOT_PUBLIC },
	{ "Update", SENT, "Actual", "Update", "Public", REFERENCES INFO("en", "a"), NOW, PROBLEM_CAP_MSG_TYPE },
	{ "Ack", SENT, "Actual", "Ack", "Public", REFERENCES, NOW, PROBLEM_CAP_MSG_TYPE },
	{ "Error", SENT, "Actual", "Error", "Public", REFERENCES, NOW, PROBLEM_CAP_MSG_TYPE },
	{ "Cancel", SENT, "Actual", "Cancel", "Public", REFERENCES, NOW, PROBLEM_NONE },
	{ "Alert without info", SENT, "Actual", "Alert", "Public", "", NOW, PROBLEM_CAP_NO_INFO },
	{ "sent 300 s ahead", SENT, "Actual", "Alert", "Public", INFO("en", "a"), NOW - 300, PROBLEM_NONE },
	{ "sent 301 s ahead", SENT, "Actual", "Alert", "Public", INFO("en", "a"), NOW - 301, PROBLEM_CAP_SENT_FUTURE },
	{ "sent a year ahead", SENT, "Actual", "Alert", "Public", INFO("en", "a"), NOW - 31536000, PROBLEM_CAP_SENT_FUTURE },
	{ "a Cancel sent 301 s ahead", SENT, "Actual", "Cancel", "Public", REFERENCES, NOW - 301, PROBLEM_CAP_SENT_FUTURE },
	{ "sent 300 s ago", SENT, "Actual", "Alert", "Public", INFO("en", "a"), NOW + 300, PROBLEM_NONE },
	{ "its last second", SENT, "Actual", "Alert", "Public", INFO("en", "a"), NOW + 3599, PROBLEM_NONE },
	{ "the second of its end", SENT, "Actual", "Alert", "Public", INFO("en", "a"), NOW + 3600, PROBLEM_CAP_EXPIRED },
	{ "sent long ago", SENT, "Actual", "Alert", "Public", INFO("en", "a"), NOW + 31536000, PROBLEM_CAP_EXPIRED },
	{ "a Cancel sent long ago", SENT, "Actual", "Cancel", "Public", REFERENCES, NOW + 31536000, PROBLEM_NONE },
	{ "no XML", SENT, "Actual", "Alert", "Public", "<", NOW, PROBLEM_CAP_NOT_WELL_FORMED },
};

static void test_kinds_of_alerts_and_the_clock(void **state)
{
	struct alert_draft *draft;
	struct problem problem;
	size_t i;
	char *text;

	(void)state;
	for (i = 0; i < N(kinds); i++) {
		text = alert_text(kinds[i].sent, kinds[i].status, kinds[i].msg_type, kinds[i].scope, kinds[i].rest);
		draft = read_text(text, "met", no_languages, kinds[i].now, &problem);
		if (problem.code != kinds[i].code || !draft != !!problem.code)
			fail_msg("%s: %s, %s", kinds[i].name, problem_code_name(problem.code), problem.detail);
		talloc_free(draft);
		talloc_free(text);
	}
}

static void test_cancel_has_no_language_and_no_area(void **state)
{
	char *text = alert_text(SENT, "Actual", "Cancel", "Public", REFERENCES INFO("en", "all clear"));
	struct problem problem;
	struct alert_draft *draft = read_text(text, "met", no_languages, NOW, &problem);

	(void)state;
	assert_non_null(draft);
	assert_null(draft->language);
	assert_null(draft->area);
	assert_null(draft->area_json);
	assert_int_equal(draft->cap->n_references, 1);
	assert_int_equal(draft->n_advisories, 1);
	assert_true(advised(draft, "cancel-text-not-broadcast", 1));
	talloc_free(draft);
	talloc_free(text);
}

static void test_draft_keeps_what_was_received(void **state)
{
	char *text = alert_text(SENT, "Actual", "Alert", "Public", INFO("en", "a"));
	struct problem problem;
	struct alert_draft *draft = read_text(text, "met", no_languages, NOW, &problem);
	uint8_t sha256[DIGEST_LEN];

	(void)state;
	assert_non_null(draft);
	assert_int_equal(draft->len, strlen(text));
	assert_memory_equal(draft->bytes, text, draft->len);
	assert_int_equal(digest_sha256(text, strlen(text), sha256), 0);
	assert_memory_equal(draft->sha256, sha256, sizeof(sha256));
	assert_string_equal(draft->originator, "met");
	assert_string_equal(draft->source, "cap");
	assert_ptr_equal(talloc_parent(draft->bytes), draft);
	talloc_free(draft);
	talloc_free(text);
}

static void test_refused_draft_leaves_nothing_behind(void **state)
{
	static const char text[] = "no alert";
	void *ctx = talloc_new(NULL);
	struct problem problem;

	(void)state;
	assert_null(alert_draft_read(ctx, "met", talloc_memdup(ctx, text, sizeof(text)), sizeof(text), no_languages,
				     NOW, &problem));
	assert_int_equal(talloc_total_blocks(ctx), 1);
	talloc_free(ctx);
}

/* Identity */

static const char *const spellings[] = {
	"2026-06-01T12:00:00+00:00", "2026-06-01T12:00:00-00:00", "2026-06-01T14:00:00+02:00",
	"2026-06-01T06:30:00-05:30", "2026-06-02T02:00:00+14:00",
};

static void test_id_does_not_depend_on_the_spelling_of_an_instant(void **state)
{
	struct alert_draft *draft;
	struct problem problem;
	size_t i;
	char *text;

	(void)state;
	for (i = 0; i < N(spellings); i++) {
		text = alert_text(spellings[i], "Actual", "Alert", "Public", INFO("en", "a"));
		draft = read_text(text, "met", no_languages, NOW, &problem);
		assert_non_null(draft);
		/* printf 'met\nmet@example.org\nflood-1\n1780315200' | sha256sum */
		assert_string_equal(draft->id, "a9db71a2b30001d319ad");
		talloc_free(draft);
		talloc_free(text);
	}
}

static const struct {
	const char *originator, *sender, *identifier;
	int64_t sent_utc;
} identities[] = {
	{ "met", "met@example.org", "flood-1", NOW },
	{ "civ", "met@example.org", "flood-1", NOW },
	{ "", "met@example.org", "flood-1", NOW },
	{ "met", "civ@example.org", "flood-1", NOW },
	{ "met", "met@example.org", "flood-2", NOW },
	{ "met", "met@example.org", "flood-1", NOW + 1 },
	{ "met", "met@example.orgflood-1", "", NOW },
	{ "metmet@example.org", "", "flood-1", NOW },
	{ "met", "met@example.org", "flood-11", NOW % 1000000000 },
};

static void test_every_part_of_the_identity_counts(void **state)
{
	char id[N(identities)][ALERT_ID_LEN + 1];
	size_t i, j;

	(void)state;
	for (i = 0; i < N(identities); i++) {
		alert_id_make(identities[i].originator, identities[i].sender, identities[i].identifier,
			      identities[i].sent_utc, id[i]);
		assert_int_equal(strlen(id[i]), ALERT_ID_LEN);
		for (j = 0; j < i; j++)
			assert_string_not_equal(id[i], id[j]);
	}
	assert_string_equal(id[0], "a9db71a2b30001d319ad");
}

/* Advisories */

static void test_advisories_are_bounded(void **state)
{
	char *infos = talloc_strdup(NULL, INFO("en", "a"));
	struct alert_draft *draft;
	struct problem problem;
	size_t n;
	int i;

	(void)state;
	for (i = 0; i < MAX_ADVISORIES + 4; i++)
		infos = talloc_asprintf_append(infos, INFO("x%c", "b"), 'a' + i);
	draft = read_infos(infos, no_languages, &problem);
	assert_non_null(draft);
	assert_int_equal(draft->n_advisories, MAX_ADVISORIES);
	for (n = 0; n < draft->n_advisories; n++)
		assert_string_equal(draft->advisories[n].code, "language-not-broadcast");
	talloc_free(draft);
	talloc_free(infos);
}

static void test_long_advisory_is_cut(void **state)
{
	struct alert_draft draft = { 0 };

	(void)state;
	alert_draft_advise(&draft, "long", "%0500d", 0);
	assert_int_equal(draft.n_advisories, 1);
	assert_int_equal(strlen(draft.advisories[0].detail), sizeof(draft.advisories[0].detail) - 1);
}

static int start(void **state)
{
	(void)state;
	return cap_init();
}

static int stop(void **state)
{
	(void)state;
	cap_exit();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_language_that_is_broadcast),
		cmocka_unit_test(test_what_is_taken_and_what_is_refused),
		cmocka_unit_test(test_area_is_told_as_it_was_decided_on),
		cmocka_unit_test(test_area_is_told_in_little_more_than_the_document),
		cmocka_unit_test(test_kinds_of_alerts_and_the_clock),
		cmocka_unit_test(test_cancel_has_no_language_and_no_area),
		cmocka_unit_test(test_draft_keeps_what_was_received),
		cmocka_unit_test(test_refused_draft_leaves_nothing_behind),
		cmocka_unit_test(test_id_does_not_depend_on_the_spelling_of_an_instant),
		cmocka_unit_test(test_every_part_of_the_identity_counts),
		cmocka_unit_test(test_advisories_are_bounded),
		cmocka_unit_test(test_long_advisory_is_cut),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
