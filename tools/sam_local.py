"""Starts the servers of `sam local` and waits until every container listens."""

import http.client
import re
import subprocess
import time

from . import paths, venvs
from .paths import HOST
from .problem import Problem

START_SECONDS_MAX = 180
# SAM removes its containers when it ends.
STOP_SECONDS_MAX = 120
# A function may take a minute, and the processor is emulated.
INVOCATION_SECONDS_MAX = 180
# SAM waits 0.7 s for a new container and then prints this. Under emulation, on a busy machine, that is too early,
# because Docker accepts the connection before anything listens in the container. It says nothing about the function.
NO_RESPONSE = "No response from invoke container"
# How many lines of SAM's log are shown with a failure.
LOG_LINES = 40
PUBLISHED = re.compile(r":(\d+)->8080/tcp")
CONTAINERS = "label=sam.cli.container.type=lambda"


def command(*words: str) -> list:
    """A command of the pinned `sam`."""
    return [str(venvs.directory_of("sam") / "bin" / "sam"), *words]


class Server:
    """`sam local start-lambda` or `sam local start-api`, with one container for each function, which keeps running."""

    def __init__(self, name: str, port: int, containers: int):
        self.name, self.port, self.containers = name, port, containers
        self.log = paths.WORK / f"{name}.log"

    def __enter__(self):
        self.others = set(_containers())
        with self.log.open("w") as log:
            words = command("local", self.name, "--port", str(self.port))
            self.process = subprocess.Popen(words, cwd=paths.ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(STOP_SECONDS_MAX)
        # SAM sometimes leaves containers. Removing one that is being removed already may fail.
        if left := self._own():
            subprocess.run(["docker", "rm", "--force", *left], capture_output=True)

    def invoke(self, function: str, event: str) -> str:
        """Invokes a function as an SDK does, and returns its response. An error of SAM itself is a problem."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=INVOCATION_SECONDS_MAX)
        try:
            connection.request("POST", f"/2015-03-31/functions/{function}/invocations", event.encode())
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Problem(f"sam local {self.name} did not respond for {function}: {error!r}. See {self.log}.") from error
        finally:
            connection.close()
        if response.status != 200 or response.getheader("x-amz-function-error"):
            raise Problem(f"sam local {self.name} returned {response.status} for {function}: {text}\nSee {self.log}.")
        return text

    def end_of_log(self) -> str:
        """The last lines of SAM and the functions."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])

    def _wait(self) -> None:
        """Waits until SAM and every container listen. SAM does not wait for the containers itself."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not (responds_http(self.port) and self._listening() >= self.containers):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Problem(f"sam local {self.name} did not start. See {self.log}.")
            time.sleep(0.2)

    def _listening(self) -> int:
        return sum(responds_http(int(port)) for ports in self._own().values() for port in PUBLISHED.findall(ports))

    def _own(self) -> dict:
        return {container: ports for container, ports in _containers().items() if container not in self.others}


def _containers() -> dict:
    """The containers of all running servers of SAM, and the ports of each in Docker's format."""
    words = ["docker", "ps", "--filter", CONTAINERS, "--format", "{{.ID}} {{.Ports}}"]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in listed.splitlines())


def responds_http(port: int) -> bool:
    """Whether something responds in HTTP. A connection alone may be accepted by Docker."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
