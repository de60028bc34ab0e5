/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From the tree to struct cap_alert. The schema has been checked before, so order, number and
 * spelling of the elements are known to be right here; each element that is kept has a line in
 * one of the tables below, which says how it is read and where it goes. */

#include <tocsin/cap/cap.h>

#include "cap_names.h"
#include "cap_xml.h"

#include <errno.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/base/clock.h>

#define NS_DSIG "http://www.w3.org/2000/09/xmldsig#"

struct reader {
	struct cap_alert *alert;	/* owns all that is allocated */
	struct problem *problem;
};

/* How one element is read. */
struct field {
	const char *name;
	/* Takes the struct that the element belongs to; returns 0 or a negative errno. */
	int (*read)(struct reader *r, const xmlNode *node, const struct field *field, void *owner);
	size_t offset;			/* of the member, where read() works for several */
	const struct cap_names *names;	/* of an enumeration */
};

/* Enumerations are stored through unsigned int. */
_Static_assert(sizeof(enum cap_status) == sizeof(unsigned int), "enumerations are ints");

static int fail(struct reader *r, const xmlNode *node, enum problem_code code, const char *what,
		const char *value)
{
	char where[sizeof(r->problem->where)];

	return problem_set(r->problem, code, cap_xml_path(node, where, sizeof(where)),
			   cap_xml_line(node), "\"%.*s\" %s", cap_clip(value, 100), value, what);
}

static int no_memory(struct reader *r)
{
	problem_set(r->problem, PROBLEM_NO_MEMORY, NULL, 0, "The alert does not fit into memory.");
	return -ENOMEM;
}

/* Copies printable ASCII, eight octets at a time, until something else is among them.
 * \returns how many octets. */
static size_t copy_plain(char *out, const char *text, size_t len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t octets;
	size_t n;

	for (n = 0; n + sizeof(octets) <= len; n += sizeof(octets)) {
		memcpy(&octets, text + n, sizeof(octets));
		/* A top bit for each octet beyond 0x7f, of 0x7f, and below 0x20. */
		if ((octets | (octets + ones) | (octets - 0x20 * ones)) & tops)
			break;
		memcpy(out + n, &octets, sizeof(octets));
	}
	return n;
}

/* Control characters do not belong on a phone or in a log line. CR (as &#13;) and NEL end a line;
 * the others become a blank rather than nothing, so that no two words or numbers grow together. */
static size_t clean(char *out, const char *text, size_t len)
{
	const char *start = out, *end = text + len;

	while (text < end) {
		size_t plain = copy_plain(out, text, end - text);
		unsigned char c, next;

		out += plain;
		text += plain;
		if (text == end)
			break;
		c = *text++;
		next = *text;
		if (c == 0xc2 && next >= 0x80 && next <= 0x9f) {
			*out++ = next == 0x85 ? '\n' : ' ';
			text++;
		} else if (c == '\r') {
			if (next != '\n')
				*out++ = '\n';
		} else if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f) {
			*out++ = ' ';
		} else {
			*out++ = c;
		}
	}
	return out - start;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static void trim(char *text, size_t len)
{
	size_t start = 0;

	while (len && is_blank(text[len - 1]))
		len--;
	while (start < len && is_blank(text[start]))
		start++;
	if (start)
		memmove(text, text + start, len - start);
	text[len - start] = '\0';
}

/* Text of an element, cleaned and trimmed; NULL without memory. */
static char *text_of(struct reader *r, const xmlNode *node)
{
	const xmlNode *child;
	size_t len = 0;
	char *text;

	for (child = node->children; child; child = child->next)
		len += child->type == XML_TEXT_NODE ? strlen((const char *)child->content) : 0;
	text = talloc_array(r->alert, char, len + 1);
	if (!text)
		return NULL;
	len = 0;
	for (child = node->children; child; child = child->next) {
		if (child->type == XML_TEXT_NODE)
			len += clean(text + len, (const char *)child->content,
				     strlen((const char *)child->content));
	}
	trim(text, len);
	return text;
}

static int read_required(struct reader *r, const xmlNode *node, const struct field *field,
			 void *owner)
{
	char *text = text_of(r, node);

	*(const char **)((char *)owner + field->offset) = text;
	return text ? 0 : no_memory(r);
}

