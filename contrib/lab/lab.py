# SPDX-License-Identifier: AGPL-3.0-or-later
"""A radio network of our own: osmo-bsc, virtual base stations and a receiver in a namespace.

    with Lab(cells((100, 1001), (200, 2001))) as lab:
        lab.start()
        ... lab.air.broadcasts(lab.cells[0]) ...

Everything is gone when the block is left, also after SIGINT, SIGTERM or an exception.
"""

import atexit
import os
import shutil
import signal
import tempfile

from air import Air
from netns import Namespace, wait_for
from osmocom import Bsc, Bts, cells

__all__ = ["Lab", "cells", "end_on_signals", "tools_missing", "wait_for"]

# As OsmoBSC names the ends: "client" connects to the cell broadcast centre, "server" waits for it.
CBC_CLIENT = ("client", "127.0.0.1", 48049)
CBC_SERVER = ("server", "127.0.0.1", 48050)


def tools_missing():
    """Why there cannot be a lab on this machine, or None."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool in ("ip", "nsenter", "setpriv", "iptables", "osmo-bsc", "osmo-bts-virtual", "dumpcap", "tshark"):
        if not shutil.which(tool):
            return f"{tool} is not installed (contrib/packages)"
    return None


class Ended(KeyboardInterrupt):
    """SIGINT, SIGTERM or SIGHUP: nothing on the way out takes it for an error of its own."""


def end_on_signals():
    """Let these signals unwind the program, so that all is cleaned up; also where SIGINT was ignored."""
    def end(signum, _frame):
        raise Ended(signum)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, end)


class Lab:
    def __init__(self, cells, cbc=CBC_CLIENT):
        self.cells = cells
        self.cbc = cbc
        self.namespace = None
        self.folder = None
        self.bsc = None
        self.bts = {}
        self.air = None
        self._processes = []

    def __enter__(self):
        # For those who do not come to __exit__: a runner of tests that is interrupted.
        atexit.register(self.close)
        try:
            self.namespace = Namespace()
            self.folder = tempfile.mkdtemp(prefix=self.namespace.name + ".")
            self.air = Air(self.namespace, self.folder, self.cells)
            self.bsc = Bsc(self.namespace, self.folder, self.cells, self.cbc)
            self.bts = {cell: Bts(self.namespace, self.folder, cell) for cell in self.cells}
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def start(self, cells=None):
        """Start capture, BSC and base stations, and wait until the air is full of them.

        cells: those whose base stations start now; all by default."""
        self.air.start()
        self.bsc.start()
        cells = self.cells if cells is None else cells
        for cell in cells:
            self.bts[cell].start()
        for cell in cells:
            self.wait_on_air(cell)

    def wait_on_air(self, cell, since=0.0, timeout=30):
        wait_for(f"cell {cell.id} on air",
                 lambda: self.air.last_frame(cell) > since and self.bsc.bts_up(cell), timeout)

    def run(self, argv, name, env=None):
        """Start one more program in the namespace; it ends with the lab."""
        process = self.namespace.start(argv, self.log(name), env)
        self._processes.append(process)
        return process

    def log(self, name):
        return os.path.join(self.folder, name + ".log")

    def logs(self, lines=20):
        """The ends of all logs, for a failure."""
        text = ""
        for name in sorted(os.listdir(self.folder)) if self.folder else ():
            if name.endswith(".log"):
                with open(os.path.join(self.folder, name), errors="replace") as file:
                    text += f"--- {name}\n" + "".join(file.readlines()[-lines:])
        return text

    def close(self):
        """End every process and remove namespace and files. Not to be disturbed by a second Ctrl-C."""
        ignored = [(s, signal.signal(s, signal.SIG_IGN)) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        try:
            self._close()
        finally:
            for signum, handler in ignored:
                signal.signal(signum, handler)

    def _close(self):
        for process in self._processes:
            process.stop()
        for bts in self.bts.values():
            bts.kill()
        if self.bsc:
            self.bsc.stop()
        if self.air:
            self.air.stop()
        if self.namespace:
            self.namespace.remove()
            self.namespace = None
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
        atexit.unregister(self.close)
