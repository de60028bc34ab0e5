/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "smsc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/log.h>

#include "phone.h"
#include "sms_checker.h"

#define LINK_DELAY_MS 100
/* A centre that stores tries again after so long when it could not reach a phone. */
#define STORE_RETRY_MS 30000
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000

/* Causes, as command_status of SMPP 3.4 (5.1.3) has them. */
#define CAUSE_BAD_DESTINATION 0x0b
#define CAUSE_THROTTLED 0x58
#define CAUSE_DELIVERY_FAILURE 0xfe

/* One text to one phone, as the link has it. */
struct smsc_request {
	struct llist_head entry;
	uint32_t id;
	char *text;			/* phone_text_key() */
	unsigned int n_parts, part;	/* the one that is on its way, from 0 */
	struct target imsi;
	uint8_t reference, protocol_id;
	int64_t valid_ms;		/* the centre gives it up then */
	int64_t until_ms;		/* core does: its deadline */
	const char *handles[SMS_MAX_PARTS];
	bool lost;			/* its link is gone: nobody hears an answer */
	bool waits;			/* for another one to the same phone */
};

/* One part that a centre keeps. */
struct smsc_part {
	struct llist_head entry;
	char *handle;
	char *text;
	unsigned int part, n_parts;
	struct target imsi;
	uint8_t reference, protocol_id;
	int64_t valid_ms;
	const struct smsc_request *request;	/* not answered as a whole yet, else NULL */
	bool on_its_way;
	enum peer_answer receipt;	/* owed, else PEER_ANSWER_NONE */
	int64_t receipt_ms;
};

struct smsc_job {
	struct llist_head entry;
	int64_t at_ms;
	void (*run)(struct fake_smsc *smsc, struct smsc_job *job);
	struct smsc_request *request;
	struct smsc_part *part;
	struct peer_result result;
};

static void arrives(struct fake_smsc *smsc, struct smsc_job *job);
static void kick_stored(struct fake_smsc *smsc, const struct phone *phone);

/* What happens next */

static void schedule(struct osmo_timer_list *timer, int64_t delay_ms)
{
	if (delay_ms < 0)
		delay_ms = 0;
	osmo_timer_schedule(timer, delay_ms / 1000, delay_ms % 1000 * 1000);
}

static void jobs_arm(struct fake_smsc *smsc)
{
	if (llist_empty(&smsc->jobs))
		osmo_timer_del(&smsc->jobs_timer);
	else
		schedule(&smsc->jobs_timer,
			 llist_first_entry(&smsc->jobs, struct smsc_job, entry)->at_ms - smsc->w->mono_ms);
}

static struct smsc_job *job_add(struct fake_smsc *smsc, int64_t delay_ms,
				void (*run)(struct fake_smsc *smsc, struct smsc_job *job))
{
	struct smsc_job *job = talloc_zero(smsc, struct smsc_job), *other;

	job->run = run;
	job->at_ms = smsc->w->mono_ms + delay_ms;
	llist_for_each_entry(other, &smsc->jobs, entry) {
		if (other->at_ms > job->at_ms)
			break;
	}
	llist_add_tail(&job->entry, &other->entry);
	jobs_arm(smsc);
	return job;
}

static void jobs_cb(void *data)
{
	struct fake_smsc *smsc = data;
	struct smsc_job *job;

	while (!llist_empty(&smsc->jobs)) {
		job = llist_first_entry(&smsc->jobs, struct smsc_job, entry);
		if (job->at_ms > smsc->w->mono_ms)
			break;
		llist_del(&job->entry);
		job->run(smsc, job);
		talloc_free(job);
	}
	jobs_arm(smsc);
}

static bool hears(const struct fake_smsc *smsc)
{
	return smsc->up && !smsc->w->doomed;
}

/* Its deadline begins anew with the next part, or with the same one after a pause. */
static void part_leaves(struct fake_smsc *smsc, struct smsc_request *req,
			const struct peer_request *asked, int64_t pause_ms)
{
	req->until_ms = smsc->w->mono_ms + smsc->caps.deadline_s * 1000;
	peer_request_goes_on(smsc->peer, asked);
	sms_checker_goes_on(smsc->w->sms_checker, smsc, req->text, &req->imsi, req->until_ms);
	job_add(smsc, pause_ms + smsc->to_ms, arrives)->request = req;
}

/* The end of a request */

