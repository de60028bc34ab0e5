/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "world_sms.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

/* Phones and centres */

static struct target place_of(const struct fake_bsc *bsc, size_t cell)
{
	return bsc ? bsc->cells[cell] : (struct target){ 0 };
}

struct fake_smsc *world_add_smsc(struct world *w)
{
	struct fake_smsc *smsc = smsc_alloc(w, w->n_smscs);

	assert_true(w->n_smscs < WORLD_MAX_SMSCS);
	w->smscs[w->n_smscs++] = smsc;
	return smsc;
}

struct phone *world_add_phone(struct world *w, const struct fake_bsc *bsc, size_t cell)
{
	const struct target at = place_of(bsc, cell);
	struct phone *phone = phone_alloc(w, w->n_phones++, &at);

	llist_add_tail(&phone->entry, &w->phones);
	return phone;
}

struct phone *world_add_phones(struct world *w, const struct fake_bsc *bsc, size_t cell, unsigned int n)
{
	struct phone *first = world_add_phone(w, bsc, cell);

	while (--n)
		world_add_phone(w, bsc, cell);
	return first;
}

struct phone *world_phone(const struct world *w, const struct target *imsi)
{
	struct phone *phone;

	llist_for_each_entry(phone, &w->phones, entry) {
		if (!target_compare(&phone->imsi, imsi))
			return phone;
	}
	return NULL;
}

struct phone *world_next_phone(const struct phone *phone)
{
	return phone->entry.next == &phone->w->phones ? NULL : llist_entry(phone->entry.next, struct phone, entry);
}

/* Lists of recipients */

static unsigned int language_of(char ***languages, const char *language)
{
	size_t n = talloc_array_length(*languages), i;

	if (!language)
		return 0;
	for (i = 0; i < n; i++) {
		if (!strcmp((*languages)[i], language))
			return i + 1;
	}
	*languages = talloc_realloc(NULL, *languages, char *, n + 1);
	(*languages)[n] = talloc_strdup(*languages, language);
	return n + 1;
}

static void put_list(struct world *w, const char *name, bool live)
{
	struct recipient_source *source = recipient_source_by_name(gateway_recipients(w->gw), name);
	struct recipient *rows = talloc_array(NULL, struct recipient, w->n_phones);
	char **languages = talloc_array(NULL, char *, 0);
	const struct phone *phone;
	size_t n = 0;

	llist_for_each_entry(phone, &w->phones, entry) {
		if (live ? !phone->in_msc : !phone->in_file)
			continue;
		rows[n++] = (struct recipient){
			.imsi = phone->imsi, .at = phone->at, .msisdn = phone->msisdn,
			.language = live ? 0 : language_of(&languages, phone->language),
			.drill = !live && phone->drill,
		};
	}
	recipient_source_put(source, recipient_table_make(w, rows, n, languages, talloc_array_length(languages)),
			     world_utc(w));
}

static void put_live_list(void *data)
{
	put_list(data, "msc", true);
}

static void put_lists(void *data)
{
	struct world *w = data;

	put_list(w, "list", false);
	if (w->live_late_ms && !recipient_source_updated(recipient_source_by_name(gateway_recipients(w->gw), "msc")))
		osmo_timer_schedule(&w->live_timer, w->live_late_ms / 1000, w->live_late_ms % 1000 * 1000);
	else
		put_live_list(w);
}

void world_put_recipients(struct world *w)
{
	struct phone *phone;

	llist_for_each_entry(phone, &w->phones, entry)
		phone_note_stay(phone);
	if (w->gw)
		put_lists(w);
}

void world_attach_phone(struct phone *phone, bool attached)
{
	unsigned int i;

	phone->attached = attached;
	for (i = 0; i < phone->w->n_smscs && attached; i++)
		smsc_phone_attached(phone->w->smscs[i], phone);
}

void world_use_sms(struct world *w, enum sms_when when, unsigned int after_s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(w->sms.rule); i++)
		w->sms.rule[i] = (struct sms_rule){ .when = when, .after_s = after_s };
}

/* Every life of the daemon */

