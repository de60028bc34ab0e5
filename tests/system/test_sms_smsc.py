# SPDX-License-Identifier: AGPL-3.0-or-later
"""Short messages through message centres of other origin: what they answer, when they do not, and what comes back."""

import itertools
import os
import shutil
import subprocess
import tempfile
import unittest
from collections import Counter

import sms_world
import smsc
import tap
import tocsind
import world
from lab import end_on_signals
from netns import Namespace, wait_for
from sms import SENDER_ID, cell_id
from smsc import Smsc
from sms_world import PLACES
from tocsind import sms_rules

HOME = (100, 1001)
PORTS = {"smsc-1": 2776, "smsc-2": 2777}
FINAL_BAD = ("EXPIRED", "DELETED", "UNDELIV", "REJECTD")
NOT_FINAL = ("ENROUTE", "ACCEPTD", "UNKNOWN")
LONG = ("The river has broken its banks at the old bridge. " * 9)[:400].strip()


def imsi_of(n):
    return f"00101{n:010d}"


class CentreTest(unittest.TestCase):
    """A namespace for a class; each test has centres and a tocsind of its own."""
    TOOLS = ("node", "ip", "nsenter")

    @classmethod
    def setUpClass(cls):
        end_on_signals()
        cls.namespace = Namespace()
        cls.addClassCleanup(cls.namespace.remove)
        cls.folder = tempfile.mkdtemp(prefix=cls.namespace.name + ".")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.stores = itertools.count()
        cls.seen = []               # every submit_sm that a centre decoded
        cls.pcap = os.path.join(cls.folder, "all.pcap")
        cls.capture = None
        if shutil.which("dumpcap"):
            log = os.path.join(cls.folder, "dumpcap.log")
            cls.capture = cls.namespace.start(["dumpcap", "-q", "-i", "lo", "-w", cls.pcap], log)
            cls.addClassCleanup(cls.capture.stop)
            wait_for("a capture", lambda: os.path.exists(cls.pcap) and os.path.getsize(cls.pcap), 10)

    def setUp(self):
        self.daemon = tocsind.Tocsind(self.namespace, self.folder, world.BINARY)
        self.centres = {}
        self.addCleanup(self.daemon.stop)

    def centre(self, name="smsc-1", **more):
        made = self.enterContext(Smsc(self.namespace, self.folder, ("127.0.0.1", PORTS[name]), **more))
        self.centres[name] = made
        self.addCleanup(lambda: self.seen.extend(made.submits))
        return made

    def begin(self, count, *centres, sender=SENDER_ID, rules=(), up=("smsc-1",), password=smsc.PASSWORD):
        """Start tocsind with that many recipients; centres: (name, line...)."""
        password_file, listed = (os.path.join(self.folder, name) for name in ("password", "recipients.csv"))
        with open(password_file, "w") as file:
            file.write(password + "\n")
        with open(listed, "w") as file:
            file.write("imsi,msisdn,cell,language,drill\n")
            file.writelines(f"{imsi_of(n)},4917{n:07d},{cell_id(*HOME)},,no\n" for n in range(count))
        peers = [tocsind.message_centre(name, smsc.SYSTEM_ID, password_file, PORTS[name],
                                        ["mode store-and-forward", "response-timeout 5", *lines])
                 for name, *lines in centres or [("smsc-1",)]]
        store = os.path.join(self.folder, f"store-{next(self.stores)}")
        os.mkdir(store)
        self.daemon.configure(sms_world.cells(),
                              [sms_world.BSC_DOWN, sms_rules(sender, ["class severe always", "max-parts 6", *rules]),
                               tocsind.recipients_of_file("list", listed), *peers], store=store)
        self.daemon.start()
        for name in up:
            self.wait_peer(name, "up")

    def begin_anew(self):
        """As if this were the next test."""
        self.doCleanups()
        self.setUp()

    def wait_peer(self, name, state):
        wait_for(f"{name} {state}", lambda: self.daemon.peer_state(name) == state, 30)

    def post(self, text="Go to higher ground.", **more):
        identifier, sent = tocsind.new_identifier(), tocsind.cap_time()
        answer = self.daemon.post(tocsind.cap_alert(text, [(*PLACES[HOME], 0.5)], identifier, sent=sent, **more))
        self.assertEqual(answer.status, 202, answer.body)
        return sms_world.SmsAlert(answer.json, text, identifier, sent)

    def states(self, alert):
        return {imsi: row["state"] for imsi, row in self.daemon.recipients(alert.id).items()}

    def wait_states(self, alert, wanted, timeout=30):
        """wanted: the state of each recipient, from the first."""
        wanted = {imsi_of(n): state for n, state in enumerate(wanted)}
        try:
            wait_for("", lambda: self.states(alert) == wanted, timeout)
        except TimeoutError:
            found = self.states(alert)
            wrong = {imsi: (found.get(imsi), state) for imsi, state in wanted.items() if found.get(imsi) != state}
            self.fail(f"found and wanted: {wrong}")

    def wait_receipts_answered(self, centre, count):
        """tocsind has read them. It answers first, but on the same turn of its loop."""
        for answer in centre.wait_event("receipt_answer", count)[-count:]:
            self.assertEqual(answer["status"], 0)

    def accepted(self, *centres):
        """{destination: number of submits answered with OK}"""
        found = Counter()
        for centre in centres:
            good = {answer["n"] for answer in centre.of("submit_answer") if answer["status"] == "ESME_ROK"}
            found.update(submit["destination"] for submit in centre.submits if submit["n"] in good)
        return found

    def once_each(self, count):
        return Counter({imsi_of(n): 1 for n in range(count)})

    def explain(self):
        text = self.daemon.process.log_tail(30) if self.daemon.process else ""
        for name, centre in self.centres.items():
            text += f"{name}: {Counter(event['event'] for event in centre.events)}\n"
        return text


