/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tocsind: reads the configuration, starts everything in the order in which it depends on each
 * other, runs the loop, and stops everything in the reverse order. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/fsm.h>
#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/select.h>
#include <osmocom/core/stats.h>
#include <osmocom/core/talloc.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/logging.h>
#include <osmocom/vty/misc.h>
#include <osmocom/vty/stats.h>
#include <osmocom/vty/telnet_interface.h>
#include <osmocom/vty/vty.h>

#include <tocsin/base/clock_watch.h>
#include <tocsin/base/log.h>
#include <tocsin/cap/cap.h>
#include <tocsin/core/gateway.h>
#include <tocsin/front/config.h>
#include <tocsin/front/config_source.h>
#include <tocsin/front/http.h>
#include <tocsin/link/listener.h>

#include "config.h"
#include "msc_vty.h"
#include "peer_vty.h"

#define DEFAULT_CONFIG "tocsind.cfg"

struct options {
	const char *config_file;
	bool test_only;
	bool vty_reference;
};

struct daemon {
	void *ctx;
	struct gateway *gw;
	struct config *config;
	struct osmo_fd signals;
};

static const char copyright[] =
	"License AGPLv3+: GNU AGPL version 3 or later <https://gnu.org/licenses/agpl-3.0.html>\r\n"
	"This is free software: you are free to change and redistribute it.\r\n"
	"There is NO WARRANTY, to the extent permitted by law.\r\n";

static void print_help(void)
{
	printf("Usage: tocsind [-c FILE] [-T]\n"
	       "  -c, --config-file FILE  configuration (default " DEFAULT_CONFIG ")\n"
	       "  -T, --test-config       check the configuration and end\n"
	       "      --vty-ref-xml       print the VTY reference as XML and end\n"
	       "  -V, --version           print the version and end\n"
	       "  -h, --help              print this and end\n");
}

/* \returns -1 to go on, else the status to end with. */
static int read_options(int argc, char **argv, struct options *opt)
{
	static const struct option options[] = {
		{ "config-file", required_argument, NULL, 'c' },
		{ "test-config", no_argument, NULL, 'T' },
		{ "vty-ref-xml", no_argument, NULL, 'X' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:TVh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			opt->config_file = optarg;
			break;
		case 'T':
			opt->test_only = true;
			break;
		case 'X':
			opt->vty_reference = true;
			break;
		case 'V':
			printf("tocsind %s\n", PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "tocsind: unexpected argument %s\n", argv[optind]);
		return 2;
	}
	return -1;
}

static void init_libraries(void *ctx)
{
	static struct vty_app_info vty_info = {
		.name = "tocsind",
		.version = PACKAGE_VERSION,
		.copyright = copyright,
	};

	osmo_init_logging2(ctx, &tocsin_log_info);
	log_enable_multithread();
	osmo_fsm_term_safely(true);
	rate_ctr_init(ctx);
	osmo_stats_init(ctx);
	vty_info.tall_ctx = ctx;
	vty_init(&vty_info);
	logging_vty_add_cmds();
	osmo_stats_vty_add_cmds();
	osmo_talloc_vty_add_cmds();
	config_vty_init();
	config_show_init();
	peer_vty_init();
	msc_vty_init();
}

/* Peers, store and HTTP clients each take a descriptor: take as many as the system gives. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);	/* without it there are just fewer */
}

/* systemd's notification (sd_notify(3)) without its library. */
static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(addr.sun_path))
		return;
	strcpy(addr.sun_path, path);
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&addr,
		     offsetof(struct sockaddr_un, sun_path) + strlen(path));
	close(fd);
}

static void reload(struct config *config)
{
	if (config_reload_cells(config) < 0)
		LOGP(DMAIN, LOGL_ERROR, "no import of cells: no file is configured, or there is no memory\n");
	if (config_sources_import(config) < 0)
		LOGP(DMAIN, LOGL_ERROR, "no import of recipients: there is no memory\n");
}

