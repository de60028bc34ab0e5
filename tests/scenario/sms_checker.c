/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sms_checker.h"

#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "phone.h"

/* A centre that did not answer is left alone for 300 s, and until the lane runs again. */
#define MUTE_LAG_MS 335000
#define LANE "sms"
#define MAX_ALERTS 2000
#define N_BUCKETS 256
/* Evidence is written soon after an answer; the row may be that old. */
#define ROW_LAG_MS 1000
/* Between a decision and its octets lies a commit. */
#define DECIDED_S 2
/* The same where the store is slow or fails. */
#define MARK_LAG_MS 15000

/* What the daemon knows of one text to one phone. */
struct attempt {
	struct llist_head entry;	/* by recipient */
	char alert_id[ALERT_ID_LEN + 1];
	unsigned int message_nr;
	char *key;			/* phone_text_key() */
	struct target imsi;
	enum { ATTEMPT_OUT, ATTEMPT_REFUSED, ATTEMPT_TOLD, ATTEMPT_UNKNOWN } state;
	enum peer_answer told;
	unsigned int receipts;
	unsigned int n_parts;
	const struct fake_smsc *smsc;
	int64_t until_ms;		/* OUT: unknown from then on */
	int64_t changed_ms;
};

/* The stored row that a request belongs to. */
struct place {
	struct alert_row alert;
	struct message message;
	struct delivery_row *rows;	/* all of the alert */
	int n_rows;
	int row;
	size_t i;
	const struct evidence *evidence;
};

struct sms_checker {
	struct world *w;
	struct llist_head attempts[N_BUCKETS];
	char last_alert[ALERT_ID_LEN + 1];	/* where the last request belonged to */
};

struct sms_checker *sms_checker_alloc(struct world *w)
{
	struct sms_checker *c = talloc_zero(w, struct sms_checker);
	size_t i;

	c->w = w;
	for (i = 0; i < N_BUCKETS; i++)
		INIT_LLIST_HEAD(&c->attempts[i]);
	return c;
}

/* Attempts */

static struct llist_head *bucket(struct sms_checker *c, const struct target *imsi)
{
	return &c->attempts[imsi->value % N_BUCKETS];
}

static bool is_out(const struct sms_checker *c, const struct attempt *a)
{
	return a->state == ATTEMPT_OUT && a->until_ms > c->w->mono_ms;
}

static bool is_unknown(const struct sms_checker *c, const struct attempt *a)
{
	return a->state == ATTEMPT_UNKNOWN || (a->state == ATTEMPT_OUT && !is_out(c, a));
}

static struct attempt *attempt_find(struct sms_checker *c, const char *alert_id, unsigned int message_nr,
				    const struct target *imsi)
{
	struct attempt *a;

	llist_for_each_entry(a, bucket(c, imsi), entry) {
		if (!target_compare(&a->imsi, imsi) && a->message_nr == message_nr &&
		    !strcmp(a->alert_id, alert_id))
			return a;
	}
	return NULL;
}

static struct attempt *attempt_by_key(struct sms_checker *c, const char *key, const struct target *imsi)
{
	struct attempt *a;

	llist_for_each_entry(a, bucket(c, imsi), entry) {
		if (!target_compare(&a->imsi, imsi) && !strcmp(a->key, key))
			return a;
	}
	return NULL;
}

static struct attempt *attempt_get(struct sms_checker *c, const char *alert_id, unsigned int message_nr,
				   const struct target *imsi)
{
	struct attempt *a = attempt_find(c, alert_id, message_nr, imsi);

	if (a)
		return a;
	a = talloc_zero(c, struct attempt);
	OSMO_STRLCPY_ARRAY(a->alert_id, alert_id);
	a->message_nr = message_nr;
	a->key = talloc_strdup(a, "");
	a->imsi = *imsi;
	a->state = ATTEMPT_REFUSED;
	llist_add_tail(&a->entry, bucket(c, &a->imsi));
	return a;
}