static void set_rules(struct world *w)
{
	struct sms_rules *rules = gateway_sms(w->gw);
	struct profile *profile = gateway_profile(w->gw);
	size_t i;

	memcpy(rules->rule, w->sms.rule, sizeof(rules->rule));
	rules->has_sender = w->sms.has_sender;
	rules->sender = w->sms.sender;
	rules->max_parts = w->sms.max_parts;
	rules->leave_unknown = w->sms.leave_unknown;
	if (w->sms.cancel_text)
		rules->cancel_text = talloc_strdup(rules, w->sms.cancel_text);
	if (w->sms.drill_prefix)
		rules->drill_prefix = talloc_strdup(rules, w->sms.drill_prefix);
	for (i = 0; w->languages[i]; i++)
		profile->languages[i] = talloc_strdup(profile, w->languages[i]);
}

/* As at every start: lists of recipients are not kept. */
static void add_lists(struct world *w)
{
	if (!w->n_phones)
		return;
	recipient_source_add(gateway_recipients(w->gw), "list", "file", false, 0);
	recipient_source_add(gateway_recipients(w->gw), "msc", "osmo-msc", true, 0);
	if (w->lists_late_ms)
		osmo_timer_schedule(&w->lists_timer, w->lists_late_ms / 1000, w->lists_late_ms % 1000 * 1000);
	else
		put_lists(w);
}

void world_sms_begin(struct world *w)
{
	set_rules(w);
	add_lists(w);
}

void world_sms_end(struct world *w)
{
	osmo_timer_del(&w->lists_timer);
	osmo_timer_del(&w->live_timer);
}

void world_sms_open(struct world *w)
{
	w->sms.has_sender = true;
	w->sms.sender = (struct sender_id){ .kind = SENDER_ALPHANUMERIC, .text = "Warnings" };
	w->sms.max_parts = SMS_DEFAULT_PARTS;
	INIT_LLIST_HEAD(&w->phones);
	osmo_timer_setup(&w->lists_timer, put_lists, w);
	osmo_timer_setup(&w->live_timer, put_live_list, w);
}

/* Looking */

size_t world_with_copies(struct world *w, const struct post *post, unsigned int copies)
{
	char *words = talloc_asprintf(w, " %s:", post->identifier);
	const struct phone *phone;
	size_t n = 0;

	llist_for_each_entry(phone, &w->phones, entry)
		n += phone_got(phone, words) == copies;
	talloc_free(words);
	return n;
}

/* Deliveries of the alert's short messages to recipients. */
static int sms_rows(struct world *w, const struct post *post, struct alert_row *alert,
		    struct message **messages, struct delivery_row **rows)
{
	char id[ALERT_ID_LEN + 1];

	world_post_id(post, id);
	assert_int_equal(store_read_alert(w->reader, w, id, false, alert), 0);
	assert_true(store_read_messages(w->reader, w, id, messages) >= 0);
	return store_read_deliveries(w->reader, w, id, "sms", rows);
}

void world_sms_outcomes(struct world *w, const struct post *post, size_t counts[_NUM_OUTCOME])
{
	struct delivery_row *rows;
	struct message *messages;
	struct alert_row alert;
	int n = sms_rows(w, post, &alert, &messages, &rows), i;
	size_t t;
	bool on;

	memset(counts, 0, _NUM_OUTCOME * sizeof(counts[0]));
	for (i = 0; i < n; i++) {
		on = !alert.ended_utc && message_on(&messages[rows[i].message_nr - 1],
						    alert.cancelled_by != NULL, world_utc(w));
		for (t = 0; t < rows[i].n; t++)
			counts[evidence_outcome(&rows[i].evidence[t], on)]++;
	}
}

size_t world_sms_count(struct world *w, const struct post *post, enum outcome outcome)
{
	size_t counts[_NUM_OUTCOME];

	world_sms_outcomes(w, post, counts);
	return counts[outcome];
}

struct evidence world_sms_evidence(struct world *w, const struct post *post, const struct phone *phone)
{
	struct evidence none = { 0 };
	struct delivery_row *rows;
	struct message *messages;
	struct alert_row alert;
	int n = sms_rows(w, post, &alert, &messages, &rows), i;

	for (i = 0; i < n; i++) {
		long at = target_find(rows[i].wanted, rows[i].n, &phone->imsi);

		if (at >= 0)
			return rows[i].evidence[at];
	}
	return none;
}
