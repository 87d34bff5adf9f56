"""A browser for the tests, wherever it comes from, and what they do with its pages.

``python -m tests.browser`` makes sure that there is one, and says which.
"""

from __future__ import annotations

import base64
import gzip
import io
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The sandbox does not start as root nor in most containers; only our own pages are opened.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SETTLE_MS = 150
TO_FIRST_WIDGET = """() => {
  const first = document.querySelector('script[type="application/vnd.jupyter.widget-view+json"]');
  first?.parentElement.scrollIntoView();
  return first !== null;
}"""


class NoBrowserError(Exception):
    """No browser is on this machine and none could be installed."""


def executable() -> str:
    """Return the path of a Chromium, installing one if there is none.

    It is ``$CHROME``, else an installed one, else apt's where this user is root,
    else the one that Playwright downloads.

    Raises
    ------
    NoBrowserError
        If no way gave one.
    """
    named = os.environ.get("CHROME")
    if named:
        found = shutil.which(named)
        if found is None:
            raise NoBrowserError(f"CHROME={named}: this is not a program; unset it or correct it")
        return found
    found = _installed() or _playwrights()
    if found:
        return found
    said = []
    if shutil.which("apt-get") and os.geteuid() == 0:
        said.append(_run("apt-get", "update", "-qq"))
        said.append(_run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"))
    if not _installed():
        said.append(_run(sys.executable, "-m", "playwright", "install", "chromium"))
    found = _installed() or _playwrights()
    if found is None:
        raise NoBrowserError(
            "the tests need Chromium: install chromium or google-chrome, or name one in CHROME\n"
            + "\n".join(filter(None, said))
        )
    return found


def _installed() -> str | None:
    return next(filter(None, map(shutil.which, INSTALLED)), None)


def _playwrights() -> str | None:
    """Return Playwright's own Chromium if it has been downloaded."""
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def _run(*command: str) -> str:
    """Run a command that may fail; return what it said last if it did."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = (done.stderr.strip().splitlines() or ["failed"])[-1]
    return f"  {' '.join(command)}: {last}" if done.returncode else ""


class Host(SimpleHTTPRequestHandler):
    """Serve files as static hosts do: text is compressed."""

    def send_head(self):  # type: ignore[no-untyped-def]  # as in the class above
        path = Path(self.translate_path(self.path))
        if path.suffix not in (".html", ".css", ".js", ".mjs", ".json", ".svg", ".wasm"):
            return super().send_head()
        if not path.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        content = gzip.compress(path.read_bytes(), 6)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return io.BytesIO(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path, handler: type[SimpleHTTPRequestHandler] = Host) -> Iterator[str]:
    """Serve a folder on this machine; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def launched() -> Iterator[Browser]:
    """Start a headless browser and stop it afterwards."""
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page, and everything that went wrong on it so far."""

    page: Page
    problems: list[str] = field(default_factory=list)


@contextmanager
def opened(
    browser: Browser, url: str, *, width: int = 1400, dark: bool = False, scroll: bool = True
) -> Iterator[Opened]:
    """Open a page and note what it must not do.

    That is: ask another host, get no answer, log an error, throw.

    Parameters
    ----------
    browser : Browser
        A running browser.
    url : str
        The page.
    width : int
        The window's width in pixels.
    dark : bool
        Whether the reader's system prefers dark colours.
    scroll : bool
        Go to the page's first widget, for which the widgets' code is loaded.

    Yields
    ------
    Opened
        The page, after everything it asks for has come.
    """
    host = urlsplit(url).netloc
    context = browser.new_context(
        viewport={"width": width, "height": 1000}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    shown = Opened(page)

    def on_request(request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme not in ("data", "blob") and asked.netloc != host:
            shown.problems.append(f"asks another host: {request.url}")

    def on_response(response: Response) -> None:
        if response.status >= 400:
            shown.problems.append(f"{response.status} for {response.url}")

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            shown.problems.append(f"console: {message.text}")

    page.on("request", on_request)
    page.on("response", on_response)
    page.on("console", on_console)
    page.on("pageerror", lambda error: shown.problems.append(f"page error: {error}"))
    try:
        page.goto(url, wait_until="networkidle")
        if scroll and page.evaluate(TO_FIRST_WIDGET):
            page.locator(".noUi-handle").first.wait_for(state="attached")
        yield shown
    finally:
        context.close()


def move_slider(page: Page, selector: str, steps: int) -> None:
    """Move the first slider inside ``selector`` by keyboard, to the left if ``steps`` < 0."""
    page.locator(f"{selector} .noUi-handle").first.focus()
    for _ in range(abs(steps)):
        page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
    page.wait_for_timeout(SETTLE_MS)


def visible_images(page: Page, selector: str) -> list[bytes]:
    """Return the files of the widget images inside ``selector`` that a reader sees now."""
    encoded = page.evaluate(
        """async (selector) => {
          const images = [...document.querySelectorAll(selector + ' img.widget-image')];
          const seen = images.filter((image) => image.offsetParent !== null);
          return Promise.all(seen.map(async (image) => {
            const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
            return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ''));
          }));
        }""",
        selector,
    )
    return [base64.b64decode(text) for text in encoded]


if __name__ == "__main__":
    try:
        sys.stdout.write(f"Browser for the tests: {executable()}\n")
    except NoBrowserError as error:
        sys.exit(str(error))
