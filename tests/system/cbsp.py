# SPDX-License-Identifier: AGPL-3.0-or-later
"""CBSP (3GPP TS 48.049) for the tests, written from the specification and not from our codec.

Strict: what is not exactly as the clauses have it raises Malformed."""

import struct
from dataclasses import dataclass

(WRITE, WRITE_COMPLETE, WRITE_FAILURE, KILL, KILL_COMPLETE, KILL_FAILURE) = range(1, 7)
(QUERY, QUERY_COMPLETE, QUERY_FAILURE) = range(10, 13)
(RESET, RESET_COMPLETE, RESET_FAILURE, RESTART, FAILURE, ERROR, KEEP_ALIVE, KEEP_ALIVE_COMPLETE) = range(16, 24)

# Information element identifiers, 8.2.
(CONTENT, OLD_SERIAL, NEW_SERIAL, CELL_LIST, CATEGORY, PERIOD, REQUESTED, COMPLETED, FAILED) = range(1, 10)
(CAUSE, DCS, RECOVERY, MESSAGE_ID, EMERGENCY, WARNING_TYPE, WARNING_SECURITY, CHANNEL, PAGES) = range(11, 20)
(BROADCAST_TYPE, WARNING_PERIOD, KEEP_ALIVE_PERIOD) = range(22, 25)

_FIXED = {CONTENT: 83, OLD_SERIAL: 2, NEW_SERIAL: 2, CATEGORY: 1, PERIOD: 2, REQUESTED: 2, CAUSE: 1, DCS: 1,
          RECOVERY: 1, MESSAGE_ID: 2, EMERGENCY: 1, WARNING_TYPE: 2, WARNING_SECURITY: 50, CHANNEL: 1, PAGES: 1,
          BROADCAST_TYPE: 1, WARNING_PERIOD: 1, KEEP_ALIVE_PERIOD: 1}
_VARIABLE = {CELL_LIST, COMPLETED, FAILED}

DISC_CGI, DISC_LAC_CI, DISC_BSS = 0, 1, 6
_CELL_LENGTH = {DISC_CGI: 7, DISC_LAC_CI: 4, 2: 2, 4: 5, 5: 2, DISC_BSS: 0}

CAUSE_REFERENCE_UNKNOWN = 2
CAUSE_REFERENCE_USED = 13

# The elements every request must have and may have, 8.1.3.
_REQUESTS = {
    (WRITE, False): ({MESSAGE_ID, NEW_SERIAL, CELL_LIST, CHANNEL, CATEGORY, PERIOD, REQUESTED, PAGES, DCS, CONTENT},
                     {OLD_SERIAL}),
    (WRITE, True): ({MESSAGE_ID, NEW_SERIAL, CELL_LIST, EMERGENCY, WARNING_TYPE, WARNING_SECURITY, WARNING_PERIOD},
                    {OLD_SERIAL}),
    (KILL, False): ({MESSAGE_ID, OLD_SERIAL, CELL_LIST}, {CHANNEL}),
    (QUERY, False): ({MESSAGE_ID, OLD_SERIAL, CELL_LIST, CHANNEL}, set()),
    (RESET, False): ({CELL_LIST}, set()),
    (KEEP_ALIVE, False): ({KEEP_ALIVE_PERIOD}, set()),
}


class Malformed(Exception):
    pass


@dataclass
class Pdu:
    type: int
    elements: dict          # identifier: list of octets
    raw: bytes

    def number(self, identifier):
        return int.from_bytes(self.elements[identifier][0], "big")

    @property
    def cells(self):
        """The cell list as (discriminator, octets)."""
        value = self.elements[CELL_LIST][0]
        discriminator, length = value[0], _CELL_LENGTH.get(value[0])
        if length is None or (len(value) - 1) % length if length else len(value) != 1:
            raise Malformed(f"cell list {value.hex()}")
        if not length:
            return [(discriminator, b"")]
        return [(discriminator, value[i:i + length]) for i in range(1, len(value), length)]

    @property
    def key(self):
        serial = NEW_SERIAL if NEW_SERIAL in self.elements else OLD_SERIAL
        return self.number(MESSAGE_ID), self.number(serial)


