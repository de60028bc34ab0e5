# SPDX-License-Identifier: AGPL-3.0-or-later
"""A core network with phones and tocsind as one of its users, in a namespace of their own.

    with SmsNetwork(binary) as network:
        near = network.phone(100, 1001)
        network.start()
        network.configure(cells, sms, recipients)
        network.daemon.start()
        network.phones.attach(near)
"""

import atexit
import os
import shutil
import tempfile

import msc
import tocsind
from netns import Namespace, wait_for
from phones import Phones

ACCOUNT = msc.Esme("tocsin", "verysafe")
SENDER_ID = "Civil Prot."
CENTRE = "smsc-1"
PLMN = (1, 1)


def cell_id(lac, ci):
    return f"{PLMN[0]:03d}-{PLMN[1]:02d}-{lac}-{ci}"


class SmsNetwork:
    def __init__(self, binary, account=ACCOUNT):
        self.account = account
        self.binary = binary
        self.namespace = self.folder = self.core = self.phones = self.daemon = None
        self.msisdn = {}            # of each phone, by IMSI

    def __enter__(self):
        # For those who do not come to __exit__: a runner of tests that is interrupted.
        atexit.register(self.close)
        try:
            self.namespace = Namespace()
            self.folder = tempfile.mkdtemp(prefix=self.namespace.name + ".")
            self.core = msc.CoreNetwork(self.namespace, self.folder, [self.account], PLMN)
            self.daemon = tocsind.Tocsind(self.namespace, self.folder, self.binary)
            with open(self.password_file, "w") as file:
                file.write(self.account.password + "\n")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def password_file(self):
        return os.path.join(self.folder, "smsc.password")

    @property
    def recipients_file(self):
        return os.path.join(self.folder, "recipients.csv")

    def start(self):
        self.core.start()
        self.phones = Phones(self.namespace, PLMN)

    def add_phones(self, *places):
        """Switched off, one per (LAC, CI); each is a subscriber with a number of its own."""
        first = len(self.msisdn)
        numbers = [(f"{PLMN[0]:03d}{PLMN[1]:02d}{n:010d}", f"4917{n:07d}") for n in range(first, first + len(places))]
        self.core.subscribe(*numbers)
        self.msisdn.update(numbers)
        return [self.phones.add(imsi, *place) for (imsi, _), place in zip(numbers, places)]

    def write_recipients(self, phones, more=lambda phone: ("", "no")):
        """The operator's list: where each phone is; more(phone): its language, and "yes" for drills."""
        rows = ["imsi,msisdn,cell,language,drill"]
        for phone in phones:
            language, drill = more(phone)
            rows.append(f"{phone.imsi},{self.msisdn[phone.imsi]},{cell_id(phone.lac, phone.ci)},{language},{drill}")
        with open(self.recipients_file, "w") as file:
            file.write("\n".join(rows) + "\n")

    def configure(self, cells, sms=tocsind.sms_rules(SENDER_ID), recipients="msc", centre=(), more=(), **rest):
        """cells: rows as of tocsind.write_cells(); recipients: where they come from, "msc" or "file";
        centre: more lines for the message centre; more: more sections."""
        sources = {"msc": tocsind.recipients_of_msc("msc-1"),
                   "file": tocsind.recipients_of_file("subscribers", self.recipients_file)}
        self.daemon.configure(cells, [*more, sms, sources[recipients],
                                      tocsind.message_centre(CENTRE, self.account.system_id, self.password_file,
                                                             lines=centre)], **rest)

    def wait_centre(self, state="up", timeout=30):
        wait_for(f"{CENTRE} {state}", lambda: self.daemon.peer_state(CENTRE) == state, timeout)

    def source(self):
        """What tocsind says of its one source of recipients."""
        return self.daemon.get("/v1/recipients")["sources"][0]

    def logs(self, lines=20):
        """The ends of all logs, for a failure."""
        text = ""
        for name in sorted(os.listdir(self.folder)) if self.folder else ():
            if name.endswith(".log"):
                with open(os.path.join(self.folder, name), errors="replace") as file:
                    text += f"--- {name}\n" + "".join(file.readlines()[-lines:])
        return text

    def close(self):
        if self.daemon:
            self.daemon.stop()
        if self.phones:
            self.phones.close()
        if self.core:
            self.core.stop()
        if self.namespace:
            self.namespace.remove()
            self.namespace = None
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
        atexit.unregister(self.close)
