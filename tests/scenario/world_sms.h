/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What world.c and world_sms.c know of each other. */

#include "world.h"

/*! The world begins: nobody has a phone. */
void world_sms_open(struct world *w);
/*! A life of the daemon begins: its rules and lists are configured. */
void world_sms_begin(struct world *w);
void world_sms_end(struct world *w);
/*! Id that the alert has or would have. */
void world_post_id(const struct post *post, char id[ALERT_ID_LEN + 1]);
