/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* libxml2 under guard: everything that could grow is counted in SAX hooks while the document is
 * read, and the first thing that is wrong ends the parse at once. All state hangs off the parser
 * context, so any number of documents can be read at the same time. */

#include "cap_xml.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <tocsin/cap/cap.h>

#define NS_CAP_1_2 "urn:oasis:names:tc:emergency:cap:1.2"

/* No entity is replaced, no DTD and no network is read, and libxml2's own limits stay. The
 * encoding was settled by cap_utf8(), whatever the declaration says. */
#define PARSE_OPTIONS \
	(XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_IGNORE_ENC | XML_PARSE_COMPACT)

struct guard {
	struct problem *problem;
	bool refused;
	unsigned int depth;
	unsigned int elements;
	unsigned int attributes;	/* of all elements; each costs as much memory as one */
	size_t text;			/* octets of the text that is being read */
};

static unsigned int current_line(const xmlParserCtxt *ctxt)
{
	return ctxt->input && ctxt->input->line > 0 ? ctxt->input->line : 0;
}

/* The first reason counts; what follows it in a stopped parse is its consequence. */
__attribute__((format(printf, 4, 5)))
static void refuse(xmlParserCtxt *ctxt, enum problem_code code, unsigned int line,
		   const char *fmt, ...)
{
	struct guard *guard = ctxt->_private;
	char text[sizeof(guard->problem->detail)];
	va_list ap;

	if (guard->refused)
		return;
	guard->refused = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem_set(guard->problem, code, NULL, line, "%s", text);
	xmlStopParser(ctxt);
}

static void on_doctype(void *data, const xmlChar *name, const xmlChar *public_id,
		       const xmlChar *system_id)
{
	xmlParserCtxt *ctxt = data;

	(void)name;
	(void)public_id;
	(void)system_id;
	refuse(ctxt, PROBLEM_CAP_DOCTYPE, current_line(ctxt),
	       "A DOCTYPE can hold entities, which CAP does not need and which are not read.");
}

static const char *version_of(const char *ns)
{
	if (!strcmp(ns, "urn:oasis:names:tc:emergency:cap:1.1"))
		return "CAP 1.1";
	if (!strcmp(ns, "http://www.incident.com/cap/1.0"))
		return "CAP 1.0";
	return NULL;
}

static bool is_cap_alert(xmlParserCtxt *ctxt, const char *name, const char *ns)
{
	const char *version = ns ? version_of(ns) : NULL;
	unsigned int line = current_line(ctxt);

	if (ns && !strcmp(ns, NS_CAP_1_2) && !strcmp(name, "alert"))
		return true;
	if (version)
		refuse(ctxt, PROBLEM_CAP_NOT_CAP, line,
		       "This is \"%.*s\" of %s; CAP 1.2 is read here.", cap_clip(name, 60), name,
		       version);
	else if (ns)
		refuse(ctxt, PROBLEM_CAP_NOT_CAP, line,
		       "The document is \"%.*s\" of the namespace \"%.*s\", not an alert of \""
		       NS_CAP_1_2 "\".", cap_clip(name, 60), name, cap_clip(ns, 100), ns);
	else
		refuse(ctxt, PROBLEM_CAP_NOT_CAP, line,
		       "The document is \"%.*s\" of no namespace, not an alert of \""
		       NS_CAP_1_2 "\".", cap_clip(name, 60), name);
	return false;
}

static bool within_limits(xmlParserCtxt *ctxt, int attributes)
{
	const struct guard *guard = ctxt->_private;
	unsigned int line = current_line(ctxt);

	if (guard->depth > CAP_MAX_DEPTH)
		refuse(ctxt, PROBLEM_CAP_TOO_COMPLEX, line,
		       "Elements are nested more than %d deep.", CAP_MAX_DEPTH);
	else if (guard->elements > CAP_MAX_ELEMENTS)
		refuse(ctxt, PROBLEM_CAP_TOO_COMPLEX, line, "There are more than %d elements.",
		       CAP_MAX_ELEMENTS);
	else if (guard->attributes > CAP_MAX_ELEMENTS)
		refuse(ctxt, PROBLEM_CAP_TOO_COMPLEX, line, "There are more than %d attributes.",
		       CAP_MAX_ELEMENTS);
	else if (attributes > CAP_MAX_ATTRIBUTES)
		refuse(ctxt, PROBLEM_CAP_TOO_COMPLEX, line,
		       "An element has %d attributes; %d are allowed.", attributes,
		       CAP_MAX_ATTRIBUTES);
	/* Every prefix is looked up among all namespaces in scope (nsNr counts two each). */
	else if (ctxt->nsNr / 2 > CAP_MAX_ATTRIBUTES)
		refuse(ctxt, PROBLEM_CAP_TOO_COMPLEX, line,
		       "More than %d namespaces are in scope.", CAP_MAX_ATTRIBUTES);
	return !guard->refused;
}

static void on_start_element(void *data, const xmlChar *name, const xmlChar *prefix,
			     const xmlChar *uri, int n_namespaces, const xmlChar **namespaces,
			     int n_attributes, int n_defaulted, const xmlChar **attributes)
{
	xmlParserCtxt *ctxt = data;
	struct guard *guard = ctxt->_private;

	guard->depth++;
	guard->elements++;
	guard->attributes += n_namespaces + n_attributes;
	guard->text = 0;
	if (!within_limits(ctxt, n_namespaces + n_attributes))
		return;
	if (guard->depth == 1 && !is_cap_alert(ctxt, (const char *)name, (const char *)uri))
		return;
	xmlSAX2StartElementNs(ctxt, name, prefix, uri, n_namespaces, namespaces, n_attributes,
			      n_defaulted, attributes);
	/* xmlNode has 16 bits for a line, which large documents exceed. */
	if (ctxt->node)
		ctxt->node->_private = (void *)(uintptr_t)current_line(ctxt);
}

