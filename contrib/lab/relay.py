# SPDX-License-Identifier: AGPL-3.0-or-later
"""A door into a namespace: a TCP port of the outside's 127.0.0.1 that leads to an address inside."""

import socket
import threading


class Relay:
    def __init__(self, namespace, inside):
        self._namespace = namespace
        self._inside = inside
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                outer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(outer,), daemon=True).start()

    def _serve(self, outer):
        with outer:
            try:
                inner = self._namespace.connect(self._inside)
            except OSError:
                return
            with inner:
                inner.settimeout(None)
                back = threading.Thread(target=_copy, args=(inner, outer), daemon=True)
                back.start()
                _copy(outer, inner)
                back.join()

    def close(self):
        # Wakes up accept(), which close() alone would not.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()


def _copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
