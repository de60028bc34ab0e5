# SPDX-License-Identifier: AGPL-3.0-or-later
# It starts the tocsind of this build.
EXTRA_PROGRAMS += tests/bench/bench_fanout
tests_bench_bench_fanout_SOURCES = tests/bench/bench_fanout.c tests/bench/fanout.h \
	tests/bench/fanout_counts.c tests/bench/fanout_daemon.c tests/bench/fanout_peers.c \
	tests/bench/pairs.h tests/bench/pairs.c tests/unit/json_path.h tests/unit/json_path.c
tests_bench_bench_fanout_LDADD = libcore.a libgeo.a libcap.a libcodec.a libbase.a $(OSMO_LIBS) \
	$(SQLITE_LIBS) $(XML_LIBS) $(PROJ_LIBS) $(GNUTLS_LIBS) $(JSON_LIBS) -lm
