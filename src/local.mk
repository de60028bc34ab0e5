# SPDX-License-Identifier: AGPL-3.0-or-later
# One static library per layer; a layer may use those below it (contrib/check-includes).

noinst_LIBRARIES += libbase.a libcodec.a libcap.a libgeo.a libcore.a liblink.a libfront.a

libbase_a_SOURCES = \
	include/tocsin/base/clock.h src/base/clock.c \
	include/tocsin/base/clock_watch.h src/base/clock_watch.c \
	include/tocsin/base/digest.h src/base/digest.c \
	include/tocsin/base/json.h src/base/json.c \
	include/tocsin/base/log.h src/base/log.c \
	include/tocsin/base/problem.h src/base/problem.c \
	include/tocsin/base/text.h src/base/text.c \
	include/tocsin/base/wire.h src/base/wire.c

libcodec_a_SOURCES = \
	include/tocsin/codec/cbs.h src/codec/cbs.c \
	include/tocsin/codec/cbsp.h src/codec/cbsp.c src/codec/cbsp_decode.c \
	src/codec/cbsp_elements.h \
	include/tocsin/codec/gsm7.h src/codec/gsm7.c \
	include/tocsin/codec/sms.h src/codec/sms.c \
	include/tocsin/codec/smpp.h src/codec/smpp_fields.h \
	src/codec/smpp.c src/codec/smpp_decode.c src/codec/smpp_receipt.c \
	src/codec/text_parts.h src/codec/text_parts.c

libcap_a_SOURCES = \
	include/tocsin/cap/cap.h \
	src/cap/cap_xml.h src/cap/cap_xml.c src/cap/cap_utf8.c src/cap/cap_plain.c \
	src/cap/cap_schema.c \
	src/cap/cap_names.h src/cap/cap_names.c \
	src/cap/cap_parse.c src/cap/cap_check.c

# The schema is compiled into the program, so that it cannot be missing or exchanged.
src/cap/cap_xsd.h: $(top_srcdir)/src/cap/CAP-v1.2.xsd
	@$(MKDIR_P) src/cap
	$(AM_V_GEN)( echo 'static const unsigned char cap_xsd[] = {'; \
	  od -An -v -tu1 $(top_srcdir)/src/cap/CAP-v1.2.xsd | sed 's/[0-9][0-9]*/&,/g'; \
	  echo '};' ) > $@.tmp && mv $@.tmp $@
BUILT_SOURCES += src/cap/cap_xsd.h
CLEANFILES += src/cap/cap_xsd.h
EXTRA_DIST += src/cap/CAP-v1.2.xsd src/cap/README
src/cap/cap_schema.$(OBJEXT): src/cap/cap_xsd.h

libgeo_a_SOURCES = \
	include/tocsin/geo/shape.h src/geo/shape.c \
	include/tocsin/geo/cell_index.h src/geo/cell_tree.h src/geo/cell_index.c \
	src/geo/cell_search.h src/geo/cell_search.c src/geo/cell_leaf.c \
	src/geo/footprint.h src/geo/footprint.c \
	src/geo/ring_check.h src/geo/ring_check.c \
	src/geo/ring_simple.h src/geo/ring_simple.c

liblink_a_SOURCES = \
	include/tocsin/link/conn.h src/link/conn.c \
	include/tocsin/link/listener.h src/link/listener.c \
	include/tocsin/link/link.h src/link/link.c \
	include/tocsin/link/link_cbsp.h src/link/link_cbsp.c \
	include/tocsin/link/msc_source.h src/link/msc_source.c \
	src/link/msc_text.h src/link/msc_text.c \
	include/tocsin/link/link_smpp.h src/link/link_smpp.c src/link/smpp.h \
	src/link/smpp_answer.c src/link/smpp_pace.h src/link/smpp_pace.c src/link/smpp_part.c \
	src/link/smpp_receipts.c src/link/smpp_rx.c src/link/smpp_submit.c \
	src/link/cbsp.h src/link/link_cbsp_rx.c src/link/cbsp_answer.c \
	src/link/rate.h

