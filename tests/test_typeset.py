"""Formulas are set by KaTeX when the book is built; what it does not know fails the build."""

import pytest

from denoise_lib.errors import DenoiseLibError
from denoise_lib.typeset import typeset

pytestmark = pytest.mark.usefixtures("katex")


def test_a_formula_is_html_and_mathml():
    said = typeset(r"\hat x < \sigma^2")
    assert "<math" in said and 'class="katex-html" aria-hidden="true"' in said
    assert "katex-display" not in said
    assert "katex-display" in typeset(r"\hat x < \sigma^2", display=True)


def test_answers_belong_to_their_questions():
    for n in range(50):
        assert f'encoding="application/x-tex">x_{{{n}}}</annotation>' in typeset(f"x_{{{n}}}")


@pytest.mark.parametrize("wrong", [r"\norm{x}", "x_{", r"\text{é"])
def test_what_is_no_formula_is_named_and_the_next_one_is_set(wrong: str):
    with pytest.raises(DenoiseLibError, match="KaTeX parse error"):
        typeset(wrong)
    assert "<math" in typeset("y")
