"""Images as sequences: the order of the pixels, splits without a common image, and what is refused."""

import numpy as np
import pytest

from hyena_np.errors import ConfigError, DTypeError, ShapeError, TokenError
from hyena_np.tasks.image_sets import digit_images, load_images
from hyena_np.tasks.images import ImageSet, patch_images, patch_sequence, pixel_sequence, split_images


def numbered(n=2, height=4, width=6, channels=3, dtype=np.float64):
    """Images whose every value tells where it stands."""
    return np.arange(n * height * width * channels, dtype=dtype).reshape(n, height, width, channels)


def some_images(n=10, classes=3):
    return ImageSet(numbered(n), np.arange(n) % classes, tuple(map(str, range(classes))), "numbered")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_follow_in_raster_order(dtype):
    images = numbered(dtype=dtype)
    sequence = pixel_sequence(images)
    assert sequence.shape == (2, 24, 3) and sequence.dtype == dtype
    for i in range(4):
        for j in range(6):
            np.testing.assert_array_equal(sequence[:, 6 * i + j], images[:, i, j])
    assert not np.shares_memory(sequence, images)


def test_patches_are_those_of_the_picture_in_the_docstring():
    (patches,) = patch_sequence(numbered(1, 4, 4, 1), 2)
    assert patches.tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


@pytest.mark.parametrize("patch", [1, 2])
def test_patches_by_a_loop_and_back(patch):
    images = numbered()
    sequence = patch_sequence(images, patch)
    position = 0
    for i in range(0, 4, patch):
        for j in range(0, 6, patch):
            expected = images[:, i : i + patch, j : j + patch].reshape(2, -1)
            np.testing.assert_array_equal(sequence[:, position], expected)
            position += 1
    assert sequence.shape[1] == position
    np.testing.assert_array_equal(patch_images(sequence, 4, 6, patch), images)


def test_one_patch_is_the_whole_image():
    assert patch_sequence(numbered(2, 4, 4), 4).shape == (2, 1, 48)
    assert not np.shares_memory(*(array := numbered(2, 4, 4), patch_sequence(array, 4)))


def test_patches_must_fit():
    with pytest.raises(ShapeError, match="patch: got 4, allowed are divisors of the sides, 4 and 6"):
        patch_sequence(numbered(), 4)
    with pytest.raises(ConfigError, match="patch"):
        patch_sequence(numbered(), 0)
    with pytest.raises(ShapeError, match=r"sequence: got shape \(2, 6, 12\), allowed is \(B, 9, 4 C\)"):
        patch_images(patch_sequence(numbered(), 2), 6, 6, 2)


def test_the_digits():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    digits = digit_images()
    assert digits.images.shape == (1797, 8, 8, 1) and digits.images.dtype == np.float32
    assert digits.images.min() == 0 and digits.images.max() == 1
    assert (digits.images * 16 % 1 == 0).all()
    assert digits.labels.dtype == np.int64
    assert np.bincount(digits.labels).min() > 170 and digits.classes[7] == "7"
    split = load_images("digits", np.random.default_rng(0))
    assert [len(part) for part in split] == [1439, 179, 179]


def test_a_split_keeps_each_image_once_with_its_label():
    images = some_images()
    split = split_images(images, np.random.default_rng(1), validation=0.25, test=0.3)
    assert [len(part) for part in split] == [5, 2, 3]
    found = np.concatenate([part.images for part in split])
    labels = np.concatenate([part.labels for part in split])
    order = np.argsort(found[:, 0, 0, 0])
    assert (order != np.arange(10)).any()
    np.testing.assert_array_equal(found[order], images.images)
    np.testing.assert_array_equal(labels[order], images.labels)


def test_a_split_follows_the_generator():
    first, same, other = (
        split_images(some_images(), np.random.default_rng(seed), 0.5).train.images for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


@pytest.mark.parametrize("shares", [(-0.1, 0), (0.5, 0.5), (0, 1), (float("nan"), 0), ("0.1", 0)])
def test_shares_that_leave_nothing_are_refused(shares):
    with pytest.raises(ConfigError, match=r"validation|test"):
        split_images(some_images(), np.random.default_rng(0), *shares)


def test_a_generator_is_needed():
    with pytest.raises(DTypeError, match="rng"):
        split_images(some_images(), 0)


@pytest.mark.parametrize(
    ("images", "labels", "error", "message"),
    [
        (np.zeros((2, 4, 4, 1), np.uint8), [0, 1], DTypeError, "images: got uint8"),
        (np.zeros((2, 4, 4)), [0, 1], ShapeError, "images: got shape"),
        (np.zeros((2, 4, 4, 1)), [0, 1, 1], ShapeError, "labels: got shape"),
        (np.zeros((2, 4, 4, 1)), [0.0, 1.0], DTypeError, "labels"),
        (np.zeros((2, 4, 4, 1)), [0, 2], TokenError, "labels: got 0 to 2, allowed are 0 to 1"),
        (np.zeros((2, 4, 4, 1)), [-1, 1], TokenError, "labels: got -1 to 1"),
        ([[0.0]], [0], DTypeError, "images: got list"),
    ],
)
def test_what_is_no_image_set_is_refused(images, labels, error, message):
    with pytest.raises(error, match=message):
        ImageSet(images, np.array(labels), ("a", "b"), "x")