/* A phone takes one part at a time, so the link has one text to it under way. */
static struct smsc_request *request_to(const struct fake_smsc *smsc, const struct target *imsi, bool waits)
{
	struct smsc_request *req;

	llist_for_each_entry(req, &smsc->requests, entry) {
		if (!req->lost && req->waits == waits && !target_compare(&req->imsi, imsi))
			return req;
	}
	return NULL;
}

static void request_forget(struct fake_smsc *smsc, struct smsc_request *req)
{
	struct smsc_part *part;

	llist_for_each_entry(part, &smsc->stored, entry) {
		if (part->request == req)
			part->request = NULL;
	}
	if (req->until_ms <= smsc->w->mono_ms)
		smsc->silent_ms = OSMO_MAX(smsc->silent_ms, req->until_ms);
	llist_del(&req->entry);
	talloc_free(req);
}

static void let_next_go(struct fake_smsc *smsc, const struct target *imsi)
{
	const struct peer_request *asked;
	struct smsc_request *next;

	while (hears(smsc) && !request_to(smsc, imsi, false)) {
		next = request_to(smsc, imsi, true);
		if (!next)
			return;
		asked = peer_request_by_id(smsc->peer, next->id);
		next->waits = false;
		if (asked)
			part_leaves(smsc, next, asked, 0);
		else
			request_forget(smsc, next);
	}
}

static void request_end(struct fake_smsc *smsc, struct smsc_request *req)
{
	const struct target imsi = req->imsi;

	request_forget(smsc, req);
	let_next_go(smsc, &imsi);
}

static void forget(struct fake_smsc *smsc, struct smsc_job *job)
{
	request_end(smsc, job->request);
}

/* Nobody will answer it; it counts as outstanding until core has given it up. */
static void never_answer(struct fake_smsc *smsc, struct smsc_request *req)
{
	job_add(smsc, req->until_ms - smsc->w->mono_ms + 1, forget)->request = req;
}

/* Receipts */

static void receipt_told(struct fake_smsc *smsc, const struct smsc_part *part)
{
	const struct peer_result result = { .answer = part->receipt };
	struct recipient_detail detail;
	struct target target;

	if (smsc->hint_receipts) {
		peer_receipt_hint(smsc->peer, &part->imsi, part->reference);
		return;
	}
	if (!peer_handle_find(smsc->peer, part->handle, &target, &detail)) {
		peer_unmatched(smsc->peer);
		return;
	}
	if (target_compare(&target, &part->imsi))
		world_violate(smsc->w, "%s: handle %s is taken for another recipient", smsc->name, part->handle);
	sms_checker_receipt(smsc->w->sms_checker, part->text, &part->imsi, part->receipt);
	peer_handle_done(smsc->peer, part->handle, &result);
	if (peer_handle_find(smsc->peer, part->handle, &target, &detail))
		world_violate(smsc->w, "%s: handle %s counts twice", smsc->name, part->handle);
}

static void part_free(struct smsc_part *part)
{
	llist_del(&part->entry);
	talloc_free(part);
}

/* A real centre repeats a receipt until it is acknowledged; the link of a dead daemon does not. */
static void give_receipts(struct fake_smsc *smsc)
{
	struct smsc_part *part, *next;

	llist_for_each_entry_safe(part, next, &smsc->stored, entry) {
		if (!part->receipt || part->receipt_ms > smsc->w->mono_ms || part->request || !hears(smsc))
			continue;
		receipt_told(smsc, part);
		if (smsc->double_receipts)
			receipt_told(smsc, part);
		part_free(part);
	}
}

static void receipts_due(struct fake_smsc *smsc, struct smsc_job *job)
{
	(void)job;
	give_receipts(smsc);
}

static void owe_receipt(struct fake_smsc *smsc, struct smsc_part *part, enum peer_answer answer)
{
	if (smsc->lose_receipts) {
		part_free(part);
		return;
	}
	part->receipt = answer;
	part->receipt_ms = smsc->w->mono_ms + smsc->receipt_ms;
	job_add(smsc, smsc->receipt_ms, receipts_due);
}

/* Answers, as the link hears them */

static void room_again(struct fake_smsc *smsc, struct smsc_job *job)
{
	(void)job;
	if (hears(smsc))
		peer_ready(smsc->peer);
}

