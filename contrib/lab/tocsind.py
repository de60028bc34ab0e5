# SPDX-License-Identifier: AGPL-3.0-or-later
"""tocsind as its users see it: a configuration file, a process, an HTTP interface; and CAP to send."""

import csv
import datetime
import http.client
import json
import os
import secrets
from dataclasses import dataclass
from xml.sax.saxutils import escape

from netns import wait_for

HTTP_ADDRESS = ("127.0.0.1", 12380)
VTY_ADDRESS = ("127.0.0.1", 4290)


def listening_peer(name, port=48049, remote="127.0.0.1", lines=()):
    """The peer connects to tocsind."""
    return _peer(name, ["role listen", f"remote-ip {remote}", "local-ip 127.0.0.1", f"local-port {port}", *lines])


def connecting_peer(name, port=48050, local_port=48051, lines=()):
    """tocsind connects to the peer, always from the same port."""
    return _peer(name, ["role connect", "remote-ip 127.0.0.1", f"remote-port {port}", "local-ip 127.0.0.1",
                        f"local-port {local_port}", *lines])


def _peer(name, lines):
    return "\n ".join([f"peer {name} cbsp", *lines, "on-link-up reconcile", "repetition-period 15",
                       "no shutdown"]) + "\n"


def sms_rules(sender_id, lines=("class national always", "class severe always")):
    """Node "sms"; before the message centres, which are refused without a sender id."""
    return "\n ".join(["sms", f"sender-id {sender_id}", *lines]) + "\n"


def message_centre(name, system_id, password_file, port=2775, lines=()):
    """tocsind connects to it; lines: more of its configuration, as "mode store-and-forward"."""
    return "\n ".join([f"peer {name} smpp", "remote-ip 127.0.0.1", f"remote-port {port}", f"system-id {system_id}",
                       f"password-file {password_file}", "backoff 100 1000", *lines, "no shutdown"]) + "\n"


def recipients_of_file(name, path):
    return f"recipients {name} file\n path {path}\n no shutdown\n"


def recipients_of_msc(name, port=4254, plmn=(1, 1), poll_s=5):
    return "\n ".join([f"recipients {name} osmo-msc", "remote-ip 127.0.0.1", f"vty-port {port}",
                       f"plmn {plmn[0]:03d} {plmn[1]:02d}", f"poll-interval {poll_s}", "no shutdown"]) + "\n"


def config(folder, cells_file, peers, http=HTTP_ADDRESS, originators=None, profile=()):
    """Text of a configuration file."""
    originators = originators or {"demo-agency": "loopback-default"}
    text = ("log stderr\n logging filter all 1\n logging color 0\n logging timestamp 1\n"
            " logging print category 1\n logging level set-all info\n"
            f"line vty\n no login\n bind {VTY_ADDRESS[0]} {VTY_ADDRESS[1]}\n"
            f"store\n directory {folder}\nhttp\n listen {http[0]} {http[1]}\n")
    for name, how in originators.items():
        text += f"originator {name}\n {how}\n"
    text += f"cells\n file {cells_file}\n"
    text += "".join(["profile eu-alert\n language en\n", *(f" {line}\n" for line in profile)])
    return text + "".join(peers)


