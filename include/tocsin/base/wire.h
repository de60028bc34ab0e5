/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Byte cursors with a sticky error, for every codec.
 *
 * A reader or writer that has once failed stays failed: reads return 0, writes do nothing. So a
 * codec reads straight down and looks at the error once, at the end. All numbers are big-endian.
 * A cursor borrows its buffer and never allocates. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*! Reads from a borrowed buffer. */
struct wire_reader {
	const uint8_t *data;
	size_t len;
	size_t pos;
	int error;	/*!< 0 or -EBADMSG: the buffer ended too early */
};

/*! Writes into a borrowed buffer. */
struct wire_writer {
	uint8_t *data;
	size_t size;
	size_t pos;
	int error;	/*!< 0 or -ENOSPC */
};

struct wire_reader wire_reader_init(const void *data, size_t len);
/*! Octets not yet read; 0 after an error. */
size_t wire_left(const struct wire_reader *r);
uint8_t wire_read_u8(struct wire_reader *r);
uint16_t wire_read_u16(struct wire_reader *r);
uint32_t wire_read_u24(struct wire_reader *r);
uint32_t wire_read_u32(struct wire_reader *r);
/*! Borrow the next n octets. \returns pointer into the buffer, NULL after an error. */
const uint8_t *wire_read_bytes(struct wire_reader *r, size_t n);
/*! A reader over the next n octets, which are skipped here. On error both are failed. */
struct wire_reader wire_read_sub(struct wire_reader *r, size_t n);

struct wire_writer wire_writer_init(void *data, size_t size);
void wire_write_u8(struct wire_writer *w, uint8_t v);
void wire_write_u16(struct wire_writer *w, uint16_t v);
void wire_write_u24(struct wire_writer *w, uint32_t v);
void wire_write_u32(struct wire_writer *w, uint32_t v);
void wire_write_bytes(struct wire_writer *w, const void *data, size_t n);
/*! Overwrite two or three octets already written, for lengths known late. */
void wire_patch_u16(struct wire_writer *w, size_t pos, uint16_t v);
void wire_patch_u24(struct wire_writer *w, size_t pos, uint32_t v);