class Receipts(CentreTest):
    """What counts as proof that a phone has the text."""

    def test_forms(self):
        """an identifier is found in each form: TLV or text, hexadecimal or decimal, with leading zeros or not"""
        forms = ["decimal", "hex", "HEX", "0decimal", "0hex", "0HEX"]
        ways = [{"message_id": given, "receipt_id": told, "receipt": where}
                for given in ("decimal", "hex", "0HEX") for told in forms for where in ("tlv", "text", "both")]
        centre = self.centre()
        centre.destinations({imsi_of(n): way for n, way in enumerate(ways)})
        self.begin(len(ways))
        alert = self.post()
        try:
            wait_for("", lambda: set(self.states(alert).values()) == {"delivered"}, 20)
        except TimeoutError:
            states = self.states(alert)
            self.fail([(ways[n], states.get(imsi_of(n))) for n in range(len(ways))
                       if states.get(imsi_of(n)) != "delivered"])

    def test_states(self):
        """each final state ends the matter, each intermediate one leaves it open, in the text and in the TLV"""
        ways = [(where, stat) for where in ("text", "tlv") for stat in ("DELIVRD", *FINAL_BAD, *NOT_FINAL)]
        centre = self.centre()
        centre.destinations({imsi_of(n): {"receipt": where, "stat": stat} for n, (where, stat) in enumerate(ways)})
        self.begin(len(ways))
        alert = self.post()
        self.wait_receipts_answered(centre, len(ways))
        wanted = ["delivered" if stat == "DELIVRD" else "failed" if stat in FINAL_BAD else "taken" for _, stat in ways]
        self.wait_states(alert, wanted)

    def test_early_and_twice(self):
        """a receipt that comes before the answer counts; a second copy changes nothing"""
        centre = self.centre()
        centre.behave(receipt_when="before", receipt_copies=2, answer_delay=50)
        centre.destinations({imsi_of(1): {"stat": "UNDELIV"}})
        self.begin(2)
        alert = self.post()
        self.wait_receipts_answered(centre, 4)
        self.wait_states(alert, ["delivered", "failed"])

    def test_no_proof(self):
        """neither a foreign identifier nor a mere reference is proof; a final receipt after an intermediate one is"""
        centre = self.centre()
        centre.destinations({imsi_of(0): {"receipt": "reference"}, imsi_of(1): {"stat": "ENROUTE"},
                             imsi_of(2): {"receipt": "none"}})
        self.begin(3)
        alert = self.post()
        self.wait_receipts_answered(centre, 2)
        nobody = smsc.message_id(900, "decimal")
        of = {submit["destination"]: submit["n"] for submit in centre.wait_event("submit", 3)}
        centre.receipt(of[imsi_of(2)], receipt="text", receipt_fields={
            "short_message": f"id:{nobody} sub:001 dlvrd:001 stat:DELIVRD err:000 text:"})
        centre.receipt(of[imsi_of(2)], receipt="text", receipt_fields={
            "short_message": f"id:{smsc.message_id(of[imsi_of(2)], 'decimal')} sub:001 dlvrd:0"})
        self.wait_receipts_answered(centre, 4)
        self.wait_states(alert, ["taken"] * 3)
        hints = [row["evidence"].get("receipt_hint") for _, row in sorted(self.daemon.recipients(alert.id).items())]
        self.assertEqual([bool(hint) for hint in hints], [True, False, False])
        centre.receipt(of[imsi_of(1)])
        centre.receipt(of[imsi_of(2)], receipt="text", receipt_fields={
            "short_message": f"id:{smsc.message_id(of[imsi_of(2)], 'decimal')} sub:001 stat:DELIVRD"})
        self.wait_states(alert, ["taken", "delivered", "delivered"])

    def test_later(self):
        """a receipt counts after a reconnect, after a restart, and after tocsind was killed"""
        centre = self.centre()
        centre.behave(receipt="none")
        self.begin(4)
        alert = self.post()
        self.wait_states(alert, ["taken"] * 4)
        of = {submit["destination"]: submit["n"] for submit in centre.submits}

        def restart():
            self.daemon.stop()
            self.daemon.start()

        def killed():
            self.daemon.kill()
            self.daemon.start()

        wanted = ["taken"] * 4
        for n, (trouble, stat) in enumerate([(centre.drop, "DELIVRD"), (restart, "DELIVRD"), (killed, "UNDELIV")]):
            binds = len(centre.of("bind"))
            trouble()
            centre.wait_event("bind", binds + 1)
            self.wait_peer("smsc-1", "up")
            centre.receipt(of[imsi_of(n)], receipt="both", stat=stat)
            wanted[n] = "delivered" if stat == "DELIVRD" else "failed"
            self.wait_states(alert, wanted)
        self.assertEqual(len(centre.submits), 4)


