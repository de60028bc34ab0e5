# SPDX-License-Identifier: AGPL-3.0-or-later
"""Three witnesses of one network: the air, the BSC's own word, and our status. The tests make them agree."""

import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("SRCDIR", os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "contrib", "lab"))

import tocsind  # noqa: E402
from air import PERIOD_UNIT_S  # noqa: E402
from lab import CBC_CLIENT, Lab, end_on_signals  # noqa: E402
from netns import wait_for  # noqa: E402

BINARY = os.path.abspath(os.environ.get("TOCSIND", os.path.join(os.environ.get("BUILDDIR", "."), "tocsind")))
PERIOD_S = 15 * PERIOD_UNIT_S
# osmo-bts has at most this much in hand when a message is stopped.
TAIL_S = 4 * PERIOD_UNIT_S
ETWS_RULE = ('rule 10 status actual severity any urgency any certainty any event earthquake'
             " message-identifier 4352 etws earthquake")


def place(cell):
    """Every cell is more than ten kilometres from the next."""
    return 50.0 + 0.1 * cell.nr, 10.0


class Alert:
    """An alert that was accepted, and what the 202 said of it."""

    def __init__(self, answer, cells, text, identifier, sent):
        self.id = answer["id"]
        self.answer = answer
        self.cells = cells
        self.asked = text
        self.identifier = identifier
        self.sent = sent
        self.accepted = time.time()

    @property
    def message(self):
        """The message with the text; an emergency notification is another one before it."""
        return self.answer["messages"][-1]

    @property
    def key(self):
        return self.message["message_identifier"], self.message["serial_number"]


