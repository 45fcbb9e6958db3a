"""Writing with a language model: one token after another, each from what stands before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from hyena_np.backend import to_numpy
from hyena_np.errors import ShapeError
from hyena_np.models.language_model import LanguageModelConfig, language_model
from hyena_np.ops.checks import check_integer
from hyena_np.writing.sampling import check_sampling, sample_token


def generate(
    params: dict,
    config: LanguageModelConfig,
    ids: Iterable[int],
    count: int,
    rng: np.random.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
) -> Iterator[int]:
    r"""Continue a sequence of token ids.

    .. math:: i_{t+1} \sim p(\cdot \mid i_{t-L+1}, \dots, i_t)

    Every token costs a whole forward over the last L = ``l_max`` tokens, the filters computed anew, so count
    tokens of Hyena cost :math:`O(\text{count} \cdot (L \log L \cdot D + L D^2))`. Nothing is kept from one
    token to the next. The window slides: what lies further back than L tokens is forgotten, and the token
    that was at position t of one window stands at t-1 in the next.

    Parameters
    ----------
    params : dict
        Tree of a language model, arrays of any library and shape that `config` says.
    config : LanguageModelConfig
        With a causal mixer. Rows of the table beyond ``vocab_size`` belong to no token, and are never drawn.
    ids : iterable of int
        What stands at the beginning, at least one.
    count : int
        Tokens to write, 0 or more.
    rng : numpy.random.Generator
        The only source of randomness.
    temperature : float
    top_k : int, optional
        As in `token_probabilities`.

    Returns
    -------
    iterator of int
        The new tokens, each as soon as it is drawn.

    Raises
    ------
    ShapeError
        `ids` is empty.
    ConfigError
        `count`, the temperature or `top_k` is not allowed.
    TokenError, ParameterError
        With the first token: an id lies outside the vocabulary, or the parameters do not fit.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    check_integer("count", count, 0)
    check_sampling(temperature, top_k)
    context = list(ids)
    if not context:
        raise ShapeError("ids: got none, allowed is at least one token to begin with")

    def tokens() -> Iterator[int]:
        window = context
        for _ in range(count):
            window = window[-config.mixer.l_max :]
            logits, _ = language_model(np.asarray(window)[None, :], params, config)  # (1, T, V)
            last = to_numpy(logits[0, -1, :])[: config.vocab_size]
            window = [*window, sample_token(last, rng, temperature, top_k)]
            yield window[-1]

    return tokens()