/* Senders fill unused elements of a form with nothing; that says as much as leaving them out. */
static int read_text(struct reader *r, const xmlNode *node, const struct field *field, void *owner)
{
	char *text = text_of(r, node);

	if (!text)
		return no_memory(r);
	if (*text)
		*(const char **)((char *)owner + field->offset) = text;
	return 0;
}

static int read_enum(struct reader *r, const xmlNode *node, const struct field *field, void *owner)
{
	char *text = text_of(r, node);
	int value = text ? cap_names_find(field->names, text) : 0;

	if (!text)
		return no_memory(r);
	if (value < 0)
		return fail(r, node, PROBLEM_CAP_SCHEMA, "is no value of this element.", text);
	*(unsigned int *)((char *)owner + field->offset) = value;
	return 0;
}

/* One value of a set that is kept as bits. */
static int read_flag(struct reader *r, const xmlNode *node, const struct field *field, void *owner)
{
	char *text = text_of(r, node);
	int value = text ? cap_names_find(field->names, text) : 0;

	if (!text)
		return no_memory(r);
	if (value < 0)
		return fail(r, node, PROBLEM_CAP_SCHEMA, "is no value of this element.", text);
	*(unsigned int *)((char *)owner + field->offset) |= 1u << value;
	return 0;
}

/* CAP 3.3.2. 0 means absent in the structs, so 1970 and before cannot be told. */
static int parse_time(const char *text, int64_t *utc)
{
	int64_t t;

	if (clock_parse(text, &t) < 0 || t <= 0)
		return -EINVAL;
	*utc = t;
	return 0;
}

static int read_time(struct reader *r, const xmlNode *node, const struct field *field, void *owner)
{
	char *text = text_of(r, node);

	if (!text)
		return no_memory(r);
	if (parse_time(text, (int64_t *)((char *)owner + field->offset)) < 0)
		return fail(r, node, PROBLEM_CAP_TIME, "is not a time after 1970 of the form "
			    "YYYY-MM-DDThh:mm:ss+hh:mm.", text);
	return 0;
}

static int read_sent(struct reader *r, const xmlNode *node, const struct field *field, void *owner)
{
	struct cap_alert *alert = owner;

	alert->sent_text = text_of(r, node);
	return alert->sent_text ? read_time(r, node, field, owner) : no_memory(r);
}

static int count(struct reader *r, const xmlNode *node, const struct field *field, void *owner)
{
	(void)r;
	(void)node;
	(*(size_t *)((char *)owner + field->offset))++;
	return 0;
}

