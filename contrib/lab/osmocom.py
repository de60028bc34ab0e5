# SPDX-License-Identifier: AGPL-3.0-or-later
"""osmo-bsc and osmo-bts-virtual of Debian: configuration, life, and the BSC's own opinion."""

import os
import re
import signal
import socket
from dataclasses import dataclass

from netns import Keeper, wait_for

BSC_VTY = ("127.0.0.1", 4242)


@dataclass(frozen=True)
class Cell:
    """One BTS with one transceiver."""
    nr: int                 # BTS number in the BSC, from 0
    lac: int
    ci: int
    arfcn: int
    cbch: bool = True       # False: the cell has no cell broadcast channel
    plmn: tuple = (1, 1)

    @property
    def id(self):
        """As tocsind writes it."""
        return f"{self.plmn[0]:03d}-{self.plmn[1]:02d}-{self.lac}-{self.ci}"


def cells(*lac_ci, no_cbch=()):
    """Cells numbered in the order given; ARFCNs of DCS 1800, well apart."""
    return [Cell(nr, lac, ci, 871 + 2 * nr, ci not in no_cbch) for nr, (lac, ci) in enumerate(lac_ci)]


_LOG = """\
log stderr
 logging filter all 1
 logging color 0
 logging print category 1
 logging print category-hex 0
 logging print level 1
 logging timestamp 1
 logging level set-all notice
{more}line vty
 no login
 bind {vty}
ctrl
 bind {ctrl}
e1_input
 e1_line 0 driver ipa
"""

# The CBCH has to share the SDCCH/4 of timeslot 0: with a CBCH in an SDCCH/8 this osmo-bsc
# addresses the wrong channel and the cell stays silent.
_BSC_BTS = """\
 bts {cell.nr}
  type osmo-bts
  band DCS1800
  cell_identity {cell.ci}
  location_area_code {cell.lac}
  base_station_id_code {bsic}
  ms max power 15
  radio-link-timeout 32
  channel allocator ascending
  rach tx integer 9
  rach max transmission 7
  channel-description attach 1
  channel-description bs-pa-mfrms 5
  channel-description bs-ag-blks-res 1
  ipa unit-id {unit} 0
  oml ipa stream-id 255 line 0
  codec-support fr
  gprs mode none
  trx 0
   rf_locked 0
   arfcn {cell.arfcn}
   nominal power 23
   max_power_red 20
   rsl e1 tei 0
   timeslot 0
    phys_chan_config {combination}
    hopping enabled 0
"""

_BSC_IDLE_SLOT = """\
   timeslot {slot}
    phys_chan_config TCH/F
    hopping enabled 0
"""


def _unit_id(cell):
    return 6901 + cell.nr


def bsc_config(cells, cbc):
    """Text of osmo-bsc.cfg. cbc: ("client", address, port) or ("server", address, port)."""
    text = _LOG.format(vty="127.0.0.1 4242", ctrl="127.0.0.1", more=" logging level cbs info\n logging level nm fatal\n")
    text += " ipa bind 127.0.0.1\ncs7 instance 0\n point-code 0.23.3\nnetwork\n"
    text += " network country code {:03d}\n mobile network code {:02d}\n".format(*cells[0].plmn)
    text += " encryption a5 0\n neci 1\n paging any use tch 0\n handover 0\n timer net T3212 5\n"
    for cell in cells:
        text += _BSC_BTS.format(cell=cell, bsic=cell.nr + 1, unit=_unit_id(cell),
                                combination="CCCH+SDCCH4+CBCH" if cell.cbch else "CCCH+SDCCH4")
        text += "".join(_BSC_IDLE_SLOT.format(slot=slot) for slot in range(1, 8))
    text += "msc 0\n mgw remote-ip 127.0.0.1\n mgw remote-port 2427\nbsc\n mid-call-timeout 0\n"
    mode, address, port = cbc
    side = "remote" if mode == "client" else "local"
    return text + f"cbc\n mode {mode}\n {mode}\n  {side}-ip {address}\n  {side}-port {port}\n"


def bts_config(cell, pcu_socket):
    # The VTY port of osmo-bts cannot be chosen, so each one has its own loopback address.
    own = f"127.0.0.{11 + cell.nr}"
    return _LOG.format(vty=own, ctrl=own, more="") + f"""\
 e1_line 0 port 0
phy 0
 virtual-um net-device lo
 virtual-um ttl 0
 virtual-um ms-multicast-group 239.193.23.{11 + cell.nr}
 virtual-um bts-multicast-group 239.193.23.{111 + cell.nr}
 instance 0
bts 0
 band DCS1800
 ipa unit-id {_unit_id(cell)} 0
 oml remote-ip 127.0.0.1
 rtp jitter-buffer 100
 pcu-socket {pcu_socket}
 trx 0
  phy 0 instance 0
"""


