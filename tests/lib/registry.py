"""Debian's docker-registry on a loopback port: a registry that is not ours. Packages: docker-registry, openssl."""
import base64
import crypt
import http.server
import json
import pathlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

from footman import Failed, find_free_ports, wait_until

USER, PASSWORD = "ci", "pa55: word"


def make_certificate(folder, names, kind=("-newkey", "rsa:2048")):
    """(certificate, key): files, the certificate its own authority."""
    certificate, key = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
    subprocess.run(["openssl", "req", "-x509", *kind, "-nodes", "-days", "2", "-subj", f"/CN={names[0]}",
                    "-addext", "subjectAltName=" + ",".join(("IP:" if name[0].isdigit() and "ecr" not in name else "DNS:") + name
                                                            for name in names),
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class TokenServer:
    """Gives the tokens that a registry with `auth: token` wants, to whoever has the password; over TLS."""

    def __init__(self, folder, certificate, key):
        self.key, self.folder = key, folder
        self.chain = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], check=True, capture_output=True).stdout
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                outer.asked.append(query)
                wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                good = self.headers.get("Authorization") == wanted
                body = json.dumps({"token": outer.sign(query)} if good else {"details": "incorrect username or password"}).encode()
                self.send_response(200 if good else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def sign(self, query):
        """A JSON web token with what was asked for, as a registry reads it."""
        now = int(time.time())
        access = []
        for scope in query.get("scope", []):
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        claims = {"iss": "tokens", "aud": query["service"][0], "sub": USER, "exp": now + 300, "nbf": now - 10, "iat": now, "jti": str(now),
                  "access": access}
        head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(self.chain).decode()]}
        packed = ".".join(self.pack(json.dumps(part).encode()) for part in (head, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=packed.encode(), check=True,
                                   capture_output=True).stdout
        return f"{packed}.{self.pack(signature)}"

    @staticmethod
    def pack(data):
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Registry:
    """A context manager. `tls`: with a certificate for these names; `auth`: "", "basic" (USER and PASSWORD, or `password` of
    `user`) or "token"."""

    def __init__(self, tls=(), auth="", user=USER, password=PASSWORD):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="footman-registry-"))
        self.port, = find_free_ports("127.0.0.1", 1)
        self.host = f"127.0.0.1:{self.port}"
        self.tokens = None
        self.certificate = None
        config = {"version": 0.1, "log": {"level": "warn"},
                  "storage": {"filesystem": {"rootdirectory": str(self.folder / "blobs")}}, "http": {"addr": self.host}}
        if tls:
            self.certificate, key = make_certificate(self.folder, tls)
            config["http"]["tls"] = {"certificate": str(self.certificate), "key": str(key)}
        if auth == "basic":
            (self.folder / "htpasswd").write_text(f"{user}:{crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n")
            config["auth"] = {"htpasswd": {"realm": "here", "path": str(self.folder / "htpasswd")}}
        if auth == "token":
            self.tokens = TokenServer(self.folder, self.certificate, key)
            config["auth"] = {"token": {"realm": self.tokens.url, "service": "registry", "issuer": "tokens",
                                        "rootcertbundle": str(self.certificate)}}
        (self.folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self.folder / "config.yml"], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        wait_until(self.listens, "docker-registry")

    def listens(self):
        if self.process.poll() is not None:
            raise Failed("docker-registry ended:\n" + (self.folder / "log").read_text())
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        if self.tokens:
            self.tokens.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class ConnectProxy:
    """An HTTP proxy whose every CONNECT leads to one port here, whatever host was asked for: those are in `asked`."""

    def __init__(self, port):
        asked = self.asked = []

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                asked.append(self.rfile.readline().decode().split()[1])
                while self.rfile.readline() not in (b"\r\n", b""):
                    pass
                with socket.create_connection(("127.0.0.1", port)) as server:
                    self.wfile.write(b"HTTP/1.1 200 here you are\r\n\r\n")
                    back = threading.Thread(target=pump, args=(server, self.connection), daemon=True)
                    back.start()
                    pump(self.connection, server)
                    back.join()

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
