/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/link/link.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <osmocom/core/fsm.h>
#include <osmocom/core/msgb.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/tdef.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>
#include <tocsin/link/conn.h>
#include <tocsin/link/listener.h>

/* Octets that wait for one slow peer at most: some 60 of the largest messages. */
#define MAX_QUEUE (1024 * 1024)

#define S(x) (1 << (x))

enum link_st { LINK_ST_DOWN, LINK_ST_CONNECTING, LINK_ST_OPENING, LINK_ST_UP };

enum link_ev {
	LINK_EV_CONN_UP,	/* a conn stands */
	LINK_EV_OPENED,		/* the greeting is done */
	LINK_EV_SILENT,		/* a keep-alive was not answered */
	LINK_EV_ALIVE,		/* a kept conn speaks again */
	LINK_EV_CONN_LOST,	/* there is no conn any more */
};

static const struct value_string event_names[] = {
	OSMO_VALUE_STRING(LINK_EV_CONN_UP),
	OSMO_VALUE_STRING(LINK_EV_OPENED),
	OSMO_VALUE_STRING(LINK_EV_SILENT),
	OSMO_VALUE_STRING(LINK_EV_ALIVE),
	OSMO_VALUE_STRING(LINK_EV_CONN_LOST),
	{}
};

enum link_timer {
	LINK_T_BACKOFF_MIN = -1,
	LINK_T_BACKOFF_MAX = -2,
	LINK_T_CONNECT = -3,
	LINK_T_OPEN = -4,
	LINK_T_KEEP_ALIVE = -5,
	LINK_T_KEEP_ALIVE_ANSWER = -6,
};

/* Defaults and ranges; each link has its own values. */
static const struct osmo_tdef link_tdefs[] = {
	{ .T = LINK_T_BACKOFF_MIN, .default_val = 1000, .unit = OSMO_TDEF_MS,
	  .min_val = 10, .max_val = 3600000, .desc = "Wait before the second attempt to connect" },
	{ .T = LINK_T_BACKOFF_MAX, .default_val = 30000, .unit = OSMO_TDEF_MS,
	  .min_val = 10, .max_val = 3600000, .desc = "Longest wait between attempts to connect" },
	{ .T = LINK_T_CONNECT, .default_val = 10, .unit = OSMO_TDEF_S,
	  .min_val = 1, .max_val = 600, .desc = "Time for a conn to be established" },
	{ .T = LINK_T_OPEN, .default_val = 10, .unit = OSMO_TDEF_S,
	  .min_val = 1, .max_val = 600, .desc = "Time for the peer to answer the greeting" },
	{ .T = LINK_T_KEEP_ALIVE, .default_val = 30, .unit = OSMO_TDEF_S,
	  .min_val = 1, .max_val = 3600, .desc = "Silence of the peer before a keep-alive" },
	{ .T = LINK_T_KEEP_ALIVE_ANSWER, .default_val = 10, .unit = OSMO_TDEF_S,
	  .min_val = 1, .max_val = 3600, .desc = "Time for the peer to answer a keep-alive" },
	{}
};

struct link {
	struct peer *peer;
	struct link_config config;	/* a copy: the operator may change the other */
	const struct link_ops *ops;
	void *priv;
	struct osmo_fsm_inst *fi;
	struct osmo_tdef *tdefs;
	struct conn_ops conn_ops;
	struct conn *conn;
	struct listener_member *seat;	/* listening role */
	int64_t state_due_ms;		/* monotonic, when the state's timer is due */
	struct osmo_timer_list watch;	/* keep-alives */
	int64_t watch_due_ms;
	int64_t last_rx_ms;
	int64_t probe_ms;		/* the last keep-alive was sent */
	bool probing;			/* and nothing came since */
	unsigned long backoff_ms;	/* upper bound of the next wait */
	int64_t up_ms;			/* when the link went UP */
	char why[128];
};

static unsigned long link_t(const struct link *link, enum link_timer t)
{
	return osmo_tdef_get(link->tdefs, t, OSMO_TDEF_MS, -1);
}

static void timer_arm(struct osmo_timer_list *timer, int64_t due_ms)
{
	int64_t left_ms = OSMO_MAX(due_ms - clock_mono_ms(), 0);

	osmo_timer_schedule(timer, left_ms / 1000, left_ms % 1000 * 1000);
}

