/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "phone.h"

#include <string.h>

#include <osmocom/core/talloc.h>

#include "world.h"

#define IMSI_FIRST 1010000000001	/* 001-01-..., 15 digits with its zeros */
#define IMSI_DIGITS 15
#define MSISDN_FIRST 491510000001
#define MSISDN_DIGITS 12
#define REPLACE_TYPE_1 0x41
#define REPLACE_TYPE_7 0x47

struct phone *phone_alloc(struct world *w, unsigned int nr, const struct target *at)
{
	struct phone *phone = talloc_zero(w, struct phone);

	phone->w = w;
	phone->imsi = (struct target){
		.type = TARGET_IMSI, .mnc_digits = IMSI_DIGITS, .value = IMSI_FIRST + nr,
	};
	phone->msisdn = (struct msisdn){ .number = MSISDN_FIRST + nr, .digits = MSISDN_DIGITS };
	phone->at = *at;
	phone->in_file = phone->attached = true;
	INIT_LLIST_HEAD(&phone->texts);
	return phone;
}

char *phone_text_key(void *ctx, const char *alert_id, const struct message *message)
{
	return talloc_asprintf(ctx, "%s #%s", message->text, alert_id);
}

struct phone_text *phone_find(const struct phone *phone, const char *text)
{
	struct phone_text *t;

	llist_for_each_entry(t, &phone->texts, entry) {
		if (!strcmp(t->text, text))
			return t;
	}
	return NULL;
}

unsigned int phone_copies(const struct phone_text *text)
{
	unsigned int copies = UINT32_MAX, i;

	for (i = 0; i < text->n_parts; i++) {
		if (text->copies[i] < copies)
			copies = text->copies[i];
	}
	return copies;
}

unsigned int phone_got(const struct phone *phone, const char *words)
{
	const struct phone_text *t;
	unsigned int n = 0;

	llist_for_each_entry(t, &phone->texts, entry) {
		if (strstr(t->text, words))
			n += phone_copies(t);
	}
	return n;
}

bool phone_shows(const struct phone *phone, const char *words)
{
	const struct phone_text *t;

	llist_for_each_entry(t, &phone->texts, entry) {
		if (strstr(t->text, words) && phone_copies(t) && !t->replaced)
			return true;
	}
	return false;
}

/* A text of a replace type takes the place of the one that the phone has of that type, all of them
 * being from one sender here (3GPP TS 23.040, 9.2.3.9). */
static void replace(struct phone *phone, uint8_t protocol_id)
{
	struct phone_text *t;

	if (protocol_id < REPLACE_TYPE_1 || protocol_id > REPLACE_TYPE_7)
		return;
	llist_for_each_entry(t, &phone->texts, entry)
		t->replaced |= t->protocol_id == protocol_id;
}

void phone_gets(struct phone *phone, const char *text, uint8_t protocol_id, unsigned int part,
		unsigned int n_parts)
{
	struct phone_text *t = phone_find(phone, text);

	replace(phone, protocol_id);

	if (!t) {
		t = talloc_zero(phone, struct phone_text);
		t->text = talloc_strdup(t, text);
		t->n_parts = n_parts;
		llist_add_tail(&t->entry, &phone->texts);
	}
	t->copies[part]++;
	t->protocol_id = protocol_id;
	t->replaced = false;
}

void phone_note_stay(struct phone *phone)
{
	const struct phone_stay stay = {
		.since_ms = phone->w->mono_ms,
		.at = phone->at,
		.listed = phone->in_file || phone->in_msc,
		.drill = phone->drill,
	};

	phone->stays = talloc_realloc(phone, phone->stays, struct phone_stay, phone->n_stays + 1);
	phone->stays[phone->n_stays++] = stay;
}
