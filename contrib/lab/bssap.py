# SPDX-License-Identifier: AGPL-3.0-or-later
"""The A interface as a BSC sees it: BSSAP over SCCP over M3UA, just enough of each for location updates and
SMS. M3UA travels over TCP here, see sctp_over_tcp.c."""

import heapq
import itertools
import select
import struct
import threading
import time
import traceback

_POINT_CODE = (0, 23, 5)

# M3UA (RFC 4666, 3.1 and 3.2): (class, type) of messages, tags of parameters.
_ERROR, _DATA = (0, 0), (1, 1)
_ASP_UP, _ASP_UP_ACK, _BEAT, _BEAT_ACK = (3, 1), (3, 4), (3, 3), (3, 6)
_ASP_ACTIVE, _ASP_ACTIVE_ACK = (4, 1), (4, 3)
_REGISTER, _REGISTERED = (9, 1), (9, 2)
_ROUTING_CONTEXT, _HEARTBEAT, _TRAFFIC_MODE = 0x0006, 0x0009, 0x000b
_ROUTING_KEY, _REGISTRATION_RESULT, _LOCAL_KEY, _DESTINATION = 0x0207, 0x0208, 0x020a, 0x020b
_PROTOCOL_DATA = 0x0210
_SERVICE_SCCP = 3

# SCCP messages (ITU-T Q.713, 2.1) and parameters (3.1).
_CR, _CC, _CREF, _RLSD, _RLC, _DT1, _UDT = 1, 2, 3, 4, 5, 6, 9
_CALLING, _USER_DATA = 0x04, 0x0f
_SSN_BSSAP = 254

# BSSMAP (3GPP TS 48.008, 3.2.2.1 and 3.2.2.2).
_CLEAR_COMMAND, _CLEAR_COMPLETE, _COMMON_ID = 0x20, 0x21, 0x2f
_RESET, _RESET_ACK, _PAGING, _COMPLETE_L3 = 0x30, 0x31, 0x52, 0x57
_IE_CAUSE, _IE_CELL, _IE_IMSI, _IE_TMSI, _IE_L3, _IE_CELLS = 0x04, 0x05, 0x08, 0x09, 0x17, 0x1a
_CAUSE_OM_INTERVENTION = 0x07
_DTAP = 1


def _point_code(parts):
    return parts[0] << 11 | parts[1] << 3 | parts[2]


def plmn_octets(plmn):
    """3GPP TS 24.008, 10.5.1.3; a network code of two digits."""
    mcc, mnc = f"{plmn[0]:03d}", f"{plmn[1]:02d}"
    return bytes([int(mcc[1] + mcc[0], 16), 0xf0 | int(mcc[2]), int(mnc[1] + mnc[0], 16)])


def _m3ua(kind, body=b""):
    return struct.pack(">BBBBI", 1, 0, *kind, 8 + len(body)) + body


def _parameter(tag, value):
    return struct.pack(">HH", tag, 4 + len(value)) + value + b"\0" * (-len(value) % 4)


def _parameters(octets):
    found = {}
    while len(octets) >= 4:
        tag, length = struct.unpack_from(">HH", octets)
        found[tag] = octets[4:length]
        octets = octets[length + -length % 4:]
    return found


def _address(point_code):
    # Point code and subsystem number, routing on the latter (ITU-T Q.713, 3.4).
    return b"\x43" + struct.pack("<HB", point_code, _SSN_BSSAP)


def _lv(octets):
    return bytes([len(octets)]) + octets


class Connection:
    """An SCCP connection: one visit of a phone to the network."""

    def __init__(self, a, owner):
        self.owner = owner
        self.remote = None
        self.open = True
        self._a = a

    def send(self, l3, sapi=0):
        if self.open and self.remote:
            self._bssap(bytes([_DTAP, sapi]) + _lv(l3))

    def bssmap(self, message):
        self._bssap(b"\0" + _lv(message))

    def _bssap(self, octets):
        self._a.send_sccp(bytes([_DT1]) + self.remote + b"\0\x01" + _lv(octets))