static void no_room_for(struct fake_smsc *smsc, int64_t ms)
{
	smsc->room_ms = smsc->w->mono_ms + ms;
	job_add(smsc, ms, room_again);
}

static void back_off(struct fake_smsc *smsc)
{
	smsc->backoff_ms = smsc->backoff_ms ? OSMO_MIN(2 * smsc->backoff_ms, BACKOFF_MAX_MS) : BACKOFF_MIN_MS;
	no_room_for(smsc, smsc->backoff_ms);
}

static void done(struct fake_smsc *smsc, struct smsc_request *req, const struct peer_request *asked,
		 struct peer_result result)
{
	LOGP(DDELIV, LOGL_DEBUG, "%lld %s -> %lld: answer %d\n", (long long)smsc->w->mono_ms, smsc->name,
	     (long long)req->imsi.value, result.answer);
	if (result.answer == PEER_ANSWER_DONE) {
		result.handles = req->handles;
		result.n_handles = req->n_parts;
	}
	sms_checker_told(smsc->w->sms_checker, req->text, &req->imsi, result.answer);
	peer_request_done(smsc->peer, asked, &result);
	request_end(smsc, req);
	give_receipts(smsc);
}

static void answered(struct fake_smsc *smsc, struct smsc_job *job)
{
	struct smsc_request *req = job->request;
	const struct peer_request *asked;
	bool good = job->result.answer == PEER_ANSWER_DONE || job->result.answer == PEER_ANSWER_DELIVERED;

	if (req->lost || !hears(smsc)) {
		request_end(smsc, req);
		give_receipts(smsc);
		return;
	}
	if (job->result.answer == PEER_ANSWER_LATER)
		back_off(smsc);
	else
		smsc->backoff_ms = 0;
	asked = peer_request_by_id(smsc->peer, req->id);
	if (!asked) {
		smsc->unmatched++;
		peer_unmatched(smsc->peer);
		request_end(smsc, req);
		give_receipts(smsc);
	} else if (good && req->part + 1 < req->n_parts) {
		req->part++;
		part_leaves(smsc, req, asked, 0);
	} else if (job->result.answer == PEER_ANSWER_LATER && req->part) {
		part_leaves(smsc, req, asked, smsc->backoff_ms);
	} else {
		done(smsc, req, asked, job->result);
	}
}

static void answer(struct fake_smsc *smsc, struct smsc_request *req, unsigned int delay_ms,
		   enum peer_answer what, uint8_t cause)
{
	struct smsc_job *job;

	if (smsc->mute) {
		never_answer(smsc, req);
		return;
	}
	job = job_add(smsc, delay_ms + smsc->answer_ms, answered);
	job->request = req;
	job->result = (struct peer_result){ .answer = what, .cause = cause };
}

static void unacknowledged(struct fake_smsc *smsc, struct smsc_request *req, unsigned int delay_ms)
{
	answer(smsc, req, delay_ms, smsc->sure ? PEER_ANSWER_REFUSED : PEER_ANSWER_NONE, CAUSE_DELIVERY_FAILURE);
}

/* The centre and the phone */

static bool reachable(const struct phone *phone)
{
	return phone->attached && !phone->memory_full && !phone->silent && !phone->barred;
}

/* Transaction mode. */
static void reaches_phone(struct fake_smsc *smsc, struct smsc_job *job)
{
	struct smsc_request *req = job->request;
	struct phone *phone = world_phone(smsc->w, &req->imsi);

	phone->busy = false;
	if (reachable(phone))
		phone_gets(phone, req->text, req->protocol_id, req->part, req->n_parts);
	if (!reachable(phone))
		unacknowledged(smsc, req, 0);
	else if (phone->ack_lost)
		answer(smsc, req, 0, PEER_ANSWER_NONE, CAUSE_DELIVERY_FAILURE);
	else
		answer(smsc, req, 0, PEER_ANSWER_DELIVERED, 0);
	kick_stored(smsc, phone);
}

static void forward(struct fake_smsc *smsc, struct smsc_request *req, struct phone *phone)
{
	if (phone->barred)
		answer(smsc, req, 0, PEER_ANSWER_IMPOSSIBLE, CAUSE_BAD_DESTINATION);
	else if (!phone->attached)
		answer(smsc, req, 0, PEER_ANSWER_REFUSED, CAUSE_BAD_DESTINATION);
	else if (phone->busy)
		unacknowledged(smsc, req, 0);
	else if (phone->silent)
		unacknowledged(smsc, req, smsc->paging_ms);
	else if (phone->memory_full)
		unacknowledged(smsc, req, smsc->phone_ms);
	else {
		phone->busy = true;
		job_add(smsc, smsc->phone_ms, reaches_phone)->request = req;
	}
}