/* Finding what is stored */

static bool place_in_row(struct sms_checker *c, struct place *at, const struct target *imsi, bool marked)
{
	const struct delivery_row *row = &at->rows[at->row];
	long i = row->details ? target_find(row->wanted, row->n, imsi) : -1;
	struct attempt *a;

	if (i < 0 || row->message_nr != at->message.nr)
		return false;
	at->i = i;
	at->evidence = &row->evidence[i];
	a = attempt_find(c, at->alert.id, at->message.nr, imsi);
	return !marked || (evidence_outcome(at->evidence, true) == OUTCOME_SENT && !(a && is_out(c, a)));
}

static bool place_in_alert(struct sms_checker *c, void *ctx, const struct alert_row *alert,
			   const struct peer_request *request, bool marked, struct place *at)
{
	struct message *messages = NULL;
	int n, m;

	at->alert = *alert;
	at->n_rows = store_read_deliveries(c->w->reader, ctx, alert->id, NULL, &at->rows);
	n = store_read_messages(c->w->reader, ctx, alert->id, &messages);
	for (m = 0; m < n; m++) {
		if (messages[m].kind != MESSAGE_SHORT || strcmp(messages[m].text, request->message->text) ||
		    messages[m].sms->reference != request->message->sms->reference)
			continue;
		at->message = messages[m];
		for (at->row = 0; at->row < at->n_rows; at->row++) {
			if (place_in_row(c, at, &request->targets[0], marked))
				return true;
		}
	}
	return false;
}

/* Two alerts may have one text (a cancel's): the one that is marked is meant. */
static bool place_find(struct sms_checker *c, void *ctx, const struct peer_request *request,
		       bool marked, struct place *at)
{
	struct alert_row row, *rows = NULL;
	int n, i;

	if (*c->last_alert && !store_read_alert(c->w->reader, ctx, c->last_alert, false, &row) &&
	    place_in_alert(c, ctx, &row, request, marked, at))
		return true;
	n = store_read_alerts(c->w->reader, ctx, INT64_MAX, MAX_ALERTS, &rows);
	for (i = 0; i < n; i++) {
		if (place_in_alert(c, ctx, &rows[i], request, marked, at)) {
			OSMO_STRLCPY_ARRAY(c->last_alert, rows[i].id);
			return true;
		}
	}
	return false;
}

/* Where somebody was, and where the alert is */

static bool same_area(const struct target *lai, const struct target *cell)
{
	return lai->mcc == cell->mcc && lai->mnc == cell->mnc && lai->mnc_digits == cell->mnc_digits &&
	       lai->value >> 16 == cell->value >> 16;
}

static bool row_meets(const struct delivery_row *row, const struct target *at)
{
	size_t i;

	if (row->details)
		return false;
	if (at->type == TARGET_CGI)
		return target_find(row->wanted, row->n, at) >= 0;
	for (i = 0; i < row->n && at->type == TARGET_LAI; i++) {
		if (same_area(at, &row->wanted[i]))
			return true;
	}
	return false;
}

static bool alert_meets(const struct delivery_row *rows, int n, const struct target *at)
{
	int i;

	for (i = 0; i < n; i++) {
		if (row_meets(&rows[i], at))
			return true;
	}
	return false;
}

static int64_t stay_until_ms(const struct phone *phone, size_t i)
{
	return i + 1 < phone->n_stays ? phone->stays[i + 1].since_ms : INT64_MAX;
}

/* Did the lists say, at some time from its acceptance until then, that the phone is for it? */
static bool was_there(const struct sms_checker *c, const struct place *at, const struct phone *phone,
		      int64_t until_ms)
{
	int64_t since_ms = world_posted_ms(c->w, at->alert.id);
	size_t i;

	for (i = 0; i < phone->n_stays; i++) {
		const struct phone_stay *stay = &phone->stays[i];

		if (stay->listed && stay->since_ms <= until_ms && stay_until_ms(phone, i) >= since_ms &&
		    (stay->drill || !at->message.drill) && alert_meets(at->rows, at->n_rows, &stay->at))
			return true;
	}
	return false;
}

