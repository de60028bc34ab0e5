/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/target.h>

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/base/text.h>

#define IMSI_MIN_DIGITS 6
#define IMSI_MAX_DIGITS 15

/* Reserved values that no cell may have (3GPP TS 23.003, 4.1). */
#define LAC_NONE 0x0000
#define LAC_DELETED 0xfffe

static const char *const type_names[] = {
	[TARGET_CGI] = "cgi",
	[TARGET_SAI] = "sai",
	[TARGET_ECGI] = "ecgi",
	[TARGET_NCGI] = "ncgi",
	[TARGET_IMSI] = "imsi",
	[TARGET_BSS] = "bss",
	[TARGET_LAI] = "lai",
};

#define N_TYPES (sizeof(type_names) / sizeof(type_names[0]))

/* A piece of a target's text, between two hyphens. */
struct field {
	const char *s;
	size_t len;
};

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int target_compare(const struct target *a, const struct target *b)
{
	int rc = compare(a->type, b->type);

	if (!rc)
		rc = compare(a->mcc, b->mcc);
	if (!rc)
		rc = compare(a->mnc, b->mnc);
	if (!rc)
		rc = compare(a->mnc_digits, b->mnc_digits);
	return rc ? rc : compare(a->value, b->value);
}

long target_find(const struct target *sorted, size_t n, const struct target *t)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int rc = target_compare(&sorted[mid], t);

		if (!rc)
			return mid;
		if (rc < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

const char *target_type_name(enum target_type type)
{
	return (unsigned int)type < N_TYPES ? type_names[type] : NULL;
}

static bool plmn_valid(const struct target *t)
{
	return t->mcc <= 999 && (t->mnc_digits == 2 || t->mnc_digits == 3) &&
	       t->mnc <= (t->mnc_digits == 2 ? 99 : 999);
}

static bool lac_valid(uint64_t lac)
{
	return lac <= 0xffff && lac != LAC_NONE && lac != LAC_DELETED;
}

static bool imsi_valid(const struct target *t)
{
	uint64_t limit = 1;
	unsigned int i;

	if (t->mcc || t->mnc || t->mnc_digits < IMSI_MIN_DIGITS || t->mnc_digits > IMSI_MAX_DIGITS)
		return false;
	for (i = 0; i < t->mnc_digits; i++)
		limit *= 10;
	return t->value < limit;
}

bool target_valid(const struct target *t)
{
	switch (t->type) {
	case TARGET_CGI:
	case TARGET_SAI:
		return plmn_valid(t) && lac_valid(t->value >> 16);
	case TARGET_ECGI:
		return plmn_valid(t) && t->value < UINT64_C(1) << 28;
	case TARGET_NCGI:
		return plmn_valid(t) && t->value < UINT64_C(1) << 36;
	case TARGET_IMSI:
		return imsi_valid(t);
	case TARGET_BSS:
		return !t->value;
	case TARGET_LAI:
		return plmn_valid(t) && !(t->value & 0xffff) && lac_valid(t->value >> 16);
	default:
		return false;
	}
}

/* Split at hyphens. \returns the number of fields, max + 1 if there are more. */
static size_t split(const char *text, size_t len, struct field *fields, size_t max)
{
	const char *end = text + len, *dash;
	size_t n = 0;

	for (;;) {
		if (n == max)
			return max + 1;
		dash = memchr(text, '-', end - text);
		fields[n++] = (struct field){ text, (dash ? dash : end) - text };
		if (!dash)
			return n;
		text = dash + 1;
	}
}

static int refuse(const char **why, const char *sentence)
{
	if (why)
		*why = sentence;
	return -EINVAL;
}

/* The number of digits of an MNC is part of it: it does not follow from the MCC (23.003, 2.2). */
static int parse_plmn(const struct field *mcc, const struct field *mnc, struct target *t,
		      const char **why)
{
	uint64_t v;

	if (mcc->len != 3 || text_uint(mcc->s, mcc->len, 999, &v) < 0)
		return refuse(why, "the MCC must have exactly 3 digits");
	t->mcc = v;
	if ((mnc->len != 2 && mnc->len != 3) || text_uint(mnc->s, mnc->len, 999, &v) < 0)
		return refuse(why, "the MNC must have 2 or 3 digits");
	t->mnc = v;
	t->mnc_digits = mnc->len;
	return 0;
}

/* A decimal number; leading zeros change nothing, but it never has more digits than its maximum. */
static int parse_number(const struct field *f, size_t max_digits, uint64_t max, uint64_t *v)
{
	return f->len > max_digits ? -EINVAL : text_uint(f->s, f->len, max, v);
}

static int parse_lac(const struct field *f, struct target *t, const char **why)
{
	uint64_t lac;

	if (parse_number(f, 5, 0xffff, &lac) < 0)
		return refuse(why, "the LAC must be a decimal number from 1 to 65535");
	if (!lac_valid(lac))
		return refuse(why, "LAC 0 and LAC 65534 are reserved");
	t->value = lac << 16;
	return 0;
}

static int parse_lac_cell(const struct field *lac_text, const struct field *cell_text,
			  struct target *t, const char **why)
{
	uint64_t cell;
	int rc = parse_lac(lac_text, t, why);

	if (rc < 0)
		return rc;
	if (parse_number(cell_text, 5, 0xffff, &cell) < 0)
		return refuse(why, t->type == TARGET_SAI ?
			      "the SAC must be a decimal number from 0 to 65535" :
			      "the CI must be a decimal number from 0 to 65535");
	t->value |= cell;
	return 0;
}

static int parse_cell(const char *text, size_t len, struct target *t, const char **why)
{
	bool has_lac = t->type == TARGET_CGI || t->type == TARGET_SAI;
	struct field f[4];
	size_t n = split(text, len, f, has_lac ? 4 : 3);
	int rc;

	if (n != (has_lac ? 4 : 3))
		return refuse(why, t->type == TARGET_CGI ? "a cgi is MCC-MNC-LAC-CI" :
			      t->type == TARGET_SAI ? "an sai is MCC-MNC-LAC-SAC" :
			      t->type == TARGET_ECGI ? "an ecgi is MCC-MNC-ECI" :
			      "an ncgi is MCC-MNC-NCI");
	rc = parse_plmn(&f[0], &f[1], t, why);
	if (rc < 0)
		return rc;
	if (has_lac)
		return parse_lac_cell(&f[2], &f[3], t, why);
	if (t->type == TARGET_ECGI && parse_number(&f[2], 9, (UINT64_C(1) << 28) - 1, &t->value) < 0)
		return refuse(why, "the ECI must be a decimal number of 28 bits");
	if (t->type == TARGET_NCGI && parse_number(&f[2], 11, (UINT64_C(1) << 36) - 1, &t->value) < 0)
		return refuse(why, "the NCI must be a decimal number of 36 bits");
	return 0;
}

static int parse_lai(const char *text, size_t len, struct target *t, const char **why)
{
	struct field f[3];
	int rc;

	if (split(text, len, f, 3) != 3)
		return refuse(why, "an lai is MCC-MNC-LAC");
	rc = parse_plmn(&f[0], &f[1], t, why);
	return rc < 0 ? rc : parse_lac(&f[2], t, why);
}

static int parse_imsi(const char *text, size_t len, struct target *t, const char **why)
{
	if (len < IMSI_MIN_DIGITS || len > IMSI_MAX_DIGITS ||
	    text_uint(text, len, UINT64_MAX, &t->value) < 0)
		return refuse(why, "an IMSI has 6 to 15 digits");
	t->mnc_digits = len;
	return 0;
}

int target_parse(enum target_type type, const char *text, size_t len, struct target *t, const char **why)
{
	*t = (struct target){ .type = type };
	switch (type) {
	case TARGET_CGI:
	case TARGET_SAI:
	case TARGET_ECGI:
	case TARGET_NCGI:
		return parse_cell(text, len, t, why);
	case TARGET_IMSI:
		return parse_imsi(text, len, t, why);
	case TARGET_BSS:
		if (len == 3 && !memcmp(text, "bss", 3))
			return 0;
		return refuse(why, "a whole BSS is written bss");
	case TARGET_LAI:
		return parse_lai(text, len, t, why);
	default:
		return refuse(why, "this type of target is not known");
	}
}

/* One per short message, so not by printf(). */
static void format_imsi(const struct target *t, char *buf, size_t size)
{
	uint64_t left = t->value;
	size_t n = t->mnc_digits < size ? t->mnc_digits : size - 1, i;

	for (i = n; i; left /= 10)
		buf[--i] = '0' + left % 10;
	buf[n] = '\0';
}

char *target_format(const struct target *t, char *buf, size_t size)
{
	int digits = t->mnc_digits;

	switch (t->type) {
	case TARGET_CGI:
	case TARGET_SAI:
		snprintf(buf, size, "%03u-%0*u-%u-%u", t->mcc, digits, t->mnc,
			 (unsigned int)(t->value >> 16 & 0xffff), (unsigned int)(t->value & 0xffff));
		break;
	case TARGET_ECGI:
	case TARGET_NCGI:
		snprintf(buf, size, "%03u-%0*u-%" PRIu64, t->mcc, digits, t->mnc, t->value);
		break;
	case TARGET_IMSI:
		format_imsi(t, buf, size);
		break;
	case TARGET_BSS:
		snprintf(buf, size, "bss");
		break;
	case TARGET_LAI:
		snprintf(buf, size, "%03u-%0*u-%u", t->mcc, digits, t->mnc,
			 (unsigned int)(t->value >> 16 & 0xffff));
		break;
	default:
		snprintf(buf, size, "?");
	}
	return buf;
}

/* Hundreds of thousands are packed at once: plain stores instead of a cursor. */
void target_pack(const struct target *t, uint8_t out[TARGET_PACKED_LEN])
{
	uint16_t mcc = htobe16(t->mcc), mnc = htobe16(t->mnc);
	uint64_t value = htobe64(t->value);

	out[0] = t->type;
	out[1] = t->mnc_digits;
	memcpy(out + 2, &mcc, 2);
	memcpy(out + 4, &mnc, 2);
	memcpy(out + 6, &value, 8);
}

void target_unpack(const uint8_t in[TARGET_PACKED_LEN], struct target *t)
{
	uint16_t mcc, mnc;
	uint64_t value;

	memcpy(&mcc, in + 2, 2);
	memcpy(&mnc, in + 4, 2);
	memcpy(&value, in + 6, 8);
	*t = (struct target){ .type = in[0], .mnc_digits = in[1], .mcc = be16toh(mcc),
			      .mnc = be16toh(mnc), .value = be64toh(value) };
}

bool target_matches(const struct target_pattern *p, const struct target *t)
{
	if (p->t.type != t->type || (p->t.value & p->mask) != (t->value & p->mask))
		return false;
	return p->any_plmn || (p->t.mcc == t->mcc && p->t.mnc == t->mnc &&
			       p->t.mnc_digits == t->mnc_digits);
}
