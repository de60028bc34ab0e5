/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Submits: queued, sent part by part, answered.
 *
 * Core may forget a request at any time (its deadline); a submit keeps nothing of it but its id,
 * and asks for it again before anything is sent or answered. A submit that core has forgotten keeps
 * its place in the window and its recipient to itself until it is found, a second later at most.
 *
 * The time is read once per event, since to read it for each step would be a fifth of what a submit costs. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <osmocom/core/msgb.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>
#include <tocsin/core/message.h>

#include "smpp.h"

/* How often what waits is looked at; far below the shortest response timeout. */
#define SWEEP_MS 1000

/* Life of a submit */

static void set_ready(struct smpp_link *sl, struct smpp_submit *s, bool first)
{
	s->state = SMPP_SUBMIT_READY;
	if (first)
		llist_add(&s->in_ready, &sl->ready);
	else
		llist_add_tail(&s->in_ready, &sl->ready);
	sl->n_ready++;
}

static void leave_state(struct smpp_link *sl, struct smpp_submit *s)
{
	switch (s->state) {
	case SMPP_SUBMIT_BEHIND:
		sl->n_behind--;
		break;
	case SMPP_SUBMIT_READY:
		llist_del(&s->in_ready);
		sl->n_ready--;
		break;
	case SMPP_SUBMIT_OUT:
		hash_del(&s->by_sequence);
		break;
	}
}

static bool is_taken(const struct smpp_link *sl, uint64_t destination)
{
	const struct smpp_submit *s;

	hash_for_each_possible(sl->by_destination, s, by_destination, destination) {
		if (s->destination == destination)
			return true;
	}
	return false;
}

/* The next one to the same recipient may go. */
static void let_next_go(struct smpp_link *sl, uint64_t destination)
{
	struct smpp_submit *s;

	if (!sl->n_behind)
		return;
	llist_for_each_entry(s, &sl->submits, entry) {
		if (s->destination != destination)
			continue;
		if (s->state == SMPP_SUBMIT_BEHIND) {
			sl->n_behind--;
			set_ready(sl, s, false);
		}
		return;
	}
}

/* Take it out; its memory stays. */
static void unlink_submit(struct smpp_link *sl, struct smpp_submit *s)
{
	leave_state(sl, s);
	llist_del(&s->entry);
	hash_del(&s->by_destination);
	sl->n_submits--;
	let_next_go(sl, s->destination);
}

static void drop_submit(struct smpp_link *sl, struct smpp_submit *s)
{
	unlink_submit(sl, s);
	talloc_free(s);
}

static void finish(struct smpp_link *sl, struct smpp_submit *s, const struct peer_request *request,
		   enum peer_answer answer, uint8_t cause)
{
	struct peer_result result = { .answer = answer, .cause = cause };

	/* A part that was taken may be on the phone, whatever became of the next one. */
	if (s->part && (answer == PEER_ANSWER_REFUSED || answer == PEER_ANSWER_IMPOSSIBLE))
		result.answer = PEER_ANSWER_NONE;
	if (answer == PEER_ANSWER_DONE && s->n_handles) {
		result.handles = s->handles;
		result.n_handles = s->n_handles;
	}
	unlink_submit(sl, s);
	peer_request_done(sl->peer, request, &result);
	talloc_free(s);
	if (result.n_handles)
		smpp_receipts_retry(sl);
}

/* Its life ended while it waited here. */
static bool end_if_expired(struct smpp_link *sl, struct smpp_submit *s,
			   const struct peer_request *request, int64_t now)
{
	if (now < s->ends_ms)
		return false;
	finish(sl, s, request, s->part ? PEER_ANSWER_REFUSED : PEER_ANSWER_LATER, 0);
	return true;
}

/* Sending */