static const struct sms_rule *rule_of(const struct sms_checker *c, const struct message *m)
{
	return &c->w->sms.rule[m->class];
}

/* It says that an alert is over, to those who know of it; of a drill with the prefix. */
static bool is_cancel_text(const struct sms_checker *c, const struct place *at)
{
	return c->w->sms.cancel_text && strstr(at->message.text, c->w->sms.cancel_text);
}

static void check_area(struct sms_checker *c, const struct place *at, const struct phone *phone)
{
	int64_t until_ms = c->w->mono_ms;

	if (!rule_of(c, &at->message)->entering && at->alert.followed_utc && !c->w->clock_stepped)
		until_ms -= (world_utc(c->w) - at->alert.followed_utc - DECIDED_S) * 1000;
	if (!was_there(c, at, phone, until_ms))
		world_violate(c->w, "%s goes to %lld, who was not in its area when recipients were looked for",
			      at->alert.id, (long long)phone->imsi.value);
}

/* Broadcast reaches the cell, and that is not news. */
static bool is_confirmed(const struct sms_checker *c, const struct place *at, const struct target *cell)
{
	const struct evidence *e;
	int i;

	for (i = 0; i < at->n_rows; i++) {
		long t = at->rows[i].details ? -1 : target_find(at->rows[i].wanted, at->rows[i].n, cell);

		if (t < 0)
			continue;
		e = &at->rows[i].evidence[t];
		if (evidence_outcome(e, true) == OUTCOME_BROADCASTING &&
		    e->rose_at + DECIDED_S < world_utc(c->w))
			return true;
	}
	return false;
}

static void check_rule(struct sms_checker *c, const struct place *at)
{
	const struct sms_rule *rule = rule_of(c, &at->message);
	const struct target *cell = &at->rows[at->row].details[at->i].at;

	if (rule->when == SMS_NEVER)
		world_violate(c->w, "%s goes out by short message, which its class never does", at->alert.id);
	if (rule->when != SMS_UNCONFIRMED)
		return;
	if (!c->w->clock_stepped && world_utc(c->w) < at->alert.received_utc + rule->after_s)
		world_violate(c->w, "%s goes out before %u s are over", at->alert.id, rule->after_s);
	if (is_confirmed(c, at, cell))
		world_violate(c->w, "%s goes to somebody in a cell where it is broadcast", at->alert.id);
}

/* Only those who may know of the alert hear that it is over. */
static void check_was_reached(struct sms_checker *c, const struct place *at, const struct target *imsi)
{
	struct attempt *a;

	llist_for_each_entry(a, bucket(c, imsi), entry) {
		if (!target_compare(&a->imsi, imsi) && !strstr(a->key, c->w->sms.cancel_text))
			return;
	}
	world_violate(c->w, "%s tells %lld that something is over of which nobody has told him", at->alert.id,
		      (long long)imsi->value);
}

/* What is handed over */

static char *utf16_text(void *ctx, const struct sms_text *sms)
{
	char *text = talloc_strdup(ctx, "");
	unsigned int p, i, u;

	for (p = 0; p < sms->n; p++) {
		for (i = 0; i + 1 < sms->part[p].len; i += 2) {
			u = sms->part[p].octets[i] << 8 | sms->part[p].octets[i + 1];
			if (u < 0x80)
				text = talloc_asprintf_append_buffer(text, "%c", u);
			else if (u < 0x800)
				text = talloc_asprintf_append_buffer(text, "%c%c", 0xc0 | u >> 6, 0x80 | (u & 0x3f));
			else
				text = talloc_asprintf_append_buffer(text, "%c%c%c", 0xe0 | u >> 12,
								     0x80 | (u >> 6 & 0x3f), 0x80 | (u & 0x3f));
		}
	}
	return text;
}

