# Names are imported under themselves, which is how a stub exports them.
from .backend import (
    Backend as Backend,
    get_backend as get_backend,
    threads as threads,
    to_numpy as to_numpy,
)
from .errors import (
    BackendError as BackendError,
    CacheError as CacheError,
    CheckpointError as CheckpointError,
    ConfigError as ConfigError,
    DataError as DataError,
    DTypeError as DTypeError,
    HyenaError as HyenaError,
    LibraryMismatchError as LibraryMismatchError,
    NonFiniteError as NonFiniteError,
    OutputError as OutputError,
    ParameterError as ParameterError,
    ShapeError as ShapeError,
    TokenError as TokenError,
)
from .fast.choose import (
    causal_conv as causal_conv,
    causal_conv_backward as causal_conv_backward,
    choose_conv as choose_conv,
)
from .fast.hyena import hyena as hyena, hyena_backward as hyena_backward
from .fast.workspace import Workspace as Workspace
from .models.filter_init import init_filter as init_filter
from .models.flops import flops_breakdown as flops_breakdown, training_flops as training_flops
from .models.image_mixers import (
    init_bidirectional_hyena as init_bidirectional_hyena,
    init_hyena2d as init_hyena2d,
)
from .models.init import init_hyena as init_hyena
from .models.language_model import (
    LanguageModelConfig as LanguageModelConfig,
    init_language_model as init_language_model,
    language_model as language_model,
    language_model_backward as language_model_backward,
    model_shapes as model_shapes,
    parameter_count as parameter_count,
)
from .models.ledger import cache_nbytes as cache_nbytes, saved_bytes as saved_bytes
from .models.objective import Objective as Objective, objective_of as objective_of
from .models.params import (
    flatten as flatten,
    tree_leaves as tree_leaves,
    tree_map as tree_map,
    unflatten as unflatten,
)
from .models.published import published_model as published_model
from .models.sequence_model import (
    SequenceModelConfig as SequenceModelConfig,
    init_sequence_model as init_sequence_model,
    sequence_model as sequence_model,
    sequence_model_backward as sequence_model_backward,
    sequence_model_shapes as sequence_model_shapes,
)
from .ops.aft_conv import (
    AFTConvConfig as AFTConvConfig,
    aft_conv as aft_conv,
    aft_conv_backward as aft_conv_backward,
)
from .ops.attention import (
    AttentionConfig as AttentionConfig,
    attention as attention,
    attention_backward as attention_backward,
    causal_attention as causal_attention,
    causal_attention_backward as causal_attention_backward,
    causal_attention_matrix as causal_attention_matrix,
)
from .ops.bidirectional import (
    bidirectional_conv as bidirectional_conv,
    bidirectional_conv_backward as bidirectional_conv_backward,
    toeplitz_two_sided as toeplitz_two_sided,
    two_sided_filter as two_sided_filter,
)
from .ops.bidirectional_hyena import (
    bidirectional_hyena as bidirectional_hyena,
    bidirectional_hyena_backward as bidirectional_hyena_backward,
)
from .ops.blockconv import (
    overlap_add as overlap_add,
    overlap_add_backward as overlap_add_backward,
    overlap_save as overlap_save,
    overlap_save_backward as overlap_save_backward,
    two_stage_conv as two_stage_conv,
    two_stage_conv_backward as two_stage_conv_backward,
)
from .ops.centred_conv import centred_conv as centred_conv, centred_conv_backward as centred_conv_backward
from .ops.ckconv import ckconv_filter as ckconv_filter, ckconv_filter_backward as ckconv_filter_backward
from .ops.config import HyenaConfig as HyenaConfig, operator_shapes as operator_shapes
from .ops.fftconv import fftconv as fftconv, fftconv_backward as fftconv_backward
from .ops.fftconv2d import (
    conv2d_loop as conv2d_loop,
    fftconv2d as fftconv2d,
    fftconv2d_backward as fftconv2d_backward,
)
from .ops.filter_configs import (
    CKConvConfig as CKConvConfig,
    FIRConfig as FIRConfig,
    FNOConfig as FNOConfig,
    LongConvConfig as LongConvConfig,
    S4DConfig as S4DConfig,
    TransferFunctionConfig as TransferFunctionConfig,
)
from .ops.filters import (
    decay_rates as decay_rates,
    exponential_window as exponential_window,
    exponential_window_backward as exponential_window_backward,
    hyena_filter as hyena_filter,
    hyena_filter_backward as hyena_filter_backward,
    positional_features as positional_features,
    sine_network as sine_network,
    sine_network_backward as sine_network_backward,
)
from .ops.filters2d import (
    hyena_filter2d as hyena_filter2d,
    hyena_filter2d_backward as hyena_filter2d_backward,
    positional_features_2d as positional_features_2d,
)
from .ops.fir import fir_filter as fir_filter, fir_filter_backward as fir_filter_backward
from .ops.fno import fno_filter as fno_filter, fno_filter_backward as fno_filter_backward
from .ops.gss_layer import (
    GSSConfig as GSSConfig,
    gss_layer as gss_layer,
    gss_layer_backward as gss_layer_backward,
)
from .ops.h3_layer import (
    H3Config as H3Config,
    h3_layer as h3_layer,
    h3_layer_backward as h3_layer_backward,
)
from .ops.hyena import (
    hyena_recurrence as hyena_recurrence,
    hyena_recurrence_backward as hyena_recurrence_backward,
    hyena_reference as hyena_reference,
    hyena_reference_backward as hyena_reference_backward,
)
from .ops.hyena2d import hyena2d as hyena2d, hyena2d_backward as hyena2d_backward
from .ops.lag_average import (
    lag_average as lag_average,
    lag_average_backward as lag_average_backward,
    lag_average_matrix as lag_average_matrix,
)
from .ops.layers import (
    cross_entropy as cross_entropy,
    cross_entropy_backward as cross_entropy_backward,
    embedding as embedding,
    embedding_backward as embedding_backward,
    gelu as gelu,
    gelu_backward as gelu_backward,
    layer_norm as layer_norm,
    layer_norm_backward as layer_norm_backward,
    linear as linear,
    linear_backward as linear_backward,
    softmax as softmax,
)
from .ops.linear_attention import (
    causal_linear_attention as causal_linear_attention,
    causal_linear_attention_backward as causal_linear_attention_backward,
    linear_attention_matrix as linear_attention_matrix,
)
from .ops.linear_attention_layer import (
    LinearAttentionConfig as LinearAttentionConfig,
    linear_attention as linear_attention,
    linear_attention_backward as linear_attention_backward,
)
from .ops.long_filter import long_filter as long_filter, long_filter_backward as long_filter_backward
from .ops.longconv import (
    longconv_filter as longconv_filter,
    longconv_filter_backward as longconv_filter_backward,
)
from .ops.losses import (
    mean_squared_error as mean_squared_error,
    mean_squared_error_backward as mean_squared_error_backward,
)
from .ops.matrices import (
    diagonal_matrix as diagonal_matrix,
    h3_attention_matrix as h3_attention_matrix,
    hyena_factors as hyena_factors,
    hyena_matrix as hyena_matrix,
)
from .ops.monarch import (
    MonarchTables as MonarchTables,
    monarch_conv as monarch_conv,
    monarch_conv_backward as monarch_conv_backward,
    monarch_factors as monarch_factors,
    monarch_fft as monarch_fft,
    monarch_ifft as monarch_ifft,
    monarch_order as monarch_order,
    monarch_tables as monarch_tables,
)
from .ops.noncausal_config import (
    BidirectionalHyenaConfig as BidirectionalHyenaConfig,
    Hyena2DConfig as Hyena2DConfig,
    bidirectional_hyena_shapes as bidirectional_hyena_shapes,
    hyena2d_shapes as hyena2d_shapes,
)
from .ops.projection import (
    projection as projection,
    projection_backward as projection_backward,
    short_conv as short_conv,
    short_conv_backward as short_conv_backward,
)
from .ops.rwkv import RWKVConfig as RWKVConfig, rwkv as rwkv, rwkv_backward as rwkv_backward
from .ops.s4d import s4d_filter as s4d_filter, s4d_filter_backward as s4d_filter_backward
from .ops.special_cases import gss as gss, gss_backward as gss_backward, h3 as h3, h3_backward as h3_backward
from .ops.toeplitz import (
    causal_conv_loop as causal_conv_loop,
    causal_conv_matrix as causal_conv_matrix,
    circulant as circulant,
    matrix_conv as matrix_conv,
    matrix_conv_backward as matrix_conv_backward,
    toeplitz as toeplitz,
)
from .ops.transfer_function import (
    stable_denominator as stable_denominator,
    transfer_function_filter as transfer_function_filter,
    transfer_function_filter_backward as transfer_function_filter_backward,
)
from .tasks.addition import AdditionTask as AdditionTask
from .tasks.batches import (
    TokenBatch as TokenBatch,
    TokenTask as TokenTask,
    accuracy as accuracy,
    exact_match as exact_match,
)
from .tasks.characters import CharacterVocabulary as CharacterVocabulary
from .tasks.corpora import Corpus as Corpus, read_text as read_text, standard_library as standard_library
from .tasks.counting import CountingTask as CountingTask, MajorityTask as MajorityTask
from .tasks.datasets import TokenDataset as TokenDataset, distinct as distinct
from .tasks.downloads import Source as Source
from .tasks.image_files import read_cifar10 as read_cifar10, read_idx as read_idx, read_mnist as read_mnist
from .tasks.image_sets import digit_images as digit_images, load_images as load_images
from .tasks.images import (
    ImageSet as ImageSet,
    ImageSplit as ImageSplit,
    patch_images as patch_images,
    patch_sequence as patch_sequence,
    pixel_sequence as pixel_sequence,
    split_images as split_images,
)
from .tasks.induction import InductionHeadTask as InductionHeadTask
from .tasks.linear_functions import (
    FunctionBatch as FunctionBatch,
    LinearFunctionsTask as LinearFunctionsTask,
    least_squares as least_squares,
    least_squares_error as least_squares_error,
)
from .tasks.mqar import MQARTask as MQARTask
from .tasks.recall import RecallTask as RecallTask
from .tasks.recall_masks import mask_labels as mask_labels, recalled_pair as recalled_pair
from .tasks.text import TextTask as TextTask, bits_per_character as bits_per_character
from .tasks.text_sources import (
    TextSource as TextSource,
    download_text as download_text,
    load_corpus as load_corpus,
)
from .writing.generate import generate as generate
from .writing.sampling import sample_token as sample_token, token_probabilities as token_probabilities

__version__: str
