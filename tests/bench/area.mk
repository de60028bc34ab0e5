# SPDX-License-Identifier: AGPL-3.0-or-later
EXTRA_PROGRAMS += tests/bench/bench_area
tests_bench_bench_area_SOURCES = tests/bench/bench_area.c
tests_bench_bench_area_LDADD = libgeo.a libbase.a $(OSMO_LIBS) $(GNUTLS_LIBS) $(GEOS_LIBS) $(PROJ_LIBS) -lm