class AInterface:
    """One BSC. What comes in is handed to handler, in a thread of its own and with self.changed held:

    on_paging(imsi or None, tmsi or None, cells), on_dtap(connection, l3, sapi), on_closed(connection)
    """

    def __init__(self, sock, msc_point_code, plmn, handler):
        self.plmn = plmn
        self.changed = threading.Condition(threading.RLock())
        self.faults = []            # what should not have come
        self._handler = handler
        self._sock = sock
        self._msc = _point_code(msc_point_code)
        self._bsc = _point_code(_POINT_CODE)
        self._routing_context = None
        self._seen = set()
        self._reset_done = False
        self._connections = {}
        self._reference = itertools.count(1)
        self._timers = []
        self._order = itertools.count()
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """Until the MSC knows this BSC."""
        self._thread.start()
        self._send(_m3ua(_ASP_UP))
        self.wait("ASP UP", lambda: _ASP_UP_ACK in self._seen, 10)
        key = (_parameter(_LOCAL_KEY, struct.pack(">I", 1)) + _parameter(_TRAFFIC_MODE, struct.pack(">I", 1)) +
               _parameter(_DESTINATION, struct.pack(">I", self._bsc)))
        self._send(_m3ua(_REGISTER, _parameter(_ROUTING_KEY, key)))
        self.wait("a routing context", lambda: self._routing_context, 10)
        self._send(_m3ua(_ASP_ACTIVE, _parameter(_ROUTING_CONTEXT, self._routing_context)))
        self.wait("ASP ACTIVE", lambda: _ASP_ACTIVE_ACK in self._seen, 10)
        self.reset()

    def reset(self, timeout=20):
        """As a BSC that starts does: the MSC forgets all connections; also makes a new MSC know us."""
        deadline = time.monotonic() + timeout
        with self.changed:
            self._drop_all()
            self._reset_done = False
        while True:
            self._send_unit(bytes([_RESET, _IE_CAUSE, 1, _CAUSE_OM_INTERVENTION]))
            try:
                self.wait("the MSC to acknowledge the reset", lambda: self._reset_done, 0.5)
                return
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise

    def close(self):
        self._ending = True
        if self._thread.is_alive():
            self._thread.join(10)
        self._sock.close()

    def wait(self, what, condition, timeout):
        """Until condition() is true, tried whenever something happened."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition() or not self._thread.is_alive(), timeout):
                raise TimeoutError(f"not within {timeout:g} s: {what}")
            if not condition():
                raise RuntimeError("the A interface is down:\n" + "\n".join(self.faults))

    def later(self, seconds, function):
        """Call it from the thread of this interface."""
        with self.changed:
            heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), function))

    def connect(self, owner, lac, ci, l3):
        """A connection whose first message is l3, from that cell."""
        with self.changed:
            reference = struct.pack("<I", next(self._reference) & 0xffffff)[:3]
            connection = self._connections[reference] = Connection(self, owner)
            cell = b"\0" + plmn_octets(self.plmn) + struct.pack(">HH", lac, ci)
            message = bytes([_COMPLETE_L3, _IE_CELL]) + _lv(cell) + bytes([_IE_L3]) + _lv(l3)
            data = b"\0" + _lv(message)
            called = _lv(_address(self._msc))
            # Class 2; pointers to the called address and to the optional part.
            self.send_sccp(bytes([_CR]) + reference + bytes([2, 2, 1 + len(called)]) + called + bytes([_CALLING]) +
                           _lv(_address(self._bsc)) + bytes([_USER_DATA]) + _lv(data) + b"\0")
            return connection

    # Out.

    def _send(self, octets):
        with self.changed:
            self._sock.sendall(octets)

    def send_sccp(self, octets):
        label = struct.pack(">IIBBBB", self._bsc, self._msc, _SERVICE_SCCP, 0, 0, 0)
        self._send(_m3ua(_DATA, _parameter(_ROUTING_CONTEXT, self._routing_context) +
                         _parameter(_PROTOCOL_DATA, label + octets)))

    def _send_unit(self, bssmap):
        called, calling, data = _lv(_address(self._msc)), _lv(_address(self._bsc)), _lv(b"\0" + _lv(bssmap))
        # Class 0, and three pointers, each counted from its own place.
        self.send_sccp(bytes([_UDT, 0, 3, 2 + len(called), 1 + len(called) + len(calling)]) + called + calling + data)

    # In.

    def _run(self):
        try:
            buffer = b""
            while not self._ending:
                if select.select([self._sock], [], [], self._until_timer())[0]:
                    data = self._sock.recv(65536)
                    if not data:
                        raise EOFError("the signalling network closed the connection")
                    buffer = self._take(buffer + data)
                self._run_timers()
        except Exception:
            with self.changed:
                self.faults.append(traceback.format_exc())
        finally:
            with self.changed:
                self.changed.notify_all()

    def _until_timer(self):
        with self.changed:
            first = self._timers[0][0] - time.monotonic() if self._timers else 1
        return max(0, min(0.1, first))

    def _run_timers(self):
        with self.changed:
            while self._timers and self._timers[0][0] <= time.monotonic():
                heapq.heappop(self._timers)[2]()
            self.changed.notify_all()

    def _take(self, buffer):
        while len(buffer) >= 8:
            length, = struct.unpack_from(">I", buffer, 4)
            if len(buffer) < length:
                break
            with self.changed:
                self._on_m3ua((buffer[2], buffer[3]), _parameters(buffer[8:length]))
                self.changed.notify_all()
            buffer = buffer[length:]
        return buffer

    def _on_m3ua(self, kind, parameters):
        self._seen.add(kind)
        if kind == _REGISTERED:
            self._routing_context = _parameters(parameters[_REGISTRATION_RESULT])[_ROUTING_CONTEXT]
        elif kind == _BEAT:
            heartbeat = parameters.get(_HEARTBEAT)
            self._send(_m3ua(_BEAT_ACK, _parameter(_HEARTBEAT, heartbeat) if heartbeat else b""))
        elif kind == _DATA:
            self._on_sccp(parameters[_PROTOCOL_DATA][12:])
        elif kind == _ERROR:
            self.faults.append(f"M3UA error {parameters}")

    def _on_sccp(self, octets):
        kind, reference = octets[0], octets[1:4]
        if kind == _UDT:
            at = 4 + octets[4]
            self._on_unit(octets[at + 1:at + 1 + octets[at]])
            return
        if kind == _RLSD:
            self.send_sccp(bytes([_RLC]) + octets[4:7] + reference)
        connection = self._connections.get(reference)
        if connection is None:
            # It was dropped by a reset.
            return
        if kind == _CC:
            connection.remote = octets[4:7]
            for data in self._optional_data(octets, 8):
                self._on_bssap(connection, data)
        elif kind == _DT1:
            at = 5 + octets[5]
            self._on_bssap(connection, octets[at + 1:at + 1 + octets[at]])
        elif kind in (_RLSD, _CREF):
            self._drop(reference)

    @staticmethod
    def _optional_data(octets, pointer):
        at = pointer + octets[pointer]
        while octets[pointer] and octets[at]:
            if octets[at] == _USER_DATA:
                yield octets[at + 2:at + 2 + octets[at + 1]]
            at += 2 + octets[at + 1]

    def _drop(self, reference):
        connection = self._connections.pop(reference)
        connection.open = False
        self._handler.on_closed(connection)

    def _drop_all(self):
        for reference in list(self._connections):
            self._drop(reference)

    def _on_unit(self, octets):
        message = octets[2:]
        if message[0] == _RESET_ACK:
            self._reset_done = True
        elif message[0] == _RESET:
            self._drop_all()
            self._send_unit(bytes([_RESET_ACK]))
        elif message[0] == _PAGING:
            self._on_paging(message[1:])
        else:
            self.faults.append(f"BSSMAP without connection: {octets.hex()}")

    def _on_paging(self, octets):
        elements = {}
        while octets:
            # The other elements of this message have one octet and no length.
            if octets[0] in (_IE_IMSI, _IE_TMSI, _IE_CELLS):
                elements[octets[0]] = octets[2:2 + octets[1]]
                octets = octets[2 + octets[1]:]
            else:
                octets = octets[2:]
        self._handler.on_paging(elements.get(_IE_IMSI), elements.get(_IE_TMSI), elements.get(_IE_CELLS, b""))

    def _on_bssap(self, connection, octets):
        if octets[0] == _DTAP:
            self._handler.on_dtap(connection, octets[3:3 + octets[2]], octets[1] & 7)
        elif octets[2] == _CLEAR_COMMAND:
            connection.bssmap(bytes([_CLEAR_COMPLETE]))
        elif octets[2] != _COMMON_ID:
            self.faults.append(f"BSSMAP: {octets.hex()}")


def in_cells(cells, plmn, lac, ci):
    """Is the cell in a cell identifier list (3GPP TS 48.008, 3.2.2.27)?"""
    lai = plmn_octets(plmn) + struct.pack(">H", lac)
    name = {0: lai + struct.pack(">H", ci), 1: struct.pack(">HH", lac, ci), 2: struct.pack(">H", ci), 4: lai,
            5: struct.pack(">H", lac), 6: b""}[cells[0] & 15]
    return not name or name in [cells[at:at + len(name)] for at in range(1, len(cells), len(name))]
