"""As much of an agent as can knock at a server and prove who it is, well or badly: docs/PROTOCOL.md, written anew.

Needs botocore, whose signatures are not those of the program under test.
"""
import base64
import datetime
import hashlib
import hmac
import os
import socket
import struct

import botocore.auth
import botocore.awsrequest
import botocore.credentials

PREFACE = b"FOOTMAN\x01"
HELLO, WELCOME, REFUSED, CHALLENGE, PROOF, CREDENTIAL = 1, 2, 3, 5, 6, 7
FEATURE_PROOF, FEATURE_CREDENTIAL = 8, 16
CODES = ["other", "bad_secret", "expired", "unknown_agent", "version", "revoked", "busy", "superseded"]
BODY = "Action=GetCallerIdentity&Version=2011-06-15"


def _bytes(value):
    value = value.encode() if isinstance(value, str) else value
    length, out = len(value), b""
    while length >= 0x80:
        out, length = out + bytes([length & 0x7F | 0x80]), length >> 7
    return out + bytes([length]) + value


def _hmac(key, message):
    return hmac.new(key, message, hashlib.sha256).hexdigest().encode()


def bind(nonce, agent, attempt, session_key):
    parts = [b"footman agent proof 1", agent.encode(), str(attempt).encode(), _hmac(b"footman session key 1", session_key)]
    return _hmac(nonce, b"\0".join(parts)).decode()


def sign(key, url, region, binding, body=BODY):
    """The values of a proof: who has this key signs the request for the STS at the address."""
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "X-Footman-Proof": binding}
    request = botocore.awsrequest.AWSRequest("POST", url, headers, body)
    signer = botocore.auth.SigV4Auth(
        botocore.credentials.Credentials(key["access_key_id"], key["secret_access_key"], key["session_token"]), "sts", region)
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    request.context["timestamp"] = stamp
    signer._modify_request_before_signing(request)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return {"access_key_id": key["access_key_id"], "session_token": key["session_token"], "time": stamp, "signature": signature}


class AgentWire:
    """One connection on a WebSocket. Made, it has said Hello without a secret; a context manager."""

    def __init__(self, host, port, agent, attempt=1, session_key=None, connection=1, features=FEATURE_PROOF):
        self.agent, self.attempt, self.session_key = agent, attempt, session_key or os.urandom(32)
        self._socket = socket.create_connection((host, port), timeout=60)
        self._input = self._socket.makefile("rb")
        self._upgrade(host, port)
        self._payload = b""
        self._send(PREFACE)
        self.say(HELLO, struct.pack("<HHQ", 1, 1, features) + _bytes(agent) + struct.pack("<II", attempt, connection)
                 + _bytes("") + self.session_key + _bytes("test") + _bytes("linux") + _bytes("x86_64") + _bytes("test")
                 + struct.pack("<QIQq", 1, 1, 1, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._input.close()
        self._socket.close()

    def challenge(self):
        """The nonce."""
        number, payload = self.hear()
        assert number == CHALLENGE, f"message {number} came instead of a Challenge"
        return payload[:32]

    def bind(self, nonce):
        return bind(nonce, self.agent, self.attempt, self.session_key)

    def prove(self, values):
        """As verdict()."""
        self.say(PROOF, bytes([len(values)]) + b"".join(_bytes(name) + _bytes(value) for name, value in values.items()))
        return self.verdict()

    def verdict(self):
        """"welcome", the secret that was given after "secret ", or the code of the refusal and whether to come again."""
        number, payload = self.hear()
        if number == WELCOME:
            return "welcome"
        if number == CREDENTIAL:
            assert payload[0] == len(payload) - 1 < 128, payload
            return f"secret {payload[1:].decode()}"
        assert number == REFUSED, f"message {number} came instead of Welcome, Credential or Refused"
        return CODES[payload[0]] + (", come again" if payload[-1] else "")

    def say(self, number, payload):
        self._send(struct.pack("<IB", len(payload), number) + payload)

    def hear(self):
        length, number = struct.unpack("<IB", self._take(5))
        return number, self._take(length)

    # --- WebSocket

    def _upgrade(self, host, port):
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall((f"GET /agent/v1 HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        status = self._input.readline()
        assert b" 101 " in status, status
        while self._input.readline() not in (b"\r\n", b""):
            pass

    def _send(self, payload):
        mask = os.urandom(4)
        length = struct.pack("!B", 0x80 | len(payload)) if len(payload) < 126 else struct.pack("!BH", 0xFE, len(payload))
        self._socket.sendall(b"\x82" + length + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))

    def _take(self, count):
        while len(self._payload) < count:
            opcode, length = self._input.read(2)
            length &= 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", self._input.read(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self._input.read(8))
            data = self._input.read(length)
            assert opcode & 0x0F != 8, "the server closed the connection"
            if opcode & 0x0F in (0, 2):
                self._payload += data
        taken, self._payload = self._payload[:count], self._payload[count:]
        return taken

