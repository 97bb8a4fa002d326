"""A TCP proxy that tests cut, freeze and heal: between the agents and the server."""
import contextlib
import socket
import ssl
import threading


class Proxy:
    def __init__(self, target_port=0, certificate=None, host="127.0.0.1"):
        """With a certificate and its key (paths) it speaks TLS to its clients, and none to the target."""
        self.host, self.target_port = host, target_port
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []
        self.swallow = False  # half-open: bytes vanish, nobody is told
        self.refuse = False
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refuse:
                client.close()
                continue
            try:
                if self.tls:
                    client = self.tls.wrap_socket(client, server_side=True)
                server = socket.create_connection((self.host, self.target_port), 5)
            except OSError:
                client.close()
                continue
            self.accepted += 1
            self.pairs.append((client, server))
            threading.Thread(target=self._join, args=(client, server), daemon=True).start()

    def _join(self, client, server):
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        self._pump(client, server)
        back.join()
        # Not before nobody reads: TLS would go on with the number, which is another connection's by then.
        if not self.swallow:
            client.close()
            server.close()

    def _pump(self, source, sink):
        try:
            while data := source.recv(65536):
                if not self.swallow:
                    sink.sendall(data)
        except OSError:
            pass
        if not self.swallow:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Ends all connections at once, with a reset."""
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    end.shutdown(socket.SHUT_RDWR)
                    end.close()
                except OSError:
                    pass

    def close(self):
        self.listener.close()
        self.cut()
