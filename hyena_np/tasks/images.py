"""Images as sequences: pixel after pixel, or patch after patch, in raster order::

    image 4x4          pixels              patches of 2x2
     0  1  2  3        0 1 2 ... 15        [0 1 4 5] [2 3 6 7] [8 9 12 13] [10 11 14 15]
     4  5  6  7
     8  9 10 11        16 positions        4 positions of 4 features
    12 13 14 15

Source: Hyena paper, Table 4.7: patches as in a Vision Transformer, pixels for sequential CIFAR-10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hyena_np.errors import ConfigError, DTypeError, ShapeError, TokenError
from hyena_np.ops.checks import check_real
from hyena_np.tasks.checks import generator, integer, integer_array


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and the classes they belong to.

    Parameters
    ----------
    images : numpy.ndarray
        (B, H, W, C) floating point, brightness from 0 to 1; C is 1 for grey and 3 for red, green, blue.
    labels : numpy.ndarray
        (B,) integer, index into `classes`.
    classes : tuple of str
        Names of the classes.
    name : str
        What the images are.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If the images are not floating point or the labels no integers.
    TokenError
        If a label is not the index of a class.

    Notes
    -----
    Source: ours.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        _check_images(self.images)
        integer_array("labels", self.labels)
        if self.labels.shape != self.images.shape[:1]:
            raise ShapeError(f"labels: got shape {self.labels.shape}, allowed is {self.images.shape[:1]}")
        if self.labels.size and not (0 <= self.labels.min() and self.labels.max() < len(self.classes)):
            found = f"{self.labels.min()} to {self.labels.max()}"
            raise TokenError(f"labels: got {found}, allowed are 0 to {len(self.classes) - 1}")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> ImageSet:
        """Keep the images of these indices, (k,) integer, in this order; copies."""
        return ImageSet(self.images[indices], self.labels[indices], self.classes, self.name)


class ImageSplit(NamedTuple):
    """Three sets of images that share none."""

    train: ImageSet
    validation: ImageSet
    test: ImageSet


def split_images(
    images: ImageSet, rng: np.random.Generator, validation: float = 0.1, test: float = 0.1
) -> ImageSplit:
    """Divide images at random; the same state of the generator gives the same division.

    Parameters
    ----------
    images : ImageSet
        What to divide.
    rng : numpy.random.Generator
        Advanced by the call.
    validation, test : float
        Shares of the two sets, rounded down to whole images; the rest is for training. 0 gives an empty set.

    Returns
    -------
    ImageSplit
        Three sets of images (B, H, W, C), in random order.

    Raises
    ------
    ConfigError
        If a share is negative, or nothing is left for training.
    DTypeError
        If `rng` is not a Generator.

    Notes
    -----
    Source: ours.
    """
    for name, share in (("validation", validation), ("test", test)):
        check_real(name, share)
        if share < 0:
            raise ConfigError(f"{name}: got {share}, allowed are shares from 0 to 1")
    sizes = [int(len(images) * share) for share in (validation, test)]
    if sum(sizes) >= len(images):
        raise ConfigError(
            f"validation, test: got {validation} and {test}, allowed are shares that leave one of the "
            f"{len(images)} images for training"
        )
    held_out, tested, rest = np.split(generator(rng).permutation(len(images)), np.cumsum(sizes))
    return ImageSplit(*(images.take(part) for part in (rest, held_out, tested)))


def pixel_sequence(images: np.ndarray) -> np.ndarray:
    r"""Read images pixel after pixel, row after row.

    .. math:: x_{iW + j} = \text{image}_{i,j}

    Parameters
    ----------
    images : numpy.ndarray
        (B, H, W, C) floating point.

    Returns
    -------
    numpy.ndarray
        (B, HW, C), a new array: position iW + j is the pixel of row i, column j.

    Raises
    ------
    ShapeError
        If `images` has not four axes.
    DTypeError
        If they are not floating point.

    Notes
    -----
    Source: Hyena paper, Table 4.7 (sequential CIFAR-10).
    """
    return patch_sequence(images, 1)


def patch_sequence(images: np.ndarray, patch: int) -> np.ndarray:
    """Read images patch after patch, row of patches after row; within a patch again row after row.

    Parameters
    ----------
    images : numpy.ndarray
        (B, H, W, C) floating point.
    patch : int
        p, side of a patch; divides H and W.

    Returns
    -------
    numpy.ndarray
        (B, (H/p)(W/p), p*p*C), a new array: the features of a position are the pixels of its patch in raster
        order, the channels of a pixel side by side.

    Raises
    ------
    ShapeError
        If `images` has not four axes, or `patch` does not divide H and W.
    ConfigError
        If `patch` is no integer of at least 1.
    DTypeError
        If the images are not floating point.

    Notes
    -----
    Source: Hyena paper, Table 4.7 (patches of a Vision Transformer).
    """
    _check_images(images)
    batch, height, width, channels = images.shape
    rows, columns = _patches(height, width, patch)
    tiles = images.reshape(batch, rows, patch, columns, patch, channels)
    tiles = tiles.transpose(0, 1, 3, 2, 4, 5)  # (B, rows, columns, p, p, C)
    return tiles.reshape(batch, rows * columns, patch * patch * channels).copy()


def patch_images(sequence: np.ndarray, height: int, width: int, patch: int) -> np.ndarray:
    """Put patches together again, the inverse of `patch_sequence` (and, with patch 1, of `pixel_sequence`).

    Parameters
    ----------
    sequence : numpy.ndarray
        (B, (H/p)(W/p), p*p*C).
    height, width : int
        H and W, which the sequence does not tell.
    patch : int
        p.

    Returns
    -------
    numpy.ndarray
        (B, H, W, C), a new array.

    Raises
    ------
    ShapeError
        If the sequence is not that of such images.
    ConfigError
        If a size is no integer of at least 1.

    Notes
    -----
    Source: Hyena paper, Table 4.7, read backwards.
    """
    height, width = integer("height", height, minimum=1), integer("width", width, minimum=1)
    rows, columns = _patches(height, width, patch)
    if sequence.ndim != 3 or sequence.shape[1] != rows * columns or sequence.shape[2] % patch**2:
        raise ShapeError(
            f"sequence: got shape {sequence.shape}, allowed is (B, {rows * columns}, {patch**2} C) for "
            f"images of {height} by {width} pixels in patches of {patch}"
        )
    batch, _, features = sequence.shape
    tiles = sequence.reshape(batch, rows, columns, patch, patch, features // patch**2)
    return tiles.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height, width, -1).copy()


def _patches(height: int, width: int, patch: int) -> tuple[int, int]:
    """Rows and columns of patches."""
    patch = integer("patch", patch, minimum=1)
    if height % patch or width % patch:
        raise ShapeError(f"patch: got {patch}, allowed are divisors of the sides, {height} and {width}")
    return height // patch, width // patch


def _check_images(images: np.ndarray) -> None:
    if not isinstance(images, np.ndarray) or images.dtype.kind != "f":
        found = getattr(images, "dtype", type(images).__name__)
        raise DTypeError(f"images: got {found}, allowed is a NumPy array of floating-point numbers")
    if images.ndim != 4:
        raise ShapeError(f"images: got shape {images.shape}, allowed is (B, H, W, C)")
