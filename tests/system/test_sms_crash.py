# SPDX-License-Identifier: AGPL-3.0-or-later
"""Short messages when things break: tocsind killed in the middle of a run, and broadcast that is out in part."""

import sms_world
import tap
import tocsind
from bsc import SimulatedBsc
from netns import wait_for
from sms import SENDER_ID
from sms_world import PLACES
from tocsind import sms_rules

WINDOW = 10
CROWD = 60
KILL_AT = (8, 25, 42)


class Killed(sms_world.SmsTest):
    """A crowd in the area, phones that take their time, and a gateway that dies three times."""
    RULES = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.crowd = cls.network.add_phones(*[(100, 1001)] * CROWD)
        cls.elsewhere = cls.network.add_phones(*[(100, 1002), (200, 2001)] * 2)
        cls.phones.attach(*cls.crowd, *cls.elsewhere)
        for phone in cls.crowd:
            phone.delay = 0.3
        cls.network.write_recipients(cls.crowd + cls.elsewhere)

    def run_with_kills(self, on_unknown):
        """Post, kill at every mark, start again; until nobody waits. The alert."""
        self.network.configure(sms_world.cells(), more=[sms_world.BSC_DOWN], recipients="file",
                               sms=sms_rules(SENDER_ID, ["class severe always", f"on-unknown {on_unknown}"]),
                               centre=[f"window {WINDOW}"])
        self.daemon.start()
        self.addCleanup(self.daemon.stop)
        before = len(self.phones.sms)
        alert = self.post(f"Leave the valley now ({on_unknown}).")
        for mark in KILL_AT:
            self.phones.wait_sms(before + mark, 60)
            self.daemon.kill()
            self.daemon.start()
        wait_for("nobody waiting", lambda: self.is_over(alert, on_unknown), 120, 0.2)
        self.phones.wait("phones at rest", lambda: not any(phone._connection for phone in self.crowd), 30)
        return alert

    def is_over(self, alert, on_unknown):
        ends = {"delivered"} if on_unknown == "repeat" else {"delivered", "unknown"}
        states = self.states(alert)
        return len(states) == CROWD and set(states.values()) <= ends

    def copies(self, alert):
        """{phone: its SMS of that text}"""
        return {phone: [sms for sms in phone.sms if sms.text == alert.asked] for phone in self.phones.phones.values()}

    def assert_told_truly(self, alert):
        """Who is said to have it has it; the list names those in the area and no others."""
        states, copies = self.states(alert), self.copies(alert)
        self.assertEqual(set(states), {phone.imsi for phone in self.crowd})
        for phone in self.crowd:
            if states[phone.imsi] == "delivered":
                self.assertTrue(copies[phone], f"{phone} has nothing")
        self.assertFalse([phone for phone in self.elsewhere if copies[phone]])
        self.assert_counts(alert, states.values())
        self.assertEqual(self.phones.faults, [])
        return states, copies

    def test_repeat(self):
        """killed three times with on-unknown repeat: nobody is missed, second copies stay within a window each"""
        alert = self.run_with_kills("repeat")
        _, copies = self.assert_told_truly(alert)
        self.assertFalse([phone for phone in self.crowd if not copies[phone]])
        second = sum(len(copies[phone]) - 1 for phone in self.crowd)
        print(f"# {second} second copies")
        self.assertLessEqual(second, WINDOW * len(KILL_AT))
        # A copy takes the place of the one before it on a phone that knows how.
        self.assertEqual({sms.pid for found in copies.values() for sms in found}, {alert_pid(copies)})

    def test_leave(self):
        """killed three times with on-unknown leave: nobody has it twice, and every gap is in the list"""
        alert = self.run_with_kills("leave")
        states, copies = self.assert_told_truly(alert)
        self.assertFalse([phone for phone in self.crowd if len(copies[phone]) > 1])
        unknown = {imsi for imsi, state in states.items() if state == "unknown"}
        print(f"# {len(unknown)} unknown")
        self.assertTrue(0 < len(unknown) <= WINDOW * len(KILL_AT))
        self.assertLessEqual({phone.imsi for phone in self.crowd if not copies[phone]}, unknown)


def alert_pid(copies):
    """The replace type of the alert."""
    pid = next(found[0].pid for found in copies.values() if found)
    assert pid in range(0x41, 0x48), pid
    return pid


class PartlyOut(sms_world.SmsTest):
    """Two BSCs: cells of location area 100 are with the first, those of 200 with the second."""
    AFTER_S = 20

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.on, cls.refused, cls.dark, cls.darker = cls.everybody = cls.network.add_phones(*PLACES)
        cls.phones.attach(*cls.everybody)
        cls.network.write_recipients(cls.everybody)
        cls.network.configure(sms_world.cells(lambda place: f"bsc-{place[0] // 100}"),
                              more=[tocsind.listening_peer("bsc-1"), tocsind.listening_peer("bsc-2", port=48052)],
                              recipients="file", sms=sms_rules(SENDER_ID, [f"class severe unconfirmed {cls.AFTER_S}"]))
        cls.daemon.start()
        cls.network.wait_centre()
        cls.first = SimulatedBsc(cls.network.namespace)
        cls.addClassCleanup(cls.first.close)
        wait_for("bsc-1 up", lambda: cls.daemon.peer_state("bsc-1") == "up", 30)

    def held_back(self, alert):
        """Those who wait because their cell broadcasts."""
        return {imsi for imsi, row in self.daemon.recipients(alert.id).items()
                if (row["state"], row["waits_for"]) == ("queued", "broadcast")}

    def test_outage(self):
        """only people in cells without a confirmed broadcast are texted"""
        self.first.refuse = {"001-01-100-1002": 9}
        alert = self.post("Only where it is not heard.", list(PLACES))
        self.wait_states(alert, {self.on: "queued", self.refused: "delivered", self.dark: "delivered",
                                 self.darker: "delivered"})
        self.assertEqual(self.held_back(alert), {self.on.imsi})
        self.assert_got(alert, [self.refused, self.dark, self.darker])
        self.cancel(alert)
        self.wait_states(alert, {self.on: "stopped", self.refused: "delivered", self.dark: "delivered",
                                 self.darker: "delivered"})
        self.assert_got(alert, [self.refused, self.dark, self.darker])
        self.first.refuse = {}

    def test_confirmed_meanwhile(self):
        """a broadcast that is confirmed in time stops the texts; when it ends they go out"""
        alert = self.post("Heard a little later.", list(PLACES))
        second = SimulatedBsc(self.network.namespace, ("127.0.0.1", 48052))
        self.addCleanup(second.close)
        everybody = {phone.imsi for phone in self.everybody}
        wait_for("all cells broadcasting",
                 lambda: {row["state"] for row in self.daemon.targets(alert.id)} == {"broadcasting"}, 15)
        wait_for("all held back", lambda: self.held_back(alert) == everybody, 30)
        second.close()
        self.wait_states(alert, {self.on: "queued", self.refused: "queued", self.dark: "delivered",
                                 self.darker: "delivered"})
        self.assert_got(alert, [self.dark, self.darker])
        self.assertEqual(self.held_back(alert), {self.on.imsi, self.refused.imsi})


if __name__ == "__main__":
    tap.main()
