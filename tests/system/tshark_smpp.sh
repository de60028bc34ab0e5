#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# A decoder of other origin, tshark, reads every PDU that we send to a message centre, with the user
# data headers of its parts. Works on a file: no network, no root.

. "${SRCDIR:-.}/tests/system/tshark.inc"
judge_init

hex()
{
	printf %s "$1" | od -An -v -tx1 | tr -d ' \n'
}

fields="command_id sequence_number command_status system_id password system_type interface_version
	addr_ton addr_npi service_type source_addr_ton source_addr_npi source_addr dest_addr_ton
	dest_addr_npi destination_addr esm.submit.msg_mode esm.submit.msg_type esm.submit.features
	protocol_id priority_flag validity_period validity_period_r regdel.receipt
	replace_if_present_flag data_coding sm_default_msg_id sm_length user_message_reference"

# What tshark must find, field by field; it knows validity periods as times.
cat >"$dir/expected" <<'EOF'
bind_transceiver: command_id=0x00000009 sequence_number=1 system_id=tocsin password=secret12 system_type=alert interface_version=52 addr_ton=0x00 addr_npi=0x00
bind_transmitter: command_id=0x00000002 sequence_number=2 system_id=tocsin password=secret12 system_type=alert interface_version=52 addr_ton=0x00 addr_npi=0x00
bind_receiver: command_id=0x00000001 sequence_number=3 system_id=tocsin password=secret12 system_type=alert interface_version=52 addr_ton=0x00 addr_npi=0x00
submit_sm of a text in one part: command_id=0x00000004 sequence_number=4 service_type=(Default) source_addr_ton=0x05 source_addr_npi=0x00 source_addr=Warning dest_addr_ton=0x01 dest_addr_npi=0x06 destination_addr=001010000000001 msg_mode=0x02 msg_type=0x00 features=0x00 protocol_id=0x00 priority_flag=0x03 validity_period_r=1800.000000000 receipt=0x00 replace_if_present_flag=0x00 data_coding=0x00 sm_default_msg_id=0 sm_length=12
submit_sm of a text in UCS-2 and one part: command_id=0x00000004 sequence_number=5 service_type=CMT source_addr_ton=0x03 source_addr_npi=0x09 source_addr=112 dest_addr_ton=0x01 dest_addr_npi=0x01 destination_addr=491700000001 msg_mode=0x03 msg_type=0x00 features=0x00 protocol_id=0x41 priority_flag=0x00 validity_period=Nov 24, 2026 02:42:42.000000000 UTC receipt=0x01 replace_if_present_flag=0x01 data_coding=0x08 sm_default_msg_id=0 sm_length=32 user_message_reference=0x03eb
submit_sm of the first of two parts: command_id=0x00000004 sequence_number=6 service_type=(Default) source_addr_ton=0x05 source_addr_npi=0x00 source_addr=Warning dest_addr_ton=0x01 dest_addr_npi=0x06 destination_addr=001010000000001 msg_mode=0x02 msg_type=0x00 features=0x01 protocol_id=0x00 priority_flag=0x03 validity_period_r=1800.000000000 receipt=0x00 replace_if_present_flag=0x00 data_coding=0x00 sm_default_msg_id=0 sm_length=159 msg_id=167 msg_parts=2 msg_part=1
submit_sm of the second of two parts: command_id=0x00000004 sequence_number=7 service_type=(Default) source_addr_ton=0x05 source_addr_npi=0x00 source_addr=Warning dest_addr_ton=0x01 dest_addr_npi=0x06 destination_addr=001010000000001 msg_mode=0x02 msg_type=0x00 features=0x01 protocol_id=0x00 priority_flag=0x03 validity_period_r=1800.000000000 receipt=0x00 replace_if_present_flag=0x00 data_coding=0x00 sm_default_msg_id=0 sm_length=27 msg_id=167 msg_parts=2 msg_part=2
submit_sm of the first of two parts in UCS-2: command_id=0x00000004 sequence_number=8 service_type=CMT source_addr_ton=0x03 source_addr_npi=0x09 source_addr=112 dest_addr_ton=0x01 dest_addr_npi=0x01 destination_addr=491700000001 msg_mode=0x03 msg_type=0x00 features=0x01 protocol_id=0x41 priority_flag=0x00 validity_period=Nov 24, 2026 02:42:42.000000000 UTC receipt=0x01 replace_if_present_flag=0x01 data_coding=0x08 sm_default_msg_id=0 sm_length=140 user_message_reference=0x03eb msg_id=167 msg_parts=2 msg_part=1
submit_sm of the second of two parts in UCS-2: command_id=0x00000004 sequence_number=9 service_type=CMT source_addr_ton=0x03 source_addr_npi=0x09 source_addr=112 dest_addr_ton=0x01 dest_addr_npi=0x01 destination_addr=491700000001 msg_mode=0x03 msg_type=0x00 features=0x01 protocol_id=0x41 priority_flag=0x00 validity_period=Nov 24, 2026 02:42:42.000000000 UTC receipt=0x01 replace_if_present_flag=0x01 data_coding=0x08 sm_default_msg_id=0 sm_length=30 user_message_reference=0x03eb msg_id=167 msg_parts=2 msg_part=2
enquire_link: command_id=0x00000015 sequence_number=10
enquire_link_resp: command_id=0x80000015 sequence_number=11 command_status=0x00000000
deliver_sm_resp: command_id=0x80000005 sequence_number=12 command_status=0x00000000
generic_nack: command_id=0x80000000 sequence_number=13 command_status=0x00000003
unbind: command_id=0x00000006 sequence_number=14
unbind_resp: command_id=0x80000006 sequence_number=15 command_status=0x00000000
EOF

count=$(wc -l <"$dir/expected")
echo "1..$((count + 5))"

judge_read smpp_samples 40000,2775 $(printf ' smpp.%s' $fields) gsm_sms.udh.mm.msg_id \
	gsm_sms.udh.mm.msg_parts gsm_sms.udh.mm.msg_part
judge_fields

octets=$(decode -Y 'smpp.data_coding == 0' -e smpp.message | tr '\n' '/')
head=050003a702
first="This is a long warning that takes more than the one hundred and sixty characters"
first="$first of a single short message, so that it is sent in two parts with a header"
ok "$(hex "Test message")/${head}01$(hex "$first")/${head}02$(hex " before each of them.")/" "$octets" \
	"septets stand one in an octet, behind their header"

text=$(decode -Y 'smpp.data_coding == 8' -e smpp.message_text | tr '\n' '/')
ok "Проверка тревоги/Проверка тревоги: одно длинное сообщение кириллицей, которое занима/ет две части/" \
	"$text" "the texts in UCS-2 are read"

judge_marks smpp
