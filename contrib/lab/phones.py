# SPDX-License-Identifier: AGPL-3.0-or-later
"""Phones in the network of msc.py: they attach, answer paging, take SMS and tell what they took.

    phones = Phones(namespace)
    near, far = phones.add("001010000000001", 100, 1001), phones.add("001010000000002", 200, 2001)
    phones.attach(near, far)
    ... phones.wait_sms(1); phones.sms ...
    phones.close()

Where they are is where their own location update says it: the MSC pages a location area, and a phone
that is not in it stays quiet.
"""

import time
from dataclasses import dataclass

import tpdu
from bssap import AInterface, in_cells, plmn_octets
from msc import M3UA, POINT_CODE

# What a phone does with an SMS.
ACK = "ack"                     # takes it and says so
MEMORY_FULL = "memory-full"     # refuses it
MUTE = "mute"                   # takes it, but its acknowledgement is never heard
SILENT = "silent"               # does not even answer paging: no coverage, no battery

# 3GPP TS 24.008 and TS 24.011: protocol discriminators and message types.
_PD_MM, _PD_RR, _PD_SMS = 5, 6, 9
_IMSI_DETACH, _LU_ACCEPT, _LU_REJECT, _LU_REQUEST = 0x01, 0x02, 0x04, 0x08
_IDENTITY_REQUEST, _IDENTITY_RESPONSE, _TMSI_COMPLETE, _MM_INFORMATION = 0x18, 0x19, 0x1b, 0x32
_PAGING_RESPONSE = 0x27
_CP_DATA, _CP_ACK, _CP_ERROR = 0x01, 0x04, 0x10
_RP_DATA_DOWN, _RP_ACK_UP, _RP_ERROR_UP = 1, 2, 4
_CAUSE_MEMORY_FULL = 22
_SAPI_SMS = 3
_LU_NORMAL, _LU_ATTACH = 0, 2
_IMSI, _IMEI, _IMEISV, _TMSI = 1, 2, 3, 4
_NO_KEY = 7
_CLASSMARK_1 = b"\x33"
_CLASSMARK_2 = b"\x33\x19\xa2"


@dataclass(frozen=True)
class Part:
    """A TPDU that a phone took."""
    time: float
    deliver: tpdu.Deliver
    octets: bytes


@dataclass(frozen=True)
class Sms:
    """What the owner of a phone can read: all parts have arrived."""
    time: float                 # of the last part
    imsi: str
    text: str
    parts: int
    pid: int
    sender: str
    dcs: int
    message_class: int
    lac: int                    # where the phone was
    ci: int


class Rejected(Exception):
    """The network does not let a phone in."""


class Phone:
    def __init__(self, imsi, lac, ci, imei):
        self.imsi = imsi
        self.imei = imei            # 14 digits
        self.lac = lac
        self.ci = ci
        self.mode = ACK
        self.delay = 0.0            # seconds from an SMS to its acknowledgement
        self.attached = False
        self.reject_cause = None    # of the last location update
        self.paged = []             # times, also of pages that were not answered
        self.parts = []             # Part
        self.sms = []               # Sms
        self.refused = []           # times
        self._tmsi = None
        self._last_lai = None       # where it was registered
        self._connection = None
        self._page_waits = None     # the kind of identity it was paged by
        self._sent_mm = 0
        self._pending = {}          # of messages in parts: {key: {number: Part}}

    def __repr__(self):
        return f"Phone({self.imsi} in {self.lac}-{self.ci})"


