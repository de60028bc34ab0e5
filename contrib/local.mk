# SPDX-License-Identifier: AGPL-3.0-or-later
dist_check_SCRIPTS += tests/check-includes.sh

EXTRA_DIST += \
	contrib/check \
	contrib/check-includes \
	contrib/demo \
	contrib/lib.sh \
	contrib/packages \
	contrib/lab/air.py \
	contrib/lab/demo.py \
	contrib/lab/lab.py \
	contrib/lab/netns.py \
	contrib/lab/osmocom.py \
	contrib/lab/relay.py \
	contrib/lab/tocsind.py \
	contrib/systemd/tocsin.conf \
	contrib/systemd/tocsind.service

include tests/system/system.mk
