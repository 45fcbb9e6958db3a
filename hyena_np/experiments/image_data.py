"""Images to classify, as sequences of pixels or patches, with held-out ones to measure on."""

from __future__ import annotations

import os

import numpy as np

from hyena_np.backend import like, to_numpy
from hyena_np.errors import ConfigError
from hyena_np.models.sequence_model import SequenceModelConfig, sequence_model
from hyena_np.ops.layers import cross_entropy
from hyena_np.tasks.image_sets import digit_images, load_images
from hyena_np.tasks.images import ImageSet, ImageSplit, patch_sequence, split_images
from hyena_np.training.metrics import Evaluation

CIFAR10_FOLDER = "HYENA_NP_CIFAR10"
# Numbers of one forward of a measurement, times the width of the model: 16 MB of activations each.
_PART = 2**16


def image_split(name: str, seed: int) -> ImageSplit:
    """The images of a set, divided by a seed.

    Parameters
    ----------
    name : {"digits", "cifar10"}
        Of the digits 20 % are for the test and 10 % for validation; CIFAR-10 has a test set of its own, and
        gives 10 % of the others for validation.
    seed : int

    Returns
    -------
    ImageSplit

    Raises
    ------
    ConfigError
        The environment does not say where CIFAR-10 is, or there is no such set.
    BackendError
        The digits come with scikit-learn, which is not installed.
    DataError
        CIFAR-10 cannot be read or downloaded.
    """
    rng = np.random.default_rng([seed, 1])
    if name == "digits":
        return split_images(digit_images(), rng, validation=0.1, test=0.2)
    folder = os.environ.get(CIFAR10_FOLDER)
    if name == "cifar10" and not folder:
        raise ConfigError(
            f"{CIFAR10_FOLDER}: this environment variable is not set, allowed is the folder where "
            "cifar-10-binary.tar.gz is, or is to be downloaded to (170 MB)"
        )
    return load_images(name, rng, validation=0.1, folder=folder)


class ImageData:
    """Data of a classification of images.

    Brightness is shifted and scaled so that each channel of the training images has mean 0 and deviation 1.

    Parameters
    ----------
    split : ImageSplit
    model : SequenceModelConfig
        Answers once a sequence.
    patch : int
        Side of a patch; 1 reads pixel after pixel.
    batch : int
        Images of a step.
    """

    def __init__(self, split: ImageSplit, model: SequenceModelConfig, patch: int, batch: int) -> None:
        self.split, self.model, self.patch, self.batch = split, model, patch, batch
        self.mean = split.train.images.mean(axis=(0, 1, 2))  # (C,)
        self.deviation = split.train.images.std(axis=(0, 1, 2))

    def sample(self, rng: np.random.Generator, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Sequences (B, T, p*p*C) and classes (B,) of a step, drawn from the training images."""
        rows = rng.integers(len(self.split.train), size=self.batch)
        return self.sequences(self.split.train.images[rows]), self.split.train.labels[rows]

    def validate(self, params: dict) -> Evaluation:
        """Share of the validation images that are recognised, and their cross-entropy in nats."""
        return self._measure(params, self.split.validation)

    def test(self, params: dict) -> dict[str, float]:
        """The same on the test images."""
        found = self._measure(params, self.split.test)
        return {"test_accuracy": float(found.accuracy or 0.0), "test_loss": float(found.loss or 0.0)}

    def sequences(self, images: np.ndarray) -> np.ndarray:
        """What the model reads of images (B, H, W, C)."""
        return patch_sequence((images - self.mean) / self.deviation, self.patch)

    def _measure(self, params: dict, images: ImageSet) -> Evaluation:
        mixer = self.model.mixer
        part = max(1, _PART // mixer.l_max)
        right, loss = 0, 0.0
        for start in range(0, len(images), part):
            labels = images.labels[start : start + part]
            inputs = self.sequences(images.images[start : start + part])
            logits, _ = sequence_model(like(inputs, params["readout"]["weight"]), params, self.model)
            mean, _ = cross_entropy(logits, labels)
            loss += float(mean) * len(labels)
            right += int((to_numpy(logits).argmax(axis=-1) == labels).sum())
        return Evaluation(right / len(images), loss / len(images))
