/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/base/log.h>

#include <osmocom/core/utils.h>

static const struct log_info_cat categories[] = {
	[DMAIN] = { .name = "DMAIN", .description = "Start, stop, configuration", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DHTTP] = { .name = "DHTTP", .description = "HTTP requests and answers", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DCAP] = { .name = "DCAP", .description = "Reading CAP alerts", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DPLAN] = { .name = "DPLAN", .description = "From alert to messages and cells", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DSTORE] = { .name = "DSTORE", .description = "Durable store", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DDELIV] = { .name = "DDELIV", .description = "Deliveries: wanted against confirmed", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DLINK] = { .name = "DLINK", .description = "Signalling links to peers", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DCBSP] = { .name = "DCBSP", .description = "CBSP protocol", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DCELL] = { .name = "DCELL", .description = "Cell table and its imports", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DRECIP] = { .name = "DRECIP", .description = "Sources of recipients and their imports", .enabled = 1, .loglevel = LOGL_NOTICE },
};

const struct log_info tocsin_log_info = {
	.cat = categories,
	.num_cat = ARRAY_SIZE(categories),
};