class RadioTest(unittest.TestCase):
    """A lab and a tocsind for all tests of a class."""
    CELLS = ()
    CBC = CBC_CLIENT
    PEER = tocsind.listening_peer("bsc-1")
    START = True            # start everything before the first test
    PROFILE = (ETWS_RULE,)

    @classmethod
    def setUpClass(cls):
        end_on_signals()
        cls.cancelled = []
        cls.lab = Lab(cls.CELLS, cls.CBC)
        cls.addClassCleanup(cls.lab.close)
        cls.lab.__enter__()
        cls.daemon = tocsind.Tocsind(cls.lab.namespace, cls.lab.folder, BINARY)
        cls.addClassCleanup(cls.daemon.stop)
        cls.daemon.configure([(cell.id, "bsc-1", *place(cell), 1500) for cell in cls.CELLS], [cls.PEER],
                             profile=cls.PROFILE)
        if cls.START:
            cls.daemon.start()
            cls.lab.start()
            cls.wait_link("up")

    def explain(self):
        """For a failure."""
        text = self.lab.logs(40)
        try:
            text += f"peers: {self.daemon.get('/v1/peers')}\n"
            for alert in self.daemon.get("/v1/alerts")["alerts"]:
                text += f"alert: {alert}\n" + "".join(f"  {row}\n" for row in self.daemon.targets(alert["id"]))
        except (OSError, RuntimeError, ValueError) as error:
            text += f"no status: {error}\n"
        if self.lab.bsc.running():
            for cell in self.CELLS:
                text += f"bsc holds for {cell.id}: {self.lab.bsc.smscb(cell)}\n"
        for cell in self.CELLS:
            for key, heard in self.lab.air.broadcasts(cell).items():
                text += (f"heard in {cell.id}: {key}, {len(heard.pages)} pages,"
                         f" {heard.first - time.time():.1f} to {heard.last - time.time():.1f} s\n")
        return text

    @classmethod
    def wait_link(cls, state, timeout=60):
        return wait_for(f"the link {state}", lambda: cls.daemon.peer_state("bsc-1") == state, timeout)

    # What the originator does.

    def post(self, text, cells, keep=False, **more):
        """keep: it stays for the next test; otherwise it is cancelled when this one fails early."""
        identifier, sent = tocsind.new_identifier(), tocsind.cap_time()
        areas = [(*place(cell), 0.5) for cell in cells]
        answer = self.daemon.post(tocsind.cap_alert(text, areas, identifier, sent=sent, **more))
        self.assertEqual(answer.status, 202, answer.body)
        alert = Alert(answer.json, list(cells), text, identifier, sent)
        if not keep:
            self.addCleanup(self.cancel_left, alert)
        self.assertEqual(alert.answer["cells"], len(cells))
        self.assertEqual(alert.message["text"], text)
        self.assertFalse(alert.message["cut"])
        return alert

    def cancel(self, alert):
        answer = self.daemon.post(tocsind.cap_cancel(alert.identifier, alert.sent))
        self.assertEqual(answer.status, 202, answer.body)
        self.assertEqual(answer.json["cancels"], [alert.id])
        self.cancelled.append(alert)

    def cancel_left(self, alert):
        if alert in self.cancelled or self.daemon.alert(alert.id)["ended"]:
            return
        self.cancel(alert)

    # Our status.

    def states(self, alert):
        """{cell id: set of the states of its messages}."""
        states = {}
        for row in self.daemon.targets(alert.id):
            states.setdefault(row["id"], set()).add(row["state"])
        return states


    def wait_state(self, alert, cells, *wanted, timeout=60):
        """Until each message of the alert is in one of the states wanted, in each of the cells."""
        try:
            wait_for("", lambda: all(self.states(alert).get(cell.id, {None}) <= set(wanted) for cell in cells),
                     timeout, 0.5)
        except TimeoutError:
            self.fail(f"status {self.states(alert)}, wanted {wanted} in {[cell.id for cell in cells]}")

    # The BSC's word.

    def wait_held(self, alert, cells, timeout=30):
        def held(cell):
            return any((m.message_identifier, m.serial_number) == alert.key and
                       m.pages == alert.message["pages"] and m.dcs == alert.message["dcs"]
                       for m in self.lab.bsc.smscb(cell))
        wait_for("osmo-bsc to hold the message", lambda: all(held(cell) for cell in cells), timeout)

    def wait_not_held(self, alert, timeout=30):
        wait_for("osmo-bsc to forget the message",
                 lambda: not any((m.message_identifier, m.serial_number) == alert.key
                                 for cell in self.CELLS for m in self.lab.bsc.smscb(cell)), timeout)

    # The air.

    def wait_heard(self, alert, cells, since=None, timeout=60):
        """Until the whole text was heard in each of the cells, all its pages after since."""
        since = alert.accepted if since is None else since

        def heard(cell):
            broadcast = self.lab.air.broadcasts(cell, since).get(alert.key)
            if broadcast is None:
                return False
            self.assertIsNone(broadcast.problem())
            text = broadcast.text()
            self.assertIn(text, (None, alert.asked))
            return text is not None
        wait_for(f"the text on the air of {[cell.id for cell in cells]}",
                 lambda: all(heard(cell) for cell in cells), timeout, 0.5)

    def assert_only_in(self, alert, cells):
        """No other cell ever broadcast a page of it."""
        for cell in self.CELLS:
            if cell not in cells:
                self.assertNotIn(alert.key, self.lab.air.broadcasts(cell), cell.id)

    # All three.

    def wait_on_air(self, alert, cells=None, timeout=60, since=None):
        cells = alert.cells if cells is None else cells
        self.wait_heard(alert, cells, since, timeout)
        self.wait_held(alert, cells)
        self.wait_state(alert, cells, "broadcasting", timeout=timeout)
        self.assert_only_in(alert, alert.cells)

    def wait_stopped(self, alert, timeout=60):
        """Returns when the status says that it is off the air; from then on it has to be."""
        self.wait_state(alert, alert.cells, "stopped", timeout=timeout)
        stopped = time.time()
        for cell in self.CELLS:
            self.assertNotIn(alert.key, [(m.message_identifier, m.serial_number) for m in self.lab.bsc.smscb(cell)])
        return stopped

    def assert_silent_since(self, alert, stopped):
        """From then to now no page of it, while its cells were heard."""
        now = min(self.lab.air.last_frame(cell) for cell in alert.cells)
        self.assertGreater(now, stopped + TAIL_S)
        for cell in alert.cells:
            self.assertNotIn(alert.key, self.lab.air.broadcasts(cell, stopped + TAIL_S), cell.id)
