/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Start and end of the HTTP front, and what the loop does for it four times a second: deadlines,
 * counters, and the live pages that GETs are answered from. */

#include "http_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/utils.h>
#include <talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>
#include <tocsin/front/metrics.h>

#define TICK_NS 250000000
#define RENDER_MS 1000

static const struct rate_ctr_desc ctr_desc[_NUM_HTTP_CTR] = {
	[HTTP_CTR_REQUESTS] = { "requests", "Requests received" },
	[HTTP_CTR_ACCEPTED] = { "accepted", "Alerts answered 202" },
	[HTTP_CTR_REFUSED] = { "refused", "Requests answered 4xx" },
	[HTTP_CTR_UNAVAILABLE] = { "unavailable", "Requests answered 5xx" },
	[HTTP_CTR_LATE] = { "late", "Connections ended by a deadline" },
};

static const struct rate_ctr_group_desc ctr_group_desc = {
	.group_name_prefix = "http",
	.group_description = "HTTP listeners",
	.num_ctr = ARRAY_SIZE(ctr_desc),
	.ctr_desc = ctr_desc,
};

static const struct http_limits default_limits = {
	.body = HTTP_MAX_BODY,
	.held = 64u << 20,
	.jobs = 1024,
	.connections = 2048,
	.per_address = 128,
	.idle_s = 20,
	.header_ms = 10000,
	.body_ms = 60000,
	.answer_ms = 30000,
	.send_ms = 300000,
};

static int http_destructor(struct http *http)
{
	http_stop(http);
	return 0;
}

struct http *http_alloc(void *ctx, struct gateway *gw)
{
	struct http *http = talloc_zero(ctx, struct http);

	if (!http)
		return NULL;
	http->gw = gw;
	http->limits = default_limits;
	http->kick.fd = -1;
	http->tick.fd = -1;
	talloc_set_destructor(http, http_destructor);
	return http;
}

struct http_limits *http_limits(struct http *http)
{
	return &http->limits;
}

uint16_t http_port(const struct http *http, size_t i)
{
	return i < http->n_listeners ? http->listeners[i]->port : 0;
}

unsigned int http_waiting(const struct http *http)
{
	return atomic_load(&http->waiting);
}

/*
 * What the loop makes for the listeners
 */

static struct http_settings *settings_make(struct gateway *gw)
{
	const struct profile *profile = gateway_profile(gw);
	struct http_settings *s = talloc_zero(NULL, struct http_settings);
	size_t i, n = 0;

	if (!s)
		return NULL;
	s->originators = originator_set_copy(s, gateway_originators(gw));
	while (profile && profile->languages[n])
		n++;
	s->languages = talloc_zero_array(s, const char *, n + 1);
	if (!s->originators || !s->languages)
		goto fail;
	for (i = 0; i < n; i++) {
		s->languages[i] = talloc_strdup(s, profile->languages[i]);
		if (!s->languages[i])
			goto fail;
	}
	return s;
fail:
	talloc_free(s);
	return NULL;
}

static char *metrics_text(void *ctx, size_t *len)
{
	char *raw = NULL, *text = NULL;
	FILE *f = open_memstream(&raw, len);
	int rc;

	if (!f)
		return NULL;
	rc = metrics_render(f);
	if (fclose(f) == 0 && rc == 0)
		text = talloc_memdup(ctx, raw, *len);
	free(raw);
	return text;
}

static void keep_page(struct http_live *live, enum http_page page, struct json *j)
{
	json_object_end(j);
	if (!j->error) {
		live->text[page] = j->buf;
		live->len[page] = j->len;
	}
}

static void render_peers(struct http_live *live, struct gateway *gw)
{
	struct json j;

	json_init(&j, live);
	json_object_begin(&j, NULL);
	gateway_render_peers(gw, &j);
	keep_page(live, HTTP_PAGE_PEERS, &j);
}

static void render_recipients(struct http_live *live, struct gateway *gw)
{
	struct json j;

	json_init(&j, live);
	json_object_begin(&j, NULL);
	gateway_render_recipients(gw, &j);
	keep_page(live, HTTP_PAGE_RECIPIENTS, &j);
}

