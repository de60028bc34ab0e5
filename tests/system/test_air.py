# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an alert makes the cells broadcast: texts, emergencies, their end. Real osmo-bsc, real air."""

import time

import tap
from world import PERIOD_S, TAIL_S, RadioTest
from lab import cells, tools_missing

LATIN = ("Flood warning: the dam at {Upper Mill} may break within the hour. Leave the valley by the eastern road, "
         "take your neighbours along, and do not cross the old bridge. [Costs: 0 \u20ac] Next message at 18:00.\n"
         "\u00c4rzte, \u00e9t\u00e9, \u00d1and\u00f9 ~ end of message")
# Nothing beyond U+FFFF: tshark does not show surrogate pairs.
MIXED = "Воздушная тревога! Πλημμύρα στην κοιλάδα. 洪水警報:高台へ避難してください。 Уходите на высокое место."


class Air(RadioTest):
    CELLS = cells((100, 1001), (100, 1002), (200, 2001), (200, 2002), no_cbch=(2002,))
    ENDED = []                  # (alert, when the status said stopped)

    def test_gsm7(self):
        """a text of several GSM 7-bit pages is heard whole in its two cells and in no other"""
        alert = self.post(LATIN, [self.CELLS[0], self.CELLS[2]], keep=True)
        type(self).latin = alert
        self.assertGreaterEqual(alert.message["pages"], 3)
        self.assertIn(alert.message["dcs"], (0x01, 0x0f))
        self.wait_on_air(alert)

    def test_cancel(self):
        """a Cancel takes it off the air, and the status says so only when it is"""
        self.cancel(self.latin)
        self.ENDED.append((self.latin, self.wait_stopped(self.latin)))

    def test_ucs2(self):
        """Cyrillic, Greek and Japanese are heard as they were written"""
        alert = self.post(MIXED, [self.CELLS[1]], language="ru")
        self.assertIn(alert.message["dcs"], (0x48, 0x11))
        self.wait_on_air(alert)
        self.cancel(alert)
        self.ENDED.append((alert, self.wait_stopped(alert)))

    def test_etws(self):
        """an earthquake is heard as ETWS primary notification and as text, and both end with the Cancel"""
        cell = self.CELLS[0]
        alert = self.post("Earthquake. Drop, cover, hold on.", [cell], event="Earthquake")
        emergency = alert.answer["messages"][0]
        self.assertEqual(("emergency", 4352), (emergency["kind"], emergency["message_identifier"]))
        self.assertEqual(alert.message["message_identifier"], 4352)
        self.wait_heard(alert, [cell])
        self.wait_held(alert, [cell])
        self.wait_state(alert, [cell], "broadcasting", "taken")
        key = (4352, emergency["serial_number"])
        primary = self.lab.air.primaries(cell)[key]
        # Warning type: earthquake, with popup or emergency user alert as the profile has it.
        self.assertEqual(primary.warning_type >> 9, 0)
        self.assertLess(primary.times[0] - alert.accepted, 4)
        for other in self.CELLS[1:]:
            self.assertEqual(self.lab.air.primaries(other), {})
        self.cancel(alert)
        stopped = self.wait_stopped(alert)
        self.ENDED.append((alert, stopped))
        self.assertEqual(self.lab.air.primaries(cell, stopped + TAIL_S), {})

    def test_no_channel(self):
        """a cell without a broadcast channel is shown as refused, the others broadcast"""
        alert = self.post("Partly heard.", [self.CELLS[2], self.CELLS[3]])
        self.wait_on_air(alert, [self.CELLS[2]])
        self.wait_state(alert, [self.CELLS[3]], "refused")
        self.cancel(alert)
        self.ENDED.append((alert, self.wait_stopped(alert)))

    def test_two_at_once(self):
        """two alerts in one cell are both heard, and stopping one leaves the other"""
        cell = self.CELLS[1]
        first, second = self.post("The first of two.", [cell]), self.post("The second of two.", [cell])
        self.assertNotEqual(first.key, second.key)
        self.wait_on_air(first)
        self.wait_on_air(second)
        self.cancel(first)
        stopped = self.wait_stopped(first)
        self.ENDED.append((first, stopped))
        self.wait_on_air(second, since=stopped, timeout=PERIOD_S + 30)
        self.cancel(second)
        self.ENDED.append((second, self.wait_stopped(second)))

    def test_expiry(self):
        """an alert is on the air until it expires and not after"""
        life = 35
        alert = self.post("Short-lived.", [self.CELLS[0], self.CELLS[2]], life=life)
        self.wait_on_air(alert)
        self.assertLess(time.time(), alert.accepted + life - 5)
        stopped = self.wait_stopped(alert, timeout=life + 20)
        self.assertGreater(stopped, alert.accepted + life - 2)
        self.assertLess(stopped, alert.accepted + life + 10)
        self.ENDED.append((alert, stopped))

    def test_silence(self):
        """nothing that ended was heard again, and all cells are silent for two repetition periods"""
        last = max(stopped for _, stopped in self.ENDED) + TAIL_S
        for cell in self.CELLS:
            self.lab.air.wait_silence(cell, last, 2 * PERIOD_S)
        for alert, stopped in self.ENDED:
            self.assert_silent_since(alert, stopped)
        for cell in self.CELLS:
            self.assertEqual(self.lab.bsc.smscb(cell), [])


if __name__ == "__main__":
    tap.main(tools_missing())
