/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sessions with a message centre: binding, states, configuration. The choices that are not the
 * specification's are made for OsmoMSC, and hurt no other centre. */
#include <tocsin/link/link_smpp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/msgb.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "smpp.h"

/* The longest PDU of ours is a submit_sm of some 300 octets. */
#define MAX_SENT 512
/* OsmoMSC's queue of answers holds ten. */
#define DEFAULT_WINDOW 10
#define DEFAULT_PREFERENCE 10
#define DEFAULT_RESPONSE_TIMEOUT_S 60
#define MAX_RATE 10000

/* Sending */

/* Longer than any PDU: a generic_nack that has a length for its sequence number answers nothing. */
#define FIRST_SEQUENCE (SMPP_MAX_PDU + 1)

uint32_t smpp_next_sequence(struct smpp_link *sl)
{
	if (sl->sequence < FIRST_SEQUENCE || sl->sequence >= 0x7fffffff)
		sl->sequence = FIRST_SEQUENCE;
	else
		sl->sequence++;
	return sl->sequence;
}

static struct msgb *smpp_msgb(const struct smpp_pdu *pdu)
{
	struct msgb *msg = msgb_alloc_c(NULL, MAX_SENT, smpp_command_name(pdu->command));
	int len;

	if (!msg)
		return NULL;
	len = smpp_encode(pdu, msg->tail, msgb_tailroom(msg));
	if (len < 0) {
		msgb_free(msg);
		return NULL;
	}
	msgb_put(msg, len);
	return msg;
}

int smpp_send(struct smpp_session *session, const struct smpp_pdu *pdu)
{
	struct msgb *msg = smpp_msgb(pdu);

	/* For want of memory: as if the queue were full. */
	return msg ? link_send(session->link, msg) : -EAGAIN;
}

/* Binding */

/* \returns octets read, or a negative errno. A FIFO must not block the loop. */
static ssize_t read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, out, size);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

/* \returns NULL, or why there is none. */
static const char *read_password(const char *path, char password[SMPP_PASSWORD_SIZE])
{
	char line[SMPP_PASSWORD_SIZE + 2] = "";	/* one too long can be told, and CR LF */
	ssize_t n;
	size_t len;

	*password = '\0';
	if (!path)
		return NULL;
	n = read_file(path, line, sizeof(line) - 1);
	if (n < 0)
		return strerror(-n);
	len = strcspn(line, "\r\n");
	if (!len)
		return "the first line is empty";
	if (len >= SMPP_PASSWORD_SIZE)
		return "longer than 8 characters";
	memcpy(password, line, len);
	password[len] = '\0';
	return NULL;
}

static void on_connected(void *priv)
{
	struct smpp_session *session = priv;
	struct smpp_link *sl = session->sl;
	const struct smpp_config *config = &sl->config;
	struct smpp_pdu pdu = {
		.command = session->bind, .interface_version = SMPP_INTERFACE_VERSION,
	};
	const char *problem = read_password(config->password_file, pdu.password);
	char why[128];

	if (problem) {
		snprintf(why, sizeof(why), "password file: %s", problem);
		LOGP(DLINK, LOGL_ERROR, "peer=%s password file %s: %s\n", peer_name(sl->peer),
		     config->password_file, problem);
		link_drop(session->link, why);
		return;
	}
	OSMO_STRLCPY_ARRAY(pdu.system_id, config->system_id);
	OSMO_STRLCPY_ARRAY(pdu.system_type, config->system_type ? config->system_type : "");
	pdu.sequence = session->bind_sequence = smpp_next_sequence(sl);
	(void)smpp_send(session, &pdu);	/* if it fails, the bind goes unanswered */
}

static void unbind(struct smpp_session *session)
{
	const struct smpp_pdu pdu = {
		.command = SMPP_UNBIND, .sequence = smpp_next_sequence(session->sl),
	};

	/* A courtesy, for the conn is closed at once. */
	if (session->state == PEER_UP)
		(void)smpp_send(session, &pdu);
}

/* State of the peer: that of the session which is behind */

static const struct smpp_session *last_session(const struct smpp_link *sl)
{
	if (sl->n_sessions > 1 && sl->session[1].state < sl->session[0].state)
		return &sl->session[1];
	return &sl->session[0];
}

static void tell_state(struct smpp_link *sl)
{
	const struct smpp_session *last = last_session(sl);
	char why[sizeof(last->why) + 16];

	if (sl->n_sessions == 1 || last->state == PEER_UP)
		snprintf(why, sizeof(why), "%s", last->why);
	else
		snprintf(why, sizeof(why), "%s: %s",
			 last->bind == SMPP_BIND_RECEIVER ? "receiver" : "transmitter", last->why);
	peer_set_state(sl->peer, last->state, why);
}

static void on_state(void *priv, enum peer_state state, const char *why)
{
	struct smpp_session *session = priv;
	struct smpp_link *sl = session->sl;

	session->state = state;
	snprintf(session->why, sizeof(session->why), "%s", why);
	sl->up = last_session(sl)->state == PEER_UP;
	if (!sl->up) {
		smpp_submits_forget(sl);
		smpp_receipts_give_up(sl);
	}
	tell_state(sl);
}