static int send_part(struct smpp_link *sl, struct smpp_submit *s,
		     const struct peer_request *request, int64_t now)
{
	struct smpp_pdu pdu;
	int rc;

	/* A second that has begun counts as one: validity never ends before the message does. */
	smpp_part(&sl->config, request, s->part, (s->ends_ms - now + 999) / 1000, &pdu);
	pdu.sequence = smpp_next_sequence(sl);
	rc = smpp_send(&sl->session[0], &pdu);
	if (rc < 0)
		return rc;
	leave_state(sl, s);
	s->state = SMPP_SUBMIT_OUT;
	s->sequence = pdu.sequence;
	s->round = smpp_pace_take(&sl->pace, now);
	hash_add(sl->by_sequence, &s->by_sequence, s->sequence);
	return 0;
}

/* \returns false: nothing more can leave now. */
static bool send_ready(struct smpp_link *sl, struct smpp_submit *s, int64_t now)
{
	const struct peer_request *request = peer_request_by_id(sl->peer, s->id);

	if (!request) {
		drop_submit(sl, s);
		return true;
	}
	if (end_if_expired(sl, s, request, now))
		return true;
	if (send_part(sl, s, request, now) < 0)
		return false;
	peer_request_goes_on(sl->peer, request);
	return true;
}

static void send_all_ready(struct smpp_link *sl, int64_t now)
{
	while (!llist_empty(&sl->ready) && smpp_pace_room(&sl->pace, now)) {
		if (!send_ready(sl, llist_first_entry(&sl->ready, struct smpp_submit, in_ready), now))
			return;
	}
}

/* Time */

static void tick_schedule(struct smpp_link *sl)
{
	int64_t left_ms = OSMO_MAX(sl->tick_due_ms - clock_mono_ms(), 0);

	osmo_timer_schedule(&sl->tick, left_ms / 1000, left_ms % 1000 * 1000);
}

static void tick_arm(struct smpp_link *sl, int64_t now)
{
	int64_t wait_ms = SWEEP_MS;

	if (!sl->n_submits && !sl->starved) {
		osmo_timer_del(&sl->tick);
		return;
	}
	if (sl->n_ready || sl->starved) {
		int64_t pace_ms = smpp_pace_wait_ms(&sl->pace, now);

		if (pace_ms > 0)
			wait_ms = OSMO_MIN(wait_ms, pace_ms);
	}
	if (osmo_timer_pending(&sl->tick) && sl->tick_due_ms <= now + wait_ms)
		return;
	sl->tick_due_ms = now + wait_ms;
	tick_schedule(sl);
}

/* What waits here keeps its request alive: core's deadline is for the centre's answers. */
static void sweep(struct smpp_link *sl)
{
	int64_t now = clock_mono_ms();
	struct smpp_submit *s, *next;

	llist_for_each_entry_safe(s, next, &sl->submits, entry) {
		const struct peer_request *request = peer_request_by_id(sl->peer, s->id);

		if (!request)
			drop_submit(sl, s);
		else if (s->state != SMPP_SUBMIT_OUT && !end_if_expired(sl, s, request, now))
			peer_request_goes_on(sl->peer, request);
	}
}

static void tick_cb(void *data)
{
	struct smpp_link *sl = data;

	/* A step of the wall clock may have brought it early, which does no harm. */
	sweep(sl);
	smpp_go_on(sl);
}

void smpp_rearm(struct smpp_link *sl)
{
	if (osmo_timer_pending(&sl->tick))
		tick_schedule(sl);
}

static unsigned int room_at(struct smpp_link *sl, int64_t now)
{
	unsigned int pace = smpp_pace_room(&sl->pace, now);

	if (!sl->up || pace <= sl->n_ready)
		return 0;
	return OSMO_MIN(pace - sl->n_ready, sl->config.window - sl->n_submits);
}

unsigned int smpp_room(struct smpp_link *sl)
{
	return room_at(sl, clock_mono_ms());
}

static void go_on_at(struct smpp_link *sl, int64_t now)
{
	bool was_starved = sl->starved;

	if (!sl->up)
		return;
	send_all_ready(sl, now);
	if (!sl->n_submits)
		smpp_receipts_give_up(sl);
	sl->starved = !room_at(sl, now);
	tick_arm(sl, now);
	if (was_starved && !sl->starved)
		peer_ready(sl->peer);
}

