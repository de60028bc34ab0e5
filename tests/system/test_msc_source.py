# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who is where, by the word of the real osmo-msc, against what the phones did."""

import atexit
import os
import shutil
import tempfile
import unittest

import world  # noqa: F401  (finds the modules of contrib/lab)
import msc
import phones
import tap
from lab import end_on_signals
from netns import Namespace, wait_for

DUMP = os.path.abspath(os.path.join(os.environ.get("BUILDDIR", "."), "tests", "system", "msc_source_dump"))
# "show subscriber cache" of osmo-msc stops after 100, and after some 2,300 its CTRL interface aborts it.
CROWD = 2500
INTERVAL_S = 5


@unittest.skipIf(msc.tools_missing(), msc.tools_missing())
class Source(unittest.TestCase):
    """One network and one source for all tests, which build on each other."""

    @classmethod
    def setUpClass(cls):
        end_on_signals()
        cls.namespace = Namespace()
        cls.addClassCleanup(cls.namespace.remove)
        cls.folder = tempfile.mkdtemp(prefix=cls.namespace.name + ".")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        atexit.register(shutil.rmtree, cls.folder, True)
        cls.core = msc.CoreNetwork(cls.namespace, cls.folder, [])
        cls.addClassCleanup(cls.core.stop)
        cls.core.start()
        cls.phones = phones.Phones(cls.namespace)
        cls.addClassCleanup(cls.phones.close)
        numbers = [(f"0010100000{n:05d}", f"4917{n:05d}") for n in range(CROWD)]
        cls.core.subscribe(*numbers)
        cls.msisdn = dict(numbers)
        cls.everybody = [cls.phones.add(imsi, *((100, 1001 + n % 7) if n % 2 else (200, 2001 + n % 7)))
                         for n, (imsi, _) in enumerate(numbers)]
        cls.phones.attach(*cls.everybody[:3])
        cls.log = os.path.join(cls.folder, "dump.log")
        cls.dump = cls.namespace.start([DUMP, "127.0.0.1", "001", "01", str(INTERVAL_S)], cls.log)
        cls.addClassCleanup(cls.dump.stop)

    def explain(self):
        return self.dump.log_tail() + "".join(element._process.log_tail() for element in (self.core.msc, self.core.hlr))

    def reports(self):
        """What the source has said so far: lists of rows, and "failed: ..."."""
        self.assertTrue(self.dump.running(), "msc_source_dump has ended")
        with open(self.log) as file:
            lines = file.read().splitlines()
        found = []
        while lines:
            line = lines.pop(0)
            if not line.startswith("recipients "):
                found.append(line)
                continue
            count = int(line.split()[1])
            if len(lines) < count:
                break
            found.append(lines[:count])
            del lines[:count]
        return found

    def next_report(self, wanted=lambda report: isinstance(report, list), timeout=20):
        """The first one that begins after now. A poll that has begun may still say what was before."""
        before = len(self.reports())

        def arrived():
            matching = [report for report in self.reports()[before:] if wanted(report)]
            return [matching[-1]] if matching else None
        return wait_for("a report of the source", arrived, timeout, 0.05)[0]

    def rows(self, *those):
        return sorted(f"{phone.imsi},{self.msisdn[phone.imsi]},001-01-{phone.lac}-{phone.ci}" for phone in those)

    def wait_rows(self, rows):
        report = None
        for _ in range(3):
            report = self.next_report()
            if report == rows:
                return
        self.assertEqual(report, rows)

    def test_few(self):
        """a few phones are where they say"""
        self.assertEqual(wait_for("the first report", self.reports, 10)[0], self.rows(*self.everybody[:3]))

    def test_crowd(self):
        """thousands of phones in two location areas are where they say, each once, and the MSC lives"""
        for n in range(3, CROWD, 100):
            self.phones.attach(*self.everybody[n:n + 100])
        self.wait_rows(self.rows(*self.everybody))
        self.assertTrue(self.core.msc.running())

    def test_moves(self):
        """who moves is in the new cell, who is switched off is gone, who comes by an unknown TMSI is there"""
        mover, leaver = self.everybody[:2]
        stranger = self.everybody[2]
        self.phones.detach(leaver, stranger)
        self.phones.move(mover, 200, 2999)
        stranger._tmsi = b"\xde\xad\xbe\xef"
        self.phones.move(stranger, 100, 1999)
        with self.assertRaises(phones.Rejected):
            self.phones.attach(self.phones.add("001019999999999", 100, 1001))
        type(self).left = leaver
        self.wait_rows(self.rows(*(phone for phone in self.everybody if phone is not leaver)))

    def test_restart(self):
        """an MSC that dies is a failure; one that comes back knows few, and nobody is lost"""
        self.core.msc.kill()
        self.assertIn("MSC", self.next_report(lambda report: report.startswith("failed") if isinstance(report, str)
                                              else False))
        self.core.start_msc()
        self.phones.reset()
        back = self.everybody[10:20]
        for phone in back:
            phone.lac, phone.ci = 200, 2777
        self.phones.attach(*back)
        self.wait_rows(self.rows(*(phone for phone in self.everybody if phone is not self.left)))
        self.assertEqual(self.core.locations().keys(), {phone.imsi for phone in back})


if __name__ == "__main__":
    tap.main()
