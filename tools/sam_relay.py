"""Lets the containers of `sam local` use the local cloud.

The emulator listens on this machine alone and checks signatures. A container of `sam local` calls from outside, and
signs with the credentials of its user or with none. The relay listens where containers reach the host, forwards
requests to the services of the functions alone, and signs them with the local cloud's credentials. So the emulator,
which runs any code that it gets, is not open to others, and real credentials have no effect here.
"""

import http.client
import ipaddress
import json
import os
import re
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .paths import HOST, REGION

# As in sam-local.json.
PORT = 4565
VARIABLE = "SAM_RELAY_ADDRESS"
# The services of the functions. Above all not Lambda, which would run any code here.
SERVICES = ("dynamodb", "events", "s3", "secretsmanager", "sns")
BODY_BYTES_MAX = 64 * 1024 * 1024
# Headers of one connection, and those of the signature that is replaced.
DROPPED_HEADERS = ("authorization", "connection", "host", "content-length", "x-amz-date", "x-amz-security-token")


def plan() -> tuple:
    """The variables with which an emulator starts the relay, and a sentence about it, which `up` prints."""
    if not engine_responds():
        return {}, "sam local cannot be used, because no Docker engine responds."
    address = host_address()
    try:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, PORT))
    except OSError as error:
        return {}, f"sam local cannot be used, because port {PORT} of {address} is not available ({error.strerror})."
    return {VARIABLE: address}, "To use it with sam local: sam build, then sam local invoke -e events/upload.json"


def start_if_planned() -> None:
    """Starts the relay as a thread of the emulator, so that it ends with it."""
    address = os.environ.pop(VARIABLE, "")
    if address:
        server = Relay(address, PORT, int(os.environ["GATEWAY_PORT"]))
        threading.Thread(target=server.serve_forever, daemon=True).start()


def host_address() -> str:
    """The address at which containers reach the host: on Linux that of Docker's bridge, else that of the host
    itself."""
    command = ["docker", "network", "inspect", "bridge", "--format", "{{json (index .IPAM.Config 0)}}"]
    try:
        network = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
        # Some engines do not name the gateway, which is the first address.
        gateway = network.get("Gateway") or str(next(ipaddress.ip_network(network["Subnet"]).hosts()))
        with socket.socket() as listener:
            listener.bind((gateway, 0))
    except (OSError, ValueError, KeyError):
        return HOST
    return gateway


def engine_responds() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class Relay(ThreadingHTTPServer):
    """Listens on one address for the cloud on one port."""

    # A transformer opens 64 connections at once. With the library's 5, what finds no place waits for seconds.
    request_queue_size = 128

    def __init__(self, address: str, port: int, cloud_port: int):
        self.cloud_port = cloud_port
        super().__init__((address, port), Handler)


class Handler(BaseHTTPRequestHandler):
    """Forwards the requests of one connection."""

    protocol_version = "HTTP/1.1"
    # A killed container does not close its connections, whose threads would remain until the cloud stops.
    timeout = 75

    def _relay(self) -> None:
        body = self._body()
        found = re.search(r"Credential=[^/]+/\d{8}/[^/]+/(\w+)/aws4_request", self.headers.get("Authorization", ""))
        if body is None or not found or found.group(1) not in SERVICES:
            self._respond(403, {}, b"Only signed requests to the services of the functions are forwarded.")
            return
        connection = http.client.HTTPConnection(HOST, self.server.cloud_port, timeout=60)
        try:
            connection.request(self.command, self.path, body, self._signed(found.group(1), body))
            response = connection.getresponse()
            reply = (response.status, dict(response.getheaders()), response.read())
        except (OSError, http.client.HTTPException):
            reply = (503, {}, b"The local cloud does not respond. Start it: make up")
        finally:
            connection.close()
        self._respond(*reply)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _relay

    def _body(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > BODY_BYTES_MAX or "chunked" in self.headers.get("Transfer-Encoding", ""):
            self.close_connection = True
            return None
        return self.rfile.read(length)

    def _signed(self, service: str, body: bytes) -> dict:
        # Here, because the command line must start on a Python that has no botocore.
        from botocore.auth import S3SigV4Auth, SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        headers = {name: value for name, value in self.headers.items() if name.lower() not in DROPPED_HEADERS}
        request = AWSRequest(self.command, f"http://{HOST}:{self.server.cloud_port}{self.path}", headers, body)
        credentials = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, REGION).add_auth(request)
        return dict(request.headers.items())

    def _respond(self, status: int, headers: dict, body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        # A response to HEAD has the length of the body that it omits.
        lengths = [value for name, value in headers.items() if name.lower() == "content-length"]
        self.send_header("Content-Length", lengths[0] if self.command == "HEAD" and lengths else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Logs nothing, because the emulator logs each request."""
