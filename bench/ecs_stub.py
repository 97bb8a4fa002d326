"""A bare ECS for measuring: answers at once what AWS would, and notes when each RunTask had arrived. It checks nothing; the
strict one is in tests/aws."""
import contextlib
import json
import queue
import re
import socketserver
import threading
import time

TASK = "arn:aws:ecs:eu-west-1:123456789012:task/bench/"
SUBNETS = b"<DescribeSubnetsResponse><subnetSet/></DescribeSubnetsResponse>"


class EcsStub:
    """A context manager. `launches`: (time.time() when the last byte had arrived, the whole request) of each RunTask."""

    def __init__(self):
        self.launches = queue.SimpleQueue()
        self.stopped = set()
        self.count = 0
        stub = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self):
                with contextlib.suppress(ConnectionError):
                    self._serve()

            def _serve(self):
                while head := self._read_head():
                    length = int(re.search(rb"content-length: *(\d+)", head, re.I).group(1))
                    body = self.rfile.read(length)
                    arrived = time.time()
                    answer = stub.answer(head, body, arrived)
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n\r\n%s"
                                     % (len(answer), answer))

            def _read_head(self):
                lines = []
                while line := self.rfile.readline():
                    lines.append(line)
                    if line == b"\r\n":
                        return b"".join(lines)
                return b""

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler, bind_and_activate=True)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, head, body, arrived):
        found = re.search(rb"x-amz-target: *\w+\.(\w+)", head, re.I)
        if not found:
            return SUBNETS
        operation = found.group(1).decode()
        if operation == "RunTask":
            self.count += 1
            self.launches.put((arrived, head + body))
            return json.dumps({"tasks": [self.task(f"{TASK}{self.count:032x}")], "failures": []}).encode()
        params = json.loads(body)
        if operation == "StopTask":
            self.stopped.add(params["task"])
            return json.dumps({"task": self.task(params["task"])}).encode()
        if operation == "DescribeTasks":
            return json.dumps({"tasks": [self.task(arn) for arn in params["tasks"]], "failures": []}).encode()
        if operation == "ListTasks":
            return b'{"taskArns":[]}'
        return json.dumps({"taskDefinition": {"taskDefinitionArn": "family:1", "status": "ACTIVE"}}).encode()

    def task(self, arn):
        over = arn in self.stopped
        status = {"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stopCode": "UserInitiated", "version": 2} if over else \
            {"lastStatus": "PENDING", "desiredStatus": "RUNNING", "version": 1}
        return {"taskArn": arn, "createdAt": time.time(), **status}
