# SPDX-License-Identifier: AGPL-3.0-or-later
"""The SMSC of smsc.js: an SMPP server of other origin that does to a client what SMSCs do to clients.

    with Smsc(namespace, folder) as smsc:
        smsc.queue({"status": "ESME_RTHROTTLED"}, {"status": "ESME_RTHROTTLED"})
        smsc.behave(message_id="hex", receipt="text", receipt_id="decimal")
        ... smsc.wait_event("submit", 3) ...

What there is to set is described at the top of smsc.js.
"""

import itertools
import json
import os
import shutil
import subprocess
import threading

_HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM_ID, PASSWORD = "tocsin", "secret12"


def _modules():
    """Where contrib/lib.sh puts the package."""
    return os.path.join(os.path.abspath(os.environ.get("BUILDDIR", ".")), "node_modules")


def tools_missing():
    """Why this SMSC cannot run here, or None."""
    if not shutil.which("node"):
        return "node is not installed (contrib/packages)"
    if not os.path.isdir(os.path.join(_modules(), "smpp")):
        return f"the package smpp is not in {_modules()} (npm install --no-save --prefix FOLDER smpp@0.5.1)"
    return None


def message_id(n, form):
    """What the n-th submit (from 1) has for an identifier, in the forms of smsc.js."""
    number = 0x1abc0 + n
    text = {"decimal": f"{number}", "hex": f"{number:x}", "HEX": f"{number:X}"}[form.removeprefix("0")]
    return text.zfill(12) if form.startswith("0") else text


class Smsc:
    def __init__(self, namespace, folder, address=("127.0.0.1", 2776), accounts=None):
        self.address = address
        self.events = []            # dictionaries, in the order of time
        self._changed = threading.Condition()
        self._refs = itertools.count(1)
        self._log = open(os.path.join(folder, "smsc.log"), "ab")
        options = {"host": address[0], "port": address[1], "accounts": accounts or {SYSTEM_ID: PASSWORD}}
        self._process = subprocess.Popen(
            namespace.command(["node", os.path.join(_HERE, "smsc.js"), json.dumps(options)]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, start_new_session=True,
            env={**os.environ, "NODE_PATH": _modules()})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        try:
            self.wait_event("listening", 1)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """It ends with its standard input."""
        if self._process.poll() is None:
            self._process.stdin.close()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(5)
        self._log.close()

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self.events.append({"event": "ended"})
            self._changed.notify_all()

    # What happened.

    def of(self, kind):
        with self._changed:
            return [event for event in self.events if event["event"] == kind]

    @property
    def submits(self):
        return self.of("submit")

    def wait_event(self, kind, count, timeout=20):
        """Until there were that many events of the kind; all of them are returned."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.of(kind)) >= count or self.of("ended"), timeout)
            found = self.of(kind)
        if len(found) < count:
            ended = " and smsc.js ended" if self.of("ended") else ""
            raise TimeoutError(f"not within {timeout:g} s: {count} events {kind!r}, there are {len(found)}{ended}")
        return found

    # How it behaves. Each takes effect before it returns.

    def behave(self, **how):
        self._command("behave", how)

    def link(self, **how):
        self._command("link", how)

    def destinations(self, how):
        """{destination address: {...}}"""
        self._command("destinations", how)

    def queue(self, *hows):
        """One for each of the next submits."""
        self._command("queue", list(hows))

    def receipt(self, n, **how):
        """One more receipt, for the n-th submit (from 1)."""
        self._command("receipt", {"n": n, **how})

    def send(self, command, **fields):
        self._command("send", {"command": command, "fields": fields})

    def raw(self, octets):
        self._command("raw", {"octets": octets.hex()})

    def drop(self):
        self._command("drop", {})

    def deaf(self):
        self._command("deaf", {})

    def listen(self):
        count = len(self.of("listening"))
        self._command("listen", {})
        self.wait_event("listening", count + 1)

    def _command(self, command, how):
        ref = next(self._refs)
        with self._changed:
            self._process.stdin.write(json.dumps({"ref": ref, "command": command, "how": how}) + "\n")
            self._process.stdin.flush()
            if not self._changed.wait_for(lambda: any(event.get("ref") == ref for event in self.of("done")), 10):
                raise TimeoutError(f"smsc.js does not answer {command}")
