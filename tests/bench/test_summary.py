"""Conclusions and figures of made-up tables."""

import pytest

from hyena_np.bench import summary
from hyena_np.bench.cases import BOTH, FORWARD, STEP
from hyena_np.bench.summary import conclusions, draw, series_of
from hyena_np.bench.table import Row

LENGTHS = [4**k for k in range(3, 9)]


def row(L, contender, seconds, kind=FORWARD, B=1, D=256, order=2, threads=1, multiple=10.0, ours=None):
    ratio = None if ours is None else seconds / ours
    peak = None if multiple is None else int(4 * B * L * D * multiple)
    times = (seconds, seconds, seconds, 5)
    return Row(kind, B, L, D, order, threads, contender, *times, ratio, None, peak, multiple, None, None)


def table(kind=FORWARD, attention=True):
    rows = []
    for L in LENGTHS:
        ours = 1e-7 * L
        rows.append(row(L, "hyena_np", ours, kind, ours=ours))
        rows.append(row(L, "floor", ours / 2, kind, multiple=None, ours=ours))
        if attention:
            rows.append(row(L, "attention", ours * L / 1000, kind, ours=ours))
    return rows


def test_a_series_holds_what_differs_in_length_alone():
    rows = table() + table(BOTH, attention=False)
    rows += [
        row(64, "hyena_np", 1.0, B=8),
        row(64, "hyena_np", 1.0, kind=STEP),
        row(2**20, "hyena_np", 1.0, D=64),
    ]
    first, second = series_of(rows)
    assert (first.kind, second.kind) == (FORWARD, BOTH)
    assert set(first.rows) == {"hyena_np", "floor", "attention"}
    assert first.lengths == second.lengths == LENGTHS
    assert list(series_of([row(64, "hyena_np", 1.0)])) == []
    assert list(series_of([])) == []


@pytest.mark.paper("Fig. 4.3")
def test_conclusions_say_how_time_grows_and_where_attention_is_passed():
    growth, rivals = conclusions(table())
    assert "hyena_np L^1.00" in growth and "attention L^2.00" in growth and "from 4K on" in growth
    assert "quicker than attention from L = 1000 on" in rivals
    assert "8.2 times at 8K (paper: 2)" in rivals and "65.5 times at 64K (paper: 100)" in rivals


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (1000.0, "quicker than attention at every length from 64 on"),
        (1e-9, "not yet quicker than attention at L = 65536"),
    ],
)
def test_curves_that_do_not_cross_are_said_to_do_so(factor, said):
    rows = [
        r if r.contender != "attention" else r._replace(seconds_median=factor * r.seconds_median)
        for r in table()
    ]
    assert said in conclusions(rows)[1]


def test_nothing_to_conclude_from_one_length():
    assert conclusions([row(4096, "hyena_np", 1.0), row(4096, "attention", 2.0)]) == []


def test_figures_of_time_ratio_and_memory(tmp_path):
    files = draw(table(BOTH), tmp_path)
    expected = {f"{what}_forward_backward_order2_threads1.png" for what in ("time", "ratio", "memory")}
    assert {file.name for file in files} == {file.name for file in tmp_path.iterdir()} == expected
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)


def test_no_figure_of_what_was_not_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(summary, "save", lambda figure, path: path)
    rows = [r._replace(peak_bytes=None, peak_multiple=None) for r in table()]
    assert {file.name.split("_")[0] for file in draw(rows, tmp_path)} == {"time", "ratio"}
    assert draw([], tmp_path) == []


def test_a_contender_has_one_colour_in_all_figures(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(summary, "save", lambda figure, path: drawn.append(figure))
    draw(table(), tmp_path)
    colours = []
    for figure in drawn:
        named = [line for line in figure.axes[0].get_lines() if not line.get_label().startswith("_")]
        colours.append({line.get_label().split(":")[0]: line.get_color() for line in named})
    time, ratio, memory = colours
    assert time == ratio
    assert set(time) == set(memory) | {"floor"}
    assert memory == {name: time[name] for name in memory}