/* Store mode: the phone takes what the centre keeps, or does not. */
static void stored_reaches_phone(struct fake_smsc *smsc, struct smsc_job *job)
{
	struct smsc_part *part = job->part;
	struct phone *phone = world_phone(smsc->w, &part->imsi);

	phone->busy = part->on_its_way = false;
	if (reachable(phone)) {
		phone_gets(phone, part->text, part->protocol_id, part->part, part->n_parts);
		owe_receipt(smsc, part, PEER_ANSWER_DELIVERED);
	}
	kick_stored(smsc, phone);
}

/* The first part of it that waits goes, the others follow. */
static void kick_stored(struct fake_smsc *smsc, const struct phone *phone)
{
	struct smsc_part *part;

	llist_for_each_entry(part, &smsc->stored, entry) {
		if (part->receipt || part->on_its_way || target_compare(&part->imsi, &phone->imsi))
			continue;
		if (phone->busy || !reachable(phone) || part->valid_ms <= smsc->w->mono_ms)
			return;
		part->on_its_way = true;
		((struct phone *)phone)->busy = true;
		job_add(smsc, smsc->phone_ms, stored_reaches_phone)->part = part;
		return;
	}
}

/* Tries again what could not be delivered, and gives up what is no longer valid. */
static void look_at_stored(struct fake_smsc *smsc, struct smsc_job *job)
{
	struct smsc_part *part, *next;

	(void)job;
	llist_for_each_entry_safe(part, next, &smsc->stored, entry) {
		if (part->receipt || part->on_its_way)
			continue;
		if (part->valid_ms <= smsc->w->mono_ms)
			owe_receipt(smsc, part, PEER_ANSWER_GIVEN_UP);
		else
			kick_stored(smsc, world_phone(smsc->w, &part->imsi));
	}
	if (!llist_empty(&smsc->stored))
		job_add(smsc, STORE_RETRY_MS, look_at_stored);
}

static void store_part(struct fake_smsc *smsc, struct smsc_request *req, const struct phone *phone)
{
	struct smsc_part *part = talloc_zero(smsc, struct smsc_part);

	part->handle = talloc_asprintf(part, "%s-%u", smsc->same_handles ? "same" : smsc->name,
				       ++smsc->last_handle);
	part->text = talloc_strdup(part, req->text);
	part->part = req->part;
	part->n_parts = req->n_parts;
	part->imsi = req->imsi;
	part->reference = req->reference;
	part->protocol_id = req->protocol_id;
	part->valid_ms = smsc->keep_ms ? smsc->w->mono_ms + smsc->keep_ms : req->valid_ms;
	part->request = req;
	if (llist_empty(&smsc->stored))
		job_add(smsc, STORE_RETRY_MS, look_at_stored);
	llist_add_tail(&part->entry, &smsc->stored);
	req->handles[req->part] = talloc_strdup(req, part->handle);
	kick_stored(smsc, phone);
	answer(smsc, req, 0, PEER_ANSWER_DONE, 0);
}

static void arrives(struct fake_smsc *smsc, struct smsc_job *job)
{
	struct smsc_request *req = job->request;
	struct phone *phone = world_phone(smsc->w, &req->imsi);

	if (smsc->deaf)
		never_answer(smsc, req);
	else if (smsc->throttled)
		answer(smsc, req, 0, PEER_ANSWER_LATER, CAUSE_THROTTLED);
	else if (smsc->mode == SMSC_STORE)
		store_part(smsc, req, phone);
	else
		forward(smsc, req, phone);
}

void smsc_phone_attached(struct fake_smsc *smsc, struct phone *phone)
{
	kick_stored(smsc, phone);
	if (smsc->says_available && hears(smsc))
		peer_target_available(smsc->peer, &phone->imsi);
}

/* The link */

static void link_down(struct fake_smsc *smsc)
{
	struct smsc_request *req, *next;

	osmo_timer_del(&smsc->link_timer);
	smsc->up = smsc->queue_full = false;
	smsc->backoff_ms = smsc->room_ms = 0;
	llist_for_each_entry_safe(req, next, &smsc->requests, entry) {
		req->lost = true;
		if (req->waits)
			request_forget(smsc, req);
	}
	sms_checker_link_down(smsc->w->sms_checker, smsc);
}

