"""The knobs of one Hyena operator, with the names and defaults of the official code."""

from __future__ import annotations

from dataclasses import dataclass

from hyena_np.errors import ConfigError
from hyena_np.ops.checks import check_choice, check_integer, check_odd, check_real
from hyena_np.ops.filter_configs import FilterConfig, check_filter_config

VARIANTS = ("code", "paper")
FILTER_LAYOUTS = ("od", "do")
INITS = ("torch", "gpt2")


@dataclass(frozen=True)
class HyenaConfig:
    """Configuration of one order-N Hyena operator.

    Parameters
    ----------
    d_model : int
        Width D.
    l_max : int
        Longest sequence; the filter's time axis is scaled by it, so that the filter at a given lag does not
        depend on the length of the input.
    order : int
        N. The paper's recurrence has N gates and N long filters, the official code's N gates and N-1.
    filter_order : int
        Width M of the filter network.
    emb_dim : int
        Number E = 2K+1 of positional features: time, and K pairs of cosine and sine. Odd, at least 3.
    num_inner_mlps : int
        Hidden-to-hidden layers of the filter network, whose depth is 2 more than this.
    w : float
        Initial frequency of the sine activations. Above 1 the filters start with a wider spectrum.
    shift : float
        Added to the window, so that a filter need not die out at its tail (paper, below eq. (7)).
    fast_decay_pct, slow_decay_pct : float
        The fraction of `l_max` at which the fastest and the slowest window have fallen to `target`.
    target : float
        See above; between 0 and 1.
    variant : {"code", "paper"}
        "paper": convolve then gate, N long filters, N >= 1 (Def. 3.1). "code": gate then convolve, N-1 long
        filters, one gate at the end, N >= 2 (official code).
    filter_layout : {"od", "do"}
        Which of order and channel is the slow index of the filter network's outputs: "od" as in the
        official standalone file, "do" as in its research code, written there (v o). They differ from
        three filters' worth of gates (N >= 3) on.
    init : {"torch", "gpt2"}
        PyTorch's default initialisation, or normal with standard deviation 0.02 in every dense layer, the
        filter network included, as in the official language model. With "gpt2" choose w near 10: at w = 1
        the filters start at 1e-4 of the signal.
    filter : FilterConfig, optional
        A rival parametrisation of the long filters: FIRConfig, LongConvConfig, FNOConfig, S4DConfig,
        TransferFunctionConfig or CKConvConfig. By default they are Hyena's own, which all fields from
        `filter_order` to `target` describe; for a rival those have no meaning, and the way in which its
        parameters begin does not depend on `init`.

    Raises
    ------
    ConfigError
        A value is not allowed; the message names it.

    Notes
    -----
    Source: Hyena paper, Def. 3.1, eq. (7) and App. D.3; official code: ``HyenaOperator``, ``HyenaFilter``,
    ``ExponentialModulation``, where a misspelt option is swallowed in silence. Here it is an error.

    Examples
    --------
    >>> from hyena_np import HyenaConfig
    >>> HyenaConfig(d_model=64, l_max=1024, order=3).num_filters
    2
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
    variant: str = "code"
    filter_layout: str = "od"
    init: str = "torch"
    filter: FilterConfig | None = None

    def __post_init__(self) -> None:
        check_choice("variant", self.variant, VARIANTS)
        check_choice("filter_layout", self.filter_layout, FILTER_LAYOUTS)
        check_choice("init", self.init, INITS)
        check_integer("d_model", self.d_model, 1)
        check_integer("l_max", self.l_max, 1)
        smallest = 1 if self.variant == "paper" else 2
        check_integer("order", self.order, smallest, f" in variant {self.variant!r}")
        check_integer("filter_order", self.filter_order, 1)
        check_integer("num_inner_mlps", self.num_inner_mlps, 0)
        check_odd("emb_dim", self.emb_dim, 3)
        for name in ("w", "fast_decay_pct", "slow_decay_pct", "target"):
            check_real(name, getattr(self, name), positive=True)
        check_real("shift", self.shift)
        if self.target >= 1:
            raise ConfigError(f"target: got {self.target}, allowed are numbers between 0 and 1")
        check_filter_config(self.filter, self.l_max)

    @property
    def num_filters(self) -> int:
        """Number of long filters: N in the paper, N-1 in the official code."""
        return self.order if self.variant == "paper" else self.order - 1

    @property
    def filter_channels(self) -> int:
        """Outputs C of the filter network: one for each filter and channel."""
        return self.num_filters * self.d_model


def operator_shapes(config: HyenaConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every array of one operator's parameter tree, by its dotted name in the tree.

    Parameters
    ----------
    config : HyenaConfig

    Returns
    -------
    dict
        For example ``{"in_proj.weight": ((N+1)*D, D), ...}``; nothing is allocated.

    Notes
    -----
    Source: Hyena paper, Algorithms 1 and 2; official code: ``HyenaOperator.__init__``.
    """
    D, C = config.d_model, config.filter_channels
    branches = (config.order + 1) * D
    return {
        "in_proj.weight": (branches, D),
        "in_proj.bias": (branches,),
        "short_filter.weight": (branches, 1, 3),
        "short_filter.bias": (branches,),
        **{f"filter.{name}": shape for name, shape in _filter_shapes(config).items()},
        "filter.skip": (C,),
        "out_proj.weight": (D, D),
        "out_proj.bias": (D,),
    }


def _filter_shapes(config: HyenaConfig) -> dict[str, tuple[int, ...]]:
    M, E, C, last = config.filter_order, config.emb_dim, config.filter_channels, config.num_inner_mlps + 1
    if config.filter is not None:
        shapes = config.filter.shapes(C, config.l_max)
        return {f"{config.filter.name}.{name}": shape for name, shape in shapes.items()}
    shapes = {"positional.z": (1, config.l_max, E), "positional.t": (1, config.l_max, 1)}
    for i in range(last):
        shapes[f"ffn.linear_{i}.weight"] = (M, E if i == 0 else M)
        shapes[f"ffn.linear_{i}.bias"] = (M,)
    return shapes | {
        f"ffn.linear_{last}.weight": (C, M),
        "ffn.freq": (1, M),
        "window.deltas": (1, 1, C),
    }
