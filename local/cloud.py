"""The emulator as a process: start, health, stop."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from tools import client, paths, venvs
from tools.paths import HOST, REGION
from tools.problem import Problem

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 10


class Cloud:
    """One emulator in one directory, which has its log, its temporary files and its description.

    A running emulator holds a lock on a file of the directory, through a descriptor that it inherits. So whether it
    runs is known even after a reboot, or when another process has its ID.
    """

    def __init__(self, directory: Path):
        self.directory = directory
        self.log_file = directory / "cloud.log"
        self._lock_file = directory / "lock"
        self._description_file = directory / "cloud.json"

    # -- Properties ----------------------------------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """The URL of all its services."""
        return f"http://{HOST}:{self._description()['port']}"

    @property
    def page_origin(self) -> str:
        """The origin of the page: for a browser a different one than the bucket's, as on AWS."""
        return f"http://localhost:{self._description()['port']}"

    @property
    def credentials(self) -> dict:
        """The administrator's credentials, which are new after each start."""
        description = self._description()
        return {key: description[key] for key in ("access_key_id", "secret_access_key")}

    def client(self, service: str):
        """A client of one service, as administrator."""
        return client.aws({"endpoint": self.endpoint, "region": REGION, **self.credentials}, service)

    def is_running(self) -> bool:
        """Whether an emulator holds this directory's lock."""
        if not self._lock_file.exists():
            return False
        with self._lock_file.open("w") as lock:
            return not _try_lock(lock)

    # -- Start and stop ------------------------------------------------------------------------------------------------

    def start(self, port: int, variables: dict | None = None) -> None:
        """Starts the emulator in the background and waits until it responds."""
        _require_free_port(port)
        self.directory.mkdir(parents=True, exist_ok=True)
        description = {
            "port": port,
            # In the form of a real key, which some clients check.
            "access_key_id": "AKIA" + secrets.token_hex(8).upper(),
            "secret_access_key": secrets.token_hex(20),
        }
        with self._lock_file.open("w") as lock, self.log_file.open("w") as log:
            if not _try_lock(lock):
                raise Problem(f"An emulator is already running in {self.directory}.")
            process = subprocess.Popen(
                [str(venvs.python_of("cloud")), "-m", "local.emulator"],
                cwd=paths.ROOT,
                env={**self._environment(description), **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # In a process group of its own: Ctrl-C reaches this process, which stops the emulator and its
                # functions.
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )
        self._write_description({**description, "pid": process.pid})
        try:
            self._wait_until_healthy(process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops the emulator and the functions that it runs, and removes their files. The log is kept."""
        if self.is_running():
            group = self._description()["pid"]
            _signal_group(group, signal.SIGTERM)
            if not self._wait_until_stopped():
                _signal_group(group, signal.SIGKILL)
                self._wait_until_stopped()
            # The functions are in the same group and can outlive the emulator for a moment.
            _signal_group(group, signal.SIGKILL)
        self._description_file.unlink(missing_ok=True)
        shutil.rmtree(self.directory / "tmp", ignore_errors=True)

    def _environment(self, description: dict) -> dict:
        """The emulator's environment. It has no variable of the shell, so that no credential reaches a function."""
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        port = str(description["port"])
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "BIND_HOST": HOST,
            "GATEWAY_PORT": port,
            # The default is "localhost", which some machines resolve to an address on which nothing listens.
            "MINISTACK_HOST": HOST,
            "AUTH": "true",
            "MINISTACK_REGION": REGION,
            "AWS_ACCESS_KEY_ID": description["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": description["secret_access_key"],
            # Without this the functions would call the real AWS.
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
        }

    def _wait_until_healthy(self, process: subprocess.Popen) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise Problem(f"The emulator ended while it started. The end of its log:\n{self.last_log_lines()}")
            if _responds(f"{self.endpoint}/_ministack/health"):
                return
            time.sleep(0.1)
        raise Problem(f"The emulator did not respond within {START_SECONDS_MAX} s. See {self.log_file}.")

    def _wait_until_stopped(self) -> bool:
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while time.monotonic() < deadline:
            if not self.is_running():
                return True
            time.sleep(0.05)
        return False

    # -- Files ---------------------------------------------------------------------------------------------------------

    def last_log_lines(self, count: int = 15) -> str:
        """The end of the emulator's log."""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-count:])

    def _description(self) -> dict:
        try:
            return json.loads(self._description_file.read_text())
        except FileNotFoundError as error:
            raise Problem(
                f"An emulator holds {self._lock_file}, but its process is unknown because its start was interrupted. "
                "End the process that has this file open: fuser -k " + str(self._lock_file)
            ) from error

    def _write_description(self, description: dict) -> None:
        # It has credentials, if only those of an emulator.
        self._description_file.touch(mode=0o600)
        self._description_file.write_text(json.dumps(description))


def temporary_cloud(purpose: str) -> Cloud:
    """A cloud for one command. Removes what earlier commands left that were killed or that failed."""
    for leftover in paths.WORK.glob(f"{purpose}-[0-9]*"):
        if not _is_alive(int(leftover.name.removeprefix(f"{purpose}-"))):
            Cloud(leftover).stop()
            shutil.rmtree(leftover, ignore_errors=True)
    return Cloud(paths.WORK / f"{purpose}-{os.getpid()}")


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


def _require_free_port(port: int) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            advice = "Stop the process that uses it, or choose another port: PORT=4567 make up"
            raise Problem(f"Port {port} cannot be used here ({error.strerror}). {advice}") from error


def _try_lock(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _responds(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