def take(buffer):
    """(PDU, rest) or (None, buffer) while it is not whole."""
    if len(buffer) < 4:
        return None, buffer
    length = int.from_bytes(buffer[1:4], "big")
    if len(buffer) < 4 + length:
        return None, buffer
    raw = buffer[:4 + length]
    return Pdu(raw[0], _elements(raw[4:]), raw), buffer[4 + length:]


def _elements(data):
    elements, position = {}, 0
    while position < len(data):
        identifier = data[position]
        position += 1
        if identifier in _VARIABLE:
            if position + 2 > len(data):
                raise Malformed("cut length")
            length, = struct.unpack_from(">H", data, position)
            position += 2
        elif identifier in _FIXED:
            length = _FIXED[identifier]
        else:
            raise Malformed(f"element {identifier:#x}")
        if position + length > len(data):
            raise Malformed(f"element {identifier:#x} is cut")
        elements.setdefault(identifier, []).append(data[position:position + length])
        position += length
    return elements


def check_request(pdu):
    """Raise Malformed unless a cell broadcast centre may send exactly this."""
    needed, optional = _REQUESTS.get((pdu.type, EMERGENCY in pdu.elements), (None, None))
    if needed is None:
        raise Malformed(f"type {pdu.type} is not for a BSC")
    present = set(pdu.elements)
    if needed - present or present - needed - optional:
        raise Malformed(f"type {pdu.type}: lacks {needed - present}, has {present - needed - optional}")
    for identifier, values in pdu.elements.items():
        if len(values) != 1 and identifier != CONTENT:
            raise Malformed(f"element {identifier:#x} comes twice")
    if CONTENT in pdu.elements:
        if pdu.number(PAGES) != len(pdu.elements[CONTENT]) or not 1 <= pdu.number(PAGES) <= 15:
            raise Malformed("number of pages")
        if any(not 1 <= page[0] <= 82 for page in pdu.elements[CONTENT]):
            raise Malformed("user information length")
        if pdu.number(REQUESTED) == 0 or not 1 <= pdu.number(PERIOD) <= 4095:
            raise Malformed("repetition")
    if CELL_LIST in pdu.elements:
        len(pdu.cells)


def build(kind, *elements):
    body = b""
    for identifier, value in elements:
        if isinstance(value, int):
            value = value.to_bytes(_FIXED[identifier], "big")
        body += bytes([identifier]) + (struct.pack(">H", len(value)) if identifier in _VARIABLE else b"") + value
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def cell_list(cells):
    """Value of a cell list; all cells have one discriminator."""
    return bytes([cells[0][0]]) + b"".join(octets for _, octets in cells)


def completed_list(counts):
    """Value of a number of broadcasts completed list: [((discriminator, octets), count)]."""
    return bytes([counts[0][0][0]]) + b"".join(
        cell[1] + struct.pack(">HB", min(count, 0x7fff), int(count > 0x7fff)) for cell, count in counts)


def failure_list(failures):
    """Value of a failure list: [((discriminator, octets), cause)]."""
    return b"".join(bytes([cell[0]]) + cell[1] + bytes([cause]) for cell, cause in failures)


def cgi(cell_id):
    """(discriminator, octets) of "001-01-100-1001"; the PLMN as in 3GPP TS 24.008, 10.5.1.3."""
    mcc, mnc, lac, ci = cell_id.split("-")
    third = mnc[2] if len(mnc) == 3 else "f"
    digits = mcc[1] + mcc[0] + third + mcc[2] + mnc[1] + mnc[0]
    return DISC_CGI, bytes.fromhex(digits) + struct.pack(">HH", int(lac), int(ci))


def cgi_text(octets):
    digits = octets[:3].hex()
    mnc = digits[5] + digits[4] + ("" if digits[2] == "f" else digits[2])
    return "{}{}{}-{}-{}-{}".format(digits[1], digits[0], digits[3], mnc, *struct.unpack(">HH", octets[3:]))