libcore_a_SOURCES = \
	src/core/core.h \
	src/core/alert_index.c \
	src/core/area_json.h src/core/area_json.c \
	src/core/background.h src/core/background.c \
	src/core/capacity.c \
	include/tocsin/core/cell.h src/core/cell_table.h \
	src/core/cell.c src/core/cell_csv.c src/core/cell_file.c src/core/cell_import.c \
	src/core/csv.h src/core/csv.c \
	src/core/delivery.c \
	src/core/due.h src/core/due.c \
	src/core/follow_up.c \
	src/core/handle.c src/core/lane.c src/core/request.c \
	src/core/recall.h src/core/recall.c \
	src/core/rehome.c src/core/replace_type.c \
	src/core/short.h src/core/short.c \
	include/tocsin/core/draft.h src/core/draft.c \
	include/tocsin/core/e164.h src/core/e164.def src/core/e164.c \
	include/tocsin/core/evidence.h src/core/evidence.c \
	src/core/file.h src/core/file.c \
	include/tocsin/core/gateway.h src/core/gateway.c src/core/live.c \
	src/core/status.c \
	src/core/submission.h src/core/submission.c src/core/submission_alert.c \
	src/core/submission_answer.c src/core/submission_cancel.c src/core/submission_rows.c \
	include/tocsin/core/ledger.h src/core/ledger.c \
	include/tocsin/core/message.h \
	include/tocsin/core/originator.h src/core/originator.c \
	include/tocsin/core/peer.h src/core/peer.c \
	src/core/places.h src/core/places.c src/core/plan.c \
	include/tocsin/core/profile.h src/core/profile.c \
	include/tocsin/core/recipient_source.h src/core/recipient_source.c \
	include/tocsin/core/sms_rules.h src/core/sms_rules.c \
	include/tocsin/core/recipient.h src/core/recipient_table.h \
	src/core/recipient.c src/core/recipient_csv.c src/core/recipient_import.c \
	src/core/msisdn.c src/core/sender_id.c \
	include/tocsin/core/store.h src/core/store_sql.h src/core/store_sql.c \
	src/core/store_txn.h src/core/store_fill.c src/core/store.c src/core/store_reserve.c \
	src/core/store_rows.h src/core/store_rows.c src/core/store_read.c \
	src/core/store_read_delivery.c \
	include/tocsin/core/target.h src/core/target.c

# The schema of the store stands in one file; the program carries it as text.
src/core/schema_sql.h: $(top_srcdir)/src/core/schema.sql
	@$(MKDIR_P) src/core
	$(AM_V_GEN)( echo 'static const char schema_sql[] = {'; \
	  od -An -v -tu1 $(top_srcdir)/src/core/schema.sql | sed 's/[0-9][0-9]*/&,/g'; \
	  echo '0 };' ) > $@.tmp && mv $@.tmp $@
BUILT_SOURCES += src/core/schema_sql.h
CLEANFILES += src/core/schema_sql.h
EXTRA_DIST += src/core/schema.sql
src/core/store_sql.$(OBJEXT): src/core/schema_sql.h

libfront_a_SOURCES = \
	include/tocsin/front/config.h src/front/config_private.h src/front/config.c src/front/config_show.c \
	src/front/config_profile.c src/front/config_sms.c \
	include/tocsin/front/config_source.h src/front/config_source.c src/front/config_recipients.c \
	include/tocsin/front/http.h src/front/http_private.h \
	src/front/http.c src/front/http_alert.c src/front/http_cells.c src/front/http_conn.c \
	src/front/http_job.c src/front/http_request.c src/front/http_status.c src/front/http_targets.c \
	include/tocsin/front/metrics.h src/front/metrics.c \
	include/tocsin/front/vty_command.h

bin_PROGRAMS = tocsind
tocsind_SOURCES = src/main.c src/peer_vty.h src/peer_vty.c src/peer_protocol.h \
	src/peer_cbsp_vty.c src/peer_smpp_vty.c src/msc_vty.h src/msc_vty.c
tocsind_LDADD = libfront.a liblink.a libcore.a libgeo.a libcap.a libcodec.a libbase.a \
	$(OSMO_LIBS) $(MHD_LIBS) $(SQLITE_LIBS) $(XML_LIBS) $(PROJ_LIBS) $(GNUTLS_LIBS) -lm