static void on_end_element(void *data, const xmlChar *name, const xmlChar *prefix,
			   const xmlChar *uri)
{
	xmlParserCtxt *ctxt = data;
	struct guard *guard = ctxt->_private;

	guard->depth--;
	guard->text = 0;
	xmlSAX2EndElementNs(ctxt, name, prefix, uri);
}

static void on_characters(void *data, const xmlChar *text, int len)
{
	xmlParserCtxt *ctxt = data;
	struct guard *guard = ctxt->_private;

	guard->text += len;
	if (guard->text > CAP_MAX_TEXT)
		refuse(ctxt, PROBLEM_CAP_TOO_COMPLEX, current_line(ctxt),
		       "A text is longer than %u octets.", CAP_MAX_TEXT);
	else
		xmlSAX2Characters(ctxt, text, len);
}

/* Namespace errors are no fatal ones for libxml2, yet such a document is not one we can read. */
static void on_error(void *data, xmlErrorPtr error)
{
	xmlParserCtxt *ctxt = data;
	const char *message = error->message ? error->message : "unknown error";
	int len = cap_clip(message, 250);

	if (error->level < XML_ERR_ERROR)
		return;
	if (error->code == XML_ERR_NO_MEMORY) {
		refuse(ctxt, PROBLEM_NO_MEMORY, 0, "The document does not fit into memory.");
		return;
	}
	while (len > 0 && message[len - 1] == '\n')
		len--;
	refuse(ctxt, PROBLEM_CAP_NOT_WELL_FORMED, error->line > 0 ? error->line : 0, "%.*s", len,
	       message);
}

static void set_hooks(xmlSAXHandler *sax)
{
	sax->internalSubset = on_doctype;
	sax->startElementNs = on_start_element;
	sax->endElementNs = on_end_element;
	/* Both must be the same, else libxml2 guesses which blanks matter. */
	sax->characters = on_characters;
	sax->ignorableWhitespace = on_characters;
	/* Comments and processing instructions in a text would split it. */
	sax->comment = NULL;
	sax->processingInstruction = NULL;
	sax->serror = on_error;
}

xmlDocPtr cap_xml_read(struct cap_octets in, struct problem *problem)
{
	struct guard guard = { .problem = problem };
	xmlParserCtxtPtr ctxt = xmlNewParserCtxt();
	xmlDocPtr doc;

	if (!ctxt) {
		problem_set(problem, PROBLEM_NO_MEMORY, NULL, 0,
			    "There is no memory for a parser.");
		return NULL;
	}
	ctxt->_private = &guard;
	set_hooks(ctxt->sax);
	doc = xmlCtxtReadMemory(ctxt, in.data, (int)in.len, NULL, NULL, PARSE_OPTIONS);
	if (!doc || !ctxt->wellFormed || !ctxt->nsWellFormed)
		refuse(ctxt, PROBLEM_CAP_NOT_WELL_FORMED, 0,
		       "The document is not well-formed XML.");
	if (guard.refused) {
		xmlFreeDoc(doc);
		doc = NULL;
	}
	xmlFreeParserCtxt(ctxt);
	return doc;
}

unsigned int cap_xml_line(const xmlNode *node)
{
	return (uintptr_t)node->_private;
}

static bool same_name(const xmlNode *a, const xmlNode *b)
{
	return a->type == XML_ELEMENT_NODE && xmlStrEqual(a->name, b->name);
}

/* Which of its name an element is among its siblings, from 1; 0 where that needs no saying. */
static unsigned int index_of(const xmlNode *node)
{
	bool always = !strcmp((const char *)node->name, "info") ||
		      !strcmp((const char *)node->name, "area");
	bool several = false;
	unsigned int i = 1;
	const xmlNode *n;

	for (n = node->prev; n; n = n->prev)
		i += same_name(n, node);
	for (n = node->next; n && !several; n = n->next)
		several = same_name(n, node);
	return always || several || i > 1 ? i : 0;
}

char *cap_xml_path(const xmlNode *node, char *buf, size_t size)
{
	const xmlNode *steps[CAP_MAX_DEPTH];
	size_t n = 0, used = 0;
	const char *name;
	unsigned int i;

	for (; node && node->type == XML_ELEMENT_NODE && n < CAP_MAX_DEPTH; node = node->parent)
		steps[n++] = node;
	buf[0] = '\0';
	while (n-- && used < size) {
		name = (const char *)steps[n]->name;
		i = steps[n]->parent && steps[n]->parent->type == XML_ELEMENT_NODE ?
		    index_of(steps[n]) : 0;
		used += snprintf(buf + used, size - used, "%s%.*s", used ? "/" : "",
				 cap_clip(name, 40), name);
		if (i && used < size)
			used += snprintf(buf + used, size - used, "[%u]", i);
	}
	return buf;
}

int cap_clip(const char *text, int max)
{
	int n = (int)strnlen(text, max);

	/* 10xxxxxx continues a character that began before the cut. */
	if (n == max) {
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	return n;
}
