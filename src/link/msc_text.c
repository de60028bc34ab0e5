/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The text of osmo-msc 1.9.0.
 *
 * "show subscriber cache" stops after 100 subscribers, so the list is that of the state machines
 * "SGs-UE": every subscriber has one, and it is named by the IMSI from the end of the first location
 * update on. Before that it has a number, and nobody can be reached there yet. */

#include "msc_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/base/text.h>

/* Telnet (RFC 854). */
#define IAC 255
#define WILL 251
#define DONT 254

#define MAX_PROMPT 64

#define wrong(a, ...) \
	problem_set(problem, PROBLEM_RECIPIENTS_SOURCE, question_names[(a)->question], (a)->line, __VA_ARGS__)

/* Keys of a record that count. */
enum { K_IMSI, K_MSISDN, K_CELL, K_RAN, K_USE };
#define SEEN(key) (1U << (key))
/* A subscriber may have no number. "Use count" is the last line. */
#define SEEN_ALL (SEEN(K_IMSI) | SEEN(K_CELL) | SEEN(K_RAN) | SEEN(K_USE))

static const char *const question_names[] = {
	[MSC_GREETING] = "greeting",
	[MSC_NO_PAGER] = "terminal length 0",
	[MSC_UPTIME] = "show uptime",
	[MSC_LIST] = "show fsm-instances SGs-UE",
	[MSC_WHERE] = "show subscriber imsi",
};

static bool is_name(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.';
}

/* "NAME> " or "NAME# ". No line of an answer begins so, and nothing ends a prompt but that.
 * \returns its length or 0. */
static int prompt_len(const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i < len && i < MAX_PROMPT && is_name(data[i]))
		i++;
	if (!i || i + 2 > len || (data[i] != '>' && data[i] != '#') || data[i + 1] != ' ')
		return 0;
	return i + 2;
}

int msc_frame_len(const uint8_t *data, size_t len)
{
	const uint8_t *end;
	int prompt;

	if (!len)
		return 0;
	if (data[0] == IAC) {
		if (len < 2)
			return 0;
		return data[1] >= WILL && data[1] <= DONT ? 3 : -EPROTO;
	}
	prompt = prompt_len(data, len);
	if (prompt)
		return prompt;
	end = memchr(data, '\n', len < MSC_MAX_LINE ? len : MSC_MAX_LINE);
	if (end)
		return end - data + 1;
	return len < MSC_MAX_LINE ? 0 : -EPROTO;
}

char *msc_command(enum msc_question question, const struct target *about, char *buf, size_t size)
{
	char imsi[TARGET_TEXT_LEN];

	if (question == MSC_WHERE)
		snprintf(buf, size, "%s %s", question_names[question],
			 target_format(about, imsi, sizeof(imsi)));
	else
		snprintf(buf, size, "%s", question_names[question]);
	return buf;
}

void msc_answer_begin(struct msc_answer *a, enum msc_question question, const struct target *about)
{
	a->question = question;
	a->about = about ? *about : (struct target){};
	a->uptime_s = -1;
	a->line = 0;
	a->seen = 0;
	a->found = a->nobody = false;
	a->subscriber = (struct msc_subscriber){};
}

/* A line without its end and the blanks before it. Not terminated. */
struct line {
	const char *s;
	size_t len;
};

static struct line line_of(const uint8_t *frame, size_t len)
{
	while (len && (frame[len - 1] == '\n' || frame[len - 1] == '\r' || frame[len - 1] == ' '))
		len--;
	return (struct line){ .s = (const char *)frame, .len = len };
}

static bool line_is(const struct line *l, const char *text)
{
	return l->len == strlen(text) && !memcmp(l->s, text, l->len);
}

/* Take a text off the beginning. */
static bool line_skip(struct line *l, const char *text)
{
	size_t n = strlen(text);

	if (l->len < n || memcmp(l->s, text, n))
		return false;
	l->s += n;
	l->len -= n;
	return true;
}

