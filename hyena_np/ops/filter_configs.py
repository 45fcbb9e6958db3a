"""The rival ways to write a long filter down, and their knobs (Sec. 4.1, Table A.2)."""

from __future__ import annotations

from dataclasses import dataclass

from hyena_np.errors import ConfigError
from hyena_np.ops.checks import check_integer, check_real

Shapes = dict[str, tuple[int, ...]]  # of a filter's parameters, by their dotted names


@dataclass(frozen=True)
class FIRConfig:
    """A short filter, stored tap by tap: the paper's "Conv1d".

    Parameters
    ----------
    taps : int
        How far it reaches; it is zero from there on.

    Notes
    -----
    Source: Hyena paper, App. A.1 (filter size 64).
    """

    taps: int = 64
    name = "fir"

    def __post_init__(self) -> None:
        check_integer("taps", self.taps, 1)

    def shapes(self, channels: int, l_max: int) -> Shapes:
        """Shapes of the parameters of `channels` filters."""
        return {"weight": (channels, self.taps)}


@dataclass(frozen=True)
class LongConvConfig:
    """A filter as long as the sequence, stored tap by tap, whose small taps are set to zero.

    Parameters
    ----------
    std : float
        Standard deviation of the taps at the start.
    lam : float
        The threshold: a smaller tap is zero, a larger one nearer to zero by so much. 0 changes nothing. With
        the two defaults 13 % of the taps begin above it, and only those are trained, until others follow.

    Notes
    -----
    Source: Fu et al. 2023, "Simple hardware-efficient long convolutions for sequence modeling": its squash
    operator. Not among the parametrisations of the Hyena paper.
    """

    std: float = 0.002
    lam: float = 0.003
    name = "longconv"

    def __post_init__(self) -> None:
        check_real("std", self.std, positive=True)
        check_real("lam", self.lam)
        if self.lam < 0:
            raise ConfigError(f"lam: got {self.lam}, allowed are numbers >= 0")

    def shapes(self, channels: int, l_max: int) -> Shapes:
        """Shapes of the parameters of `channels` filters."""
        return {"kernel": (channels, l_max)}


@dataclass(frozen=True)
class FNOConfig:
    """A filter stored as the lowest frequencies of its spectrum, as in a Fourier neural operator.

    Parameters
    ----------
    modes : int
        Number of frequencies, the constant included; at most l_max // 2 + 1, which is all of them.

    Notes
    -----
    Source: Hyena paper, App. A.1 (64 modes); Li et al. 2021, "Fourier neural operator".
    """

    modes: int = 64
    name = "fno"

    def __post_init__(self) -> None:
        check_integer("modes", self.modes, 1)

    def shapes(self, channels: int, l_max: int) -> Shapes:
        """Shapes of the parameters of `channels` filters."""
        return {"real": (channels, self.modes), "imag": (channels, self.modes)}


@dataclass(frozen=True)
class S4DConfig:
    """The impulse response of a diagonal state-space model: the filter of H3.

    Parameters
    ----------
    state : int
        Size of the state of each channel; even, because states come in conjugate pairs, of which one half is
        stored.
    dt_min, dt_max : float
        The time steps of the channels are drawn between these two, uniformly in their logarithm.

    Notes
    -----
    Source: Hyena paper, App. A.1 (state 64); Gu et al. 2022, "On the parameterization and initialization of
    diagonal state space models".
    """

    state: int = 64
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    name = "s4d"

    def __post_init__(self) -> None:
        check_integer("state", self.state, 2)
        if self.state % 2:
            raise ConfigError(f"state: got {self.state}, allowed are even integers >= 2 (conjugate pairs)")
        check_real("dt_min", self.dt_min, positive=True)
        check_real("dt_max", self.dt_max, positive=True)
        if self.dt_max < self.dt_min:
            raise ConfigError(f"dt_max: got {self.dt_max}, allowed are numbers >= dt_min = {self.dt_min}")

    def shapes(self, channels: int, l_max: int) -> Shapes:
        """Shapes of the parameters of `channels` filters."""
        pairs = (channels, self.state // 2)
        return {
            "log_dt": (channels,),
            "log_decay": pairs,
            "frequency": pairs,
            "c_real": pairs,
            "c_imag": pairs,
        }


@dataclass(frozen=True)
class TransferFunctionConfig:
    """The impulse response of a rational transfer function.

    Parameters
    ----------
    order : int
        Number of coefficients of the numerator, and of the denominator without its leading 1.

    Notes
    -----
    Source: Hyena paper, App. A.1 (order 64); Parnichkun et al. 2024, "State-free inference of state-space
    models: the transfer function approach".
    """

    order: int = 64
    name = "transfer_function"

    def __post_init__(self) -> None:
        check_integer("order", self.order, 1)

    def shapes(self, channels: int, l_max: int) -> Shapes:
        """Shapes of the parameters of `channels` filters."""
        coefficients = (channels, self.order)
        return {"h0": (channels,), "numerator": coefficients, "denominator": coefficients}


@dataclass(frozen=True)
class CKConvConfig:
    """A filter computed by a small sine network of the position alone, without a window.

    Parameters
    ----------
    width : int
        Of the two hidden layers.
    w0 : float
        Frequency of the sines; a constant here, where Hyena's own network trains it.

    Notes
    -----
    Source: Hyena paper, App. A.1 (width 32); Romero et al. 2021, "CKConv: Continuous kernel convolution for
    sequential data"; w0 = 30 is SIREN's (Sitzmann et al. 2020). Weight normalisation, which CKConv adds, is
    left out.
    """

    width: int = 32
    w0: float = 30.0
    name = "ckconv"

    def __post_init__(self) -> None:
        check_integer("width", self.width, 1)
        check_real("w0", self.w0, positive=True)

    def shapes(self, channels: int, l_max: int) -> Shapes:
        """Shapes of the parameters of `channels` filters."""
        M = self.width
        return {
            "linear_0.weight": (M, 1),
            "linear_0.bias": (M,),
            "linear_1.weight": (M, M),
            "linear_1.bias": (M,),
            "linear_2.weight": (channels, M),
            "linear_2.bias": (channels,),
        }


FilterConfig = FIRConfig | LongConvConfig | FNOConfig | S4DConfig | TransferFunctionConfig | CKConvConfig
FILTER_CONFIGS: dict[str, type[FilterConfig]] = {
    cls.name: cls
    for cls in (FIRConfig, LongConvConfig, FNOConfig, S4DConfig, TransferFunctionConfig, CKConvConfig)
}


def check_filter_config(config: FilterConfig | None, l_max: int) -> None:
    """Raise ConfigError unless this is None or a filter's config that fits the length."""
    if config is None:
        return
    if type(config) not in FILTER_CONFIGS.values():
        allowed = ", ".join(cls.__name__ for cls in FILTER_CONFIGS.values())
        raise ConfigError(f"filter: got {type(config).__name__}, allowed are None, {allowed}")
    if isinstance(config, FNOConfig) and config.modes > l_max // 2 + 1:
        raise ConfigError(
            f"filter.modes: got {config.modes}, allowed are 1 to l_max // 2 + 1 = {l_max // 2 + 1}"
        )
