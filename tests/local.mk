# SPDX-License-Identifier: AGPL-3.0-or-later
TESTS = $(check_PROGRAMS) $(dist_check_SCRIPTS)
TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
LOG_COMPILER = $(top_srcdir)/tests/cmocka.sh
EXTRA_DIST += tests/cmocka.sh
AM_TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP SRCDIR='$(abs_top_srcdir)' BUILDDIR='$(abs_top_builddir)' \
	UBSAN_OPTIONS=print_stacktrace=1; export CMOCKA_MESSAGE_OUTPUT SRCDIR BUILDDIR UBSAN_OPTIONS;

TEST_LIBS_BASE = libbase.a $(OSMO_LIBS) $(GNUTLS_LIBS) $(CMOCKA_LIBS)
TEST_LIBS_CODEC = libcodec.a $(TEST_LIBS_BASE)
TEST_LIBS_CAP = libcap.a $(TEST_LIBS_BASE) $(XML_LIBS)
TEST_LIBS_GEO = libgeo.a $(TEST_LIBS_BASE) $(PROJ_LIBS) -lm

check_PROGRAMS += \
	tests/unit/test_wire \
	tests/unit/test_text \
	tests/unit/test_clock \
	tests/unit/test_json \
	tests/unit/test_problem \
	tests/unit/test_gsm7 \
	tests/unit/test_cbs \
	tests/unit/test_cbsp \
	tests/unit/test_cap_parse \
	tests/unit/test_cap_plain \
	tests/unit/test_cap_check \
	tests/unit/test_ring \
	tests/unit/test_shape \
	tests/unit/test_cell_index

tests_unit_test_wire_SOURCES = tests/unit/test_wire.c
tests_unit_test_wire_LDADD = $(TEST_LIBS_BASE)
tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_LDADD = $(TEST_LIBS_BASE)
tests_unit_test_clock_SOURCES = tests/unit/test_clock.c
tests_unit_test_clock_LDADD = $(TEST_LIBS_BASE)
tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_LDADD = $(TEST_LIBS_BASE) $(JSON_LIBS)
tests_unit_test_problem_SOURCES = tests/unit/test_problem.c
tests_unit_test_problem_LDADD = $(TEST_LIBS_BASE)

tests_unit_test_gsm7_SOURCES = tests/unit/test_gsm7.c tests/unit/gsm7_read.c tests/unit/gsm7_read.h
tests_unit_test_gsm7_LDADD = $(TEST_LIBS_CODEC) $(TESTS_LIBS)
tests_unit_test_cbs_SOURCES = tests/unit/test_cbs.c tests/unit/gsm7_read.c tests/unit/gsm7_read.h
tests_unit_test_cbs_LDADD = $(TEST_LIBS_CODEC)
tests_unit_test_cbsp_SOURCES = tests/unit/test_cbsp.c
tests_unit_test_cbsp_LDADD = $(TEST_LIBS_CODEC) $(TESTS_LIBS)

tests_unit_test_cap_parse_SOURCES = tests/unit/test_cap_parse.c
tests_unit_test_cap_parse_LDADD = $(TEST_LIBS_CAP)
tests_unit_test_cap_plain_SOURCES = tests/unit/test_cap_plain.c
tests_unit_test_cap_plain_LDADD = $(TEST_LIBS_CAP)
tests_unit_test_cap_check_SOURCES = tests/unit/test_cap_check.c
tests_unit_test_cap_check_LDADD = $(TEST_LIBS_CAP)
EXTRA_DIST += tests/data/cap tests/data/store

tests_unit_test_ring_SOURCES = tests/unit/test_ring.c
tests_unit_test_ring_LDADD = $(TEST_LIBS_GEO)
tests_unit_test_shape_SOURCES = tests/unit/test_shape.c
tests_unit_test_shape_LDADD = $(TEST_LIBS_GEO)
tests_unit_test_cell_index_SOURCES = tests/unit/test_cell_index.c
tests_unit_test_cell_index_LDADD = $(TEST_LIBS_GEO)

include tests/fuzz/local.mk
include tests/system/local.mk
include tests/system/geo.mk
include tests/bench/local.mk

TEST_LIBS_LINK = liblink.a libcodec.a libbase.a $(OSMO_LIBS) $(GNUTLS_LIBS) $(CMOCKA_LIBS) $(TESTS_LIBS)
check_PROGRAMS += \
	tests/unit/test_conn \
	tests/unit/test_link \
	tests/unit/test_link_cbsp \
	tests/unit/test_link_smpp \
	tests/unit/test_smpp_submit \
	tests/unit/test_smpp_receipts
