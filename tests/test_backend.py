"""The only file that names an array library: choosing one, and what the array API standard lacks."""

import dataclasses
import importlib
import os
import platform
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from hyena_np import backend, get_backend
from hyena_np.backend import (
    fft_length,
    index_add,
    irfft,
    irfft2,
    namespace,
    rfft,
    rfft2,
    single_thread,
    thread_count,
    threads,
    to_numpy,
    token_ids,
)
from hyena_np.errors import (
    BackendError,
    ConfigError,
    DTypeError,
    HyenaError,
    LibraryMismatchError,
    ShapeError,
    TokenError,
)
from support.gradients import assert_close
from support.libraries import LIBRARIES, gpu_missing


class TestGetBackend:
    @pytest.mark.parametrize(
        "name", ["numpy", "array_api_strict", "torch", pytest.param("cupy", marks=pytest.mark.gpu)]
    )
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_makes_arrays_of_its_library_and_dtype(self, name, dtype, rng):
        pytest.importorskip(name, reason=f"{name} is not installed")
        backend = get_backend(name, dtype)
        host = rng.standard_normal((2, 3))
        array = backend.asarray(host)
        assert array.dtype == backend.dtype == getattr(backend.xp, dtype)
        assert type(array).__module__.partition(".")[0] == name
        np.testing.assert_array_equal(to_numpy(array), host.astype(dtype))

    def test_its_arrays_are_copies(self):
        host = np.zeros(3)
        get_backend("numpy", "float64").asarray(host)[0] = 1.0
        assert host[0] == 0.0

    def test_is_float32_by_default(self):
        assert get_backend("numpy").dtype == np.float32

    def test_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            get_backend("numpy").dtype = np.float64

    def test_an_unknown_name(self):
        with pytest.raises(
            ConfigError, match=r"^backend: got 'jax', allowed are numpy, cupy, torch, array_api_strict"
        ):
            get_backend("jax")

    @pytest.mark.parametrize("dtype", ["float16", "int64", np.float32])
    def test_an_unknown_dtype(self, dtype):
        with pytest.raises(ConfigError, match=r"^dtype: got .*allowed are float32, float64"):
            get_backend("numpy", dtype)

    @pytest.mark.skipif(gpu_missing() is None, reason="a GPU answers here")
    def test_no_gpu_is_an_error_and_never_a_silent_fallback(self):
        with pytest.raises(BackendError, match=r"^backend 'cupy': CuPy is"):
            get_backend("cupy")

    def test_a_library_that_is_not_installed(self, monkeypatch):
        def missing(name):
            raise ImportError(f"No module named {name!r}")

        monkeypatch.setattr(importlib, "import_module", missing)
        with pytest.raises(BackendError, match=r"^backend 'torch' is not installed"):
            get_backend("torch")


class TestNamespace:
    def test_answers_with_the_library_of_the_arrays(self, library):
        xp = namespace(a=library.asarray(1.0), nothing=None, b=library.asarray([1.0]))
        assert xp.__name__.endswith(library.module)

    @pytest.mark.parametrize("module", ["array_api_strict", "torch"])
    def test_two_libraries(self, module):
        other = pytest.importorskip(module)
        with pytest.raises(LibraryMismatchError, match=f"^b: got an array of {module}, but a is of numpy"):
            namespace(a=np.ones(1), b=other.asarray([1.0]))

    def test_two_devices(self):
        strict = pytest.importorskip("array_api_strict")
        a, b = (
            strict.asarray([1.0], dtype=strict.float64, device=strict.Device(name))
            for name in ("device1", "device2")
        )
        with pytest.raises(
            LibraryMismatchError, match=r"^b: got an array on .*device2.*but a is on .*device1"
        ):
            namespace(a=a, b=b)

    def test_two_dtypes(self):
        with pytest.raises(DTypeError, match=r"^b: got float32, but a is float64"):
            namespace(a=np.ones(1), b=np.ones(1, dtype=np.float32))

    @pytest.mark.parametrize("dtype", [int, bool, np.float16, object])
    def test_what_is_not_a_float_of_32_or_64_bits(self, dtype):
        with pytest.raises(DTypeError, match=r"^a: got dtype .*allowed are float32 and float64"):
            namespace(a=np.ones(1, dtype=dtype))

    @pytest.mark.parametrize("thing", [[1.0], 1.0, "text"])
    def test_what_is_not_an_array(self, thing):
        with pytest.raises(LibraryMismatchError, match=f"^b: got {type(thing).__name__}"):
            namespace(a=np.ones(1), b=thing)

    def test_no_array_at_all(self):
        with pytest.raises(LibraryMismatchError, match=r"no array"):
            namespace(a=None)


