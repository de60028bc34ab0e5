#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# A decoder of other origin, tshark, reads every request we send. One PDU a TCP segment, since
# tshark loses the second one; repetition periods are in the coding of TS 48.049, 8.2.8, which is
# the one it knows. Works on a file: no network, no root.

. "${SRCDIR:-.}/tests/system/tshark.inc"
judge_init

fields="msg_type message_id new_serial_nr old_serial_nr cell_id_disc lac ci channel_ind category
	rep_period num_bcast_req num_of_pages dcs user_info_len emergency_ind warn_type
	warning_period keepalive_rep_period"

# What tshark must find, field by field. Of the warning type (0x0580) it keeps the low octet.
cat >"$dir/expected" <<'EOF'
WRITE-REPLACE of a new message: msg_type=1 message_id=0x1112 new_serial_nr=0x4050 cell_id_disc=0 lac=0x0001,0x0002 ci=0x07d1,0x07d2 channel_ind=0x00 category=0x00 rep_period=15 num_bcast_req=120 num_of_pages=1 dcs=0x01 user_info_len=11 mcc=1,310 mnc=1,410
WRITE-REPLACE of an old message: msg_type=1 message_id=0x1112 new_serial_nr=0x4051 old_serial_nr=0x4050 cell_id_disc=1 lac=0x0001,0x0002 ci=0x07d1,0x07d2 channel_ind=0x01 category=0x00 rep_period=300 num_bcast_req=65535 num_of_pages=2 dcs=0x48 user_info_len=82,18
WRITE-REPLACE of an emergency message: msg_type=1 message_id=0x1102 new_serial_nr=0x3010 cell_id_disc=6 emergency_ind=0x01 warn_type=0x80 warning_period=60
KILL of a CBS message: msg_type=4 message_id=0x1113 old_serial_nr=0x4050 cell_id_disc=0 lac=0x0001 ci=0x07d1 channel_ind=0x00 mcc=1 mnc=1
KILL of an emergency message: msg_type=4 message_id=0x1113 old_serial_nr=0x4050 cell_id_disc=6
MESSAGE STATUS QUERY: msg_type=10 message_id=0x1113 old_serial_nr=0x4050 cell_id_disc=2 ci=0x07d1,0x07d2 channel_ind=0x00
LOAD QUERY: msg_type=7 cell_id_disc=5 lac=0x0001,0x0002 channel_ind=0x00
RESET: msg_type=16 cell_id_disc=6
KEEP-ALIVE: msg_type=22 keepalive_rep_period=30
EOF

judge_read cbsp_samples 48049,48049 $(printf ' cbsp.%s' $fields) e212.mcc e212.mnc

count=$(wc -l <"$dir/expected")
echo "1..$((count + 4))"

judge_fields
text=$(decode -Y 'cbsp.cb_page_content' -e cbsp.cb_page_content | sed 's/\\r//g' | tr '\n' '/')
ok "Test message/Проверка тревоги: одно сообщение на двух ,страницах/" "$text" "the texts are read"
judge_marks cbsp