static void set_why(struct link *link, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void set_why(struct link *link, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(link->why, sizeof(link->why), fmt, ap);
	va_end(ap);
}

/* To the peer, or to a protocol that makes one peer of several links. */
static void tell_state(struct link *link, enum peer_state state, const char *why)
{
	if (link->ops->on_state)
		link->ops->on_state(link->priv, state, why);
	else
		peer_set_state(link->peer, state, why);
}

/* All changes of state; timeout 0 = none. */
static void go(struct link *link, enum link_st state, unsigned long timeout_ms, enum link_timer t)
{
	link->state_due_ms = clock_mono_ms() + timeout_ms;
	osmo_fsm_inst_state_chg_ms(link->fi, state, timeout_ms, t);
}

/* Half of the wait is random, so that peers that were lost together do not come back together. The
 * wait doubles until the link has stayed UP for longer than the longest wait: a peer that takes
 * conns and closes them at once is not asked every second. */
static unsigned long next_backoff(struct link *link)
{
	unsigned long min = link_t(link, LINK_T_BACKOFF_MIN);
	unsigned long max = link_t(link, LINK_T_BACKOFF_MAX);
	unsigned long bound;
	uint32_t random = 0;

	if (link->up_ms && clock_mono_ms() - link->up_ms > (int64_t)max)
		link->backoff_ms = min;
	link->up_ms = 0;
	bound = OSMO_MIN(OSMO_MAX(link->backoff_ms, min), max);
	link->backoff_ms = OSMO_MIN(bound * 2, max);
	/* Without randomness the wait is merely not jittered. */
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return bound / 2 + 1 + random % (bound / 2);
}

static void go_down(struct link *link)
{
	if (link->config.role == LINK_CONNECT)
		go(link, LINK_ST_DOWN, next_backoff(link), LINK_T_BACKOFF_MIN);
	else if (link->fi->state == LINK_ST_DOWN)
		tell_state(link, PEER_DOWN, link->why);
	else
		go(link, LINK_ST_DOWN, 0, 0);
}

/* Keep-alives */

static void watch_arm(struct link *link)
{
	if (link->probing)
		link->watch_due_ms = link->probe_ms + link_t(link, LINK_T_KEEP_ALIVE_ANSWER);
	else
		link->watch_due_ms = OSMO_MAX(link->last_rx_ms, link->probe_ms) +
				     link_t(link, LINK_T_KEEP_ALIVE);
	timer_arm(&link->watch, link->watch_due_ms);
}

/* While an earlier keep-alive is not even acknowledged, TCP itself keeps trying. */
static void probe(struct link *link)
{
	struct msgb *msg;

	link->probe_ms = clock_mono_ms();
	link->probing = true;
	if (link->fi->state == LINK_ST_DOWN && conn_unacked(link->conn))
		return;
	msg = link->ops->keep_alive(link->priv);
	/* A full queue is no excuse: the peer has something to answer or to acknowledge. */
	if (msg)
		(void)link_send(link, msg);
}

static void watch_cb(void *data)
{
	struct link *link = data;
	int64_t now = clock_mono_ms();

	if (now < link->watch_due_ms) {
		timer_arm(&link->watch, link->watch_due_ms);
		return;
	}
	if (link->probing) {
		link->probing = false;
		if (link->fi->state == LINK_ST_UP)
			osmo_fsm_inst_dispatch(link->fi, LINK_EV_SILENT, NULL);
	} else if (now - link->last_rx_ms >= (int64_t)link_t(link, LINK_T_KEEP_ALIVE)) {
		probe(link);
	}
	if (link->conn)
		watch_arm(link);
}

/* The conn */

static void conn_connected(void *priv)
{
	struct link *link = priv;

	osmo_fsm_inst_dispatch(link->fi, LINK_EV_CONN_UP, NULL);
}

static void conn_frame(void *priv, const uint8_t *frame, size_t len)
{
	struct link *link = priv;

	link->last_rx_ms = clock_mono_ms();
	link->probing = false;
	peer_count(link->peer, PEER_CTR_RX);
	if (link->fi->state == LINK_ST_DOWN)
		osmo_fsm_inst_dispatch(link->fi, LINK_EV_ALIVE, NULL);
	link->ops->on_frame(link->priv, frame, len);
}

static void conn_ready(void *priv)
{
	struct link *link = priv;

	if (link->ops->on_ready)
		link->ops->on_ready(link->priv);
	else
		peer_ready(link->peer);
}

static void conn_closed(void *priv, const char *why)
{
	struct link *link = priv;

	link_drop(link, why);
}

void link_drop(struct link *link, const char *why)
{
	if (!link->conn)
		return;
	if (link->fi->state == LINK_ST_CONNECTING)
		peer_count(link->peer, PEER_CTR_CONN_REFUSED);
	osmo_timer_del(&link->watch);
	conn_free(link->conn);
	link->conn = NULL;
	set_why(link, "%s", why);
	osmo_fsm_inst_dispatch(link->fi, LINK_EV_CONN_LOST, NULL);
}

/* The newest conn wins: the peer has given up the one before. */
static void seat_conn(void *priv, int fd)
{
	struct link *link = priv;
	int rc;

	link_drop(link, "the peer opened a new conn");
	rc = conn_accept(link, fd, &link->conn_ops, link, &link->conn);
	if (rc < 0) {
		LOGP(DLINK, LOGL_ERROR, "peer=%s conn lost: %s\n", peer_name(link->peer),
		     strerror(-rc));
		return;
	}
	osmo_fsm_inst_dispatch(link->fi, LINK_EV_CONN_UP, NULL);
}

static void seat_refused(void *priv)
{
	struct link *link = priv;

	peer_count(link->peer, PEER_CTR_CONN_REFUSED);
}

static const struct listener_ops seat_ops = { .on_conn = seat_conn, .on_refused = seat_refused };

/* States */

static void down_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct link *link = fi->priv;

	(void)prev_state;
	tell_state(link, PEER_DOWN, link->why);
}

