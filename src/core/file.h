/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Whole files, as tables are read from them. */

#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>

/*! Read a regular file of at most max octets into malloc()ed memory.
 *  \param[in] code  what the problem is called if the file cannot be read.
 *  \returns 0 or -EINVAL (code, or PROBLEM_NO_MEMORY). */
int file_read(const char *path, size_t max, enum problem_code code, uint8_t **data, size_t *len,
	      struct problem *problem);