/* The texts of these tests hold characters whose GSM code points are those of ASCII, or go as
 * UCS-2 (3GPP TS 23.038, 6.2.1). */
static char *text_of_parts(void *ctx, const struct sms_text *sms)
{
	char *text;
	unsigned int p;

	if (sms->alphabet == SMS_UCS2)
		return utf16_text(ctx, sms);
	text = talloc_strdup(ctx, "");
	for (p = 0; p < sms->n; p++)
		text = talloc_strndup_append_buffer(text, (const char *)sms->part[p].octets, sms->part[p].len);
	return text;
}

static void check_content(struct sms_checker *c, void *ctx, const struct place *at,
			  const struct peer_request *request)
{
	const struct short_message *sms = request->message->sms, *stored = at->message.sms;
	const char *prefix = c->w->sms.drill_prefix ? c->w->sms.drill_prefix : SMS_DEFAULT_DRILL_PREFIX;

	if (strcmp(text_of_parts(ctx, &sms->parts), at->message.text))
		world_violate(c->w, "%s: the parts are not the text \"%s\"", at->alert.id, at->message.text);
	if (!stored || stored->reference != sms->reference || stored->protocol_id != sms->protocol_id ||
	    stored->parts.n != sms->parts.n || strcmp(stored->sender.text, sms->sender.text))
		world_violate(c->w, "%s: what is sent is not what was stored", at->alert.id);
	if (strcmp(sms->sender.text, c->w->sms.sender.text) || sms->sender.kind != c->w->sms.sender.kind)
		world_violate(c->w, "%s: the sender is \"%s\"", at->alert.id, sms->sender.text);
	/* A part that is replaced would be missing in its text. */
	if (sms->protocol_id && sms->parts.n > 1)
		world_violate(c->w, "%s: protocol id %u of %u parts", at->alert.id, sms->protocol_id, sms->parts.n);
	if (request->message->drill != !strncmp(at->message.text, prefix, strlen(prefix)))
		world_violate(c->w, "%s: drill or not, the text begins with \"%.10s\"", at->alert.id, at->message.text);
}

static void check_life(struct sms_checker *c, const struct place *at, const struct peer_request *request)
{
	int64_t left_s = at->message.expires_utc - world_utc(c->w);

	if (at->alert.cancelled_by && !is_cancel_text(c, at))
		world_violate(c->w, "%s is sent after its cancel", at->alert.id);
	if (at->alert.ended_utc)
		world_violate(c->w, "%s is sent after its end", at->alert.id);
	if (left_s <= 0)
		world_violate(c->w, "%s is sent after its expiry", at->alert.id);
	if (request->remaining_s > left_s)
		world_violate(c->w, "%s is sent for longer than its life", at->alert.id);
}

static unsigned int largest_window(const struct world *w)
{
	unsigned int i, window = 0;

	for (i = 0; i < w->n_smscs; i++)
		window = OSMO_MAX(window, w->smscs[i]->caps.window);
	return window;
}

static size_t marked_in(const struct delivery_row *row)
{
	size_t i, n = 0;

	for (i = 0; i < row->n && row->details; i++)
		n += evidence_outcome(&row->evidence[i], true) == OUTCOME_SENT;
	return n;
}

/* Recipients in the store that are marked and unanswered. */
static size_t marked(struct sms_checker *c)
{
	void *ctx = talloc_new(c);
	struct delivery_row *rows;
	struct alert_row *alerts;
	int n_alerts, n, a, i;
	size_t sum = 0;

	n_alerts = store_read_alerts(c->w->reader, ctx, INT64_MAX, MAX_ALERTS, &alerts);
	for (a = 0; a < n_alerts; a++) {
		n = alerts[a].ended_utc ? 0 : store_read_deliveries(c->w->reader, ctx, alerts[a].id, LANE, &rows);
		for (i = 0; i < n; i++)
			sum += marked_in(&rows[i]);
	}
	talloc_free(ctx);
	return sum;
}

