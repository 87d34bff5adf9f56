"""Speed of the networks in the reader's browser: no ratio, because nothing is there to compare."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from benchmarks.plain import SIZE
from denoise_lib.browser_export import pairs
from denoise_lib.sampling import LOW_BIAS
from tests.browser import launched, opened, served

PAGE = "two-denoisers.html"

DRAW = """async ([names, size, seeds, maxSteps]) => {
  const engine = await import(new URL('_static/denoiser-engine.js', location));
  const { schedule } = await engine.catalogue();
  const networks = await Promise.all(names.map((name) => engine.loadNetwork(name, size)));
  const short = { ...schedule, max_steps: maxSteps };
  let calls = 0;
  const counted = networks.map((network) => (y) => { calls += 1; return network(y); });
  const both = (seed) => Promise.all(counted.map((network) =>
    engine.draw(network, (t) => engine.normals(seed, t, size * size), short)));
  await Promise.all(networks.map((network) => network(engine.normals(0, 0, size * size))));
  const turns = [];
  for (const seed of seeds) {
    calls = 0;
    const started = performance.now();
    await both(seed);
    turns.push([performance.now() - started, calls]);
  }
  return turns;
}"""


def measure(site: Path, turns: int, max_steps: int = LOW_BIAS.max_steps) -> dict[str, Any]:
    """Let the A- and the B-network of the largest sets draw one sample each, some times.

    Parameters
    ----------
    site : Path
        The book, built.
    turns : int
        Samples drawn by each network, one pair after another.
    max_steps : int
        Of a sample.

    Returns
    -------
    dict
        ``seconds``: both networks draw a sample, median over turns; ``milliseconds_a_step``:
        of one network; ``steps`` of a sample, median; ``n_images``; ``browser``.

    Raises
    ------
    FileNotFoundError
        If the book is not built.
    """
    if not (site / PAGE).is_file():
        raise FileNotFoundError(f"{site / PAGE} is not there: build the book first (make book)")
    n = max(pairs())
    with served(site) as address, launched() as browser, opened(browser, address + PAGE) as shown:
        names = [f"{subset}-{n}.onnx" for subset in "AB"]
        found = shown.page.evaluate(DRAW, [names, SIZE, list(range(turns)), max_steps])
        version = browser.version
    return {
        "seconds": statistics.median(taken for taken, _ in found) / 1000,
        "milliseconds_a_step": statistics.median(taken / calls for taken, calls in found),
        "steps": statistics.median(calls for _, calls in found) / 2,
        "n_images": n,
        "browser": f"Chromium {version}, ONNX Runtime Web, one thread of WebAssembly",
    }
