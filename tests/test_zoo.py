"""A network file says what it is, is checked, and is trained once."""

import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import save

from denoise_lib import zoo
from denoise_lib.errors import DamagedFileError, MissingNetworkError, ParameterError
from denoise_lib.sweep import gather
from denoise_lib.training import train
from tests.test_training import TINY, finish


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A book without networks and an empty cache."""
    (tmp_path / "book" / "nbs" / "chapters").mkdir(parents=True)
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(tmp_path / "book"))
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="module")
def trained():
    return finish(train(TINY))


def test_stored_and_loaded(home, trained):
    path = zoo.zoo_dir() / f"{TINY.hash}.safetensors"
    zoo.store(TINY, trained, path)
    network, record = zoo.load(path)
    assert record["plan"] == asdict(TINY) and record["images_seen"] == 3200
    assert next(network.parameters()).dtype == torch.float32
    y = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(network(y), trained.network(y), rtol=0.01, atol=0.01)
    assert zoo.get_denoiser(TINY, allow_training=False) is not None
    (row,) = [entry.as_dict() for entry in zoo.entries()]
    assert row["hash"] == TINY.hash and row["n_images"] == 50 and row["images_seen"] == 3200


@pytest.mark.parametrize("at", [-1, -2000, 400])
def test_a_flipped_bit_is_found(home, trained, at):
    path = zoo.user_dir() / f"{TINY.hash}.safetensors"
    zoo.store(TINY, trained, path)
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)
    with pytest.raises(DamagedFileError, match="delete it"):
        zoo.get_denoiser(TINY)


@pytest.mark.parametrize("content", [b"", b"garbage" * 100])
def test_a_file_that_is_no_network_is_refused(home, content):
    path = zoo.user_dir() / f"{TINY.hash}.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match="delete it"):
        zoo.get_denoiser(TINY)


def test_a_renamed_file_and_one_without_a_record_are_refused(home, trained):
    other = replace(TINY, seed=5)
    path = zoo.user_dir() / f"{other.hash}.safetensors"
    zoo.store(TINY, trained, path)
    with pytest.raises(DamagedFileError, match="holds the network"):
        zoo.get_denoiser(other)
    path.write_bytes(save({"x": torch.zeros(1)}))
    with pytest.raises(DamagedFileError):
        zoo.get_denoiser(other)


def test_missing_networks_are_named_or_trained(home):
    with pytest.raises(MissingNetworkError, match=TINY.hash):
        zoo.get_denoiser(TINY, allow_training=False)
    denoisers, missing = gather([TINY], "published")
    assert (denoisers, missing) == ({}, [TINY])
    denoisers, missing = gather([TINY], "smoke")
    assert list(denoisers) == [TINY] and not missing
    assert zoo.find(TINY, zoo_only=True) is None and zoo.find(TINY).parent == zoo.user_dir()
    assert set(zoo.used) >= {TINY.hash}


def test_asking_for_too_many_images_leaves_nothing_behind(home):
    with pytest.raises(ParameterError, match="n_images"):
        zoo.get_denoiser(replace(TINY, n_images=100_000))
    assert not list(zoo.user_dir().glob("*"))


TWICE = """
import sys
from pathlib import Path
from denoise_lib import zoo
from tests.test_training import TINY
seen = []
zoo.obtain(TINY, Path(sys.argv[1]), on_progress=seen.append)
print("trained" if seen else "waited")
"""


def test_two_processes_train_one_network_once(home):
    command = [sys.executable, "-c", TWICE, str(home / "zoo")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(p.communicate(timeout=120)[0].strip() for p in both) == ["trained", "waited"]
