/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/link/listener.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/select.h>
#include <osmocom/core/socket.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>
#include <tocsin/link/conn.h>

#include "rate.h"

/* After a restart all peers come at once. */
#define BACKLOG 4096
/* Connections taken per callback; what is left is taken in the next round of the loop. */
#define MAX_ACCEPTS 256
/* How long nothing is accepted when descriptors or memory have run out. */
#define PAUSE_MS 100

enum { CTR_REFUSED };

static const struct rate_ctr_desc ctr_desc[] = {
	[CTR_REFUSED] = { "conn:refused", "Connections closed since no peer is expected from there" },
};

static const struct rate_ctr_group_desc ctr_group = {
	.group_name_prefix = "listener",
	.group_description = "Socket that peers connect to",
	.num_ctr = ARRAY_SIZE(ctr_desc),
	.ctr_desc = ctr_desc,
};

struct listeners {
	struct llist_head list;
	struct rate rate;
	unsigned int next_ctr_index;
};

struct listener {
	struct llist_head entry;
	struct listeners *set;
	struct llist_head members;
	struct osmo_sockaddr local;	/* as configured */
	struct osmo_fd ofd;
	struct rate_ctr_group *ctrs;
	struct osmo_timer_list pause;
	int64_t pause_until_ms;		/* monotonic */
};

struct listener_member {
	struct llist_head entry;
	struct listener *listener;
	const struct listener_ops *ops;
	void *priv;
	struct osmo_sockaddr remote;	/* its port is 0 if any will do */
};

static bool same_ip(const struct osmo_sockaddr *a, const struct osmo_sockaddr *b)
{
	if (a->u.sa.sa_family != b->u.sa.sa_family)
		return false;
	if (a->u.sa.sa_family == AF_INET6)
		return !memcmp(&a->u.sin6.sin6_addr, &b->u.sin6.sin6_addr, sizeof(struct in6_addr));
	return a->u.sin.sin_addr.s_addr == b->u.sin.sin_addr.s_addr;
}

static uint16_t port_of(const struct osmo_sockaddr *a)
{
	return osmo_sockaddr_port(&a->u.sa);
}

static struct listener_member *member_for(struct listener *l, const struct osmo_sockaddr *remote)
{
	struct listener_member *m;

	llist_for_each_entry(m, &l->members, entry) {
		if (same_ip(&m->remote, remote) &&
		    (!port_of(&m->remote) || port_of(&m->remote) == port_of(remote)))
			return m;
	}
	return NULL;
}

static void refuse(struct listener *l, int fd, const struct osmo_sockaddr *remote)
{
	struct listeners *set = l->set;
	struct listener_member *m;
	char text[CONN_ADDRESS_LEN] = "";
	unsigned int left_out;

	close(fd);
	rate_ctr_inc(rate_ctr_group_get_ctr(l->ctrs, CTR_REFUSED));
	if (rate_pass(&set->rate, &left_out)) {
		osmo_sockaddr_to_str_buf(text, sizeof(text), remote);
		LOGP(DLINK, LOGL_NOTICE,
		     "conn from %s refused: no such peer (%u more not logged)\n", text, left_out);
	}
	llist_for_each_entry(m, &l->members, entry) {
		if (same_ip(&m->remote, remote))
			m->ops->on_refused(m->priv);
	}
}

static void admit(struct listener *l, int fd, const struct osmo_sockaddr *remote)
{
	struct listener_member *m = member_for(l, remote);

	if (m)
		m->ops->on_conn(m->priv, fd);
	else
		refuse(l, fd, remote);
}

static void pause_arm(struct listener *l)
{
	int64_t left_ms = l->pause_until_ms - clock_mono_ms();

	osmo_timer_schedule(&l->pause, 0, left_ms > 0 ? left_ms * 1000 : 0);
}

static void pause_over(void *data)
{
	struct listener *l = data;

	osmo_fd_update_when(&l->ofd, OSMO_FD_MASK, OSMO_FD_READ);
}

/* The socket stays readable as long as something waits: look away, or the loop spins. What waits
 * keeps its place in the backlog. */
static void pause_accepting(struct listener *l, int error)
{
	unsigned int left_out;

	if (rate_pass(&l->set->rate, &left_out))
		LOGP(DLINK, LOGL_ERROR, "cannot accept: %s (%u more not logged)\n", strerror(error),
		     left_out);
	osmo_fd_read_disable(&l->ofd);
	l->pause_until_ms = clock_mono_ms() + PAUSE_MS;
	pause_arm(l);
}

static int listener_cb(struct osmo_fd *ofd, unsigned int what)
{
	struct listener *l = ofd->data;
	struct osmo_sockaddr remote;
	unsigned int i;

	(void)what;	/* only readability is asked for */
	for (i = 0; i < MAX_ACCEPTS; i++) {
		socklen_t len = sizeof(remote);
		int fd = accept4(ofd->fd, &remote.u.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(l, fd, &remote);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			pause_accepting(l, errno);
			break;
		}
	}
	return 0;
}