/* Cut off what comes before a text, and the text. */
static bool line_skip_past(struct line *l, const char *text, struct line *before)
{
	size_t n = strlen(text);
	const char *at = memmem(l->s, l->len, text, n);

	if (!at)
		return false;
	*before = (struct line){ .s = l->s, .len = at - l->s };
	l->len -= before->len + n;
	l->s = at + n;
	return true;
}

static int read_echo(const struct msc_answer *a, const struct line *l, struct problem *problem)
{
	char command[MSC_COMMAND_LEN];

	if (!line_is(l, msc_command(a->question, &a->about, command, sizeof(command))))
		return wrong(a, "the MSC repeats another command than it was given");
	return 0;
}

static int read_greeting(const struct msc_answer *a, const struct line *l, struct problem *problem)
{
	if (line_is(l, "User Access Verification"))
		return wrong(a, "the MSC asks for a password; it must allow its VTY without login");
	return 0;
}

/* "OsmoMSC has been running for 0d 0h 1m 36s". Not to know it is no error. */
static void read_uptime(struct msc_answer *a, const struct line *l)
{
	static const struct {
		const char *unit;
		unsigned int seconds, max;
	} units[] = { { "d ", 86400, 36500 }, { "h ", 3600, 23 }, { "m ", 60, 59 }, { "s", 1, 59 } };
	struct line rest = *l, part;
	uint64_t value;
	long sum = 0;
	size_t i;

	if (!line_skip_past(&rest, " has been running for ", &part))
		return;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!line_skip_past(&rest, units[i].unit, &part) ||
		    text_uint(part.s, part.len, units[i].max, &value) < 0)
			return;
		sum += value * units[i].seconds;
	}
	if (!rest.len)
		a->uptime_s = sum;
}

static int read_imsi(const struct msc_answer *a, const struct line *value, struct target *imsi,
		     struct problem *problem)
{
	const char *why;

	if (target_parse(TARGET_IMSI, value->s, value->len, imsi, &why) < 0)
		return wrong(a, "%s", why);
	return 0;
}

/* "FSM Instance Name: 'SGs-UE(imsi:...)[0x...]', ID: 'imsi:...'", then lines that begin with a blank. */
static int read_list_line(struct msc_answer *a, const struct line *l, struct problem *problem)
{
	struct line id = *l, before, name;

	if (a->found && l->len && l->s[0] == ' ')
		return 0;
	if (!line_skip(&id, "FSM Instance Name: 'SGs-UE(") || !line_skip_past(&id, "', ID: '", &before) ||
	    !line_skip_past(&id, "'", &name) || id.len)
		return wrong(a, "this is no entry of the list of subscribers");
	a->found = true;
	if (line_skip(&name, "num:"))
		return 0;
	a->subscriber = (struct msc_subscriber){};
	if (!line_skip(&name, "imsi:"))
		return wrong(a, "the name of a subscriber is not understood");
	if (read_imsi(a, &name, &a->subscriber.imsi, problem) < 0)
		return -EINVAL;
	return a->on_subscriber(a->priv, &a->subscriber, problem);
}

/* OsmoHLR holds extensions too, which nobody can be called by from outside. */
static int read_msisdn(struct msc_answer *a, const struct line *value, struct problem *problem)
{
	size_t i;

	for (i = 0; i < value->len; i++) {
		if (value->s[i] < '0' || value->s[i] > '9')
			return wrong(a, "an MSISDN has only digits");
	}
	if (msisdn_parse(value->s, value->len, &a->subscriber.msisdn, NULL) < 0)
		a->subscriber.msisdn = (struct msisdn){};
	return 0;
}

/* "200 / 1001" */
static int read_cell(struct msc_answer *a, const struct line *value, struct problem *problem)
{
	struct line ci = *value, lac;
	uint64_t l, c;

	if (!line_skip_past(&ci, " / ", &lac) || text_uint(lac.s, lac.len, UINT16_MAX, &l) < 0 ||
	    text_uint(ci.s, ci.len, UINT16_MAX, &c) < 0)
		return wrong(a, "a cell is two numbers of 16 bits");
	a->subscriber.lac = l;
	a->subscriber.ci = c;
	return 0;
}

