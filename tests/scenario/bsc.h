/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A model of a BSC behind fake peer_ops: what it holds and broadcasts, how it answers, and how it
 *  misbehaves.
 *
 * It follows what OsmoBSC does: a cell's pages may not exceed its one repetition period, the same
 * message again is "already there", a message that was broadcast as often as it was asked for is
 * forgotten, requests are worked on in order and answered in order. Tests set its members. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/timer.h>

#include <tocsin/core/peer.h>

struct world;

/*! One message in one cell. */
struct air {
	bool on;
	uint16_t period;
	uint32_t max;		/*!< broadcasts asked for */
	int64_t since_ms;
};

/*! One message at the BSC. */
struct air_message {
	struct llist_head entry;
	uint16_t identifier;
	uint16_t serial;
	enum message_kind kind;
	unsigned int pages;
	struct air *cells;
};

struct bsc_request {
	struct llist_head entry;
	struct peer_request pub;	/*!< message is not kept */
	uint16_t identifier, serial;
	enum message_kind kind;
	unsigned int pages;
	struct target *targets;
	struct peer_result *results;
	int64_t at_ms;			/*!< when it is worked on, then when its answer arrives */
	bool no_answer;
	/* A report travels in the same stream as the answers. */
	bool is_report;
	enum peer_loss loss;
	enum message_kind report_kind;
	struct target_pattern *patterns;
	size_t n_patterns;
};

struct outstanding {
	enum peer_verb verb;
	uint16_t identifier, serial;
	int64_t until_ms;
};

struct fake_bsc {
	struct world *w;
	char name[16];
	struct peer *peer;		/*!< NULL while the daemon is down */
	struct peer_caps caps;
	struct target *cells;		/*!< sorted */
	size_t n_cells;
	enum peer_answer *write_answer;	/*!< per cell, forced; 0 = as the model says */
	enum peer_answer stop_answer;	/*!< forced for all cells; DONE is a lie */
	bool *unlisted;			/*!< per cell: the daemon's table does not give it to this BSC */
	int64_t *failed_ms;		/*!< per cell: it broadcasts nothing since; 0 = it works */

	/* Behaviour. */
	bool wire;			/*!< the link comes up when it can */
	bool up;			/*!< it is */
	bool deaf;			/*!< requests are lost */
	bool mute;			/*!< does the work and does not answer */
	uint16_t deaf_to;		/*!< requests of this message identifier are lost; 0 = none */
	unsigned int work_ms;		/*!< until a request is worked on */
	unsigned int answer_ms;		/*!< until its answer is back */
	bool lied;			/*!< it has said that it stopped what it did not */
	bool queue_full;		/*!< -EAGAIN until it is false and bsc_ready() is called */
	bool claims_loss;		/*!< says "data lost" at every new conn, as OsmoBSC does */

	struct llist_head messages;
	int64_t refreshed_ms;		/*!< when counts were last looked at */
	struct llist_head inbox, outbox;
	struct osmo_timer_list inbox_timer, outbox_timer, link_timer;
	struct outstanding outstanding[256];
	size_t n_outstanding;

	/* What was seen. */
	unsigned int requests[_NUM_PEER_VERB];
	unsigned int targets_written;
	unsigned int again;		/*!< writes that said so */
	size_t largest;			/*!< targets in one request */
	int64_t first_write_ms;
	int64_t second_ms;		/*!< guard against a storm of requests */
	unsigned int in_second;
	unsigned int storm;		/*!< so many in one second break a rule [400] */
};

extern const struct peer_ops fake_bsc_ops;

struct fake_bsc *bsc_alloc(struct world *w, unsigned int nr, size_t n_cells);
/*! With the cells of another one, none of which the daemon's table gives to it. */
struct fake_bsc *bsc_alloc_twin(struct world *w, unsigned int nr, const struct fake_bsc *of);
void bsc_release(struct fake_bsc *bsc);
/*! Tell the new daemon's peer; \returns 0 or a negative errno. */
int bsc_attach(struct fake_bsc *bsc);
/*! The daemon's end of the link is gone. */
void bsc_detach(struct fake_bsc *bsc);
/*! Cut or mend the link. What the BSC has received is worked on all the same. */
void bsc_set_wire(struct fake_bsc *bsc, bool wire);
/*! Cut the link; what was in flight toward the BSC is lost. */
void bsc_cut(struct fake_bsc *bsc);
/*! The wall clock was set, which timers follow and this must not. */
void bsc_clock_set(struct fake_bsc *bsc);
/*! Its send queue has room. */
void bsc_ready(struct fake_bsc *bsc);
/*! It forgets everything; who is told is another matter. */
void bsc_lose_all(struct fake_bsc *bsc);
void bsc_lose_cell(struct fake_bsc *bsc, size_t cell);
/*! A cell stops or resumes broadcasting without forgetting. */
void bsc_fail_cell(struct fake_bsc *bsc, size_t cell, bool failed);
/*! RESTART or FAILURE. \param[in] cell  -1: all. */
void bsc_report(struct fake_bsc *bsc, enum peer_loss loss, enum message_kind kind, long cell);
void bsc_report_pattern(struct fake_bsc *bsc, enum peer_loss loss, enum message_kind kind,
			const struct target_pattern *pattern);

/*! Messages whose number of broadcasts is reached are forgotten. */
void bsc_refresh(struct fake_bsc *bsc);
bool bsc_on_air(struct fake_bsc *bsc, uint16_t identifier, uint16_t serial, size_t cell);
/*! Is a write of that message still to be worked on? */
bool bsc_write_waits(const struct fake_bsc *bsc, uint16_t identifier, uint16_t serial);
/*! Pages on air in a cell. */
unsigned int bsc_pages(struct fake_bsc *bsc, size_t cell);
/*! Is anything at all on air? */
bool bsc_silent(struct fake_bsc *bsc);
