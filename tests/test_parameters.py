"""Parameters drawn at random: what is valid is used as given, what is not is refused by name."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denoise_lib.chapters import chapters, read_notebook, source_path
from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.parameters import (
    check_parameters,
    declared_parameters,
    parameters_cell,
    with_values,
)
from tests.project import make_project, write_profile

CHAPTERS = chapters()
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALID: dict[type, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(),
    float: NUMBERS | st.integers(),
    str: st.text(),
}
OF_ANY_TYPE = st.one_of(
    st.none(), st.booleans(), st.integers(), NUMBERS, st.text(), st.lists(st.integers()),
    st.dictionaries(st.text(), st.integers()), st.just(float("nan")), st.just(b"bytes"),
)  # fmt: skip


def kind_of(default: Any) -> type:
    return type(default[0]) if isinstance(default, list) else type(default)


def plain(chapter: str) -> dict[str, Any]:
    """Return what may be set freely: not the profile, and no networks."""
    declared = declared_parameters(chapter)
    return {
        name: default
        for name, default in declared.items()
        if name != "profile" and not name.startswith("networks")
    }


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_what_is_valid_is_used_as_given(data):
    chapter = data.draw(st.sampled_from(CHAPTERS))
    name, default = data.draw(st.sampled_from(list(plain(chapter).items())))
    one = VALID[kind_of(default)]
    value = data.draw(st.lists(one) if isinstance(default, list) else one)
    assert check_parameters(chapter, "smoke", {name: value})[name] == value
    code = parameters_cell(read_notebook(source_path(chapter)), chapter)["source"]
    found = {
        line.targets[0].id: ast.literal_eval(line.value)  # no more than a value was written
        for line in ast.parse(with_values(code, {name: value}, chapter)).body
    }
    assert found == {**declared_parameters(chapter), name: value}


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_what_is_of_another_type_is_refused_by_name(data):
    chapter = data.draw(st.sampled_from(CHAPTERS))
    name, default = data.draw(st.sampled_from(list(plain(chapter).items())))
    allowed = {float: (int, float)}.get(type(default), (type(default),))
    value = data.draw(
        OF_ANY_TYPE.filter(lambda v: type(v) not in allowed or v != v)  # NaN is no number
    )
    with pytest.raises(ParameterError) as error:
        check_parameters(chapter, "smoke", {name: value})
    assert str(error.value).startswith(f"{name} = ")


BAD_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "image_class": st.sampled_from(["fashon", "", "__import__('os')", 3, None]),
    "image_size": st.integers(max_value=0) | st.floats(1, 9) | st.just(True),
    "subset": st.sampled_from(["E", "held-out", "tuning", "", 3]),
    "n_images": st.integers(max_value=0) | st.floats(2, 9),
    "seed": st.integers(max_value=-1) | st.floats(0, 9),
    "network": st.sampled_from(["transformer", "", 3]),
    "width": st.integers(max_value=0) | st.floats(1, 9) | st.text(),
    "normalization": st.integers() | st.text(),
    "images_trained": st.integers(max_value=31) | st.floats(100, 900),
}
BAD_RECIPES: dict[str, st.SearchStrategy[Any]] = {
    "batch": st.integers(max_value=0) | st.floats(2, 9),
    "learning_rate": st.floats(max_value=0, allow_infinity=False) | st.booleans(),
    "warmup": st.integers(max_value=-1),
    "sigma_law": st.sampled_from(["linear", "", 3]),
    "sigma_min": st.floats(max_value=0, allow_infinity=False) | st.floats(3, 9),
    "weight_power": st.floats(max_value=-0.1, allow_infinity=False) | st.booleans(),
    "averaging": st.floats(max_value=-0.1, allow_infinity=False) | st.booleans(),
}


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_network_that_cannot_be_trained_is_refused_by_the_fields_name(data):
    whole = {**BAD_FIELDS, **BAD_RECIPES}
    field = data.draw(st.sampled_from(list(whole)))
    value = data.draw(whole[field])
    network = {"network": "bfcnn", field: value}
    if field in BAD_RECIPES:
        network = {"recipe": {field: value}}
    with pytest.raises(ParameterError) as error:
        check_parameters("memorization", "smoke", {"networks": [network]})
    assert f"{field}" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        b"title: !!python/object/apply:pathlib.Path.touch [witness]",
        b"!!python/object/new:os.system [touch witness]",
        b"title: [1, 2",
        b"\xff\xfe\x00 no text",
        b"[" * 100_000,
        b"just a line",
        b"- a\n- list",
    ],
)
def test_a_damaged_or_hostile_profile_is_one_line_and_runs_nothing(tmp_path, monkeypatch, text):
    root = make_project(tmp_path, monkeypatch)
    write_profile(root, "tiny", "smoke", "")
    (root / "nbs/profiles/smoke/tiny.yaml").write_bytes(text)
    with pytest.raises(DenoiseLibError, match=r"nbs/profiles/smoke/tiny.yaml") as error:
        check_parameters("tiny", "smoke")
    assert "\n" not in str(error.value)
    assert not Path("witness").exists()