static void on_frame(void *priv, const uint8_t *frame, size_t len)
{
	smpp_rx(priv, frame, len);
}

static struct msgb *keep_alive(void *priv)
{
	struct smpp_session *session = priv;
	const struct smpp_pdu pdu = {
		.command = SMPP_ENQUIRE_LINK, .sequence = smpp_next_sequence(session->sl),
	};

	return smpp_msgb(&pdu);
}

static void on_ready(void *priv)
{
	struct smpp_session *session = priv;

	smpp_go_on(session->sl);
}

/* Who holds the first link knows of no second one. */
static void on_rearm(void *priv)
{
	struct smpp_session *session = priv;
	struct smpp_link *sl = session->sl;

	if (session != &sl->session[0])
		return;
	smpp_rearm(sl);
	if (sl->n_sessions > 1)
		link_rearm(sl->session[1].link);
}

static const struct link_ops smpp_link_ops = {
	.max_frame = SMPP_MAX_PDU,
	.together = true,
	.frame_len = smpp_frame_len,
	.on_connected = on_connected,
	.on_frame = on_frame,
	.keep_alive = keep_alive,
	.on_state = on_state,
	.on_ready = on_ready,
	.on_rearm = on_rearm,
};

/* Configuration */

struct smpp_config *smpp_config_alloc(void *ctx)
{
	struct smpp_config *config = talloc_zero(ctx, struct smpp_config);

	if (!config)
		return NULL;
	link_config_init(&config->link);
	config->preference = DEFAULT_PREFERENCE;
	config->window = DEFAULT_WINDOW;
	config->response_timeout_s = DEFAULT_RESPONSE_TIMEOUT_S;
	return config;
}

static struct link_config with_port(const struct smpp_config *config)
{
	struct link_config c = config->link;

	if (!c.remote_port)
		c.remote_port = SMPP_PORT;
	return c;
}

/* A C-octet string of the protocol is ASCII (3.1). */
static bool is_text(const char *s, size_t size)
{
	size_t len = 0;

	while (s[len] >= ' ' && s[len] <= '~')
		len++;
	return !s[len] && len < size;
}

static int check_range(unsigned int value, unsigned int min, unsigned int max, const char *field,
		       struct problem *problem)
{
	if (value >= min && value <= max)
		return 0;
	return problem_set(problem, PROBLEM_CONFIG, field, 0, "must be between %u and %u", min,
			   max);
}

static int check_session(const struct smpp_config *config, struct problem *problem)
{
	if (!config->system_id || !*config->system_id ||
	    !is_text(config->system_id, SMPP_SYSTEM_ID_SIZE))
		return problem_set(problem, PROBLEM_CONFIG, "system-id", 0,
				   "must have 1 to %u ASCII characters", SMPP_SYSTEM_ID_SIZE - 1);
	if (config->system_type && !is_text(config->system_type, SMPP_SYSTEM_TYPE_SIZE))
		return problem_set(problem, PROBLEM_CONFIG, "system-type", 0,
				   "must have at most %u ASCII characters",
				   SMPP_SYSTEM_TYPE_SIZE - 1);
	if (config->link.role != LINK_CONNECT)
		return problem_set(problem, PROBLEM_CONFIG, "role", 0, "must be connect");
	if (config->bind == SMPP_BIND_AS_TRANSMITTER_RECEIVER && config->link.local_port)
		return problem_set(problem, PROBLEM_CONFIG, "local-port", 0,
				   "must not be set where there are two conns");
	return 0;
}

int smpp_config_check(const struct smpp_config *config, struct problem *problem)
{
	const struct link_config c = with_port(config);

	if (link_config_check(&c, problem) < 0 || check_session(config, problem) < 0 ||
	    check_range(config->preference, 1, 99, "preference", problem) < 0 ||
	    check_range(config->window, 1, 1000, "window", problem) < 0 ||
	    check_range(config->rate, 0, MAX_RATE, "rate", problem) < 0 ||
	    check_range(config->response_timeout_s, 5, 600, "response-timeout", problem) < 0)
		return -EINVAL;
	return 0;
}

/* Life */

/* What the operator changes meanwhile concerns the next link: an answer must be read in the mode in
 * which its submit was sent. */
static int copy_config(struct smpp_link *sl, const struct smpp_config *config)
{
	sl->config = *config;
	sl->config.system_id = talloc_strdup(sl, config->system_id);
	if (!sl->config.system_id)
		return -ENOMEM;
	if (config->password_file) {
		sl->config.password_file = talloc_strdup(sl, config->password_file);
		if (!sl->config.password_file)
			return -ENOMEM;
	}
	if (config->system_type) {
		sl->config.system_type = talloc_strdup(sl, config->system_type);
		if (!sl->config.system_type)
			return -ENOMEM;
	}
	return 0;
}

static int smpp_link_destructor(struct smpp_link *sl)
{
	osmo_timer_del(&sl->tick);
	return 0;
}

