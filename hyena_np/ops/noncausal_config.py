"""The knobs of the Hyena operators that are not causal: over a sequence in both directions, over an image."""

from __future__ import annotations

from dataclasses import dataclass

from hyena_np.ops.checks import check_integer
from hyena_np.ops.config import HyenaConfig, operator_shapes

SHORT_TAPS = 3


@dataclass(frozen=True)
class BidirectionalHyenaConfig:
    """Configuration of an order-N Hyena operator whose convolutions see the past and the future.

    Gates and convolutions alternate as in the official code (`HyenaConfig`, variant "code"): N gates, N-1
    long convolutions. Each of these has two filters, a forward and a backward one; one network gives both.
    For classification, or for tokens that are masked: who predicts the next token with it sees the answer.

    Parameters
    ----------
    d_model : int
        Width D.
    l_max : int
        Longest sequence; the filters' time axis is scaled by it.
    order : int
        N, at least 2.
    filter_order, emb_dim, num_inner_mlps, w, shift, fast_decay_pct, slow_decay_pct, target : int or float
        The filter network and the window, as in `HyenaConfig`.
    init : {"torch", "gpt2"}
        As in `HyenaConfig`.

    Raises
    ------
    ConfigError
        A value is not allowed; the message names it.

    Notes
    -----
    Source: Hyena paper, Sec. 4.5, where images need no causal order; official code: ``k_rev``.
    """

    d_model: int
    l_max: int
    order: int = 2
    filter_order: int = 64
    emb_dim: int = 3
    num_inner_mlps: int = 2
    w: float = 1.0
    shift: float = 0.0
    fast_decay_pct: float = 0.3
    slow_decay_pct: float = 1.5
    target: float = 1e-2
    init: str = "torch"

    def __post_init__(self) -> None:
        check_integer("order", self.order, 2)
        _ = self.network  # checks every other value

    @property
    def num_convolutions(self) -> int:
        """Number of long convolutions, N-1."""
        return self.order - 1

    @property
    def network(self) -> HyenaConfig:
        """What the filter network gives: 2(N-1) causal filters, the forward ones first.

        The layout "do" keeps the filters of a channel together, and so their decay rates close.
        """
        filters = 2 * (self.order - 1)
        return _network(self, self.l_max, order=filters, variant="paper", filter_layout="do")


@dataclass(frozen=True)
class Hyena2DConfig:
    """Configuration of an order-N Hyena operator over the pixels of an image.

    The sequence is the image read row by row, L = height * width, so that the operator fits any model; its
    convolutions are two-dimensional and see all four sides. Gates and convolutions alternate as in the
    official code: N gates, N-1 long convolutions. It is not causal: no model of the next pixel.

    Parameters
    ----------
    d_model : int
        Width D.
    height, width : int
        Sides of the image, in pixels or patches.
    order : int
        N, at least 2.
    filter_order, num_inner_mlps, w, shift, target : int or float
        The filter network and the window, as in `HyenaConfig`.
    emb_dim : int
        Features E of each of the two positions, odd, at least 3; the network reads 2E.
    fast_decay_pct, slow_decay_pct : float
        The fraction of a side of the image at which the fastest and the slowest window have fallen to
        `target`.
    init : {"torch", "gpt2"}
        As in `HyenaConfig`.

    Raises
    ------
    ConfigError
        A value is not allowed; the message names it.

    Notes
    -----
    Source: Hyena paper, Sec. 4.5 and Table 4.7 (two-dimensional Hyena in the place of S4ND), which leaves
    the form of the filters open; see `hyena_filter2d`.

    Examples
    --------
    >>> from hyena_np import Hyena2DConfig
    >>> Hyena2DConfig(d_model=32, height=8, width=8).l_max
    64
    """

    d_model: int
    height: int
    width: int
    order: int = 2
    filter_order: int = 64
    emb_dim: int = 3
    num_inner_mlps: int = 2
    w: float = 1.0
    shift: float = 0.0
    fast_decay_pct: float = 0.3
    slow_decay_pct: float = 1.5
    target: float = 1e-2
    init: str = "torch"

    def __post_init__(self) -> None:
        check_integer("height", self.height, 1)
        check_integer("width", self.width, 1)
        check_integer("order", self.order, 2)
        _ = self.network  # checks every other value

    @property
    def l_max(self) -> int:
        """Length L of the sequence of pixels."""
        return self.height * self.width

    @property
    def num_convolutions(self) -> int:
        """Number of long convolutions, N-1."""
        return self.order - 1

    @property
    def lags(self) -> tuple[int, int]:
        """Number of lags between two pixels, (2 height - 1, 2 width - 1)."""
        return 2 * self.height - 1, 2 * self.width - 1

    @property
    def network(self) -> HyenaConfig:
        """What the filter network gives: N-1 filters of one tap a pair of lags."""
        return _network(self, self.lags[0] * self.lags[1], order=self.order, variant="code")


def _network(
    config: BidirectionalHyenaConfig | Hyena2DConfig,
    l_max: int,
    order: int,
    variant: str,
    filter_layout: str = "od",
) -> HyenaConfig:
    return HyenaConfig(
        d_model=config.d_model,
        l_max=l_max,
        order=order,
        filter_order=config.filter_order,
        emb_dim=config.emb_dim,
        num_inner_mlps=config.num_inner_mlps,
        w=config.w,
        shift=config.shift,
        fast_decay_pct=config.fast_decay_pct,
        slow_decay_pct=config.slow_decay_pct,
        target=config.target,
        variant=variant,
        filter_layout=filter_layout,
        init=config.init,
    )


def bidirectional_hyena_shapes(config: BidirectionalHyenaConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every array of a bidirectional operator's parameter tree, by its dotted name.

    Parameters
    ----------
    config : BidirectionalHyenaConfig

    Returns
    -------
    dict
        The names of `operator_shapes`; the filter network has 2(N-1)D outputs.

    Notes
    -----
    Source: Hyena paper, Algorithms 1 and 2.
    """
    branches = (config.order + 1) * config.d_model
    return operator_shapes(config.network) | {
        "in_proj.weight": (branches, config.d_model),
        "in_proj.bias": (branches,),
        "short_filter.weight": (branches, 1, SHORT_TAPS),
        "short_filter.bias": (branches,),
        "filter.skip": (config.num_convolutions * config.d_model,),
    }


def hyena2d_shapes(config: Hyena2DConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every array of a two-dimensional operator's parameter tree, by its dotted name.

    Parameters
    ----------
    config : Hyena2DConfig

    Returns
    -------
    dict
        The names of `operator_shapes`; the filter network reads 2E features, the short convolution has 3 by
        3 taps, and the tables have a row for each of the (2 height - 1)(2 width - 1) lags.

    Notes
    -----
    Source: Hyena paper, Algorithms 1 and 2, with two positions.
    """
    lags, features = config.network.l_max, 2 * config.emb_dim
    return operator_shapes(config.network) | {
        "short_filter.weight": ((config.order + 1) * config.d_model, 1, SHORT_TAPS, SHORT_TAPS),
        "filter.positional.z": (1, lags, features),
        "filter.ffn.linear_0.weight": (config.filter_order, features),
    }
