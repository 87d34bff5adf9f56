"""Running chapters: what is refused before, what is kept after, and when a chapter is stale."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from denoise_lib import chapters, experiments, parameters, staleness
from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.plan import TrainingPlan
from tests.project import BODY, PARAMETERS, make_project, write_notebook, write_profile


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    return make_project(tmp_path, monkeypatch)


# ---------------------------------------------------------------- what is refused before


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"sise": 3}, "sise = 3: chapter tiny has no such parameter, did you mean 'sizes'?"),
        ({"sizes": 3}, "sizes = 3: must be a list"),
        ({"sizes": [1, 2.5]}, "2.5 in it must be a whole number"),
        ({"sizes": [1, True]}, "True in it must be a whole number"),
        ({"copies": True}, "copies = True: must be a whole number"),
        ({"copies": 2.0}, "must be a whole number"),
        ({"sigma": "0.5"}, "must be a number"),
        ({"sigma": float("nan")}, "give a finite number"),
        ({"quick": 1}, "must be true or false"),
        ({"title": None}, "must be text"),
        ({"profile": "paper"}, "this is a run at 'smoke'"),
        ({"x = 1; import os": 1}, "no such parameter"),
        ({"networks": [{"n_imags": 3}]}, "n_imags"),
        ({"networks": [3]}, "each item is a mapping"),
        ({"networks": [{"n_images": "ten"}]}, "wrong type"),
    ],
)
def test_what_is_not_declared_or_of_another_type_is_refused_in_one_line(project, overrides, says):
    with pytest.raises(ParameterError) as error:
        experiments.run("tiny", "smoke", overrides)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert not (project / "_build").exists()


def test_a_whole_number_may_stand_for_a_number(project):
    assert parameters.check_parameters("tiny", "smoke", {"sigma": 1})["sigma"] == 1


def test_values_are_default_then_profile_then_override(project):
    values = parameters.check_parameters("tiny", "smoke", {"title": "mine"})
    assert (values["sigma"], values["copies"], values["title"]) == (0.5, 2, "mine")


def test_unknown_chapter_and_profile_suggest_the_nearest(project):
    with pytest.raises(ParameterError, match="did you mean 'tiny'"):
        experiments.run("tinny", "smoke")
    with pytest.raises(ParameterError, match="did you mean 'smoke'"):
        experiments.run("tiny", "smok")
    with pytest.raises(ParameterError, match=r"no nbs/profiles/paper/tiny.yaml.* smoke, published"):
        experiments.run("tiny", "paper")


def test_values_of_yaml_that_json_does_not_have_are_refused(project):
    write_profile(project, "tiny", "smoke", "title: 2024-01-01\n")
    with pytest.raises(ParameterError, match="only text, numbers"):
        experiments.run("tiny", "smoke")


@pytest.mark.parametrize("line", ["import os", "a = b = 1", "n = len('x')", "x.y = 1", "n = ("])
def test_a_parameters_cell_holds_plain_assignments_only(project, line):
    write_notebook(project / "nbs/chapters/tiny.ipynb", parameters=f"{PARAMETERS}\n{line}")
    with pytest.raises(DenoiseLibError, match="parameters cell"):
        parameters.check_parameters("tiny", "smoke")


def test_command_line_values_are_json_or_text(project):
    pairs = ["sizes=[1, 2]", "sigma=1e-3", "title=5", "device=cuda:1", "quick=true"]
    assert parameters.parse_overrides("tiny", pairs) == {
        "sizes": [1, 2], "sigma": 1e-3, "title": "5", "device": "cuda:1", "quick": True
    }  # fmt: skip
    with pytest.raises(ParameterError, match="name=value"):
        parameters.parse_overrides("tiny", ["sigma"])


def test_the_shown_parameters_keep_their_comments_and_get_the_values():
    code = 'é = "ä"; a = [1,\n     2]  # two\nb = -1.5  # one\nc: int = 3'
    values = {"é": "ö", "a": [{"n": list(range(40))}, {"m": "x"}], "b": -1.5, "c": 4}
    new = parameters.with_values(code, values, "tiny")
    given: dict = {}
    exec(new, given)
    assert {name: given[name] for name in values} == values
    assert "]  # two\n" in new and "b = -1.5  # one\nc: int = 4" in new


def test_output_among_the_sources_is_refused(project):
    source = project / "nbs/chapters/tiny.ipynb"
    with pytest.raises(ParameterError, match="sources"):
        experiments.run("tiny", "smoke", output=source)
    with pytest.raises(ParameterError, match="ipynb"):
        experiments.run("tiny", "smoke", output=project)


# ---------------------------------------------------------------- what is kept after


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A book whose chapter has run at the published profile, once for all tests."""
    root = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        make_project(root, patch)
        assert (
            experiments.run("tiny", "published", progress=False)
            == root / "book/chapters/tiny.ipynb"
        )
    return root


