"""Networks in the browser compute what torch computes, and the page that shows them works."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from playwright.sync_api import Browser, Page

from denoise_lib import zoo
from denoise_lib.browser_export import LARGEST_SHOWN, export_networks, onnx_bytes, pairs
from denoise_lib.errors import DenoiseLibError
from denoise_lib.files import write_bytes
from denoise_lib.images import load
from denoise_lib.measures.similarity import contrasts, nearest
from denoise_lib.networks import UNet
from denoise_lib.sampling import LOW_BIAS, sample
from tests.browser import opened

SIZE = 32
STATE = "#two-denoisers[data-state={}]"
ENGINE = "const engine = await import(new URL('_static/denoiser-engine.js', location));"
DECODE = """
  const floats = (text) =>
    new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
"""


def encoded(values: torch.Tensor) -> str:
    return base64.b64encode(values.contiguous().numpy().astype("<f4").tobytes()).decode()


def small_unet() -> UNet:
    """Return an untrained network whose weights half precision holds exactly, as the zoo's are."""
    torch.manual_seed(0)
    network = UNet(4, 2, normalization=False).eval()
    for name, value in network.named_parameters():
        value.data = zoo.stored(name, value.data).float()
    return network


def test_exported_graph_is_the_network() -> None:
    network, y = small_unet(), torch.randn(1, 1, 8, 8)
    model = onnx.load_from_string(onnx_bytes(network, 8))
    (answer,) = ReferenceEvaluator(model).run(None, {"y": y.numpy()})
    with torch.no_grad():
        expected = network(y).numpy()
    assert np.abs(expected - y.numpy()).max() > 0.1  # it is not the identity that agrees
    assert np.abs(answer - expected).max() < 1e-5


def test_file_is_half_the_size_of_float32() -> None:
    network = small_unet()
    in_float32 = 4 * sum(value.numel() for value in network.parameters())
    assert len(onnx_bytes(network, 8)) < 0.6 * in_float32 + 4000  # 4,000 for the graph


def test_layer_that_no_browser_can_run_is_named() -> None:
    with pytest.raises(DenoiseLibError, match="ScaleNorm"):
        onnx_bytes(UNet(4, 2, normalization=True), 8)


def test_zoo_holds_pairs_of_few_and_of_many_images() -> None:
    found = pairs()
    assert min(found) <= 10
    assert max(found) >= 10000
    for n, pair in found.items():
        assert {(plan.subset, plan.n_images) for plan in pair.values()} == {("A", n), ("B", n)}


def test_export_is_made_once_and_again_when_the_runtime_changes(tmp_path: Path) -> None:
    runtime = tmp_path / "book/_assets/vendor/onnxruntime/runtime.wasm"
    write_bytes(runtime, b"12345")
    export_networks(tmp_path)
    folder = tmp_path / "book/_assets/networks"
    listed = json.loads((folder / "networks.json").read_text())
    assert listed["runtime_bytes"] == 5
    assert [entry["n"] for entry in listed["networks"]] == list(pairs())
    for entry in listed["networks"]:
        for subset in "AB":
            assert (folder / entry[subset]["network"]).stat().st_size == entry[subset]["bytes"]
            assert ("training" in entry[subset]) == (entry["n"] <= LARGEST_SHOWN)
    (folder / "held-out.png").unlink()
    export_networks(tmp_path)
    assert not (folder / "held-out.png").exists()  # it was not made again
    write_bytes(runtime, b"123456")
    export_networks(tmp_path)
    assert (folder / "held-out.png").exists()


@pytest.fixture(scope="module")
def denoisers() -> dict[str, torch.nn.Module]:
    """The two networks of the largest sets, which draw another image from other noise."""
    pair = pairs()[max(pairs())]
    return {s: zoo.get_denoiser(plan, False, "cpu") for s, plan in pair.items()}


