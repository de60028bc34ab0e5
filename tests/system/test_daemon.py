# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole daemon against simulated BSCs: its answers, its durability, its manners under abuse."""

import atexit
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import world  # noqa: F401  (finds the modules of contrib/lab)
import cbsp
import tap
import tocsind
from bsc import SimulatedBsc
from lab import end_on_signals, tools_missing
from netns import Namespace, wait_for
from world import BINARY, SOURCE

FIRST = tocsind.listening_peer("bsc-1", port=48049)
SECOND = tocsind.listening_peer("bsc-2", port=48052)
CELLS = [f"001-01-1-{n}" for n in range(1, 41)]
OTHER_CELLS = [f"310-410-2-{n}" for n in range(1, 5)]       # a PLMN with three digits of MNC


def place(cell_id):
    lac, number = map(int, cell_id.split("-")[2:])
    return 10.0 + 10 * lac + 0.1 * number, 10.0


def circle(*cell_ids):
    return [(*place(cell_id), 0.5) for cell_id in cell_ids]


class DaemonTest(unittest.TestCase):
    """Each test has a namespace, a store and a daemon of its own."""
    PEERS = (FIRST,)
    ROWS = [(cell_id, "bsc-1", *place(cell_id), 1000) for cell_id in CELLS]

    def setUp(self):
        end_on_signals()
        self.namespace = Namespace()
        self.addCleanup(self.namespace.remove)
        self.folder = tempfile.mkdtemp(prefix=self.namespace.name + ".")
        self.addCleanup(shutil.rmtree, self.folder, True)
        atexit.register(shutil.rmtree, self.folder, True)
        self.daemon = tocsind.Tocsind(self.namespace, self.folder, BINARY)
        self.daemon.configure(self.ROWS, self.PEERS)
        self.addCleanup(self.daemon.stop)

    def explain(self):
        try:
            with open(self.daemon.log_file, errors="replace") as file:
                return "".join(file.readlines()[-40:])
        except OSError:
            return ""

    def bsc(self, **how):
        """A simulated BSC that sends nothing we would not expect of one."""
        bsc = SimulatedBsc(self.namespace, **how)
        self.addCleanup(bsc.close)
        self.addCleanup(lambda: self.assertEqual(bsc.faults, []))
        return bsc

    def start(self):
        self.daemon.start()

    def wait_link(self, state, peer="bsc-1", timeout=20):
        wait_for(f"{peer} {state}", lambda: self.daemon.peer_state(peer) == state, timeout)

    def post(self, text, *cell_ids, **more):
        """The answer's body."""
        answer = self.daemon.post(tocsind.cap_alert(text, circle(*cell_ids), **more))
        self.assertEqual(answer.status, 202, answer.body)
        return answer.json

    def wait_states(self, alert_id, wanted, timeout=30):
        """wanted: {cell id: state}."""
        def states():
            return {row["id"]: row["state"] for row in self.daemon.targets(alert_id)}
        try:
            wait_for("", lambda: states() == wanted, timeout, 0.2)
        except TimeoutError:
            self.fail(f"status {states()}, wanted {wanted}")

    def refused(self, document, status, code, **more):
        answer = self.daemon.post(document, **more)
        self.assertEqual((answer.status, answer.json["type"]), (status, f"/v1/problems/{code}"), answer.body)
        self.assertEqual(answer.headers["Content-Type"].split(";")[0], "application/problem+json")
        self.assertEqual(answer.json["status"], status)
        self.assertTrue(answer.json["detail"])
        return answer


def keys(answer):
    return {(m["message_identifier"], m["serial_number"]) for m in answer["messages"]}


