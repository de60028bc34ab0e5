#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The tree keeps its layers, and contrib/check-includes would notice if it did not.
set -u
CHECK=$SRCDIR/contrib/check-includes
number=0

result() {
	number=$((number + 1))
	echo "$1 $number - $2"
}

output=$("$CHECK" "$SRCDIR")
if [ $? = 0 ]; then
	result ok "the tree keeps its layers"
else
	printf '%s\n' "$output" | grep -vE '^(ok|1\.\.)' | sed 's/^not ok/# not ok/'
	result "not ok" "the tree keeps its layers"
fi

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# notices FILE INCLUDE: a tree with that one include is refused, and the file is named.
notices() {
	rm -rf "$tree/src" "$tree/include"
	mkdir -p "$tree/src" "$tree/include/tocsin" "$tree/$(dirname "$1")"
	printf '/* nothing */\n#include %s\n' "$2" >"$tree/$1"
	if output=$("$CHECK" "$tree"); then
		result "not ok" "$1 with $2 is noticed"
	elif printf '%s\n' "$output" | grep -q "^# $1:2:"; then
		result ok "$1 with $2 is noticed"
	else
		result "not ok" "$1 with $2 is named"
	fi
}

allows() {
	rm -rf "$tree/src" "$tree/include"
	mkdir -p "$tree/src" "$tree/include/tocsin" "$tree/$(dirname "$1")"
	printf '/* nothing */\n#include %s\n' "$2" >"$tree/$1"
	if "$CHECK" "$tree" >/dev/null; then
		result ok "$1 with $2 is allowed"
	else
		result "not ok" "$1 with $2 is allowed"
	fi
}

notices src/base/clock.c '<tocsin/codec/cbs.h>'
notices src/codec/cbs.c '<tocsin/core/message.h>'
notices src/cap/cap_parse.c '<tocsin/geo/shape.h>'
notices src/geo/shape.c '<tocsin/core/cell.h>'
notices src/core/plan.c '<tocsin/link/conn.h>'
notices src/core/plan.c '"tocsin/front/http.h"'
notices src/link/link_cbsp.c '<tocsin/front/http.h>'
notices src/front/http.c '<tocsin/link/link.h>'
notices include/tocsin/core/peer.h '<tocsin/link/link.h>'
notices src/core/plan.c '"../link/cbsp.h"'
notices src/link/link.c '<microhttpd.h>'
notices src/front/config.c '<microhttpd.h>'
notices include/tocsin/core/store.h '<sqlite3.h>'
notices src/core/plan.c '<sqlite3.h>'
notices src/core/cell.c '<geodesic.h>'
notices src/core/cell.c '<geos_c.h>'
notices src/front/http_alert.c '<libxml/parser.h>'
notices src/core/draft.c '<gnutls/crypto.h>'
notices src/link/conn.c '<osmocom/netif/stream.h>'
notices src/codec/cbsp.c '<sys/socket.h>'
allows src/front/http_status.c '<microhttpd.h>'
allows src/core/store_read.c '<sqlite3.h>'
allows src/link/link.c '<tocsin/core/peer.h>'
allows src/geo/shape.c '"footprint.h"'
echo "1..$number"
