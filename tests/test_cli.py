"""The command line: one-line errors, exit codes, and that help needs no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from denoise_lib import cli
from denoise_lib.errors import MissingDataError
from denoise_lib.files import sha256
from denoise_lib.plan import TrainingPlan
from denoise_lib.zoo import read_record
from tests.project import make_project, write_profile
from tests.test_faults import no_file_above

SMALL_PLAN = """\
networks:
- {image_class: digits, image_size: 8, n_images: [1, 10], width: 2, blocks: 1,
   images_trained: 64, recipe: {batch: 32}}
"""


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    return make_project(tmp_path, monkeypatch)


def call(*words: str):
    return CliRunner().invoke(cli.app, list(words))


def test_neither_import_nor_help_loads_what_is_slow():
    program = (
        "import sys; from denoise_lib import cli\n"
        "try: cli.app(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "slow = {'torch', 'numpy', 'papermill', 'nbformat', 'dask', 'distributed'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "denoise-lib run memorization" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_version():
    assert call("--version").stdout == f"denoise-lib {version('denoise-lib')}\n"


@pytest.mark.parametrize("command", ["run", "book", "train", "zoo", "claims", "data"])
def test_every_command_has_help_with_an_example(command):
    assert f"denoise-lib {command}" in call(command, "--help").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "tinny"], "error: chapter = 'tinny': no such chapter, did you mean 'tiny'?"),
        (["run", "tiny", "-P", "smoke", "-p", "sise=[/3]"], "did you mean 'sizes'?"),
        (["run", "tiny", "-P", "smoke", "-p", "copies"], "give it as name=value"),
        (["run", "tiny", "--profile", "paper"], "there is no nbs/profiles/paper/tiny.yaml"),
        (["train", "--only", "tinny"], "did you mean 'tiny'?"),
        (["train", "--profile", "publish"], "did you mean 'published'?"),
        (["train", "--jobs", "2", "--scheduler", "tcp://host:8786"], "--jobs = 2: leave it out"),
        (["claims"], "there are no claims"),
        (["book", "--all", "--no-run"], "leave out --no-run"),
    ],
)
def test_errors_are_one_line_on_stderr_and_exit_2(project, words, says):
    result = call(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert says in result.stderr
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1


def test_outside_a_book_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(tmp_path))
    result = call("zoo")
    assert result.exit_code == 2 and "no book in" in result.stderr


def test_an_interruption_exits_130(project, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("denoise_lib.images.fashion.fetch", interrupted)
    result = call("data")
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_data_says_where_it_is_or_why_not(project, monkeypatch):
    monkeypatch.setattr("denoise_lib.images.fashion.fetch", lambda: Path("/some/where"))
    monkeypatch.setattr("denoise_lib.images.photos.fetch", lambda: Path("/else/where"))
    first, second = call("data").stdout.splitlines()
    assert first == "Fashion-MNIST is in /some/where"
    assert second == "The photographs are in /else/where"

    def nowhere():
        raise MissingDataError("no way\n  led there")

    monkeypatch.setattr("denoise_lib.images.fashion.fetch", nowhere)
    assert call("data").stderr == "error: no way\n  led there\n"


def test_run_writes_the_notebook_with_the_given_values(project):
    result = call("run", "tiny", "--profile", "smoke", "-p", "sigma=2", "--output", "mine.ipynb")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"wrote {project / 'mine.ipynb'}\n"
    assert "sigma = 2" in (project / "mine.ipynb").read_text()
    assert json.loads((project / "mine.json").read_text())["records"][1]["value"] == 2


def test_train_lists_then_trains_what_is_missing(project):
    write_profile(project, "tiny", "published", f"profile: published\n{SMALL_PLAN}")
    listed = json.loads(call("train", "--json").stdout)
    assert [row["n_images"] for row in listed["missing"]] == [1, 10]
    assert (listed["present"], listed["images_left"]) == ([], 128)
    assert [row["images_left"] for row in listed["missing"]] == [64, 64]
    assert listed["core_hours"] > 0
    dry = call("train", "--dry-run", "--jobs", "2").stdout
    assert "2 networks are missing: 128 images" in dry
    assert "core-hours, " in dry and "hours with 2 at a time (as fast as" in dry
    assert not (project / "zoo").exists()

    result = call("train", "--jobs", "2")
    assert result.exit_code == 0, result.stderr
    for row in listed["missing"]:
        trained = read_record(project / "zoo" / f"{row['hash']}.safetensors")
        assert trained["plan"]["n_images"] == row["n_images"]
        assert trained["how"]["threads"] == 1
    assert call("train").stdout == "nothing is missing at published\n"
    listed = json.loads(call("train", "--json").stdout)
    assert (listed["missing"], len(listed["present"])) == ([], 2)
    assert (listed["images_left"], listed["core_hours"]) == (0, 0)
    rows = json.loads(call("zoo", "--json").stdout)
    assert [row["n_images"] for row in rows] == [1, 10]
    plan = {field.name for field in fields(TrainingPlan)}
    assert set(rows[0]) == plan | {
        "hash", "file", "sha256", "images_seen", "train_psnr", "tuning_psnr", "minutes",
        "machine", "versions",
    }  # fmt: skip
    network_file = project / "zoo" / rows[0]["file"]
    assert rows[0]["sha256"] == sha256(network_file.read_bytes())
    assert "digits" in call("zoo").stdout
    card = project / "zoo" / "README.md"
    assert all(row["hash"] in card.read_text() for row in rows)
    network_file.unlink()
    assert call("zoo", "--write-card").stdout == f"wrote {card}\n"
    assert rows[0]["hash"] not in card.read_text() and rows[1]["hash"] in card.read_text()


def test_a_network_that_cannot_be_trained_does_not_stop_the_others(project):
    too_many = SMALL_PLAN.replace("[1, 10]", "[100000, 1]")
    write_profile(project, "tiny", "published", f"profile: published\n{too_many}")
    result = call("train", "--jobs", "1")
    assert result.exit_code == 2
    assert "1 of 2 networks were not trained" in result.stderr
    assert "n_images = 100000" in result.stderr
    assert len(list((project / "zoo").glob("*.safetensors"))) == 1


def test_a_full_disk_is_one_line(project):
    write_profile(project, "tiny", "published", f"profile: published\n{SMALL_PLAN}")
    with no_file_above(500):
        result = call("train", "--jobs", "2")
    assert result.exit_code == 2
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
    assert "2 of 2 networks were not trained" in line and "free some space" in line
    assert not list((project / "zoo").glob("*.safetensors*"))


def test_claims_are_listed(project):
    row = {
        "id": "gap", "chapter": "tiny", "sentence": "The gap closes.", "source": "figure 1",
        "quantity": "gap", "criterion": "< 1", "control": {"quantity": "c", "text": "t"},
        "paper": 0.5,
    }  # fmt: skip
    (project / "book").mkdir()
    (project / "book/claims.yml").write_text(json.dumps([row]))
    (listed,) = json.loads(call("claims", "--json").stdout)
    assert (listed["id"], listed["chapter"], listed["status"]) == ("gap", 7, "not measured")
    assert "The gap closes." in call("claims").stdout


def test_book_runs_what_is_stale_then_builds(project, monkeypatch):
    built: list = []

    def build(root: Path) -> Path:
        built.append((root / "book/chapters/tiny.ipynb").exists())
        return root / "_build/html/index.html"

    monkeypatch.setattr("denoise_lib.book.build", build)
    result = call("book", "--no-run")
    assert "chapter tiny is stale: it has never been run" in result.stderr
    result = call("book")
    assert result.exit_code == 0, result.stderr
    assert "running tiny: it has never been run" in result.stdout
    assert str(project / "_build/html") in result.stdout
    assert "running" not in call("book").stdout
    assert built == [False, True, True]