@pytest.mark.browser
def test_one_step_is_torchs(site: str, browser: Browser) -> None:
    noise = torch.randn(2, 1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(5))
    with opened(browser, site + "two-denoisers.html") as shown:
        for n, pair in pairs().items():
            for subset, plan in pair.items():
                network = zoo.get_denoiser(plan, False, "cpu")
                y = 0.5 + 0.7 * noise[0]
                with torch.no_grad():
                    denoised = network(y)
                residual = y - denoised
                h, beta = LOW_BIAS.step, LOW_BIAS.beta
                kept = (1 - beta * h) ** 2 - (1 - h) ** 2
                sigma = residual.square().mean().sqrt()
                expected = (y - h * residual + kept**0.5 * sigma * noise[1]).flatten()
                moved, answer = shown.page.evaluate(
                    f"""async ([name, size, y, z]) => {{
                      {ENGINE} {DECODE}
                      const {{ schedule }} = await engine.catalogue();
                      const denoise = await engine.loadNetwork(name, size);
                      const first = await engine.look(denoise, floats(y), 0, schedule);
                      const second = await engine.step(denoise, first, floats(z), schedule);
                      return [Array.from(second.y), Array.from(first.denoised)];
                    }}""",
                    [f"{subset}-{n}.onnx", SIZE, encoded(y), encoded(noise[1])],
                )
                assert np.abs(np.array(answer) - denoised.numpy().ravel()).max() < 1e-4
                assert np.abs(np.array(moved) - expected.numpy()).max() < 1e-4
        assert not shown.problems


@pytest.mark.browser
def test_sample_from_given_noise_is_torchs(site: str, browser: Browser, denoisers) -> None:
    seed, n = 3, max(pairs())
    both = {
        subset: sample(network, SIZE, [seed, seed + 1]) for subset, network in denoisers.items()
    }
    steps = max(int(drawn.steps[0]) for drawn in both.values())
    random = torch.Generator().manual_seed(seed)
    noise = torch.stack([torch.randn((1, SIZE, SIZE), generator=random) for _ in range(steps + 5)])
    with opened(browser, site + "two-denoisers.html") as shown:
        for subset, drawn_by_torch in both.items():
            expected, other = drawn_by_torch.images.split(1)
            image = shown.page.evaluate(
                f"""async ([name, size, given]) => {{
                  {ENGINE} {DECODE}
                  const {{ schedule }} = await engine.catalogue();
                  const denoise = await engine.loadNetwork(name, size);
                  const [all, d] = [floats(given), size * size];
                  const noise = (t) => all.subarray(Math.min(t * d, all.length - d)).slice(0, d);
                  const last = await engine.draw(denoise, noise, schedule);
                  return Array.from(last.denoised);
                }}""",
                [f"{subset}-{n}.onnx", SIZE, encoded(noise)],
            )
            drawn = torch.tensor(image).reshape(1, 1, SIZE, SIZE)
            assert (contrasts(drawn) @ contrasts(expected).T).item() > 0.999
            assert (contrasts(drawn) @ contrasts(other).T).item() < 0.999
        assert not shown.problems