class Vty:
    """A session with the VTY of an Osmocom program (telnet without its negotiation)."""
    _NEGOTIATION = re.compile(rb"\xff[\xfb-\xfe].", re.S)
    _PROMPT = re.compile(rb"(?:^|[\r\n])[\w.-]+(?:\([\w-]+\))?[>#] $")

    def __init__(self, sock):
        self._sock = sock
        self._read()
        self.command("terminal length 0")

    def _read(self):
        data = b""
        while not self._PROMPT.search(data):
            more = self._sock.recv(65536)
            if not more:
                raise EOFError("the VTY was closed")
            data = self._NEGOTIATION.sub(b"", data + more)
        return data.decode(errors="replace").replace("\r", "")

    def command(self, text):
        """Answer without the echo and the prompt."""
        self._sock.sendall(text.encode() + b"\r")
        return "\n".join(self._read().split("\n")[1:-1])

    def close(self):
        self._sock.close()


@dataclass(frozen=True)
class HeldMessage:
    """A line of "show bts N smscb": a text that the BSC holds for a cell. Emergencies are not listed."""
    message_identifier: int
    serial_number: int
    pages: int
    period: int
    sent: int
    requested: int
    dcs: int


class Bsc:
    def __init__(self, namespace, folder, cells, cbc):
        self.namespace = namespace
        self.cells = cells
        self._config = os.path.join(folder, "osmo-bsc.cfg")
        self._log = os.path.join(folder, "osmo-bsc.log")
        self._folder = folder
        self._process = None
        self.set_cbc(cbc)

    def set_cbc(self, cbc):
        """Takes effect at the next start."""
        with open(self._config, "w") as file:
            file.write(bsc_config(self.cells, cbc))

    def start(self):
        self._process = self.namespace.start(["osmo-bsc", "-c", self._config], self._log)
        wait_for("the VTY of osmo-bsc", self._vty_or_dead, 15)

    def _vty_or_dead(self):
        if not self._process.running():
            raise RuntimeError("osmo-bsc ended:\n" + self._process.log_tail())
        return self.namespace.listening(BSC_VTY)

    def stop(self):
        if self._process:
            self._process.stop()

    def kill(self):
        self._process.kill()

    def running(self):
        return self._process is not None and self._process.running()

    def vty(self, *commands):
        """Answers of the commands, joined."""
        session = Vty(self.namespace.connect(BSC_VTY))
        try:
            return "\n".join(session.command(command) for command in commands)
        finally:
            session.close()

    def cbc_connected(self):
        return "Connection: (r=" in self.vty("show cbc")

    def bts_up(self, cell):
        return "OML Link state: connected" in self.vty(f"show bts {cell.nr}")

    def smscb(self, cell):
        """Messages that the BSC holds for the cell, by its own word."""
        held = []
        for line in self.vty(f"show bts {cell.nr} smscb").split("\n"):
            # MsgId | SerNo | Pg | Category | Perd | #Tx | #Req | DCS
            columns = [column.strip() for column in line.split("|")]
            if len(columns) == 8 and re.fullmatch("[0-9a-fA-F]{4}", columns[0]):
                identifier, serial, pages, _, period, sent, requested, dcs = columns
                held.append(HeldMessage(int(identifier, 16), int(serial, 16), int(pages), int(period),
                                        int(sent), int(requested), int(dcs, 16)))
        return held


class Bts:
    """osmo-bts-virtual ends with its BSC, so it is kept running."""

    def __init__(self, namespace, folder, cell):
        self.cell = cell
        self.namespace = namespace
        self._config = os.path.join(folder, f"osmo-bts-{cell.nr}.cfg")
        self._log = os.path.join(folder, f"osmo-bts-{cell.nr}.log")
        self._keeper = None
        with open(self._config, "w") as file:
            # Not in /tmp, where it is left behind and is the same for all.
            file.write(bts_config(cell, os.path.join(folder, f"pcu-{cell.nr}")))

    def _start_one(self):
        return self.namespace.start(["osmo-bts-virtual", "-c", self._config], self._log)

    def start(self):
        self._keeper = Keeper(self._start_one)

    def stop(self, signum=signal.SIGTERM):
        if self._keeper:
            self._keeper.stop(signum)
            self._keeper = None

    def kill(self):
        self.stop(signal.SIGKILL)
