#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Which cells meet an area: our answer against one built from Shapely and PROJ (pyproj).
python=/usr/bin/python3
if ! $python -c 'import shapely.geometry, pyproj' 2>/dev/null; then
	echo "1..0 # SKIP python3-shapely or python3-pyproj is missing"
	exit 0
fi
exec $python "${SRCDIR:-.}/tests/system/cell_oracle.py" "${BUILDDIR:-.}/tests/system/area_cells" \
	${ORACLE_SEED:-20261123}
