/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A world in virtual time: the real core on a scratch store, with models of the peers.
 *
 * Everything that happens is a timer of libosmocore, so an hour passes in a millisecond. The models
 * (bsc.c) are the truth about the air and outlive the daemon, which can be stopped or killed at any
 * point and starts again from what its store had committed. After every step the rules of
 * checker.c are checked; the first one that is broken ends the test. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>

#include <tocsin/core/evidence.h>
#include <tocsin/core/gateway.h>

#include "bsc.h"
#include "phone.h"
#include "smsc.h"

#define WORLD_EPOCH 1800000000	/*!< UTC second at which every world begins */
#define WORLD_MAX_BSCS 3
#define WORLD_MAX_SMSCS 3

struct checker;
struct sms_checker;

/*! What is sent in. Zero means the value in brackets. */
struct alert_spec {
	const char *identifier;
	const char *sender;	/*!< [met@example.org] */
	const char *originator;	/*!< [met] */
	enum message_class class;	/*!< [severe] */
	int life_s;		/*!< until it expires [3600] */
	unsigned int pages;	/*!< of text [1] */
	unsigned int first_bsc, n_bscs;	/*!< [all of them] */
	unsigned int first_cell, n_cells;	/*!< of each [all of them] */
	const char *event;	/*!< [Test event]; "ETWS" asks for an ETWS primary as well */
	const char *const *languages;	/*!< one block each, NULL-terminated [en] */
	const char *words;	/*!< at the end of the text [none] */
	size_t padding;		/*!< blanks after its end, so many octets */
};

/*! One POST and its answer. */
struct post {
	struct llist_head entry;
	struct world *w;
	char *identifier, *sender, *originator;
	int64_t sent_utc;
	int64_t at_ms;		/*!< when it was sent in */
	char *cap;
	bool answered;		/*!< an answer reached the client */
	bool lost;		/*!< the daemon went away before */
	bool is_update;
	bool staged;		/*!< the daemon has answered; on its way to the client */
	enum problem_code problem;
	bool repeated;
	int64_t retry_after_s;
	char id[ALERT_ID_LEN + 1];
};

struct world {
	struct gateway *gw;		/*!< NULL while the daemon is down */
	struct store_reader *reader;	/*!< of the present folder */
	struct checker *checker;
	char *scratch;			/*!< folder that holds everything */
	char *dir;			/*!< the store's folder of this life */
	unsigned int life;
	int64_t life_ms;		/*!< when it began */
	struct fake_bsc *bscs[WORLD_MAX_BSCS];
	unsigned int n_bscs;
	struct fake_smsc *smscs[WORLD_MAX_SMSCS];
	unsigned int n_smscs;
	struct sms_checker *sms_checker;
	struct llist_head phones;
	unsigned int n_phones;
	struct sms_rules sms;		/*!< of every life; strings may be NULL [never; a sender of letters] */
	const char *languages[4];	/*!< the configured order ["en"] */
	unsigned int lists_late_ms;	/*!< until a new daemon has its lists of recipients [0: at once] */
	unsigned int live_late_ms;	/*!< the same of the live list, after the other one */
	struct osmo_timer_list lists_timer, live_timer;
	struct llist_head posts;
	/* The store's disk. */
	unsigned int store_delay_ms;	/*!< how long a commit takes */
	bool store_stuck;		/*!< it never ends */
	bool store_failing;
	int64_t store_failed_ms;	/*!< when it last was */
	int64_t store_slow_ms;		/*!< when it last was that, or failed, or hung */
	struct osmo_timer_list drain_timer;
	bool drain_due;
	/* Death at a given point. */
	unsigned int points;		/*!< points passed in this world at which it could be killed */
	unsigned int kill_at;		/*!< 0 = never */
	bool doomed;			/*!< it was killed; what it still does is not seen */
	char *grave;			/*!< the folder as it was at that moment */
	int64_t mono_ms;
	bool clock_set_back;		/*!< ever */
	bool clock_stepped;		/*!< ever, either way */
	bool rows_new;			/*!< something was committed since they were checked */
	int64_t rows_ms;		/*!< when that was */
	int64_t rows_every_ms;		/*!< how often they are checked at most [500] */
	bool rows_unchecked;		/*!< stored rows are not read at every step: too many */
	const char *name;		/*!< for failures: the case, the seed */
	char violation[512];		/*!< the first broken rule */
};

/*! For cmocka: log (shown where WORLD_LOG is set) and CAP schema, once per program. */
int world_group_setup(void **state);
int world_group_teardown(void **state);
/*! A world per test, taken down also when it fails. */
int world_setup(void **state);
int world_teardown(void **state);

struct world *world_open(void);
void world_close(struct world *w);

