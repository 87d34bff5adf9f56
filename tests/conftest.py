"""Fixtures that several tests share, and the rule about skipped tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import launched, served

# threads that wait without spinning, as the command line sets it: see `denoise_lib.cli`
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

ROOT = Path(__file__).parents[1]
SUB_PATH = "/some/sub/path/"
skipped: list[str] = []


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs CUDA where there is none."""
    if item.get_closest_marker("cuda"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a skipped test, unless it needs CUDA or is expected to fail."""
    if report.skipped and not hasattr(report, "wasxfail") and "cuda" not in report.keywords:
        skipped.append(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a file that was skipped as a whole."""
    if report.skipped:
        skipped.append(report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With ``NO_SKIPS=1`` set, as in CI, let a skipped test fail the run."""
    if os.environ.get("NO_SKIPS") and skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests must not have been skipped."""
    if os.environ.get("NO_SKIPS") and skipped:
        terminalreporter.write_line(f"must not be skipped: {', '.join(skipped)}", red=True)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute in one thread, as the processes of a sweep do: another number gives other bytes."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what a test prepares to itself: no folder of pictures is known yet."""
    from denoise_lib.images import folder

    monkeypatch.setenv("DENOISE_LIB_CACHE", str(tmp_path / "cache"))
    folder.image_sets.cache_clear()
    return tmp_path / "cache"


@pytest.fixture
def no_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the user's cache, leave only images, which need no network twice: all else is trained."""
    from denoise_lib.images import fashion, photos

    cache = tmp_path / "cache"
    cache.mkdir()
    for kept in (fashion.folder(), photos.folder()):
        kept.mkdir(parents=True, exist_ok=True)
        (cache / kept.name).symlink_to(kept)
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(cache))


@pytest.fixture(scope="session")
def katex() -> None:
    """Have KaTeX, which sets formulas, where `make book` puts it."""
    from denoise_lib.assets import vendor
    from denoise_lib.files import project_root

    vendor(project_root())


@pytest.fixture(scope="session")
def book() -> Path:
    """Build the book without a warning and return the folder of its pages."""
    from denoise_lib.book import build

    return build(ROOT).parent


@pytest.fixture(scope="session")
def site(book: Path) -> Iterator[str]:
    """Serve the book below a sub-path, as a project page of a static host does."""
    with served(book, _Below) as address:
        yield address.removesuffix("/") + SUB_PATH


# For each module, not the session: while Playwright runs, nothing else in the process can run
# an asyncio loop, and papermill does.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a headless Chromium."""
    with launched() as running:
        yield running


class _Below(SimpleHTTPRequestHandler):
    """Serve a folder below `SUB_PATH` and nothing beside it."""

    def send_head(self):  # type: ignore[no-untyped-def]  # as in the class above
        if not self.path.startswith(SUB_PATH):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def translate_path(self, path: str) -> str:
        return super().translate_path("/" + path.removeprefix(SUB_PATH))

    def log_message(self, *_: object) -> None:
        """Say nothing."""