class Centres(CentreTest):
    """What centres do to us, and what goes to them."""

    def test_throttled(self):
        """a centre that throttles or is full is given time, and everybody gets one accepted text"""
        centre = self.centre()
        centre.queue({}, {}, {"status": "ESME_RTHROTTLED"}, {"status": "ESME_RMSGQFUL"})
        self.begin(12, ("smsc-1", "window 2"))
        alert = self.post()
        self.wait_states(alert, ["delivered"] * 12, 60)
        self.assertEqual(self.accepted(centre), self.once_each(12))
        refused = [answer for answer in centre.of("submit_answer") if answer["status"] != "ESME_ROK"]
        self.assertEqual(len(refused), 2)
        first = refused[0]["time"]
        after = [submit["time"] for submit in centre.submits if submit["time"] > refused[-1]["time"]]
        self.assertGreater(min(after) - first, 0.9)

    def test_window(self):
        """a late centre never has more than the window to answer"""
        centre = self.centre()
        centre.behave(answer_delay=100)
        self.begin(40, ("smsc-1", "window 4"))
        alert = self.post()
        self.wait_states(alert, ["delivered"] * 40, 40)
        outstanding, most = 0, 0
        for event in centre.events:
            outstanding += {"submit": 1, "submit_answer": -1}.get(event["event"], 0)
            most = max(most, outstanding)
        self.assertEqual(most, 4)

    def test_pace(self):
        """a centre gets no more in a second than the rate"""
        centre = self.centre()
        self.begin(40, ("smsc-1", "rate 20"))
        alert = self.post()
        self.wait_states(alert, ["delivered"] * 40, 40)
        times = [submit["time"] for submit in centre.submits]
        # One bucket more than the rate, and what the loop of the server may lump together.
        self.assertLessEqual(max(sum(start <= time < start + 1 for time in times) for start in times), 30)
        self.assertGreater(times[-1] - times[0], 1.4)

    def test_silence(self):
        """what a silent centre was handed is unknown, and the second centre goes on without it"""
        first, second = self.centre(), self.centre("smsc-2")
        first.behave(silent=True)
        self.begin(6, ("smsc-1", "preference 1", "window 2", "keep-alive 1 timeout 1"),
                   ("smsc-2", "preference 2"), rules=["on-unknown leave"], up=PORTS)
        alert = self.post()
        first.wait_event("submit", 2)
        first.link(enquire_link=False)
        wait_for("the rest", lambda: sum(self.accepted(second).values()) == 4, 40)
        lost = {submit["destination"] for submit in first.submits}
        self.wait_states(alert, ["unknown" if imsi_of(n) in lost else "delivered" for n in range(6)])
        self.assertEqual(len(first.submits), 2)
        self.assertGreaterEqual(len(first.wait_event("bind", 2)), 2)

    def test_dropped(self):
        """a connection that drops in the middle loses nobody, and at most a window of people have it twice"""
        centre = self.centre()
        centre.queue(*[{}] * 7, {"drop": "before"})
        self.begin(20, ("smsc-1", "window 4"), rules=["on-unknown repeat"])
        alert = self.post()
        self.wait_states(alert, ["delivered"] * 20, 40)
        copies = Counter(submit["destination"] for submit in centre.submits)
        self.assertEqual(set(copies), {imsi_of(n) for n in range(20)})
        self.assertIn(sum(copies.values()) - 20, range(1, 5))

    def test_preference(self):
        """only the preferred centre gets texts; when it is gone the other does, and each person has it once"""
        first, second = self.centre(), self.centre("smsc-2")
        self.begin(8, ("smsc-2", "preference 20"), ("smsc-1", "preference 10"), up=PORTS)
        alert = self.post("The first one.")
        self.wait_states(alert, ["delivered"] * 8)
        self.assertEqual((self.accepted(first), second.submits), (self.once_each(8), []))
        first.deaf()
        first.drop()
        wait_for("smsc-1 down", lambda: self.daemon.peer_state("smsc-1") != "up", 20)
        other = self.post("The second one.")
        self.wait_states(other, ["delivered"] * 8)
        self.assertEqual((len(first.submits), self.accepted(second)), (8, self.once_each(8)))
        self.assertEqual({submit["source"] for submit in first.submits + second.submits}, {SENDER_ID})

    def test_bind_refused(self):
        """a refused bind is shown with its cause, and tried again with pauses"""
        centre = self.centre()
        for password, status, shown in (("wrong", "", "RINVPASWD"), (smsc.PASSWORD, "ESME_RBINDFAIL", "RBINDFAIL")):
            with self.subTest(shown):
                centre.link(bind=status)
                self.begin(1, password=password, up=())
                started = len(centre.of("bind"))
                peer = wait_for(shown, lambda: next((peer for peer in self.daemon.get("/v1/peers")["peers"] if
                                                     peer["peer"] == "smsc-1" and shown in str(peer)), None), 20)
                self.assertNotEqual(peer["state"], "up")
                binds = centre.wait_event("bind", started + 5)[-4:]
                # Pauses begin at 100 ms and double up to a second, some of each left to chance.
                self.assertGreater(binds[-1]["time"] - binds[0]["time"], 0.5)
                self.daemon.stop()

    def test_pair(self):
        """a pair of connections: texts leave by the transmitter, receipts come by the receiver"""
        centre = self.centre()
        self.begin(3, ("smsc-1", "bind transmitter-receiver"))
        alert = self.post()
        self.wait_states(alert, ["delivered"] * 3)
        binds = {bind["command"]: bind["session"] for bind in centre.of("bind")}
        self.assertEqual(set(binds), {"bind_transmitter", "bind_receiver"})
        self.assertEqual({submit["session"] for submit in centre.submits}, {binds["bind_transmitter"]})

    def test_senders(self):
        """a sender id leaves byte for byte on every part, with the type of number that it has"""
        for sender, source in (("Civil Prot.", (5, 0, "Civil Prot.")), ("+4930123456", (1, 1, "4930123456")),
                               ("12345", (3, 0, "12345"))):
            with self.subTest(sender):
                self.begin_anew()
                centre = self.centre()
                self.begin(2, sender=sender)
                self.wait_states(self.post(LONG), ["delivered"] * 2)
                self.assertEqual([(submit["source_ton"], submit["source_npi"], submit["source"])
                                  for submit in centre.submits], [source] * 6)

    def test_three_parts(self):
        """three parts have their headers, coding, mode and the time that the alert lives"""
        for text, coding, size in ((LONG, 0, 159), (("Наводнение. " * 15)[:170], 8, 140)):
            with self.subTest(coding):
                self.begin_anew()
                centre = self.centre()
                self.begin(1)
                self.wait_states(self.post(text, life=900), ["delivered"])
                parts = [bytes.fromhex(submit["octets"]) for submit in centre.submits]
                self.assertEqual([part[:3] + part[4:6] for part in parts],
                                 [bytes([5, 0, 3, 3, n]) for n in (1, 2, 3)])
                self.assertEqual(len({part[3] for part in parts}), 1)
                self.assertEqual([len(part) for part in parts[:2]], [size] * 2)
                octets = b"".join(part[6:] for part in parts)
                self.assertEqual(octets.decode("utf-16-be" if coding else "ascii"), text.strip())
                for submit in centre.submits:
                    self.assertEqual((submit["data_coding"], submit["esm_class"], submit["registered_delivery"],
                                      submit["dest_ton"], submit["dest_npi"]), (coding, 0x43, 1, 1, 6))
                    self.assertRegex(submit["validity"], "^0000000014[0-5][0-9]000R$|^000000001500000R$")

    def test_cancel(self):
        """a Cancel stops what has not been submitted, and its own text goes to those who may have the first"""
        centre = self.centre()
        centre.behave(answer_delay=1500)
        self.begin(8, ("smsc-1", "window 3"), rules=["cancel-text The warning is over."])
        alert = self.post()
        centre.wait_event("submit", 3)
        answer = self.daemon.post(tocsind.cap_cancel(alert.identifier, alert.sent))
        self.assertEqual(answer.status, 202, answer.body)
        reached = {submit["destination"] for submit in centre.submits}
        self.assertEqual(len(reached), 3)
        self.wait_states(alert, ["delivered" if imsi_of(n) in reached else "stopped" for n in range(8)])
        cancel = sms_world.SmsAlert(answer.json, None, alert.identifier, alert.sent)
        wait_for("the text of the Cancel", lambda: set(self.states(cancel).values()) == {"delivered"}, 20)
        self.assertEqual(set(self.states(cancel)), reached)
        texts = Counter((submit["destination"], bytes.fromhex(submit["octets"])) for submit in centre.submits)
        self.assertEqual(texts, Counter({(imsi, text): 1 for imsi in reached
                                         for text in (b"Go to higher ground.", b"The warning is over.")}))

    @unittest.skipUnless(shutil.which("tshark") and shutil.which("dumpcap"), "tshark is not installed (contrib/packages)")
    def test_tshark(self):
        """tshark reads every PDU of all these tests without a complaint, and in each what the centre read"""
        self.capture.stop(2)
        names = ["source_addr", "destination_addr", "data_coding", "sm_length", "validity_period_r", "esm.submit.features"]
        command = ["tshark", "-r", self.pcap, "-d", "tcp.port==2776,smpp", "-d", "tcp.port==2777,smpp"]
        bad = subprocess.run([*command, "-Y", "smpp && (_ws.malformed || _ws.expert.severity >= 0x600000)"],
                             check=True, capture_output=True, text=True).stdout
        self.assertEqual(bad, "")
        read = subprocess.run([*command, "-Y", "smpp.command_id == 4", "-T", "fields", "-E", "separator=|",
                               "-E", "aggregator=,", *(word for name in names for word in ("-e", "smpp." + name))],
                              check=True, capture_output=True, text=True).stdout
        found, asked = Counter(), Counter()
        for line in read.splitlines():
            found.update(zip(*(field.split(",") for field in line.split("|"))))

        def seconds(text):
            days, hours, minutes, rest = (int(text[n:n + 2]) for n in (4, 6, 8, 10))
            return f"{((days * 24 + hours) * 60 + minutes) * 60 + rest}.000000000"
        asked.update(
            (submit["source"], submit["destination"], f"0x{submit['data_coding']:02x}",
             str(len(submit["octets"]) // 2), seconds(submit["validity"]), f"0x{submit['esm_class'] >> 6:02x}")
            for submit in self.seen)
        self.assertEqual(asked - found, Counter())
        # What was under way when a centre dropped the connection never came to be read there.
        self.assertLess(sum((found - asked).values()), 4)
        self.assertGreater(sum(found.values()), 50)


if __name__ == "__main__":
    tap.main(smsc.tools_missing())
