"""Figures of matrices: the right entries in the right places and honest colours."""

from io import BytesIO

import matplotlib.image
import numpy as np
import pytest

from hyena_np.errors import ConfigError, DTypeError, NonFiniteError, ShapeError
from hyena_np.plots import matrix_image, matrix_pair, matrix_row, recalled_pair_matrix
from hyena_np.plots.figure import png


def image_of(axes):
    return axes.get_images()[0]


def rings(axes):
    """(row, col) of every ring."""
    return [
        (int(line.get_ydata()[0]), int(line.get_xdata()[0]))
        for line in axes.get_lines()
        if line.get_markerfacecolor() == "none"
    ]


def test_image_shows_the_entries_with_the_first_row_on_top(causal, picture, texts):
    M = causal(9)
    figure = matrix_image(M, "a title")
    picture(figure)
    axes = figure.axes[0]
    np.testing.assert_array_equal(image_of(axes).get_array(), M)
    bottom, top = axes.get_ylim()
    assert top < bottom
    found = texts(figure)
    assert {"a title", "input position s (tokens)", "output position t (tokens)", "entry"} <= set(found)


def test_signed_scale_is_symmetric_with_white_at_zero(causal):
    image = image_of(matrix_image(causal(9)).axes[0])
    low, high = image.get_clim()
    assert low == -high < 0
    red, green, blue, _ = image.cmap(image.norm(0.0))
    assert min(red, green, blue) > 0.95
    negative, positive = image.cmap(0.1), image.cmap(0.9)
    assert negative[2] > negative[0] and positive[0] > positive[2]  # blue below zero, red above


def test_saturation_is_announced_by_the_colour_bar(rng):
    M = np.tril(rng.uniform(0.5, 1.0, size=(30, 30)))
    M[20, 3] = 1000.0  # one entry must not blank out the others
    figure = matrix_image(M)
    low, high = image_of(figure.axes[0]).get_clim()
    assert -low == high <= 1.0
    assert figure.axes[1]._colorbar.extend == "both"
    plain = matrix_image(np.ones((4, 4)))
    assert image_of(plain.axes[0]).get_clim() == (-1.0, 1.0)
    assert plain.axes[1]._colorbar.extend == "neither"


@pytest.mark.paper("Fig. D.1")
def test_attention_scale_starts_at_zero_and_zero_is_white(rng, picture, texts):
    weights = np.tril(rng.uniform(0.1, 1, size=(8, 8)))
    weights /= weights.sum(axis=1, keepdims=True)
    figure = matrix_image(weights, scale="attention")
    picture(figure)
    image = image_of(figure.axes[0])
    assert 0 <= image.get_clim()[0] < 1e-300
    assert image.cmap(image.norm(0.0)) == (1.0, 1.0, 1.0, 1.0)
    assert image.cmap(image.norm(1e-9)) != (1.0, 1.0, 1.0, 1.0)
    assert any("attention weight" in text for text in texts(figure))


@pytest.mark.paper("Fig. D.2")
def test_log_scale_shows_magnitudes_and_masks_zeros(causal, picture, texts):
    M = causal(9)
    figure = matrix_image(M, scale="log")
    picture(figure)
    shown = image_of(figure.axes[0]).get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), M == 0)
    np.testing.assert_allclose(shown[M != 0], np.log10(np.abs(M[M != 0])))
    assert any("exactly 0" in text for text in texts(figure))


@pytest.mark.parametrize("scale", ["signed", "attention", "log"])
@pytest.mark.parametrize("M", [np.zeros((5, 5)), np.eye(5), np.ones((1, 1)), np.diag([1e-30, 1e30])])
def test_degenerate_matrices_are_drawn(scale, M, picture):
    picture(matrix_image(M, scale=scale))


