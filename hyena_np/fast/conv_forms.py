"""The forms of the causal convolution: one result, computed in six ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hyena_np.backend import Array
from hyena_np.ops.blockconv import (
    overlap_add,
    overlap_add_backward,
    overlap_save,
    overlap_save_backward,
    two_stage_conv,
    two_stage_conv_backward,
)
from hyena_np.ops.fftconv import fftconv, fftconv_backward
from hyena_np.ops.monarch import monarch_conv, monarch_conv_backward
from hyena_np.ops.toeplitz import matrix_conv, matrix_conv_backward


class Form(NamedTuple):
    """A function of u (B, D, L), h (D, Lh) and skip (D,) or None, and its backward."""

    forward: Callable[..., tuple[Array, Any]]
    backward: Callable[[Array, Any], tuple[Array, Array, Array | None]]


DEFAULT = "fft"  # quick everywhere, whatever the filter: the one that is measured at every point
FORMS = {
    "matrix": Form(matrix_conv, matrix_conv_backward),
    DEFAULT: Form(fftconv, fftconv_backward),
    "monarch": Form(monarch_conv, monarch_conv_backward),
    "overlap_add": Form(overlap_add, overlap_add_backward),
    "overlap_save": Form(overlap_save, overlap_save_backward),
    "two_stage": Form(two_stage_conv, two_stage_conv_backward),
}


def too_many_taps(form: str, L: int, taps: int) -> bool:
    """Whether a filter leaves the two-stage product one block only, which is the matrix with a detour."""
    return form == "two_stage" and taps - 1 > L // 2
