/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "fanout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first commit after the write-ahead log begins anew syncs its head and the database too. */
#define MAX_SYNCS 3

struct counts {
	unsigned int alerts;		/* posts that were followed by a write */
	unsigned int syncs;		/* since the last post */
	unsigned int sends;		/* WRITE-REPLACE, since the last post */
	unsigned int with_syncs[MAX_SYNCS + 2];	/* alerts by their number of syncs, the last: more */
	unsigned int odd_sends;		/* alerts whose sends were not one per peer */
};

static void end_alert(struct counts *c)
{
	c->odd_sends += c->sends && c->sends != FANOUT_PEERS;
	c->syncs = c->sends = 0;
}

/* Calls stand in the order in which they were made; a sync counts when it has ended. */
static void count_line(struct counts *c, const char *line)
{
	if (strstr(line, "recvfrom") && strstr(line, "\"POST /v1/alerts ")) {
		end_alert(c);
	} else if (strstr(line, "sync(") || strstr(line, "sync resumed>")) {
		c->syncs += strstr(line, "= 0\n") != NULL;
	} else if (strstr(line, "sendto(") && strstr(line, ", \"\\1\\0")) {
		if (!c->sends++) {
			c->alerts++;
			c->with_syncs[c->syncs > MAX_SYNCS ? MAX_SYNCS + 1 : c->syncs]++;
		}
	}
}

bool fanout_counts_report(const char *trace, uint64_t seed)
{
	struct counts c = { 0 };
	FILE *f = fopen(trace, "r");
	char line[4096];
	bool ok;

	if (!f)
		fanout_die("%s is not there", trace);
	while (fgets(line, sizeof(line), f))
		count_line(&c, line);
	fclose(f);
	end_alert(&c);
	ok = c.alerts && c.with_syncs[1] + c.with_syncs[2] + c.with_syncs[3] == c.alerts && !c.odd_sends;
	fprintf(stderr, "P13  syncs between POST and first WRITE-REPLACE, of %u alerts: none %u, one %u, "
		"two %u, three %u, more %u; alerts with other than one send per peer: %u: %s\n", c.alerts,
		c.with_syncs[0], c.with_syncs[1], c.with_syncs[2], c.with_syncs[3], c.with_syncs[4],
		c.odd_sends, ok ? "pass" : "fail");
	printf("{\"id\":\"P13\",\"what\":\"alerts sent before a commit was synced\",\"value\":%u,\"n\":%u,"
	       "\"one_sync\":%u,\"not_one_send_a_peer\":%u,\"threshold\":0,\"verdict\":\"%s\",\"seed\":%llu}\n",
	       c.with_syncs[0], c.alerts, c.with_syncs[1], c.odd_sends, ok ? "pass" : "fail",
	       (unsigned long long)seed);
	return ok;
}
