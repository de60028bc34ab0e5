# SPDX-License-Identifier: AGPL-3.0-or-later
"""The laboratory for SMS itself, without tocsind: what it says of other tests' SMS can be relied on."""

import atexit
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

import world  # noqa: F401  (finds the modules of contrib/lab)
import msc
import phones
import smpp_client
import smsc
import tap
import tpdu
from lab import end_on_signals
from netns import Namespace, wait_for
from smpp_client import RDELIVERYFAILURE, RINVDSTADR, ROK, SmppClient, UDHI, TRANSACTION

ACCOUNT = msc.Esme("lab", "secret12")
CROWD = 50


class Sandbox(unittest.TestCase):
    """A namespace and a folder for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        end_on_signals()
        cls.namespace = Namespace()
        cls.addClassCleanup(cls.namespace.remove)
        cls.folder = tempfile.mkdtemp(prefix=cls.namespace.name + ".")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        atexit.register(shutil.rmtree, cls.folder, True)

    def explain(self):
        text = ""
        for name in sorted(os.listdir(self.folder)):
            if name.endswith(".log"):
                with open(os.path.join(self.folder, name), errors="replace") as file:
                    text += f"--- {name}\n" + "".join(file.readlines()[-20:])
        return text


class Reader(unittest.TestCase):
    """tpdu.py"""

    def explain(self):
        return ""

    def test_known(self):
        """a phone reads a TPDU that others have published"""
        read = tpdu.deliver(bytes.fromhex("040bc87238880900f10000993092516195800ae8329bfd4697d9ec37"))
        self.assertEqual((read.sender, read.text, read.pid, read.dcs), ("27838890001", "hellohello", 0, 0))

    def test_broken(self):
        """a phone shows nothing of a TPDU that is cut, too long or ends within a character"""
        head = "040bc87238880900f1"
        for name, octets in (("cut", head + "0000993092516195800ae8329bfd4697d9ec"),
                             ("too long", head + "0000993092516195800ae8329bfd4697d9ec3700"),
                             ("half a surrogate pair", head + "00089930925161958002d83d"),
                             ("an escape at the end", head + "000099309251619580011b"),
                             ("half a UCS-2 character", head + "0008993092516195800100"),
                             ("part 3 of 2", "44" + head[2:] + "0008993092516195800605000300" + "0203")):
            with self.subTest(name), self.assertRaises(tpdu.Malformed):
                tpdu.deliver(bytes.fromhex(octets))


@unittest.skipIf(msc.tools_missing(), msc.tools_missing())
class Core(Sandbox):
    """osmo-msc with phones in two location areas."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.core = msc.CoreNetwork(cls.namespace, cls.folder, [ACCOUNT])
        cls.addClassCleanup(cls.core.stop)
        cls.core.start()
        cls.phones = phones.Phones(cls.namespace)
        cls.addClassCleanup(cls.phones.close)
        numbers = [(f"0010100000{n:05d}", f"4917{n:05d}") for n in range(CROWD + 1)]
        cls.core.subscribe(*numbers)
        cls.msisdn = dict(numbers)
        cls.everybody = [cls.phones.add(imsi, *((100, 1001) if n % 2 else (200, 2001)))
                         for n, (imsi, _) in enumerate(numbers)]
        cls.latecomer = cls.everybody.pop()
        cls.phones.attach(*cls.everybody)
        cls.far, cls.near = cls.everybody[:2]
        cls.client = SmppClient(cls.namespace.connect(msc.SMPP), ACCOUNT.system_id, ACCOUNT.password)
        cls.addClassCleanup(cls.client.close)

    def setUp(self):
        self.before = len(self.phones.sms)

    def tearDown(self):
        self.assertEqual(self.phones.faults, [])

    def send(self, phone, octets, **more):
        """By IMSI; the status."""
        return self.client.answer(self.client.submit(phone.imsi, octets, npi=6, **more)).status

    def news(self):
        return self.phones.sms[self.before:]

    def test_one(self):
        """an SMS to a phone in location area 100 arrives there, whole, and nowhere else"""
        answer = self.client.answer(self.client.submit(self.msisdn[self.near.imsi], b"You, and nobody else."))
        self.assertEqual(answer.status, ROK)
        sms, = self.news()
        self.assertEqual((sms.imsi, sms.lac, sms.ci, sms.text, sms.parts), (self.near.imsi, 100, 1001,
                                                                           "You, and nobody else.", 1))
        self.assertEqual({phone for phone in self.everybody if phone.paged}, {self.near})

    def test_locations(self):
        """the MSC knows where the phones are, also after one has moved"""
        where = {imsi: (found.msisdn, found.lac, found.ci) for imsi, found in self.core.locations().items()}
        self.assertEqual(where, {phone.imsi: (self.msisdn[phone.imsi], phone.lac, phone.ci) for phone in self.everybody})
        self.phones.move(self.far, 100, 1002)
        self.assertEqual(self.core.locations()[self.far.imsi].lac, 100)
        self.assertEqual(self.send(self.far, b"Here now."), ROK)
        self.assertEqual([(sms.imsi, sms.lac) for sms in self.news()], [(self.far.imsi, 100)])

    def test_forms(self):
        """all that an SMS can be is read as it was sent"""
        header = b"\5\0\3\x2a\2"
        for octets, more, text in (
                (b"\0 {\x1b\x28 \x1b\x65", {}, "@ ä{ €"),
                ("Тест 字".encode("utf-16-be"), {"data_coding": 8}, "Тест 字"),
                (b"From a name", {"sender": "CIVIL ALERT", "sender_ton": 5, "sender_npi": 0}, "From a name"),
                (b"Replaces", {"pid": 0x41}, "Replaces")):
            with self.subTest(text):
                self.assertEqual(self.send(self.near, octets, **more), ROK)
                sms = self.phones.sms[-1]
                self.assertEqual((sms.text, sms.pid, sms.sender, sms.dcs),
                                 (text, more.get("pid", 0), more.get("sender", "+112"), more.get("data_coding", 0)))
        for form, text, coding in ((lambda t: t.encode(), "A" * 153 + "B" * 153, 0),
                                   (lambda t: t.encode("utf-16-be"), "Я" * 67 + "Ж" * 67, 8)):
            with self.subTest("two parts, the second first"):
                for number in (2, 1):
                    half = text[len(text) // 2:] if number == 2 else text[:len(text) // 2]
                    self.assertEqual(self.send(self.near, header + bytes([number]) + form(half),
                                               esm_class=TRANSACTION | UDHI, data_coding=coding), ROK)
                self.assertEqual((self.phones.sms[-1].text, self.phones.sms[-1].parts), (text, 2))
        self.assertEqual(len(self.news()), 6)

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed (contrib/packages)")
    def test_second_opinion(self):
        """tshark reads the same text in what the phones have taken"""
        self.assertEqual(self.send(self.near, b"\0 {\x1b\x28 once more"), ROK)
        parts = [part for phone in self.everybody for part in phone.parts if not part.deliver.header]
        path = os.path.join(self.folder, "tpdu.pcap")
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 147))
            for part in parts:
                file.write(struct.pack("<IIII", 0, 0, len(part.octets), len(part.octets)) + part.octets)
        texts = subprocess.run(["tshark", "-r", path, "-o", 'uat:user_dlts:"User 0 (DLT=147)","gsm_sms","0","","0",""',
                                "-T", "fields", "-e", "gsm_sms.sms_text"], check=True, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, encoding="utf-8").stdout.splitlines()
        self.assertEqual(texts, [part.deliver.text for part in parts])

    def test_crowd(self):
        """fifty phones take an SMS at the same time, each its own"""
        sequences = [self.client.submit(phone.imsi, phone.imsi.encode(), npi=6) for phone in self.everybody]
        self.assertEqual([self.client.answer(sequence).status for sequence in sequences], [ROK] * CROWD)
        self.assertEqual(sorted((sms.imsi, sms.text) for sms in self.news()),
                         [(phone.imsi, phone.imsi) for phone in self.everybody])

    def test_refusals(self):
        """a phone that has no memory and one that is switched off show as such"""
        self.near.mode = phones.MEMORY_FULL
        self.assertEqual(self.send(self.near, b"No room."), RDELIVERYFAILURE)
        self.near.mode = phones.ACK
        self.assertEqual(len(self.near.refused), 1)
        self.phones.detach(self.far)
        self.assertEqual(self.send(self.far, b"Nobody."), RINVDSTADR)
        self.assertEqual(self.send(self.latecomer, b"Nobody yet."), RINVDSTADR)
        with self.assertRaises(phones.Rejected):
            self.phones.attach(self.phones.add("001019999999999", 100, 1001))
        self.assertEqual(self.news(), [])

    def test_late(self):
        """what the MSC has stored reaches a phone that attaches later, and the client hears of both"""
        sequence = self.client.submit(self.msisdn[self.latecomer.imsi], b"Since you are here", esm_class=0,
                                      registered_delivery=1)
        self.assertEqual(self.client.answer(sequence).status, ROK)
        before = len(self.client.unasked)
        self.phones.attach(self.latecomer)
        self.phones.wait_sms(1, phone=self.latecomer)
        self.assertEqual([(sms.imsi, sms.text) for sms in self.news()], [(self.latecomer.imsi, "Since you are here")])
        wait_for("receipt and alert notification", lambda:
                 {smpp_client.DELIVER_SM, smpp_client.ALERT_NOTIFICATION} <=
                 {pdu.command for pdu in self.client.unasked[before:]}, 5)


