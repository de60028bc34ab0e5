# SPDX-License-Identifier: AGPL-3.0-or-later
"""Manual, man pages, examples and README, held against the program and the tree."""

import datetime
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.request
import xml.etree.ElementTree as ElementTree

SOURCE = os.path.abspath(os.environ.get("SRCDIR", "."))
TOCSIND = os.path.join(os.path.abspath(os.environ.get("BUILDDIR", ".")), "tocsind")
sys.path[:0] = [os.path.join(SOURCE, "contrib", "lab"), os.path.join(SOURCE, "tests", "system")]

import tap  # noqa: E402
from netns import wait_for  # noqa: E402
from osmocom import Vty  # noqa: E402

EXAMPLES = os.path.join(SOURCE, "doc", "examples")
# Nodes of libosmovty, which every Osmocom program has.
FOREIGN_NODES = {"config-log", "config-stats", "config-line"}

# Every command with a value that is not its default; ports as {names}.
EVERY_COMMAND = """\
line vty
 no login
 bind 127.0.0.1 {vty}
store
 directory {folder}/store
http
 listen 127.0.0.1 {http} intake
 listen ::1 {read} read
 listen 127.0.0.1 {both}
originator local
 loopback-default
originator agency
 token-file token
cells
 file cells.csv
sms
 sender-id Civil Alert
 class national always entering
 class severe unconfirmed 60
 class other never
 max-parts 3
 drill-prefix "EXERCISE "
 cancel-text The warning is over.
 on-unknown leave
recipients list file
 path recipients.csv
 max-age 86400
 no shutdown
recipients msc-1 osmo-msc
 remote-ip ::1
 local-ip ::1
 vty-port 4711
 plmn 001 001
 poll-interval 3600
 timeout 1
 shutdown
profile eu-alert
 language en
 language de-CH
 no rule 110
 rule 5 status actual severity extreme urgency immediate certainty observed event any message-identifier 4352 etws tsunami
 rule 6 status test severity any urgency any certainty any event flash_flood message-identifier 4393
 rule 240 status actual severity severe urgency past certainty unlikely event any message-identifier 919
peer bsc-1 cbsp
 role listen
 remote-ip ::1
 remote-port 4711
 local-ip ::1
 local-port {cbsp}
 on-link-up reset
 repetition-period 4095
 repetition-coding 12-bit
 keep-alive 120 timeout 1
 backoff 10 3600000
 tcp-user-timeout 0
 no shutdown
peer bsc-2 cbsp
 role connect
 remote-ip 127.0.0.1
 remote-port 1
 local-ip 127.0.0.1
 local-port 2
 on-link-up reconcile
 repetition-period 1
 repetition-coding 16-bit
 keep-alive 1 timeout 120
 backoff 1000 1000
 tcp-user-timeout 3600
 shutdown
peer smsc-1 smpp
 remote-ip 127.0.0.1
 remote-port 1
 system-id tocsin
 password-file token
 system-type ALERT
 bind transmitter-receiver
 mode store-and-forward
 destination msisdn
 preference 99
 window 1000
 rate 10000
 response-timeout 600
 shutdown
peer smsc-2 smpp
 remote-ip 127.0.0.1
 remote-port 1
 local-port 2
 system-id tocsin
 no rate
 no shutdown
"""


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def manual(chapter):
    return read("doc", "manual", chapter + ".adoc")


