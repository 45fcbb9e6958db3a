"""App. B.2 of the paper, equation by equation: where the surrogate attention matrix comes from."""

import numpy as np
import pytest

from hyena_np import circulant, diagonal_matrix, h3, h3_attention_matrix, toeplitz

L = 6


@pytest.fixture
def drawn(rng):
    """q, k, v, each (1, 1, L), and phi, psi, each (1, L)."""
    return *rng.standard_normal((3, 1, 1, L)), *rng.standard_normal((2, 1, L))


def causal_sum(h, x):
    """The convolution as (9) writes it: a sum over the past, term by term."""
    return np.array([sum(h[t - m] * x[m] for m in range(t + 1)) for t in range(len(x))])


@pytest.mark.paper("eq. (9)", "eq. (10)")
def test_one_sum_put_into_the_other_is_h3(drawn):
    q, k, v, phi, psi = drawn
    z = k[0, 0] * causal_sum(phi[0], v[0, 0])
    y = q[0, 0] * causal_sum(psi[0], z)
    np.testing.assert_allclose(h3(q, k, v, phi, psi)[0][0, 0], y, rtol=1e-12, atol=1e-14)


@pytest.mark.paper("eq. (11)")
def test_the_sums_may_be_exchanged(drawn):
    q, k, v, phi, psi = drawn
    y = np.zeros(L)
    for t in range(L):
        for n in range(t + 1):
            entry = sum(psi[0, t - m] * k[0, 0, m] * phi[0, m - n] for m in range(n, t + 1))
            y[t] += q[0, 0, t] * entry * v[0, 0, n]
    A = h3_attention_matrix(q, k, phi, psi)[0, 0]
    np.testing.assert_allclose(A @ v[0, 0], y, rtol=1e-12)


def continuous(t, s):
    """(15) in closed form for psi = exp(-t), k = exp(-t/2), phi = exp(-2t) and q = cos, where s <= t."""
    return np.cos(t) * np.exp(2 * s - t) * (np.exp(-1.5 * s) - np.exp(-1.5 * t)) / 1.5


def answer_to_one(t):
    """(14) in closed form for the signal v = 1: the integral of that kernel over s from 0 to t."""
    return np.cos(t) * np.exp(-t) / 1.5 * (1.5 * np.exp(0.5 * t) - 2 + 0.5 * np.exp(-1.5 * t))


@pytest.mark.paper("eq. (13)", "eq. (14)", "eq. (15)")
def test_the_continuous_operator_is_the_limit_of_the_matrix():
    """Half the error with half the step, as for any sum in the place of an integral."""
    kernel_errors, output_errors = [], []
    for length in (100, 200, 400):
        t, step = np.linspace(0, 4, length, endpoint=False, retstep=True)
        q, k, psi, phi = np.cos(t), np.exp(-0.5 * t), np.exp(-t), np.exp(-2 * t)
        A = step * h3_attention_matrix(q[None, None], k[None, None], phi[None], psi[None])[0, 0]
        kernel = np.where(t[:, None] >= t, continuous(t[:, None], t[None, :]), 0.0)
        kernel_errors.append(np.abs(A - kernel).max())
        output_errors.append(np.abs(step * A.sum(axis=1) - answer_to_one(t)).max())
    for errors in (kernel_errors, output_errors):
        assert errors[0] < 0.05
        np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 2.0, rtol=0.05)


@pytest.mark.paper("eq. (19)")
def test_the_factors_written_out(drawn):
    q, k, _, phi, psi = drawn
    first, second = np.zeros((2, L, L))
    for t in range(L):
        for s in range(t + 1):
            first[t, s] = q[0, 0, t] * psi[0, t - s]
            second[t, s] = k[0, 0, t] * phi[0, t - s]
    np.testing.assert_allclose(first, (diagonal_matrix(q) @ toeplitz(psi))[0, 0])
    np.testing.assert_allclose(first @ second, h3_attention_matrix(q, k, phi, psi)[0, 0], rtol=1e-12)


def in_fourier_basis(h):
    """The unitary DFT matrix W and the diagonal matrix of the filter's spectrum."""
    W = np.fft.fft(np.eye(L), norm="ortho")
    return W, np.diag(np.fft.fft(h[0]))


@pytest.mark.paper("eq. (20)", "eq. (21)")
def test_with_circulant_filters_the_layer_is_diagonal_but_for_its_gates(drawn):
    q, k, _, phi, psi = drawn
    W, D_psi = in_fourier_basis(psi)
    _, D_phi = in_fourier_basis(phi)
    D_q, D_k = diagonal_matrix(q)[0, 0], diagonal_matrix(k)[0, 0]
    np.testing.assert_allclose(circulant(psi)[0], (W.conj() @ D_psi @ W).real, atol=1e-12)
    layer = D_q @ circulant(psi)[0] @ D_k @ circulant(phi)[0]
    assembled = D_q @ W.conj() @ D_psi @ W @ D_k @ W.conj() @ D_phi @ W
    np.testing.assert_allclose(layer, assembled, atol=1e-12)


@pytest.mark.paper("eq. (22)")
def test_gates_that_commute_would_leave_one_convolution_and_real_gates_do_not(drawn):
    q, k, _, phi, psi = drawn

    def layer(q, k):
        D_q, D_k = diagonal_matrix(q)[0, 0], diagonal_matrix(k)[0, 0]
        return D_q @ circulant(psi)[0] @ D_k @ circulant(phi)[0]

    def is_a_convolution(A):
        """A circulant matrix is its first column, moved down."""
        return np.allclose(A, circulant(np.ascontiguousarray(A[:, 0])[None])[0], atol=1e-12)

    constant = np.full_like(q, 1.5)  # multiples of the identity commute with everything
    assert is_a_convolution(layer(constant, constant))
    assert not is_a_convolution(layer(constant, k))
    assert not is_a_convolution(layer(q, constant))
