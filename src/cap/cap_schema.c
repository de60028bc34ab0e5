/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The OASIS schema, compiled once; validating only reads it (a validation context each). */

#include <tocsin/cap/cap.h>

#include "cap_xml.h"

#include <errno.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>

#include <src/cap/cap_xsd.h>

static xmlSchemaPtr schema;

/* Nothing may reach stderr; that the schema did not compile is said by the result. */
static void ignore_error(void *data, xmlErrorPtr error)
{
	(void)data;
	(void)error;
}

int cap_init(void)
{
	xmlSchemaParserCtxtPtr ctxt;

	if (schema)
		return 0;
	xmlInitParser();
	ctxt = xmlSchemaNewMemParserCtxt((const char *)cap_xsd, sizeof(cap_xsd));
	if (!ctxt)
		return -ENOMEM;
	xmlSchemaSetParserStructuredErrors(ctxt, ignore_error, NULL);
	schema = xmlSchemaParse(ctxt);
	xmlSchemaFreeParserCtxt(ctxt);
	return schema ? 0 : -ENOMEM;
}

void cap_exit(void)
{
	xmlSchemaFree(schema);
	schema = NULL;
}

/* How libxml2 writes names, and how people do. */
static const struct {
	const char *noise;
	const char *instead;
} rewrites[] = {
	{ "{urn:oasis:names:tc:emergency:cap:1.2}", "" },
	{ "{http://www.w3.org/2000/09/xmldsig#}*", "Signature" },
	{ "##other", "" },
	{ "\n", "" },
};

/* The next piece of a message: what to write for it, and how much of the message it takes. */
static size_t rewrite(const char *message, const char **piece)
{
	size_t i, n;

	for (i = 0; i < sizeof(rewrites) / sizeof(rewrites[0]); i++) {
		n = strlen(rewrites[i].noise);
		if (!strncmp(message, rewrites[i].noise, n)) {
			*piece = rewrites[i].instead;
			return n;
		}
	}
	*piece = NULL;
	return 1;
}

static void sentence(const char *message, char *buf, size_t size)
{
	size_t n = 0, taken, len;
	const char *piece;

	for (; *message; message += taken) {
		taken = rewrite(message, &piece);
		len = piece ? strlen(piece) : taken;
		if (n + len >= size)
			break;
		memcpy(buf + n, piece ? piece : message, len);
		n += len;
	}
	buf[n] = '\0';
}

struct verdict {
	struct problem *problem;
	bool refused;
};

/* The first violation is reported; the later ones are often its consequence. */
static void on_violation(void *data, xmlErrorPtr error)
{
	struct verdict *verdict = data;
	const xmlNode *node = error->node;
	char where[sizeof(verdict->problem->where)], text[256];

	if (verdict->refused || error->level < XML_ERR_ERROR)
		return;
	verdict->refused = true;
	while (node && node->type != XML_ELEMENT_NODE)
		node = node->parent;
	sentence(error->message ? error->message : "unknown error", text, sizeof(text));
	text[cap_clip(text, sizeof(text) - 6)] = '\0';
	problem_set(verdict->problem, PROBLEM_CAP_SCHEMA,
		    node ? cap_xml_path(node, where, sizeof(where)) : NULL,
		    node ? cap_xml_line(node) : 0, "%s", text);
}

int cap_schema_validate(xmlDocPtr doc, struct problem *problem)
{
	struct verdict verdict = { .problem = problem };
	xmlSchemaValidCtxtPtr ctxt = schema ? xmlSchemaNewValidCtxt(schema) : NULL;
	int rc;

	if (!ctxt) {
		problem_set(problem, PROBLEM_NO_MEMORY, NULL, 0,
			    "There is no memory for the schema.");
		return -ENOMEM;
	}
	xmlSchemaSetValidStructuredErrors(ctxt, on_violation, &verdict);
	rc = xmlSchemaValidateDoc(ctxt, doc);
	xmlSchemaFreeValidCtxt(ctxt);
	if (!rc && !verdict.refused)
		return 0;
	if (!verdict.refused)
		problem_set(problem, rc < 0 ? PROBLEM_INTERNAL : PROBLEM_CAP_SCHEMA, "alert", 0,
			    "The document could not be checked against the schema.");
	return -EINVAL;
}

int cap_schema_check(xmlDocPtr doc, struct problem *problem)
{
	return schema && cap_plainly_valid(doc) ? 0 : cap_schema_validate(doc, problem);
}