class TestToNumpy:
    # without the fixture: here the way to the host is the thing to be tested
    @pytest.mark.parametrize(
        "library",
        [pytest.param(x, id=x.name, marks=pytest.mark.gpu if x.module == "cupy" else ()) for x in LIBRARIES],
    )
    def test_goes_there_and_back(self, library, rng):
        pytest.importorskip(library.module, reason=f"{library.module} is not installed")
        host = rng.standard_normal((2, 3)).astype(library.dtype)
        back = to_numpy(library.asarray(host))
        assert isinstance(back, np.ndarray)
        assert back.dtype == host.dtype
        np.testing.assert_array_equal(back, host)

    def test_what_is_not_an_array(self):
        with pytest.raises(LibraryMismatchError, match=r"^array: got list"):
            to_numpy([1.0])


class TestTransforms:
    @pytest.mark.parametrize("n", [7, 8, 12])
    def test_agree_with_numpy_and_pad_with_zeros(self, library, rng, n):
        x = rng.standard_normal((2, 3, 7))
        spectrum = rfft(library.asarray(x), n)
        assert spectrum.dtype == getattr(
            library.xp, "complex64" if library.dtype == "float32" else "complex128"
        )
        assert_close(library.to_numpy(spectrum), np.fft.rfft(x, n), library.rtol)
        back = irfft(spectrum, n)
        assert library.owns(back)
        padded = np.pad(x, ((0, 0), (0, 0), (0, n - 7)))
        assert_close(library.to_numpy(back), padded, library.rtol)

    @pytest.mark.parametrize("shape", [(3, 5), (4, 8), (6, 9)])
    def test_of_two_axes_agree_with_numpy_and_pad_with_zeros(self, library, rng, shape):
        x = rng.standard_normal((2, 3, 5))
        spectrum = rfft2(library.asarray(x), shape)
        assert spectrum.dtype == getattr(
            library.xp, "complex64" if library.dtype == "float32" else "complex128"
        )
        assert_close(library.to_numpy(spectrum), np.fft.rfft2(x, shape), library.rtol)
        back = irfft2(spectrum, shape)
        assert library.owns(back)
        padded = np.pad(x, ((0, 0), (0, shape[0] - 3), (0, shape[1] - 5)))
        assert_close(library.to_numpy(back), padded, library.rtol)

    def test_large_transforms_agree_too(self, rng):
        x = rng.standard_normal((3, 1 << 17))  # above the size from which SciPy uses threads
        assert_close(rfft(x, x.shape[-1]), np.fft.rfft(x), 1e-12)

    def test_do_not_write_into_their_argument(self, rng):
        x = rng.standard_normal((2, 8))
        spectrum = np.fft.rfft(x)
        before = x.copy(), spectrum.copy()
        rfft(x, 8), irfft(spectrum, 8), rfft2(x, (2, 8)), irfft2(spectrum, (2, 8))
        np.testing.assert_array_equal(x, before[0])
        np.testing.assert_array_equal(spectrum, before[1])

    def test_the_length_is_the_next_product_of_2_3_and_5(self):
        def is_fast(n):
            for p in (2, 3, 5):
                while n % p == 0:
                    n //= p
            return n == 1

        for n in range(1, 600):
            assert fft_length(n) == next(m for m in range(n, 2 * n + 1) if is_fast(m))


class TestIndexAdd:
    def test_sums_the_rows_that_share_an_id(self, library, rng):
        ids, values = np.array([2, 0, 2, 2, 3]), rng.standard_normal((5, 3))
        expected = np.zeros((5, 3))
        for row, value in zip(ids, values, strict=True):
            expected[row] += value
        total = index_add(library.asarray(ids), library.asarray(values), 5)
        assert library.owns(total)
        assert_close(library.to_numpy(total), expected, library.rtol)


