"""Checkpoints: everything, to the last bit, or an error that says what is wrong; never something else."""

import errno
import json
import math

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from hyena_np import files, get_backend, to_numpy
from hyena_np.errors import CheckpointError, OutputError
from hyena_np.training import checkpoint as checkpoint_module
from hyena_np.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from hyena_np.training.optim import AdamWState
from support.trees import leaves, tree_map

NUMPY32 = get_backend("numpy", "float32")
CONFIG = {"model": {"n_layer": 2, "mixer": {"w": 1.0}}, "betas": [0.9, 0.98], "name": "Träning", "none": None}


def state(backend=NUMPY32, seed=0, step=7):
    """A whole state, its weights with every awkward number that there is."""
    rng = np.random.default_rng(seed)
    awkward = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-45, 3.4028235e38, 1 / 3]

    def tree():
        return {
            "embeddings": {"weight": rng.standard_normal((3, 2))},
            "layers": {str(i): {"bias": rng.standard_normal(5)} for i in (0, 1, 10)},
            "awkward": np.array(awkward) if backend.dtype_name == "float32" else np.array(awkward) / 3,
            "freq": np.asfortranarray(rng.standard_normal((2, 3))).T,
        }

    with np.errstate(over="ignore"):
        params, mean, square = (tree_map(backend.asarray, tree()) for _ in range(3))
    rng.standard_normal(3), rng.integers(0, 5, dtype=np.int32)  # a generator with half a number in store
    return Checkpoint(
        params, AdamWState(step, mean, square), step, rng.bit_generator.state, CONFIG, 12.345678901234567
    )


def same(a, b):
    """Whether two checkpoints agree in every bit."""
    for x, y in zip((a.params, *a.optimizer[1:]), (b.params, *b.optimizer[1:]), strict=True):
        x, y = leaves(tree_map(to_numpy, x)), leaves(tree_map(to_numpy, y))
        if x.keys() != y.keys() or any(
            x[n].dtype != y[n].dtype or x[n].shape != y[n].shape or x[n].tobytes() != y[n].tobytes()
            for n in x
        ):
            return False
    return a.optimizer.step == b.optimizer.step and a[2:] == b[2:]


def header(raw):
    """The header of a safetensors file: a length of eight bytes, then JSON."""
    return json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.safetensors"


class TestRoundTrip:
    def test_every_bit_on_every_library(self, path, library):
        backend = get_backend(library.module, library.dtype)
        saved = state(backend)
        assert save_checkpoint(path, saved) == path
        loaded = load_checkpoint(path, backend)
        assert same(loaded, saved)
        xp = backend.xp
        for x in leaves((loaded.params, loaded.optimizer.mean, loaded.optimizer.square)).values():
            assert x.dtype == backend.dtype
            assert type(x) is type(xp.empty(0))

    def test_a_checkpoint_moves_between_libraries(self, path):
        pytest.importorskip("array_api_strict")
        saved = state(get_backend("array_api_strict"))
        save_checkpoint(path, saved)
        loaded = load_checkpoint(path, NUMPY32)
        assert same(loaded, saved)
        assert all(type(x) is np.ndarray for x in leaves(loaded.params).values())

    def test_the_generator_goes_on_where_it_stood(self, path):
        rng = np.random.default_rng(5)
        rng.standard_normal(10), rng.integers(0, 5, dtype=np.int32)
        save_checkpoint(path, state()._replace(rng_state=rng.bit_generator.state))
        again = np.random.default_rng()
        again.bit_generator.state = load_checkpoint(path, NUMPY32).rng_state
        np.testing.assert_array_equal(
            again.integers(0, 100, 50, dtype=np.int32), rng.integers(0, 100, 50, dtype=np.int32)
        )
        np.testing.assert_array_equal(again.standard_normal(9), rng.standard_normal(9))

    def test_the_config_is_compared_and_comes_back(self, path):
        save_checkpoint(path, state())
        assert load_checkpoint(path, NUMPY32, config=json.loads(json.dumps(CONFIG))).config == CONFIG

    def test_what_was_loaded_can_be_written_to(self, path):
        save_checkpoint(path, state())
        for x in leaves(load_checkpoint(path, NUMPY32).params).values():
            x += 1.0

    def test_is_a_safetensors_file_with_the_names_of_the_tree(self, path):
        saved = state()
        save_checkpoint(path, saved)
        arrays = load_file(path)
        expected = {
            f"{prefix}.{name}"
            for prefix in ("params", "optimizer.mean", "optimizer.square")
            for name in leaves(saved.params)
        }
        assert arrays.keys() == expected
        np.testing.assert_array_equal(arrays["params.layers.10.bias"], saved.params["layers"]["10"]["bias"])

    def test_saving_changes_nothing(self, path):
        saved, untouched = state(), state()
        save_checkpoint(path, saved)
        assert same(saved, untouched)