static void link_up_cb(void *data)
{
	struct fake_smsc *smsc = data;

	if (!smsc->wire || !smsc->peer || smsc->up)
		return;
	smsc->up = true;
	smsc->up_ms = smsc->w->mono_ms;
	peer_set_state(smsc->peer, PEER_UP, "bound");
	give_receipts(smsc);
}

void smsc_set_wire(struct fake_smsc *smsc, bool wire)
{
	smsc->wire = wire;
	if (wire) {
		if (!smsc->up && smsc->peer)
			schedule(&smsc->link_timer, LINK_DELAY_MS);
		return;
	}
	if (!smsc->up)
		return;
	link_down(smsc);
	if (smsc->peer)
		peer_set_state(smsc->peer, PEER_DOWN, "cut");
}

void smsc_cut(struct fake_smsc *smsc)
{
	struct smsc_job *job, *next;

	smsc_set_wire(smsc, false);
	llist_for_each_entry_safe(job, next, &smsc->jobs, entry) {
		if (job->run != arrives)
			continue;
		request_end(smsc, job->request);
		llist_del(&job->entry);
		talloc_free(job);
	}
	jobs_arm(smsc);
}

void smsc_ready(struct fake_smsc *smsc)
{
	smsc->queue_full = false;
	if (hears(smsc))
		peer_ready(smsc->peer);
}

void smsc_clock_set(struct fake_smsc *smsc)
{
	jobs_arm(smsc);
	if (osmo_timer_pending(&smsc->link_timer))
		schedule(&smsc->link_timer, LINK_DELAY_MS);
}

unsigned int smsc_outstanding(const struct fake_smsc *smsc)
{
	const struct smsc_request *req;
	unsigned int n = 0;

	llist_for_each_entry(req, &smsc->requests, entry)
		n += !req->lost && req->until_ms > smsc->w->mono_ms;
	return n;
}

bool smsc_was_silent(const struct fake_smsc *smsc, int64_t lately_ms)
{
	const struct smsc_request *req;
	int64_t since = smsc->w->mono_ms - lately_ms;
	bool silent = smsc->silent_ms && smsc->silent_ms > since;

	llist_for_each_entry(req, &smsc->requests, entry)
		silent |= req->until_ms <= smsc->w->mono_ms && req->until_ms > since;
	return silent;
}

/* The daemon's side */

struct fake_config {
	struct fake_smsc *smsc;
};

static struct fake_smsc *of(const struct peer *peer)
{
	const struct fake_config *config = peer_config(peer);

	return config->smsc;
}

static int fake_open(struct peer *peer)
{
	struct fake_smsc *smsc = of(peer);

	smsc->peer = peer;
	if (smsc->wire)
		schedule(&smsc->link_timer, LINK_DELAY_MS);
	return 0;
}

static void fake_close(struct peer *peer)
{
	struct fake_smsc *smsc = of(peer);

	link_down(smsc);
	smsc->peer = NULL;
}

static unsigned int room(const struct fake_smsc *smsc)
{
	if (smsc->room_ms > smsc->w->mono_ms)
		return 0;
	return smsc->pace_ms ? 1 : smsc->caps.room;
}

static void fake_caps(const struct peer *peer, struct peer_caps *caps)
{
	*caps = of(peer)->caps;
	caps->room = room(of(peer));
}

static struct smsc_request *request_make(struct fake_smsc *smsc, const struct peer_request *request,
					 char *key)
{
	struct smsc_request *req = talloc_zero(smsc, struct smsc_request);

	req->id = request->id;
	req->text = talloc_steal(req, key);
	req->n_parts = request->message->sms->parts.n;
	req->reference = request->message->sms->reference;
	req->protocol_id = request->message->sms->protocol_id;
	req->imsi = request->targets[0];
	req->valid_ms = smsc->w->mono_ms + request->remaining_s * 1000;
	req->until_ms = smsc->w->mono_ms + smsc->caps.deadline_s * 1000;
	llist_add_tail(&req->entry, &smsc->requests);
	return req;
}

