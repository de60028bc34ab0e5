# SPDX-License-Identifier: AGPL-3.0-or-later
"""A simulated BSC: speaks CBSP, keeps what it is told to broadcast, and can be told to misbehave."""

import select
import threading
import time

import cbsp


class SimulatedBsc:
    """Connects to tocsind and stays connected until close(). Its cells broadcast at once and for ever."""

    def __init__(self, namespace, address=("127.0.0.1", 48049), on_air=None):
        self.namespace = namespace
        self.address = address
        self.deaf = False               # take requests and answer nothing
        self.refuse = {}                # cell id: cause
        self.on_air = on_air or {}      # (message identifier, serial): {cell id: time of the write}
        self.texts = {}                 # (message identifier, serial): raw contents, as written first
        self.requests = []              # every request, in order
        self.faults = []                # what tocsind should not have sent
        self.connections = 0
        self.connected = False
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        self._ending.set()
        self._thread.join(10)

    def held(self, cell_id):
        """Keys of the messages that this cell broadcasts."""
        with self._lock:
            return {key for key, cells in self.on_air.items() if cell_id in cells}

    def count(self, kind):
        with self._lock:
            return sum(pdu.type == kind for pdu in self.requests)

    def _run(self):
        while not self._ending.is_set():
            try:
                sock = self._connect()
            except OSError:
                self._ending.wait(0.1)
                continue
            self.connections += 1
            self.connected = True
            try:
                self._serve(sock)
            except OSError:
                pass
            finally:
                self.connected = False
                sock.close()

    def _connect(self):
        sock = self.namespace.socket()
        try:
            sock.settimeout(5)
            sock.connect(self.address)
            return sock
        except OSError:
            sock.close()
            raise

    def _serve(self, sock):
        # As OsmoBSC does: it claims that its data are lost on every new connection.
        sock.sendall(cbsp.build(cbsp.RESTART, (cbsp.CELL_LIST, bytes([cbsp.DISC_BSS])),
                                (cbsp.BROADCAST_TYPE, 0), (cbsp.RECOVERY, 1)))
        buffer = b""
        while not self._ending.is_set():
            if not select.select([sock], [], [], 0.1)[0]:
                continue
            data = sock.recv(65536)
            if not data:
                return
            buffer += data
            while True:
                try:
                    pdu, buffer = cbsp.take(buffer)
                    if pdu is None:
                        break
                    cbsp.check_request(pdu)
                except cbsp.Malformed as fault:
                    self.faults.append(f"malformed: {fault}: {buffer[:200].hex()}")
                    return
                self._answer(sock, pdu)

    def _answer(self, sock, pdu):
        with self._lock:
            self.requests.append(pdu)
            handler = {cbsp.WRITE: self._write, cbsp.KILL: self._kill, cbsp.QUERY: self._query,
                       cbsp.RESET: self._reset, cbsp.KEEP_ALIVE: self._keep_alive}[pdu.type]
            answer = handler(pdu)
        if not self.deaf:
            sock.sendall(answer)

    def _write(self, pdu):
        held = self.on_air.setdefault(pdu.key, {})
        contents = pdu.elements.get(cbsp.CONTENT, pdu.elements.get(cbsp.WARNING_TYPE))
        if self.texts.setdefault(pdu.key, contents) != contents:
            self.faults.append(f"other content under {pdu.key}")
        good, bad = [], []
        for cell in pdu.cells:
            name = cbsp.cgi_text(cell[1]) if cell[0] == cbsp.DISC_CGI else None
            if name is None:
                self.faults.append(f"a write with cell discriminator {cell[0]}")
            elif name in self.refuse:
                bad.append((cell, self.refuse[name]))
            elif name in held:
                bad.append((cell, cbsp.CAUSE_REFERENCE_USED))
            else:
                held[name] = time.time()
                good.append(cell)
        head = [(cbsp.MESSAGE_ID, pdu.key[0]), (cbsp.NEW_SERIAL, pdu.key[1])]
        if good:
            head.append((cbsp.CELL_LIST, cbsp.cell_list(good)))
        if bad:
            head.append((cbsp.FAILED, cbsp.failure_list(bad)))
        return cbsp.build(cbsp.WRITE_FAILURE if bad else cbsp.WRITE_COMPLETE, *head, *self._channel(pdu))

    def _kill(self, pdu):
        # As OsmoBSC does: a kill of a text has only the counts, that of an emergency only the cells.
        return self._counts(pdu, cbsp.KILL_COMPLETE, cbsp.KILL_FAILURE, remove=True)

    def _query(self, pdu):
        return self._counts(pdu, cbsp.QUERY_COMPLETE, cbsp.QUERY_FAILURE, remove=False)

    def _counts(self, pdu, complete, failure, remove):
        held = self.on_air.get(pdu.key, {})
        good, bad = [], []
        for cell in pdu.cells:
            name = cbsp.cgi_text(cell[1])
            if name in held:
                good.append((cell, 1 + int(time.time() - held[name])))
                if remove:
                    del held[name]
            else:
                bad.append((cell, cbsp.CAUSE_REFERENCE_UNKNOWN))
        answer = [(cbsp.MESSAGE_ID, pdu.key[0]), (cbsp.OLD_SERIAL, pdu.key[1])]
        if good and cbsp.CHANNEL in pdu.elements:
            answer.append((cbsp.COMPLETED, cbsp.completed_list(good)))
        elif good:
            answer.append((cbsp.CELL_LIST, cbsp.cell_list([cell for cell, _ in good])))
        if bad:
            answer.append((cbsp.FAILED, cbsp.failure_list(bad)))
        return cbsp.build(failure if bad else complete, *answer, *self._channel(pdu))

    def _reset(self, pdu):
        self.on_air.clear()
        return cbsp.build(cbsp.RESET_COMPLETE, (cbsp.CELL_LIST, pdu.elements[cbsp.CELL_LIST][0]))

    @staticmethod
    def _keep_alive(_pdu):
        return cbsp.build(cbsp.KEEP_ALIVE_COMPLETE)

    @staticmethod
    def _channel(pdu):
        return [(cbsp.CHANNEL, pdu.number(cbsp.CHANNEL))] if cbsp.CHANNEL in pdu.elements else []
