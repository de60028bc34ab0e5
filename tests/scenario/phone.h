/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A phone: where it is, what the operator's lists say of it, and the texts that it got.
 *
 * It is the truth about short messages, and outlives the daemon and every message centre. Tests set
 * its members; what the lists say of it is read by world_put_recipients(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <osmocom/core/linuxlist.h>

#include <tocsin/codec/sms.h>
#include <tocsin/core/message.h>
#include <tocsin/core/recipient.h>

struct world;

/*! A text and its alert, which tells apart what two of them say in the same words. */
char *phone_text_key(void *ctx, const char *alert_id, const struct message *message);

/*! One text as the phone has it. */
struct phone_text {
	struct llist_head entry;
	char *text;			/*!< phone_text_key() */
	unsigned int n_parts;
	unsigned int copies[SMS_MAX_PARTS];	/*!< of each part */
	uint8_t protocol_id;
	bool replaced;			/*!< another text took its place: nobody can read it any more */
};

/*! What the lists said of it from that time on. */
struct phone_stay {
	int64_t since_ms;
	struct target at;
	bool listed;
	bool drill;
};

struct phone {
	struct llist_head entry;	/*!< world.phones */
	struct world *w;
	struct target imsi;
	/* What the lists say. */
	struct msisdn msisdn;
	struct target at;		/*!< type 0: unknown */
	const char *language;		/*!< NULL: unknown */
	bool drill;
	bool in_file;			/*!< [true] */
	bool in_msc;			/*!< also in the second, live list, with the same location */
	struct phone_stay *stays;	/*!< the newest last */
	size_t n_stays;

	/* Behaviour. */
	bool attached;			/*!< [true] */
	bool memory_full;
	bool silent;			/*!< does not answer when it is paged */
	bool ack_lost;			/*!< takes it, and the centre does not hear so */
	bool barred;			/*!< the centre does not know it, and never will */

	bool busy;			/*!< takes a part just now */
	struct llist_head texts;
};

/*! \param[in] nr  from 0: its IMSI and number follow from it. */
struct phone *phone_alloc(struct world *w, unsigned int nr, const struct target *at);
/*! It gets a part of a text. */
void phone_gets(struct phone *phone, const char *text, uint8_t protocol_id, unsigned int part,
		unsigned int n_parts);
/*! NULL if it got no part of it. */
struct phone_text *phone_find(const struct phone *phone, const char *text);
/*! Whole copies of a text. */
unsigned int phone_copies(const struct phone_text *text);
/*! Whole copies of all texts with these words in them. */
unsigned int phone_got(const struct phone *phone, const char *words);
/*! Can a text with these words be read on it? */
bool phone_shows(const struct phone *phone, const char *words);
/*! Remember what the lists say of it now. */
void phone_note_stay(struct phone *phone);
