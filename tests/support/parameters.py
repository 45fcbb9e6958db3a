"""Random parameter trees; names and shapes are written out here, apart from the package's own."""

import numpy as np

from support.filters import rival_tree


def filter_tree(config, rng: np.random.Generator, tables: bool = True) -> dict:
    """The filter's branch without the skip term; ``tables=False`` leaves out positions and decay rates."""
    if config.filter is not None:
        return {config.filter.name: rival_tree(config, rng)}
    M, E, C = config.filter_order, config.emb_dim, config.num_filters * config.d_model
    depth = config.num_inner_mlps + 2

    def dense(out, into):
        return rng.standard_normal((out, into)) / np.sqrt(into)

    ffn = {"linear_0": {"weight": dense(M, E), "bias": rng.standard_normal(M)}}
    for i in range(1, depth - 1):
        ffn[f"linear_{i}"] = {"weight": dense(M, M), "bias": rng.standard_normal(M)}
    ffn[f"linear_{depth - 1}"] = {"weight": dense(C, M)}
    ffn["freq"] = 1.0 + 0.3 * rng.standard_normal((1, M))
    if not tables:
        return {"ffn": ffn}
    return {
        "positional": {
            "z": rng.standard_normal((1, config.l_max, E)),
            "t": rng.uniform(0.0, 1.0, (1, config.l_max, 1)),
        },
        "ffn": ffn,
        "window": {"deltas": rng.choice([-1.0, 1.0], (1, 1, C)) * rng.uniform(0.5, 4.0, (1, 1, C))},
    }


def operator_tree(config, rng: np.random.Generator, tables: bool = True) -> dict:
    """The whole operator."""
    D, branches = config.d_model, (config.order + 1) * config.d_model
    return {
        "in_proj": {
            "weight": rng.standard_normal((branches, D)) / np.sqrt(D),
            "bias": rng.standard_normal(branches),
        },
        "short_filter": {
            "weight": rng.standard_normal((branches, 1, 3)) / np.sqrt(3),
            "bias": rng.standard_normal(branches),
        },
        "filter": filter_tree(config, rng, tables) | {"skip": rng.standard_normal(config.num_filters * D)},
        "out_proj": {"weight": rng.standard_normal((D, D)) / np.sqrt(D), "bias": rng.standard_normal(D)},
    }