@unittest.skipIf(msc.tools_missing() or smsc.tools_missing(), msc.tools_missing() or smsc.tools_missing())
class ForeignSmsc(Sandbox):
    """smsc.js, since a test that drives it must not find its own mistakes."""

    def setUp(self):
        self.smsc = self.enterContext(smsc.Smsc(self.namespace, self.folder))
        self.client = SmppClient(self.namespace.connect(self.smsc.address), smsc.SYSTEM_ID, smsc.PASSWORD)
        self.addCleanup(self.client.close)

    def submit(self, octets=b"x", **more):
        return self.client.answer(self.client.submit("49170001", octets, registered_delivery=1, **more))

    def receipt(self, count=1):
        """The bodies of that many receipts."""
        def arrived():
            return [pdu.body for pdu in self.client.unasked if pdu.command == smpp_client.DELIVER_SM]
        wait_for(f"{count} receipts", lambda: len(arrived()) >= count, 5, 0.01)
        return arrived()

    def test_bind(self):
        """only who has the password is let in"""
        for account, status in (((smsc.SYSTEM_ID, "wrong"), smpp_client.RINVPASWD),
                                (("nobody", smsc.PASSWORD), smpp_client.RINVSYSID)):
            with self.assertRaises(smpp_client.Refused) as refused:
                SmppClient(self.namespace.connect(self.smsc.address), *account)
            self.assertEqual(refused.exception.args, (status,))

    def test_queue(self):
        """it throttles as often as it is told to, then takes the SMS"""
        self.smsc.queue({"status": "ESME_RTHROTTLED"}, {"status": "ESME_RTHROTTLED"}, {"status": "ESME_RMSGQFUL"})
        self.assertEqual([self.submit().status for _ in range(4)], [0x58, 0x58, 0x14, ROK])

    def test_drop(self):
        """it drops the connection in the middle and takes another one"""
        self.smsc.queue({}, {"drop": "before"})
        self.assertEqual(self.submit().status, ROK)
        with self.assertRaises(EOFError):
            self.submit()
        self.smsc.wait_event("closed", 1)
        self.client = SmppClient(self.namespace.connect(self.smsc.address), smsc.SYSTEM_ID, smsc.PASSWORD)
        self.assertEqual(self.submit().status, ROK)

    def test_receipts(self):
        """identifiers of answers and receipts have the forms asked for"""
        for n, (form, other, receipt) in enumerate((("hex", "decimal", "text"), ("HEX", "0HEX", "tlv"),
                                                    ("0decimal", "hex", "both")), 1):
            self.smsc.behave(message_id=form, receipt_id=other, receipt=receipt)
            self.assertEqual(self.submit().body, smsc.message_id(n, form).encode() + b"\0")
            body = self.receipt(n)[-1]
            wanted = smsc.message_id(n, other).encode()
            self.assertEqual(b"id:" + wanted in body, receipt in ("text", "both"))
            self.assertEqual(b"\0\x1e" + struct.pack(">H", len(wanted) + 1) + wanted in body, receipt in ("tlv", "both"))
        self.smsc.behave(receipt="reference", stat="UNDELIV", receipt_copies=2)
        self.submit(reference=0x1234)
        for body in self.receipt(5)[-2:]:
            self.assertNotIn(b"id:", body)
            self.assertIn(b"stat:UNDELIV", body)
            self.assertIn(b"\2\4\0\2\x12\x34", body)

    def test_order(self):
        """a receipt comes before the answer if that is wanted, and an answer late or never"""
        self.smsc.queue({"receipt_when": "before"}, {"silent": True, "receipt": "none"}, {"answer_delay": 100})
        self.submit()
        self.smsc.wait_event("submit_answer", 1)
        self.assertEqual([event["event"] for event in self.smsc.events if event.get("n") == 1][:3],
                         ["submit", "receipt", "submit_answer"])
        silent, late = self.client.submit("1", b"x"), self.client.submit("1", b"x")
        self.assertEqual(self.client.answer(late).status, ROK)
        with self.assertRaises(TimeoutError):
            self.client.answer(silent, 0.1)
        self.smsc.wait_event("submit_answer", 2)
        times = {event["event"]: event["time"] for event in self.smsc.events if event.get("n") == 3}
        self.assertGreater(times["submit_answer"] - times["submit"], 0.09)


if __name__ == "__main__":
    tap.main()
