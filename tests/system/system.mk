# SPDX-License-Identifier: AGPL-3.0-or-later
# Tests of the whole daemon, most of them with the real osmo-bsc and osmo-bts-virtual. They need root
# (network namespaces), so they are not part of "make check".
TEST_EXTENSIONS += .py
PY_LOG_COMPILER = /usr/bin/python3
AM_PY_LOG_FLAGS = -B
PY_LOG_DRIVER = $(LOG_DRIVER)

SYSTEM_TESTS = \
	tests/system/test_air.py \
	tests/system/test_daemon.py \
	tests/system/test_msc_source.py \
	tests/system/test_outage.py \
	tests/system/test_roles.py \
	tests/system/test_sms_crash.py \
	tests/system/test_sms_lab.py \
	tests/system/test_sms_msc.py \
	tests/system/test_sms_smsc.py

EXTRA_DIST += $(SYSTEM_TESTS) \
	tests/system/bsc.py \
	tests/system/cbsp.py \
	tests/system/sms_world.py \
	tests/system/tap.py \
	tests/system/world.py

.PHONY: check-system
check-system: all
	$(AM_V_at)$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(SYSTEM_TESTS)' \
		TEST_SUITE_LOG=tests/system/suite.log
