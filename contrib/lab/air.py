# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a phone would hear: the GSMTAP frames of every cell, read while they are captured.

dumpcap writes one capture of all cells. Here it is split by ARFCN, because tshark joins the blocks
of one broadcast page across cells when they are in one file; then tshark says what was broadcast.
Silence is only believed where the cell is seen to transmit everything else.
"""

import json
import os
import struct
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass, field

from netns import wait_for

GSMTAP_PORT = 4729
# A repetition period is counted in units of 8 multiframes of 51 TDMA frames (3GPP TS 45.002, 6.5.4).
PERIOD_UNIT_S = 8 * 51 * 120 / 26 / 1000
# The BCCH and the CBCH each have one block in 235 ms; a cell not heard for this long is not heard.
MAX_GAP_S = 1.5

_CHANNEL_BCCH = 0x01
_CHANNEL_CCCH = (0x02, 0x04, 0x05)
_CHANNEL_CBCH = 0x0f
_FIELDS = ("frame.time_epoch", "gsm_cbs.message-identifier", "gsm_cbs.serial_number",
           "gsm_cbs.current_page", "gsm_cbs.total_pages", "gsm_cbs.page_content")


@dataclass(frozen=True)
class Page:
    time: float
    message_identifier: int
    serial_number: int
    number: int
    total: int
    text: str


@dataclass
class Broadcast:
    """All pages heard in one cell under one message identifier and serial number."""
    message_identifier: int
    serial_number: int
    pages: list = field(default_factory=list)

    @property
    def first(self):
        return self.pages[0].time

    @property
    def last(self):
        return self.pages[-1].time

    @property
    def total(self):
        return self.pages[0].total

    def problem(self):
        """What a phone would be confused by, or None."""
        seen = {}
        for page in self.pages:
            if page.total != self.total:
                return f"{page.total} and {self.total} pages under one serial number"
            if seen.setdefault(page.number, page.text) != page.text:
                return f"page {page.number} differs under one serial number"
        return None

    def text(self, since=0.0):
        """The whole text, or None while a page is missing (of those heard after since)."""
        parts = {page.number: page.text for page in self.pages if page.time >= since}
        if len(parts) != self.total or self.problem():
            return None
        return "".join(parts[number] for number in sorted(parts))


@dataclass
class Primary:
    """An ETWS primary notification heard in paging messages."""
    message_identifier: int
    serial_number: int
    warning_type: int
    times: list


class _CellAir:
    """What was captured of one cell."""

    def __init__(self, path):
        self.path = path
        self.file = None
        self.bcch = []              # times
        self.cbch = []              # times
        self.cbch_busy = []         # times of blocks that carry something
        self.segments = []          # (time, is_first, number, octets) of ETWS notifications
        self.pages = []
        self.read_busy = 0          # busy blocks that tshark has seen


class Air:
    def __init__(self, namespace, folder, cells):
        self.namespace = namespace
        self.cells = list(cells)
        self.capture = os.path.join(folder, "air.pcap")
        self._log = os.path.join(folder, "dumpcap.log")
        self._by_arfcn = {cell.arfcn: _CellAir(os.path.join(folder, f"air-{cell.arfcn}.pcap"))
                          for cell in cells}
        self._offset = 0
        self._header = b""
        self._process = None

    def start(self):
        self._process = self.namespace.start(
            ["dumpcap", "-q", "-P", "-i", "lo", "-f", f"udp port {GSMTAP_PORT}", "-w", self.capture],
            self._log)
        wait_for("the capture of the air", lambda: self._alive() and os.path.exists(self.capture), 15)

    def _alive(self):
        if not self._process.running():
            raise RuntimeError("dumpcap ended:\n" + self._process.log_tail())
        return True

    def stop(self):
        if self._process:
            self._process.stop()
        for cell in self._by_arfcn.values():
            if cell.file:
                cell.file.close()
                cell.file = None

    # Reading what was captured so far.

    def update(self):
        with open(self.capture, "rb") as file:
            file.seek(self._offset)
            data = file.read()
        position = 0
        if not self._header:
            if len(data) < 24:
                return
            self._header = data[:24]
            position = 24
        while len(data) - position >= 16:
            seconds, fraction, length, _ = struct.unpack_from("<IIII", data, position)
            end = position + 16 + length
            if end > len(data):
                break
            self._frame(seconds + fraction / 1e6, data[position:position + 16], data[position + 16:end])
            position = end
        self._offset += position

    def _frame(self, when, record, frame):
        # Ethernet, IPv4, UDP, GSMTAP, all of them from osmo-bts on loopback.
        gsmtap = 14 + (frame[14] & 0x0f) * 4 + 8
        length = frame[gsmtap + 1] * 4
        arfcn, = struct.unpack_from(">H", frame, gsmtap + 4)
        if arfcn & 0x4000:          # uplink
            return
        cell = self._by_arfcn.get(arfcn & 0x3fff)
        if cell is None:
            raise RuntimeError(f"a cell that nobody configured is on air: ARFCN {arfcn & 0x3fff}")
        channel = frame[gsmtap + 12]
        block = frame[gsmtap + length:]
        if channel == _CHANNEL_BCCH:
            cell.bcch.append(when)
        elif channel == _CHANNEL_CBCH:
            self._cbch_block(cell, when, record, frame, block)
        elif channel in _CHANNEL_CCCH:
            self._paging_block(cell, when, block)

    def _cbch_block(self, cell, when, record, frame, block):
        cell.cbch.append(when)
        # Sequence number 15 is the null message (3GPP TS 44.012, 3.3.1).
        if block[0] & 0x0f == 0x0f:
            return
        cell.cbch_busy.append(when)
        if cell.file is None:
            cell.file = open(cell.path, "wb")
            cell.file.write(self._header)
        cell.file.write(record + frame)

    @staticmethod
    def _paging_block(cell, when, block):
        # Paging Request Type 1 whose rest octets carry a segment of an ETWS primary notification and
        # nothing before it (3GPP TS 44.018, 10.5.2.23): all "L" up to the additions of release 8.
        if block[1:3] != b"\x06\x21" or len(block) < 10:
            return
        rest = block[1 + (block[0] >> 2):]
        if len(rest) < 3 or rest[0] != 0x2b or rest[1] & 0xe0 != 0xa0:
            return
        octets = rest[3:3 + (rest[2] & 0x7f) // 8]
        cell.segments.append((when, not rest[1] & 0x10, rest[1] & 0x0f, octets))

    # What was heard.

    def pages(self, cell):
        """Every page heard in a cell, in the order of time."""
        self.update()
        air = self._by_arfcn[cell.arfcn]
        if len(air.cbch_busy) != air.read_busy:
            air.file.flush()
            air.read_busy = len(air.cbch_busy)
            air.pages = self._read_pages(air.path)
        return air.pages

    @staticmethod
    def _read_pages(path):
        command = ["tshark", "-r", path, "-Y", "gsm_cbs", "-T", "json"]
        for name in _FIELDS:
            command += ["-e", name]
        output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        pages = []
        for packet in json.loads(output or b"[]"):
            layers = packet["_source"]["layers"]
            when, identifier, serial, number, total = (layers[name][0] for name in _FIELDS[:5])
            text = layers.get("gsm_cbs.page_content", [""])[0]
            pages.append(Page(float(when), int(identifier, 0), int(serial, 0), int(number), int(total), text))
        return pages

    def broadcasts(self, cell, since=0.0):
        """{(message identifier, serial number): Broadcast} heard after since."""
        heard = {}
        for page in self.pages(cell):
            if page.time >= since:
                key = (page.message_identifier, page.serial_number)
                heard.setdefault(key, Broadcast(*key)).pages.append(page)
        return heard

    def primaries(self, cell, since=0.0):
        """{(message identifier, serial number): Primary} heard whole after since."""
        self.update()
        heard = {}
        parts = defaultdict(bytes)
        total = 0
        for when, is_first, number, octets in self._by_arfcn[cell.arfcn].segments:
            if when < since:
                continue
            if is_first:
                parts.clear()
                total, number = number, 1
            parts[number] = octets
            if total and sorted(parts) == list(range(1, total + 1)):
                serial, identifier, warning_type = struct.unpack(">HHH", b"".join(
                    parts[n] for n in sorted(parts))[:6])
                primary = heard.setdefault((identifier, serial),
                                           Primary(identifier, serial, warning_type, []))
                primary.times.append(when)
        return heard

    def last_frame(self, cell):
        """When the cell was last heard at all; 0.0 if never."""
        self.update()
        air = self._by_arfcn[cell.arfcn]
        return air.bcch[-1] if air.bcch else 0.0

    def not_silent(self, cell, since, until):
        """None if it is proven that the cell broadcast nothing in that time; else why it is not.

        Proven means: it was heard sending its BCCH (and, where it has one, an empty CBCH) all along."""
        self.update()
        air = self._by_arfcn[cell.arfcn]
        busy = [when for when in air.cbch_busy if since <= when <= until]
        if busy:
            return f"{len(busy)} CBCH blocks in cell {cell.id}, the first after {busy[0] - since:.1f} s"
        if [s for s in air.segments if since <= s[0] <= until]:
            return f"an ETWS primary notification in cell {cell.id}"
        for name, times in (("BCCH", air.bcch),) + ((("CBCH", air.cbch),) if cell.cbch else ()):
            inside = [since] + [when for when in times if since <= when <= until] + [until]
            gap = max(later - earlier for earlier, later in zip(inside, inside[1:]))
            if gap > MAX_GAP_S:
                return f"no {name} of cell {cell.id} in the capture for {gap:.1f} s"
        return None

    def wait_silence(self, cell, since, seconds):
        """Wait until that many seconds after since are captured; raise if they were not silent."""
        until = since + seconds
        wait_for(f"the capture of cell {cell.id}", lambda: self.last_frame(cell) >= until,
                 max(0.0, until - time.time()) + 10, 0.5)
        reason = self.not_silent(cell, since, until)
        if reason:
            raise AssertionError(f"not silent: {reason}")
