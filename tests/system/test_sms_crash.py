# SPDX-License-Identifier: AGPL-3.0-or-later
"""Short messages when things break: tocsind killed in the middle of a run, and broadcast that is out in part."""

import datetime
import os

import sms_world  # finds the modules of contrib/lab
import phones
import tap
import tocsind
from bsc import SimulatedBsc
from netns import wait_for
from sms import SENDER_ID
from sms_world import PLACES
from tocsind import sms_rules

WINDOW = 10
CROWD = 60
# When one of these and the next two are being paged, tocsind is killed. Further on than the first window.
KILL_AT = (15, 30, 45)


class Killed(sms_world.SmsTest):
    """A crowd in the area, phones that take their time or do not answer, and a gateway that dies five times."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.crowd = cls.network.add_phones(*[(100, 1001)] * CROWD)
        cls.elsewhere = cls.network.add_phones(*[(100, 1002), (200, 2001)] * 2)
        cls.phones.attach(*cls.crowd, *cls.elsewhere)
        cls.network.write_recipients(cls.crowd + cls.elsewhere)

    def begin(self, on_unknown):
        """The alert; tocsind is killed for the first time before it has got far."""
        self.network.configure(sms_world.cells(), more=[sms_world.BSC_DOWN], recipients="file",
                               sms=sms_rules(SENDER_ID, ["class severe always", f"on-unknown {on_unknown}"]),
                               centre=[f"window {WINDOW}"], store=os.path.join(self.network.folder, on_unknown))
        for phone in self.crowd:
            phone.mode, phone.delay, phone.paged = phones.ACK, 0.3, []
        for mark in KILL_AT:
            for phone in self.crowd[mark:mark + 3]:
                phone.mode = phones.SILENT
        self.daemon.start()
        self.addCleanup(self.daemon.stop)
        alert = self.post(f"Leave the valley now ({on_unknown}).")
        self.restart()
        return alert

    def restart(self):
        self.daemon.kill()
        self.daemon.start()

    def kill_at(self, mark):
        """Kill tocsind while three short messages are on the way to phones that have not taken them. The phones."""
        deaf = self.crowd[mark:mark + 3]
        wait_for("three phones being paged", lambda: all(phone.paged for phone in deaf), 60, 0.01)
        self.restart()
        return deaf

    def finish(self, alert, *ends):
        """Until each recipient is in one of these states and the phones are at rest."""
        def is_over():
            states = self.states(alert)
            return len(states) == CROWD and set(states.values()) <= set(ends)
        wait_for("nobody waiting", is_over, 120, 0.2)
        self.phones.wait("phones at rest", lambda: not any(phone._connection for phone in self.crowd), 30)

    def copies(self, alert):
        """{phone: its SMS of that text}"""
        return {phone: [sms for sms in phone.sms if sms.text == alert.asked] for phone in self.phones.phones.values()}

    def second_copies(self, alert):
        return sum(max(len(found) - 1, 0) for found in self.copies(alert).values())

    def assert_told_truly(self, alert):
        """Who is said to have it has it. The states."""
        states = self.states(alert)
        copies = self.copies(alert)     # after that: a phone has it before tocsind can know
        self.assertEqual([phone for phone in self.crowd
                          if states.get(phone.imsi) == "delivered" and not copies[phone]], [])
        return states

    def assert_at_the_end(self, alert):
        """The list names those in the area and no others, and the counts agree with it. States and copies."""
        states, copies = self.assert_told_truly(alert), self.copies(alert)
        self.assertEqual(set(states), {phone.imsi for phone in self.crowd})
        self.assertEqual([phone for phone in self.elsewhere if copies[phone]], [])
        self.assert_counts(alert, states.values())
        self.assertEqual(self.phones.faults, [])
        pids = {sms.pid for found in copies.values() for sms in found}
        # All copies have the same replace type: on a phone that knows how, the second takes the place of the first.
        self.assertEqual(len(pids), 1)
        self.assertLessEqual(pids, set(range(0x41, 0x48)))
        return states, copies

    def assert_over(self, alert):
        """Killed once more, it sends nothing more of the alert; the text of another live alert replaces nothing."""
        states, copies = self.assert_at_the_end(alert)
        self.restart()
        for phone in self.crowd:
            phone.mode, phone.delay = phones.ACK, 0
        other = self.post("Another one, to see that all is over: " + alert.asked)
        self.finish(other, "delivered", "unknown")
        _, others = self.assert_at_the_end(other)
        # The MSC may still be paging those who were deaf, and in vain.
        for phone in self.crowd:
            self.assertIn(len(others[phone]), (1,) if copies[phone] else (0, 1), phone)
        self.assertEqual((self.states(alert), self.copies(alert)), (states, copies))
        self.assertNotEqual(others[self.crowd[0]][0].pid, next(found[0].pid for found in copies.values() if found))

    def test_repeat(self):
        """killed again and again with on-unknown repeat: nobody is missed, second copies stay within a window each"""
        alert = self.begin("repeat")
        for kills, mark in enumerate(KILL_AT, 2):
            for phone in self.kill_at(mark):
                phone.mode = phones.ACK
            self.assert_told_truly(alert)
            self.assertLessEqual(self.second_copies(alert), WINDOW * kills)
        self.finish(alert, "delivered")
        _, copies = self.assert_at_the_end(alert)
        self.assertEqual([phone for phone in self.crowd if not copies[phone]], [])
        # Who took it and could not be heard any more has it twice: without these nothing was tried here.
        self.assertIn(self.second_copies(alert), range(1, WINDOW * (1 + len(KILL_AT)) + 1))
        self.assert_over(alert)

    def test_leave(self):
        """killed again and again with on-unknown leave: nobody has it twice, and every gap is in the list"""
        alert, deaf = self.begin("leave"), []
        for kills, mark in enumerate(KILL_AT, 2):
            deaf += self.kill_at(mark)
            unknown = {imsi for imsi, state in self.assert_told_truly(alert).items() if state == "unknown"}
            self.assertLessEqual({phone.imsi for phone in deaf}, unknown)
            self.assertLessEqual(len(unknown), WINDOW * kills)
        self.finish(alert, "delivered", "unknown")
        states, copies = self.assert_at_the_end(alert)
        unknown = {imsi for imsi, state in states.items() if state == "unknown"}
        missing = {phone.imsi for phone in self.crowd if not copies[phone]}
        self.assertLessEqual({phone.imsi for phone in deaf}, missing)
        self.assertLessEqual(missing, unknown)
        self.assertEqual([phone for phone in self.crowd if len(copies[phone]) > 1], [])
        self.assert_over(alert)


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

    def submitted(self, alert, phone):
        """When it was last tried, in seconds."""
        evidence = self.daemon.recipients(alert.id)[phone.imsi]["evidence"]
        return datetime.datetime.fromisoformat(evidence["submitted"]).timestamp()

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

    def test_confirmed_late(self):
        """who could not be reached before the broadcast is confirmed is not texted any more when he is back"""
        self.first.refuse = {"001-01-100-1002": 9}
        self.phones.detach(self.refused, self.darker)
        alert = self.post("Too late for some, in time for others.", list(PLACES))
        self.wait_states(alert, {self.on: "queued", self.refused: "refused", self.dark: "delivered",
                                 self.darker: "refused"})
        second = SimulatedBsc(self.network.namespace, ("127.0.0.1", 48052))
        self.addCleanup(second.close)
        wait_for("a repetition for one of two who were tried as often",
                 lambda: self.submitted(alert, self.refused) > self.submitted(alert, self.darker) + 3, 60)
        self.phones.attach(self.darker)
        self.phones.attach(self.refused)
        self.wait_states(alert, {self.on: "queued", self.refused: "delivered", self.dark: "delivered",
                                 self.darker: "refused"})
        self.assert_got(alert, [self.refused, self.dark])
        self.first.refuse = {}


if __name__ == "__main__":
    tap.main()
