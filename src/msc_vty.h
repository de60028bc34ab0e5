/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The VTY node of OsmoMSC as a source of recipients. Here and not in front/, since front/ and link/
 *  know nothing of each other. */

void msc_vty_init(void);