tests_unit_test_conn_SOURCES = tests/unit/test_conn.c tests/unit/fake_peer.c tests/unit/fake_peer.h
tests_unit_test_conn_LDADD = $(TEST_LIBS_LINK)
tests_unit_test_link_SOURCES = tests/unit/test_link.c tests/unit/fake_peer.c tests/unit/fake_peer.h
tests_unit_test_link_LDADD = $(TEST_LIBS_LINK)
tests_unit_test_link_cbsp_SOURCES = tests/unit/test_link_cbsp.c tests/unit/fake_peer.c tests/unit/fake_peer.h
tests_unit_test_link_cbsp_LDADD = $(TEST_LIBS_LINK)
FAKE_SMSC = tests/unit/fake_smsc.c tests/unit/fake_smsc.h tests/unit/fake_peer.c tests/unit/fake_peer.h
TEST_LIBS_SMPP = liblink.a libcore.a libcodec.a libbase.a $(OSMO_LIBS) $(GNUTLS_LIBS) $(CMOCKA_LIBS) $(TESTS_LIBS)
tests_unit_test_link_smpp_SOURCES = tests/unit/test_link_smpp.c $(FAKE_SMSC)
tests_unit_test_link_smpp_LDADD = $(TEST_LIBS_SMPP)
tests_unit_test_smpp_submit_SOURCES = tests/unit/test_smpp_submit.c $(FAKE_SMSC)
tests_unit_test_smpp_submit_LDADD = $(TEST_LIBS_SMPP)
tests_unit_test_smpp_receipts_SOURCES = tests/unit/test_smpp_receipts.c $(FAKE_SMSC)
tests_unit_test_smpp_receipts_LDADD = $(TEST_LIBS_SMPP)

TEST_LIBS_CORE = libcore.a libgeo.a libcap.a libcodec.a libbase.a \
	$(OSMO_LIBS) $(SQLITE_LIBS) $(XML_LIBS) $(PROJ_LIBS) $(GNUTLS_LIBS) $(CMOCKA_LIBS) -lm
check_PROGRAMS += \
	tests/unit/test_target \
	tests/unit/test_cell \
	tests/unit/test_store
tests_unit_test_target_SOURCES = tests/unit/test_target.c
tests_unit_test_target_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_cell_SOURCES = tests/unit/test_cell.c
tests_unit_test_cell_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_store_SOURCES = tests/unit/test_store.c
tests_unit_test_store_LDADD = $(TEST_LIBS_CORE)

TEST_LIBS_FRONT = libfront.a $(TEST_LIBS_CORE) $(MHD_LIBS)
check_PROGRAMS += tests/unit/test_http
tests_unit_test_http_SOURCES = tests/unit/test_http.c \
	tests/unit/fake_gateway.c tests/unit/fake_gateway.h tests/unit/json_path.c tests/unit/json_path.h
tests_unit_test_http_LDADD = $(TEST_LIBS_FRONT) $(JSON_LIBS)

check_PROGRAMS += tests/unit/test_config
tests_unit_test_config_SOURCES = tests/unit/test_config.c \
	src/peer_vty.c src/peer_cbsp_vty.c src/peer_smpp_vty.c src/msc_vty.c
tests_unit_test_config_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_config_LDADD = libfront.a liblink.a $(TEST_LIBS_CORE) $(MHD_LIBS)

check_PROGRAMS += \
	tests/unit/test_evidence \
	tests/unit/test_evidence_once \
	tests/unit/test_ledger \
	tests/unit/test_profile \
	tests/unit/test_originator \
	tests/unit/test_draft \
	tests/unit/test_due \
	tests/unit/test_plan \
	tests/unit/test_alert_index
tests_unit_test_evidence_SOURCES = tests/unit/test_evidence.c
tests_unit_test_evidence_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_evidence_once_SOURCES = tests/unit/test_evidence_once.c
tests_unit_test_evidence_once_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_ledger_SOURCES = tests/unit/test_ledger.c
tests_unit_test_ledger_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_profile_SOURCES = tests/unit/test_profile.c
tests_unit_test_profile_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_originator_SOURCES = tests/unit/test_originator.c
tests_unit_test_originator_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_due_SOURCES = tests/unit/test_due.c
tests_unit_test_due_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_draft_SOURCES = tests/unit/test_draft.c
tests_unit_test_draft_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_plan_SOURCES = tests/unit/test_plan.c
tests_unit_test_plan_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_plan_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_alert_index_SOURCES = tests/unit/test_alert_index.c
tests_unit_test_alert_index_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_alert_index_LDADD = $(TEST_LIBS_CORE)

dist_check_SCRIPTS += tests/documents.sh
EXTRA_DIST += tests/document_cases.py

SCENARIO_LIBS = libcore.a libgeo.a libcap.a libcodec.a libbase.a \
	$(OSMO_LIBS) $(SQLITE_LIBS) $(XML_LIBS) $(PROJ_LIBS) $(GNUTLS_LIBS) $(CMOCKA_LIBS) -lm
SCENARIO_WORLD = tests/scenario/world.c tests/scenario/world.h tests/scenario/bsc.c tests/scenario/bsc.h \
	tests/scenario/checker.c tests/scenario/checker.h \
	tests/scenario/phone.c tests/scenario/phone.h tests/scenario/smsc.c tests/scenario/smsc.h \
	tests/scenario/sms_checker.c tests/scenario/sms_checker.h \
	tests/scenario/world_sms.c tests/scenario/world_sms.h
