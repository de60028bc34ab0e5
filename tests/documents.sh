#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The documents say what the program does.
python=/usr/bin/python3
if ! $python -c '' 2>/dev/null; then
	echo "1..0 # SKIP python3 is missing"
	exit 0
fi
exec $python -B "${SRCDIR:-.}/tests/document_cases.py"