static int fake_submit(struct peer *peer, const struct peer_request *request)
{
	struct fake_smsc *smsc = of(peer);
	struct smsc_request *req;
	bool behind;
	char *key;

	if (smsc->w->doomed || !smsc->up)
		return -ENOTCONN;
	if (!room(smsc) || smsc->queue_full) {
		smsc->turned_away++;
		return -EAGAIN;
	}
	key = sms_checker_handed(smsc->w->sms_checker, smsc, request);
	LOGP(DDELIV, LOGL_DEBUG, "%lld %s <- %lld: %.40s\n", (long long)smsc->w->mono_ms, smsc->name,
	     (long long)request->targets[0].value, request->message->text);
	smsc->submits++;
	smsc->again += request->again;
	behind = request_to(smsc, &request->targets[0], false) != NULL;
	req = request_make(smsc, request, key);
	req->waits = behind;
	smsc->most_out = OSMO_MAX(smsc->most_out, smsc_outstanding(smsc));
	if (smsc_outstanding(smsc) > smsc->caps.window)
		world_violate(smsc->w, "%s: %u requests outstanding, more than its window %u", smsc->name,
			      smsc_outstanding(smsc), smsc->caps.window);
	if (!behind)
		job_add(smsc, smsc->to_ms, arrives)->request = req;
	if (smsc->pace_ms)
		no_room_for(smsc, smsc->pace_ms);
	world_point(smsc->w);
	return 0;
}

/* A text that a phone has cannot be taken back, nor can a phone be asked. */
static int fake_never(struct peer *peer, const struct peer_request *request)
{
	(void)request;
	world_violate(of(peer)->w, "%s is asked for what no message centre can do", of(peer)->name);
	return -EINVAL;
}

static const char *fake_cause_name(uint8_t cause)
{
	return cause == CAUSE_THROTTLED ? "throttled" : "other";
}

static const char *fake_remote(const struct peer *peer)
{
	return of(peer)->name;
}

static int64_t fake_retry_ms(const struct peer *peer)
{
	struct osmo_timer_list *timer = &of(peer)->link_timer;
	struct timeval left;

	if (!osmo_timer_pending(timer) || osmo_timer_remaining(timer, NULL, &left) < 0)
		return -1;
	return (int64_t)left.tv_sec * 1000 + left.tv_usec / 1000;
}

static unsigned int fake_preference(const struct peer *peer)
{
	return of(peer)->preference;
}

const struct peer_ops fake_smsc_ops = {
	.protocol = "fake-sms",
	.bearer = "sms",
	.open = fake_open,
	.close = fake_close,
	.caps = fake_caps,
	.submit = fake_submit,
	.withdraw = fake_never,
	.query = fake_never,
	.cause_name = fake_cause_name,
	.remote = fake_remote,
	.retry_ms = fake_retry_ms,
	.preference = fake_preference,
};

int smsc_attach(struct fake_smsc *smsc)
{
	struct fake_config *config = talloc_zero(NULL, struct fake_config);
	struct peer *peer;

	config->smsc = smsc;
	peer = peer_alloc(gateway_peers(smsc->w->gw), smsc->name, &fake_smsc_ops, config);
	return peer ? peer_ops(peer)->open(peer) : -ENOMEM;
}

struct fake_smsc *smsc_alloc(struct world *w, unsigned int nr)
{
	struct fake_smsc *smsc = talloc_zero(w, struct fake_smsc);

	smsc->w = w;
	snprintf(smsc->name, sizeof(smsc->name), "smsc-%u", nr);
	smsc->preference = 10 + nr;
	smsc->wire = true;
	smsc->caps = (struct peer_caps){
		.max_targets = 1, .window = 10, .room = UINT_MAX, .deadline_s = 60, .mark_first = true,
	};
	smsc->to_ms = smsc->answer_ms = smsc->receipt_ms = 10;
	smsc->phone_ms = 500;
	smsc->paging_ms = 10000;
	INIT_LLIST_HEAD(&smsc->requests);
	INIT_LLIST_HEAD(&smsc->stored);
	INIT_LLIST_HEAD(&smsc->jobs);
	osmo_timer_setup(&smsc->jobs_timer, jobs_cb, smsc);
	osmo_timer_setup(&smsc->link_timer, link_up_cb, smsc);
	return smsc;
}

void smsc_release(struct fake_smsc *smsc)
{
	osmo_timer_del(&smsc->jobs_timer);
	osmo_timer_del(&smsc->link_timer);
}