static void check_again(struct sms_checker *c, const struct attempt *a)
{
	char imsi[TARGET_TEXT_LEN];

	target_format(&a->imsi, imsi, sizeof(imsi));
	if (is_out(c, a))
		world_violate(c->w, "%s goes to %s while it is on its way there", a->alert_id, imsi);
	else if (a->state == ATTEMPT_TOLD)
		world_violate(c->w, "%s goes to %s again, who has it (answer %d)", a->alert_id, imsi, a->told);
	else if (is_unknown(c, a) && c->w->sms.leave_unknown)
		world_violate(c->w, "%s goes to %s again, although what is unknown is to be left", a->alert_id, imsi);
}

static void check_request(struct sms_checker *c, const struct fake_smsc *smsc, const struct peer_request *request)
{
	const struct phone *phone = request->n_targets ? world_phone(c->w, &request->targets[0]) : NULL;

	if (request->verb != PEER_WRITE || request->n_targets != 1 || !request->id || !request->details ||
	    request->message->kind != MESSAGE_SHORT || !request->message->sms)
		world_violate(c->w, "%s: a request that is none for a message centre", smsc->name);
	else if (!phone)
		world_violate(c->w, "%s: a text to somebody whom no list has", smsc->name);
	else if (request->details[0].msisdn.number != phone->msisdn.number)
		world_violate(c->w, "%s: a text to a wrong number", smsc->name);
}

/* The centre of lowest preference that is up and answers gets it, but what is marked for another one. */
static void check_centre(struct sms_checker *c, const struct fake_smsc *smsc)
{
	unsigned int i;

	for (i = 0; i < c->w->n_smscs; i++) {
		const struct fake_smsc *other = c->w->smscs[i];

		if (other->up && other->preference < smsc->preference && !smsc_was_silent(other, MUTE_LAG_MS) &&
		    c->w->mono_ms - OSMO_MAX(other->up_ms, c->w->store_slow_ms) > MARK_LAG_MS)
			world_violate(c->w, "%s is used although %s is up", smsc->name, other->name);
	}
}

static void check_via(struct sms_checker *c, void *ctx, const struct place *at, const struct fake_smsc *smsc)
{
	char **names;

	if (store_read_peer_numbers(c->w->reader, ctx, &names) < 0 || !names[at->evidence->via] ||
	    strcmp(names[at->evidence->via], smsc->name))
		world_violate(c->w, "%s: it is not stored that %s got it", at->alert.id, smsc->name);
}

static void check_place(struct sms_checker *c, void *ctx, const struct place *at,
			const struct peer_request *request)
{
	const struct phone *phone = world_phone(c->w, &request->targets[0]);
	size_t n = marked(c);

	if (n > largest_window(c->w))
		world_violate(c->w, "%zu recipients are marked and unanswered", n);
	check_content(c, ctx, at, request);
	check_life(c, at, request);
	if (is_cancel_text(c, at)) {
		check_was_reached(c, at, &request->targets[0]);
	} else {
		check_area(c, at, phone);
		check_rule(c, at);
	}
}

/* Where it was found it is on its way from now on. */
static char *attempt_begins(struct sms_checker *c, const struct place *at, const struct fake_smsc *smsc,
			    const struct peer_request *request)
{
	struct attempt *a = attempt_get(c, at->alert.id, at->message.nr, &request->targets[0]);

	check_again(c, a);
	a->key = phone_text_key(a, at->alert.id, request->message);
	a->n_parts = request->message->sms->parts.n;
	a->state = ATTEMPT_OUT;
	a->smsc = smsc;
	a->receipts = 0;
	a->changed_ms = c->w->mono_ms;
	a->until_ms = c->w->mono_ms + smsc->caps.deadline_s * 1000;
	return talloc_strdup(c, a->key);
}

