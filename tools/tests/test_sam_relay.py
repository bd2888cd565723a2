"""The relay between `sam local` and the local cloud."""

import contextlib
import http.client
import socket
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

from tools import sam_relay
from tools.paths import HOST

# As many as one client opens: a transformer has 64 writes in flight.
CONNECTIONS = 64
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260115/us-east-1/sns/aws4_request, Signature=0"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOFTHECLOUD", "AWS_SECRET_ACCESS_KEY": "secret"}


class SamRelay(unittest.TestCase):
    """In front of a stub of the cloud."""

    def setUp(self):
        self.contexts = contextlib.ExitStack()
        self.addCleanup(self.contexts.close)
        self.contexts.enter_context(mock.patch.dict("os.environ", KEYS))
        self.cloud = self._serve(ThreadingHTTPServer((HOST, 0), _Cloud))
        self.relay = self._serve(sam_relay.Relay(HOST, 0, self.cloud.server_port))

    def test_accepts_many_connections_at_once(self):
        # Nothing accepts here, as under load. A connection beyond the backlog is retried after 1, 3 and 7 seconds.
        relay = self.contexts.enter_context(contextlib.closing(sam_relay.Relay(HOST, 0, self.cloud.server_port).socket))
        for _ in range(CONNECTIONS):
            self.contexts.enter_context(socket.create_connection(relay.getsockname(), timeout=0.5))

    def test_signs_a_request_again(self):
        status, body = self._request("/", SIGNED)
        self.assertEqual(status, 200)
        self.assertIn(b"Credential=AKIAOFTHECLOUD/", body)

    def test_forwards_requests_to_the_services_of_the_functions(self):
        for service in ("dynamodb", "events", "s3", "secretsmanager", "sns"):
            headers = {"Authorization": SIGNED["Authorization"].replace("/sns/", f"/{service}/")}
            status, body = self._request("/", headers)
            self.assertEqual(status, 200, service)
            self.assertIn(f"/{service}/aws4_request".encode(), body)

    def test_rejects_requests_to_other_services(self):
        lambda_ = {"Authorization": SIGNED["Authorization"].replace("/sns/", "/lambda/")}
        for headers in ({}, lambda_):
            self.assertEqual(self._request("/", headers)[0], 403)

    def test_returns_503_if_the_cloud_fails(self):
        self.assertEqual(self._request("/break-off", SIGNED)[0], 503)
        self.cloud.shutdown()
        self.cloud.server_close()
        self.assertEqual(self._request("/", SIGNED)[0], 503)

    def test_closes_an_idle_connection(self):
        # As a killed container leaves it: nothing signals that the other end of the connection is gone.
        self.assertIsNotNone(sam_relay.Handler.timeout)
        with mock.patch.object(sam_relay.Handler, "timeout", 0.2):
            connection = http.client.HTTPConnection(HOST, self.relay.server_port, timeout=5)
            self.contexts.callback(connection.close)
            connection.request("GET", "/", headers=SIGNED)
            connection.getresponse().read()
            self.assertEqual(connection.sock.recv(1), b"")

    def _serve(self, server):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self.contexts.callback(server.server_close)
        self.contexts.callback(server.shutdown)
        return server

    def _request(self, path: str, headers: dict) -> tuple:
        connection = http.client.HTTPConnection(HOST, self.relay.server_port, timeout=5)
        with contextlib.closing(connection):
            connection.request("POST", path, b"body", headers)
            response = connection.getresponse()
            return response.status, response.read()


class _Cloud(BaseHTTPRequestHandler):
    def _respond(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/break-off":
            # Less than its Content-Length.
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            return
        body = self.headers["Authorization"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _respond

    def log_message(self, *_) -> None:
        pass
