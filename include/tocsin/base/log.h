/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Log subsystems, one per module group. Each line is led by its object ("peer=bsc-7 ..."). */

#include <osmocom/core/logging.h>

enum log_subsys {
	DMAIN,
	DHTTP,
	DCAP,
	DPLAN,
	DSTORE,
	DDELIV,
	DLINK,
	DCBSP,
	DCELL,
	DRECIP,
};

extern const struct log_info tocsin_log_info;
