"""Operations of a model, counted as the paper counts them."""

from __future__ import annotations

import math

from hyena_np.errors import ConfigError
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.ops.attention import AttentionConfig
from hyena_np.ops.checks import check_integer, check_real
from hyena_np.ops.config import HyenaConfig, operator_shapes

_BACKWARD = 2  # a backward costs two forwards: one product for each factor's gradient


def flops_breakdown(config: LanguageModelConfig, L: int, literal: bool = False) -> dict[str, float]:
    r"""Operations of one forward over one sequence of length L, by part, summed over the layers.

    A multiplication and an addition are two operations. For one layer of Hyena of order N, width D and K
    short taps, with F long filters:

    .. math:: 2\,(N+1)\,D^2 L + 2\,(N+1)\,D K L + 2 \cdot 5\, F D L \log_2 L + 2\, D^2 L

    and for one of attention with H heads:

    .. math:: 2 \cdot 3\, D^2 L + 2\, L^2 D + 3\, H L^2 + 2\, L^2 D + 2\, D^2 L .

    To either come the MLP of width W, :math:`2 \cdot 2\, D W L`, and once for the model the embedding, as the
    product with a one-hot matrix that it is on paper, and the logits: :math:`2\, V D L` each.

    Parameters
    ----------
    config : LanguageModelConfig
        With Hyena or attention as its mixer.
    L : int
        Length of the sequence.
    literal : bool
        Charge Hyena for N projections, as the paper's formula is written, instead of the N+1 that it makes.
        The published totals agree with N+1 (to 2.2 %), not with N (8 and 11 % too low).

    Returns
    -------
    dict
        Part to operations, with the sum under ``"total"``. The names of the parts are those of the mixer.

    Raises
    ------
    ConfigError
        `L` is no length of this model, or its mixer is neither of the two.

    Notes
    -----
    The code's variant has F = N-1 long filters, as in the formula, the paper's variant F = N. Not counted, as
    in the paper: gates, norms, biases, skips, and the filter network, which runs once a batch. The causal
    half of attention that is zero is counted.

    Source: Hyena paper, App. A.2; Hoffmann et al. 2022, App. F.
    """
    check_integer("L", L, 1)
    if config.mixer.l_max < L:
        raise ConfigError(f"L: got {L}, allowed are 1 to l_max = {config.mixer.l_max}")
    D, V = config.d_model, config.padded_vocab_size
    table = 2.0 * V * D * L
    layer = _mixer_flops(config, L, literal) | {"mlp": 2.0 * 2 * D * config.mlp_width * L}
    parts = {"embedding": table}
    parts |= {name: config.n_layer * count for name, count in layer.items()}
    parts["logits"] = table
    return parts | {"total": sum(parts.values())}


def _mixer_flops(config: LanguageModelConfig, L: int, literal: bool) -> dict[str, float]:
    mixer = config.mixer
    if isinstance(mixer, HyenaConfig):
        return _hyena_flops(mixer, L, literal)
    if isinstance(mixer, AttentionConfig):
        return _attention_flops(mixer, L)
    raise ConfigError(f"mixer: got {type(mixer).__name__}, allowed are HyenaConfig and AttentionConfig")


def _hyena_flops(mixer: HyenaConfig, L: int, literal: bool) -> dict[str, float]:
    D, (*_, taps) = mixer.d_model, operator_shapes(mixer)["short_filter.weight"]
    projections = mixer.order if literal else mixer.order + 1
    return {
        "projections": 2.0 * projections * D * D * L,
        "short convolution": 2.0 * projections * D * taps * L,
        # 5 L log2 L is the usual count of one complex FFT of length L
        "long convolution": 2.0 * 5 * mixer.num_filters * D * L * math.log2(L),
        "output": 2.0 * D * D * L,
    }


def _attention_flops(mixer: AttentionConfig, L: int) -> dict[str, float]:
    D, H = mixer.d_model, mixer.num_heads
    return {
        "projections": 2.0 * 3 * D * D * L,
        "scores": 2.0 * L * L * D,
        "softmax": 3.0 * H * L * L,
        "weighted sum": 2.0 * L * L * D,
        "output": 2.0 * D * D * L,
    }


def training_flops(config: LanguageModelConfig, L: int, tokens: float, literal: bool = False) -> float:
    r"""Operations of training on a number of tokens: three forwards each.

    .. math:: 3 \cdot \frac{\mathrm{tokens}}{L} \cdot \mathrm{forward}(L)

    Parameters
    ----------
    config : LanguageModelConfig
        With Hyena or attention as its mixer.
    L : int
        Length of the training sequences.
    tokens : float
        Tokens seen: steps times batch times L.
    literal : bool
        As in `flops_breakdown`.

    Returns
    -------
    float

    Raises
    ------
    ConfigError
        `L` or `tokens` is not allowed, or the mixer is neither Hyena nor attention.

    Notes
    -----
    Source: Hyena paper, App. A.2 and Table 4.4; Hoffmann et al. 2022, App. F.

    Examples
    --------
    The 15 billion tokens of Table 4.4 are 30,000 steps of 256 sequences.

    >>> from hyena_np import published_model, training_flops
    >>> tokens = 30_000 * 256 * 2048
    >>> f"{training_flops(published_model('GPT-355M'), 2048, tokens):.3g}"
    '4.78e+19'
    """
    check_real("tokens", tokens, positive=True)
    forward = flops_breakdown(config, L, literal)["total"]
    return (1 + _BACKWARD) * forward * tokens / L
