# SPDX-License-Identifier: AGPL-3.0-or-later
dist_check_SCRIPTS += tests/check-includes.sh

EXTRA_DIST += \
	contrib/check \
	contrib/check-includes \
	contrib/demo \
	contrib/lib.sh \
	contrib/packages \
	contrib/lab/air.py \
	contrib/lab/bssap.py \
	contrib/lab/demo.py \
	contrib/lab/demo_sms.py \
	contrib/lab/lab.py \
	contrib/lab/msc.py \
	contrib/lab/netns.py \
	contrib/lab/osmocom.py \
	contrib/lab/phones.py \
	contrib/lab/relay.py \
	contrib/lab/show.py \
	contrib/lab/sms.py \
	contrib/lab/sctp_over_tcp.c \
	contrib/lab/smpp_client.py \
	contrib/lab/smsc.js \
	contrib/lab/smsc.py \
	contrib/lab/tocsind.py \
	contrib/lab/tpdu.py \
	contrib/systemd/tocsin.conf \
	contrib/systemd/tocsind.service

# Everything that can be compiled, and nothing run: for the opinion of another compiler.
.PHONY: check-compile
check-compile: all $(check_PROGRAMS) $(check_LIBRARIES) $(EXTRA_PROGRAMS)

include tests/system/system.mk
