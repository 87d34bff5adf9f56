"""Formulas in LaTeX as HTML, by KaTeX, run by node: no page needs a script for them."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache

from denoise_lib.assets import node_environment, tool_path
from denoise_lib.errors import DenoiseLibError
from denoise_lib.files import project_root

# From each line of input, a formula, to a line of output.
SCRIPT = """
const katex = require(process.argv[1]);
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { tex, displayMode } = JSON.parse(line);
  let said;
  try {
    said = { html: katex.renderToString(tex, { displayMode, strict: 'error' }) };
  } catch (error) {
    said = { error: error.message };
  }
  console.log(JSON.stringify(said));
});
"""


@cache
def _setter() -> subprocess.Popen[str]:
    """Return the one process that sets formulas; it ends with its input, when this one ends."""
    environment, katex = node_environment(), tool_path(project_root(), "katex.min.js").resolve()
    node = shutil.which("node", path=environment["PATH"])
    if node is None or not katex.is_file():
        raise DenoiseLibError("formulas need node and KaTeX: run `make book`, which fetches both")
    return subprocess.Popen(
        [node, "-e", SCRIPT, str(katex)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )


@cache
def typeset(tex: str, *, display: bool = False) -> str:
    r"""Return a formula as HTML, with MathML in it for assistive software.

    Parameters
    ----------
    tex : str
        In LaTeX's mathematical mode, without dollars.
    display : bool
        Whether it stands on a line of its own.

    Raises
    ------
    DenoiseLibError
        If it is no formula that KaTeX can set.
    """
    process = _setter()
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps({"tex": tex, "displayMode": display}) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except BrokenPipeError:
        answer = ""
    if not answer:
        raise DenoiseLibError("node could not run KaTeX: delete _build/tools and try again")
    said = json.loads(answer)
    if "error" in said:
        raise DenoiseLibError(said["error"])
    return said["html"]