static void connecting_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct link *link = fi->priv;
	const struct link_config *c = &link->config;
	struct conn_config config = {
		.remote_ip = c->remote_ip, .remote_port = c->remote_port, .local_ip = c->local_ip,
		.local_port = c->local_port, .user_timeout_s = c->tcp_user_timeout_s,
	};
	int rc;

	(void)prev_state;
	tell_state(link, PEER_CONNECTING, link->why);
	rc = conn_connect(link, &config, &link->conn_ops, link, &link->conn);
	if (rc < 0) {
		link->conn = NULL;
		peer_count(link->peer, PEER_CTR_CONN_REFUSED);
		set_why(link, "cannot connect: %s", strerror(-rc));
		go_down(link);
	}
}

static void opening_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct link *link = fi->priv;

	(void)prev_state;
	link->last_rx_ms = clock_mono_ms();
	link->probing = false;
	tell_state(link, PEER_OPENING, "connected");
	link->ops->on_connected(link->priv);
}

static void up_onenter(struct osmo_fsm_inst *fi, uint32_t prev_state)
{
	struct link *link = fi->priv;

	(void)prev_state;
	link->up_ms = clock_mono_ms();
	watch_arm(link);
	tell_state(link, PEER_UP, link->why);
}

static void down_action(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct link *link = fi->priv;

	(void)data;
	if (event == LINK_EV_ALIVE) {
		set_why(link, "the peer answers again");
		go(link, LINK_ST_UP, 0, 0);
	} else {
		go(link, LINK_ST_OPENING, link_t(link, LINK_T_OPEN), LINK_T_OPEN);
	}
}

static void connecting_action(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct link *link = fi->priv;

	(void)event;
	(void)data;
	go(link, LINK_ST_OPENING, link_t(link, LINK_T_OPEN), LINK_T_OPEN);
}

static void opening_action(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct link *link = fi->priv;

	(void)event;
	(void)data;
	set_why(link, "opened");
	go(link, LINK_ST_UP, 0, 0);
}

static void up_action(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	struct link *link = fi->priv;

	(void)event;
	(void)data;
	if (link->config.role == LINK_CONNECT) {
		link_drop(link, "no answer to a keep-alive");
	} else {
		set_why(link, "no answer to a keep-alive; the conn is kept");
		go_down(link);
	}
}

