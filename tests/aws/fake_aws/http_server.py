"""The HTTP side: one thread a connection, kept open; AWS' API at /, the tests' control below /fake/, and what containers
ask below /v4/ and /credentials/."""
import email.utils
import http.server
import json
import socket
import socketserver
import traceback
import urllib.parse

from .control import Unknown
from .errors import AwsError, LostConnection

MAX_BODY = 1 << 20


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    wbufsize = 65536
    disable_nagle_algorithm = True

    def do_POST(self):
        self._serve()

    def do_GET(self):
        self._serve()

    def do_PUT(self):
        self._serve()

    def _serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._send(413, b"", "text/plain")
            return
        request = Request(self.command, self.path, self.headers, self.rfile.read(length))
        try:
            if self.path.startswith("/fake/"):
                self._send(*self._control(request))
            elif self.path.startswith(("/v4/", "/credentials/")):
                self._send(*self._container(request))
            else:
                answer = self.server.account.answer(request)
                self._send(answer.status, answer.body, answer.content_type, [("x-amzn-RequestId", answer.request_id), *answer.headers])
        except LostConnection:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except Exception:  # noqa: BLE001 - a bug of the fake is an answer and a line for people
            traceback.print_exc()
            self._send(500, json.dumps({"__type": "InternalFailure", "message": traceback.format_exc()}).encode(), "application/json")

    def _control(self, request):
        place = urllib.parse.urlsplit(request.target)
        try:
            if request.method == "GET":
                params = dict(urllib.parse.parse_qsl(place.query))
            else:
                params = json.loads(request.body or b"{}")
            answer = self.server.control.answer(request.method, place.path[len("/fake/"):], params)
            return 200, json.dumps(answer, default=lambda value: value.isoformat()).encode(), "application/json"
        except Unknown as error:
            return 404, json.dumps({"error": str(error)}).encode(), "application/json"
        except (KeyError, TypeError, ValueError) as error:
            return 400, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode(), "application/json"

    def _container(self, request):
        try:
            answer = self.server.account.endpoints.answer(request.target, request.headers)
            return 200, json.dumps(answer).encode(), "application/json"
        except AwsError as error:
            return error.status, json.dumps({"code": error.code, "message": error.message}).encode(), "application/json"

    def _send(self, status, body, content_type, headers=()):
        self.send_response_only(status)
        self.send_header("Date", email.utils.format_datetime(self.server.account.world.clock(), usegmt=True))
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format, *args):  # noqa: A002 - the base class' name
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port, account, control):
        super().__init__(("127.0.0.1", port), Handler)
        self.account, self.control = account, control
        account.world.url = f"http://127.0.0.1:{self.server_address[1]}"

    def server_bind(self):
        # Without HTTPServer's look-up of a host name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        pass  # a client that went away