char *sms_checker_handed(struct sms_checker *c, struct fake_smsc *smsc, const struct peer_request *request)
{
	void *ctx = talloc_new(c);
	struct place at = { 0 };
	char *key;

	check_request(c, smsc, request);
	check_centre(c, smsc);
	if (!c->w->violation[0] && place_find(c, ctx, request, true, &at)) {
		check_place(c, ctx, &at, request);
		check_via(c, ctx, &at, smsc);
		key = attempt_begins(c, &at, smsc, request);
	} else if (!c->w->violation[0] && place_find(c, ctx, request, false, &at)) {
		world_violate(c->w, "%s goes to %lld, who is not marked: outcome %s", at.alert.id,
			      (long long)request->targets[0].value,
			      outcome_name(evidence_outcome(at.evidence, true)));
		key = attempt_begins(c, &at, smsc, request);
	} else {
		world_violate(c->w, "%s: a text of which nothing was committed for that recipient", smsc->name);
		key = talloc_strdup(c, request->message->text);
	}
	talloc_free(ctx);
	return key;
}

/* What the daemon is told */

void sms_checker_goes_on(struct sms_checker *c, const struct fake_smsc *smsc, const char *key,
			 const struct target *imsi, int64_t until_ms)
{
	struct attempt *a = attempt_by_key(c, key, imsi);

	if (a && is_out(c, a) && a->smsc == smsc)
		a->until_ms = until_ms;
}

void sms_checker_told(struct sms_checker *c, const char *key, const struct target *imsi,
		      enum peer_answer answer)
{
	struct attempt *a = attempt_by_key(c, key, imsi);

	if (!a)
		return;
	a->told = answer;
	a->changed_ms = c->w->mono_ms;
	if (answer == PEER_ANSWER_NONE)
		a->state = ATTEMPT_UNKNOWN;
	else if (answer == PEER_ANSWER_DONE || answer == PEER_ANSWER_DELIVERED)
		a->state = ATTEMPT_TOLD;
	else
		a->state = ATTEMPT_REFUSED;
}

void sms_checker_receipt(struct sms_checker *c, const char *key, const struct target *imsi,
			 enum peer_answer answer)
{
	struct attempt *a = attempt_by_key(c, key, imsi);

	if (!a || a->state != ATTEMPT_TOLD || a->told != PEER_ANSWER_DONE)
		return;
	if (answer == PEER_ANSWER_DELIVERED && ++a->receipts < a->n_parts)
		return;
	a->told = answer;
	a->changed_ms = c->w->mono_ms;
}

void sms_checker_link_down(struct sms_checker *c, const struct fake_smsc *smsc)
{
	struct attempt *a;
	size_t i;

	for (i = 0; i < N_BUCKETS; i++) {
		llist_for_each_entry(a, &c->attempts[i], entry) {
			if (a->state != ATTEMPT_OUT || a->smsc != smsc)
				continue;
			a->state = ATTEMPT_UNKNOWN;
			a->changed_ms = c->w->mono_ms;
		}
	}
}

/* Each row, as the daemon that begins its life has read it. */
static void recall(struct sms_checker *c, const char *alert_id, const struct delivery_row *row)
{
	struct attempt *a;
	size_t i;

	for (i = 0; i < row->n; i++) {
		const struct evidence *e = &row->evidence[i];

		a = attempt_find(c, alert_id, row->message_nr, &row->wanted[i]);
		/* Marked, and dead before it was handed over: for all that the daemon knows, it was. */
		if (!a && evidence_outcome(e, true) == OUTCOME_SENT)
			a = attempt_get(c, alert_id, row->message_nr, &row->wanted[i]);
		if (!a)
			continue;
		a->changed_ms = c->w->mono_ms;
		if (a->state == ATTEMPT_OUT || (a->state != ATTEMPT_UNKNOWN && e->write_answer == PEER_ANSWER_NONE))
			a->state = ATTEMPT_UNKNOWN;
		if (a->state == ATTEMPT_TOLD)
			a->told = e->write_answer;
		if (a->state == ATTEMPT_TOLD && a->told == PEER_ANSWER_DONE)
			a->receipts = e->count;
	}
}

