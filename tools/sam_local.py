"""The servers of `sam local`, started and waited for until every container listens."""

import http.client
import re
import subprocess
import time

from . import paths, venvs
from .paths import HOST
from .problem import Problem

START_SECONDS_MAX = 180
# SAM removes its containers when it is asked to end.
STOP_SECONDS_MAX = 120
# A function may take a minute, and is emulated here.
INVOCATION_SECONDS_MAX = 180
# SAM asks a new container for 0.7 s and then says this, although Docker takes the connection before anything listens in
# the container. Under emulation, on a busy machine, that is too early; it has nothing to do with the function.
NO_RESPONSE = "No response from invoke container"
# So many lines of SAM's log are shown with a failure.
LOG_LINES = 40
PUBLISHED = re.compile(r":(\d+)->8080/tcp")
CONTAINERS = "label=sam.cli.container.type=lambda"


def command(*words: str) -> list:
    """The pinned `sam` with its words."""
    return [str(venvs.directory_of("sam") / "bin" / "sam"), *words]


class Server:
    """`sam local start-lambda` or `sam local start-api`: one container for each function, which stays."""

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
        # SAM forgets some of its containers now and then. One that is being removed already is no fault.
        if left := self._own():
            subprocess.run(["docker", "rm", "--force", *left], capture_output=True)

    def invoke(self, function: str, event: str) -> str:
        """Calls a function as an SDK does, and gives what it answered. SAM's own complaint is a problem."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=INVOCATION_SECONDS_MAX)
        try:
            connection.request("POST", f"/2015-03-31/functions/{function}/invocations", event.encode())
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Problem(f"sam local {self.name} did not answer for {function}: {error!r}. See {self.log}.") from error
        finally:
            connection.close()
        if response.status != 200 or response.getheader("x-amz-function-error"):
            raise Problem(f"sam local {self.name} answered {response.status} for {function}: {text}\nSee {self.log}.")
        return text

    def end_of_log(self) -> str:
        """What SAM and the functions have written last."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])

    def _wait(self) -> None:
        """Until SAM takes requests and something listens in every container, which SAM itself does not wait for."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not (answers_http(self.port) and self._listening() >= self.containers):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Problem(f"sam local {self.name} did not start. See {self.log}.")
            time.sleep(0.2)

    def _listening(self) -> int:
        return sum(answers_http(int(port)) for ports in self._own().values() for port in PUBLISHED.findall(ports))

    def _own(self) -> dict:
        return {container: ports for container, ports in _containers().items() if container not in self.others}


def _containers() -> dict:
    """The containers of all of SAM's servers that run, and the ports of each as Docker writes them."""
    words = ["docker", "ps", "--filter", CONTAINERS, "--format", "{{.ID}} {{.Ports}}"]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in listed.splitlines())


def answers_http(port: int) -> bool:
    """Whether something answers in HTTP, whatever it says. A connection alone may be Docker's own."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