static void lost_action(struct osmo_fsm_inst *fi, uint32_t event, void *data)
{
	(void)event;
	(void)data;
	go_down(fi->priv);
}

static void open_timeout(struct link *link)
{
	if (link->config.role == LINK_CONNECT) {
		link_drop(link, "no answer to the greeting");
		return;
	}
	/* The peer may have no other conn to offer: better this one than none. */
	LOGP(DLINK, LOGL_ERROR, "peer=%s does not answer the greeting, used all the same\n",
	     peer_name(link->peer));
	set_why(link, "the greeting was not answered");
	go(link, LINK_ST_UP, 0, 0);
}

/* \returns 0: the instance lives on. */
static int state_timeout(struct osmo_fsm_inst *fi)
{
	struct link *link = fi->priv;

	if (clock_mono_ms() < link->state_due_ms) {
		timer_arm(&fi->timer, link->state_due_ms);
		return 0;
	}
	switch (fi->state) {
	case LINK_ST_DOWN:
		go(link, LINK_ST_CONNECTING, link_t(link, LINK_T_CONNECT), LINK_T_CONNECT);
		break;
	case LINK_ST_CONNECTING:
		link_drop(link, "no answer to connect");
		break;
	case LINK_ST_OPENING:
		open_timeout(link);
		break;
	}
	return 0;
}

static const struct osmo_fsm_state link_states[] = {
	[LINK_ST_DOWN] = {
		.name = "DOWN",
		.in_event_mask = S(LINK_EV_CONN_UP) | S(LINK_EV_ALIVE),
		.out_state_mask = S(LINK_ST_CONNECTING) | S(LINK_ST_OPENING) | S(LINK_ST_UP),
		.action = down_action,
		.onenter = down_onenter,
	},
	[LINK_ST_CONNECTING] = {
		.name = "CONNECTING",
		.in_event_mask = S(LINK_EV_CONN_UP),
		.out_state_mask = S(LINK_ST_DOWN) | S(LINK_ST_OPENING),
		.action = connecting_action,
		.onenter = connecting_onenter,
	},
	[LINK_ST_OPENING] = {
		.name = "OPENING",
		.in_event_mask = S(LINK_EV_OPENED),
		.out_state_mask = S(LINK_ST_DOWN) | S(LINK_ST_UP),
		.action = opening_action,
		.onenter = opening_onenter,
	},
	[LINK_ST_UP] = {
		.name = "UP",
		.in_event_mask = S(LINK_EV_SILENT),
		.out_state_mask = S(LINK_ST_DOWN),
		.action = up_action,
		.onenter = up_onenter,
	},
};

/* Not constant: libosmocore keeps its list of instances in it. */
static struct osmo_fsm link_fsm = {
	.name = "link",
	.states = link_states,
	.num_states = ARRAY_SIZE(link_states),
	.allstate_event_mask = S(LINK_EV_CONN_LOST),
	.allstate_action = lost_action,
	.timer_cb = state_timeout,
	.log_subsys = DLINK,
	.event_names = event_names,
};

static __attribute__((constructor)) void link_fsm_register(void)
{
	(void)osmo_fsm_register(&link_fsm);
}

/* Configuration */

static unsigned int default_of(enum link_timer t)
{
	const struct osmo_tdef *tdef;

	osmo_tdef_for_each (tdef, link_tdefs) {
		if (tdef->T == t)
			return tdef->default_val;
	}
	return 0;
}

void link_config_init(struct link_config *config)
{
	*config = (struct link_config){
		.role = LINK_CONNECT,
		.keep_alive_s = default_of(LINK_T_KEEP_ALIVE),
		.keep_alive_timeout_s = default_of(LINK_T_KEEP_ALIVE_ANSWER),
		.tcp_user_timeout_s = 30,
		.backoff_min_ms = default_of(LINK_T_BACKOFF_MIN),
		.backoff_max_ms = default_of(LINK_T_BACKOFF_MAX),
	};
}

static int check_range(enum link_timer t, unsigned long value, const char *field,
		       struct problem *problem)
{
	const struct osmo_tdef *tdef;

