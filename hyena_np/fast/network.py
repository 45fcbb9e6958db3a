"""The filter network on a part of the lags, written into memory that is there already."""

from __future__ import annotations

import numpy as np


def network_part(features: np.ndarray, ffn: dict, kept: np.ndarray, raw: np.ndarray, lags: slice) -> None:
    """`sine_network` of some lags: features (L, E); writes `kept` (2 layers, M, L) and `raw` (C, L).

    Of every sine layer two arrays are kept: what the sine read, before the frequency, and what it gave.
    """
    omega, last = ffn["freq"][0, :, None], len(kept) // 2
    a = features[lags].T
    for i in range(last):
        x, layer = kept[2 * i, :, lags], ffn[f"linear_{i}"]
        np.matmul(layer["weight"], a, out=x)
        x += layer["bias"][:, None]
        a = kept[2 * i + 1, :, lags]
        np.multiply(omega, x, out=a)
        np.sin(a, out=a)
    np.matmul(ffn[f"linear_{last}"]["weight"], a, out=raw[:, lags])


def network_part_backward(
    features: np.ndarray, ffn: dict, kept: np.ndarray, draw: np.ndarray, scratch: np.ndarray, lags: slice
) -> tuple[np.ndarray, dict]:
    """`sine_network_backward` of some lags: draw (C, L), scratch (2, M, L); returns dfeatures and dffn."""
    omega, last = ffn["freq"][0, :, None], len(kept) // 2
    da, dx = scratch[0, :, lags], scratch[1, :, lags]
    a, dh = kept[-1, :, lags], draw[:, lags]
    # raw = weight @ a
    dffn = {f"linear_{last}": {"weight": dh @ a.T}}
    np.matmul(ffn[f"linear_{last}"]["weight"].T, dh, out=da)
    dfreq = np.zeros_like(ffn["freq"])
    dfeatures = da.T
    for i in reversed(range(last)):
        x, weight = kept[2 * i, :, lags], ffn[f"linear_{i}"]["weight"]
        # a = sin(omega * x)
        np.multiply(omega, x, out=dx)
        np.cos(dx, out=dx)
        dx *= da
        dfreq[0] += np.einsum("ml,ml->m", dx, x)
        dx *= omega
        # x = weight @ a + bias
        a = features[lags].T if i == 0 else kept[2 * i - 1, :, lags]
        dffn[f"linear_{i}"] = {"weight": dx @ a.T, "bias": np.sum(dx, axis=1)}
        if i:
            np.matmul(weight.T, dx, out=da)
        else:
            dfeatures = dx.T @ weight
    dffn["freq"] = dfreq
    return dfeatures, {name: dffn[name] for name in ffn}
