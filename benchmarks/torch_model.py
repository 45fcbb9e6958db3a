"""The demo's two-layer language model and its training step in PyTorch, number for number."""

import torch
from torch import nn
from torch.nn import functional as F

from .torch_operator import OfficialHyena


class Mlp(nn.Module):
    """Two dense layers with the tanh form of GELU between them."""

    def __init__(self, width, inner):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class Block(nn.Module):
    """Pre-norm: x + mixer(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config):
        super().__init__()
        width, eps = config.d_model, config.layer_norm_eps
        self.norm1, self.norm2 = nn.LayerNorm(width, eps), nn.LayerNorm(width, eps)
        self.mixer = OfficialHyena(config.mixer)
        self.mlp = Mlp(width, config.mlp_width)

    def forward(self, x):
        x = x + self.mixer(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class TorchLanguageModel(nn.Module):
    """Embedding, blocks, norm, and a head that is the embedding's own table."""

    def __init__(self, config):
        super().__init__()
        self.embeddings = nn.ModuleDict({"word_embeddings": nn.Embedding(config.vocab_size, config.d_model)})
        self.layers = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.d_model, config.layer_norm_eps)

    def forward(self, ids):
        table = self.embeddings["word_embeddings"]
        x = table(ids)
        for layer in self.layers:
            x = layer(x)
        return F.linear(self.ln_f(x), table.weight)


def optimizer(model, training, rate):
    """AdamW with the groups of the recipe: weights decay; biases, norms and all of the filter do not."""
    groups = {True: [], False: []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            fixed = ("filter_fn.", "norm1.", "norm2.", "ln_f.")
            decays = name.endswith(".weight") and not any(part in name for part in fixed)
            groups[decays].append(parameter)
    return torch.optim.AdamW(
        [
            {"params": groups[True], "weight_decay": training.weight_decay},
            {"params": groups[False], "weight_decay": 0.0},
        ],
        lr=rate,
        betas=training.betas,
    )


def loss_of(model, ids, labels):
    """Mean cross-entropy over the labels that count."""
    return F.cross_entropy(model(ids).flatten(0, 1), labels.flatten(), ignore_index=-100)