	osmo_tdef_for_each (tdef, link_tdefs) {
		if (tdef->T == t && (value < tdef->min_val || value > tdef->max_val))
			return problem_set(problem, PROBLEM_CONFIG, field, 0,
					   "must be between %lu and %lu %s", tdef->min_val,
					   tdef->max_val, osmo_tdef_unit_name(tdef->unit));
	}
	return 0;
}

static int check_addresses(const struct link_config *c, struct problem *problem)
{
	struct osmo_sockaddr remote, local;

	if (!c->remote_ip || conn_address(c->remote_ip, 0, &remote) < 0)
		return problem_set(problem, PROBLEM_CONFIG, "remote-ip", 0,
				   "must be an IPv4 or IPv6 address");
	if (c->local_ip && conn_address(c->local_ip, 0, &local) < 0)
		return problem_set(problem, PROBLEM_CONFIG, "local-ip", 0,
				   "must be an IPv4 or IPv6 address");
	if (c->local_ip && remote.u.sa.sa_family != local.u.sa.sa_family)
		return problem_set(problem, PROBLEM_CONFIG, "local-ip", 0,
				   "must be of the same family as remote-ip");
	if (c->role == LINK_CONNECT && !c->remote_port)
		return problem_set(problem, PROBLEM_CONFIG, "remote-port", 0,
				   "must be set in role connect");
	if (c->role == LINK_LISTEN && !c->local_port)
		return problem_set(problem, PROBLEM_CONFIG, "local-port", 0,
				   "must be set in role listen");
	return 0;
}

int link_config_check(const struct link_config *c, struct problem *problem)
{
	if (check_addresses(c, problem) < 0 ||
	    check_range(LINK_T_KEEP_ALIVE, c->keep_alive_s, "keep-alive", problem) < 0 ||
	    check_range(LINK_T_KEEP_ALIVE_ANSWER, c->keep_alive_timeout_s, "keep-alive-timeout",
			problem) < 0 ||
	    check_range(LINK_T_BACKOFF_MIN, c->backoff_min_ms, "backoff-min", problem) < 0 ||
	    check_range(LINK_T_BACKOFF_MAX, c->backoff_max_ms, "backoff-max", problem) < 0)
		return -EINVAL;
	if (c->backoff_min_ms > c->backoff_max_ms)
		return problem_set(problem, PROBLEM_CONFIG, "backoff-min", 0,
				   "must not exceed backoff-max");
	if (c->tcp_user_timeout_s > 3600)
		return problem_set(problem, PROBLEM_CONFIG, "tcp-user-timeout", 0,
				   "must not exceed 3600 s");
	return 0;
}

/* Life */

static bool set_timers(struct link *link)
{
	const struct link_config *c = &link->config;

	link->tdefs = talloc_memdup(link, link_tdefs, sizeof(link_tdefs));
	if (!link->tdefs)
		return false;
	osmo_tdefs_reset(link->tdefs);
	osmo_tdef_set(link->tdefs, LINK_T_KEEP_ALIVE, c->keep_alive_s, OSMO_TDEF_S);
	osmo_tdef_set(link->tdefs, LINK_T_KEEP_ALIVE_ANSWER, c->keep_alive_timeout_s, OSMO_TDEF_S);
	osmo_tdef_set(link->tdefs, LINK_T_BACKOFF_MIN, c->backoff_min_ms, OSMO_TDEF_MS);
	osmo_tdef_set(link->tdefs, LINK_T_BACKOFF_MAX, c->backoff_max_ms, OSMO_TDEF_MS);
	return true;
}

static int link_destructor(struct link *link)
{
	osmo_timer_del(&link->watch);
	if (link->fi)
		osmo_fsm_inst_free(link->fi);
	return 0;
}

static int copy_config(struct link *link, const struct link_config *config)
{
	link->config = *config;
	link->config.remote_ip = talloc_strdup(link, config->remote_ip);
	link->config.local_ip = config->local_ip ? talloc_strdup(link, config->local_ip) : NULL;
	return link->config.remote_ip && (link->config.local_ip || !config->local_ip) ? 0 : -ENOMEM;
}

