# SPDX-License-Identifier: AGPL-3.0-or-later
"""The part of contrib/demo --sms that runs in the lab: post the example alert while the BSC is down, look at
what phones get, cancel it, look again.

Exit status 0 only if every phone in the area got exactly the text, every other nothing, and our status
agreed."""

import os
import secrets
import time

import msc
from lab import wait_for
from relay import Relay
from show import Wrong, check, clock, example, failed, main, post, say
from sms import CENTRE, SENDER_ID, SmsNetwork, cell_id
from tocsind import HTTP_ADDRESS, VTY_ADDRESS, cap_time, listening_peer, sms_rules

# The example's polygon is 49.95 to 50.05 north, 9.95 to 10.05 east: one cell of each location area is in it.
PLACES = {(100, 1001): (50.01, 10.01), (100, 1002): (50.20, 10.20),
          (200, 2001): (49.98, 9.97), (200, 2002): (50.20, 9.80)}
WARNED = ((100, 1001), (200, 2001))
AFTER_S = 10
ALL_CLEAR = "The warning is over."


class Demo:
    def __init__(self, network, relay, phones, latecomer):
        self.network = network
        self.daemon = network.daemon
        self.url = relay.url
        self.phones = phones
        self.latecomer = latecomer
        self.shown = {}             # (alert id, IMSI): state last printed
        self.identifier = "flood-" + secrets.token_hex(6)
        self.sent = cap_time()

    def warned(self):
        return [phone for phone in self.phones if (phone.lac, phone.ci) in WARNED and phone.attached]

    def show_states(self, answer):
        """Print what changed; return {IMSI: state}."""
        rows = self.daemon.recipients(answer["id"])
        for imsi, row in rows.items():
            if self.shown.get((answer["id"], imsi)) != row["state"]:
                self.shown[answer["id"], imsi] = row["state"]
                why = row["waits_for"] or row["doubt"] or (row["state"] == "delivered" and "by " + row["message_centre"])
                say(f"  {clock()} status of {imsi} in {row['location']['id']}: {row['state']}" +
                    (f" ({why})" if why else ""))
        return {imsi: row["state"] for imsi, row in rows.items()}

    def wait_delivered(self, answer):
        """Until the status says so of those in the area, and of nobody else."""
        wanted = {phone.imsi: "delivered" for phone in self.warned()}
        try:
            wait_for(f"delivered to {', '.join(wanted)}", lambda: self.show_states(answer) == wanted, 60, 0.5)
        except TimeoutError as timeout:
            raise Wrong(f"{timeout}: {self.show_states(answer)}") from None

    def check_phones(self, answers):
        """Each phone in the area has one SMS for each of the answers, in their order; no other has any."""
        say("")
        for phone in self.phones:
            asked = [answer["messages"][-1] for answer in answers] if phone in self.warned() else []
            say(f"  phone {phone.imsi} in {cell_id(phone.lac, phone.ci)}"
                f"{'' if phone.attached else ' (switched off)'}: {len(phone.sms) or 'no'} SMS")
            for sms in phone.sms:
                say(f"    from {sms.sender!r}, {sms.parts} part(s): {sms.text!r}")
            check([sms.text for sms in phone.sms] == [message["text"] for message in asked],
                  f"phone {phone.imsi} did not get what it was to get: {[m['text'] for m in asked]}")
            for sms, message in zip(phone.sms, asked):
                check(sms.sender == SENDER_ID, f"the sender is {sms.sender!r}")
                check(sms.parts == message["parts"], f"{sms.parts} parts, not {message['parts']}")
            check(asked or not phone.paged, f"phone {phone.imsi} was called although it is elsewhere")
        check(not self.network.phones.faults, self.network.phones.faults)

    def check_counts(self, answer):
        """The alert's own counts say the same as its list."""
        counts = self.daemon.alert(answer["id"])["recipients"]
        n = len(self.warned())
        check(counts["count"] == n and counts["states"] == {"delivered": n}, f"the alert counts {counts}")
        say(f"  the alert counts {n} recipients, all delivered")

    def alert(self):
        say("\n-- The alert: doc/examples/flood.cap.xml with its own identifier, sent now, for ten minutes."
            f"\n   Its BSC is down; {AFTER_S} s after that, people in its cells are told by SMS.")
        document = example("flood.cap.xml", identifier=self.identifier, sent=self.sent, expires=cap_time(600))
        answer = post(self.url, self.network.folder, "alert.xml", document)
        check([message["kind"] for message in answer["messages"]] == ["text", "short"], "not one text and one SMS")
        say("")
        self.wait_delivered(answer)
        self.check_phones([answer])
        say(f"\n-- A phone is switched on in {cell_id(*WARNED[0])}, while the alert lives.")
        self.network.phones.attach(self.latecomer)
        self.wait_delivered(answer)
        self.check_phones([answer])
        self.check_counts(answer)
        return answer

    def cancel(self, alert):
        say("\n-- The Cancel. Those who have the warning are told.")
        document = example("flood-cancel.cap.xml", identifier=self.identifier + "-cancel", sent=cap_time(),
                           references=f"flood@example.org,{self.identifier},{self.sent}")
        answer = post(self.url, self.network.folder, "cancel.xml", document)
        check(answer["cancels"] == [alert["id"]], "it cancels something else")
        say("")
        self.wait_delivered(answer)
        check(answer["messages"][-1]["text"] == ALL_CLEAR, "the all-clear has another text")
        self.check_phones([alert, answer])
        self.check_counts(answer)

    def stay(self):
        say(f"""
It stays up until Ctrl-C. Status in a browser or with curl:
  {self.url}/v1/alerts            {self.url}/v1/recipients
  {self.url}/v1/peers             {self.url}/metrics
The operator's seat (as root): ip netns exec {self.network.namespace.name} telnet {VTY_ADDRESS[0]} {VTY_ADDRESS[1]}
The seat of osmo-msc:          ip netns exec {self.network.namespace.name} telnet {msc.MSC_VTY[0]} {msc.MSC_VTY[1]}
What the phones get from now on appears here.
""")
        known = len(self.network.phones.sms)
        while True:
            for sms in self.network.phones.sms[known:]:
                known += 1
                say(f"  {clock()} phone {sms.imsi}: from {sms.sender!r}: {sms.text!r}")
            time.sleep(1)