def test_no_row_of_a_matrix_with_more_entries_than_pixels_is_dropped():
    def darkest_green(row):
        M = np.zeros((900, 900))
        M[row] = 1.0
        pixels = matplotlib.image.imread(BytesIO(png(matrix_image(M), dpi=40)), format="png")
        height, width, _ = pixels.shape
        return pixels[height // 3 : 2 * height // 3, width // 4 : width // 2, 1].min()

    blank = darkest_green(slice(0))
    for row in range(400, 406):
        assert darkest_green(row) < blank - 0.05


def test_tokens_are_written_where_there_is_room(causal):
    axes = matrix_image(causal(6), tokens=list("abcdef")).axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == list("abcdef")
    assert [text.get_text() for text in axes.get_yticklabels()] == list("abcdef")
    tokens = [f"t{place}" for place in range(60)]
    axes = matrix_image(causal(60), tokens=tokens).axes[0]
    assert not {text.get_text() for text in axes.get_xticklabels()} & set(tokens)


def test_marks_ring_row_and_column_and_list_their_labels(causal, picture, texts):
    figure = matrix_image(causal(12), marks=[(11, 3, "the query"), (5, 5), (10, 2, "another")])
    picture(figure)
    assert rings(figure.axes[0]) == [(11, 3), (5, 5), (10, 2)]
    assert {"1", "2", "1  the query\n2  another"} <= set(texts(figure))


def test_row_of_factors_has_signs_titles_and_largest_entries(causal, picture, texts):
    D, S = np.diag(np.arange(1.0, 8)), causal(7)
    figure = matrix_row([D @ S, D, S], ["H(u)", "D", "S"], ["=", "·"], title="factors")
    picture(figure)
    images = [image_of(axes).get_array() for axes in figure.axes if axes.get_images()]
    for shown, M in zip(images, [D @ S, D, S], strict=True):
        np.testing.assert_array_equal(shown, M)
    found = texts(figure)
    assert {"H(u)", "D", "S", "=", "·", "factors", "max |entry| 7"} <= set(found)


def test_row_needs_no_signs(causal, picture):
    picture(matrix_row([causal(7)], ["one"]))
    picture(matrix_row([causal(7)] * 7, list("abcdefg"), scale="log"))


def test_pair_has_one_scale(causal, picture, texts):
    A, B = causal(8), 0.01 * causal(8)
    figure = matrix_pair(A, B, ("input a", "input b"), tokens=("abcdefgh", "ijklmnop"))
    picture(figure)
    left, right = (image_of(axes) for axes in figure.axes[:2])
    assert left.get_clim() == right.get_clim()
    np.testing.assert_array_equal(right.get_array(), B)
    assert {"input a", "input b", "a", "p", "entry"} <= set(texts(figure))


@pytest.fixture
def recall(causal):
    """A recall example: 32 pairs, the separator, the query; its value stood at 5 and 21."""
    tokens = [f"{place % 7}" for place in range(64)] + ["=>", "q"]
    tokens[4], tokens[5], tokens[20], tokens[21] = "q", "v", "q", "v"
    return causal(66), tokens, 65, [5, 21]


def test_recalled_pair_is_ringed_and_its_row_drawn(recall, picture, texts):
    M, tokens, query, values = recall
    figure = recalled_pair_matrix(M, tokens, query, values)
    picture(figure)
    whole, last_rows, bars = figure.axes[:3]
    assert rings(whole) == rings(last_rows) == [(65, 5), (65, 21)]
    np.testing.assert_array_equal(image_of(last_rows).get_array(), M[58:66])
    heights = [bar.get_height() for bar in bars.patches]
    np.testing.assert_array_equal(heights, M[65])
    colours = [bar.get_facecolor() for bar in bars.patches]
    assert colours[5] == colours[21] != colours[0]
    assert len(set(colours)) == 2 and sum(colour == colours[5] for colour in colours) == 2
    assert texts(figure).count("q→v") == 2


def test_recalled_pair_in_the_middle_and_at_the_ends(recall, picture):
    M, tokens, _, _ = recall
    picture(recalled_pair_matrix(M, tokens, 3, [0]))
    picture(recalled_pair_matrix(M, tokens, -1, []))
    picture(recalled_pair_matrix(np.zeros((4, 4)), list("abca"), 3, [1]))


def test_any_librarys_matrices_are_drawn(library, causal):
    M = causal(6)
    figure = matrix_pair(library.asarray(M), library.asarray(2 * M), ("a", "b"))
    np.testing.assert_allclose(image_of(figure.axes[1]).get_array(), 2 * M, rtol=1e-6)


def test_bad_matrices_are_refused_by_name(causal, recall):
    M = causal(6)
    with pytest.raises(ShapeError, match=r"M: got shape \(6, 5\), allowed is a square matrix \(L, L\)"):
        matrix_image(M[:, :5])
    with pytest.raises(ShapeError, match=r"M: got shape \(1, 6, 6\), allowed is \(L, L\)"):
        matrix_image(M[None])
    with pytest.raises(DTypeError, match="M: got dtype complex128"):
        matrix_image(M * 1j)
    with pytest.raises(NonFiniteError, match="M: got 36 of 36"):
        matrix_image(M * np.nan)
    with pytest.raises(ConfigError, match="scale: got 'linear', allowed are signed, attention, log"):
        matrix_image(M, scale="linear")
    with pytest.raises(ShapeError, match="tokens: got 2 entries, allowed are 6"):
        matrix_image(M, tokens=["a", "b"])
    with pytest.raises(ShapeError, match="marks: row: got 6, allowed are positions 0 to 5"):
        matrix_image(M, marks=[(6, 0)])
    with pytest.raises(ShapeError, match=r"marks: got \(1,\)"):
        matrix_image(M, marks=[(1,)])
    with pytest.raises(ShapeError, match=r"matrix 1: got shape \(5, 5\), allowed is \(6, 6\)"):
        matrix_pair(M, M[:5, :5], ("a", "b"))
    with pytest.raises(ShapeError, match="between: got 2 entries, allowed are 1"):
        matrix_row([M, M], ["a", "b"], ["=", "·"])
    with pytest.raises(ShapeError, match="titles: got 1 entries, allowed are 2"):
        matrix_row([M, M], ["a"])
    with pytest.raises(ShapeError, match="matrices: got none"):
        matrix_row([], [])
    H, tokens, query, _ = recall
    with pytest.raises(ShapeError, match="tokens: got 65 entries, allowed are 66"):
        recalled_pair_matrix(H, tokens[:-1], query, [5])
    with pytest.raises(ShapeError, match="query_index: got 66, allowed are positions 0 to 65"):
        recalled_pair_matrix(H, tokens, 66, [5])
    with pytest.raises(ShapeError, match="value_indices: got 70"):
        recalled_pair_matrix(H, tokens, query, [70])