def write_cells(path, rows):
    """rows: (cell id, peer, lat, lon, range in metres)."""
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow("type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg".split(","))
        for cell_id, peer, lat, lon, range_m in rows:
            out.writerow(["cgi", cell_id, peer, f"{lat:.5f}", f"{lon:.5f}", range_m, "", ""])


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Tocsind:
    """One daemon in a namespace; may be killed and started again on the same store."""

    def __init__(self, namespace, folder, binary):
        self.namespace = namespace
        self.folder = folder
        self.binary = binary
        self.store = os.path.join(folder, "store")
        self.cells_file = os.path.join(folder, "cells.csv")
        self.config_file = os.path.join(folder, "tocsind.cfg")
        self.log_file = os.path.join(folder, "tocsind.log")
        self.wrapper = []           # a command that ends by becoming the daemon
        self.process = None
        os.makedirs(self.store, exist_ok=True)

    def configure(self, rows, peers, store=None, **more):
        write_cells(self.cells_file, rows)
        with open(self.config_file, "w") as file:
            file.write(config(store or self.store, self.cells_file, peers, **more))

    def start(self, timeout=20):
        self.process = self.namespace.start([*self.wrapper, self.binary, "-c", self.config_file], self.log_file)
        wait_for("the HTTP port of tocsind", self._serving_or_dead, timeout)

    def _serving_or_dead(self):
        if not self.process.running():
            raise RuntimeError(f"tocsind ended with {self.process.returncode()}:\n" + self.process.log_tail())
        return self.namespace.listening(HTTP_ADDRESS)

    def stop(self):
        """Returns the exit status."""
        return self.process.stop() if self.process else None

    def kill(self):
        self.process.kill()

    def request(self, method, path, body=None, headers=None, timeout=20):
        connection = http.client.HTTPConnection(*HTTP_ADDRESS)
        connection.sock = self.namespace.connect(HTTP_ADDRESS, timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def post(self, document, content_type="application/cap+xml", headers=None):
        return self.request("POST", "/v1/alerts", document.encode() if isinstance(document, str) else document,
                            {"Content-Type": content_type, **(headers or {})})

    def get(self, path):
        answer = self.request("GET", path)
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status} {answer.body[:300]!r}")
        return answer.json

    def alert(self, alert_id):
        return self.get(f"/v1/alerts/{alert_id}")

    def targets(self, alert_id, kind="cells"):
        """All rows of /v1/alerts/{id}/cells, or of its recipients."""
        rows, after = [], ""
        while after is not None:
            page = self.get(f"/v1/alerts/{alert_id}/{kind}" + (f"?after={after}" if after else ""))
            rows += page[kind]
            after = page.get("next")
        return rows

    def recipients(self, alert_id):
        """{IMSI: row}; each stands in the list once."""
        rows = self.targets(alert_id, "recipients")
        found = {row["imsi"]: row for row in rows}
        if len(found) != len(rows):
            raise RuntimeError(f"{len(rows) - len(found)} recipients of alert {alert_id} stand in it twice")
        return found

    def peer_state(self, name):
        for peer in self.get("/v1/peers")["peers"]:
            if peer["peer"] == name:
                return peer["state"]
        return None


# CAP documents.

def cap_time(seconds_from_now=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)
    return moment.strftime("%Y-%m-%dT%H:%M:%S-00:00")


def new_identifier():
    return "test-" + secrets.token_hex(8)


def _alert(identifier, sender, sent, status, msg_type, rest):
    return ('<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">\n'
            f"<identifier>{escape(identifier)}</identifier><sender>{escape(sender)}</sender><sent>{sent}</sent>\n"
            f"<status>{status}</status><msgType>{msg_type}</msgType><scope>Public</scope>\n{rest}</alert>\n")


def cap_alert(text, areas, identifier=None, sender="agency@example.org", sent=None, life=600, status="Actual",
              event="Flood", language="en", severity="Severe", urgency="Immediate", certainty="Observed"):
    """An alert whose description is text. areas: (latitude, longitude, radius in km) circles."""
    circles = "".join(f"<circle>{lat:.5f},{lon:.5f} {radius:g}</circle>" for lat, lon, radius in areas)
    return _alert(identifier or new_identifier(), sender, sent or cap_time(), status, "Alert",
                  f"<info><language>{language}</language><category>Safety</category><event>{escape(event)}</event>"
                  f"<urgency>{urgency}</urgency><severity>{severity}</severity><certainty>{certainty}</certainty>"
                  f"<expires>{cap_time(life)}</expires><description>{escape(text)}</description>"
                  f"<area><areaDesc>here</areaDesc>{circles}</area></info>\n")


def cap_cancel(identifier, sent, sender="agency@example.org", by=None, status="Actual"):
    """Of the alert of that sender; by: who sends the Cancel, if somebody else."""
    return _alert(new_identifier(), by or sender, cap_time(), status, "Cancel",
                  f"<references>{escape(sender)},{escape(identifier)},{sent}</references>\n")