class TestDamage:
    """Whatever happens to the file: an error of our own, or the very same content."""

    @pytest.fixture
    def saved(self, path):
        small = state()
        save_checkpoint(path, small)
        return small

    def assert_caught(self, path, damaged, saved, what):
        path.write_bytes(damaged)
        try:
            loaded = load_checkpoint(path, NUMPY32)
        except CheckpointError as error:
            assert str(error).startswith(f"{path}: "), error
            assert "\n" not in str(error)
            return
        assert same(loaded, saved), f"{what} loads as something else"

    def parts(self, raw):
        """Where the length, the header and the data of a safetensors file begin and end."""
        header = 8 + int.from_bytes(raw[:8], "little")
        return {"length": (0, 8), "header": (8, header), "data": (header, len(raw))}

    def test_cut_off_anywhere(self, path, saved):
        raw = path.read_bytes()
        _, header = self.parts(raw)["header"]
        cuts = {0, 1, 7, 8, 9, header - 1, header, header + 1, len(raw) - 1, *range(0, len(raw), 97)}
        for cut in sorted(cuts):
            path.write_bytes(raw[:cut])
            with pytest.raises(CheckpointError, match=r"is truncated, corrupted or no safetensors file"):
                load_checkpoint(path, NUMPY32)

    def test_something_appended(self, path, saved):
        path.write_bytes(path.read_bytes() + b"\x00")
        with pytest.raises(CheckpointError, match=r"is truncated, corrupted or no safetensors file"):
            load_checkpoint(path, NUMPY32)

    @pytest.mark.parametrize("part", ["length", "header", "data"])
    def test_one_bit_flipped(self, path, saved, part, rng):
        raw = path.read_bytes()
        begin, end = self.parts(raw)[part]
        places = range(begin, end) if part == "length" else rng.integers(begin, end, 120)
        for place in places:
            for bit in range(8) if part == "length" else [int(rng.integers(8))]:
                damaged = bytearray(raw)
                damaged[place] ^= 1 << bit
                self.assert_caught(path, damaged, saved, f"bit {bit} of byte {place}")

    @pytest.mark.slow
    def test_one_bit_of_every_byte_flipped(self, path, saved, rng):
        raw = path.read_bytes()
        for place in range(len(raw)):
            damaged = bytearray(raw)
            damaged[place] ^= 1 << int(rng.integers(8))
            self.assert_caught(path, damaged, saved, f"byte {place}")

    def test_every_bit_of_the_weights_counts(self, path, saved):
        """No flip in the data may even load: the same content is impossible there."""
        raw = path.read_bytes()
        begin, end = self.parts(raw)["data"]
        for place in range(begin, end, 23):
            damaged = bytearray(raw)
            damaged[place] ^= 1
            path.write_bytes(damaged)
            with pytest.raises(
                CheckpointError, match=r"is corrupted \(its contents do not match their SHA-256\)"
            ):
                load_checkpoint(path, NUMPY32)

    @pytest.mark.parametrize("secret", [b"inc", b"state", b"n_layer", b"12.345", b"0.98"])
    def test_every_part_of_the_state_counts(self, path, saved, secret):
        raw = path.read_bytes()
        assert raw.count(secret) >= 1
        path.write_bytes(raw.replace(secret, secret[:-1] + bytes([secret[-1] ^ 1])))
        with pytest.raises(CheckpointError, match=r"corrupted"):
            load_checkpoint(path, NUMPY32)

    def test_arrays_of_two_files_mixed(self, path, saved):
        """Every part is sound, and the whole is not."""
        first = path.read_bytes()
        save_checkpoint(path, state(seed=1))
        second = path.read_bytes()
        begin, _ = self.parts(first)["data"]
        assert begin == self.parts(second)["data"][0]
        path.write_bytes(first[:begin] + second[begin:])
        with pytest.raises(CheckpointError, match=r"SHA-256"):
            load_checkpoint(path, NUMPY32)

    def test_without_the_sum_a_flip_would_pass(self, path, saved, monkeypatch):
        """A test of the test: what safetensors itself checks is not enough."""
        raw = path.read_bytes()
        damaged = bytearray(raw)
        damaged[-1] ^= 1
        kept = header(raw)["__metadata__"]["sha256"]
        monkeypatch.setattr(checkpoint_module, "_digest", lambda arrays, state: kept)
        with pytest.raises(AssertionError, match=r"loads as something else"):
            self.assert_caught(path, damaged, saved, "a bit")