def begin(network):
    """Everything up, all phones but the last switched on and known to tocsind; the phones."""
    cells = [(cell_id(*place), "bsc-1", *where, 1500) for place, where in PLACES.items()]
    network.configure(cells, more=[listening_peer("bsc-1")],
                      sms=sms_rules(SENDER_ID, [f"class severe unconfirmed {AFTER_S} entering",
                                                f"cancel-text {ALL_CLEAR}"]))
    network.start()
    phones = network.add_phones(*PLACES, WARNED[0])
    network.phones.attach(*phones[:-1])
    network.daemon.start()
    network.wait_centre()
    wait_for("the list of recipients", lambda: network.source()["recipients"] == len(phones) - 1, 30)
    return phones


def run(arguments):
    say("-- Starting osmo-stp, osmo-hlr, osmo-msc, phones and tocsind.")
    with SmsNetwork(os.path.abspath(arguments.tocsind)) as network:
        try:
            phones = begin(network)
            say(f"  {len(phones) - 1} phones are on in {', '.join(cell_id(*place) for place in PLACES)}"
                f" (namespace {network.namespace.name}); tocsind is bound to osmo-msc ({CENTRE}), bsc-1 is down.")
            demo = Demo(network, Relay(network.namespace, HTTP_ADDRESS), phones, phones[-1])
            demo.cancel(demo.alert())
            say("\nRIGHT: every phone in the area got exactly the text and the all-clear, no other phone anything.")
            if not arguments.once:
                demo.stay()
        except Exception as reason:
            return failed(reason, network.logs())
    return 0


main(run, msc.tools_missing())