static void render_health(struct http_live *live, struct gateway *gw)
{
	struct json j;

	json_init(&j, live);
	json_object_begin(&j, NULL);
	live->can_commit = gateway_render_health(gw, &j);
	keep_page(live, HTTP_PAGE_HEALTH, &j);
}

static struct http_live *live_make(struct http *http)
{
	struct http_live *live = talloc_zero(NULL, struct http_live);

	if (!live)
		return NULL;
	live->rendered_ms = clock_mono_ms();
	render_peers(live, http->gw);
	render_recipients(live, http->gw);
	render_health(live, http->gw);
	live->text[HTTP_PAGE_METRICS] = metrics_text(live, &live->len[HTTP_PAGE_METRICS]);
	return live;
}

static struct http_live *live_copy(const struct http_live *from)
{
	struct http_live *live = talloc_memdup(NULL, from, sizeof(*from));
	size_t i;

	for (i = 0; live && i < _NUM_HTTP_PAGE; i++)
		live->text[i] = from->text[i] ? talloc_memdup(live, from->text[i], from->len[i]) : NULL;
	return live;
}

/* Whoever exchanges a pointer out of its place owns what it pointed to. */
static void hand_over(_Atomic(void *) *place, void *root)
{
	talloc_free(atomic_exchange(place, root));
}

static void render(struct http *http)
{
	struct http_live *live = live_make(http);
	size_t i;

	http->rendered_ms = clock_mono_ms();
	if (!live)
		return;
	for (i = 0; i + 1 < http->n_listeners; i++) {
		struct http_live *copy = live_copy(live);

		if (copy)
			hand_over(&http->listeners[i]->next_live, copy);
	}
	hand_over(&http->listeners[i]->next_live, live);
}

void http_reconfigure(struct http *http)
{
	size_t i;

	for (i = 0; i < http->n_listeners; i++) {
		struct http_settings *settings = settings_make(http->gw);

		if (settings)
			hand_over(&http->listeners[i]->next_settings, settings);
		else
			LOGP(DHTTP, LOGL_ERROR, "listener=%s:%u no memory for the new originators\n",
			     http->listeners[i]->config.address, http->listeners[i]->port);
	}
}

static void move_counts(struct http_listener *l)
{
	unsigned int i;

	for (i = 0; l->ctrs && i < _NUM_HTTP_CTR; i++)
		rate_ctr_add(rate_ctr_group_get_ctr(l->ctrs, i), atomic_exchange(&l->counts[i], 0));
}

static int on_tick(struct osmo_fd *ofd, unsigned int what)
{
	struct http *http = ofd->data;
	uint64_t expirations;
	size_t i;

	(void)what;
	if (read(ofd->fd, &expirations, sizeof(expirations)) < 0)
		return 0;
	http_jobs_sweep(http);
	for (i = 0; i < http->n_listeners; i++) {
		http_conns_sweep(http->listeners[i]);
		move_counts(http->listeners[i]);
	}
	if (clock_mono_ms() - http->rendered_ms >= RENDER_MS)
		render(http);
	return 0;
}

/*
 * Start and end
 */

static int listener_destructor(struct http_listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->ctrs)
		rate_ctr_group_free(l->ctrs);
	talloc_free(atomic_load(&l->next_settings));
	talloc_free(atomic_load(&l->next_live));
	talloc_free(l->settings);
	talloc_free(l->live);
	talloc_free(l->reader);
	talloc_unlink(NULL, l->cells);
	talloc_free(l->cells_name);
	pthread_mutex_destroy(&l->conns_lock);
	return 0;
}

static struct http_listener *listener_alloc(struct http *http, const struct http_listener_config *config, unsigned int idx)
{
	struct http_listener *l = talloc_zero(http, struct http_listener);

