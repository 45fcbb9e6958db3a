"""Image sets by name: the digits that come with scikit-learn, and MNIST and CIFAR-10 from the network."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np

from hyena_np.errors import BackendError, ConfigError, DataError
from hyena_np.tasks.downloads import Source, download
from hyena_np.tasks.image_files import MNIST_CLASSES, parse_cifar10, read_mnist
from hyena_np.tasks.images import ImageSet, ImageSplit, split_images

_MNIST_ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist/"  # the mirror that torchvision asks first

MNIST_SOURCES = {
    name: Source(f"{name}.gz", f"{_MNIST_ADDRESS}{name}.gz", f"sha256:{digest}")
    for name, digest in {
        "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    }.items()
}

# The checksum that its author publishes on the page of the data set.
CIFAR10_SOURCE = Source(
    "cifar-10-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "md5:c32a1d4ab5d03f1284b67883e8d87530",
)


def digit_images() -> ImageSet:
    """Give the handwritten digits that come with scikit-learn: 1,797 grey images of 8 by 8 pixels.

    Returns
    -------
    ImageSet
        `images` (1797, 8, 8, 1) float32 in steps of 1/16, `labels` (1797,) int64.

    Raises
    ------
    BackendError
        If scikit-learn is not installed.

    Notes
    -----
    Source: ``sklearn.datasets.load_digits``, the test set of the UCI "Optical Recognition of Handwritten
    Digits".
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise BackendError(
            'digits: scikit-learn is not installed; python -m pip install "hyena-np[data]"'
        ) from error
    found = load_digits()
    images = (found.images[..., None] / 16).astype(np.float32)
    return ImageSet(images, found.target.astype(np.int64), MNIST_CLASSES, "digits")


def load_images(
    name: str, rng: np.random.Generator, validation: float = 0.1, folder: str | Path | None = None
) -> ImageSplit:
    """Get an image set by its name, divided into training, validation and test.

    MNIST and CIFAR-10 come with a test set, which is kept. The digits have none; 10 % are taken for it.

    Parameters
    ----------
    name : {"digits", "mnist", "cifar10"}
        The last two are downloaded once, 12 MB and 170 MB.
    rng : numpy.random.Generator
        Chooses the validation images (and the test images of the digits).
    validation : float
        Share of the images that are not for the test (of all images, for the digits).
    folder : str or Path, optional
        Where downloads are kept, by default the user's cache folder.

    Returns
    -------
    ImageSplit
        Images (B, H, W, C) float32 and labels (B,) int64 of the three sets.

    Raises
    ------
    ConfigError
        If there is no such set, or `validation` is out of range.
    DataError
        If a download fails or is damaged.
    BackendError
        If scikit-learn (digits) or Pooch (the others) is not installed.

    Notes
    -----
    Source: Hyena paper, Table 4.7, for CIFAR-10; the smaller sets are ours.
    """
    if name == "digits":
        return split_images(digit_images(), rng, validation)
    if name == "mnist":
        learned, tested = _mnist(folder, "train"), _mnist(folder, "t10k")
    elif name == "cifar10":
        archive = download(CIFAR10_SOURCE, folder)
        learned = _cifar10(archive, [f"data_batch_{number}.bin" for number in range(1, 6)])
        tested = _cifar10(archive, ["test_batch.bin"])
    else:
        raise ConfigError(f"images: got {name!r}, allowed are digits, mnist, cifar10")
    return split_images(learned, rng, validation, test=0)._replace(test=tested)


def _mnist(folder: str | Path | None, part: str) -> ImageSet:
    images, labels = (MNIST_SOURCES[f"{part}-{file}"] for file in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    return read_mnist(download(images, folder), download(labels, folder))


def _cifar10(archive: Path, files: list[str]) -> ImageSet:
    """Read files inside the archive; nothing is unpacked onto the disk."""
    contents = {}
    try:
        with tarfile.open(archive) as tar:
            for file in files:
                member = tar.extractfile(f"cifar-10-batches-bin/{file}")
                if member is None:
                    raise KeyError(file)
                contents[f"{archive}: {file}"] = member.read()
    except (tarfile.TarError, KeyError, EOFError, OSError) as error:
        raise DataError(f"{archive}: is no archive of the binary version of CIFAR-10 ({error})") from error
    return parse_cifar10(contents)
