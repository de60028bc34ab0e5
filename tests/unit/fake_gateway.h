/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! A gateway and a store in memory, so that the HTTP front can be tested without them. Stands in
 *  for gateway.h and for the reading half of store.h. */

#include <stdbool.h>
#include <stddef.h>

#include <tocsin/core/gateway.h>

enum fake_mode {
	FAKE_ANSWER,	/*!< every alert is taken at the next fake_gateway_run() */
	FAKE_HOLD,	/*!< nothing is answered */
	FAKE_REFUSE,	/*!< everything is refused with .refusal */
};

struct fake_gateway {
	struct gateway *gw;
	enum fake_mode mode;
	struct problem refusal;
	bool store_ok;
	unsigned int submitted;
	unsigned int forgotten;
	bool knows;			/*!< every alert is kept, or may be */
	unsigned int taken;		/*!< distinct alerts */
	char order[64][32];		/*!< identifiers as they were submitted, the first 64 */
	struct store *store;
	bool reader_fails;
	bool answers_missing;		/*!< rows cannot be read back */
	const char *cell_table;		/*!< snapshot name */
	const char *dir;
	/*! Sees each draft as it is handed over; NULL: nobody looks. data is the asker's. */
	void (*watch)(const struct alert_draft *draft, void *data, void *watcher);
	void *watcher;
};

/*! One at a time per process. */
struct fake_gateway *fake_gateway_alloc(void *ctx);
/*! Answer what waits. */
void fake_gateway_run(struct fake_gateway *fake);
/*! Put an alert with one message and n cells of two peers into the store; cell i has write evidence
 *  if i is even, and counts broadcasts if it is divisible by four. */
void fake_store_add(struct fake_gateway *fake, const char *id, size_t n_cells, bool cancelled);
/*! The same with a short message to n recipients beside, as message 2 in English and 3 in German. Of
 *  message 2 the first half came with revision 1, the rest with revision 2. All of message 3 wait.
 *  Of message 2, by number modulo 6: 0 delivered by smsc-1; 1 held back for broadcast; 2 refused by
 *  smsc-2 with cause 11; 3 taken by smsc-2, with a hint; 4 unknown since a link was lost; 5 was
 *  handed to nobody. Number i has the IMSI 001010000000001 + i, and a telephone number and place if
 *  it is even. */
void fake_store_add_recipients(struct fake_gateway *fake, const char *id, size_t n_cells, size_t n);