/*! A BSC with that many cells, all of them in the daemon's table; before world_start(). */
struct fake_bsc *world_add_bsc(struct world *w, size_t n_cells);
/*! Another BSC with the same cells; the daemon's table gives them to the first one. */
struct fake_bsc *world_add_twin(struct world *w, const struct fake_bsc *of);
/*! Give the daemon its cell table anew, as fake_bsc.unlisted says, or have it ready for its start. */
void world_import_cells(struct world *w);
/*! A message centre; before world_start(). */
struct fake_smsc *world_add_smsc(struct world *w);
/*! A phone in a cell of that BSC, or nowhere that a list knows of (NULL). */
struct phone *world_add_phone(struct world *w, const struct fake_bsc *bsc, size_t cell);
/*! \returns the first of so many. */
struct phone *world_add_phones(struct world *w, const struct fake_bsc *bsc, size_t cell, unsigned int n);
/*! NULL if there is none. */
struct phone *world_phone(const struct world *w, const struct target *imsi);
/*! The next of the same world, NULL ends. */
struct phone *world_next_phone(const struct phone *phone);
/*! What the lists say changed: the daemon gets new ones. */
void world_put_recipients(struct world *w);
/*! The phone can be reached again, or no longer; message centres learn of it. */
void world_attach_phone(struct phone *phone, bool attached);
/*! This rule for every class. */
void world_use_sms(struct world *w, enum sms_when when, unsigned int after_s);
/*! Start the daemon for the first time. Its links come up 100 ms later. */
void world_start(struct world *w);
/*! Start it again after world_stop(). */
void world_start_again(struct world *w);
/*! End it as a signal would, with everything flushed. */
void world_stop(struct world *w);
/*! Kill it now: only what the store has committed is left; then start it again. */
void world_crash(struct world *w);
/*! Let that much time pass. */
void world_run(struct world *w, double seconds);
/*! The same in virtual milliseconds. */
void world_run_ms(struct world *w, int64_t ms);
/*! Set the wall clock of the daemon's machine; its watch notices. */
void world_step_clock(struct world *w, int64_t seconds);
int64_t world_utc(const struct world *w);

/*! Every write of the store's files fails. */
void world_fail_store(struct world *w, bool fail);

struct post *world_post(struct world *w, const struct alert_spec *spec);
/*! Another version of it, as its own originator and sender. */
struct post *world_update(struct world *w, const struct post *alert, const struct alert_spec *spec);
/*! Cancel that alert as its own originator and sender, or as others (NULL: its own). */
struct post *world_cancel(struct world *w, const struct post *alert, const char *identifier,
			  const char *originator, const char *sender);
/*! Cancel two alerts of one sender at once. */
struct post *world_cancel_both(struct world *w, const struct post *alert, const struct post *other,
			       const char *identifier);
/*! Cancel it with a text of its own, as its own originator. */
struct post *world_cancel_saying(struct world *w, const struct post *alert, const char *identifier,
				 const char *text);
/*! The same bytes once more. */
struct post *world_repeat(struct world *w, const struct post *post);
/*! Its time is over: the client is told so, as the front does. \returns false: it may be kept. */
bool world_give_up(struct world *w, struct post *post);
/*! HTTP status that the front would answer with; 0 = none yet. */
int post_status(const struct post *post);

/*! The first text message of a stored alert, of the emergency if there is none. NULL if unknown. */
const struct message *world_message(struct world *w, const struct post *post);
/*! Messages of a stored alert; talloc array of the world's scratch. */
int world_messages(struct world *w, const struct post *post, struct message **messages);
/*! Targets per outcome as the stored rows tell it. \param[in] bsc  NULL = all. */
void world_outcomes(struct world *w, const struct post *post, const struct fake_bsc *bsc,
		    size_t counts[_NUM_OUTCOME]);
/*! Cells of that peer on which the alert's text is on air in truth. */
size_t world_on_air(struct world *w, const struct post *post, const struct fake_bsc *bsc);
/*! Phones that have exactly so many whole copies of the alert's text, in whatever language. */
size_t world_with_copies(struct world *w, const struct post *post, unsigned int copies);
/*! Recipients per outcome as the stored rows tell it, of all short messages of the alert. */
void world_sms_outcomes(struct world *w, const struct post *post, size_t counts[_NUM_OUTCOME]);
/*! The same for one outcome. */
size_t world_sms_count(struct world *w, const struct post *post, enum outcome outcome);
/*! What is stored of one recipient of the alert's first short message for it; zero if none. */
struct evidence world_sms_evidence(struct world *w, const struct post *post, const struct phone *phone);
/*! When an alert of that id was sent in first; 0 = never. */
int64_t world_posted_ms(const struct world *w, const char *alert_id);
/*! Does the store hold it, whoever has been told so? */
bool world_kept(struct world *w, const struct post *post);
/*! Has the alert ended in the store? */
bool world_ended(struct world *w, const struct post *post);
/*! Evidence of one target of the alert's message number nr, as stored. */
struct evidence world_evidence(struct world *w, const struct post *post, unsigned int message_nr,
			       const struct fake_bsc *bsc, size_t cell);

/*! A rule was broken. Only the first counts; the step that notices it fails the test. */
void world_violate(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*! The daemon could be killed here. */
void world_point(struct world *w);