check_PROGRAMS += \
	tests/scenario/test_accept \
	tests/scenario/test_cancel \
	tests/scenario/test_capacity \
	tests/scenario/test_delivery \
	tests/scenario/test_hang \
	tests/scenario/test_restart \
	tests/scenario/test_rehome \
	tests/scenario/test_slice \
	tests/scenario/test_sms \
	tests/scenario/test_sms_receipt \
	tests/scenario/test_sms_restart \
	tests/scenario/test_sms_rule \
	tests/scenario/test_sms_update \
	tests/scenario/test_walk
tests_scenario_test_accept_SOURCES = tests/scenario/test_accept.c $(SCENARIO_WORLD)
tests_scenario_test_accept_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_cancel_SOURCES = tests/scenario/test_cancel.c $(SCENARIO_WORLD)
tests_scenario_test_cancel_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_capacity_SOURCES = tests/scenario/test_capacity.c $(SCENARIO_WORLD)
tests_scenario_test_capacity_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_delivery_SOURCES = tests/scenario/test_delivery.c $(SCENARIO_WORLD)
tests_scenario_test_delivery_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_hang_SOURCES = tests/scenario/test_hang.c $(SCENARIO_WORLD)
tests_scenario_test_hang_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_restart_SOURCES = tests/scenario/test_restart.c $(SCENARIO_WORLD)
tests_scenario_test_restart_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_rehome_SOURCES = tests/scenario/test_rehome.c $(SCENARIO_WORLD)
tests_scenario_test_rehome_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_slice_SOURCES = tests/scenario/test_slice.c $(SCENARIO_WORLD)
tests_scenario_test_slice_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_sms_SOURCES = tests/scenario/test_sms.c $(SCENARIO_WORLD)
tests_scenario_test_sms_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_sms_receipt_SOURCES = tests/scenario/test_sms_receipt.c $(SCENARIO_WORLD)
tests_scenario_test_sms_receipt_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_sms_restart_SOURCES = tests/scenario/test_sms_restart.c $(SCENARIO_WORLD)
tests_scenario_test_sms_restart_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_sms_rule_SOURCES = tests/scenario/test_sms_rule.c $(SCENARIO_WORLD)
tests_scenario_test_sms_rule_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_sms_update_SOURCES = tests/scenario/test_sms_update.c $(SCENARIO_WORLD)
tests_scenario_test_sms_update_LDADD = $(SCENARIO_LIBS)
tests_scenario_test_walk_SOURCES = tests/scenario/test_walk.c $(SCENARIO_WORLD)
tests_scenario_test_walk_LDADD = $(SCENARIO_LIBS)

check_PROGRAMS += tests/unit/test_link_netif
tests_unit_test_link_netif_SOURCES = tests/unit/test_link_netif.c tests/unit/fake_peer.c tests/unit/fake_peer.h
tests_unit_test_link_netif_LDADD = $(TEST_LIBS_LINK)

check_PROGRAMS += \
	tests/unit/test_e164 \
	tests/unit/test_recipient \
	tests/unit/test_sender_id
tests_unit_test_e164_SOURCES = tests/unit/test_e164.c
tests_unit_test_e164_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_recipient_SOURCES = tests/unit/test_recipient.c
tests_unit_test_recipient_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_sender_id_SOURCES = tests/unit/test_sender_id.c
tests_unit_test_sender_id_LDADD = $(TEST_LIBS_CORE)

check_PROGRAMS += tests/unit/test_sms tests/unit/test_smpp
tests_unit_test_sms_SOURCES = tests/unit/test_sms.c tests/unit/gsm7_read.c tests/unit/gsm7_read.h
tests_unit_test_sms_LDADD = $(TEST_LIBS_CODEC)
tests_unit_test_smpp_SOURCES = tests/unit/test_smpp.c
tests_unit_test_smpp_LDADD = $(TEST_LIBS_CODEC)

check_PROGRAMS += tests/unit/test_places tests/unit/test_recipient_import tests/unit/test_recipient_source
tests_unit_test_places_SOURCES = tests/unit/test_places.c
tests_unit_test_places_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_places_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_recipient_import_SOURCES = tests/unit/test_recipient_import.c
tests_unit_test_recipient_import_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_recipient_import_LDADD = $(TEST_LIBS_CORE)
tests_unit_test_recipient_source_SOURCES = tests/unit/test_recipient_source.c
tests_unit_test_recipient_source_LDADD = $(TEST_LIBS_CORE)

check_PROGRAMS += tests/unit/test_msc_text tests/unit/test_msc_source
tests_unit_test_msc_text_SOURCES = tests/unit/test_msc_text.c
tests_unit_test_msc_text_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_msc_text_LDADD = liblink.a $(TEST_LIBS_CORE)
tests_unit_test_msc_source_SOURCES = tests/unit/test_msc_source.c tests/unit/fake_peer.c tests/unit/fake_peer.h
tests_unit_test_msc_source_LDADD = liblink.a $(TEST_LIBS_CORE)
