"""How a small model learns to write: the options of ``hyena-np train``, with defaults that show something."""

from __future__ import annotations

from dataclasses import dataclass

from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.ops.checks import check_integer, check_real
from hyena_np.training.loop import TrainConfig
from hyena_np.training.schedule import Schedule
from hyena_np.writing.mixer import mixer_config, needs_positions


@dataclass(frozen=True)
class WritingRecipe:
    """One run of ``hyena-np train``, all but the text.

    What the demo found for recall helps here too: an embedding of standard deviation 0.2 in place of 0.02,
    and a high learning rate that falls to zero. The MLP has its usual width, 4 D.

    Parameters
    ----------
    mixer : str
        See `mixer_config`.
    width : int
        D, channels.
    layers : int
        Blocks.
    length : int
        L, characters that the model sees at once, in training and when it writes.
    order : int, optional
        N, of Hyena alone; 2 by default.
    steps : int
        Training steps.
    batch : int
        B, windows of L characters in a step.
    lr : float
        Learning rate at its peak.
    seed : int
        Of the weights, of the order of the windows, and of the sample at the end.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: ours; the paper's models are larger (Table A.4) and read word pieces (Sec. 4.2).
    """

    mixer: str = "hyena"
    width: int = 128
    layers: int = 2
    length: int = 128
    order: int | None = None
    steps: int = 1500
    batch: int = 16
    lr: float = 4e-3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("width", "layers", "length", "steps", "batch"):
            check_integer(name, getattr(self, name), 1)
        check_integer("seed", self.seed, 0)
        check_real("lr", self.lr, positive=True)
        mixer_config(self.mixer, self.width, self.length, self.order)

    def model(self, vocab_size: int) -> LanguageModelConfig:
        """The model for V characters."""
        mixer = mixer_config(self.mixer, self.width, self.length, self.order)
        positions = self.length if needs_positions(mixer) else 0
        return LanguageModelConfig(
            vocab_size,
            self.layers,
            mixer,
            max_position_embeddings=positions,
            init="torch",
            embedding_std=0.2,
        )

    @property
    def training(self) -> TrainConfig:
        """The optimiser, its schedule, and how often a run looks around: 20 times, or every 100 steps."""
        schedule = Schedule(self.lr, warmup=min(50, self.steps // 3), total=self.steps, decay="linear")
        interval = min(100, max(1, self.steps // 20))
        return TrainConfig(
            schedule, seed=self.seed, betas=(0.9, 0.95), eval_every=interval, checkpoint_every=interval
        )
