# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two witnesses of short messages: the phones in the network of the real osmo-msc, and our status."""

import unittest

import world
import msc
import tocsind
from lab import end_on_signals
from netns import wait_for
from sms import SENDER_ID, SmsNetwork, cell_id

# Two location areas with two cells each, ten kilometres from each other.
PLACES = {(100, 1001): (50.0, 10.0), (100, 1002): (50.1, 10.0), (200, 2001): (50.2, 10.0), (200, 2002): (50.3, 10.0)}
BSC_DOWN = tocsind.listening_peer("bsc-1")


def cells(peer_of=lambda place: "bsc-1"):
    """Rows of the cell table."""
    return [(cell_id(*place), peer_of(place), *where, 1500) for place, where in PLACES.items()]


class SmsAlert:
    """An alert that was accepted, and what the 202 said of it."""

    def __init__(self, answer, text, identifier, sent):
        self.id = answer["id"]
        self.answer = answer
        self.asked = text
        self.identifier = identifier
        self.sent = sent

    @property
    def short(self):
        """Its short message."""
        return self.answer["messages"][-1]


@unittest.skipIf(msc.tools_missing(), msc.tools_missing())
class SmsTest(unittest.TestCase):
    """A core network for all tests of a class; each configures and starts tocsind as it needs it."""

    @classmethod
    def setUpClass(cls):
        end_on_signals()
        cls.network = SmsNetwork(world.BINARY)
        cls.addClassCleanup(cls.network.close)
        cls.network.__enter__()
        cls.network.start()
        cls.phones = cls.network.phones
        cls.daemon = cls.network.daemon

    def explain(self):
        """For a failure."""
        text = self.network.logs(40)
        for phone in self.phones.phones.values():
            text += f"{phone}: {phone.mode}, {[sms.text for sms in phone.sms]}, refused {len(phone.refused)}\n"
        try:
            text += f"peers: {self.daemon.get('/v1/peers')}\nrecipients: {self.daemon.get('/v1/recipients')}\n"
            for alert in self.daemon.get("/v1/alerts")["alerts"]:
                text += f"alert: {alert}\n"
                text += "".join(f"  {row}\n" for row in self.daemon.targets(alert["id"], "recipients"))
        except (OSError, RuntimeError, ValueError) as error:
            text += f"no status: {error}\n"
        return text

    # What the originator does.

    def post(self, text, places=((100, 1001),), **more):
        identifier, sent = tocsind.new_identifier(), tocsind.cap_time()
        areas = [(*PLACES[place], 0.5) for place in places]
        answer = self.daemon.post(tocsind.cap_alert(text, areas, identifier, sent=sent, **more))
        self.assertEqual(answer.status, 202, answer.body)
        self.assertEqual(answer.json["cells"], len(places))
        return SmsAlert(answer.json, text, identifier, sent)

    def cancel(self, alert):
        answer = self.daemon.post(tocsind.cap_cancel(alert.identifier, alert.sent))
        self.assertEqual(answer.status, 202, answer.body)
        self.assertEqual(answer.json["cancels"], [alert.id])
        return SmsAlert(answer.json, None, alert.identifier, alert.sent)

    # Our status.

    def states(self, alert):
        """{IMSI: state}."""
        return {imsi: row["state"] for imsi, row in self.daemon.recipients(alert.id).items()}

    def wait_states(self, alert, wanted, timeout=60):
        """Until the list of recipients is these, {phone: state}; then the counts say the same."""
        wanted = {phone.imsi: state for phone, state in wanted.items()}
        try:
            wait_for("", lambda: self.states(alert) == wanted, timeout, 0.2)
        except TimeoutError:
            self.fail(f"the status is {self.states(alert)}, not {wanted}")
        self.assert_counts(alert, wanted.values())

    def assert_counts(self, alert, states):
        counts = self.daemon.alert(alert.id)["recipients"]
        self.assertEqual(counts["count"], len(states))
        self.assertEqual({state: n for state, n in counts["states"].items() if n},
                         {state: list(states).count(state) for state in states})

    # The phones.

    def assert_got(self, alert, phones, text=None):
        """These phones have the text of the alert's short message once, whole, from the sender; no other has it."""
        text = alert.short["text"] if text is None else text
        for phone in self.phones.phones.values():
            found = [sms for sms in phone.sms if sms.text == text]
            self.assertEqual(len(found), int(phone in phones), phone)
            for sms in found:
                self.assertEqual((sms.sender, sms.parts), (SENDER_ID, alert.short["parts"]))
        self.assertEqual(self.phones.faults, [])
