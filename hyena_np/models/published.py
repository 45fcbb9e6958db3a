"""The models that were published: the paper's, its rivals, HyenaDNA. Configurations only, no weights."""

from __future__ import annotations

import math

from hyena_np.models.language_model import LanguageModelConfig, parameter_count
from hyena_np.models.mixers import mixer_of
from hyena_np.ops.attention import AttentionConfig
from hyena_np.ops.checks import check_choice
from hyena_np.ops.config import HyenaConfig

# Table A.4: depth, width, width of the MLP.
_HYENA = {
    "125M": (12, 768, 3072),
    "125M-slim": (18, 768, 1536),
    "153M": (18, 864, 1728),
    "355M": (36, 1024, 2048),
    "1.3B": (36, 2048, 4096),
}
# The rivals of Table 4.4 have the shapes of GPT-3's two smallest: depth, width, heads.
_GPT = {"GPT-125M": (12, 768, 12), "GPT-355M": (24, 1024, 16)}
# Depth, width, longest input: the named number of bases, and two special tokens.
_HYENADNA = {
    "hyenadna-tiny-1k": (2, 128, 1_026),
    "hyenadna-tiny-1k-d256": (2, 256, 1_026),
    "hyenadna-tiny-16k-d128": (2, 128, 16_386),
    "hyenadna-small-32k": (4, 256, 32_770),
    "hyenadna-medium-160k": (8, 256, 160_002),
    "hyenadna-medium-450k": (8, 256, 450_002),
    "hyenadna-large-1m": (8, 256, 1_000_002),
}
PUBLISHED_MODELS = (*_HYENA, *_GPT, *_HYENADNA)

_PILE_LENGTH = 2048
_GPT2_TOKENS = 50_257
_DNA_TOKENS = 12  # seven special tokens and A, C, G, T, N
_TABLE_MULTIPLE = 8  # rows of the embedding, padded for the GPU


def published_model(name: str) -> LanguageModelConfig:
    """Configuration of a published model.

    Parameters
    ----------
    name : str
        The paper's own: ``"125M"``, ``"125M-slim"``, ``"153M"``, ``"355M"``, ``"1.3B"``. Its rivals:
        ``"GPT-125M"``, ``"GPT-355M"``. HyenaDNA: ``"hyenadna-tiny-1k"``, ``"hyenadna-tiny-1k-d256"``,
        ``"hyenadna-tiny-16k-d128"``, ``"hyenadna-small-32k"``, ``"hyenadna-medium-160k"``,
        ``"hyenadna-medium-450k"``, ``"hyenadna-large-1m"``.

    Returns
    -------
    LanguageModelConfig

    Raises
    ------
    ConfigError
        No model has this name.

    Notes
    -----
    All Hyena models are of order 2 in the code's sense: three projections and one long filter. With one more
    of each, the numbers of parameters would not be the published ones.

    HyenaDNA's pretraining code has ``shift`` 0, its released inference code 0.05, and no file stores it. Here
    it is 0.05, which the released logits need.

    Source: Hyena paper, Tables A.3, A.4 and 4.4; official code: ``experiment/pile``, and HyenaDNA's
    ``config.json``.

    Examples
    --------
    >>> from hyena_np import parameter_count, published_model
    >>> f"{parameter_count(published_model('153M')):,}"
    '153,700,416'
    """
    check_choice("name", name, PUBLISHED_MODELS)
    if name in _HYENA:
        return _hyena(*_HYENA[name])
    if name in _GPT:
        return _gpt(*_GPT[name])
    return _hyenadna(*_HYENADNA[name])


def _hyena(depth: int, width: int, d_inner: int) -> LanguageModelConfig:
    # "FFN depth 4" of Table A.4 counts all dense layers of the filter network: two inner ones.
    mixer = HyenaConfig(
        width, _PILE_LENGTH, filter_order=64, emb_dim=33, num_inner_mlps=2, w=14.0, init="gpt2"
    )
    return LanguageModelConfig(_GPT2_TOKENS, depth, mixer, d_inner, pad_vocab_size_multiple=_TABLE_MULTIPLE)


def _gpt(depth: int, width: int, heads: int) -> LanguageModelConfig:
    mixer = AttentionConfig(width, _PILE_LENGTH, heads)
    return LanguageModelConfig(
        _GPT2_TOKENS,
        depth,
        mixer,
        max_position_embeddings=_PILE_LENGTH,
        pad_vocab_size_multiple=_TABLE_MULTIPLE,
    )


def _hyenadna(depth: int, width: int, l_max: int) -> LanguageModelConfig:
    mixer = HyenaConfig(width, l_max, filter_order=64, emb_dim=5, w=10.0, shift=0.05, init="gpt2")
    return LanguageModelConfig(_DNA_TOKENS, depth, mixer, pad_vocab_size_multiple=_TABLE_MULTIPLE)


def published_parameters(name: str) -> int:
    """Number of parameters that the training of a published model changed.

    The paper's models train their tables of positional features, HyenaDNA keeps them constant. Readers who
    count them all the same find 13 million for ``"hyenadna-medium-160k"``, half of them table.

    Parameters
    ----------
    name : str
        As in `published_model`.

    Returns
    -------
    int
        Nothing is allocated.

    Raises
    ------
    ConfigError
        No model has this name.

    Notes
    -----
    Source: Hyena paper, Table A.4; official code: ``parameters()``; HyenaDNA: ``lr_pos_emb = 0``.
    """
    config = published_model(name)
    count = parameter_count(config)
    if name not in _HYENADNA:
        return count
    features = mixer_of(config.mixer).shapes(config.mixer)["filter.positional.z"]
    return count - config.n_layer * math.prod(features)
