/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/base/clock_watch.h>

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

/* Far enough away never to fire; only its cancellation is of interest. */
#define FAR_AWAY_S (365 * 86400)

struct clock_watch {
	struct osmo_fd ofd;
	void (*stepped)(void *data);
	void *data;
};

static int arm(int fd)
{
	struct itimerspec when = { 0 };

	clock_gettime(CLOCK_REALTIME, &when.it_value);
	when.it_value.tv_sec += FAR_AWAY_S;
	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}

static int read_cb(struct osmo_fd *ofd, unsigned int what)
{
	struct clock_watch *watch = ofd->data;
	uint64_t expirations;

	(void)what;
	if (read(ofd->fd, &expirations, sizeof(expirations)) < 0 && errno != ECANCELED)
		return 0;
	arm(ofd->fd);
	watch->stepped(watch->data);
	return 0;
}

static int watch_destructor(struct clock_watch *watch)
{
	osmo_fd_unregister(&watch->ofd);
	close(watch->ofd.fd);
	return 0;
}

struct clock_watch *clock_watch_alloc(void *ctx, void (*stepped)(void *data), void *data)
{
	struct clock_watch *watch = talloc_zero(ctx, struct clock_watch);
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (!watch || fd < 0 || arm(fd) < 0)
		goto fail;
	watch->stepped = stepped;
	watch->data = data;
	osmo_fd_setup(&watch->ofd, fd, OSMO_FD_READ, read_cb, watch, 0);
	if (osmo_fd_register(&watch->ofd) < 0)
		goto fail;
	talloc_set_destructor(watch, watch_destructor);
	return watch;
fail:
	if (fd >= 0)
		close(fd);
	talloc_free(watch);
	return NULL;
}