static int signal_cb(struct osmo_fd *ofd, unsigned int what)
{
	struct daemon *daemon = ofd->data;
	struct signalfd_siginfo info;

	(void)what;
	if (read(ofd->fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	switch (info.ssi_signo) {
	case SIGHUP:
		LOGP(DMAIN, LOGL_NOTICE, "SIGHUP: importing the cell table and the files of recipients again\n");
		reload(daemon->config);
		break;
	case SIGUSR1:
		talloc_report(daemon->ctx, stderr);
		break;
	default:
		LOGP(DMAIN, LOGL_NOTICE, "%s: stopping\n", strsignal(info.ssi_signo));
		osmo_select_shutdown_request();
	}
	return 0;
}

/* Blocked before the first thread starts, so that no thread is interrupted by them. */
static int watch_signals(struct daemon *daemon)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	osmo_fd_setup(&daemon->signals, fd, OSMO_FD_READ, signal_cb, daemon, 0);
	return osmo_fd_register(&daemon->signals);
}

static int fail(const struct problem *problem)
{
	fprintf(stderr, "tocsind: ");
	if (*problem->where)
		fprintf(stderr, "%s:", problem->where);
	if (problem->line)
		fprintf(stderr, "%u:", problem->line);
	fprintf(stderr, "%s%s\n", *problem->where ? " " : "", problem->detail);
	return EXIT_FAILURE;
}

static bool peer_known(const char *peer, void *data)
{
	return peer_by_name(data, peer) != NULL;
}

static int check_configuration(const struct config *config, struct problem *problem)
{
	if (config_check(config, problem) < 0)
		return -EINVAL;
	return peer_vty_check(config, problem);
}

static int check_cells(const struct config *config, struct problem *problem)
{
	struct cell_table *table;

	if (!config->cells_file)
		return 0;
	table = cell_table_import(NULL, config->cells_file, peer_known, gateway_peers(config->gw), problem);
	talloc_free(table);
	return table ? 0 : -EINVAL;
}

/* What the configuration names must be readable too. */
static int check_files(const struct config *config, struct problem *problem)
{
	return check_cells(config, problem) < 0 ? -EINVAL : config_sources_test(config, problem);
}

static void clock_stepped(void *data)
{
	struct config *config = data;

	LOGP(DMAIN, LOGL_NOTICE, "the wall clock was set\n");
	gateway_wake(config->gw);
	peer_vty_rearm_all(config);
	config_sources_rearm(config);
}

static int start_http(struct daemon *daemon, struct problem *problem)
{
	static const struct http_listener_config fallback = {
		.address = "127.0.0.1", .port = HTTP_DEFAULT_PORT, .serves = HTTP_INTAKE | HTTP_READ,
	};
	struct config *config = daemon->config;
	struct http *http = http_alloc(daemon->ctx, daemon->gw);
	int rc;

	if (!http)
		return problem_set(problem, PROBLEM_NO_MEMORY, "http", 0, "There is not enough memory.");
	rc = config->n_http_listeners ?
	     http_start(http, config->http_listeners, config->n_http_listeners, problem) :
	     http_start(http, &fallback, 1, problem);
	if (rc == 0)
		config->http = http;
	return rc;
}

static int start(struct daemon *daemon, struct problem *problem)
{
	struct config *config = daemon->config;
	int rc;

	if (cap_init() < 0)
		return problem_set(problem, PROBLEM_INTERNAL, NULL, 0, "The CAP schema cannot be compiled.");
	rc = watch_signals(daemon);
	if (rc < 0)
		return problem_set(problem, PROBLEM_INTERNAL, NULL, 0, "Signals: %s.", strerror(-rc));
	rc = gateway_start(daemon->gw, config->store_dir, true, problem);
	if (rc < 0)
		return rc;
	if (config->cells_file) {
		rc = gateway_cells_at_start(daemon->gw, config->cells_file, problem);
		if (rc < 0)
			return rc;
		if (rc > 0)
			LOGP(DMAIN, LOGL_ERROR, "%s:%u: %s The cell table from before stays in force.\n",
			     problem->where, problem->line, problem->detail);
	}
	rc = config_sources_open(config, problem);
	if (rc < 0)
		return rc;
	rc = peer_vty_open_all(config, problem);
	if (rc < 0)
		return rc;
	if (!clock_watch_alloc(daemon->ctx, clock_stepped, config))
		LOGP(DMAIN, LOGL_ERROR, "steps of the wall clock cannot be noticed\n");
	return start_http(daemon, problem);
}

static int run(struct daemon *daemon)
{
	struct problem problem = { 0 };
	int rc = telnet_init_default(daemon->ctx, daemon->config, TOCSIN_VTY_PORT);

	if (rc < 0) {
		fprintf(stderr, "tocsind: the VTY cannot listen: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	rc = start(daemon, &problem);
	if (rc == 0) {
		daemon->config->running = true;
		LOGP(DMAIN, LOGL_NOTICE, "tocsind %s is ready\n", PACKAGE_VERSION);
		notify("READY=1");
		while (!osmo_select_shutdown_done())
			osmo_select_main_ctx(0);
		notify("STOPPING=1");
	}
	if (daemon->config->http)
		http_stop(daemon->config->http);
	gateway_stop(daemon->gw);
	return rc < 0 ? fail(&problem) : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options opt = { .config_file = DEFAULT_CONFIG };
	struct daemon daemon = { 0 };
	struct problem problem = { 0 };
	int status = read_options(argc, argv, &opt);

	if (status >= 0)
		return status;
	daemon.ctx = talloc_named_const(NULL, 0, "tocsind");
	init_libraries(daemon.ctx);
	raise_fd_limit();
	if (opt.vty_reference) {
		vty_dump_xml_ref_mode(stdout, VTY_REF_GEN_MODE_DEFAULT);
		return EXIT_SUCCESS;
	}
	daemon.gw = gateway_alloc(daemon.ctx);
	daemon.config = daemon.gw ? config_alloc(daemon.ctx, daemon.gw, listeners_alloc(daemon.ctx)) : NULL;
	if (!daemon.config) {
		fprintf(stderr, "tocsind: out of memory\n");
		return EXIT_FAILURE;
	}
	if (config_read(daemon.config, opt.config_file) < 0)
		return EXIT_FAILURE;
	if (check_configuration(daemon.config, &problem) < 0)
		return fail(&problem);
	if (opt.test_only)
		return check_files(daemon.config, &problem) < 0 ? fail(&problem) : EXIT_SUCCESS;
	status = run(&daemon);
	talloc_free(daemon.ctx);
	cap_exit();
	return status;
}
