# SPDX-License-Identifier: AGPL-3.0-or-later
# One static library per layer; a layer may use those below it (contrib/check-includes).

noinst_LIBRARIES += libbase.a libcodec.a libcap.a libgeo.a libcore.a liblink.a libfront.a

libbase_a_SOURCES = \
	include/tocsin/base/clock.h src/base/clock.c \
	include/tocsin/base/digest.h src/base/digest.c \
	include/tocsin/base/json.h src/base/json.c \
	include/tocsin/base/log.h src/base/log.c \
	include/tocsin/base/problem.h src/base/problem.c \
	include/tocsin/base/text.h src/base/text.c \
	include/tocsin/base/wire.h src/base/wire.c

libcodec_a_SOURCES = \
	include/tocsin/codec/cbs.h src/codec/cbs.c \
	include/tocsin/codec/cbsp.h src/codec/cbsp.c src/codec/cbsp_decode.c \
	include/tocsin/codec/gsm7.h src/codec/gsm7.c

libcap_a_SOURCES = \
	include/tocsin/cap/cap.h src/cap/cap_parse.c src/cap/cap_check.c src/cap/cap_names.c

# The schema is compiled into the program, so that it cannot be missing or exchanged.
src/cap/cap_xsd.h: $(top_srcdir)/src/cap/CAP-v1.2.xsd
	@$(MKDIR_P) src/cap
	$(AM_V_GEN)( echo 'static const unsigned char cap_xsd[] = {'; \
	  od -An -v -tu1 $(top_srcdir)/src/cap/CAP-v1.2.xsd | sed 's/[0-9][0-9]*/&,/g'; \
	  echo '};' ) > $@.tmp && mv $@.tmp $@
BUILT_SOURCES += src/cap/cap_xsd.h
CLEANFILES += src/cap/cap_xsd.h
EXTRA_DIST += src/cap/CAP-v1.2.xsd
src/cap/cap_parse.$(OBJEXT): src/cap/cap_xsd.h

libgeo_a_SOURCES = \
	include/tocsin/geo/shape.h src/geo/shape.c \
	include/tocsin/geo/cell_index.h src/geo/cell_index.c \
	src/geo/footprint.h src/geo/footprint.c
