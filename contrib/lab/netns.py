# SPDX-License-Identifier: AGPL-3.0-or-later
"""A network namespace of our own and the processes that run in it.

Nothing but loopback exists inside, so nothing sent there can leave the machine, and two
namespaces may use the same addresses and ports at the same time. Every process is ended by its
own process group; nothing is ever looked for by name.
"""

import atexit
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import threading
import time

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def wait_for(what, condition, timeout, interval=0.1):
    """Call condition() until it returns something true; that is returned.

    Raises TimeoutError naming what was waited for."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not within {timeout:g} s: {what}")
        time.sleep(interval)


class Process:
    """One program in its own session, its output in a file."""

    def __init__(self, argv, log_path, env=None):
        self.argv = argv
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self._popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           start_new_session=True,
                                           env={**os.environ, **env} if env else None)
        self.pid = self._popen.pid

    def running(self):
        return self._popen.poll() is None

    def returncode(self):
        return self._popen.poll()

    def wait(self, timeout=None):
        return self._popen.wait(timeout)

    def send(self, signum):
        """Signal the whole process group."""
        if self.running():
            try:
                os.killpg(self.pid, signum)
            except ProcessLookupError:
                pass

    def kill(self):
        self.send(signal.SIGKILL)
        self._popen.wait()

    def stop(self, signum=signal.SIGTERM, grace=8):
        """Ask it to end; insist after grace seconds. Returns its exit status."""
        self.send(signum)
        try:
            self._popen.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
        return self._popen.returncode

    def log_tail(self, lines=15):
        try:
            with open(self.log_path, errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        except OSError:
            return ""


class Keeper:
    """Runs a program again whenever it ends, as an init system would."""

    def __init__(self, start, pause=0.5):
        self._start = start
        self._pause = pause
        self._stopping = threading.Event()
        self._process = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopping.is_set():
            self._process = self._start()
            if self._stopping.is_set():
                break
            self._process.wait()
            self._stopping.wait(self._pause)

    def stop(self, signum=signal.SIGTERM):
        self._stopping.set()
        while self._thread.is_alive():
            if self._process:
                self._process.send(signum)
            self._thread.join(0.2)
            # Stopped between two lives, or deaf: a second round insists.
            if self._thread.is_alive() and self._process:
                try:
                    self._process.wait(7)
                except subprocess.TimeoutExpired:
                    signum = signal.SIGKILL
        if self._process and self._process.running():
            self._process.kill()


class Namespace:
    """A network namespace with loopback and a multicast route for the virtual radio."""

    def __init__(self, prefix="tocsin"):
        self.name = f"{prefix}-{os.getpid()}-{secrets.token_hex(3)}"
        self.path = f"/run/netns/{self.name}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        atexit.register(self.remove)
        try:
            self._ip("link", "set", "lo", "up")
            self._ip("link", "set", "lo", "multicast", "on")
            self._ip("route", "replace", "239.193.23.0/24", "dev", "lo")
        except BaseException:
            self.remove()
            raise

    def _ip(self, *args):
        subprocess.run(["ip", "-n", self.name, *args], check=True)

    def remove(self):
        atexit.unregister(self.remove)
        if os.path.exists(self.path):
            subprocess.run(["ip", "netns", "del", self.name], check=False)

    def command(self, argv):
        """argv that runs in here, in the same process, and dies with its parent."""
        return ["nsenter", f"--net={self.path}", "setpriv", "--pdeathsig", "KILL", *argv]

    def start(self, argv, log_path, env=None):
        return Process(self.command(argv), log_path, env)

    def run(self, argv, **kwargs):
        return subprocess.run(["nsenter", f"--net={self.path}", *argv], check=True, **kwargs)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM):
        """A socket that lives in here, for a caller who does not.

        A socket stays in the namespace its thread was in when it was made."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(self.path, "rb") as away:
            _setns(away)
            try:
                return socket.socket(family, kind)
            finally:
                _setns(home)

    def connect(self, address, timeout=3):
        sock = self.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        try:
            sock.settimeout(timeout)
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        return sock

    def listening(self, address):
        """Does something accept connections there?"""
        try:
            self.connect(address, 1).close()
            return True
        except OSError:
            return False

    def cut(self, port):
        """Drop every packet from and to a TCP port, both ways, without telling anybody."""
        for rule in self._cut_rules(port):
            self.run(["iptables", "-I", *rule])

    def heal(self, port):
        for rule in self._cut_rules(port):
            self.run(["iptables", "-D", *rule])

    def few_orphan_retries(self):
        """Let a connection whose program died be forgotten in a second, as if its machine had died too."""
        self.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/tcp_orphan_retries"])

    def connections_to(self, port):
        """Ends of TCP connections, in whatever state, whose other end is that port."""
        table = self.run(["cat", "/proc/net/tcp"], stdout=subprocess.PIPE, text=True).stdout
        remotes = [line.split()[2] for line in table.splitlines()[1:]]
        return sum(int(remote.split(":")[1], 16) == port for remote in remotes)

    @staticmethod
    def _cut_rules(port):
        for side in ("--sport", "--dport"):
            yield ["INPUT", "-p", "tcp", side, str(port), "-j", "DROP"]


def _setns(handle):
    if _libc.setns(handle.fileno(), _CLONE_NEWNET):
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno), "setns")
