"""The operator as one matrix: H(u), its factors, H3's surrogate attention matrix (Sec. 3.2, App. B.2)."""

from __future__ import annotations

from functools import reduce

from hyena_np.backend import Array, arange_like, check_ndim, namespace
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.hyena import check_recurrence, hyena_branches
from hyena_np.ops.special_cases import check_h3
from hyena_np.ops.toeplitz import toeplitz


def diagonal_matrix(x: Array) -> Array:
    r"""The matrix :math:`D_x = \mathrm{diag}(x)` that a gate multiplies with.

    Parameters
    ----------
    x : array (..., L), float32 or float64

    Returns
    -------
    array (..., L, L)
        Same dtype.

    Raises
    ------
    LibraryMismatchError, DTypeError
        `x` is no float array.

    Notes
    -----
    Source: Hyena paper, Sec. 3.2: the matrices D_x^n.
    """
    xp = namespace(x=x)
    i = arange_like(x.shape[-1], x)
    return xp.where(i[:, None] == i[None, :], x[..., None], xp.zeros_like(x[..., None]))


def hyena_factors(
    x: tuple[Array, ...], h: Array, skip: Array | None = None, variant: str = "code"
) -> tuple[Array, ...]:
    r"""The diagonal and Toeplitz matrices whose product is the Hyena matrix.

    .. math:: H_{paper} = D_{x^N} S_{h^N} \cdots D_{x^1} S_{h^1}, \qquad
              H_{code} = D_{x_0} S_{h^{N-2}} D_{x_1} \cdots S_{h^0} D_{x_{N-1}}

    with :math:`S_h` the Toeplitz matrix of the filter plus the skip term on the diagonal.

    Parameters
    ----------
    x : tuple of N arrays (B, D, L), float32 or float64
        Gates, as in `hyena_recurrence`.
    h : array (filters, D, Lh), dtype of `x`
    skip : array (filters, D), optional
    variant : {"code", "paper"}

    Returns
    -------
    tuple of arrays
        (B, D, L, L) for gates and (D, L, L) for filters, in the order of the product: the factor that is
        applied last comes first.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ConfigError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 3.2 and Fig. 2.1; official code: the order of its loop.
    """
    L = check_ndim("x[0]", x[0], "B D L")[2] if x else 0
    filters = check_recurrence(x[0] if x else None, x, h, skip, variant)
    gates = [diagonal_matrix(gate) for gate in x]
    convs = [toeplitz(h[n, :, :], L) for n in range(filters)]
    if skip is not None:
        i = arange_like(L, h)
        identity = namespace(h=h).astype(i[:, None] == i[None, :], h.dtype)
        convs = [conv + skip[n, :][:, None, None] * identity for n, conv in enumerate(convs)]
    if variant == "paper":
        steps = [factor for pair in zip(convs, gates, strict=True) for factor in pair]
    else:
        reversed_gates = gates[::-1]
        steps = [factor for pair in zip(reversed_gates, convs, strict=False) for factor in pair] + [gates[0]]
    return tuple(steps[::-1])


def hyena_matrix(u: Array, params: dict, config: HyenaConfig) -> Array:
    r"""The Hyena matrix of an input: one L x L matrix a channel, whose entries depend on `u`.

    .. math:: y = H(u)\, v

    maps the value branch to the operator's output before the output projection, skip terms included.

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
    params : dict
        As in `hyena`.
    config : HyenaConfig

    Returns
    -------
    array (B, D, L, L)
        Lower triangular: the operator is causal (Prop. 3.1). Same dtype.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        As in `hyena`.

    Notes
    -----
    Source: Hyena paper, Sec. 3.2, Prop. 3.1 and Remark 3.3. Costs O(D L^3): a reference to look at and to
    test with.
    """
    _, x, h, skip, _ = hyena_branches(u, params, config)
    xp = namespace(u=u)
    return reduce(xp.matmul, hyena_factors(x, h, skip, config.variant))


def h3_attention_matrix(q: Array, k: Array, phi: Array, psi: Array) -> Array:
    r"""H3's surrogate attention matrix.

    .. math:: A_{t,t'} = q_t \sum_m \psi_{t-m}\, k_m\, \varphi_{m-t'}, \qquad A = D_q S_\psi D_k S_\varphi

    Parameters
    ----------
    q, k : array (B, D, L), float32 or float64
    phi, psi : array (D, Lh), dtype of `q`
        The inner and the outer filter.

    Returns
    -------
    array (B, D, L, L)
        Lower triangular; unlike softmax attention signed and not normalised. Same dtype.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, eqs. (5), (9) to (19), (21) and (22).
    """
    xp = check_h3(phi, psi, q=q, k=k)
    return reduce(xp.matmul, hyena_factors((k, q), xp.stack([phi, psi]), variant="paper"))