@pytest.mark.browser
def test_noise_is_normal_and_fixed_by_its_seed(site: str, browser: Browser) -> None:
    with opened(browser, site + "two-denoisers.html") as shown:
        numbers = shown.page.evaluate(
            f"""async () => {{ {ENGINE}
              return [[1, 0], [1, 0], [1, 1], [2, 0]].map(
                ([seed, t]) => Array.from(engine.normals(seed, t, 20000)));
            }}"""
        )
    first, again, later, other = np.array(numbers)
    assert (first == again).all()
    for values in (first, later, other):  # five standard errors
        assert abs(values.mean()) < 5 / 20000**0.5
        assert abs(values.var() - 1) < 5 * (2 / 20000) ** 0.5
        assert abs((values**4).mean() - 3) < 5 * (96 / 20000) ** 0.5
    for a, b in ((first, later), (first, other), (first[:-1], first[1:])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / 20000**0.5


@pytest.mark.browser
def test_memory_does_not_grow(site: str, browser: Browser) -> None:
    name = f"A-{next(iter(pairs()))}.onnx"
    with opened(browser, site + "two-denoisers.html") as shown:
        page = shown.page
        page.evaluate(
            f"""async ([name, size]) => {{ {ENGINE}
              const {{ schedule }} = await engine.catalogue();
              const short = {{ ...schedule, max_steps: 12 }};
              const denoise = await engine.loadNetwork(name, size);
              const noise = (seed, kept) => (t) => {{
                const z = engine.normals(seed, t, size * size);
                kept?.push(z);
                return z;
              }};
              window.draw = async (seeds, kept) => {{
                for (const seed of seeds) await engine.draw(denoise, noise(seed, kept), short);
              }};
            }}""",
            [name, SIZE],
        )
        devtools = page.context.new_cdp_session(page)

        def megabytes_after(expression: str) -> float:
            page.evaluate(expression, [*range(20)])
            devtools.send("HeapProfiler.collectGarbage")
            used = devtools.send("Runtime.getHeapUsage")
            return (used["usedSize"] + used["backingStorageSize"]) / 1e6

        before = megabytes_after("(seeds) => draw(seeds.slice(0, 3))")
        assert megabytes_after("draw") < before + 0.5
        # what keeps one image a step, in memory of its own, is seen
        assert megabytes_after("(seeds) => draw(seeds, window.kept = [])") > before + 0.8
        assert not shown.problems


def start(page: Page) -> None:
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(STATE.format("ended"), timeout=120_000)


def levels(page: Page, name: str) -> np.ndarray:
    """Return the grey levels that a canvas shows."""
    data = page.locator(f'canvas[data-name="{name}"]').evaluate(
        f"""(canvas) => Array.from(
          canvas.getContext('2d').getImageData(0, 0, {SIZE}, {SIZE}).data)"""
    )
    return np.array(data).reshape(SIZE, SIZE, 4)[..., 0]


def training_sets() -> dict[str, torch.Tensor]:
    """Return the images that the two networks of the smallest N learned from."""
    return {
        subset: load(plan.image_class, SIZE, subset, plan.n_images)
        for subset, plan in next(iter(pairs().values())).items()
    }


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(360, True), (1400, False)])
def test_reader_draws_pauses_scrubs_and_renoises(
    site: str, browser: Browser, width: int, dark: bool
) -> None:
    with opened(browser, site + "two-denoisers.html", width=width, dark=dark) as shown:
        page = shown.page
        start(page)
        final = {subset: levels(page, f"{subset}: answer") for subset in "AB"}
        for subset, training in training_sets().items():
            near = levels(page, f"{subset}: nearest training image")
            answer = torch.tensor(final[subset] / 255, dtype=torch.float32)[None, None]
            (best,) = nearest(answer, training)[1].tolist()
            assert (near == (255 * training[best, 0]).round().numpy()).all()
        slider = page.get_by_label("Step")
        last = int(slider.get_attribute("max"))
        slider.focus()
        for _ in range(3):
            page.keyboard.press("PageDown")
        back = int(slider.input_value())
        assert back < last
        assert f"Step {back}." in page.locator(".td-said").inner_text()
        assert (levels(page, "A: answer") != final["A"]).any()
        page.get_by_role("button", name="Go on", exact=True).press("Enter")
        page.wait_for_selector(STATE.format("ended"), timeout=120_000)
        assert int(slider.get_attribute("max")) == last
        assert all((levels(page, f"{s}: answer") == final[s]).all() for s in "AB")
        page.get_by_role("button", name="Add noise").click()
        page.get_by_role("button", name="Pause").click()
        assert page.locator(STATE.format("paused")).count() == 1
        assert int(slider.get_attribute("max")) < last
        page.get_by_role("button", name="New noise").first.click()
        page.wait_for_selector(STATE.format("ended"), timeout=120_000)
        assert any((levels(page, f"{s}: answer") != final[s]).any() for s in "AB")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not shown.problems


