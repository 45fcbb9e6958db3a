"""The formats of MNIST and CIFAR-10, on files written here byte by byte, whole and damaged."""

import gzip
import struct

import numpy as np
import pytest

from hyena_np.errors import DataError
from hyena_np.tasks.image_files import CIFAR10_CLASSES, read_cifar10, read_idx, read_mnist


def idx(array, kind=8):
    return struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes()


PIXELS = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([7, 0, 9], dtype=np.uint8)


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("array", [PIXELS, LABELS, np.zeros((0, 4, 5), np.uint8), np.uint8([[[[3]]]])])
def test_an_idx_file_is_read_packed_or_not(write, array, packed):
    content = gzip.compress(idx(array)) if packed else idx(array)
    found = read_idx(write("images", content))
    assert found.dtype == np.uint8 and found.shape == array.shape and found.flags.writeable
    np.testing.assert_array_equal(found, array)


def test_a_large_size_is_read_most_significant_byte_first(write):
    array = np.arange(70000, dtype=np.uint64).astype(np.uint8)
    np.testing.assert_array_equal(read_idx(write("x", idx(array))), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no IDX file .*nothing"),
        (b"\0\0\x08", "is no IDX file"),
        (b"\x89PNG\r\n", "is no IDX file .*89 50 4e 47"),
        (idx(PIXELS, kind=0x0D), "kind 0x0d, allowed is 0x08"),
        (idx(PIXELS)[:11], "inside its header, after 11 of 16 bytes"),
        (idx(PIXELS)[:-1], r"holds 59 numbers, its header says 60, shape \(3, 4, 5\)"),
        (idx(PIXELS) + b"\0", "holds 61 numbers"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "its header says 79228162458924105385300197375"),
        (gzip.compress(idx(PIXELS))[:-9], "damaged gzip"),
        (gzip.compress(idx(PIXELS))[:-8] + bytes(8), "damaged gzip"),
        (b"\x1f\x8b" + bytes(20), "damaged gzip"),
        (gzip.compress(idx(PIXELS))[:10] + b"\xff" * 30, "damaged gzip"),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else "",
)
def test_a_damaged_idx_file_is_refused_by_name(write, content, message):
    path = write("train-images", content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_mnist_is_brightness_and_class(write):
    images = read_mnist(write("images", idx(PIXELS * 4)), write("labels", gzip.compress(idx(LABELS))))
    assert images.images.shape == (3, 4, 5, 1) and images.images.dtype == np.float32
    np.testing.assert_array_equal(images.images[..., 0], (PIXELS * 4).astype(np.float32) / np.float32(255))
    assert images.labels.tolist() == [7, 0, 9] and images.labels.dtype == np.int64
    assert images.classes[9] == "9" and images.name == "mnist"


@pytest.mark.parametrize(
    ("images", "labels", "guilty", "message"),
    [
        (LABELS, LABELS, "images", "1 axes, images have 3"),
        (PIXELS, PIXELS, "labels", "3 axes, labels have 1"),
        (PIXELS, LABELS[:2], "labels", "2 labels for the 3 images"),
        (PIXELS, np.uint8([1, 10, 2]), "labels", "label 10 of image 1 is not from 0 to 9"),
    ],
)
def test_files_that_do_not_belong_together(write, images, labels, guilty, message):
    paths = {"images": write("images", idx(images)), "labels": write("labels", idx(labels))}
    with pytest.raises(DataError, match=message) as caught:
        read_mnist(**paths)
    assert str(caught.value).startswith(str(paths[guilty]))


def cifar(rng, labels):
    """Records and, by a loop, the images they stand for."""
    images = rng.integers(256, size=(len(labels), 32, 32, 3), dtype=np.uint8)
    records = b""
    for label, image in zip(labels, images, strict=True):
        records += bytes([label]) + b"".join(image[:, :, channel].tobytes() for channel in range(3))
    return records, images


def test_cifar_is_read_colour_after_colour_and_file_after_file(write):
    rng = np.random.default_rng(0)
    (first, some), (second, more) = cifar(rng, [3, 9]), cifar(rng, [0])
    found = read_cifar10(write("b.bin", first), write("a.bin", gzip.compress(second)))
    assert found.labels.tolist() == [3, 9, 0] and found.labels.dtype == np.int64
    assert found.images.dtype == np.float32 and found.images.flags.c_contiguous
    expected = np.concatenate([some, more]).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(found.images, expected)
    assert found.classes == CIFAR10_CLASSES and CIFAR10_CLASSES[3] == "cat"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has 0 bytes, allowed are multiples of 3073"),
        (bytes(3072), "has 3072 bytes"),
        (bytes(3074), "has 3074 bytes"),
        (bytes(3073) + b"\x0a" + bytes(3072), "label 10 of image 1"),
    ],
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else "",
)
def test_a_damaged_cifar_file_is_refused_by_name(write, content, message):
    good = write("good.bin", bytes(3073))
    path = write("data_batch_1.bin", content)
    with pytest.raises(DataError, match=message) as caught:
        read_cifar10(good, path)
    assert str(caught.value).startswith(str(path))


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match="absent: cannot be read"):
        read_idx(tmp_path / "absent")
    with pytest.raises(DataError, match="cannot be read"):
        read_cifar10(tmp_path)
    with pytest.raises(DataError, match="no file"):
        read_cifar10()
