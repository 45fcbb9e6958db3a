"""What a model needs besides the operator: linear, layer norm, GELU, embedding, softmax, cross-entropy."""

import math

import numpy as np
import pytest

from hyena_np.errors import DTypeError, ShapeError, TokenError
from hyena_np.ops.layers import (
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
from support.contract import AnalyticContract, Case, LinearContract, OpContract
from support.gradients import assert_close


def linear_case(id, *shape, out=5, bias=True):
    def make(rng):
        weight = rng.standard_normal((out, shape[-1]))
        return rng.standard_normal(shape), weight, rng.standard_normal(out) if bias else None

    return Case(id, linear, linear_backward, make, linear_in=("0", "1", "2") if bias else ("0", "1"))


class TestLinear(LinearContract, AnalyticContract):
    cases = (
        linear_case("usual", 2, 4, 3),
        linear_case("no bias", 2, 4, 3, bias=False),
        linear_case("one vector", 3),
        linear_case("ones", 1, 1, 1, out=1),
    )

    def test_is_the_matrix_product_of_every_row(self, rng):
        x, weight, bias = self.cases[0].make(rng)
        y, _ = linear(x, weight, bias)
        for b in range(2):
            for t in range(4):
                assert_close(y[b, t], weight @ x[b, t] + bias, 1e-14)

    @pytest.mark.parametrize(
        ("shapes", "message"),
        [
            (((2, 4), (5, 3), (5,)), r"^x: got shape \(2, 4\), allowed is \(\.\.\., 3\)"),
            (((2, 3), (3,), (5,)), r"^weight: got shape \(3,\), allowed is \(out, in\)"),
            (((2, 3), (5, 3), (4,)), r"^bias: got shape \(4,\), allowed is \(5,\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, shapes, message):
        with pytest.raises(ShapeError, match=message):
            linear(*map(np.ones, shapes))


def norm_case(id, *shape, eps=1e-5):
    def make(rng):
        x = rng.standard_normal(shape)
        return x + 3.0, rng.standard_normal(shape[-1]), rng.standard_normal(shape[-1])

    def forward(x, weight, bias):
        return layer_norm(x, weight, bias, eps)

    return Case(id, forward, layer_norm_backward, make, linear_in=("1", "2"))


class TestLayerNorm(LinearContract, AnalyticContract):
    cases = (norm_case("usual", 2, 4, 6), norm_case("one row", 5), norm_case("large eps", 3, 4, eps=0.5))

    def test_normalises_every_row(self, rng):
        y, _ = layer_norm(3.0 + 7.0 * rng.standard_normal((4, 50)), np.ones(50), np.zeros(50), eps=0.0)
        np.testing.assert_allclose(y.mean(axis=-1), 0.0, atol=1e-14)
        np.testing.assert_allclose(y.var(axis=-1), 1.0, rtol=1e-13)

    def test_a_constant_row_becomes_the_bias(self, rng):
        bias = rng.standard_normal(4)
        y, cache = layer_norm(np.full((2, 4), 7.0), np.ones(4), bias)
        np.testing.assert_array_equal(y, [bias, bias])
        assert np.all(np.isfinite(layer_norm_backward(np.ones((2, 4)), cache)[0]))

    def test_agrees_with_pytorch(self, rng):
        torch = pytest.importorskip("torch", reason="compares with torch.nn.functional.layer_norm")
        x, weight, bias = self.cases[0].make(rng)
        theirs = torch.nn.functional.layer_norm(
            torch.tensor(x), (6,), torch.tensor(weight), torch.tensor(bias)
        )
        assert_close(layer_norm(x, weight, bias)[0], theirs.numpy(), 1e-14)

    @pytest.mark.parametrize(
        ("shapes", "message"),
        [
            (((2, 4), (3,), (3,)), r"^x: got shape \(2, 4\), allowed is \(\.\.\., 3\)"),
            (((2, 3), (3, 1), (3,)), r"^weight: got shape \(3, 1\), allowed is \(D\)"),
            (((2, 3), (3,), (4,)), r"^bias: got shape \(4,\), allowed is \(3,\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, shapes, message):
        with pytest.raises(ShapeError, match=message):
            layer_norm(*map(np.ones, shapes))


class TestGelu(AnalyticContract):
    cases = (Case("usual", gelu, gelu_backward, lambda rng: (2.0 * rng.standard_normal((3, 4)),)),)

    def test_agrees_with_pytorch(self, rng):
        torch = pytest.importorskip("torch", reason="compares with torch.nn.functional.gelu")
        x = np.concatenate([3.0 * rng.standard_normal(100), [0.0, -40.0, 40.0]])
        theirs = torch.nn.functional.gelu(torch.tensor(x), approximate="tanh")
        assert_close(gelu(x)[0], theirs.numpy(), 1e-14)

    def test_is_near_the_exact_gelu(self):
        x = np.linspace(-4.0, 4.0, 81)
        exact = [0.5 * a * (1.0 + math.erf(a / math.sqrt(2.0))) for a in x]
        np.testing.assert_allclose(gelu(x)[0], exact, atol=5e-4)

    def test_integers(self):
        with pytest.raises(DTypeError, match=r"^x: got dtype int64"):
            gelu(np.ones(3, dtype=int))


IDS = np.array([[2, 0, 2], [5, 2, 1]])


class TestEmbedding(LinearContract):
    cases = (
        Case(
            "usual",
            lambda weight: embedding(IDS, weight),
            embedding_backward,
            lambda rng: (rng.standard_normal((6, 3)),),
            linear_in=("0",),
        ),
    )

    def test_takes_rows(self, rng):
        weight = rng.standard_normal((6, 3))
        np.testing.assert_array_equal(embedding(IDS, weight)[0], weight[IDS])

    def test_rows_that_occur_twice_add_up_and_rows_that_never_occur_have_no_gradient(self, rng):
        _, cache = embedding(IDS, rng.standard_normal((6, 3)))
        counts = [[1.0], [1.0], [3.0], [0.0], [0.0], [1.0]]
        np.testing.assert_array_equal(embedding_backward(np.ones((2, 3, 3)), cache), np.ones(3) * counts)

    @pytest.mark.parametrize("bad", [-1, 6, 2**40])
    def test_ids_outside_the_vocabulary(self, bad):
        with pytest.raises(TokenError, match=rf"^ids: got {bad}, allowed are 0 to 5"):
            embedding(np.array([1, bad]), np.ones((6, 3)))

    @pytest.mark.parametrize("module", ["array_api_strict", "torch"])
    def test_ids_on_the_device_are_checked_too(self, module):
        xp = pytest.importorskip(module)
        with pytest.raises(TokenError, match=r"^ids: got 6, allowed are 0 to 5"):
            embedding(xp.asarray([1, 6]), xp.ones((6, 3)))

    def test_float_ids(self):
        with pytest.raises(DTypeError, match=r"^ids: got dtype float64, allowed are integers"):
            embedding(np.ones(2), np.ones((6, 3)))

    def test_shapes_that_do_not_fit(self):
        with pytest.raises(ShapeError, match=r"^weight: got shape \(6,\), allowed is \(V, D\)"):
            embedding(IDS, np.ones(6))
        _, cache = embedding(IDS, np.ones((6, 3)))
        with pytest.raises(ShapeError, match=r"^dy: got shape \(2, 3, 4\), allowed is \(2, 3, 3\)"):
            embedding_backward(np.ones((2, 3, 4)), cache)


class TestSoftmax:
    def test_is_the_formula(self, library, rng):
        x = rng.standard_normal((2, 5))
        y = softmax(library.asarray(x))
        assert library.owns(y)
        assert_close(library.to_numpy(y), np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True), library.rtol)

    def test_huge_entries_do_not_overflow(self):
        np.testing.assert_array_equal(softmax(np.array([1e4, 1e4, -1e4])), [0.5, 0.5, 0.0])


LABELS = np.array([[3, -100, 0], [4, 4, -100]])


def loss_case(id, labels, ignore_index=-100):
    return Case(
        id,
        lambda logits: cross_entropy(logits, labels, ignore_index),
        cross_entropy_backward,
        lambda rng: (rng.standard_normal((*labels.shape, 5)),),
    )


class TestCrossEntropy(OpContract):
    cases = (
        loss_case("masked", LABELS),
        loss_case("all count", np.abs(LABELS) % 5),
        loss_case("ignored label is a token", np.array([[3, 1, 0], [4, 4, 1]]), ignore_index=1),
        loss_case("one position", np.array([2])),
    )

    def test_is_the_mean_over_the_labels_that_count(self, rng):
        logits = rng.standard_normal((2, 3, 5))
        terms = []
        for b, t in np.argwhere(LABELS != -100):
            exponentials = np.exp(logits[b, t])
            terms.append(-math.log(exponentials[LABELS[b, t]] / exponentials.sum()))
        loss, _ = cross_entropy(logits, LABELS)
        assert np.shape(loss) == ()
        assert math.isclose(loss, sum(terms) / 4, rel_tol=1e-14)

    def test_agrees_with_pytorch(self, rng):
        torch = pytest.importorskip("torch", reason="compares with torch.nn.functional.cross_entropy")
        logits = rng.standard_normal((2, 3, 5))
        theirs = torch.nn.functional.cross_entropy(
            torch.tensor(logits).reshape(6, 5), torch.tensor(LABELS.ravel())
        )
        assert math.isclose(cross_entropy(logits, LABELS)[0], theirs.item(), rel_tol=1e-14)

    def test_equal_logits_cost_the_logarithm_of_the_vocabulary(self):
        assert math.isclose(cross_entropy(np.zeros((2, 3, 5)), LABELS)[0], math.log(5), rel_tol=1e-15)

    def test_huge_logits_do_not_overflow(self):
        logits = np.array([[1e4, -1e4]])
        loss, cache = cross_entropy(logits, np.array([1]))
        assert loss == 2e4
        np.testing.assert_array_equal(cross_entropy_backward(1.0, cache), [[1.0, -1.0]])

    def test_masked_positions_have_no_gradient_and_every_row_sums_to_zero(self, rng):
        _, cache = cross_entropy(rng.standard_normal((2, 3, 5)), LABELS)
        dlogits = cross_entropy_backward(1.0, cache)
        np.testing.assert_array_equal(dlogits[LABELS == -100], 0.0)
        np.testing.assert_allclose(dlogits.sum(axis=-1), 0.0, atol=1e-16)
        assert np.all(dlogits[LABELS != -100] != 0.0)

    @pytest.mark.parametrize("number", [0.5, np.float64(0.5)], ids=["float", "numpy.float64"])
    def test_a_number_as_cotangent_keeps_the_dtype(self, number, library, rng):
        logits = rng.standard_normal((2, 3, 5))
        _, cache = cross_entropy(library.asarray(logits), LABELS)
        dlogits = cross_entropy_backward(number, cache)
        assert library.owns(dlogits)
        expected = cross_entropy_backward(0.5, cross_entropy(logits, LABELS)[1])
        assert_close(library.to_numpy(dlogits), expected, library.rtol)

    @pytest.mark.parametrize("module", ["array_api_strict", "torch"])
    def test_labels_on_the_device(self, module, rng):
        xp = pytest.importorskip(module)
        logits = rng.standard_normal((2, 3, 5))
        loss, _ = cross_entropy(xp.asarray(logits), xp.asarray(LABELS))
        assert math.isclose(float(loss), cross_entropy(logits, LABELS)[0], rel_tol=1e-14)
        with pytest.raises(TokenError, match=r"^labels: got 5, allowed are 0 to 4"):
            cross_entropy(xp.asarray(logits), xp.asarray(LABELS + (LABELS == 4)))

    def test_bad_input(self):
        logits = np.zeros((2, 3, 5))
        with pytest.raises(TokenError, match=r"^labels: got 5, allowed are 0 to 4"):
            cross_entropy(logits, np.full((2, 3), 5))
        with pytest.raises(TokenError, match=r"^labels: every position is -100"):
            cross_entropy(logits, np.full((2, 3), -100))
        with pytest.raises(ShapeError, match=r"^labels: got shape \(2, 4\), allowed is \(2, 3\)"):
            cross_entropy(logits, np.zeros((2, 4), dtype=int))
        with pytest.raises(ShapeError, match=r"^logits: got a number"):
            cross_entropy(np.float64(1.0), np.array(0))
        with pytest.raises(DTypeError, match=r"^labels: got dtype float64"):
            cross_entropy(logits, np.zeros((2, 3)))
