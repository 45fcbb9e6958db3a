"""The official standalone operator's mathematics in PyTorch, written here from its description.

It is the judge of ``hyena_np.hyena``: same state-dict names and shapes, same conventions (gate, then
convolve; the value is the last chunk; one sine module shared by all layers; tables of ``l_max`` rows of which
a shorter input takes the first), gradients by autograd. It shares no line with the package. Both channel
layouts are offered: ``"od"`` has the channel fastest (standalone file, Hugging Face port), ``"do"`` the order
index (training source).
"""

import math

import numpy as np
import torch
from torch import nn


class PositionalTable(nn.Module):
    """Rows [t, cos(f w), -sin(f w)] for positions below ``l_max``; ``z`` is trained, ``t`` is not."""

    def __init__(self, emb_dim, l_max):
        super().__init__()
        bands = (emb_dim - 1) // 2
        t = torch.linspace(0, 1, l_max, dtype=torch.float64)[:, None]
        angle = torch.arange(l_max, dtype=torch.float64)[:, None] * (2 * math.pi / l_max)
        phase = angle * torch.linspace(1e-4, bands - 1, bands, dtype=torch.float64)
        self.z = nn.Parameter(torch.cat([t, torch.cos(phase), -torch.sin(phase)], dim=1)[None])
        self.register_buffer("t", t[None])


class Sine(nn.Module):
    """sin(freq * x) with one trainable frequency per feature."""

    def __init__(self, width, w):
        super().__init__()
        self.freq = nn.Parameter(torch.full((1, width), float(w)))

    def forward(self, x):
        return torch.sin(self.freq * x)


class Window(nn.Module):
    """exp(-t |delta|) + shift, the rates spread evenly over all channels of all filters."""

    def __init__(self, channels, fast_decay_pct, slow_decay_pct, target, shift):
        super().__init__()
        slowest, fastest = math.log(target) / slow_decay_pct, math.log(target) / fast_decay_pct
        deltas = torch.linspace(slowest, fastest, channels, dtype=torch.float64)
        self.register_buffer("deltas", deltas[None, None])
        self.shift = shift

    def forward(self, t, h):
        return h * (torch.exp(-t * self.deltas.abs()) + self.shift)


class Filter(nn.Module):
    """The implicit filters of all orders: sine network of the positional rows, times the window."""

    def __init__(self, channels, config):
        super().__init__()
        width = config.filter_order
        self.bias = nn.Parameter(torch.randn(channels))
        self.pos_emb = PositionalTable(config.emb_dim, config.l_max)
        sine = Sine(width, config.w)
        layers = [nn.Linear(config.emb_dim, width), sine]
        for _ in range(config.num_inner_mlps):
            layers += [nn.Linear(width, width), sine]
        self.implicit_filter = nn.Sequential(*layers, nn.Linear(width, channels, bias=False))
        self.modulation = Window(
            channels, config.fast_decay_pct, config.slow_decay_pct, config.target, config.shift
        )

    def forward(self, length):
        z, t = self.pos_emb.z[:, :length], self.pos_emb.t[:, :length]
        return self.modulation(t, self.implicit_filter(z))[0]  # (L, channels)


def causal_conv(v, h):
    """v (B, D, L) convolved with h (D, L) through transforms of length 2L, the first L outputs kept."""
    length = v.shape[-1]
    spectrum = torch.fft.rfft(v, n=2 * length) * torch.fft.rfft(h, n=2 * length)
    return torch.fft.irfft(spectrum, n=2 * length)[..., :length]


class OfficialHyena(nn.Module):
    """The operator, u (B, L, D) -> (B, L, D), for any L up to ``l_max`` and any order from 2."""

    def __init__(self, config):
        super().__init__()
        width, self.order, self.layout = config.d_model, config.order, config.filter_layout
        projected = (self.order + 1) * width
        self.in_proj = nn.Linear(width, projected)
        self.short_filter = nn.Conv1d(projected, projected, 3, padding=2, groups=projected)
        self.filter_fn = Filter((self.order - 1) * width, config)
        self.out_proj = nn.Linear(width, width)

    def split_orders(self, x):
        """Channels on the last axis -> (order - 1, ..., D) in the configured layout."""
        n = self.order - 1
        if self.layout == "od":
            return torch.stack(x.chunk(n, dim=-1))
        return torch.stack([x[..., o::n] for o in range(n)])

    def forward(self, u):
        length = u.shape[1]
        z = self.short_filter(self.in_proj(u).transpose(1, 2))[..., :length]
        *gates, v = z.chunk(self.order + 1, dim=1)
        filters = self.split_orders(self.filter_fn(length)).transpose(1, 2)  # (order - 1, D, L)
        skips = self.split_orders(self.filter_fn.bias)  # (order - 1, D)
        for gate, h, skip in zip(reversed(gates[1:]), filters, skips, strict=True):
            v = v * gate
            v = causal_conv(v, h) + v * skip[:, None]
        return self.out_proj((v * gates[0]).transpose(1, 2))


def make_official(config, rng: np.random.Generator, dtype: str = "float64") -> OfficialHyena:
    """An operator with every parameter drawn anew: no agreement comes from equal initial values."""
    model = OfficialHyena(config).to(getattr(torch, dtype))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.as_tensor(rng.standard_normal(parameter.shape))
            if name.endswith((".z", ".freq")):
                parameter.add_(0.1 * noise)
            else:
                parameter.copy_(noise / math.sqrt(parameter.shape[-1]))
    return model
