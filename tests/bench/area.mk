# SPDX-License-Identifier: AGPL-3.0-or-later
EXTRA_PROGRAMS += tests/bench/bench_area
tests_bench_bench_area_SOURCES = tests/bench/bench_area.c tests/bench/pairs.h tests/bench/pairs.c
tests_bench_bench_area_LDADD = libcore.a libgeo.a libcap.a libcodec.a libbase.a $(OSMO_LIBS) \
	$(SQLITE_LIBS) $(XML_LIBS) $(PROJ_LIBS) $(GNUTLS_LIBS) $(GEOS_LIBS) -lm
