# SPDX-License-Identifier: AGPL-3.0-or-later
"""osmo-stp, osmo-hlr and osmo-msc of Debian: a core network that takes SMS over SMPP.

Its radio side is phones.py. It can share a namespace with osmo-bsc and tocsind.
"""

import atexit
import os
import re
import shutil
import subprocess
from dataclasses import dataclass

from netns import wait_for
from osmocom import Vty

SMPP = ("127.0.0.1", 2775)
MSC_VTY = ("127.0.0.1", 4254)
HLR_VTY = ("127.0.0.1", 4258)
STP_VTY = ("127.0.0.1", 4239)
M3UA = ("127.0.0.1", 2905)
POINT_CODE = (0, 23, 1)

_HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True)
class Esme:
    """An account of the SMSC. An account without a route prefix has the default route: receipts and
    alert notifications go there. lines: more of its configuration."""
    system_id: str
    password: str               # at most 8 characters; with more osmo-msc never answers the bind
    lines: tuple = ("deliver-src-imsi", "alert-notifications", "default-route")


@dataclass(frozen=True)
class Location:
    """Where the MSC believes a subscriber to be."""
    imsi: str
    msisdn: str
    lac: int
    ci: int


_LOG = """\
log stderr
 logging filter all 1
 logging color 0
 logging print category 1
 logging print category-hex 0
 logging print level 1
 logging timestamp 1
 logging level set-all notice
line vty
 no login
 bind 127.0.0.1
"""

_STP = _LOG + f"""\
cs7 instance 0
 xua rkm routing-key-allocation dynamic-permitted
 listen m3ua {M3UA[1]}
  accept-asp-connections dynamic-permitted
  local-ip {M3UA[0]}
"""

_HLR = _LOG + """\
ctrl
 bind 127.0.0.1
hlr
 store-imei
 gsup
  bind ip 127.0.0.1
  ipa-name HLR-LAB
"""

_MSC = _LOG + """\
ctrl
 bind 127.0.0.1
network
 network country code {mcc:03d}
 mobile network code {mnc:02d}
 encryption a5 0
 authentication optional
 rrlp mode none
 mm info 0
cs7 instance 0
 point-code {point_code}
msc
 mgw remote-ip 127.0.0.1
 mgw remote-port 2427
 assign-tmsi
{msc_lines}hlr
 remote-ip 127.0.0.1
 remote-port 4222
smpp
 local-tcp-ip {smpp[0]} {smpp[1]}
 system-id LAB-MSC
 policy closed
 no smpp-first
{esmes}smsc
 database {database}
"""


