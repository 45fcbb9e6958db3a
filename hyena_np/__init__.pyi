from .backend import Backend, get_backend, to_numpy
from .errors import (
    BackendError,
    CheckpointError,
    ConfigError,
    DTypeError,
    HyenaError,
    LibraryMismatchError,
    NonFiniteError,
    OutputError,
    ParameterError,
    ShapeError,
    TokenError,
)
from .models.init import init_hyena
from .models.ledger import cache_nbytes, saved_bytes
from .models.language_model import (
    LanguageModelConfig,
    init_language_model,
    language_model,
    language_model_backward,
    model_shapes,
    parameter_count,
)
from .models.params import flatten, tree_leaves, tree_map, unflatten
from .ops.attention import (
    AttentionConfig,
    attention,
    attention_backward,
    causal_attention,
    causal_attention_backward,
    causal_attention_matrix,
)
from .ops.config import HyenaConfig, operator_shapes
from .ops.fftconv import fftconv, fftconv_backward
from .ops.filters import (
    decay_rates,
    exponential_window,
    exponential_window_backward,
    hyena_filter,
    hyena_filter_backward,
    positional_features,
    sine_network,
    sine_network_backward,
)
from .ops.hyena import hyena, hyena_backward, hyena_recurrence, hyena_recurrence_backward
from .ops.layers import (
    cross_entropy,
    cross_entropy_backward,
    embedding,
    embedding_backward,
    gelu,
    gelu_backward,
    layer_norm,
    layer_norm_backward,
    linear,
    linear_backward,
    softmax,
)
from .ops.matrices import diagonal_matrix, h3_attention_matrix, hyena_factors, hyena_matrix
from .ops.projection import projection, projection_backward, short_conv, short_conv_backward
from .ops.special_cases import gss, gss_backward, h3, h3_backward
from .ops.toeplitz import causal_conv_loop, causal_conv_matrix, circulant, toeplitz
