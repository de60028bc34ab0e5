/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Recipient files and sender ids. What was taken must be in order, be found, and be the same table
 * when it is written out and read again. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/core/recipient.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *write_row(char *text, const struct recipient_table *table, const struct recipient *r)
{
	char imsi[TARGET_TEXT_LEN], number[MSISDN_TEXT_LEN], cell[TARGET_TEXT_LEN] = "";
	const char *language = recipient_table_language(table, r);

	if (r->at.type)
		target_format(&r->at, cell, sizeof(cell));
	return talloc_asprintf_append_buffer(text, "%s,%s,%s,%s,%s\n",
					     target_format(&r->imsi, imsi, sizeof(imsi)),
					     msisdn_format(&r->msisdn, number, sizeof(number)), cell,
					     language ? language : "", r->drill ? "yes" : "no");
}

static void check_row(const struct recipient_table *table, size_t i)
{
	const struct recipient *r = recipient_table_get(table, i);

	if (!target_valid(&r->imsi) || (r->at.type && !target_valid(&r->at)) || (!r->at.type && !r->msisdn.digits))
		abort();
	if (i && target_compare(&r[-1].imsi, &r->imsi) >= 0)
		abort();
	if (recipient_table_find(table, &r->imsi) != (long)i)
		abort();
}

static char *write_table(const struct recipient_table *table)
{
	char *text = talloc_strdup(NULL, "imsi,msisdn,cell,language,drill\n");
	size_t i;

	for (i = 0; i < recipient_table_count(table); i++) {
		check_row(table, i);
		text = write_row(text, table, recipient_table_get(table, i));
	}
	return text;
}

static void read_again(const struct recipient_table *table)
{
	char *text = write_table(table), *twice;
	struct problem problem;
	struct recipient_table *back = recipient_table_parse(NULL, text, strlen(text), "again", &problem);

	if (!back)
		abort();
	twice = write_table(back);
	if (strcmp(text, twice))
		abort();
	talloc_free(twice);
	talloc_free(back);
	talloc_free(text);
}

static void read_sender_id(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct problem problem;
	struct sender_id id;

	if (!text)
		return;
	if (!sender_id_parse(text, &id, &problem) && strlen(id.text) < 3)
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problem problem;
	struct recipient_table *table = recipient_table_parse(NULL, (const char *)data, size, "fuzz", &problem);

	if (table)
		read_again(table);
	talloc_free(table);
	read_sender_id(data, size);
	return 0;
}