class TestForeignFiles:
    def refuse(self, path, message, **options):
        with pytest.raises(CheckpointError, match=message) as caught:
            load_checkpoint(path, NUMPY32, **options)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_nothing_there(self, path):
        self.refuse(path, r"there is no such file")

    def test_a_folder(self, path):
        path.mkdir()
        self.refuse(path, r"is a folder")

    @pytest.mark.parametrize(
        "content", [b"", b"step,loss\n1,2.0\n" * 100, b"\x80\x04K\x05.", b"{}", bytes(4096)]
    )
    def test_no_safetensors_file(self, path, content):
        path.write_bytes(content)
        self.refuse(path, r"is truncated, corrupted or no safetensors file \(.+\)$")

    @pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
    def test_a_safetensors_file_of_somebody_else(self, path, metadata):
        save_file({"weight": np.zeros(3, dtype=np.float32)}, path, metadata)
        self.refuse(path, r"is a safetensors file, but no hyena_np checkpoint$")

    def test_a_format_of_the_future(self, path, monkeypatch):
        monkeypatch.setattr(checkpoint_module, "FORMAT_VERSION", "2")
        save_checkpoint(path, state())
        monkeypatch.undo()
        self.refuse(path, r"has format version '2', allowed is '1'")

    def test_another_dtype(self, path):
        save_checkpoint(path, state(get_backend("numpy", "float64")))
        self.refuse(path, r"holds float64 arrays, but float32 was asked for")

    def test_an_array_that_no_checkpoint_has(self, path):
        save_checkpoint(path, state())
        arrays = load_file(path) | {"gradients.bias": np.zeros(3, dtype=np.float32)}
        metadata = header(path.read_bytes())["__metadata__"]
        metadata["sha256"] = checkpoint_module._digest(arrays, metadata["state"])
        save_file(arrays, path, metadata)
        self.refuse(path, r"holds an array of unknown name, 'gradients\.bias'")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda c: c["model"].update(n_layer=3), r"model\.n_layer is 2 there, 3 was asked for"),
            (
                lambda c: c["model"]["mixer"].update(w=10.0),
                r"model\.mixer\.w is 1\.0 there, 10\.0 was asked for",
            ),
            (lambda c: c.update(betas=[0.9, 0.999]), r"betas is \[0\.9, 0\.98\] there, \[0\.9, 0\.999\] was"),
            (lambda c: c.update(seed=1), r"seed is None there, 1 was asked for"),
            (lambda c: c.pop("name"), r"name is 'Träning' there, None was asked for"),
        ],
    )
    def test_of_another_run_names_what_differs(self, path, change, message):
        save_checkpoint(path, state())
        wanted = json.loads(json.dumps(CONFIG))
        change(wanted)
        self.refuse(path, rf"belongs to another run: {message}", config=wanted)
        assert same(load_checkpoint(path, NUMPY32), state())  # unasked, it is not compared


class TestAtomic:
    """The old checkpoint stands until the new one is whole."""

    def check_failing_write(self, path, expected, module, name, replacement):
        old, new = state(seed=1, step=1), state(seed=2, step=2)
        save_checkpoint(path, old)
        with pytest.MonkeyPatch.context() as patch, pytest.raises(expected):
            patch.setattr(module, name, replacement)
            save_checkpoint(path, new)
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]
        assert same(load_checkpoint(path, NUMPY32), old)
        save_checkpoint(path, new)
        assert same(load_checkpoint(path, NUMPY32), new)

    @pytest.mark.parametrize("step", ["replace", "fsync", "chmod"])
    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (OSError(errno.ENOSPC, "No space left on device"), OutputError),
            (KeyboardInterrupt(), KeyboardInterrupt),
        ],
        ids=["disk full", "Ctrl-C"],
    )
    def test_a_failing_write(self, path, step, error, expected):
        def fail(*args):
            raise error

        self.check_failing_write(path, expected, files.os, step, fail)

    def test_a_writer_that_is_not_atomic_would_be_found(self, path):
        """A test of the test: writing in place, and failing half-way."""

        def in_place(path, content):
            path.write_bytes(content[: len(content) // 2])
            raise OutputError("disk full")

        with pytest.raises(CheckpointError, match=r"is truncated"):
            self.check_failing_write(path, OutputError, checkpoint_module, "write_bytes", in_place)

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(OutputError, match=r"missing/c: cannot be written"):
            save_checkpoint(tmp_path / "missing" / "c", state())
