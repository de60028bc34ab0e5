# SPDX-License-Identifier: AGPL-3.0-or-later
"""Everything may fail while an alert is on the air: BSC, base station, line, tocsind itself."""

import time

import tap
from world import PERIOD_S, TAIL_S, RadioTest
from lab import CBC_CLIENT, cells, tools_missing, wait_for

CBSP_PORT = CBC_CLIENT[2]


class Outage(RadioTest):
    CELLS = cells((100, 1001), (200, 2001))
    START = False

    def test_late_peer(self):
        """an alert for a peer that is down waits visibly and is heard when the peer comes"""
        self.daemon.start()
        alert = self.post("Late, but heard in all cells that it is meant for, with more than one page of text to it.",
                          self.CELLS, keep=True)
        type(self).alert = alert
        wait_for("the alert to wait for the link", lambda: all(
            (row["state"], row["waits_for"]) == ("queued", "link") for row in self.daemon.targets(alert.id)), 10)
        self.lab.start()
        self.wait_link("up")
        self.wait_on_air(alert)

    def test_bsc_restart(self):
        """a BSC that lost everything in a restart gets the alert again, under the same serial number"""
        self.lab.bsc.kill()
        killed = time.time()
        self.wait_link("down", timeout=30)
        # Evidence reaches the store, and with it the status, a moment after the link's state.
        self.wait_state(self.alert, self.CELLS, "unknown", timeout=5)
        self.lab.bsc.start()
        for cell in self.CELLS:
            self.lab.wait_on_air(cell, killed)
        self.wait_link("up")
        self.wait_on_air(self.alert, since=time.time(), timeout=2 * PERIOD_S + 30)

    def test_bts_down(self):
        """a dead base station shows in the status of its cell alone, and ends with its return"""
        dead, alive = self.CELLS
        self.lab.bts[dead].kill()
        killed = time.time()
        self.wait_state(self.alert, [dead], "failed", "unknown", timeout=30)
        self.assertEqual(self.states(self.alert)[alive.id], {"broadcasting"})
        self.wait_heard(self.alert, [alive], since=killed, timeout=PERIOD_S + 30)
        self.lab.bts[dead].start()
        self.lab.wait_on_air(dead, time.time())
        self.wait_on_air(self.alert, since=time.time(), timeout=2 * PERIOD_S + 45)

    def test_tocsind_killed(self):
        """kill -9 of tocsind does not disturb the air; started again, it knows and says what is on it"""
        self.daemon.kill()
        killed = time.time()
        self.daemon.start()
        self.assertEqual(self.daemon.alert(self.alert.id)["messages"][0]["serial_number"], self.alert.key[1])
        self.wait_link("up")
        self.wait_on_air(self.alert, since=killed, timeout=2 * PERIOD_S + 30)
        for cell in self.CELLS:
            self.assertEqual(set(self.lab.air.broadcasts(cell)), {self.alert.key})

    def test_line_cut(self):
        """a line that is cut without a word makes the status doubt, and heals by itself"""
        self.lab.namespace.cut(CBSP_PORT)
        try:
            self.wait_link("down", timeout=120)
            self.wait_state(self.alert, self.CELLS, "unknown", timeout=5)
        finally:
            self.lab.namespace.heal(CBSP_PORT)
        healed = time.time()
        self.wait_link("up", timeout=120)
        self.wait_on_air(self.alert, since=healed, timeout=2 * PERIOD_S + 30)

    def test_cancel_while_cut(self):
        """a Cancel during a cut is carried out when the line is back, and never shown as done before"""
        self.lab.namespace.cut(CBSP_PORT)
        try:
            self.cancel(self.alert)
            cut_until = time.time() + 5
            while time.time() < cut_until:
                self.assertNotIn("stopped", set().union(*self.states(self.alert).values()))
                time.sleep(0.5)
            for cell in self.CELLS:
                self.assertTrue(self.lab.bsc.smscb(cell))
        finally:
            self.lab.namespace.heal(CBSP_PORT)
        stopped = self.wait_stopped(self.alert, timeout=180)
        for cell in self.CELLS:
            self.lab.air.wait_silence(cell, stopped + TAIL_S, 2 * PERIOD_S)
            self.assertEqual(self.lab.bsc.smscb(cell), [])


if __name__ == "__main__":
    tap.main(tools_missing())