static int read_fields(struct reader *r, const xmlNode *node, const struct field *fields,
		       void *owner)
{
	const struct field *field;
	const xmlNode *child;
	int rc;

	for (child = node->children; child; child = child->next) {
		if (child->type != XML_ELEMENT_NODE)
			continue;
		for (field = fields; field->name; field++) {
			if (!strcmp(field->name, (const char *)child->name))
				break;
		}
		rc = field->name ? field->read(r, child, field, owner) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Arrays grow to powers of two, so that a document of many areas does not copy them each time. */
static bool is_full(size_t n)
{
	return !(n & (n - 1));
}

static size_t grown(size_t n)
{
	return n ? 2 * n : 1;
}

static int add_pair(struct reader *r, const xmlNode *node, struct cap_pair **pairs, size_t *n)
{
	static const struct field fields[] = {
		{ "valueName", read_required, offsetof(struct cap_pair, name), NULL },
		{ "value", read_required, offsetof(struct cap_pair, value), NULL },
		{ 0 },
	};
	struct cap_pair *pair;

	if (is_full(*n)) {
		pair = talloc_realloc(r->alert, *pairs, struct cap_pair, grown(*n));
		if (!pair)
			return no_memory(r);
		*pairs = pair;
	}
	pair = *pairs + (*n)++;
	*pair = (struct cap_pair){ .name = "", .value = "", .line = cap_xml_line(node) };
	return read_fields(r, node, fields, pair);
}

static int add_text(struct reader *r, const xmlNode *node, struct cap_text **texts, size_t *n)
{
	char *text = text_of(r, node);
	struct cap_text *grow;

	if (!text)
		return no_memory(r);
	if (is_full(*n)) {
		grow = talloc_realloc(r->alert, *texts, struct cap_text, grown(*n));
		if (!grow)
			return no_memory(r);
		*texts = grow;
	}
	(*texts)[(*n)++] = (struct cap_text){ text, cap_xml_line(node) };
	return 0;
}

static int read_polygon(struct reader *r, const xmlNode *node, const struct field *field,
			void *owner)
{
	struct cap_area *area = owner;

	(void)field;
	return add_text(r, node, &area->polygons, &area->n_polygons);
}

static int read_circle(struct reader *r, const xmlNode *node, const struct field *field,
		       void *owner)
{
	struct cap_area *area = owner;

	(void)field;
	return add_text(r, node, &area->circles, &area->n_circles);
}

static int read_geocode(struct reader *r, const xmlNode *node, const struct field *field,
			void *owner)
{
	struct cap_area *area = owner;

	(void)field;
	return add_pair(r, node, &area->geocodes, &area->n_geocodes);
}

/* CAP 1.2, 3.2.4. Altitude and ceiling say nothing about who stands in a cell. */
static const struct field area_fields[] = {
	{ "areaDesc", read_required, offsetof(struct cap_area, desc), NULL },
	{ "polygon", read_polygon, 0, NULL },
	{ "circle", read_circle, 0, NULL },
	{ "geocode", read_geocode, 0, NULL },
	{ 0 },
};

static int read_area(struct reader *r, const xmlNode *node, const struct field *field, void *owner)
{
	struct cap_info *info = owner;
	struct cap_area *area;

	(void)field;
	if (is_full(info->n_areas)) {
		area = talloc_realloc(r->alert, info->areas, struct cap_area, grown(info->n_areas));
		if (!area)
			return no_memory(r);
		info->areas = area;
	}
	area = info->areas + info->n_areas++;
	*area = (struct cap_area){ .desc = "", .line = cap_xml_line(node) };
	return read_fields(r, node, area_fields, area);
}

static int read_event_code(struct reader *r, const xmlNode *node, const struct field *field,
			   void *owner)
{
	struct cap_info *info = owner;

	(void)field;
	return add_pair(r, node, &info->event_codes, &info->n_event_codes);
}

static int read_parameter(struct reader *r, const xmlNode *node, const struct field *field,
			  void *owner)
{
	struct cap_info *info = owner;

	(void)field;
	return add_pair(r, node, &info->parameters, &info->n_parameters);
}

#define AT(member) offsetof(struct cap_info, member)
/* CAP 1.2, 3.2.2 */
static const struct field info_fields[] = {
	{ "language", read_text, AT(language), NULL },
	{ "category", read_flag, AT(categories), &cap_category_names },
	{ "event", read_required, AT(event), NULL },
	{ "responseType", read_flag, AT(response_types), &cap_response_type_names },
	{ "urgency", read_enum, AT(urgency), &cap_urgency_names },
	{ "severity", read_enum, AT(severity), &cap_severity_names },
	{ "certainty", read_enum, AT(certainty), &cap_certainty_names },
	{ "audience", read_text, AT(audience), NULL },
	{ "eventCode", read_event_code, 0, NULL },
	{ "effective", read_time, AT(effective_utc), NULL },
	{ "onset", read_time, AT(onset_utc), NULL },
	{ "expires", read_time, AT(expires_utc), NULL },
	{ "senderName", read_text, AT(sender_name), NULL },
	{ "headline", read_text, AT(headline), NULL },
	{ "description", read_text, AT(description), NULL },
	{ "instruction", read_text, AT(instruction), NULL },
	{ "web", read_text, AT(web), NULL },
	{ "contact", read_text, AT(contact), NULL },
	{ "parameter", read_parameter, 0, NULL },
	{ "resource", count, AT(n_resources), NULL },
	{ "area", read_area, 0, NULL },
	{ 0 },
};
#undef AT

static int read_info(struct reader *r, const xmlNode *node, const struct field *field, void *owner)
{
	struct cap_alert *alert = owner;
	struct cap_info *info;

	(void)field;
	if (is_full(alert->n_infos)) {
		info = talloc_realloc(alert, alert->infos, struct cap_info, grown(alert->n_infos));
		if (!info)
			return no_memory(r);
		alert->infos = info;
	}
	info = alert->infos + alert->n_infos++;
	/* CAP 1.2, 3.2.2: without a language, or with an empty one, it is en-US. */
	*info = (struct cap_info){ .language = "en-US", .event = "", .line = cap_xml_line(node) };
	return read_fields(r, node, info_fields, info);
}

static int read_code(struct reader *r, const xmlNode *node, const struct field *field, void *owner)
{
	struct cap_alert *alert = owner;

	(void)field;
	return add_text(r, node, &alert->codes, &alert->n_codes);
}

/* "sender,identifier,sent" (CAP 1.2, 3.2.1). Neither of the first two may hold a comma, so there
 * are exactly two. Cuts the text in place. */
static int parse_reference(char *text, struct cap_reference *ref)
{
	char *identifier = strchr(text, ',');
	char *sent = identifier ? strchr(identifier + 1, ',') : NULL;

	if (!sent || identifier == text || sent == identifier + 1 ||
	    parse_time(sent + 1, &ref->sent_utc) < 0)
		return -EINVAL;
	*identifier = *sent = '\0';
	ref->sender = text;
	ref->identifier = identifier + 1;
	return 0;
}

static int add_reference(struct reader *r, const xmlNode *node, char *text)
{
	struct cap_alert *alert = r->alert;
	struct cap_reference ref, *grow;

	if (parse_reference(text, &ref) < 0)
		return fail(r, node, PROBLEM_CAP_REFERENCES,
			    "is not \"sender,identifier,sent\".", text);
	if (is_full(alert->n_references)) {
		grow = talloc_realloc(alert, alert->references, struct cap_reference,
				      grown(alert->n_references));
		if (!grow)
			return no_memory(r);
		alert->references = grow;
	}
	alert->references[alert->n_references++] = ref;
	return 0;
}

static int read_references(struct reader *r, const xmlNode *node, const struct field *field,
			   void *owner)
{
	struct cap_alert *alert = owner;
	static const char blanks[] = " \t\n";
	char *text = text_of(r, node), *save = NULL, *word;
	int rc = 0;

	(void)field;
	if (!text)
		return no_memory(r);
	alert->references_line = cap_xml_line(node);
	word = strtok_r(text, blanks, &save);
	for (; word && !rc; word = strtok_r(NULL, blanks, &save))
		rc = add_reference(r, node, word);
	return rc;
}

/* CAP 1.2, 3.3.4.1. The schema lets other elements of the signature namespace pass, too. */
static int read_signature(struct reader *r, const xmlNode *node, const struct field *field,
			  void *owner)
{
	struct cap_alert *alert = owner;

	(void)r;
	(void)field;
	if (node->ns && !strcmp((const char *)node->ns->href, NS_DSIG))
		alert->has_signature = true;
	return 0;
}

#define AT(member) offsetof(struct cap_alert, member)
/* CAP 1.2, 3.2.1 */
static const struct field alert_fields[] = {
	{ "identifier", read_required, AT(identifier), NULL },
	{ "sender", read_required, AT(sender), NULL },
	{ "sent", read_sent, AT(sent_utc), NULL },
	{ "status", read_enum, AT(status), &cap_status_names },
	{ "msgType", read_enum, AT(msg_type), &cap_msg_type_names },
	{ "source", read_text, AT(source), NULL },
	{ "scope", read_enum, AT(scope), &cap_scope_names },
	{ "restriction", read_text, AT(restriction), NULL },
	{ "addresses", read_text, AT(addresses), NULL },
	{ "code", read_code, 0, NULL },
	{ "note", read_text, AT(note), NULL },
	{ "references", read_references, 0, NULL },
	{ "incidents", read_text, AT(incidents), NULL },
	{ "info", read_info, 0, NULL },
	{ "Signature", read_signature, 0, NULL },
	{ 0 },
};
#undef AT

static struct cap_alert *read_alert(void *ctx, xmlDocPtr doc, struct problem *problem)
{
	struct cap_alert *alert = talloc_zero(ctx, struct cap_alert);
	struct reader r = { .alert = alert, .problem = problem };

	if (!alert) {
		no_memory(&r);
		return NULL;
	}
	if (read_fields(&r, xmlDocGetRootElement(doc), alert_fields, alert) < 0) {
		talloc_free(alert);
		return NULL;
	}
	return alert;
}

struct cap_alert *cap_parse(void *ctx, const void *bytes, size_t len, struct problem *problem)
{
	struct cap_octets in = { bytes, len }, utf8;
	void *scratch = talloc_new(ctx);
	struct cap_alert *alert = NULL;
	xmlDocPtr doc = NULL;

	if (cap_utf8(scratch, in, &utf8, problem) < 0)
		goto out;
	doc = cap_xml_read(utf8, problem);
	if (doc && cap_schema_check(doc, problem) == 0)
		alert = read_alert(ctx, doc, problem);
out:
	xmlFreeDoc(doc);
	talloc_free(scratch);
	return alert;
}
