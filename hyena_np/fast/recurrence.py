"""The recurrence on one block of channels: what stands between the two dense products of the operator."""

from __future__ import annotations

from typing import Any

import numpy as np

from hyena_np.fast.blocks import (
    fft_conv_block,
    fft_conv_block_backward,
    matrix_conv_block,
    matrix_conv_block_backward,
    short_conv_block,
    short_conv_block_backward,
    spectra_block,
)
from hyena_np.fast.layout import FastHyenaCache
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.filters import split_orders

Buffers = np.ndarray | list[np.ndarray]  # of N+1 arrays (c, B, L), one a branch


def branches_of(
    cache: FastHyenaCache, block: slice, out: Buffers, spare: np.ndarray
) -> tuple[np.ndarray, list]:
    """The short convolutions into `out`: the value, and the gates in the order of the steps."""
    weight, bias = per_branch(cache.params["short_filter"], len(out))
    for i, branch in enumerate(out):
        short_conv_block(cache.z[i, block], weight[i, block], bias[i, block], branch, spare)
    return roles(cache.config, out)


def branches_backward(
    cache: FastHyenaCache, block: slice, dbranches: Buffers, spare: np.ndarray, dz: np.ndarray, grads: dict
) -> None:
    """From the branches to the projection."""
    weight, _ = per_branch(cache.params["short_filter"], len(dz))
    for i, dbranch in enumerate(dbranches):
        dweight, dbias = short_conv_block_backward(
            dbranch, cache.z[i, block], weight[i, block], dz[i, block], spare
        )
        grads["short_filter.weight"][i, block], grads["short_filter.bias"][i, block] = dweight, dbias
        grads["in_proj.bias"][i, block] = np.sum(dz[i, block], axis=(1, 2))


def roles(config: HyenaConfig, branches: Buffers) -> tuple[np.ndarray, list]:
    """Value and gates of the N+1 branches; None is the gate that the paper's variant lacks at first."""
    *x, v = branches
    return v, [None, *x] if config.variant == "paper" else x[::-1]


def convolve(cache: FastHyenaCache, block: slice, v: np.ndarray, gates: list, padded: np.ndarray) -> None:
    """All gates but the last, and all long convolutions: s = gate * z, then z = h * s."""
    z, s, n_fft = v, padded[..., : v.shape[-1]], padded.shape[-1]
    for n, y in enumerate(cache.conv[:, block]):
        _gate(gates[n], z, out=s)
        if cache.as_matrix:
            matrix_conv_block(s, filter_of(cache, block, n), y)
        else:
            s_f, h_f = spectra_block(padded, filter_of(cache, block, n))
            if cache.signal is not None and cache.filter is not None:
                cache.signal[n, block], cache.filter[n, block] = s_f, h_f
            fft_conv_block(s_f, h_f, n_fft, y)
        z = y


def convolve_backward(
    cache: FastHyenaCache,
    block: slice,
    v: np.ndarray,
    gates: list,
    dbranches: Buffers,
    y: np.ndarray,
    padded: np.ndarray,
    spare: np.ndarray,
) -> list:
    """Writes the gradients by the branches, returns those by the filters; `y` holds dy, and then y."""
    conv, dz, dh = cache.conv[:, block], padded[..., : v.shape[-1]], []
    before = [v, *conv[:-1]]  # what each step gates
    spectra = [] if cache.as_matrix else _spectra(cache, block, before, gates, padded)
    dv, dgates = roles(cache.config, dbranches)
    # y = gates[-1] * conv[-1]
    np.multiply(y, conv[-1], out=dgates[-1])
    np.multiply(y, gates[-1], out=dz)
    np.multiply(gates[-1], conv[-1], out=y)
    for n in reversed(range(len(conv))):
        # conv[n] = h * s
        if cache.as_matrix:
            s = _gate(gates[n], before[n], out=spare)
            dh.append(matrix_conv_block_backward(dz, s, filter_of(cache, block, n), ds=dv))
        else:
            dh.append(fft_conv_block_backward(padded, *spectra[n], ds=dv))
        if gates[n] is not None:
            # s = gates[n] * before[n]
            np.multiply(dv, before[n], out=dgates[n])
            np.multiply(dv, gates[n], out=dv if n == 0 else dz)
    return dh[::-1]


def _gate(gate: np.ndarray | None, z: np.ndarray, out: np.ndarray) -> np.ndarray:
    if gate is None:
        out[...] = z
    else:
        np.multiply(gate, z, out=out)
    return out


def _spectra(
    cache: FastHyenaCache, block: slice, before: list, gates: list, padded: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each convolution: those that the forward kept, or the same again."""
    if cache.signal is not None and cache.filter is not None:
        return list(zip(cache.signal[:, block], cache.filter[:, block], strict=True))
    again = []
    for n, z in enumerate(before):
        _gate(gates[n], z, out=padded[..., : z.shape[-1]])
        again.append(spectra_block(padded, filter_of(cache, block, n)))
    return again


def filter_of(cache: FastHyenaCache, block: slice, n: int) -> np.ndarray:
    """The n-th filter, (c, L), its skip term in the first tap."""
    raw = split_orders(cache.made.raw, cache.config)[n, block]
    if cache.made.tables is None:
        h = raw.copy()
    else:
        h = window_of(cache, block, n)
        h += cache.config.shift
        h *= raw
    h[:, 0] += split_orders(cache.params["filter"]["skip"], cache.config)[n, block]
    return h


def filter_backward(cache: FastHyenaCache, block: slice, dh: list, draw: np.ndarray, grads: dict) -> Any:
    """From the filters to the network's output and the tables; returns the gradient by time (L,).

    A rival has no tables: its filters are what came out, and there is no gradient by time, which is 0.
    """
    raw, dt = split_orders(cache.made.raw, cache.config), 0.0
    for n, dh_n in enumerate(dh):
        # h = (exp(-t |deltas|) + shift) * raw, and the skip term is added to its first tap
        grads["skip"][n, block] = dh_n[:, 0]
        if cache.made.tables is None:
            draw[n, block] = dh_n
            continue
        _, t, deltas = cache.made.tables
        decay, rate = window_of(cache, block, n), deltas[n, block]
        np.multiply(decay + cache.config.shift, dh_n, out=draw[n, block])
        decay *= dh_n
        decay *= raw[n, block]
        dt = dt - np.abs(rate) @ decay
        grads["deltas"][n, block] = -np.sign(rate) * (decay @ t)
    return dt


def window_of(cache: FastHyenaCache, block: slice, n: int) -> np.ndarray:
    """The decaying part of the n-th filter's window, (c, L)."""
    assert cache.made.tables is not None
    _, t, deltas = cache.made.tables
    decay = np.multiply(-np.abs(deltas[n, block, None]), t)
    return np.exp(decay, out=decay)


def per_branch(layer: dict, branches: int) -> tuple[np.ndarray, np.ndarray]:
    """Weight (N+1, D, ...) and bias (N+1, D) of a layer that stacks the branches."""
    weight, bias = layer["weight"], layer["bias"]
    return weight.reshape(branches, -1, weight.shape[-1]), bias.reshape(branches, -1)