def tools_missing():
    """Why there cannot be a core network on this machine, or None; beside what lab.tools_missing() says."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool in ("ip", "nsenter", "setpriv", "gcc", "osmo-stp", "osmo-hlr", "osmo-msc"):
        if not shutil.which(tool):
            return f"{tool} is not installed (contrib/packages)"
    return None


def msc_config(database, plmn, esmes, msc_lines=(), smpp=SMPP):
    return _MSC.format(
        mcc=plmn[0], mnc=plmn[1], point_code=".".join(map(str, POINT_CODE)), smpp=smpp, database=database,
        msc_lines="".join(f" {line}\n" for line in msc_lines),
        esmes="".join(f" esme {esme.system_id}\n  password {esme.password}\n" +
                      "".join(f"  {line}\n" for line in esme.lines) for esme in esmes))


class _Element:
    """One of the programs: its configuration, its process and its VTY."""

    def __init__(self, namespace, folder, name, vty, config, env=None, options=()):
        self.name = name
        self.vty_address = vty
        self.config = os.path.join(folder, name + ".cfg")
        self._namespace = namespace
        self._log = os.path.join(folder, name + ".log")
        self._argv = [name, "-c", self.config, *options]
        self._env = env
        self._process = None
        with open(self.config, "w") as file:
            file.write(config)

    def start(self):
        self._process = self._namespace.start(self._argv, self._log, self._env)
        wait_for(f"the VTY of {self.name}", self._vty_or_dead, 15, 0.02)

    def _vty_or_dead(self):
        if not self.running():
            raise RuntimeError(f"{self.name} ended:\n" + self._process.log_tail())
        return self._namespace.listening(self.vty_address)

    def running(self):
        return self._process is not None and self._process.running()

    def stop(self):
        if self._process:
            self._process.stop()

    def kill(self):
        if self._process:
            self._process.kill()

    def vty(self, *commands):
        """Answers of the commands, joined."""
        session = Vty(self._namespace.connect(self.vty_address))
        try:
            return "\n".join(session.command(command) for command in commands)
        finally:
            session.close()


class CoreNetwork:
    """The three elements. Stopped by stop(); their files lie in folder, which is the caller's."""

    def __init__(self, namespace, folder, esmes, plmn=(1, 1), msc_lines=()):
        """msc_lines: more lines for node "msc" of the configuration."""
        self.plmn = plmn
        self.esmes = esmes
        self._namespace = namespace
        self._preload = os.path.join(folder, "sctp_over_tcp.so")
        tcp = {"LD_PRELOAD": self._preload}
        self.stp = _Element(namespace, folder, "osmo-stp", STP_VTY, _STP, tcp)
        self.hlr = _Element(namespace, folder, "osmo-hlr", HLR_VTY, _HLR,
                            options=["-l", os.path.join(folder, "hlr.db")])
        self.msc = _Element(namespace, folder, "osmo-msc", MSC_VTY,
                            msc_config(os.path.join(folder, "sms.db"), plmn, esmes, msc_lines), tcp)

    def start(self):
        """Until the MSC takes SMS and can reach the HLR and the signalling network."""
        # For those who do not come to stop(): a runner of tests that is interrupted.
        atexit.register(self.stop)
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", self._preload,
                        os.path.join(_HERE, "sctp_over_tcp.c")], check=True)
        self.stp.start()
        self.hlr.start()
        self.start_msc()

    def start_msc(self):
        """Also after msc.stop() or msc.kill(); what was in its SMS database is still there, but it knows
        no phone any more until that phone reports its location."""
        self.msc.start()
        wait_for("osmo-msc in the signalling network",
                 lambda: "ASP_ACTIVE" in self.msc.vty("show cs7 instance 0 asp"), 20, 0.02)
        wait_for("osmo-msc connected to the HLR",
                 lambda: "MSC-" in self.hlr.vty("enable", "show gsup-connections"), 20, 0.02)

    def stop(self):
        for element in (self.msc, self.hlr, self.stp):
            element.stop()
        atexit.unregister(self.stop)

    def subscribe(self, *subscribers):
        """Enter (IMSI, MSISDN) into the HLR."""
        commands = []
        for imsi, msisdn in subscribers:
            commands += [f"subscriber imsi {imsi} create", f"subscriber imsi {imsi} update msisdn {msisdn}"]
        answer = self.hlr.vty("enable", *commands)
        if answer.count("% Created subscriber") != len(subscribers):
            raise RuntimeError(answer)

    def locations(self):
        """{IMSI: Location} of the subscribers that the MSC believes to be attached, by its own word."""
        found, cache = {}, self.msc.vty("show subscriber cache")
        if "stopping here" in cache:
            raise RuntimeError("osmo-msc does not list more than 100 subscribers")
        for block in re.split(r"^ *Subscriber #", cache, flags=re.M)[1:]:
            imsi, msisdn = (re.search(rf"^ *{name}: (\d+)", block, re.M) for name in ("IMSI", "MSISDN"))
            cell = re.search(r"^ *LAC / cell ID: (\d+) / (\d+)", block, re.M)
            if imsi and cell and re.search(r"IMSI detached: *false", block):
                found[imsi[1]] = Location(imsi[1], msisdn[1] if msisdn else "", int(cell[1]), int(cell[2]))
        return found