static struct link *link_alloc(void *ctx, struct peer *peer, const struct link_config *config,
			       const struct link_ops *ops, void *priv)
{
	struct link *link = talloc_zero(ctx, struct link);

	if (!link)
		return NULL;
	link->peer = peer;
	link->ops = ops;
	link->priv = priv;
	link->conn_ops = (struct conn_ops){
		.max_frame = ops->max_frame, .max_queue = MAX_QUEUE, .together = ops->together,
		.frame_len = ops->frame_len,
		.on_connected = conn_connected, .on_frame = conn_frame, .on_ready = conn_ready,
		.on_closed = conn_closed,
	};
	osmo_timer_setup(&link->watch, watch_cb, link);
	talloc_set_destructor(link, link_destructor);
	link->fi = osmo_fsm_inst_alloc(&link_fsm, link, link, LOGL_DEBUG, NULL);
	if (!link->fi || copy_config(link, config) < 0 || !set_timers(link)) {
		talloc_free(link);
		return NULL;
	}
	osmo_fsm_inst_update_id_f_sanitize(link->fi, '-', "%s", peer_name(peer));
	return link;
}

static int start_listening(struct link *link)
{
	const struct link_config *c = &link->config;
	struct osmo_sockaddr remote;
	struct listener_config config = {
		.local_ip = c->local_ip, .local_port = c->local_port,
		.remote_ip = c->remote_ip, .remote_port = c->remote_port,
	};

	if (!c->listeners || conn_address(c->remote_ip, 0, &remote) < 0)
		return -EINVAL;
	if (!config.local_ip)
		config.local_ip = remote.u.sa.sa_family == AF_INET6 ? "::" : "0.0.0.0";
	return listener_join(link, c->listeners, &config, &seat_ops, link, &link->seat);
}

int link_open(void *ctx, struct peer *peer, const struct link_config *config,
	      const struct link_ops *ops, void *priv, struct link **out)
{
	struct link *link;
	int rc;

	if (link_config_check(config, NULL) < 0)
		return -EINVAL;
	link = link_alloc(ctx, peer, config, ops, priv);
	if (!link)
		return -ENOMEM;
	if (config->role == LINK_LISTEN) {
		rc = start_listening(link);
		if (rc < 0) {
			talloc_free(link);
			return rc;
		}
		tell_state(link, PEER_DOWN, "waiting for the peer to connect");
	} else {
		set_why(link, "connecting");
		go(link, LINK_ST_CONNECTING, link_t(link, LINK_T_CONNECT), LINK_T_CONNECT);
	}
	*out = link;
	return 0;
}

void link_opened(struct link *link)
{
	if (link->fi->state == LINK_ST_OPENING)
		osmo_fsm_inst_dispatch(link->fi, LINK_EV_OPENED, NULL);
}

int link_send(struct link *link, struct msgb *msg)
{
	int rc;

	if (!link->conn) {
		msgb_free(msg);
		return -ENOTCONN;
	}
	rc = conn_send(link->conn, msg);
	if (!rc)
		peer_count(link->peer, PEER_CTR_TX);
	return rc;
}

void link_rearm(struct link *link)
{
	if (osmo_timer_pending(&link->fi->timer))
		timer_arm(&link->fi->timer, link->state_due_ms);
	if (osmo_timer_pending(&link->watch))
		timer_arm(&link->watch, link->watch_due_ms);
	if (link->seat)
		listener_rearm(link->seat);
	if (link->ops->on_rearm)
		link->ops->on_rearm(link->priv);
}

enum peer_state link_state(const struct link *link)
{
	static const enum peer_state states[] = {
		[LINK_ST_DOWN] = PEER_DOWN, [LINK_ST_CONNECTING] = PEER_CONNECTING,
		[LINK_ST_OPENING] = PEER_OPENING, [LINK_ST_UP] = PEER_UP,
	};

	return states[link->fi->state];
}

const char *link_remote(const struct link *link)
{
	return link->conn ? conn_remote(link->conn) : NULL;
}

int64_t link_retry_ms(const struct link *link)
{
	if (link->fi->state != LINK_ST_DOWN || !osmo_timer_pending(&link->fi->timer))
		return -1;
	return OSMO_MAX(link->state_due_ms - clock_mono_ms(), 0);
}
