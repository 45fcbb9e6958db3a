"""The file formats of MNIST and CIFAR-10, read byte by byte; nothing in a file is believed unchecked.

CIFAR-10 is read in its binary version. The Python version is a pickle, which runs whatever code its author
put into it.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hyena_np.errors import DataError
from hyena_np.tasks.images import ImageSet

MNIST_CLASSES = tuple(map(str, range(10)))
CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTES = 0x08  # the code of the only kind of number that MNIST holds
_CIFAR_SIDE = 32
_CIFAR_RECORD = 1 + 3 * _CIFAR_SIDE**2


def read_idx(path: str | Path) -> np.ndarray:
    """Read an IDX file of unsigned bytes, compressed with gzip or not.

    ======== ============================================================
    bytes    content
    ======== ============================================================
    2        zero
    1        kind of number: 8, unsigned bytes; no other is read here
    1        d, number of axes
    4 d      their sizes, unsigned, most significant byte first
    the rest the numbers, last axis fastest
    ======== ============================================================

    Parameters
    ----------
    path : str or Path
        Compression is recognised by the content, not by the name.

    Returns
    -------
    numpy.ndarray
        uint8 in the shape that the file names; a new array.

    Raises
    ------
    DataError
        If the file cannot be read, is damaged, or holds something else.

    Notes
    -----
    Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits" (file formats).
    """
    content = _content(Path(path))
    if len(content) < 4 or content[:2] != b"\0\0":
        raise DataError(f"{path}: is no IDX file (it starts with {content[:4].hex(' ') or 'nothing'})")
    kind, axes = content[2], content[3]
    if kind != _UNSIGNED_BYTES:
        raise DataError(f"{path}: holds numbers of kind {kind:#04x}, allowed is 0x08, unsigned bytes")
    header = 4 + 4 * axes
    if len(content) < header:
        raise DataError(f"{path}: is cut off inside its header, after {len(content)} of {header} bytes")
    shape = tuple(np.frombuffer(content, dtype=">u4", count=axes, offset=4).tolist())
    expected, found = math.prod(shape), len(content) - header
    if found != expected:
        raise DataError(f"{path}: holds {found} numbers, its header says {expected}, shape {shape}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape).copy()


def read_mnist(images: str | Path, labels: str | Path, name: str = "mnist") -> ImageSet:
    """Read the two files of a set in the format of MNIST (Fashion-MNIST has the same).

    Parameters
    ----------
    images : str or Path
        As ``train-images-idx3-ubyte.gz``.
    labels : str or Path
        As ``train-labels-idx1-ubyte.gz``.
    name : str
        What the set is called.

    Returns
    -------
    ImageSet
        `images` (B, H, W, 1) float32, brightness divided by 255; `labels` (B,) int64 from 0 to 9.

    Raises
    ------
    DataError
        If a file cannot be read or is damaged, or if the two do not belong together.

    Notes
    -----
    Source: as `read_idx`.
    """
    pixels, classes = read_idx(images), read_idx(labels)
    if pixels.ndim != 3:
        raise DataError(f"{images}: holds an array of {pixels.ndim} axes, images have 3")
    if classes.ndim != 1:
        raise DataError(f"{labels}: holds an array of {classes.ndim} axes, labels have 1")
    if len(pixels) != len(classes):
        raise DataError(f"{labels}: holds {len(classes)} labels for the {len(pixels)} images of {images}")
    _check_labels(labels, classes, MNIST_CLASSES)
    return ImageSet(_brightness(pixels[..., None]), classes.astype(np.int64), MNIST_CLASSES, name)


def read_cifar10(*paths: str | Path) -> ImageSet:
    """Read files of the binary version of CIFAR-10, one behind the other.

    Parameters
    ----------
    *paths : str or Path
        As ``data_batch_1.bin`` to ``data_batch_5.bin``, or ``test_batch.bin``; compressed with gzip or not.

    Returns
    -------
    ImageSet
        `images` (B, 32, 32, 3) float32, brightness divided by 255; `labels` (B,) int64 from 0 to 9.

    Raises
    ------
    DataError
        If no file is given, or one cannot be read or is damaged.

    Notes
    -----
    Source: A. Krizhevsky, "The CIFAR-10 dataset" (binary version).
    """
    return parse_cifar10({str(path): _content(Path(path)) for path in paths})


def parse_cifar10(contents: Mapping[str, bytes]) -> ImageSet:
    """Read the contents of such files, by name; the names are for error messages.

    A record is 3,073 bytes: the label, then 1,024 bytes of red, of green and of blue, each row after row.
    """
    if not contents:
        raise DataError("paths: got no file, allowed are one or more files of CIFAR-10")
    records = [_records(name, content) for name, content in contents.items()]
    whole = np.concatenate(records)
    planes = whole[:, 1:].reshape(-1, 3, _CIFAR_SIDE, _CIFAR_SIDE)
    images = _brightness(planes.transpose(0, 2, 3, 1))  # (B, H, W, C)
    return ImageSet(images, whole[:, 0].astype(np.int64), CIFAR10_CLASSES, "cifar10")


def _records(name: str, content: bytes) -> np.ndarray:
    if not content or len(content) % _CIFAR_RECORD:
        raise DataError(
            f"{name}: has {len(content)} bytes, allowed are multiples of {_CIFAR_RECORD}, one label and "
            f"3 x {_CIFAR_SIDE} x {_CIFAR_SIDE} brightnesses each"
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, _CIFAR_RECORD)
    _check_labels(name, records[:, 0], CIFAR10_CLASSES)
    return records


def _check_labels(name: str | Path, labels: np.ndarray, classes: tuple[str, ...]) -> None:
    if labels.size and labels.max() >= len(classes):
        position = int(np.argmax(labels >= len(classes)))
        raise DataError(
            f"{name}: label {labels[position]} of image {position} is not from 0 to {len(classes) - 1}"
        )


def _brightness(pixels: np.ndarray) -> np.ndarray:
    return np.divide(pixels, 255, dtype=np.float32, order="C")


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is a damaged gzip file ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
