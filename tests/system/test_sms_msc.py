# SPDX-License-Identifier: AGPL-3.0-or-later
"""Short messages through the real osmo-msc to phones in two location areas."""

import world  # noqa: F401  (finds the modules of contrib/lab)
import phones
import sms_world
import tap
from netns import wait_for
from sms import SENDER_ID
from sms_world import PLACES
from tocsind import sms_rules

GSM = "Flood at the old bridge. Go to higher ground: {now} [~1 m/h] ^\\|€"
UCS2 = "Überschwemmung! Наводнение 洪水 🌊"
LONG = ("The river has broken its banks at the old bridge. " * 9)[:400].strip()


class ThroughMsc(sms_world.SmsTest):
    """Everybody is known by the MSC's word; all that are in a cell of an alert are told at once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.near, cls.beside, cls.other, cls.far = cls.everybody = cls.network.add_phones(*PLACES)
        cls.phones.attach(*cls.everybody)
        cls.network.configure(sms_world.cells(), more=[sms_world.BSC_DOWN],
                              sms=sms_rules(SENDER_ID, ["class severe always entering", "max-parts 6"]))
        cls.daemon.start()
        cls.network.wait_centre()
        wait_for("the list of recipients", lambda: cls.network.source()["recipients"] == len(cls.everybody), 30)

    def arrives(self, text, parts, alphabet, places, wanted, language="en"):
        alert = self.post(text, places, language=language)
        self.assertEqual((alert.short["parts"], alert.short["alphabet"], alert.short["cut"]), (parts, alphabet, False))
        self.assertEqual(alert.short["text"], text)
        self.wait_states(alert, {phone: "delivered" for phone in wanted})
        self.assert_got(alert, wanted)
        return alert

    def test_gsm7(self):
        """a text in the GSM alphabet arrives in its cell, not in the next cell of the same location area"""
        alert = self.arrives(GSM, 1, "gsm7", [(100, 1001)], [self.near])
        self.assertIn(self.near.sms[-1].pid, range(0x41, 0x48))
        self.cancel(alert)

    def test_ucs2(self):
        """a text in three scripts arrives in two location areas"""
        self.arrives(UCS2, 1, "ucs2", [(100, 1001), (200, 2001)], [self.near, self.other])

    def test_three_parts(self):
        """a text of three parts arrives whole"""
        self.arrives(LONG, 3, "gsm7", [(100, 1002)], [self.beside])
        parts = self.beside.parts[-3:]
        self.assertEqual([part.deliver.sender for part in parts], [SENDER_ID] * 3)
        self.assertEqual(len({part.deliver.concatenation.reference for part in parts}), 1)

    def test_three_parts_ucs2(self):
        """a text of three parts with characters outside the basic plane arrives whole"""
        self.arrives(UCS2 * 6, 3, "ucs2", [(200, 2002)], [self.far])

    def test_moves_in(self):
        """a phone that moves into the area is told, and one that leaves it keeps what it has"""
        alert = self.post("Stay in the house.", [(100, 1001)])
        self.wait_states(alert, {self.near: "delivered"})
        self.phones.move(self.near, 200, 2002)
        self.phones.move(self.far, 100, 1001)
        self.wait_states(alert, {self.near: "delivered", self.far: "delivered"})
        self.assert_got(alert, [self.near, self.far])
        self.phones.move(self.near, 100, 1001)
        self.phones.move(self.far, 200, 2002)


class Senders(sms_world.SmsTest):
    """Sender ids of every kind, each by a tocsind of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.phone, = cls.network.add_phones((100, 1001))
        cls.phones.attach(cls.phone)
        cls.network.write_recipients([cls.phone])

    def test_senders(self):
        """a sender id reaches the phone as it is configured: names, a number, a short code"""
        # OsmoMSC gives the length of a name in whole octets (3GPP TS 23.040, 9.1.2.5, has it in semi-octets
        # without fill bits), so that a name of seven characters has an eighth on the phone.
        for sender, shown in (("Civil Prot.", "Civil Prot."), ("Warning", "Warning@"), ("W-1", "W-1"),
                              ("+4930123456", "+4930123456"), ("12345", "12345")):
            with self.subTest(sender):
                self.addCleanup(self.daemon.stop)
                self.network.configure(sms_world.cells(), more=[sms_world.BSC_DOWN], recipients="file",
                                       sms=sms_rules(sender, ["class severe always"]))
                self.daemon.start()
                alert = self.post(f"From {sender}.")
                self.wait_states(alert, {self.phone: "delivered"})
                self.assertEqual((self.phone.sms[-1].sender, self.phone.sms[-1].text), (shown, f"From {sender}."))
                self.daemon.stop()


class Troubles(sms_world.SmsTest):
    """Everybody is known by the operator's list, whether switched on or not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        here = (100, 1001)
        cls.everybody = cls.network.add_phones(here, here, here, here, (200, 2001))
        cls.good, cls.full, cls.silent, cls.late, cls.far = cls.everybody
        cls.phones.attach(cls.good, cls.full, cls.silent, cls.far)
        cls.network.write_recipients(cls.everybody)
        cls.network.configure(sms_world.cells(), more=[sms_world.BSC_DOWN], recipients="file",
                              sms=sms_rules(SENDER_ID, ["class severe always"]))
        cls.daemon.start()
        cls.network.wait_centre()

    def test_late(self):
        """a phone that is switched on while the alert lives gets the text; until then it is refused"""
        alert = self.post("Come in from the cold.")
        self.wait_states(alert, {self.good: "delivered", self.full: "delivered", self.silent: "delivered",
                                 self.late: "refused"})
        self.assertEqual(self.daemon.recipients(alert.id)[self.late.imsi]["evidence"]["cause"], 11)
        self.phones.attach(self.late)
        self.wait_states(alert, {phone: "delivered" for phone in self.everybody if phone is not self.far}, 400)
        self.assert_got(alert, [self.good, self.full, self.silent, self.late])
        self.phones.detach(self.late)

    def test_memory_full(self):
        """a phone whose memory is full has got nothing, and is not said to; it gets the text when it has room"""
        self.full.mode = phones.MEMORY_FULL
        alert = self.post("Read this when you can.")
        wanted = {self.good: "delivered", self.silent: "delivered", self.full: "unknown", self.late: "refused"}
        self.wait_states(alert, wanted)
        self.assertEqual(self.full.sms[-1].text, "Come in from the cold.")
        self.full.mode = phones.ACK
        self.wait_states(alert, {**wanted, self.full: "delivered"}, 400)
        self.assert_got(alert, [self.good, self.silent, self.full])

    def test_silence(self):
        """a phone that does not answer is unknown, and what was never handed over is not shown as delivered at the end"""
        self.silent.mode = phones.SILENT
        alert = self.post("Is anybody there?", life=40)
        wanted = {self.good: "delivered", self.full: "delivered", self.silent: "unknown", self.late: "refused"}
        self.wait_states(alert, wanted)
        wait_for("the end of the alert", lambda: self.daemon.alert(alert.id)["ended"], 90, 0.5)
        self.wait_states(alert, wanted)
        self.assert_got(alert, [self.good, self.full])
        self.silent.mode = phones.ACK


if __name__ == "__main__":
    tap.main()
