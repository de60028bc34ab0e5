# SPDX-License-Identifier: AGPL-3.0-or-later
"""SMS-DELIVER (3GPP TS 23.040) as a phone reads it, written from the specification.

Strict: what a phone might show wrong (a part that ends within a character, octets left over) raises
Malformed instead of being put right.
"""

from dataclasses import dataclass, field

# 3GPP TS 23.038, 6.2.1. Septet 0x1b leads to the extension table.
_ALPHABET = ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
             "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
_ESCAPE = 0x1b
# 3GPP TS 23.038, 6.2.1.1.
_EXTENSION = {0x0a: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2f: "\\", 0x3c: "[", 0x3d: "~", 0x3e: "]",
              0x40: "|", 0x65: "€"}

GSM7, DATA, UCS2 = "gsm7", "8-bit", "ucs2"

# Information elements of a user data header, 3GPP TS 23.040, 9.2.3.24.
_CONCATENATION_8, _CONCATENATION_16 = 0x00, 0x08
_TON_ALPHANUMERIC = 5


class Malformed(Exception):
    pass


@dataclass(frozen=True)
class Concatenation:
    reference: int
    wide: bool              # a reference of 16 bits
    total: int
    number: int             # from 1


@dataclass(frozen=True)
class Deliver:
    """One SMS-DELIVER."""
    sender: str             # alphanumeric, or digits with "+" if international
    pid: int
    dcs: int
    alphabet: str
    message_class: int      # None without a class; 0 is shown at once
    timestamp: bytes
    text: str               # empty if the alphabet is DATA
    data: bytes             # user data without header
    concatenation: Concatenation = None
    header: dict = field(default_factory=dict)      # {identifier: octets}


class _Reader:
    def __init__(self, octets):
        self._octets = octets
        self._at = 0

    def take(self, n, what):
        if self._at + n > len(self._octets):
            raise Malformed(f"{what} is cut")
        self._at += n
        return self._octets[self._at - n:self._at]

    def octet(self, what):
        return self.take(1, what)[0]

    def left(self):
        return len(self._octets) - self._at

    def rest(self):
        return self.take(self.left(), "")


def septets(octets, count, first_bit=0):
    """Unpack (3GPP TS 23.038, 6.1.2.1)."""
    value = int.from_bytes(octets, "little") >> first_bit
    return [value >> 7 * n & 0x7f for n in range(count)]


def gsm7_text(codes):
    text, codes = "", iter(codes)
    for code in codes:
        if code == _ESCAPE:
            code = next(codes, None)
            if code is None:
                raise Malformed("the text ends with an escape")
            # An entry that is not in the extension table is shown as in the main one.
            text += _EXTENSION.get(code, " " if code == _ESCAPE else _ALPHABET[code])
        else:
            text += _ALPHABET[code]
    return text


def coding(dcs):
    """(alphabet, class) of a data coding scheme, 3GPP TS 23.038, 4."""
    group = dcs >> 4
    if group < 0x8:                             # general, and the same marked for automatic deletion
        if dcs & 0x20:
            raise Malformed(f"compressed text (DCS {dcs:#04x})")
        alphabet = (GSM7, DATA, UCS2, None)[dcs >> 2 & 3]
        message_class = dcs & 3 if dcs & 0x10 else None
    elif group in (0xc, 0xd, 0xe):              # message waiting
        alphabet, message_class = (UCS2 if group == 0xe else GSM7), None
    elif group == 0xf and not dcs & 0x08:
        alphabet, message_class = (DATA if dcs & 0x04 else GSM7), dcs & 3
    else:
        alphabet = None
    if alphabet is None:
        raise Malformed(f"reserved DCS {dcs:#04x}")
    return alphabet, message_class


def _address(reader):
    """Originating address, 9.1.2.5; its length counts semi-octets."""
    length = reader.octet("the address")
    kind = reader.octet("the address")
    octets = reader.take((length + 1) // 2, "the address")
    if kind >> 4 & 7 == _TON_ALPHANUMERIC:
        return gsm7_text(septets(octets, length * 4 // 7))
    digits = "".join("0123456789*#abc"[nibble] for octet in octets for nibble in (octet & 15, octet >> 4)
                     if nibble != 15)
    if len(digits) != length:
        raise Malformed(f"an address of {length} digits has {len(digits)}")
    return ("+" if kind >> 4 & 7 == 1 else "") + digits


def _header(octets):
    """{identifier: octets} of a user data header without its length."""
    reader, elements = _Reader(octets), {}
    while reader.left():
        kind, length = reader.take(2, "a header element")
        elements[kind] = reader.take(length, "a header element")
    return elements


def _concatenation(header):
    for kind, wide in ((_CONCATENATION_8, False), (_CONCATENATION_16, True)):
        value = header.get(kind)
        if value is None:
            continue
        if len(value) != 3 + wide:
            raise Malformed(f"concatenation {value.hex()}")
        total, number = value[-2:]
        if not 1 <= number <= total:
            raise Malformed(f"part {number} of {total}")
        return Concatenation(int.from_bytes(value[:-2], "big"), wide, total, number)
    return None


def _user_data(alphabet, length, octets, header_octets):
    """(text, data) after the header; length as the TPDU has it: septets for GSM7, else octets."""
    expected = (length * 7 + 7) // 8 if alphabet == GSM7 else length
    if len(octets) != expected:
        raise Malformed(f"{len(octets)} octets of user data for length {length} ({alphabet})")
    data = octets[header_octets:]
    if alphabet == GSM7:
        # The text begins at the next septet (9.2.3.24).
        skip = (header_octets * 8 + 6) // 7
        if skip > length:
            raise Malformed("the header is longer than the user data")
        return gsm7_text(septets(octets, length - skip, skip * 7)), data
    if alphabet == UCS2:
        try:
            return data.decode("utf-16-be"), data
        except UnicodeDecodeError as error:
            raise Malformed(f"UCS-2: {error}") from None
    return "", data


def deliver(octets):
    """Deliver of a TPDU (9.2.2.1)."""
    reader = _Reader(octets)
    first = reader.octet("the first octet")
    if first & 3:
        raise Malformed(f"not an SMS-DELIVER: {first:#04x}")
    sender = _address(reader)
    pid = reader.octet("the protocol identifier")
    dcs = reader.octet("the data coding scheme")
    alphabet, message_class = coding(dcs)
    timestamp = reader.take(7, "the time stamp")
    length = reader.octet("the user data length")
    octets = reader.rest()
    if len(octets) > 140:
        raise Malformed(f"{len(octets)} octets of user data")
    header, header_octets = {}, 0
    if first & 0x40:
        header_octets = 1 + (octets[0] if octets else 0)
        if header_octets > len(octets):
            raise Malformed("the header is longer than the user data")
        header = _header(octets[1:header_octets])
    text, data = _user_data(alphabet, length, octets, header_octets)
    return Deliver(sender, pid, dcs, alphabet, message_class, timestamp, text, data, _concatenation(header), header)
