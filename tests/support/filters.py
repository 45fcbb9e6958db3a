"""The rival filters, small, and random parameters at which none of their gradients is zero by chance."""

import numpy as np

from hyena_np.ops.filter_configs import (
    CKConvConfig,
    FIRConfig,
    FNOConfig,
    LongConvConfig,
    S4DConfig,
    TransferFunctionConfig,
)

RIVALS = (
    FIRConfig(taps=4),
    LongConvConfig(std=1.0, lam=0.5),
    FNOConfig(modes=3),
    S4DConfig(state=4, dt_min=0.1, dt_max=1.0),
    TransferFunctionConfig(order=3),
    CKConvConfig(width=5, w0=2.0),
)


def filter_parameters(rival, channels: int, l_max: int, rng: np.random.Generator) -> dict:
    """The parameters of `channels` filters as a tree."""
    tree: dict = {}
    for name, shape in rival.shapes(channels, l_max).items():
        leaf = rng.standard_normal(shape)
        if name == "log_dt":
            leaf = rng.uniform(-2.0, -0.5, shape)
        if name == "kernel":  # on both sides of the threshold 0.5, and well away from it
            leaf = rng.choice([-1.0, 1.0], shape) * (
                rng.choice([0.2, 0.9], shape) + rng.uniform(0.0, 0.2, shape)
            )
        *path, last = name.split(".")
        node = tree
        for key in path:
            node = node.setdefault(key, {})
        node[last] = leaf
    return tree


def rival_tree(config, rng: np.random.Generator) -> dict:
    """The branch of an operator's tree below the name of its rival filter."""
    return filter_parameters(config.filter, config.num_filters * config.d_model, config.l_max, rng)
