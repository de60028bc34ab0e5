/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/base/wire.h>

#include <errno.h>
#include <string.h>

struct wire_reader wire_reader_init(const void *data, size_t len)
{
	return (struct wire_reader){ .data = data, .len = len };
}

size_t wire_left(const struct wire_reader *r)
{
	return r->error ? 0 : r->len - r->pos;
}

const uint8_t *wire_read_bytes(struct wire_reader *r, size_t n)
{
	const uint8_t *p;

	if (r->error)
		return NULL;
	if (wire_left(r) < n) {
		r->error = -EBADMSG;
		return NULL;
	}
	p = r->data + r->pos;
	r->pos += n;
	return p;
}

static uint32_t read_number(struct wire_reader *r, size_t octets)
{
	const uint8_t *p = wire_read_bytes(r, octets);
	uint32_t v = 0;
	size_t i;

	for (i = 0; p && i < octets; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t wire_read_u8(struct wire_reader *r)
{
	return read_number(r, 1);
}

uint16_t wire_read_u16(struct wire_reader *r)
{
	return read_number(r, 2);
}

uint32_t wire_read_u24(struct wire_reader *r)
{
	return read_number(r, 3);
}

uint32_t wire_read_u32(struct wire_reader *r)
{
	return read_number(r, 4);
}

struct wire_reader wire_read_sub(struct wire_reader *r, size_t n)
{
	const uint8_t *p = wire_read_bytes(r, n);

	if (!p)
		return (struct wire_reader){ .error = r->error };
	return wire_reader_init(p, n);
}

struct wire_writer wire_writer_init(void *data, size_t size)
{
	return (struct wire_writer){ .data = data, .size = size };
}

void wire_write_bytes(struct wire_writer *w, const void *data, size_t n)
{
	if (w->error || w->size - w->pos < n) {
		if (!w->error)
			w->error = -ENOSPC;
		return;
	}
	if (n)
		memcpy(w->data + w->pos, data, n);
	w->pos += n;
}

static void write_number(struct wire_writer *w, uint32_t v, size_t octets)
{
	uint8_t buf[4];
	size_t i;

	for (i = 0; i < octets; i++)
		buf[i] = v >> (8 * (octets - 1 - i));
	wire_write_bytes(w, buf, octets);
}

void wire_write_u8(struct wire_writer *w, uint8_t v)
{
	write_number(w, v, 1);
}

void wire_write_u16(struct wire_writer *w, uint16_t v)
{
	write_number(w, v, 2);
}

void wire_write_u24(struct wire_writer *w, uint32_t v)
{
	write_number(w, v, 3);
}

void wire_write_u32(struct wire_writer *w, uint32_t v)
{
	write_number(w, v, 4);
}

static void patch(struct wire_writer *w, size_t pos, uint32_t v, size_t octets)
{
	struct wire_writer at;

	if (w->error || pos > w->pos || w->pos - pos < octets)
		return;
	at = wire_writer_init(w->data + pos, octets);
	write_number(&at, v, octets);
}

void wire_patch_u16(struct wire_writer *w, size_t pos, uint16_t v)
{
	patch(w, pos, v, 2);
}

void wire_patch_u24(struct wire_writer *w, size_t pos, uint32_t v)
{
	patch(w, pos, v, 3);
}