static int read_whom(struct msc_answer *a, const struct line *value, struct problem *problem)
{
	if (read_imsi(a, value, &a->subscriber.imsi, problem) < 0)
		return -EINVAL;
	if (target_compare(&a->subscriber.imsi, &a->about))
		return wrong(a, "this is another subscriber than was asked for");
	return 0;
}

/* Elsewhere the number may be that of a cell that the phone has left, or of a service area. */
static int read_ran(struct msc_answer *a, const struct line *value, struct problem *problem)
{
	(void)problem;
	a->subscriber.in_gsm = line_is(value, "GERAN-A");
	return 0;
}

static int read_nothing(struct msc_answer *a, const struct line *value, struct problem *problem)
{
	(void)a;
	(void)value;
	(void)problem;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct msc_answer *a, const struct line *value, struct problem *problem);
} keys[] = {
	[K_IMSI] = { "IMSI: ", read_whom },
	[K_MSISDN] = { "MSISDN: ", read_msisdn },
	[K_CELL] = { "LAC / cell ID: ", read_cell },
	[K_RAN] = { "RAN type: ", read_ran },
	[K_USE] = { "Use count: ", read_nothing },
};

/* Other keys come and go with what the MSC knows; they may be there. A key that counts may not be
 * there twice, whoever wrote it. */
static int read_record_line(struct msc_answer *a, const struct line *l, struct problem *problem)
{
	struct line value = *l;
	unsigned int k;

	if (!line_skip(&value, "    "))
		return wrong(a, "this is no line of a subscriber");
	for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		if (!line_skip(&value, keys[k].name))
			continue;
		if (a->seen & SEEN(k))
			return wrong(a, "this stands twice: %s", keys[k].name);
		a->seen |= SEEN(k);
		return keys[k].read(a, &value, problem);
	}
	return 0;
}

static int read_where_line(struct msc_answer *a, const struct line *l, struct problem *problem)
{
	char imsi[TARGET_TEXT_LEN];
	struct line who = *l;

	if (a->found)
		return read_record_line(a, l, problem);
	if (!a->nobody && line_is(l, "  Subscriber:"))
		a->found = true;
	else if (!a->nobody && line_skip(&who, "% No subscriber found for imsi ") &&
		 line_is(&who, target_format(&a->about, imsi, sizeof(imsi))))
		a->nobody = true;
	else
		return wrong(a, "this is no subscriber");
	return 0;
}

static int read_line(struct msc_answer *a, const struct line *l, struct problem *problem)
{
	a->line++;
	if (a->question != MSC_GREETING && a->line == 1)
		return read_echo(a, l, problem);
	switch (a->question) {
	case MSC_GREETING:
		return read_greeting(a, l, problem);
	case MSC_NO_PAGER:
		break;
	case MSC_UPTIME:
		read_uptime(a, l);
		return 0;
	case MSC_LIST:
		return read_list_line(a, l, problem);
	case MSC_WHERE:
		return read_where_line(a, l, problem);
	}
	return wrong(a, "this command should have no answer");
}

/* A prompt: nothing more will come. */
static int read_end(struct msc_answer *a, struct problem *problem)
{
	int rc = 0;

	if (!a->line && a->question != MSC_GREETING)
		return wrong(a, "the MSC did not read the command");
	if (a->question == MSC_WHERE && !a->nobody) {
		if ((a->seen & SEEN_ALL) != SEEN_ALL)
			return wrong(a, "the answer ends before it is whole");
		rc = a->on_subscriber(a->priv, &a->subscriber, problem);
	}
	return rc < 0 ? rc : 1;
}

int msc_answer_read(struct msc_answer *a, const uint8_t *frame, size_t len, struct problem *problem)
{
	struct line l;

	if (!len || frame[0] == IAC)
		return 0;
	if ((size_t)prompt_len(frame, len) == len)
		return read_end(a, problem);
	l = line_of(frame, len);
	return read_line(a, &l, problem);
}
