# SPDX-License-Identifier: AGPL-3.0-or-later
noinst_PROGRAMS += tests/system/area_cells
tests_system_area_cells_SOURCES = tests/system/area_cells.c
tests_system_area_cells_LDADD = libgeo.a libbase.a $(OSMO_LIBS) $(GNUTLS_LIBS) $(PROJ_LIBS) -lm
dist_check_SCRIPTS += tests/system/oracle_cells.sh
EXTRA_DIST += tests/system/cell_oracle.py
