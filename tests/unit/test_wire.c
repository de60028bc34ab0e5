/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <tocsin/base/wire.h>

static const uint8_t counting[] = {
	0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
};

static void numbers_are_read_big_endian(void **state)
{
	struct wire_reader r = wire_reader_init(counting, sizeof(counting));

	(void)state;
	assert_int_equal(wire_read_u8(&r), 0x01);
	assert_int_equal(wire_read_u16(&r), 0x0203);
	assert_int_equal(wire_read_u24(&r), 0x040506);
	assert_int_equal(wire_read_u32(&r), 0x0708090a);
	assert_int_equal(wire_left(&r), 0);
	assert_int_equal(r.error, 0);
}

static void numbers_are_written_big_endian(void **state)
{
	uint8_t out[sizeof(counting)];
	struct wire_writer w = wire_writer_init(out, sizeof(out));

	(void)state;
	wire_write_u8(&w, 0x01);
	wire_write_u16(&w, 0x0203);
	wire_write_u24(&w, 0x040506);
	wire_write_u32(&w, 0x0708090a);
	assert_int_equal(w.error, 0);
	assert_int_equal(w.pos, sizeof(out));
	assert_memory_equal(out, counting, sizeof(out));
}

static uint32_t read_width(struct wire_reader *r, size_t octets)
{
	switch (octets) {
	case 1:
		return wire_read_u8(r);
	case 2:
		return wire_read_u16(r);
	case 3:
		return wire_read_u24(r);
	default:
		return wire_read_u32(r);
	}
}

static void a_number_cut_short_reads_as_zero_and_fails(void **state)
{
	static const size_t widths[] = { 1, 2, 3, 4 };
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		for (len = 0; len < widths[i]; len++) {
			struct wire_reader r = wire_reader_init(counting, len);

			assert_int_equal(read_width(&r, widths[i]), 0);
			assert_int_equal(r.error, -EBADMSG);
		}
	}
}

static void a_failed_reader_stays_failed(void **state)
{
	struct wire_reader r = wire_reader_init(counting, sizeof(counting));

	(void)state;
	assert_null(wire_read_bytes(&r, sizeof(counting) + 1));
	assert_int_equal(wire_left(&r), 0);
	assert_int_equal(wire_read_u8(&r), 0);
	assert_null(wire_read_bytes(&r, 0));
	assert_int_equal(r.error, -EBADMSG);
}

static void a_length_near_the_largest_size_does_not_wrap(void **state)
{
	struct wire_reader r = wire_reader_init(counting, sizeof(counting));
	uint8_t out[4];
	struct wire_writer w = wire_writer_init(out, sizeof(out));

	(void)state;
	wire_read_u8(&r);
	assert_null(wire_read_bytes(&r, SIZE_MAX));
	assert_int_equal(r.error, -EBADMSG);
	wire_write_u8(&w, 1);
	wire_write_bytes(&w, counting, SIZE_MAX);
	assert_int_equal(w.error, -ENOSPC);
}

static void borrowed_octets_point_into_the_buffer(void **state)
{
	struct wire_reader r = wire_reader_init(counting, sizeof(counting));

	(void)state;
	wire_read_u16(&r);
	assert_ptr_equal(wire_read_bytes(&r, 3), counting + 2);
	assert_int_equal(wire_read_u8(&r), 0x06);
}

static void a_sub_reader_sees_only_its_part(void **state)
{
	struct wire_reader r = wire_reader_init(counting, sizeof(counting));
	struct wire_reader sub = wire_read_sub(&r, 3);

	(void)state;
	assert_int_equal(wire_read_u24(&sub), 0x010203);
	assert_int_equal(wire_read_u8(&sub), 0);
	assert_int_equal(sub.error, -EBADMSG);
	/* Its failure is its own: the outer reader goes on behind it. */
	assert_int_equal(r.error, 0);
	assert_int_equal(wire_read_u8(&r), 0x04);
}

static void a_sub_reader_beyond_the_end_fails_both(void **state)
{
	struct wire_reader r = wire_reader_init(counting, 4);
	struct wire_reader sub = wire_read_sub(&r, 5);

	(void)state;
	assert_int_equal(r.error, -EBADMSG);
	assert_int_equal(sub.error, -EBADMSG);
	assert_int_equal(wire_left(&sub), 0);
}

static void a_full_writer_writes_nothing_more(void **state)
{
	uint8_t out[4] = { 0, 0, 0, 0x77 };
	struct wire_writer w = wire_writer_init(out, 3);

	(void)state;
	wire_write_u16(&w, 0x0102);
	wire_write_u16(&w, 0x0304);
	assert_int_equal(w.error, -ENOSPC);
	/* Even what would fit now is kept out, or octets would be missing in the middle. */
	wire_write_u8(&w, 0x05);
	assert_int_equal(w.pos, 2);
	assert_int_equal(out[2], 0);
	assert_int_equal(out[3], 0x77);
}

static void lengths_are_patched_in_later(void **state)
{
	static const uint8_t expected[] = { 0xaa, 0x12, 0x34, 0x56, 0xbb, 0x78, 0x9a };
	uint8_t out[16];
	struct wire_writer w = wire_writer_init(out, sizeof(out));

	(void)state;
	wire_write_u8(&w, 0xaa);
	wire_write_u24(&w, 0);
	wire_write_u8(&w, 0xbb);
	wire_write_u16(&w, 0);
	wire_patch_u24(&w, 1, 0x123456);
	wire_patch_u16(&w, 5, 0x789a);
	assert_int_equal(w.pos, sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
}

static void a_patch_stays_within_what_was_written(void **state)
{
	uint8_t out[8] = { 0 };
	struct wire_writer w = wire_writer_init(out, sizeof(out));

	(void)state;
	wire_write_u8(&w, 0x11);
	wire_patch_u16(&w, 0, 0xffff);
	wire_patch_u24(&w, 5, 0xffffff);
	assert_int_equal(out[0], 0x11);
	assert_int_equal(out[1], 0);
	assert_int_equal(out[5], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_big_endian),
		cmocka_unit_test(numbers_are_written_big_endian),
		cmocka_unit_test(a_number_cut_short_reads_as_zero_and_fails),
		cmocka_unit_test(a_failed_reader_stays_failed),
		cmocka_unit_test(a_length_near_the_largest_size_does_not_wrap),
		cmocka_unit_test(borrowed_octets_point_into_the_buffer),
		cmocka_unit_test(a_sub_reader_sees_only_its_part),
		cmocka_unit_test(a_sub_reader_beyond_the_end_fails_both),
		cmocka_unit_test(a_full_writer_writes_nothing_more),
		cmocka_unit_test(lengths_are_patched_in_later),
		cmocka_unit_test(a_patch_stays_within_what_was_written),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
