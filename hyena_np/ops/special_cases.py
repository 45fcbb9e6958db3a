"""Earlier operators as members of the Hyena family: GSS is Hyena_1, H3 is Hyena_2 (paper, Remark 3.2)."""

from __future__ import annotations

from types import ModuleType

from hyena_np.backend import Array, check_ndim, check_shape, namespace
from hyena_np.ops.hyena import RecurrenceCache, hyena_recurrence, hyena_recurrence_backward


def gss(x: Array, v: Array, h: Array) -> tuple[Array, RecurrenceCache]:
    r"""Gated state space operator: one long convolution, one gate.

    .. math:: y_t = x_t \, (h * v)_t

    Parameters
    ----------
    x : array (B, D, L), float32 or float64
        Gate.
    v : array (B, D, L), dtype of `x`
        Value.
    h : array (D, Lh), dtype of `x`
        Long filter; in GSS the impulse response of a state space model.

    Returns
    -------
    y : array (B, D, L)
        Same dtype.
    cache : RecurrenceCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Remark 3.2.
    """
    namespace(x=x, v=v, h=h)
    _, D, _ = check_ndim("x", x, "B D L")
    check_shape("v", v, tuple(x.shape))
    check_shape("h", h, (D, check_ndim("h", h, "D Lh")[1]))
    return hyena_recurrence(v, (x,), h[None, ...], variant="paper")


def gss_backward(dy: Array, cache: RecurrenceCache) -> tuple[Array, Array, Array]:
    r"""Gradients of `gss`: :math:`dx = (h * v)\, dy`; :math:`x\, dy` goes through the convolution's adjoint.

    Parameters
    ----------
    dy : array (B, D, L)
    cache : RecurrenceCache

    Returns
    -------
    dx : array (B, D, L)
    dv : array (B, D, L)
    dh : array (D, Lh)

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: Hyena paper, Remark 3.2, differentiated.
    """
    dv, (dx,), dh, _ = hyena_recurrence_backward(dy, cache)
    return dx, dv, dh[0, ...]


def h3(q: Array, k: Array, v: Array, phi: Array, psi: Array) -> tuple[Array, RecurrenceCache]:
    r"""Hungry hungry hippo: two convolutions, two gates.

    .. math:: z_t = k_t\,(\varphi * v)_t, \qquad y_t = q_t\,(\psi * z)_t

    Keys and values are named as in the Hyena paper; the H3 paper swaps them.

    Parameters
    ----------
    q, k, v : array (B, D, L), float32 or float64
        Branches.
    phi, psi : array (D, Lh), dtype of `q`
        The inner and the outer filter; a shift and a diagonal state space model in H3.

    Returns
    -------
    y : array (B, D, L)
        Same dtype.
    cache : RecurrenceCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, eqs. (6) and (8), Remark 3.2.
    """
    xp = check_h3(phi, psi, q=q, k=k, v=v)
    return hyena_recurrence(v, (k, q), xp.stack([phi, psi]), variant="paper")


def h3_backward(dy: Array, cache: RecurrenceCache) -> tuple[Array, Array, Array, Array, Array]:
    r"""Gradients of `h3`, in the order of its arguments.

    Parameters
    ----------
    dy : array (B, D, L)
    cache : RecurrenceCache

    Returns
    -------
    dq, dk, dv : array (B, D, L)
    dphi, dpsi : array (D, Lh)

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: Hyena paper, Remark 3.2, differentiated.
    """
    dv, (dk, dq), dh, _ = hyena_recurrence_backward(dy, cache)
    return dq, dk, dv, dh[0, ...], dh[1, ...]


def check_h3(phi: Array, psi: Array, **branches: Array) -> ModuleType:
    """Raise unless H3's filters (D, Lh) and branches (B, D, L) fit; return their namespace."""
    xp = namespace(**branches, phi=phi, psi=psi)
    (first, reference), *others = branches.items()
    _, D, _ = check_ndim(first, reference, "B D L")
    for name, branch in others:
        check_shape(name, branch, tuple(reference.shape))
    check_shape("phi", phi, (D, check_ndim("phi", phi, "D Lh")[1]))
    check_shape("psi", psi, tuple(phi.shape))
    return xp
