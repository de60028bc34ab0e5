/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/e164.h>

#include <stddef.h>
#include <stdint.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
/* Country code and identification code together (E.164, 6.2.3). */
#define MAX_CODE_DIGITS 7

static const struct code {
	uint32_t first, last;
	enum e164_kind kind;
} codes[] = {
#define E164(first, last, kind) { first, last, E164_##kind },
#include "e164.def"
#undef E164
};

static const struct {
	bool open;
	const char *title;
} kinds[_NUM_E164] = {
#define X(name, open, title) [E164_##name] = { open, title },
	E164_LIST(X)
#undef X
};

/* No code begins with 0, so a number says by itself how many digits it has. */
static const struct code *find(uint32_t prefix)
{
	size_t i;

	for (i = 0; i < N(codes); i++) {
		if (prefix >= codes[i].first && prefix <= codes[i].last)
			return &codes[i];
	}
	return NULL;
}

enum e164_kind e164_kind(const char *digits)
{
	enum e164_kind kind = E164_SPARE;
	const struct code *code;
	uint32_t prefix = 0;
	size_t i;

	for (i = 0; i < MAX_CODE_DIGITS && digits[i] >= '0' && digits[i] <= '9'; i++) {
		prefix = prefix * 10 + (digits[i] - '0');
		if (!prefix)
			break;
		code = find(prefix);
		if (code)
			kind = code->kind;
	}
	return kind;
}

const char *e164_kind_title(enum e164_kind kind)
{
	return kinds[kind < _NUM_E164 ? kind : E164_SPARE].title;
}

bool e164_may_send(enum e164_kind kind)
{
	return kind < _NUM_E164 && kinds[kind].open;
}