def free_port(address="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as sock:
        sock.bind((address, 0))
        return sock.getsockname()[1]


def connects(port):
    try:
        return socket.create_connection(("127.0.0.1", port), 5)
    except OSError:
        return None


def nodes(config):
    """{line that enters a node: lines in it} of the nodes that are our own."""
    found, lines = {}, []
    for line in config.splitlines():
        if line.startswith(" "):
            lines.append(line)
        elif re.match("(store|http|originator|cells|profile|sms|recipients|peer)\\b", line):
            lines = found.setdefault(line, [])
        else:
            lines = []
    return found


class Daemon:
    """tocsind with a configuration of its own, as long as the block."""

    def __init__(self, folder, config):
        self.folder = folder
        self.vty = int(re.search(r"^ bind 127\.0\.0\.1 (\d+)$", config, re.M)[1])
        with open(os.path.join(folder, "tocsind.cfg"), "w", encoding="utf-8") as file:
            file.write(config)

    def __enter__(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([TOCSIND, "-c", "tocsind.cfg"], cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        return self

    def command(self, *commands):
        """Answer of the last one."""
        session = Vty(wait_for("the VTY", lambda: self._alive() and connects(self.vty), 20))
        try:
            return [session.command(command) for command in commands][-1]
        finally:
            session.close()

    def _alive(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"tocsind ended with {self.process.returncode}: " + self.log())
        return True

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as file:
            return file.read()[-2000:]

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Case(unittest.TestCase):
    maxDiff = None

    def explain(self):
        return ""

    def same(self, ours, theirs, what):
        """Two sets; a difference is told by name."""
        self.assertEqual((sorted(ours - theirs), sorted(theirs - ours)), ([], []), what)


class Configuration(Case):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tocsin-documents.")
        self.addCleanup(shutil.rmtree, self.folder, True)
        for name in ("cells.csv", "recipients.csv"):
            shutil.copy(os.path.join(EXAMPLES, name), self.folder)
        with open(os.path.join(self.folder, "token"), "w") as file:
            file.write("a-token-of-the-tests-0123456789\n")

    def written(self, config):
        with Daemon(self.folder, config) as daemon:
            text = daemon.command("enable", "write terminal")
        return "\n".join(line for line in text.splitlines() if line.strip() not in ("", "Current configuration:")) + "\n"

    def round_trip(self, config):
        written = self.written(config)
        self.assertEqual(self.written(written), written)
        found = nodes(written)
        for node, lines in nodes(config).items():
            self.assertIn(node, found)
            self.assertEqual([line for line in lines if line not in found[node]], [], node)

    def example(self):
        """The example as it can run here."""
        text = read("doc", "examples", "tocsind.cfg")
        for port in set(re.findall(r"^ (?:bind|listen) \S+ (\d+)|^ local-port (\d+)", text, re.M)):
            text = re.sub(rf"\b{''.join(port)}\b", str(free_port()), text)
        return text.replace("directory /var/lib/tocsin", f"directory {self.folder}/store")

    def test_example_checked(self):
        """the example configuration passes -T in its folder"""
        done = subprocess.run([TOCSIND, "-T", "-c", "tocsind.cfg"], cwd=EXAMPLES, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_example_nodes(self):
        """the example configuration has every node, and peers of both roles"""
        example = nodes(read("doc", "examples", "tocsind.cfg"))
        self.assertEqual({node.split()[0] for node in example},
                         {"store", "http", "originator", "cells", "profile", "sms", "recipients", "peer"})
        self.assertEqual({node.split()[2] for node in example if len(node.split()) > 2},
                         {"cbsp", "smpp", "file", "osmo-msc"})
        peers = [lines for node, lines in example.items() if node.endswith(" cbsp")]
        self.assertEqual({line for lines in peers for line in lines if line.startswith(" role ")},
                         {" role listen", " role connect"})

    def test_example_written(self):
        """what a daemon with the example configuration writes is read back as the same"""
        self.round_trip(self.example())

    def test_every_command_written(self):
        """what a daemon with a value for every command writes is read back as the same"""
        self.round_trip(EVERY_COMMAND.format(
            folder=self.folder, vty=free_port(), http=free_port(), read=free_port("::1"), both=free_port(),
            cbsp=free_port("::1")))

    def test_every_command_tried(self):
        """the configuration with a value for every command leaves none out"""
        tried = {tuple(line.split()[:1 + line.startswith(" no ")]) for line in EVERY_COMMAND.splitlines()}
        missing = [command for command in vty_commands()
                   if tuple(words(command)[:1 + command.startswith("no ")]) not in tried]
        # What these take away cannot stand in a file, and their opposites are tried.
        self.assertEqual(missing, [c for c in missing if re.match("no (listen|originator|loopback|language|cancel-text|recipients|peer)", c)])

    def test_counters(self):
        """every counter of a running daemon that has taken an alert is in the manual"""
        config = self.example()
        url = "http://127.0.0.1:" + re.search(r"^ listen \S+ (\d+)", config, re.M)[1]
        with Daemon(self.folder, config) as daemon:
            wait_for("ready", lambda: daemon._alive() and connects(int(url.split(":")[-1])), 20).close()
            post = urllib.request.Request(url + "/v1/alerts", example_alert(), {"Content-Type": "application/cap+xml"})
            with urllib.request.urlopen(post, timeout=20) as answer:
                self.assertEqual(answer.status, 202)
            text = wait_for("the gauge", lambda: has_gauge(url + "/metrics"), 20)
        names = set(re.findall(r"^# TYPE (\w+)", text, re.M))
        self.assertTrue(names)
        self.same(names, set(re.findall(r"`(tocsin_\w+)`", manual("operations"))), "counters")


def example_alert():
    """The example alert, as if it were sent now."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    text = read("doc", "examples", "flood.cap.xml")
    text = re.sub("<sent>.*</sent>", f"<sent>{now.isoformat()}</sent>", text)
    return re.sub("<expires>.*</expires>", f"<expires>{(now + datetime.timedelta(minutes=10)).isoformat()}</expires>",
                  text).encode()


def has_gauge(url):
    """/metrics once it has the gauge that an alert makes: it is rendered once a second."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        text = answer.read().decode()
    return text if "tocsin_ledger_" in text else None


def words(command):
    """Words of a command, without the marks of choice, option and rest of the line."""
    return [word.lstrip(".") for word in re.sub(r"[()|\[\]]", " ", command).split()]


def vty_commands():
    """Our own configuration commands, from the program."""
    done = subprocess.run([TOCSIND, "--vty-ref-xml"], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    root = ElementTree.fromstring(done.stdout)
    space = {"v": root.tag[1:].split("}")[0]}
    commands = {node.get("id"): [command.get("id") for command in node.findall("v:command", space)]
                for node in root.findall("v:node", space)}
    own = [node for node in commands if node.startswith("config-") and node not in FOREIGN_NODES]
    heads = {node.split("-")[1] for node in own}
    found = [command for command in commands["config"]
             if re.sub("^no ", "", command).split()[0] in heads]
    return found + [command for node in own for command in commands[node]]


def documented_commands():
    """Commands in tocsind.cfg.5, each as its words; one with an option is two."""
    page = read("doc", "man", "tocsind.cfg.5")
    page = page[page.index(".Ss store"):page.index(".Ss Log and VTY")]
    page = re.sub(r"\.It Xo\n(.*?)\n\.Xc", lambda m: ".It " + m[1].lstrip(".").replace("\n.", " "), page, flags=re.S)
    found = set()
    for item in re.findall(r"^\.It (Ic .*)$", page, re.M):
        full = re.sub(r"\b(Ic|Ar|Pq)\b", " ", item).replace("|", " ")
        found.add(tuple(full.replace("Op", " ").split()))
        found.add(tuple(full.split("Op")[0].split()))
    return found


class ManPages(Case):
    def test_lint(self):
        """mandoc finds nothing to complain about"""
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is missing")
        for page in ("tocsind.8", "tocsind.cfg.5"):
            done = subprocess.run(["mandoc", "-Tlint", os.path.join(SOURCE, "doc", "man", page)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            # Whether they are installed is the machine's affair.
            lines = [line for line in done.stdout.splitlines()
                     if "referenced manual not found" not in line and "outdated mandoc.db" not in line]
            self.assertEqual(lines, [])

    def test_commands(self):
        """every configuration command is in tocsind.cfg(5), and nothing else is"""
        commands = {tuple(words(command)) for command in vty_commands()}
        self.assertGreater(len(commands), 25)
        self.same(commands, documented_commands(), "commands")

    def test_rules(self):
        """the shipped rules are those in tocsind.cfg(5)"""
        code = read("src", "core", "profile.c")
        shipped = {(nr, "actual", severity.lower(), urgency.lower(), certainty.lower(), identifier)
                   for nr, severity, urgency, certainty, identifier in
                   re.findall(r"ACTUAL\((\d+), (\w+), (\w+), (\w+), (\d+)\)", code)}
        shipped |= {(nr, status.lower(), "any", "any", "any", identifier)
                    for nr, status, identifier in re.findall(r"DRILL\((\d+), (\w+), (\d+)\)", code)}
        self.assertEqual(len(shipped), 10)
        rows = re.findall(r"^\.It (\d+ Ta .*)$", read("doc", "man", "tocsind.cfg.5"), re.M)
        self.same(shipped, {tuple(row.split(" Ta ")) for row in rows}, "rules")

    def test_options(self):
        """every option that --help names is in tocsind(8)"""
        done = subprocess.run([TOCSIND, "--help"], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
        page = read("doc", "man", "tocsind.8")
        options = re.findall(r"--([a-z-]+)", done.stdout)
        self.assertGreater(len(options), 4)
        self.assertEqual([option for option in options if f"Fl -{option}" not in page], [])


class Manual(Case):
    def test_problems(self):
        """every problem is in the manual with its status, and nothing else is"""
        codes = set(re.findall(r'X\(\w+, "([a-z0-9-]+)", (\d+),', read("include", "tocsin", "base", "problem.h")))
        self.assertGreater(len(codes), 40)
        self.same(codes, set(re.findall(r"^\|`([a-z0-9-]+)` \|(\d+) \|\S", manual("problems"), re.M)), "problems")

    def test_states(self):
        """every state, reason to wait and doubt is in the manual, and nothing else is"""
        code = read("src", "core", "evidence.c")
        for prefix, kept in (("OUTCOME", {"held", "scheduled"}), ("WAIT", {"none"}), ("DOUBT", {"none"})):
            names = set(re.findall(rf'\[{prefix}_\w+\] = "([a-z-]+)"', code)) - kept
            self.assertGreater(len(names), 5)
            head = {"OUTCOME": "|State", "WAIT": "|`waits_for`", "DOUBT": "|`doubt`"}[prefix]
            table = manual("states").split(head)[1].split("|===")[0]
            self.same(names, set(re.findall(r"^\|`([a-z-]+)` \|", table, re.M)), prefix)

    def test_advisories(self):
        """every advisory is in the manual, and nothing else is"""
        codes = set()
        for name in ("draft.c", "plan.c", "short.c", "submission_alert.c", "submission_cancel.c"):
            codes |= set(re.findall(r'alert_draft_advise\([^"]*"([a-z-]+)"', read("src", "core", name)))
        self.assertGreater(len(codes), 5)
        table = manual("api").split("|Advisory")[1].split("|===")[0]
        self.same(codes, set(re.findall(r"^\|`([a-z-]+)` \|", table, re.M)), "advisories")

    def test_requests(self):
        """every request that is routed is in the manual with its parameters and in the OpenAPI, and nothing else is"""
        code = read("src", "front", "http_request.c")
        params = {name: frozenset(re.findall('"([a-z]+)"', values))
                  for name, values in re.findall(r"(params_\w+)\[\] = \{(.*?)\};", code)}
        routed = set()
        for method, prefix, suffix, names in re.findall(
                r'\{ "([A-Z]+)", "(\S+?)", (NULL|"\S*?"), \w+, (\w+), \w+ \}', code):
            path = prefix if suffix == "NULL" else prefix + "{}" + suffix.strip('"')
            routed.add((method, path, params[names]))
        self.assertGreater(len(routed), 8)
        told = {(method, re.sub("{[a-z]+}", "{}", path), frozenset(re.findall("([a-z]+)=", query)))
                for method, path, query in re.findall(r"^\|`([A-Z]+) ([^`?]+)(\?[^`]*)?` \|", manual("api"), re.M)}
        self.same({(m, p, *sorted(q)) for m, p, q in routed}, {(m, p, *sorted(q)) for m, p, q in told}, "requests")
        paths = set(re.findall(r"^  (/[^\s:]*):", read("doc", "api", "openapi.yaml"), re.M))
        self.same({re.sub("{[a-z]+}", "{}", path) for path in paths}, {path for _, path, _ in routed}, "OpenAPI")

    def test_rendered(self):
        """asciidoctor makes the manual and the other documents without complaint"""
        if not shutil.which("asciidoctor"):
            self.skipTest("asciidoctor is missing")
        for path in ("manual/manual.adoc", "architecture.adoc", "threat-model.adoc"):
            done = subprocess.run(["asciidoctor", "-v", "-o", os.devnull, os.path.join(SOURCE, "doc", path)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual((done.returncode, done.stdout), (0, ""), path)


class Links(Case):
    def documents(self):
        yield "README.md"
        for folder, _, names in os.walk(os.path.join(SOURCE, "doc")):
            for name in names:
                if name.endswith(".adoc"):
                    yield os.path.relpath(os.path.join(folder, name), SOURCE)

    def test_links(self):
        """what a document links to or includes is there"""
        count = 0
        for document in self.documents():
            text = read(document)
            for target in re.findall(r"\]\(([^)\s]+)\)|\blink:([^\[\s]+)\[|^include::([^\[]+)\[", text, re.M):
                target = "".join(target).split("#")[0]
                if re.match("[a-z]+://", target):
                    continue
                count += 1
                path = os.path.normpath(os.path.join(SOURCE, os.path.dirname(document), target))
                self.assertTrue(os.path.exists(path), f"{document}: {target}")
        self.assertGreater(count, 20)

    def test_names(self):
        """a file of the tree that a document names is there"""
        count = 0
        for document in self.documents():
            for name in re.findall(r"`((?:src|include|tests|contrib|doc)/[\w./-]+)[^`]*`", read(document)):
                count += 1
                self.assertTrue(os.path.exists(os.path.join(SOURCE, name)), f"{document}: {name}")
            for name in re.findall(r"`((?:base|cap|codec|core|geo|link|front)/\w+\.[ch])`", read(document)):
                count += 1
                self.assertTrue(any(os.path.exists(os.path.join(SOURCE, folder, name))
                                    for folder in ("src", "include/tocsin")), f"{document}: {name}")
        self.assertGreater(count, 40)

    def test_two_commands(self):
        """README.md names the two commands, and both can be run"""
        for command in ("contrib/demo", "contrib/check"):
            self.assertRegex(read("README.md"), rf"(?m)^    {command}$")
            self.assertTrue(os.access(os.path.join(SOURCE, command), os.X_OK))

    def test_licence(self):
        """COPYING is the GNU Affero General Public License, version 3"""
        text = read("COPYING")
        self.assertRegex(text, r"\A\s+GNU AFFERO GENERAL PUBLIC LICENSE\n\s+Version 3, 19 November 2007\n")
        self.assertIn("13. Remote Network Interaction", text)
        self.assertIn("END OF TERMS AND CONDITIONS", text)


tap.main(None if os.access(TOCSIND, os.X_OK) else f"{TOCSIND} is not built")
