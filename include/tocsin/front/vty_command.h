/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What a file that defines VTY commands includes. */

#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

/* DEFUN() gives every command the same parameters, of which most use only some. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