void smpp_go_on(struct smpp_link *sl)
{
	go_on_at(sl, clock_mono_ms());
}

/* Requests */

static struct smpp_submit *submit_alloc(struct smpp_link *sl, const struct peer_request *request,
					uint64_t destination, int64_t now)
{
	/* More is not needed of a life, and would overflow. */
	int64_t remaining_s = OSMO_MIN(OSMO_MAX(request->remaining_s, 1), (int64_t)INT_MAX);
	struct smpp_submit *s = talloc_zero(sl, struct smpp_submit);
	bool behind = is_taken(sl, destination);

	if (!s)
		return NULL;
	s->id = request->id;
	s->destination = destination;
	s->ends_ms = now + remaining_s * 1000;
	llist_add_tail(&s->entry, &sl->submits);
	hash_add(sl->by_destination, &s->by_destination, destination);
	sl->n_submits++;
	if (behind) {
		s->state = SMPP_SUBMIT_BEHIND;
		sl->n_behind++;
	} else {
		set_ready(sl, s, false);
	}
	return s;
}

int smpp_submit(struct smpp_link *sl, const struct peer_request *request)
{
	int64_t now = clock_mono_ms();
	struct smpp_submit *s;
	uint64_t destination;
	int rc = 0;

	if (smpp_request_check(&sl->config, request, &destination) < 0)
		return -EINVAL;
	if (!sl->up)
		return -ENOTCONN;
	if (!room_at(sl, now)) {
		sl->starved = true;
		tick_arm(sl, now);
		return -EAGAIN;
	}
	s = submit_alloc(sl, request, destination, now);
	if (!s)
		rc = -EAGAIN;
	else if (s->state == SMPP_SUBMIT_READY)
		rc = send_part(sl, s, request, now);
	if (s && rc < 0)
		drop_submit(sl, s);
	sl->starved = rc < 0 || !room_at(sl, now);
	tick_arm(sl, now);
	return rc;
}

/* Answers */

static struct smpp_submit *submit_of(struct smpp_session *session, uint32_t sequence)
{
	struct smpp_link *sl = session->sl;
	struct smpp_submit *s;

	if (session != &sl->session[0])
		return NULL;
	hash_for_each_possible(sl->by_sequence, s, by_sequence, sequence) {
		if (s->sequence == sequence)
			return s;
	}
	return NULL;
}

static bool has_handle(const struct smpp_submit *s, const char *handle)
{
	unsigned int i;

	for (i = 0; i < s->n_handles; i++) {
		if (!strcmp(s->handles[i], handle))
			return true;
	}
	return false;
}

/* A message id that was given before tells nobody apart: the newer one has it, and from now on the
 * address must agree. */
static void keep_handle(struct smpp_link *sl, struct smpp_submit *s, const char *message_id)
{
	char handle[SMPP_HANDLE_SIZE];
	struct recipient_detail detail;
	struct target target;

	sl->ids_missing = !smpp_handle_of(message_id, handle);
	if (sl->ids_missing || has_handle(s, handle))
		return;
	if (peer_handle_find(sl->peer, handle, &target, &detail))
		sl->ids_doubtful = true;
	s->handles[s->n_handles] = talloc_strdup(s, handle);
	if (s->handles[s->n_handles])
		s->n_handles++;
}

/* Who has delivered needs no name for it: a message id says that the text was put into a store (5.2.23),
 * so the centre does not do transactions, and nobody knows what the phone did. */
static void note_stored(struct smpp_link *sl, struct smpp_submit *s, const char *message_id)
{
	unsigned int left_out;

	if (!*message_id)
		return;
	s->stored = true;
	if (rate_pass(&sl->refused, &left_out))
		LOGP(DLINK, LOGL_ERROR, "peer=%s stores what it is to deliver at once: set its mode to"
		     " store-and-forward\n", peer_name(sl->peer));
}

