# SPDX-License-Identifier: AGPL-3.0-or-later
"""tocsind connects to the BSC, from a fixed port: the other role of CBSP."""

import time

import tap
from world import PERIOD_S, RadioTest
from lab import CBC_SERVER, cells, tools_missing, wait_for
from tocsind import connecting_peer


class Connecting(RadioTest):
    CELLS = cells((100, 1001), (200, 2001))
    CBC = CBC_SERVER
    PEER = connecting_peer("bsc-1", port=CBC_SERVER[2])

    def test_alert(self):
        """an alert is heard in its cell only, in the connecting role too"""
        alert = self.post("Heard through a connection that we made.", [self.CELLS[1]], keep=True)
        type(self).alert = alert
        self.wait_on_air(alert)
        self.assertEqual(self.lab.bsc.smscb(self.CELLS[0]), [])

    def test_bsc_restart(self):
        """we connect again to a BSC that was restarted and write what it lost"""
        self.lab.bsc.kill()
        killed = time.time()
        self.lab.bsc.start()
        for cell in self.CELLS:
            self.lab.wait_on_air(cell, killed)
        self.wait_link("up")
        self.wait_on_air(self.alert, since=time.time(), timeout=2 * PERIOD_S + 45)

    def test_half_open(self):
        """a BSC that holds on to a dead connection is reached again, since our port stays the same"""
        self.lab.namespace.few_orphan_retries()
        self.lab.namespace.cut(CBC_SERVER[2])
        try:
            # Nothing of its end reaches the BSC, which refuses every second connection.
            self.daemon.kill()
            wait_for("our end of the connection gone",
                     lambda: not self.lab.namespace.connections_to(CBC_SERVER[2]), 30)
        finally:
            self.lab.namespace.heal(CBC_SERVER[2])
        self.assertTrue(self.lab.bsc.cbc_connected())
        killed = time.time()
        self.daemon.start()
        self.wait_link("up", timeout=60)
        self.wait_on_air(self.alert, since=killed, timeout=2 * PERIOD_S + 30)

    def test_cancel(self):
        """the Cancel is heard as silence"""
        self.cancel(self.alert)
        stopped = self.wait_stopped(self.alert)
        for cell in self.CELLS:
            self.lab.air.wait_silence(cell, stopped + 8, 2 * PERIOD_S)


if __name__ == "__main__":
    tap.main(tools_missing())