@pytest.fixture
def book(published, tmp_path, monkeypatch) -> Path:
    """A copy of that book to change."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(tmp_path))
    return tmp_path


def test_the_executed_notebook_shows_the_values_used_and_nothing_of_this_machine(published):
    text = (published / "book/chapters/tiny.ipynb").read_text()
    notebook = json.loads(text)
    assert [cell["id"] for cell in notebook["cells"]] == ["c0", "c1"]
    assert "sizes = [1, 10, 100]  # training images" in notebook["cells"][0]["source"]
    assert "object object>" in text and " at 0x" not in text
    for private in (
        "papermill",
        "iopub",
        str(published),
        str(Path.home()) + "/",
        "vnd.denoise-book",
    ):
        assert private not in text
    widgets = notebook["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    shown = [o["data"] for o in notebook["cells"][1]["outputs"] if "data" in o]
    view = shown[-1]["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert widgets[view]["model_name"] == "VBoxModel"
    assert all(None not in model["state"].values() for model in widgets.values())
    slider, label = (
        child.removeprefix("IPY_MODEL_") for child in widgets[view]["state"]["children"]
    )
    link = next(w["state"] for w in widgets.values() if w["model_name"] == "LinkModel")
    assert link["source"] == [f"IPY_MODEL_{slider}", "value"]
    assert link["target"] == [f"IPY_MODEL_{label}", "value"]


def test_records_are_written_with_their_provenance(published):
    results = json.loads((published / "book/results/tiny.json").read_text())
    assert results["records"] == [
        {"quantity": "nothing", "value": 0, "low": 0, "high": 0, "n": None, "networks": []},
        {"quantity": "spread", "value": 0.5, "low": 0.4, "high": 0.6, "n": 3, "networks": []},
    ]
    provenance = results["provenance"]
    assert provenance["profile"] == "published" and provenance["chapter"] == 7
    assert provenance["parameters"]["sizes"] == [1, 10, 100]
    assert set(provenance["code"]) == {"denoise_lib.claims", "denoise_lib.errors"}
    assert {"machine", "versions", "minutes", "commit", "device"} <= set(provenance["run"])


def test_two_runs_give_the_same_bytes(published, book):
    run_again = experiments.run("tiny", "published", output=book / "again.ipynb", progress=False)
    first, second = (
        json.loads(path.read_text()) for path in (book / "book/chapters/tiny.ipynb", run_again)
    )
    for notebook in (first, second):
        del notebook["metadata"]["denoise_book"]["run"]
    assert json.dumps(first) == json.dumps(second)


def test_a_run_that_gives_the_same_leaves_the_files_alone(book):
    before = [
        (book / f"book/{f}").read_bytes() for f in ("chapters/tiny.ipynb", "results/tiny.json")
    ]
    experiments.run("tiny", "published", progress=False)
    after = [
        (book / f"book/{f}").read_bytes() for f in ("chapters/tiny.ipynb", "results/tiny.json")
    ]
    assert before == after


def test_a_failing_cell_leaves_the_last_good_chapter(book):
    good = (book / "book/chapters/tiny.ipynb").read_bytes()
    write_notebook(book / "nbs/chapters/tiny.ipynb", "x = 1", "raise ValueError('no\\nway')")
    with pytest.raises(experiments.ChapterFailedError) as error:
        experiments.run("tiny", "published", progress=False)
    assert str(error.value) == (
        "chapter tiny failed at published in cell 3: ValueError: no "
        "(traceback in _build/runs/published/tiny.failed.ipynb)"
    )
    assert (book / "book/chapters/tiny.ipynb").read_bytes() == good
    assert "way" in (book / "_build/runs/published/tiny.failed.ipynb").read_text()


def test_a_kernel_that_dies_is_an_error_of_one_line(book):
    write_notebook(book / "nbs/chapters/tiny.ipynb", "import os; os._exit(1)")
    with pytest.raises(experiments.ChapterFailedError, match="process died"):
        experiments.run("tiny", "published", progress=False)


def test_only_the_profile_itself_becomes_the_book(book):
    good = (book / "book/chapters/tiny.ipynb").read_bytes()
    path = experiments.run("tiny", "published", {"copies": 9}, progress=False)
    assert path == book / "_build/runs/published/tiny.ipynb"
    assert json.loads(path.with_suffix(".json").read_text())["records"][1]["n"] == 9
    assert (book / "book/chapters/tiny.ipynb").read_bytes() == good


def test_a_quantity_recorded_twice_is_refused(book):
    write_notebook(book / "nbs/chapters/tiny.ipynb", BODY, "record('spread', 1, (1, 1))")
    with pytest.raises(DenoiseLibError, match="spread twice"):
        experiments.run("tiny", "published", progress=False)


# ---------------------------------------------------------------- when a chapter is stale


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A copy of the library whose code may be changed; only its text is looked at."""
    copy = tmp_path / "library" / "denoise_lib"
    shutil.copytree(staleness.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(staleness, "PACKAGE", copy)
    return copy


def rewrite(path: Path, change) -> None:
    path.write_text(change(path.read_text()))


def add_networks(book: Path, *names: str) -> None:
    """Let the chapter's record name networks, and put their files into the zoo."""
    (book / "zoo").mkdir()
    for name in names:
        (book / f"zoo/{name}.safetensors").write_bytes(name.encode())
    named = {name: chapters.sha256(name.encode()) for name in names}
    for path, inside in (("chapters/tiny.ipynb", "metadata"), ("results/tiny.json", None)):
        stored = json.loads((book / "book" / path).read_text())
        holder = stored[inside]["denoise_book"] if inside else stored["provenance"]
        holder["networks"] = named
        (book / "book" / path).write_text(json.dumps(stored))


def test_a_chapter_that_has_just_run_is_fresh(book):
    assert staleness.stale("tiny") == []


def test_a_chapter_that_never_ran_is_stale(project):
    assert staleness.stale("tiny") == ["it has never been run"]


def test_another_source_makes_it_stale(book):
    write_notebook(book / "nbs/chapters/tiny.ipynb", BODY + "\nNone")
    assert staleness.stale("tiny") == ["nbs/chapters/tiny.ipynb changed"]


def test_other_parameters_make_it_stale_and_a_comment_does_not(book):
    path = book / "nbs/profiles/published/tiny.yaml"
    rewrite(path, lambda text: f"# more\n{text}")
    assert staleness.stale("tiny") == []
    rewrite(path, lambda text: f"{text}copies: 4\n")
    assert staleness.stale("tiny") == ["parameter copies changed"]


def test_another_data_file_makes_it_stale(book):
    (book / "measured.json").write_text("[]")
    assert staleness.stale("tiny") == ["measured.json changed"]
    (book / "measured.json").unlink()
    with pytest.raises(DenoiseLibError, match="reads a file that is not there"):
        staleness.stale("tiny")


def test_networks_that_changed_or_went_make_it_stale_and_new_ones_do_not(book):
    add_networks(book, "aaa", "bbb")
    assert staleness.stale("tiny") == []
    (book / "zoo/ccc.safetensors").write_bytes(b"new")
    assert staleness.stale("tiny") == []
    (book / "zoo/aaa.safetensors").write_bytes(b"other")
    (book / "zoo/bbb.safetensors").unlink()
    assert staleness.stale("tiny") == [
        "network aaa changed", "network bbb is no longer in the zoo"
    ]  # fmt: skip


def test_results_of_another_run_make_it_stale(book):
    (book / "book/results/tiny.json").unlink()
    assert staleness.stale("tiny") == ["book/results/tiny.json is missing or from another run"]


def test_code_counts_and_what_only_people_read_does_not(book, package):
    claims = package / "claims.py"
    rewrite(
        claims, lambda text: text.replace('"""Show a measured', '"""Display a measured') + "# x\n"
    )
    rewrite(package / "sampling.py", lambda text: f"{text}\nNEW = 1\n")
    assert staleness.stale("tiny") == []
    rewrite(claims, lambda text: f"{text}\nNEW = 1\n")
    assert staleness.stale("tiny") == ["denoise_lib.claims changed"]


def test_code_that_is_imported_by_what_is_imported_counts(book, package):
    rewrite(package / "errors.py", lambda text: f"{text}\nNEW = 1\n")
    assert staleness.stale("tiny") == ["denoise_lib.errors changed"]


def test_style_sheets_of_a_package_count(package):
    cell = {"cell_type": "code", "source": "import denoise_lib.widgets.controls"}
    before = staleness.code_hashes({"cells": [cell]})
    rewrite(package / "widgets" / "explorers.css", lambda text: f"{text} p {{ margin: 0; }}")
    after = staleness.code_hashes({"cells": [cell]})
    assert staleness._changed(before, after) == ["denoise_lib.widgets"]


def test_a_block_of_magics_alone_is_read():
    source = "if True:\n    !git clone x\n    %cd x\nimport denoise_lib.errors"
    compared = staleness.code_hashes({"cells": [{"cell_type": "code", "source": source}]})
    assert "denoise_lib.errors" in compared


def test_training_is_not_compared_but_what_it_imports_is():
    cell = {"cell_type": "code", "source": "%matplotlib inline\nfrom denoise_lib import zoo"}
    compared = staleness.code_hashes({"cells": [cell]})
    assert "denoise_lib.training" not in compared
    assert {"denoise_lib.zoo", "denoise_lib.networks", "denoise_lib.images.fashion"} <= set(
        compared
    )


def test_run_stale_runs_only_what_is_stale(book):
    started: list = []
    assert experiments.run_stale(on_start=lambda *row: started.append(row)) == []
    write_profile(book, "tiny", "published", "profile: published\ncopies: 4\n")
    assert experiments.run_stale(on_start=lambda *row: started.append(row)) == [
        book / "book/chapters/tiny.ipynb"
    ]
    assert started == [("tiny", ["parameter copies changed", "parameter sizes changed"])]
    assert staleness.stale("tiny") == []


# ---------------------------------------------------------------- which chapters, which networks


def test_chapters_come_in_the_order_of_the_contents(project):
    for name in ("alpha", "beta", "omega"):
        write_notebook(project / f"nbs/chapters/{name}.ipynb")
    (project / "book").mkdir()
    (project / "book/_toc.yml").write_text(
        "format: jb-book\nroot: index\nparts:\n- caption: one\n  chapters:\n"
        "  - file: how-to-read\n  - file: chapters/omega\n    sections:\n"
        "    - file: chapters/beta\n- chapters: [{file: chapters/tiny}, {file: chapters/gone}]\n"
    )
    assert chapters.chapters() == ["omega", "beta", "tiny", "alpha"]


def test_missing_are_the_plans_without_a_file(project):
    write_profile(
        project, "tiny", "published", "profile: published\nnetworks:\n- n_images: [1, 10]\n"
    )
    one, ten = TrainingPlan(n_images=1), TrainingPlan(n_images=10)
    assert experiments.missing("published") == [one, ten]
    (project / "zoo").mkdir()
    (project / f"zoo/{one.hash}.safetensors").touch()
    assert experiments.missing("published", ["tiny"]) == [ten]
    assert experiments.missing("smoke") == []
    with pytest.raises(ParameterError, match="did you mean 'tiny'"):
        experiments.missing("published", ["tinny"])


def test_networks_of_several_roles_and_of_chapters_to_come_are_named(project):
    text = "networks:\n- n_images: 1\nnetworks_b:\n- {n_images: [1, 10], subset: B}\n"
    write_profile(project, "to_come", "published", text)
    a, b = TrainingPlan(n_images=1), TrainingPlan(n_images=1, subset="B")
    assert experiments.missing("published")[:2] == [a, b]
    assert len(experiments.missing("published", ["to_come"])) == 3
    write_profile(project, "to_come", "published", "networks_b: {n_images: 1}\n")
    with pytest.raises(ParameterError, match="networks_b"):
        experiments.missing("published")
