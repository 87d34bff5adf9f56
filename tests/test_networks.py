"""The networks are the paper's: parameter counts, homogeneity, blindness."""

import pytest
import torch

from denoise_lib.errors import ParameterError
from denoise_lib.networks import BFCNN, UNet


@pytest.mark.parametrize(
    ("blocks", "parameters"), [(1, 366_080), (2, 1_825_024), (3, 7_659_264), (4, 30_993_152)]
)
def test_parameter_counts_of_the_paper(blocks, parameters):
    network = UNet(width=64, blocks=blocks, normalization=True)
    assert sum(p.numel() for p in network.parameters()) == parameters


def test_parameter_count_of_the_papers_bfcnn():
    assert sum(p.numel() for p in BFCNN().parameters()) == 702_784


@pytest.mark.parametrize("kind", [UNet, BFCNN])
@pytest.mark.parametrize("normalization", [True, False])
@pytest.mark.parametrize("t", [0.01, 3.0, 100.0])
def test_homogeneous_of_degree_one(kind, normalization, t):
    torch.manual_seed(0)
    network = kind(8, 2, normalization=normalization).double()
    y = torch.rand(4, 1, 16, 16, dtype=torch.float64)
    network.train()
    network(y)  # moves the running variances away from 1
    network.eval()
    torch.testing.assert_close(network(t * y), t * network(y), rtol=1e-9, atol=1e-9)


def test_normalization_in_training_divides_by_the_standard_deviation():
    torch.manual_seed(0)
    network = UNet(width=4, blocks=1, normalization=True)
    norm = next(m for m in network.modules() if type(m).__name__ == "ScaleNorm")
    x = 5 + 3 * torch.randn(8, 4, 8, 8)
    out = norm.train()(x)
    torch.testing.assert_close(out.std(dim=(0, 2, 3)), torch.ones(4), rtol=1e-2, atol=0)
    assert (out.mean(dim=(0, 2, 3)) > 1).all()  # the mean is not subtracted


def test_sigma_is_ignored():
    network = UNet(width=4, blocks=1).eval()
    y = torch.rand(2, 1, 8, 8)
    assert torch.equal(network(y), network(y, 0.3))


def test_no_parameter_is_an_additive_constant():
    names = [n for kind in (UNet, BFCNN) for n, _ in kind(width=4).named_parameters()]
    assert not [name for name in names if "bias" in name]


def test_odd_image_size_is_named_with_the_remedy():
    with pytest.raises(ParameterError, match=r"image size = '10x10'.*multiples of 8"):
        UNet(width=4, blocks=3)(torch.rand(1, 1, 10, 10))


@pytest.mark.parametrize(
    ("kind", "bad"),
    [(UNet, {"width": 0}), (UNet, {"blocks": 0}), (BFCNN, {"width": 0}), (BFCNN, {"layers": 1})],
)
def test_impossible_networks_are_refused(kind, bad):
    with pytest.raises(ParameterError, match=next(iter(bad))):
        kind(**bad)


def test_the_bfcnn_takes_any_size():
    assert BFCNN(width=4, layers=3)(torch.rand(1, 1, 7, 9)).shape == (1, 1, 7, 9)
