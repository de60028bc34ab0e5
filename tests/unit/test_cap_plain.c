/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The quick check of the schema: its yes is judged by libxml2, which reads the schema itself. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <talloc.h>

#include <tocsin/cap/cap.h>

#include "../../src/cap/cap_xml.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define HEAD "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">"

struct verdicts {
	bool plain, valid;
};

static struct verdicts judge(const char *text)
{
	struct problem problem = { 0 };
	xmlDocPtr doc = cap_xml_read((struct cap_octets){ text, strlen(text) }, &problem);
	struct verdicts v = { false, false };

	if (!doc)
		return v;
	v.plain = cap_plainly_valid(doc);
	v.valid = cap_schema_validate(doc, &problem) == 0;
	xmlFreeDoc(doc);
	return v;
}

/* ---- documents by hand ------------------------------------------------------------------- */

#define TOP \
	"<identifier>i</identifier>\n<sender>s</sender> <sent>2026-11-23T12:00:00-00:00</sent>\t" \
	"<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
#define INFO(start, end) \
	"<info>" start "<category>Met</category><event/><urgency>Past</urgency>" \
	"<severity>Minor</severity><certainty>Likely</certainty>" end "</info>"

static const struct hand {
	const char *name;
	const char *text;
	struct verdicts expected;
} hand[] = {
	{ "the least alert is plain", HEAD TOP "</alert>", { true, true } },
	{ "an alert with an info is plain", HEAD TOP INFO("<language>de-AT</language>",
	  "<onset>2026-12-31T23:59:59+13:59</onset><web>https://example.org/a?b=c</web>"
	  "<parameter><valueName>a</valueName><value/></parameter>"
	  "<resource><resourceDesc/><mimeType/><size>12</size></resource>"
	  "<area><areaDesc>x</areaDesc><polygon>1,1</polygon><polygon/><circle>1,1 1</circle>"
	  "<geocode><valueName/><value/></geocode><altitude>3</altitude></area>")
	  INFO("", "") "</alert>", { true, true } },
	{ "a prefix may stand for the namespace",
	  "<c:alert xmlns:c=\"urn:oasis:names:tc:emergency:cap:1.2\"><c:identifier/><c:sender/>"
	  "<c:sent>2026-11-23T12:00:00-00:00</c:sent><c:status>Test</c:status><c:msgType>Ack</c:msgType>"
	  "<c:scope>Private</c:scope></c:alert>", { true, true } },
	{ "an attribute that the schema knows is left to libxml2",
	  "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\" xsi:schemaLocation=\"a b\" "
	  "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">" TOP "</alert>", { false, true } },
	{ "a leap day is left to libxml2", HEAD TOP INFO("",
	  "<expires>2028-02-29T12:00:00-00:00</expires>") "</alert>", { false, true } },
	{ "a language of three letters is left to libxml2", HEAD TOP INFO("<language>gsw</language>", "")
	  "</alert>", { false, true } },
	{ "a signature is left to libxml2", HEAD TOP
	  "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/></alert>", { false, true } },
	{ "an attribute that the schema does not know is not plain", HEAD TOP INFO("", "<web a=\"1\"/>")
	  "</alert>", { false, false } },
	{ "text between elements is not plain", HEAD TOP "x</alert>", { false, false } },
	{ "an element in a text is not plain", HEAD TOP "<note><identifier/></note></alert>",
	  { false, false } },
	{ "elements out of order are not plain", HEAD TOP "<incidents/><note/></alert>",
	  { false, false } },
	{ "an element twice is not plain", HEAD TOP "<note/><note/></alert>", { false, false } },
	{ "an element of no namespace is not plain", HEAD TOP "<note xmlns=\"\"/></alert>",
	  { false, false } },
	{ "an element less at the end is not plain", HEAD TOP "<info><category>Met</category></info></alert>",
	  { false, false } },
	{ "an element less at the start is not plain", HEAD "<sender/></alert>", { false, false } },
	{ "an alert of nothing is not plain", HEAD "</alert>", { false, false } },
	{ "a value with a blank is not plain", HEAD TOP INFO("<category> Met</category>", "") "</alert>",
	  { false, false } },
	{ "the 31st of June is not plain", HEAD TOP INFO("",
	  "<expires>2026-06-31T12:00:00-00:00</expires>") "</alert>", { false, false } },
};

static void judged_by_hand(void **state)
{
	const struct hand *h = *state;
	struct verdicts v = judge(h->text);

	assert_int_equal(v.valid, h->expected.valid);
	assert_int_equal(v.plain, h->expected.plain);
}

/* ---- documents by chance ----------------------------------------------------------------- */

static uint64_t next_random(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* What an element holds, and how often it is there at least and at most. */
struct element {
	const char *name;
	const char *values;	/* one is chosen, between bars; NULL: the children */
	const struct element *children;
	unsigned int least, most;
};

#define TIMES "2026-11-23T12:00:00-00:00|2026-02-28T00:00:00+13:59|2026-11-30T23:59:59-01:00|" \
	"2026-02-29T12:00:00+01:00|2026-11-31T12:00:00+01:00|2026-11-23T24:00:00+01:00|" \
	"2026-11-23T12:00:60+01:00|2026-11-23T12:00:00Z|2026-11-23T12:00:00,01:00|" \
	"2026-11-23T12:00:00+14:00|2026-13-23T12:00:00+01:00|2026-11-00T12:00:00+01:00|" \
	" 2026-11-23T12:00:00-00:00 |2026-11-23T12:00:00.5-00:00|"
#define ADDRESSES "http://example.org/|https://a?b=c/d~e-f_g|http://|http:///|http://a b|" \
	"http://[|http://a:b|http://%zz|http://?=/&amp;|mailto:a|"
#define NUMBERS "1|0012|123456789|1.5|-3|.5|1e3|12345678901234567890| 7 |seven|"

static const struct element pair[] = {
	{ "valueName", "|a", NULL, 1, 1 },
	{ "value", "|b", NULL, 1, 1 },
	{ 0 },
};

static const struct element resource[] = {
	{ "resourceDesc", "r|", NULL, 1, 1 },
	{ "mimeType", "m/t|", NULL, 1, 1 },
	{ "size", NUMBERS, NULL, 0, 1 },
	{ "uri", ADDRESSES, NULL, 0, 1 },
	{ "derefUri", "|AAAA", NULL, 0, 1 },
	{ "digest", "|d", NULL, 0, 1 },
	{ 0 },
};

static const struct element area[] = {
	{ "areaDesc", "a|", NULL, 1, 1 },
	{ "polygon", "1,1 1,2 2,2 1,1|", NULL, 0, 2 },
	{ "circle", "1,1 1|", NULL, 0, 2 },
	{ "geocode", NULL, pair, 0, 2 },
	{ "altitude", NUMBERS, NULL, 0, 1 },
	{ "ceiling", NUMBERS, NULL, 0, 1 },
	{ 0 },
};

static const struct element info[] = {
	{ "language", "en|en-US|de-AT|deu|e|x-a|en-|zh-Hant-TW|1|", NULL, 0, 1 },
	{ "category", "Met|Geo|CBRNE|Other|met| Met|", NULL, 1, 2 },
	{ "event", "e|", NULL, 1, 1 },
	{ "responseType", "Shelter|AllClear|None|none", NULL, 0, 2 },
	{ "urgency", "Immediate|Unknown|Now", NULL, 1, 1 },
	{ "severity", "Extreme|Unknown|High", NULL, 1, 1 },
	{ "certainty", "Observed|Unknown|Very Likely", NULL, 1, 1 },
	{ "audience", "|a", NULL, 0, 1 },
	{ "eventCode", NULL, pair, 0, 2 },
	{ "effective", TIMES, NULL, 0, 1 },
	{ "onset", TIMES, NULL, 0, 1 },
	{ "expires", TIMES, NULL, 0, 1 },
	{ "senderName", "|s", NULL, 0, 1 },
	{ "headline", "h|&lt;", NULL, 0, 1 },
	{ "description", "d|<![CDATA[<d>]]>", NULL, 0, 1 },
	{ "instruction", "i|<!-- --> ", NULL, 0, 1 },
	{ "web", ADDRESSES, NULL, 0, 1 },
	{ "contact", "c|", NULL, 0, 1 },
	{ "parameter", NULL, pair, 0, 2 },
	{ "resource", NULL, resource, 0, 1 },
	{ "area", NULL, area, 0, 2 },
	{ 0 },
};

static const struct element top[] = {
	{ "identifier", "i|", NULL, 1, 1 },
	{ "sender", "s|", NULL, 1, 1 },
	{ "sent", TIMES, NULL, 1, 1 },
	{ "status", "Actual|Draft|Real", NULL, 1, 1 },
	{ "msgType", "Alert|Error|Alarm", NULL, 1, 1 },
	{ "source", "|s", NULL, 0, 1 },
	{ "scope", "Public|Private|All", NULL, 1, 1 },
	{ "restriction", "|r", NULL, 0, 1 },
	{ "addresses", "|a", NULL, 0, 1 },
	{ "code", "|c", NULL, 0, 2 },
	{ "note", "|n", NULL, 0, 1 },
	{ "references", "|r", NULL, 0, 1 },
	{ "incidents", "|i", NULL, 0, 1 },
	{ "info", NULL, info, 0, 2 },
	{ 0 },
};

struct writer {
	uint64_t seed;
	unsigned int odds;	/* one in so many is not as it should be */
	char *text;
};

static bool strange(struct writer *w)
{
	return next_random(&w->seed) % w->odds == 0;
}

static void put(struct writer *w, const char *text, size_t len)
{
	w->text = talloc_strndup_append_buffer(w->text, text, len);
}

/* The first of the values, as a rule. */
static void put_value(struct writer *w, const char *values)
{
	while (values[strcspn(values, "|")] && (strange(w) || next_random(&w->seed) % 3 == 0))
		values += strcspn(values, "|") + 1;
	put(w, values, strcspn(values, "|"));
}

static void put_elements(struct writer *w, const struct element *e);

static void put_element(struct writer *w, const struct element *e)
{
	static const char *const attributes[] = {
		" xmlns=\"\"", " xmlns:q=\"urn:q\"", " a=\"1\"", " xml:lang=\"en\"",
		" xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"",
		" xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"false\"",
	};
	const char *attribute = "";

	if (strange(w))
		attribute = attributes[next_random(&w->seed) % LENGTH(attributes)];
	w->text = talloc_asprintf_append_buffer(w->text, "<%s%s>", e->name, attribute);
	if (e->children)
		put_elements(w, e->children);
	else
		put_value(w, e->values);
	w->text = talloc_asprintf_append_buffer(w->text, "</%s>%s", e->name,
						strange(w) ? "x" : strange(w) ? "&#13;" : "\n");
}

static void put_elements(struct writer *w, const struct element *e)
{
	unsigned int n;

	for (; e->name; e++) {
		n = e->least + next_random(&w->seed) % (e->most - e->least + 1);
		if (strange(w))
			n = next_random(&w->seed) % 3;
		while (n--)
			put_element(w, e);
		/* The next one comes too early, or one of another place. */
		if (strange(w))
			put_element(w, e[1].name ? &e[1] : &pair[0]);
	}
}

static void what_is_plainly_valid_is_valid_by_the_schema(void **state)
{
	static const unsigned int odds[] = { 1000000, 200, 50, 15 };
	unsigned int plain = 0, valid = 0, refused = 0, round, rounds = 12000;

	(void)state;
	for (round = 0; round < rounds; round++) {
		struct writer w = { .seed = round, .odds = odds[round % LENGTH(odds)],
				    .text = talloc_strdup(NULL, HEAD) };
		struct verdicts v;

		put_elements(&w, top);
		put(&w, "</alert>", 8);
		v = judge(w.text);
		if (v.plain && !v.valid)
			fail_msg("seed %u: %s", round, w.text);
		plain += v.plain;
		valid += v.valid;
		refused += !v.valid;
		talloc_free(w.text);
	}
	if (plain < 1000 || valid < plain + 100 || refused < 1000)
		fail_msg("%u plain, %u valid, %u refused", plain, valid, refused);
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
	struct CMUnitTest tests[LENGTH(hand) + 1];
	size_t i;

	for (i = 0; i < LENGTH(hand); i++)
		tests[i] = (struct CMUnitTest){ hand[i].name, judged_by_hand, NULL, NULL,
						(void *)&hand[i] };
	tests[i] = (struct CMUnitTest)cmocka_unit_test(what_is_plainly_valid_is_valid_by_the_schema);
	return cmocka_run_group_tests_name("cap_plain", tests, setup, teardown);
}