static struct smpp_link *smpp_link_alloc(struct peer *peer, const struct smpp_config *config)
{
	struct smpp_link *sl = talloc_zero(peer, struct smpp_link);

	if (!sl)
		return NULL;
	sl->peer = peer;
	INIT_LLIST_HEAD(&sl->early);
	smpp_submits_init(sl);
	talloc_set_destructor(sl, smpp_link_destructor);
	smpp_pace_init(&sl->pace, config->rate, clock_mono_ms());
	if (copy_config(sl, config) < 0) {
		talloc_free(sl);
		return NULL;
	}
	return sl;
}

static void set_sessions(struct smpp_link *sl)
{
	static const enum smpp_command binds[2][2] = {
		[SMPP_BIND_AS_TRANSCEIVER] = { SMPP_BIND_TRANSCEIVER },
		[SMPP_BIND_AS_TRANSMITTER_RECEIVER] = { SMPP_BIND_TRANSMITTER, SMPP_BIND_RECEIVER },
	};
	unsigned int i;

	sl->n_sessions = sl->config.bind == SMPP_BIND_AS_TRANSMITTER_RECEIVER ? 2 : 1;
	for (i = 0; i < sl->n_sessions; i++) {
		struct smpp_session *session = &sl->session[i];

		session->sl = sl;
		session->bind = binds[sl->config.bind == SMPP_BIND_AS_TRANSMITTER_RECEIVER][i];
		OSMO_STRLCPY_ARRAY(session->why, "connecting");
	}
}

static int open_sessions(struct smpp_link *sl)
{
	const struct link_config c = with_port(&sl->config);
	unsigned int i;
	int rc = 0;

	for (i = 0; i < sl->n_sessions && !rc; i++) {
		struct smpp_session *session = &sl->session[i];

		rc = link_open(sl, sl->peer, &c, &smpp_link_ops, session, &session->link);
	}
	return rc;
}

static int smpp_open(struct peer *peer)
{
	const struct smpp_config *config = peer_config(peer);
	struct smpp_link *sl;
	int rc;

	if (smpp_config_check(config, NULL) < 0)
		return -EINVAL;
	sl = smpp_link_alloc(peer, config);
	if (!sl)
		return -ENOMEM;
	set_sessions(sl);
	rc = open_sessions(sl);
	if (rc < 0)
		talloc_free(sl);
	else
		peer_link_set(peer, sl);
	return rc;
}

static void smpp_close(struct peer *peer)
{
	struct smpp_link *sl = peer_link(peer);
	unsigned int i;

	peer_link_set(peer, NULL);
	for (i = 0; sl && i < sl->n_sessions; i++)
		unbind(&sl->session[i]);
	talloc_free(sl);
}

void link_smpp_drop(struct peer *peer)
{
	struct smpp_link *sl = peer_link(peer);
	unsigned int i;

	for (i = 0; sl && i < sl->n_sessions; i++) {
		unbind(&sl->session[i]);
		link_drop(sl->session[i].link, "dropped by an operator");
	}
}

/* The peer's operations */

static void smpp_caps(const struct peer *peer, struct peer_caps *caps)
{
	struct smpp_link *sl = peer_link(peer);
	const struct smpp_config *config = sl ? &sl->config : peer_config(peer);

	*caps = (struct peer_caps){
		.max_targets = 1,
		.window = config->window,
		.room = sl ? smpp_room(sl) : 0,
		.deadline_s = config->response_timeout_s,
		.mark_first = true,
	};
}

static int submit(struct peer *peer, const struct peer_request *request)
{
	struct smpp_link *sl = peer_link(peer);

	return sl ? smpp_submit(sl, request) : -ENOTCONN;
}

/* What a phone has is not taken back, and nobody is asked how often. */
static int not_possible(struct peer *peer, const struct peer_request *request)
{
	(void)peer;
	(void)request;
	return -EINVAL;
}

static const char *smpp_remote(const struct peer *peer)
{
	struct smpp_link *sl = peer_link(peer);

	return sl ? link_remote(last_session(sl)->link) : NULL;
}

static int64_t smpp_retry_ms(const struct peer *peer)
{
	struct smpp_link *sl = peer_link(peer);

	return sl ? link_retry_ms(last_session(sl)->link) : -1;
}

static unsigned int smpp_preference(const struct peer *peer)
{
	const struct smpp_config *config = peer_config(peer);

	return config->preference;
}

struct link *link_smpp_link(const struct peer *peer)
{
	struct smpp_link *sl = peer_link(peer);

	return sl ? sl->session[0].link : NULL;
}

const struct peer_ops link_smpp_ops = {
	.protocol = "smpp",
	.bearer = "sms",
	.open = smpp_open,
	.close = smpp_close,
	.caps = smpp_caps,
	.submit = submit,
	.withdraw = not_possible,
	.query = not_possible,
	.cause_name = smpp_cause_name,
	.remote = smpp_remote,
	.retry_ms = smpp_retry_ms,
	.preference = smpp_preference,
};