class Configuration(unittest.TestCase):
    def check(self, text):
        """(exit status, what was printed) of tocsind -T."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tocsind.cfg")
            with open(path, "w") as file:
                file.write(text)
            with open(os.path.join(folder, "cells.csv"), "w") as file:
                file.write("type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg\n")
            done = subprocess.run([BINARY, "-T", "-c", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, cwd=folder, timeout=20)
            return done.returncode, done.stdout

    def test_example(self):
        """the example configuration passes -T"""
        done = subprocess.run([BINARY, "-T", "-c", "tocsind.cfg"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=20,
                              cwd=os.path.join(SOURCE, "doc", "examples"))
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_broken(self):
        """-T refuses a broken configuration and names the line"""
        good = tocsind.config("/nonexistent", "cells.csv", [FIRST]).splitlines()
        self.assertEqual(self.check("\n".join(good) + "\n")[0], 0)
        for old, new in ((" listen ", " listen 127.0.0.1 http"), (" language en", " langauge en"),
                         (" role listen", " role both"), (" local-port ", " local-port 70000"),
                         (" remote-ip ", " remote-ip bsc.example.org"), (" repetition-period ", " repetition-period 0"),
                         ("peer ", "peer bsc-1 sbcap"), ("store", "stroe"), (" loopback-default", " loopback")):
            number = next(i for i, line in enumerate(good) if line.startswith(old))
            status, output = self.check("\n".join(good[:number] + [new] + good[number + 1:]) + "\n")
            with self.subTest(line=new):
                self.assertNotEqual(status, 0)
                self.assertRegex(output, rf"tocsind\.cfg:{number + 1}\b")


class Answers(DaemonTest):
    def setUp(self):
        super().setUp()
        with open(os.path.join(self.folder, "token"), "w") as file:
            file.write("a-secret-of-the-tests-0123456789\n")
        self.daemon.configure(self.ROWS, self.PEERS, originators={
            "demo-agency": "loopback-default", "other": f"token-file {self.folder}/token"})

    def test_answers(self):
        """every wrong request gets the answer that is promised for it, and none reaches the BSC"""
        bsc = self.bsc()
        self.start()
        self.wait_link("up")
        good = tocsind.cap_alert("Good.", circle(CELLS[0]))
        token = {"Authorization": "Bearer a-secret-of-the-tests-0123456789"}
        answer = self.refused(good, 401, "originator-unknown", headers={"Authorization": "Bearer nobody"})
        self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
        self.refused(good, 415, "media-type", content_type="text/plain")
        self.refused(good[:-10], 400, "cap-not-well-formed")
        self.refused(good.replace("<alert ", "<!DOCTYPE alert []><alert "), 400, "cap-doctype")
        self.refused("<a/>", 422, "cap-not-cap")
        self.refused(good.replace("<scope>Public</scope>", ""), 422, "cap-schema")
        self.refused(good.replace("<expires>", "<onset>").replace("</expires>", "</onset>"), 422, "cap-no-expires")
        self.refused(tocsind.cap_alert("Late.", circle(CELLS[0]), sent=tocsind.cap_time(-60), life=-10),
                     422, "cap-expired")
        self.refused(tocsind.cap_alert("Nowhere.", [(-60, -60, 1)]), 422, "area-no-cells")
        self.refused(good.replace("<circle>", "<circle>x"), 422, "area-circle")
        self.refused(good.replace("<circle>", "<polygon>").replace("</circle>", "</polygon>"), 422, "area-polygon")
        self.refused(tocsind.cap_alert("Draft.", circle(CELLS[0]), status="Draft"), 422, "cap-status")
        self.refused(tocsind.cap_cancel("unheard-of", tocsind.cap_time()), 422, "cap-reference-unknown")
        big = tocsind.cap_alert("x" * (9 << 20), circle(CELLS[0]))
        self.refused(big, 413, "too-large")
        for method, path, status in (("GET", "/v1/nothing", 404), ("GET", "/v1/alerts/0123", 404),
                                     ("PUT", "/v1/alerts", 405), ("DELETE", "/v1/peers", 405)):
            self.assertEqual(self.daemon.request(method, path).status, status, path)
        self.assertEqual(bsc.count(cbsp.WRITE), 0)

        first = self.daemon.post(good)
        self.assertEqual(first.status, 202)
        self.assertEqual(first.headers["Location"], "/v1/alerts/" + first.json["id"])
        again = self.daemon.post(good)
        self.assertEqual((again.status, again.body), (202, first.body))
        self.refused(good.replace("Good.", "Other."), 409, "cap-duplicate")
        # The same document of another originator is another alert, and nobody cancels for another.
        other = self.daemon.post(good, headers=token)
        self.assertEqual(other.status, 202)
        self.assertNotEqual(other.json["id"], first.json["id"])
        identifier = good.split("<identifier>")[1].split("<")[0]
        sent = good.split("<sent>")[1].split("<")[0]
        self.refused(tocsind.cap_cancel(identifier, sent, by="somebody@example.org"), 403, "originator-forbidden")
        cancelled = self.daemon.post(tocsind.cap_cancel(identifier, sent), headers=token)
        self.assertEqual((cancelled.status, cancelled.json["cancels"]), (202, [other.json["id"]]))
        self.assertIsNone(self.daemon.alert(first.json["id"])["cancelled_by"])
        mine = self.post("Mine.", CELLS[1], identifier="mine", sent=sent)
        self.refused(tocsind.cap_cancel("mine", sent), 403, "originator-forbidden", headers=token)
        self.assertIsNone(self.daemon.alert(mine["id"])["cancelled_by"])
        self.assertEqual(self.daemon.request("GET", f"/v1/alerts/{first.json['id']}/document").body, good.encode())

    def test_wrong_peer(self):
        """a connection from an address that is not configured is closed, and disturbs nobody"""
        bsc = self.bsc()
        self.start()
        self.wait_link("up")
        stranger = self.namespace.socket()
        with stranger:
            stranger.bind(("127.0.0.9", 0))
            stranger.settimeout(5)
            try:
                stranger.connect(("127.0.0.1", 48049))
                self.assertEqual(stranger.recv(100), b"")
            except ConnectionError:
                pass
        self.post("Still there.", CELLS[0])
        wait_for("the write", lambda: bsc.held(CELLS[0]), 10)
        self.assertEqual(bsc.connections, 1)

    def test_end(self):
        """SIGTERM ends it at once with status 0, with an alert on the air, and the alert goes on after"""
        bsc = self.bsc()
        self.start()
        answer = self.post("Goes on.", CELLS[0])
        wait_for("the write", lambda: bsc.held(CELLS[0]), 10)
        begun = time.monotonic()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertLess(time.monotonic() - begun, 4)
        self.start()
        self.wait_states(answer["id"], {CELLS[0]: "broadcasting"})
        self.assertEqual(bsc.held(CELLS[0]), keys(answer))


class Durability(DaemonTest):
    def burst(self, stop, accepted):
        """Post until told to stop or cut off; what was answered 202 goes into accepted."""
        while not stop.is_set():
            cell = random.choice(CELLS[:20])
            document = tocsind.cap_alert("Burst.", circle(cell))
            try:
                answer = self.daemon.post(document)
            except OSError:
                return
            if answer.status == 202:
                accepted.append((cell, answer.json))

    def test_kill(self):
        """what was answered 202 is there after kill -9, in status and at the BSC, under its serial number"""
        seed = random.randrange(1 << 32)
        print(f"# seed {seed}")
        dice = random.Random(seed)
        bsc = self.bsc()
        self.start()
        accepted = []
        for _ in range(4):
            self.wait_link("up")
            stop = threading.Event()
            posters = [threading.Thread(target=self.burst, args=(stop, accepted)) for _ in range(3)]
            before = len(accepted)
            for poster in posters:
                poster.start()
            # A random moment, but not before something was answered.
            wait_for("an answer", lambda: len(accepted) > before, 20, 0.001)
            stop.wait(dice.uniform(0, 0.3))
            self.daemon.kill()
            stop.set()
            for poster in posters:
                poster.join()
            self.start()
        self.assertGreater(len(accepted), 20)
        self.assertEqual(len({key for _, answer in accepted for key in keys(answer)}), len(accepted))
        for cell, answer in accepted:
            alert = self.daemon.alert(answer["id"])
            self.assertEqual([(m["message_identifier"], m["serial_number"]) for m in alert["messages"]],
                             [(m["message_identifier"], m["serial_number"]) for m in answer["messages"]])
        self.assert_owed(bsc, accepted)

    def assert_owed(self, bsc, accepted):
        """All of it is at the BSC, or waits for nothing but room in its cell."""
        def missing():
            left = []
            for cell, answer in accepted:
                if not keys(answer) <= bsc.held(cell):
                    row = self.daemon.targets(answer["id"])[0]
                    if (row["state"], row["waits_for"]) != ("queued", "capacity"):
                        left.append((cell, row["state"], row["waits_for"], row["doubt"]))
            return left
        try:
            wait_for("", lambda: not missing(), 60, 1)
        except TimeoutError:
            self.fail(f"not at the BSC: {missing()[:5]}")

    def test_lost_by_peer(self):
        """a BSC that comes back empty gets everything again; one that comes back full is not alarmed twice"""
        bsc = self.bsc()
        self.start()
        answer = self.post("Stays.", *CELLS[:3])
        self.wait_states(answer["id"], dict.fromkeys(CELLS[:3], "broadcasting"))
        for empty in (False, True):
            bsc.close()
            self.wait_link("down")
            bsc = self.bsc(on_air=None if empty else bsc.on_air)
            self.wait_link("up")
            self.wait_states(answer["id"], dict.fromkeys(CELLS[:3], "broadcasting"))
            for cell in CELLS[:3]:
                self.assertEqual(bsc.held(cell), keys(answer))
            self.assertEqual(bsc.count(cbsp.KILL), 0)

    def test_full_disk(self):
        """a full disk refuses alerts with 507 or 503 and loses none; with room again it goes on"""
        disk = os.path.join(self.folder, "disk")
        os.mkdir(disk)
        self.daemon.configure(self.ROWS, self.PEERS, store=disk)
        # A mount that only the daemon sees, and that goes with it.
        self.daemon.wrapper = ["unshare", "--mount", "sh", "-c",
                               f'mount -t tmpfs -o size=48m tmpfs {disk} && exec "$@"', "sh"]
        bsc = self.bsc()
        self.start()
        self.wait_link("up")
        identifier, sent = tocsind.new_identifier(), tocsind.cap_time()
        before = self.post("Before.", CELLS[0], identifier=identifier, sent=sent)
        self.wait_states(before["id"], {CELLS[0]: "broadcasting"})
        ballast = f"/proc/{self.daemon.process.pid}/root{disk}/ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        accepted, refused = [before["id"]], 0
        for cell in CELLS[1:21]:
            # Long documents, since the log of the database holds its room in advance.
            answer = self.daemon.post(tocsind.cap_alert("While full. " * 50000, circle(cell)))
            if answer.status == 202:
                # There was still room in a file.
                accepted.append(answer.json["id"])
                continue
            self.assertIn(answer.status, (503, 507), answer.body)
            self.assertEqual(bsc.held(cell), set())
            refused += 1
        self.assertGreater(refused, 0)
        # Ending what is on the air must be possible to the last.
        self.assertEqual(self.daemon.post(tocsind.cap_cancel(identifier, sent)).status, 202)
        self.wait_states(before["id"], {CELLS[0]: "stopped"})
        self.assertEqual(bsc.held(CELLS[0]), set())
        self.assertEqual(self.daemon.peer_state("bsc-1"), "up")
        self.assertIn(self.daemon.request("GET", "/v1/health").status, (200, 503))
        os.unlink(ballast)
        wait_for("it to take alerts again",
                 lambda: self.daemon.post(tocsind.cap_alert("After.", circle(CELLS[30]))).status == 202, 60, 1)
        wait_for("the write", lambda: bsc.held(CELLS[30]), 20)
        listed = {alert["id"] for alert in self.daemon.get("/v1/alerts?max=100")["alerts"]}
        self.assertLessEqual(set(accepted), listed)


class Links(DaemonTest):
    PEERS = (FIRST, SECOND)
    ROWS = [(cell_id, "bsc-1", *place(cell_id), 1000) for cell_id in CELLS] + \
           [(cell_id, "bsc-2", *place(cell_id), 1000) for cell_id in OTHER_CELLS]

    def test_partial(self):
        """cells that one BSC refuses are shown refused, all others broadcast"""
        bsc = self.bsc()
        other = self.bsc(address=("127.0.0.1", 48052))
        bsc.refuse = {CELLS[1]: 9}
        self.start()
        answer = self.post("Partly.", *CELLS[:3], OTHER_CELLS[0])
        self.assertEqual({p["peer"]: p["cells"] for p in answer["peers"]}, {"bsc-1": 3, "bsc-2": 1})
        self.wait_states(answer["id"], {CELLS[0]: "broadcasting", CELLS[1]: "refused", CELLS[2]: "broadcasting",
                                        OTHER_CELLS[0]: "broadcasting"})
        self.assertEqual(other.held(OTHER_CELLS[0]), keys(answer))

    def test_deaf(self):
        """a BSC that answers nothing is shown as unknown and delays nobody else"""
        deaf = self.bsc()
        deaf.deaf = True
        other = self.bsc(address=("127.0.0.1", 48052))
        self.start()
        self.wait_link("up", "bsc-2")
        begun = time.monotonic()
        answer = self.post("To both.", CELLS[0], OTHER_CELLS[0])
        wait_for("the write to the other", lambda: other.held(OTHER_CELLS[0]), 10)
        self.assertLess(time.monotonic() - begun, 2)
        self.wait_states(answer["id"], {CELLS[0]: "unknown", OTHER_CELLS[0]: "broadcasting"}, timeout=60)
        deaf.deaf = False
        self.wait_states(answer["id"], {CELLS[0]: "broadcasting", OTHER_CELLS[0]: "broadcasting"}, timeout=90)

    def test_vanished(self):
        """a BSC that vanished without a word and comes back from another port is believed at once"""
        self.namespace.few_orphan_retries()
        bsc = self.bsc()
        self.start()
        answer = self.post("Before.", CELLS[0])
        self.wait_states(answer["id"], {CELLS[0]: "broadcasting"})
        self.namespace.cut(48049)
        bsc.close()
        wait_for("its end gone", lambda: not self.namespace.connections_to(48049), 30)
        self.namespace.heal(48049)
        bsc = self.bsc()
        wait_for("the alert at the new connection", lambda: bsc.held(CELLS[0]) == keys(answer), 30)
        second = self.post("After.", CELLS[1])
        self.wait_states(second["id"], {CELLS[1]: "broadcasting"})
        self.assertEqual(bsc.connections, 1)

    def test_slow_clients(self):
        """clients that send slowly or not at all do not delay an alert"""
        bsc = self.bsc()
        self.start()
        self.wait_link("up")
        slow = []
        self.addCleanup(lambda: [sock.close() for sock in slow])
        for n in range(60):
            sock = self.namespace.connect(tocsind.HTTP_ADDRESS)
            slow.append(sock)
            if n % 3:
                sock.sendall(b"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/cap+xml\r\n")
            if n % 3 == 2:
                sock.sendall(b"Content-Length: 100000\r\n\r\n<alert")
        begun = time.monotonic()
        self.post("In time.", CELLS[0])
        wait_for("the write", lambda: bsc.held(CELLS[0]), 10)
        self.assertLess(time.monotonic() - begun, 2)

    def test_import(self):
        """SIGHUP takes the new cell table, keeps links and alerts; a wrong table changes nothing"""
        bsc = self.bsc()
        self.start()
        before = self.post("Before.", CELLS[0])
        self.wait_states(before["id"], {CELLS[0]: "broadcasting"})
        new = "001-01-1-77"
        rows = [row for row in self.ROWS if row[0] != CELLS[5]] + [(new, "bsc-1", *place(new), 1000)]
        total = len(self.ROWS)
        self.assertEqual(self.daemon.get("/v1/cells")["total"], total)

        tocsind.write_cells(self.daemon.cells_file, rows + [("001-01-1-78", "bsc-1", 91.0, 10.0, 1000)])
        self.daemon.process.send(signal.SIGHUP)
        self.refused(tocsind.cap_alert("Not yet.", circle(new)), 422, "area-no-cells")
        tocsind.write_cells(self.daemon.cells_file, rows)
        self.daemon.process.send(signal.SIGHUP)

        def ids():
            return {cell["id"] for cell in self.daemon.get("/v1/cells?max=1000")["cells"]}
        wait_for("the new table", lambda: ids() == {row[0] for row in rows}, 15)
        after = self.post("After.", new)
        self.wait_states(after["id"], {new: "broadcasting"})
        self.wait_states(before["id"], {CELLS[0]: "broadcasting"})
        self.assertEqual(bsc.held(CELLS[0]), keys(before))
        self.assertEqual(bsc.connections, 1)


if __name__ == "__main__":
    tap.main(tools_missing())