void sms_checker_new_life(struct sms_checker *c)
{
	void *ctx = talloc_new(c);
	struct delivery_row *rows;
	struct alert_row *alerts;
	int n_alerts, n, a, i;
	size_t lost = 0;

	n_alerts = store_read_alerts(c->w->reader, ctx, INT64_MAX, MAX_ALERTS, &alerts);
	for (a = 0; a < n_alerts; a++) {
		n = store_read_deliveries(c->w->reader, ctx, alerts[a].id, LANE, &rows);
		for (i = 0; i < n; i++) {
			lost += marked_in(&rows[i]);
			recall(c, alerts[a].id, &rows[i]);
		}
	}
	if (lost > largest_window(c->w))
		world_violate(c->w, "after a restart %zu recipients are unknown", lost);
	talloc_free(ctx);
}

/* What the store says */

static const char *too_little(const struct attempt *a, enum outcome outcome)
{
	bool may_have_it = outcome == OUTCOME_SENT || outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_TAKEN ||
			   outcome == OUTCOME_DELIVERED || outcome == OUTCOME_FAILED;

	if (a->state == ATTEMPT_TOLD && a->told == PEER_ANSWER_DELIVERED && outcome != OUTCOME_DELIVERED)
		return "its delivery was told";
	if (a->state == ATTEMPT_TOLD && a->told == PEER_ANSWER_DONE && outcome != OUTCOME_TAKEN)
		return "it was taken";
	if (a->state != ATTEMPT_REFUSED && !may_have_it)
		return "it was handed over and not refused";
	return NULL;
}

static const char *too_good(const struct attempt *a, enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_TAKEN:
		return a && a->state == ATTEMPT_TOLD && a->told == PEER_ANSWER_DONE ? NULL : "nobody took it";
	case OUTCOME_FAILED:
		return a && a->state == ATTEMPT_TOLD && a->told == PEER_ANSWER_GIVEN_UP ? NULL : "nobody gave it up";
	case OUTCOME_DELIVERED:
		return a && a->state == ATTEMPT_TOLD && a->told == PEER_ANSWER_DELIVERED ? NULL : "nobody said so";
	case OUTCOME_REFUSED:
		return a && a->state == ATTEMPT_REFUSED ? NULL : "nobody refused it";
	case OUTCOME_BROADCASTING:
		return "it is a short message";
	default:
		return NULL;
	}
}

/* Against the phone itself: always, whatever is on its way into the store. */
static const char *untrue(const struct phone *phone, const char *key, enum outcome outcome)
{
	const struct phone_text *t = phone_find(phone, key);
	bool whole = t && phone_copies(t);

	if (outcome == OUTCOME_DELIVERED && !whole)
		return "the phone does not have all of it";
	if (whole && (outcome == OUTCOME_QUEUED || outcome == OUTCOME_STOPPED || outcome == OUTCOME_REFUSED ||
		      outcome == OUTCOME_ACCEPTED))
		return "the phone has it";
	return NULL;
}

void sms_checker_row(struct sms_checker *c, const struct alert_row *alert, const struct delivery_row *row,
		     const struct message *message, bool on)
{
	char *key = phone_text_key(c, alert->id, message);
	const struct phone *phone;
	const struct attempt *a;
	enum outcome outcome;
	const char *why;
	size_t i;

	for (i = 0; i < row->n; i++) {
		phone = world_phone(c->w, &row->wanted[i]);
		a = attempt_find(c, alert->id, message->nr, &row->wanted[i]);
		outcome = evidence_outcome(&row->evidence[i], on);
		why = untrue(phone, key, outcome);
		if (!why && !(a && c->w->mono_ms - a->changed_ms < ROW_LAG_MS))
			why = too_good(a, outcome);
		if (!why && a && c->w->mono_ms - a->changed_ms >= ROW_LAG_MS)
			why = too_little(a, outcome);
		if (why)
			world_violate(c->w, "%s to %lld: reported %s although %s", alert->id,
				      (long long)phone->imsi.value, outcome_name(outcome), why);
	}
	talloc_free(key);
}