class TestTokenIds:
    def test_host_integers_are_checked_without_touching_the_device(self, library):
        ids = token_ids("ids", np.array([[0, 4], [2, 3]]), 5, library.asarray([1.0]))
        np.testing.assert_array_equal(library.to_numpy(ids), [[0, 4], [2, 3]])

    @pytest.mark.parametrize("bad", [-1, 5, 10**9])
    def test_ids_outside_the_vocabulary(self, bad):
        with pytest.raises(TokenError, match=f"^ids: got {bad}, allowed are 0 to 4"):
            token_ids("ids", np.array([0, bad, 1]), 5, np.ones(1))

    @pytest.mark.parametrize("module", ["array_api_strict", "torch"])
    def test_ids_on_the_device_are_checked_there(self, module):
        xp = pytest.importorskip(module)
        with pytest.raises(TokenError, match=r"^ids: got 7, allowed are 0 to 4"):
            token_ids("ids", xp.asarray([0, 7]), 5, xp.asarray([1.0]))

    def test_the_ignored_label_passes(self):
        ids = np.array([-100, 1])
        np.testing.assert_array_equal(token_ids("labels", ids, 5, np.ones(1), ignore_index=-100), ids)
        with pytest.raises(TokenError, match=r"^labels: got -100"):
            token_ids("labels", ids, 5, np.ones(1))

    def test_floats(self):
        with pytest.raises(DTypeError, match=r"^ids: got dtype float64, allowed are integers"):
            token_ids("ids", np.ones(2), 5, np.ones(1))

    def test_a_list(self):
        with pytest.raises(DTypeError, match=r"^ids: got list"):
            token_ids("ids", [0, 1], 5, np.ones(1))

    def test_integers_of_another_library(self):
        strict = pytest.importorskip("array_api_strict")
        with pytest.raises(LibraryMismatchError, match=r"^ids: got an array of array_api_strict"):
            token_ids("ids", strict.asarray([1]), 5, np.ones(1))


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "builtin"),
        [
            (ShapeError, ValueError),
            (DTypeError, TypeError),
            (LibraryMismatchError, TypeError),
            (BackendError, RuntimeError),
            (ConfigError, ValueError),
            (TokenError, ValueError),
        ],
    )
    def test_every_mistake_is_a_hyena_error_and_one_of_pythons_own(self, error, builtin):
        assert issubclass(error, HyenaError)
        assert issubclass(error, builtin)


class TestThreads:
    def test_the_limit_holds_inside_and_is_put_back(self):
        before = thread_count()
        with threads(3):
            assert thread_count() == 3
            with threads(1):
                assert thread_count() == 1
            with single_thread():
                assert thread_count() == 1
            assert thread_count() == 3
        assert thread_count() == before >= 1

    @pytest.mark.parametrize("count", [0, -1, 1.5, True, None, "2"])
    def test_bad_input(self, count):
        with pytest.raises(ConfigError, match=r"^threads: got .*, allowed are integers >= 1"):
            with threads(count):
                pass

    def test_an_interrupt_cannot_fall_into_the_search_for_libraries(self, monkeypatch):
        searching = []

        class Search(ThreadpoolController):
            def __init__(self):
                searching.append(threading.current_thread())
                super().__init__()

        monkeypatch.setattr(backend, "ThreadpoolController", Search)
        with threads(1):
            pass
        assert searching
        assert threading.main_thread() not in searching

    @pytest.mark.parametrize(("asked", "found"), [("1", "1"), ("3", "3"), ("", None), ("many", None)])
    def test_the_environment_is_asked(self, asked, found):
        code = "from hyena_np.backend import thread_count; print(thread_count())"
        environment = os.environ | {"OMP_NUM_THREADS": asked}
        ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        assert ended.stdout.decode().strip() == (found or str(cores))


FAULTS_OF_FRESH_MEMORY = """
import resource
import numpy as np
from hyena_np.backend import keep_freed_memory
if {kept}:
    assert keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(2**20), np.ones(2**20)  # 8 MiB each, gone at once
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_kept_memory_is_not_cleared_again():
    counts = {}
    for kept in (False, True):
        code = FAULTS_OF_FRESH_MEMORY.format(kept=kept)
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        counts[kept] = int(ended.stdout)
    assert counts[True] < 10 < counts[False]
