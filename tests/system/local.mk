# SPDX-License-Identifier: AGPL-3.0-or-later
# Tests with programs of other origin. They need no root; what is not installed is skipped.

noinst_PROGRAMS += tests/system/cbsp_samples
tests_system_cbsp_samples_SOURCES = tests/system/cbsp_samples.c
tests_system_cbsp_samples_LDADD = $(TEST_LIBS_CODEC)

dist_check_SCRIPTS += tests/system/tshark_cbsp.sh

noinst_PROGRAMS += tests/system/smpp_samples
tests_system_smpp_samples_SOURCES = tests/system/smpp_samples.c
tests_system_smpp_samples_LDADD = $(TEST_LIBS_CODEC)

dist_check_SCRIPTS += tests/system/tshark_smpp.sh
EXTRA_DIST += tests/system/tshark.inc

noinst_PROGRAMS += tests/system/msc_source_dump
tests_system_msc_source_dump_SOURCES = tests/system/msc_source_dump.c
tests_system_msc_source_dump_LDADD = liblink.a libcore.a libgeo.a libcap.a libcodec.a libbase.a \
	$(OSMO_LIBS) $(SQLITE_LIBS) $(XML_LIBS) $(PROJ_LIBS) $(GNUTLS_LIBS) -lm
