/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! VTY nodes of peers. Here and not in front/, since front/ and link/ know nothing of each other. */

#include <tocsin/base/problem.h>
#include <tocsin/front/config.h>

void peer_vty_init(void);
/*! Check every peer's configuration. \returns 0 or -EINVAL. */
int peer_vty_check(const struct config *config, struct problem *problem);
/*! Open every peer that is not shut down. \returns 0 or -EINVAL. */
int peer_vty_open_all(struct config *config, struct problem *problem);
/*! The wall clock was stepped: arm the timers of every link again. */
void peer_vty_rearm_all(struct config *config);