@pytest.mark.browser
def test_reader_denoises_an_image_and_a_drawing(site: str, browser: Browser) -> None:
    with opened(browser, site + "two-denoisers.html", width=360) as shown:
        page = shown.page
        start(page)
        page.get_by_label("Denoise an image").check()
        page.wait_for_selector(STATE.format("denoised"))
        page.get_by_role("button", name="Fetch").click()
        rows = page.locator(".td-answers > div")
        rows.nth(len(pairs()) - 1).wait_for(timeout=60_000)
        assert rows.count() == len(pairs())
        clean = load("fashion", SIZE, "held-out", 2)[1, 0]
        page.get_by_role("button", name="held-out image 2").click()
        page.wait_for_selector(STATE.format("denoised"))
        assert (levels(page, "clean image: draw on it") == (255 * clean).round().numpy()).all()
        for key in ("Home", "End"):
            page.get_by_label("Noise σ").press(key)
            page.wait_for_selector(STATE.format("denoised"))
            sigma, z = page.evaluate(
                f"""async () => {{ {ENGINE}
                  const {{ seed, sigma }} = document.getElementById('two-denoisers').dataset;
                  return [Number(sigma), Array.from(engine.normals(Number(seed), 0, {SIZE**2}))];
                }}"""
            )
            assert sigma == pytest.approx({"Home": 0.02, "End": 1}[key])
            noisy = clean + sigma * torch.tensor(z).reshape(SIZE, SIZE)
            for n, pair in pairs().items():
                for subset, plan in pair.items():
                    with torch.no_grad():
                        answer = zoo.get_denoiser(plan, False, "cpu")(noisy[None, None])[0, 0]
                    wanted = {"answer": answer, "residual": 0.5 + (noisy - answer) / (6 * sigma)}
                    for what, picture in wanted.items():
                        seen = levels(page, f"N = {n:,}, {subset}: {what}")
                        assert np.abs(seen - 255 * picture.clamp(0, 1).numpy()).max() < 0.7
        page.get_by_role("button", name="black canvas").click()
        page.wait_for_selector(STATE.format("denoised"))
        pad = page.locator("canvas.td-pad")
        assert levels(page, "clean image: draw on it").max() == 0
        pad.click()
        page.wait_for_selector(STATE.format("denoised"))
        assert levels(page, "clean image: draw on it").max() > 200
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert not shown.problems


@pytest.mark.browser
def test_nothing_large_is_fetched_before_start(site: str, browser: Browser, book: Path) -> None:
    context = browser.new_context()
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site + "two-denoisers.html", wait_until="networkidle")
    assert any("networks.json" in url for url in asked)
    assert not [
        url for url in asked if "onnx" in url or ("/networks/" in url and ".json" not in url)
    ]
    listed = json.loads((book / "_static/networks/networks.json").read_text())
    first = listed["networks"][0]
    files = [file for s in "AB" for file in (first[s]["network"], first[s].get("training")) if file]
    size = sum((book / "_static/networks" / file).stat().st_size for file in files)
    runtime = book / "_static/vendor/onnxruntime"
    size += sum(path.stat().st_size for path in runtime.iterdir())
    assert f"Start ({size / 1e6:.1f} MB)" in page.locator("#two-denoisers").inner_text()
    context.close()


@pytest.mark.browser
def test_without_webassembly_or_a_server_one_sentence_says_so(
    site: str, browser: Browser, book: Path
) -> None:
    context = browser.new_context()
    context.add_init_script("delete window.WebAssembly")
    page = context.new_page()
    page.goto(site + "two-denoisers.html", wait_until="networkidle")
    assert "no WebAssembly" in page.locator("#two-denoisers").inner_text()
    context.close()
    context = browser.new_context()
    page = context.new_page()
    page.goto((book / "two-denoisers.html").as_uri())
    assert "from a web server" in page.locator("#two-denoisers").inner_text()
    context.close()


@pytest.mark.browser
def test_reader_who_wants_less_motion_sees_the_end_only(site: str, browser: Browser) -> None:
    changes = """() => {
      window.seen = new Set();
      const said = document.querySelector('.td-said');
      new MutationObserver(() => window.seen.add(said.textContent))
        .observe(said, { childList: true, characterData: true, subtree: true });
    }"""
    seen = {}
    for motion in ("reduce", "no-preference"):
        context = browser.new_context(reduced_motion=motion)
        page = context.new_page()
        page.goto(site + "two-denoisers.html", wait_until="networkidle")
        start(page)
        page.evaluate(changes)
        page.get_by_role("button", name="New noise").first.click()
        page.wait_for_timeout(300)
        page.wait_for_selector(STATE.format("ended"), timeout=120_000)
        seen[motion] = page.evaluate("window.seen.size")
        context.close()
    assert seen["reduce"] <= 2
    assert seen["no-preference"] > 10