static void on_taken(struct smpp_link *sl, struct smpp_submit *s,
		     const struct peer_request *request, const struct smpp_pdu *pdu)
{
	if (sl->config.mode == SMPP_MODE_STORE)
		keep_handle(sl, s, pdu->message_id);
	else
		note_stored(sl, s, pdu->message_id);
	if (++s->part == request->message->sms->parts.n) {
		finish(sl, s, request, s->stored ? PEER_ANSWER_DONE :
		       smpp_answer_of(sl->config.mode, SMPP_ROK, true), 0);
		return;
	}
	leave_state(sl, s);
	set_ready(sl, s, true);
	peer_request_goes_on(sl->peer, request);
}

static void log_refused(struct smpp_link *sl, const struct smpp_pdu *pdu,
			const struct peer_request *request)
{
	char imsi[TARGET_TEXT_LEN], shortened[RECIPIENT_SHORT_LEN];
	unsigned int left_out;

	if (!rate_pass(&sl->refused, &left_out))
		return;
	target_format(&request->targets[0], imsi, sizeof(imsi));
	LOGP(DLINK, LOGL_NOTICE, "peer=%s submit to %s answered %s (0x%x; %u more not logged)\n",
	     peer_name(sl->peer), recipient_shorten(imsi, shortened, sizeof(shortened)),
	     smpp_status_name(pdu->status), pdu->status, left_out);
}

static void on_refused(struct smpp_link *sl, struct smpp_submit *s,
		       const struct peer_request *request, const struct smpp_pdu *pdu)
{
	log_refused(sl, pdu, request);
	/* Half a text is worse than a late one: the rest follows when the centre has time. */
	if (smpp_is_throttled(pdu->status) && s->part) {
		leave_state(sl, s);
		set_ready(sl, s, true);
		peer_request_goes_on(sl->peer, request);
		return;
	}
	finish(sl, s, request, smpp_answer_of(sl->config.mode, pdu->status, s->part),
	       smpp_cause_of(pdu->status));
}

void smpp_submit_answered(struct smpp_session *session, const struct smpp_pdu *pdu)
{
	struct smpp_link *sl = session->sl;
	struct smpp_submit *s = submit_of(session, pdu->sequence);
	const struct peer_request *request = s ? peer_request_by_id(sl->peer, s->id) : NULL;
	bool drop = s && pdu->status == SMPP_RINVBNDSTS;
	int64_t now = clock_mono_ms();

	if (s && smpp_is_throttled(pdu->status))
		smpp_pace_throttled(&sl->pace, s->round, now);
	else if (s)
		smpp_pace_success(&sl->pace, s->round, now);
	if (!request) {
		smpp_unmatched(sl, pdu);
		if (s)
			drop_submit(sl, s);
	} else if (pdu->status == SMPP_ROK) {
		on_taken(sl, s, request, pdu);
	} else {
		on_refused(sl, s, request, pdu);
	}
	if (drop)
		link_drop(session->link, "the centre does not know of our bind: RINVBNDSTS");
	else
		go_on_at(sl, now);
}

/* Life of all */

void smpp_submits_init(struct smpp_link *sl)
{
	INIT_LLIST_HEAD(&sl->submits);
	INIT_LLIST_HEAD(&sl->ready);
	hash_init(sl->by_sequence);
	hash_init(sl->by_destination);
	osmo_timer_setup(&sl->tick, tick_cb, sl);
}

void smpp_submits_forget(struct smpp_link *sl)
{
	struct smpp_submit *s, *next;

	osmo_timer_del(&sl->tick);
	llist_for_each_entry_safe(s, next, &sl->submits, entry)
		talloc_free(s);
	INIT_LLIST_HEAD(&sl->submits);
	INIT_LLIST_HEAD(&sl->ready);
	hash_init(sl->by_sequence);
	hash_init(sl->by_destination);
	sl->n_submits = sl->n_ready = sl->n_behind = 0;
	sl->starved = false;
}