static int open_socket(const struct osmo_sockaddr *local)
{
	bool v6 = local->u.sa.sa_family == AF_INET6;
	int fd = socket(local->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, rc;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    /* "::" means IPv6 only, so that "0.0.0.0" can be had beside it. */
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    /* At boot the address may come later than we do. */
	    setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND, &on,
		       sizeof(on)) < 0 ||
	    bind(fd, &local->u.sa, v6 ? sizeof(local->u.sin6) : sizeof(local->u.sin)) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static int listener_destructor(struct listener *l)
{
	osmo_timer_del(&l->pause);
	osmo_fd_close(&l->ofd);
	llist_del(&l->entry);
	rate_ctr_group_free(l->ctrs);
	return 0;
}

static struct rate_ctr_group *counters_alloc(struct listener *l)
{
	struct rate_ctr_group *ctrs = rate_ctr_group_alloc(l, &ctr_group, l->set->next_ctr_index++);
	char name[CONN_ADDRESS_LEN];

	if (ctrs) {
		osmo_sockaddr_to_str_buf(name, sizeof(name), &l->local);
		rate_ctr_group_set_name(ctrs, name);
	}
	return ctrs;
}

static int listener_open(struct listeners *set, const struct osmo_sockaddr *local,
			 struct listener **out)
{
	struct listener *l = talloc_zero(set, struct listener);
	int fd;

	if (!l)
		return -ENOMEM;
	fd = open_socket(local);
	if (fd < 0) {
		talloc_free(l);
		return fd;
	}
	l->set = set;
	l->local = *local;
	INIT_LLIST_HEAD(&l->members);
	osmo_timer_setup(&l->pause, pause_over, l);
	osmo_fd_setup(&l->ofd, fd, OSMO_FD_READ, listener_cb, l, 0);
	l->ctrs = counters_alloc(l);
	if (!l->ctrs || osmo_fd_register(&l->ofd) < 0) {
		rate_ctr_group_free(l->ctrs);
		close(fd);
		talloc_free(l);
		return -ENOMEM;
	}
	llist_add_tail(&l->entry, &set->list);
	talloc_set_destructor(l, listener_destructor);
	*out = l;
	return 0;
}

static struct listener *listener_find(struct listeners *set, const struct osmo_sockaddr *local)
{
	struct listener *l;

	if (!port_of(local))
		return NULL;
	llist_for_each_entry(l, &set->list, entry) {
		if (same_ip(&l->local, local) && port_of(&l->local) == port_of(local))
			return l;
	}
	return NULL;
}

/* Two members of one address must both be known by their ports: otherwise a peer that connects
 * from a new port would be taken for the other, and get the other's alerts. */
static bool is_ambiguous(const struct listener *l, const struct osmo_sockaddr *remote)
{
	const struct listener_member *m;

	llist_for_each_entry(m, &l->members, entry) {
		if (same_ip(&m->remote, remote) && (!port_of(&m->remote) || !port_of(remote) ||
						   port_of(&m->remote) == port_of(remote)))
			return true;
	}
	return false;
}

static int member_destructor(struct listener_member *m)
{
	llist_del(&m->entry);
	if (llist_empty(&m->listener->members))
		talloc_free(m->listener);
	return 0;
}

int listener_join(void *ctx, struct listeners *set, const struct listener_config *config,
		  const struct listener_ops *ops, void *priv, struct listener_member **out)
{
	struct osmo_sockaddr local, remote;
	struct listener_member *m;
	struct listener *l;
	int rc;

	if (conn_address(config->local_ip, config->local_port, &local) < 0 ||
	    conn_address(config->remote_ip, config->remote_port, &remote) < 0 ||
	    local.u.sa.sa_family != remote.u.sa.sa_family)
		return -EINVAL;
	l = listener_find(set, &local);
	if (l && is_ambiguous(l, &remote))
		return -EEXIST;
	m = talloc_zero(ctx, struct listener_member);
	if (!m)
		return -ENOMEM;
	rc = l ? 0 : listener_open(set, &local, &l);
	if (rc < 0) {
		talloc_free(m);
		return rc;
	}
	m->listener = l;
	m->ops = ops;
	m->priv = priv;
	m->remote = remote;
	llist_add_tail(&m->entry, &l->members);
	talloc_set_destructor(m, member_destructor);
	*out = m;
	return 0;
}

uint16_t listener_port(const struct listener_member *member)
{
	struct osmo_sockaddr local;
	socklen_t len = sizeof(local);

	if (getsockname(member->listener->ofd.fd, &local.u.sa, &len) < 0)
		return 0;
	return port_of(&local);
}

void listener_rearm(struct listener_member *member)
{
	if (osmo_timer_pending(&member->listener->pause))
		pause_arm(member->listener);
}

struct listeners *listeners_alloc(void *ctx)
{
	struct listeners *set = talloc_zero(ctx, struct listeners);

	if (set)
		INIT_LLIST_HEAD(&set->list);
	return set;
}
