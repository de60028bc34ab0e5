# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small SMPP 3.4 client for tests of the laboratory itself, written from the specification."""

import struct
import threading
from dataclasses import dataclass

(BIND_TRANSCEIVER, SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK) = (0x09, 0x04, 0x05, 0x06, 0x15)
ALERT_NOTIFICATION = 0x102
_RESPONSE = 0x80000000

ROK, RINVDSTADR, RINVPASWD, RINVSYSID = 0x00, 0x0b, 0x0e, 0x0f
RDELIVERYFAILURE, RUNKNOWNERR = 0xfe, 0xff

# esm_class: the answer to the submit comes when the phone has answered (5.2.12).
TRANSACTION = 2
UDHI = 0x40


@dataclass(frozen=True)
class Pdu:
    command: int
    status: int
    sequence: int
    body: bytes


def _c_string(text):
    return text.encode("ascii") + b"\0"


class Refused(Exception):
    """A bind that was not accepted; its argument is the status."""


class SmppClient:
    """A bound transceiver. Any number of threads may submit at once."""

    def __init__(self, sock, system_id, password):
        self._sock = sock
        self._sock.settimeout(None)
        self._changed = threading.Condition()
        self._sequence = 0
        self._answers = {}          # by sequence number
        self._ended = False
        self.unasked = []           # what the SMSC sent of itself: receipts, alert notifications
        threading.Thread(target=self._run, daemon=True).start()
        answer = self.ask(BIND_TRANSCEIVER, _c_string(system_id) + _c_string(password) + _c_string("") +
                          b"\x34\0\0" + _c_string(""))
        if answer.status:
            self.close()
            raise Refused(answer.status)

    def close(self):
        try:
            self._sock.shutdown(2)
        except OSError:
            pass
        self._sock.close()

    def ask(self, command, body=b"", timeout=15):
        """The response."""
        return self.answer(self.send(command, body), timeout)

    def send(self, command, body=b""):
        """The sequence number, for answer()."""
        with self._changed:
            self._sequence += 1
            self._write(command, self._sequence, body)
            return self._sequence

    def answer(self, sequence, timeout=15):
        with self._changed:
            if not self._changed.wait_for(lambda: sequence in self._answers or self._ended, timeout):
                raise TimeoutError(f"no response to PDU {sequence}")
            if sequence not in self._answers:
                raise EOFError("the SMSC closed the connection")
            return self._answers.pop(sequence)

    def submit(self, destination, octets, npi=1, sender="112", sender_ton=1, sender_npi=1, esm_class=TRANSACTION,
               data_coding=0, pid=0, registered_delivery=0, validity="", reference=None):
        """Send a submit_sm and return its sequence number. npi 6: the destination is an IMSI.

        reference: user_message_reference (5.3.2.17)."""
        tlv = b"" if reference is None else struct.pack(">HHH", 0x0204, 2, reference)
        return self.send(SUBMIT_SM, _c_string("") + bytes([sender_ton, sender_npi]) + _c_string(sender) +
                         bytes([1, npi]) + _c_string(destination) + bytes([esm_class, pid, 0]) + _c_string("") +
                         _c_string(validity) + bytes([registered_delivery, 0, data_coding, 0, len(octets)]) +
                         octets + tlv)

    def _write(self, command, sequence, body=b"", status=0):
        self._sock.sendall(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)

    def _run(self):
        buffer = b""
        try:
            while data := self._sock.recv(65536):
                buffer = self._take(buffer + data)
        except OSError:
            pass
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, buffer):
        while len(buffer) >= 16:
            length, command, status, sequence = struct.unpack_from(">IIII", buffer)
            if len(buffer) < length:
                break
            self._on_pdu(Pdu(command, status, sequence, buffer[16:length]))
            buffer = buffer[length:]
        return buffer

    def _on_pdu(self, pdu):
        with self._changed:
            if pdu.command & _RESPONSE:
                self._answers[pdu.sequence] = pdu
            else:
                self.unasked.append(pdu)
                if pdu.command == DELIVER_SM:
                    self._write(pdu.command | _RESPONSE, pdu.sequence, b"\0")
                elif pdu.command in (ENQUIRE_LINK, UNBIND):
                    self._write(pdu.command | _RESPONSE, pdu.sequence)
            self._changed.notify_all()
