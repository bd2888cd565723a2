"""A browser for the tests, controlled over the W3C WebDriver protocol with the standard library alone."""

import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

WAIT_SECONDS_MAX = 30
CALL_SECONDS_MAX = 120
DESKTOP = (1280, 1000)
PHONE = (360, 780)

# Names and key codes of the WebDriver protocol.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
TAB, ENTER = "\ue004", "\ue007"


class Driver:
    """A chromedriver process. Each test has its own session in it."""

    def __init__(self, downloads: Path):
        self._process = subprocess.Popen(
            [shutil.which("chromedriver"), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._downloads = downloads
        for line in self._process.stdout:
            found = re.search(r"successfully on port (\d+)", line)
            if found:
                self.address = f"http://127.0.0.1:{found.group(1)}"
                return
        raise RuntimeError("chromedriver exited before it was ready")

    def open_browser(self, **options) -> "Browser":
        """Opens a browser with a new profile."""
        return Browser(self.address, self._downloads, **options)

    def stop(self) -> None:
        """Stops the process and its browsers."""
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()


class Browser:
    """A browser session."""

    def __init__(self, address: str, downloads: Path, arguments: tuple = ()):
        flags = ["--headless=new", "--disable-dev-shm-usage", "--lang=en", *arguments]
        if os.geteuid() == 0:
            # Chromium does not start its sandbox as root, which is the user in CI containers.
            flags.append("--no-sandbox")
        options = {"binary": shutil.which("google-chrome") or shutil.which("chromium"), "args": flags}
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        self._base = f"{address}/session"
        session = self._call("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
        self._base += f"/{session['sessionId']}"
        self.downloads = downloads
        self.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        self.resize(*DESKTOP)

    def _call(self, method: str, path: str, body: dict | None = None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self._base + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=CALL_SECONDS_MAX) as response:
                return json.loads(response.read())["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.loads(error.read())["value"]["message"]) from None

    def close(self) -> None:
        """Ends the session."""
        self._call("DELETE", "")

    # -- Input ---------------------------------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        """Opens an address and waits until it is loaded."""
        self._call("POST", "/url", {"url": url})

    def click(self, selector: str) -> None:
        """Clicks an element, and scrolls to it first if needed."""
        self._call("POST", f"/element/{self._find(selector)}/click")

    def press(self, label: str) -> None:
        """Clicks the button or link with this label."""
        script = """
            const label = arguments[0];
            const isEnabled = (e) => e.checkVisibility() && !e.disabled;
            return [...document.querySelectorAll('button, a, summary, label.button')].find(
                (e) => isEnabled(e) && e.textContent.trim() === label) ?? null"""
        element = self.wait_until(lambda: self.execute(script, label), label)
        self._call("POST", f"/element/{element[ELEMENT]}/click")

    def type(self, selector: str, text: str) -> None:
        """Types into a field, or gives a path to a file input."""
        self._call("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def press_keys(self, *keys: str) -> None:
        """Presses keys one after another, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def _find(self, selector: str) -> str:
        return self._call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    # -- Output --------------------------------------------------------------------------------------------------------

    def text(self, selector: str = "body") -> str:
        """The visible text of an element; empty if there is none."""
        return self.execute("const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", selector)

    def wait_for_text(self, text: str, selector: str = "main") -> str:
        """Waits until an element shows the text. Returns all text of the element."""
        return self.wait_until(lambda: (found := self.text(selector)) and text in found and found, f"the text {text!r}")

    def focused(self) -> str:
        """The focused element: its ID, or its text."""
        return self.execute("const e = document.activeElement; return e.id || e.textContent.trim()")

    def wait_until(self, condition, description: str):
        """Waits until a condition is true, and returns its value."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.03)
        raise AssertionError(f"timed out after {WAIT_SECONDS_MAX} s: {description}. The page shows:\n{self.text()}")

    def take_download(self, name: str) -> bytes:
        """Waits for a downloaded file, deletes it and returns its content."""
        path = self.downloads / name
        self.wait_until(path.is_file, f"the download {name}")
        content = path.read_bytes()
        path.unlink()
        return content

    def screenshot(self, path: Path) -> None:
        """Saves a picture of the whole page."""
        height = self.execute("return document.documentElement.scrollHeight")
        width = self.execute("return document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.cdp("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def console_errors(self) -> list:
        """The browser's messages since the last call, such as policy violations and script errors."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        # Many tests cause responses with a 4xx status on purpose.
        return [e["message"] for e in entries if "the server responded with a status of 4" not in e["message"]]

    # -- Environment ---------------------------------------------------------------------------------------------------

    def execute(self, script: str, *arguments):
        """Runs a script in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def execute_async(self, script: str, *arguments):
        """Runs a script that calls its last argument when it is done."""
        return self._call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def cdp(self, command: str, **parameters):
        """Runs a command of the Chrome DevTools Protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width: int, height: int) -> None:
        """Sets the size of the viewport. It can be narrower than a window."""
        mobile = width < 600
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def emulate_preferences(self, **features: str) -> None:
        """Sets preferences of the user, such as `color_scheme="dark"`."""
        media = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        self.cdp("Emulation.setEmulatedMedia", features=media)

    def emulate_network(self, *, offline: bool = False, bytes_per_second: int = -1) -> None:
        """Disconnects the network, or limits its throughput."""
        self.cdp("Network.enable")
        rates = {"downloadThroughput": bytes_per_second, "uploadThroughput": bytes_per_second}
        self.cdp("Network.emulateNetworkConditions", offline=offline, latency=0, **rates)