class Phones:
    def __init__(self, namespace, plmn=(1, 1), msc_point_code=POINT_CODE, address=M3UA):
        self.plmn = plmn
        self.phones = {}            # by IMSI
        self.sms = []               # of all phones, in the order of time
        self._a = AInterface(namespace.connect(address), msc_point_code, plmn, self)
        self._a.start()

    def close(self):
        self._a.close()

    @property
    def faults(self):
        """What the network or the sender of an SMS should not have done."""
        return self._a.faults

    # What their owners do.

    def add(self, imsi, lac, ci, imei=None):
        """A phone that is switched off."""
        phone = self.phones[imsi] = Phone(imsi, lac, ci, imei or "35609204" + f"{len(self.phones):06d}")
        return phone

    def attach(self, *phones, timeout=20):
        """Switch on, all at once. Raises Rejected if one of them may not."""
        self._update(phones, _LU_ATTACH, timeout)

    def move(self, phone, lac, ci, timeout=20):
        """Into another cell, with a location update."""
        phone.lac, phone.ci = lac, ci
        self._update([phone], _LU_NORMAL, timeout)

    def detach(self, *phones, timeout=20):
        """Switch off properly: the network is told."""
        with self._a.changed:
            self._wait_idle(phones, timeout)
            for phone in phones:
                identity = self._identity(phone, _TMSI if phone._tmsi else _IMSI)
                self._begin(phone, bytes([_PD_MM, _IMSI_DETACH]) + _CLASSMARK_1 + identity)
                phone.attached = False
                phone._tmsi = phone._last_lai = phone._page_waits = None
        self._wait_idle(phones, timeout)

    def reset(self):
        """The BSC starts again; needed for a new MSC process. All phones are as switched off."""
        with self._a.changed:
            for phone in self.phones.values():
                phone.attached = False
                phone._tmsi = phone._last_lai = phone._page_waits = None
        self._a.reset()

    def wait_sms(self, count, timeout=20, phone=None):
        """Until the phone, or all phones together, have taken that many whole messages."""
        sms = self.sms if phone is None else phone.sms
        self._a.wait(f"{count} SMS, there are {len(sms)}", lambda: len(sms) >= count, timeout)
        return list(sms)

    def wait(self, what, condition, timeout=20):
        self._a.wait(what, condition, timeout)

    def received(self):
        """{IMSI: texts} of the phones that took any."""
        with self._a.changed:
            return {phone.imsi: [sms.text for sms in phone.sms] for phone in self.phones.values() if phone.sms}

    # Mobility management.

    def _update(self, phones, kind, timeout):
        with self._a.changed:
            self._wait_idle(phones, timeout)
            for phone in phones:
                phone.attached, phone.reject_cause = False, None
                known = kind == _LU_NORMAL and phone._tmsi
                # Without an old location area: the reserved code (3GPP TS 23.003, 4.1).
                lai = phone._last_lai or plmn_octets(self.plmn) + b"\xff\xfe"
                self._begin(phone, bytes([_PD_MM, _LU_REQUEST, _NO_KEY << 4 | kind]) + lai + _CLASSMARK_1 +
                            self._identity(phone, _TMSI if known else _IMSI))
        self._wait_idle(phones, timeout)
        for phone in phones:
            if not phone.attached:
                raise Rejected(f"{phone}: cause {phone.reject_cause}")

    def _begin(self, phone, l3):
        if phone._connection:
            raise RuntimeError(f"{phone} is busy")
        # The first message of a connection has the sequence number 0 and is counted if it is of MM.
        phone._sent_mm = int(l3[0] == _PD_MM)
        phone._connection = self._a.connect(phone, phone.lac, phone.ci, l3)

    def _wait_idle(self, phones, timeout):
        self._a.wait(f"{len(phones)} phones idle", lambda: not any(phone._connection for phone in phones), timeout)

    @staticmethod
    def _identity(phone, kind):
        """Mobile identity with its length (3GPP TS 24.008, 10.5.1.4)."""
        if kind == _TMSI:
            return b"\x05\xf4" + phone._tmsi
        digits = {_IMSI: phone.imsi, _IMEI: phone.imei + _luhn(phone.imei), _IMEISV: phone.imei + "01"}[kind]
        odd = len(digits) & 1
        nibbles = [int(digit) for digit in digits[1:]] + ([] if odd else [15])
        octets = bytes([int(digits[0]) << 4 | odd << 3 | kind])
        octets += bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2]))
        return bytes([len(octets)]) + octets

    def _send_mm(self, phone, kind, rest=b""):
        # Send sequence number, modulo 4 since release 99 (3GPP TS 24.007, 11.2.3.2.3.2).
        phone._connection.send(bytes([_PD_MM, kind | (phone._sent_mm & 1) << 6]) + rest)
        phone._sent_mm += 1

    # From the network (AInterface).

    def on_paging(self, imsi, tmsi, cells):
        for phone in self.phones.values():
            if not phone.attached or not in_cells(cells, self.plmn, phone.lac, phone.ci):
                continue
            if (tmsi != phone._tmsi if tmsi else imsi != self._identity(phone, _IMSI)[1:]):
                continue
            phone.paged.append(time.time())
            if phone.mode == SILENT:
                continue
            # A BSC pages again and again, so a phone that is just leaving a connection does hear it.
            phone._page_waits = _TMSI if tmsi else _IMSI
            self._answer_page(phone)

    def _answer_page(self, phone):
        if phone._page_waits and not phone._connection:
            identity = self._identity(phone, phone._page_waits)
            phone._page_waits = None
            self._begin(phone, bytes([_PD_RR, _PAGING_RESPONSE, _NO_KEY, len(_CLASSMARK_2)]) + _CLASSMARK_2 + identity)

    def on_closed(self, connection):
        phone = connection.owner
        if phone._connection is connection:
            phone._connection = None
            self._answer_page(phone)

    def on_dtap(self, connection, l3, _sapi):
        phone, discriminator = connection.owner, l3[0] & 0x0f
        if discriminator == _PD_MM:
            self._on_mm(phone, l3)
        elif discriminator == _PD_SMS:
            self._on_cp(phone, connection, l3[0] >> 4, l3[1], l3[2:])
        else:
            self.faults.append(f"{phone}: layer 3 {l3.hex()}")

    def _on_mm(self, phone, l3):
        kind = l3[1]
        if kind == _IDENTITY_REQUEST:
            self._send_mm(phone, _IDENTITY_RESPONSE, self._identity(phone, l3[2] & 7))
        elif kind == _LU_ACCEPT:
            phone.attached = True
            phone._last_lai = l3[2:7]
            # The only element that may follow and matters is a new TMSI.
            if l3[7:10] == b"\x17\x05\xf4":
                phone._tmsi = l3[10:14]
                self._send_mm(phone, _TMSI_COMPLETE)
        elif kind == _LU_REJECT:
            phone.reject_cause = l3[2]
            phone._tmsi = phone._last_lai = None
        elif kind != _MM_INFORMATION:
            self.faults.append(f"{phone}: MM {l3.hex()}")

    # SMS.

    def _on_cp(self, phone, connection, transaction, kind, octets):
        def send(*message):
            # The network began the transaction, so our side of it has the flag.
            connection.send(bytes([(transaction | 8) << 4 | _PD_SMS, *message]), _SAPI_SMS)
        if kind == _CP_DATA:
            send(_CP_ACK)
            rp = octets[1:1 + octets[0]]
            if rp[0] & 7 == _RP_DATA_DOWN:
                self._on_rp_data(phone, rp, lambda answer: send(_CP_DATA, len(answer), *answer))
            else:
                self.faults.append(f"{phone}: RP {rp.hex()}")
        elif kind == _CP_ERROR:
            self.faults.append(f"{phone}: CP-ERROR {octets.hex()}")

    def _on_rp_data(self, phone, rp, answer):
        reference = rp[1]
        # Originator and destination, then the TPDU (3GPP TS 24.011, 7.3.1.1), each with its length.
        at = 3 + rp[2]
        at += 1 + rp[at]
        octets = rp[at + 1:at + 1 + rp[at]]
        reply = bytes([_RP_ACK_UP, reference])
        if phone.mode == MEMORY_FULL:
            phone.refused.append(time.time())
            reply = bytes([_RP_ERROR_UP, reference, 1, _CAUSE_MEMORY_FULL])
        else:
            self._take(phone, octets)
        if phone.mode == MUTE:
            return
        if phone.delay:
            self._a.later(phone.delay, lambda: answer(reply))
        else:
            answer(reply)

    def _take(self, phone, octets):
        try:
            deliver = tpdu.deliver(octets)
        except tpdu.Malformed as fault:
            self.faults.append(f"{phone}: {fault}: TPDU {octets.hex()}")
            return
        part = Part(time.time(), deliver, octets)
        phone.parts.append(part)
        concatenation = deliver.concatenation
        if concatenation is None:
            self._complete(phone, [part])
            return
        key = (deliver.sender, concatenation.wide, concatenation.reference, concatenation.total)
        have = phone._pending.setdefault(key, {})
        have[concatenation.number] = part
        if len(have) == concatenation.total:
            del phone._pending[key]
            self._complete(phone, [have[number] for number in sorted(have)])

    def _complete(self, phone, parts):
        first = parts[0].deliver
        if any((part.deliver.pid, part.deliver.dcs) != (first.pid, first.dcs) for part in parts):
            self.faults.append(f"{phone}: parts of one message differ in PID or DCS")
        sms = Sms(max(part.time for part in parts), phone.imsi, "".join(part.deliver.text for part in parts), len(parts),
                  first.pid, first.sender, first.dcs, first.message_class, phone.lac, phone.ci)
        phone.sms.append(sms)
        self.sms.append(sms)


def _luhn(digits):
    """The check digit of an IMEI (3GPP TS 23.003, B)."""
    total = 0
    for position, digit in enumerate(map(int, digits)):
        total += sum(divmod(2 * digit, 10)) if position & 1 else digit
    return str(-total % 10)
