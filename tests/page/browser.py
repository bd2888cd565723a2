"""A browser that a test uses as a person does, by the W3C's WebDriver protocol and nothing but the standard library."""

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
WINDOW = (1280, 1000)
PHONE = (360, 780)

# As the protocol names them.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
TAB, ENTER, SPACE, SHIFT = "\ue004", "\ue007", " ", "\ue008"


class Driver:
    """chromedriver as a process. Each test has a session of its own in it."""

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
        raise RuntimeError("chromedriver ended before it was ready")

    def open(self, **options) -> "Browser":
        """A browser without a past."""
        return Browser(self.address, self._downloads, **options)

    def stop(self) -> None:
        """Ends the process, and with it every browser."""
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()


class Browser:
    """One browser session."""

    def __init__(self, address: str, downloads: Path, arguments: tuple = ()):
        flags = ["--headless=new", "--disable-dev-shm-usage", "--lang=en", *arguments]
        if os.geteuid() == 0:
            # Chromium refuses to build its sandbox as root, as which CI runs in a container.
            flags.append("--no-sandbox")
        options = {"binary": shutil.which("google-chrome") or shutil.which("chromium"), "args": flags}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self._base = f"{address}/session"
        answer = self._call("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self._base += f"/{answer['sessionId']}"
        self.downloads = downloads
        self.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        self.size(*WINDOW)

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

    # -- What a person does --------------------------------------------------------------------------------------------

    def go(self, url: str) -> None:
        """Opens an address, and waits until it is loaded."""
        self._call("POST", "/url", {"url": url})

    def click(self, selector: str) -> None:
        """Clicks an element that is in sight, or can be scrolled to."""
        self._call("POST", f"/element/{self._find(selector)}/click")

    def press(self, words: str) -> None:
        """Clicks the button or link with these words."""
        script = """
            const words = arguments[0];
            const seen = (e) => e.checkVisibility() && !e.disabled;
            return [...document.querySelectorAll('button, a, summary, label.button')].find(
                (e) => seen(e) && e.textContent.trim() === words) ?? null"""
        self._call("POST", f"/element/{self.wait(lambda: self.run(script, words), words)[ELEMENT]}/click")

    def type(self, selector: str, text: str) -> None:
        """Types into a field, or gives a file's path to one for files."""
        self._call("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def keys(self, *keys: str) -> None:
        """Presses keys one after another, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def _find(self, selector: str) -> str:
        return self._call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    # -- What a person sees --------------------------------------------------------------------------------------------

    def text(self, selector: str = "body") -> str:
        """The text of what is in sight; empty where there is no such element."""
        return self.run("const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", selector)

    def sees(self, text: str, selector: str = "main") -> str:
        """Waits until the text is in sight. Returns the whole text around it."""
        return self.wait(lambda: (found := self.text(selector)) and text in found and found, f"the text {text!r}")

    def focused(self) -> str:
        """What has the focus: its id, or its text."""
        return self.run("const e = document.activeElement; return e.id || e.textContent.trim()")

    def wait(self, condition, what: str):
        """Waits for something to become true, and returns it."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.03)
        raise AssertionError(f"{what} did not come in {WAIT_SECONDS_MAX} s. In sight:\n{self.text()}")

    def downloaded(self, name: str) -> bytes:
        """The content of a file that the browser was told to save. It disappears."""
        path = self.downloads / name
        self.wait(path.is_file, f"the file {name}")
        content = path.read_bytes()
        path.unlink()
        return content

    def screenshot(self, path: Path) -> None:
        """The whole page as a picture."""
        height = self.run("return document.documentElement.scrollHeight")
        width = self.run("return document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.cdp("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self) -> list:
        """What the browser itself found wrong since it was last asked: broken policies, failed scripts."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        # An answer that is a refusal is one too, and is what many tests are about.
        return [e["message"] for e in entries if "the server responded with a status of 4" not in e["message"]]

    # -- The circumstances ---------------------------------------------------------------------------------------------

    def run(self, script: str, *arguments):
        """Runs a script in the page, as the developer tools do."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def run_async(self, script: str, *arguments):
        """The same for a script that calls its last argument when it has ended."""
        return self._call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def cdp(self, command: str, **parameters):
        """A command of Chromium's own protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def size(self, width: int, height: int) -> None:
        """The size of the page, of a phone's too: a window has a least width."""
        mobile = width < 600
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def prefer(self, **features: str) -> None:
        """What the person prefers, such as `color_scheme="dark"`."""
        listed = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        self.cdp("Emulation.setEmulatedMedia", features=listed)

    def network(self, *, offline: bool = False, bytes_a_second: int = -1) -> None:
        """Cuts the network, or narrows it."""
        self.cdp("Network.enable")
        rates = {"downloadThroughput": bytes_a_second, "uploadThroughput": bytes_a_second}
        self.cdp("Network.emulateNetworkConditions", offline=offline, latency=0, **rates)

    def block(self, *patterns: str) -> None:
        """Lets no request through to these addresses."""
        self.cdp("Network.enable")
        self.cdp("Network.setBlockedURLs", urls=list(patterns))