/* Convergence */

/* \returns what is wrong with somebody who should have it, or NULL. */
static const char *should_have(const struct sms_checker *c, const struct phone *phone, const char *key,
			       const struct evidence *e)
{
	const struct phone_text *t = phone_find(phone, key);
	enum outcome outcome = evidence_outcome(e, true);

	if (t && phone_copies(t))
		return outcome == OUTCOME_DELIVERED || outcome == OUTCOME_TAKEN || outcome == OUTCOME_FAILED ||
		       outcome == OUTCOME_UNKNOWN ? NULL : "the phone has it and that is not known";
	if (!phone->attached || phone->memory_full || phone->silent || phone->barred)
		return NULL;
	if (c->w->sms.leave_unknown && outcome == OUTCOME_UNKNOWN)
		return NULL;
	if (e->wait == WAIT_BROADCAST)
		return NULL;
	/* A centre that stores and forgets does what it likes. */
	return outcome == OUTCOME_TAKEN || outcome == OUTCOME_FAILED ? NULL : "the phone does not have it";
}

static bool is_recipient(const struct delivery_row *rows, int n, const struct target *imsi)
{
	int i;

	for (i = 0; i < n; i++) {
		if (rows[i].details && target_find(rows[i].wanted, rows[i].n, imsi) >= 0)
			return true;
	}
	return false;
}

void sms_checker_nobody_missed(struct sms_checker *c, const struct alert_row *alert,
			       const struct message *message, const struct delivery_row *rows, int n)
{
	int64_t since_ms = world_posted_ms(c->w, alert->id);
	const struct phone *phone;
	const struct phone_stay *stay;

	/* The text of a cancel is for those who were reached. */
	if (!alert->n_cells)
		return;
	llist_for_each_entry(phone, &c->w->phones, entry) {
		stay = &phone->stays[phone->n_stays - 1];
		if (stay->since_ms < since_ms && stay->listed && (stay->drill || !message->drill) &&
		    alert_meets(rows, n, &stay->at) && !is_recipient(rows, n, &phone->imsi))
			world_violate(c->w, "in the end %s is not for %lld, who is there", alert->id,
				      (long long)phone->imsi.value);
	}
}

bool sms_checker_awaits(const struct delivery_row *row)
{
	size_t i;

	for (i = 0; i < row->n && row->details; i++) {
		if (evidence_outcome(&row->evidence[i], false) == OUTCOME_TAKEN)
			return true;
	}
	return false;
}

void sms_checker_converged(struct sms_checker *c, const struct alert_row *alert,
			   const struct delivery_row *row, const struct message *message, bool on)
{
	char *key = phone_text_key(c, alert->id, message);
	const struct phone *phone;
	const struct attempt *a;
	enum outcome outcome;
	const char *why;
	size_t i;

	for (i = 0; i < row->n; i++) {
		phone = world_phone(c->w, &row->wanted[i]);
		a = attempt_find(c, alert->id, message->nr, &row->wanted[i]);
		/* The row may not say so yet. */
		if (a && c->w->mono_ms - a->changed_ms < ROW_LAG_MS)
			continue;
		outcome = evidence_outcome(&row->evidence[i], on);
		why = on ? should_have(c, phone, key, &row->evidence[i]) :
		      outcome == OUTCOME_SENT || outcome == OUTCOME_QUEUED ? "it is over" : NULL;
		if (why)
			world_violate(c->w, "in the end %s to %lld: %s; outcome %s, wait %s, doubt %s, attempts %u",
				      alert->id, (long long)phone->imsi.value, why, outcome_name(outcome),
				      wait_reason_name(row->evidence[i].wait), doubt_name(row->evidence[i].doubt),
				      row->evidence[i].attempts);
	}
	talloc_free(key);
}
