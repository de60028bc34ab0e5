/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once

/*! Install the node of profiles. */
void config_profile_init(void);