	if (!l)
		return NULL;
	l->http = http;
	l->fd = -1;
	l->wake_fd = -1;
	INIT_LLIST_HEAD(&l->conns);
	pthread_mutex_init(&l->conns_lock, NULL);
	talloc_set_destructor(l, listener_destructor);
	l->config = *config;
	l->config.address = talloc_strdup(l, config->address);
	l->store_dir = talloc_strdup(l, store_dir(gateway_store(http->gw)));
	l->settings = settings_make(http->gw);
	l->ctrs = rate_ctr_group_alloc(http, &ctr_group_desc, idx);
	if (!l->config.address || !l->store_dir || !l->settings || !l->ctrs) {
		talloc_free(l);
		return NULL;
	}
	return l;
}

static int listener_add(struct http *http, const struct http_listener_config *config, struct problem *problem)
{
	struct http_listener *l = listener_alloc(http, config, http->n_listeners);
	char name[64];

	if (!l)
		return problem_set(problem, PROBLEM_CONFIG, "http", 0, "not enough memory");
	http->listeners[http->n_listeners++] = l;
	l->fd = http_listen(config, &l->port, problem);
	if (l->fd < 0)
		return -EINVAL;
	snprintf(name, sizeof(name), "%s:%u", config->address, l->port);
	rate_ctr_group_set_name(l->ctrs, name);
	return 0;
}

static int tick_start(struct http *http)
{
	static const struct timespec interval = { .tv_nsec = TICK_NS };

	if (osmo_timerfd_setup(&http->tick, on_tick, http) < 0)
		return -EIO;
	return osmo_timerfd_schedule(&http->tick, &interval, &interval);
}

static int listener_fails(const struct http_listener *l, struct problem *problem)
{
	return problem_set(problem, PROBLEM_CONFIG, "http", 0, "cannot start the listener %s port %u",
			   l->config.address, l->port);
}

static int open_all(struct http *http, struct problem *problem)
{
	size_t i;

	if (http_jobs_start(http) < 0 || tick_start(http) < 0)
		return problem_set(problem, PROBLEM_CONFIG, "http", 0, "no timer or queue: %s", strerror(errno));
	render(http);
	for (i = 0; i < http->n_listeners; i++) {
		if (http_daemon_open(http->listeners[i]) < 0)
			return listener_fails(http->listeners[i], problem);
	}
	return 0;
}

int http_open(struct http *http, const struct http_listener_config *listeners, size_t n,
	      struct problem *problem)
{
	size_t i;
	int rc = 0;

	if (http->listeners)
		return problem_set(problem, PROBLEM_CONFIG, "http", 0, "it is already running");
	http->listeners = talloc_zero_array(http, struct http_listener *, n ? n : 1);
	if (!http->listeners)
		return problem_set(problem, PROBLEM_CONFIG, "http", 0, "not enough memory");
	for (i = 0; i < n && rc == 0; i++)
		rc = listener_add(http, &listeners[i], problem);
	if (rc == 0 && n)
		rc = open_all(http, problem);
	if (rc < 0)
		http_stop(http);
	return rc;
}

int http_start(struct http *http, const struct http_listener_config *listeners, size_t n,
	       struct problem *problem)
{
	int rc = http_open(http, listeners, n, problem);
	size_t i;

	for (i = 0; rc == 0 && i < n; i++) {
		struct http_listener *l = http->listeners[i];

		if (http_daemon_start(l) < 0) {
			rc = listener_fails(l, problem);
			http_stop(http);
			break;
		}
		LOGP(DHTTP, LOGL_NOTICE, "listener=%s:%u listens%s%s\n", l->config.address, l->port,
		     l->config.serves & HTTP_INTAKE ? " intake" : "", l->config.serves & HTTP_READ ? " read" : "");
	}
	return rc;
}

void http_stop(struct http *http)
{
	size_t i;

	if (!http->listeners)
		return;
	atomic_store(&http->stopping, true);
	http_jobs_stop(http);
	for (i = 0; i < http->n_listeners; i++)
		http_daemon_stop(http->listeners[i]);
	if (http->tick.fd >= 0) {
		osmo_fd_unregister(&http->tick);
		close(http->tick.fd);
		http->tick.fd = -1;
	}
	for (i = 0; i < http->n_listeners; i++)
		talloc_free(http->listeners[i]);
	talloc_free(http->listeners);
	http->listeners = NULL;
	http->n_listeners = 0;
	atomic_store(&http->stopping, false);
}
