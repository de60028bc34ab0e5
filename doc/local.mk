# SPDX-License-Identifier: AGPL-3.0-or-later
dist_man_MANS = \
	doc/man/tocsind.8 \
	doc/man/tocsind.cfg.5

MANUAL = \
	doc/manual/manual.adoc \
	doc/manual/api.adoc \
	doc/manual/cells.adoc \
	doc/manual/concepts.adoc \
	doc/manual/configuration.adoc \
	doc/manual/operations.adoc \
	doc/manual/problems.adoc \
	doc/manual/quick-start.adoc \
	doc/manual/recipients.adoc \
	doc/manual/short-messages.adoc \
	doc/manual/states.adoc \
	doc/manual/troubleshooting.adoc

EXTRA_DIST += $(MANUAL) \
	README.md \
	doc/api/openapi.yaml \
	doc/architecture.adoc \
	doc/delivery.dot \
	doc/link-fsm.dot \
	doc/threat-model.adoc \
	doc/examples/cells.csv \
	doc/examples/flood.cap.xml \
	doc/examples/flood-cancel.cap.xml \
	doc/examples/recipients.csv \
	doc/examples/tocsind.cfg

# One page of HTML, made only when asked for: it needs asciidoctor.
.PHONY: manual
manual: doc/manual/manual.html
doc/manual/manual.html: $(MANUAL)
	$(AM_V_GEN)$(MKDIR_P) doc/manual && asciidoctor -o $@ $(srcdir)/doc/manual/manual.adoc
CLEANFILES += doc/manual/manual.html
