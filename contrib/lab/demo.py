# SPDX-License-Identifier: AGPL-3.0-or-later
"""The part of contrib/demo that runs in the lab: post the example alert, listen, cancel it, listen.

Exit status 0 only if the air said exactly the right thing in every cell, and our status agreed."""

import os
import re
import secrets
import time

from air import PERIOD_UNIT_S
from lab import Lab, cells, tools_missing, wait_for
from relay import Relay
from show import EXAMPLES, Wrong, check, clock, example, failed, main, post, say
from tocsind import HTTP_ADDRESS, VTY_ADDRESS, Tocsind, cap_time, listening_peer

REPETITION_PERIOD = 15
SILENCE_S = 2 * REPETITION_PERIOD * PERIOD_UNIT_S
# osmo-bts has at most this many pages in hand when a message is stopped.
PAGES_IN_HAND = 4

CELLS = cells((100, 1001), (100, 1002), (200, 2001))
WARNED = (CELLS[0], CELLS[2])
SPARED = (CELLS[1],)
# The example's polygon is 49.95 to 50.05 north, 9.95 to 10.05 east.
PLACES = {CELLS[0]: (50.01, 10.01), CELLS[1]: (50.20, 10.20), CELLS[2]: (49.98, 9.97)}


class Demo:
    def __init__(self, lab, daemon, relay):
        self.lab = lab
        self.daemon = daemon
        self.url = relay.url
        self.shown = {}             # (cell id, message): state last printed
        self.identifier = "flood-" + secrets.token_hex(6)
        self.sent = cap_time()
        self.started = 0.0
        self.answer = None

    def post(self, name, document):
        return post(self.url, self.lab.folder, name, document)

    def show_states(self):
        """Print what changed; return {(cell id, message number): state}."""
        states = {}
        for row in self.daemon.targets(self.answer["id"]):
            key = (row["id"], row["message"])
            states[key] = row["state"]
            if self.shown.get(key) != row["state"]:
                self.shown[key] = row["state"]
                why = row.get("waits_for") or row.get("doubt")
                say(f"  {clock()} status of cell {row['id']}: {row['state']}" + (f" ({why})" if why else ""))
        return states

    def all_states(self, wanted):
        states = self.show_states()
        return bool(states) and all(state == wanted for state in states.values())

    def heard(self, cell):
        """The text of the alert's message heard in a cell, None while it is not whole."""
        message = self.answer["messages"][0]
        broadcast = self.lab.air.broadcasts(cell).get((message["message_identifier"], message["serial_number"]))
        return broadcast.text() if broadcast else None

    def alert(self):
        say("\n-- The alert: doc/examples/flood.cap.xml with its own identifier, sent now, for ten minutes.")
        document = example("flood.cap.xml", identifier=self.identifier, sent=self.sent, expires=cap_time(600))
        self.started = time.time()
        self.answer = self.post("alert.xml", document)
        check(len(self.answer["messages"]) == 1, "the alert became more than one message")
        warned = {cell.id for cell in WARNED}
        say("")
        try:
            wait_for("all warned cells broadcasting", lambda: self.all_states("broadcasting"), 60, 0.5)
            wait_for("the whole text on the air of all warned cells",
                     lambda: all(self.heard(cell) for cell in WARNED), 60, 0.5)
        except TimeoutError as timeout:
            raise Wrong(timeout) from None
        check({cell for cell, _ in self.shown} == warned, f"the status names other cells than {warned}")
        self.show_texts(document)

    def show_texts(self, document):
        asked = self.answer["messages"][0]["text"]
        say(f"\n  asked for              : {asked!r}")
        for cell in WARNED:
            heard = self.heard(cell)
            say(f"  on the air of {cell.lac}/{cell.ci} : {heard!r}")
            check(heard == asked, f"cell {cell.id} did not broadcast the text that was asked for")
        for element in ("headline", "description", "instruction"):
            text = re.search(f"<{element}>([^<]*)</{element}>", document)[1]
            check(text in asked, f"the {element} is not in the text")
        self.check_spared()

    def check_spared(self):
        for cell in SPARED:
            now = self.lab.air.last_frame(cell)
            reason = self.lab.air.not_silent(cell, self.started, now)
            check(reason is None, reason)
            say(f"  on the air of {cell.lac}/{cell.ci} : nothing, in {now - self.started:.0f} s in which"
                " it was heard sending all else")

    def cancel(self):
        say("\n-- The Cancel.")
        self.post("cancel.xml", example("flood-cancel.cap.xml", identifier=self.identifier + "-cancel", sent=cap_time(),
                                        references=f"flood@example.org,{self.identifier},{self.sent}"))
        say("")
        try:
            wait_for("all cells stopped", lambda: self.all_states("stopped"), 60, 0.5)
        except TimeoutError as timeout:
            raise Wrong(timeout) from None
        stopped = time.time()
        for cell in CELLS:
            check(not self.lab.bsc.smscb(cell), f"osmo-bsc still holds a message for cell {cell.id}")
        say(f"  osmo-bsc holds no message any more. Listening for two repetition periods, {SILENCE_S:.0f} s:")
        self.listen_for_silence(stopped)

    def listen_for_silence(self, stopped):
        deadline = stopped + (PAGES_IN_HAND + 1) * PERIOD_UNIT_S + SILENCE_S + 15
        reported = stopped
        while True:
            last = max([stopped] + [page.time for cell in CELLS for page in self.lab.air.pages(cell)])
            check(last <= stopped + PAGES_IN_HAND * PERIOD_UNIT_S,
                  f"a page {last - stopped:.1f} s after the status said stopped")
            heard_until = min(self.lab.air.last_frame(cell) for cell in CELLS)
            if heard_until - last >= SILENCE_S:
                break
            check(time.time() < deadline, "a cell is no longer in the capture")
            if time.time() - reported >= 10:
                reported = time.time()
                say(f"  {clock()} silent for {max(0, heard_until - last):.0f} s")
            time.sleep(0.5)
        for cell in CELLS:
            # The page that was on its way when the message was stopped took one more slot to send.
            reason = self.lab.air.not_silent(cell, last + 0.01, last + SILENCE_S)
            check(reason is None, reason)
        say(f"  {clock()} all cells were silent for {SILENCE_S:.0f} s, in which each was heard sending all else.")

    def check_nothing_else(self):
        message = self.answer["messages"][0]
        key = (message["message_identifier"], message["serial_number"])
        for cell in CELLS:
            broadcasts = self.lab.air.broadcasts(cell)
            check(set(broadcasts) == ({key} if cell in WARNED else set()),
                  f"cell {cell.id} broadcast {sorted(broadcasts)}")
            check(not self.lab.air.primaries(cell), f"an ETWS notification in cell {cell.id}")
            for broadcast in broadcasts.values():
                check(broadcast.problem() is None, f"cell {cell.id}: {broadcast.problem()}")
        self.check_spared()
        check(self.all_states("stopped"), "the status no longer says stopped")

    def stay(self):
        say(f"""
It stays up until Ctrl-C. Status in a browser or with curl:
  {self.url}/v1/alerts            {self.url}/v1/alerts/{self.answer['id']}/cells
  {self.url}/v1/peers             {self.url}/metrics
Post the alert again, as a new one:
  sed "s|<identifier>.*</identifier>|<identifier>flood-$(date +%s)</identifier>|
       s|<sent>.*</sent>|<sent>$(date -u +%FT%T-00:00)</sent>|
       s|<expires>.*</expires>|<expires>$(date -u -d '+10 min' +%FT%T-00:00)</expires>|" \\
    {os.path.normpath(EXAMPLES)}/flood.cap.xml |
    curl -H 'Content-Type: application/cap+xml' --data-binary @- {self.url}/v1/alerts
The operator's seat (as root): ip netns exec {self.lab.namespace.name} telnet {VTY_ADDRESS[0]} {VTY_ADDRESS[1]}
What the cells broadcast from now on appears here.
""")
        known = {cell: set(self.lab.air.broadcasts(cell)) for cell in CELLS}
        while True:
            for cell in CELLS:
                for key, broadcast in self.lab.air.broadcasts(cell).items():
                    if key not in known[cell] and broadcast.text():
                        known[cell].add(key)
                        say(f"  {clock()} on the air of {cell.lac}/{cell.ci}, message {key[0]}: {broadcast.text()!r}")
            time.sleep(1)


def run(arguments):
    say("-- Starting the radio network and tocsind.")
    with Lab(CELLS) as lab:
        daemon = Tocsind(lab.namespace, lab.folder, arguments.tocsind)
        daemon.configure([(cell.id, "bsc-1", *PLACES[cell], 1500) for cell in CELLS], [listening_peer("bsc-1")])
        try:
            daemon.start()
            lab.start()
            wait_for("the link to osmo-bsc", lambda: daemon.peer_state("bsc-1") == "up", 30)
            say(f"  Cells {', '.join(f'{cell.lac}/{cell.ci}' for cell in CELLS)} are on the air"
                f" (namespace {lab.namespace.name}); osmo-bsc is connected to tocsind.")
            relay = Relay(lab.namespace, HTTP_ADDRESS)
            demo = Demo(lab, daemon, relay)
            demo.alert()
            demo.cancel()
            demo.check_nothing_else()
            say("\nRIGHT: the warned cells broadcast exactly the text, the other cell nothing, and all stopped.")
            if not arguments.once:
                demo.stay()
        except Exception as reason:
            return failed(reason, lab.logs())
        finally:
            daemon.stop()
    return 0


main(run, tools_missing())
