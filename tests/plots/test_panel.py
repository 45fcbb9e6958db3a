"""Sliders with a picture underneath: one output for a live kernel, a stored notebook and a page."""

import sys
from base64 import b64decode

import pytest

from hyena_np.errors import BackendError, ConfigError, ShapeError
from hyena_np.plots import lines, panel

PNG = b"\x89PNG\r\n\x1a\n"
VIEW = "application/vnd.jupyter.widget-view+json"


def draw(w=1.0, taps=3, kind="a"):
    if taps == 4:
        raise ShapeError("taps: got 4, allowed are odd numbers")
    return lines(range(taps), {"a": [w * t for t in range(taps)]}, "t (tokens)", "y", title=str(kind))


@pytest.fixture
def shown(monkeypatch):
    """What is displayed: (bundle, keyword arguments) of each output."""
    display = pytest.importorskip("IPython.display")
    outputs = []
    monkeypatch.setattr(display, "display", lambda bundle, **kwargs: outputs.append((bundle, kwargs)))
    return outputs


@pytest.fixture
def children(shown):
    """Show a panel and return its sliders, message and picture."""
    widgets = pytest.importorskip("ipywidgets")

    def show(**sliders):
        panel(draw, **sliders)
        box = widgets.widgets.widget._instances[shown[-1][0][VIEW]["model_id"]]
        *controls, message, image = box.children
        return controls, message, image

    return show


def test_one_output_holds_widget_and_picture(shown):
    pytest.importorskip("ipywidgets")
    assert panel(draw, w=(0.5, 2.0, 0.5, 1.0), taps=(3, 9, 1, 5)) is None
    ((bundle, kwargs),) = shown
    assert b64decode(bundle["image/png"]).startswith(PNG)
    assert "model_id" in bundle[VIEW]
    assert bundle["text/plain"] == "figure for w = 1.0, taps = 5"
    assert kwargs["raw"] is True and kwargs["metadata"]["image/png"]["width"] == 800


def test_the_picture_is_the_default_state(shown):
    from hyena_np.plots.figure import png

    panel(draw, w=(0.5, 2.0, 0.5, 1.5))
    assert b64decode(shown[0][0]["image/png"]) == png(draw(w=1.5)) != png(draw(w=1.0))


def test_moving_a_slider_redraws(children):
    from hyena_np.plots.figure import png

    (w, taps), _, image = children(w=(0.5, 2.0, 0.5, 1.0), taps=(3, 9, 1, 5))
    assert image.value == png(draw(w=1.0, taps=5))
    w.value = 2.0
    assert image.value == png(draw(w=2.0, taps=5))
    taps.value = 7
    assert image.value == png(draw(w=2.0, taps=7))


def test_whole_numbers_stay_whole_and_choices_are_kept(children):
    (w, taps, kind), _, _ = children(w=(0, 2, 0.5, 1), taps=(3, 9, 1, 5), kind=(["a", "b"], "b"))
    assert isinstance(w.value, float) and isinstance(taps.value, int)
    assert (w.min, w.max, w.step, w.description) == (0, 2, 0.5, "w")
    assert kind.value == "b" and tuple(kind.options) == ("a", "b")


def test_what_the_figure_refuses_is_written_below_the_sliders(children):
    (taps,), message, image = children(taps=(3, 9, 1, 5))
    before = image.value
    taps.value = 4
    assert message.value == "taps: got 4, allowed are odd numbers"
    assert image.value == before
    taps.value = 3
    assert message.value == "" and image.value != before


def test_without_ipywidgets_the_picture_alone_is_shown(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    panel(draw, w=(0.5, 2.0, 0.5, 1.0))
    ((bundle, _),) = shown
    assert sorted(bundle) == ["image/png", "text/plain"]
    assert b64decode(bundle["image/png"]).startswith(PNG)


def test_without_ipython_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with pytest.raises(BackendError, match=r"IPython is not installed.*hyena-np\[notebooks\]"):
        panel(draw, w=(0.5, 2.0, 0.5, 1.0))


@pytest.mark.parametrize(
    "slider",
    [3, (1, 2, 3), (0, 2, 1, 5), (0, 2, 0, 1), (2, 0, 1, 1), ([1, 2], 3), ([], 1), ("ab", "a"), None],
)
def test_bad_sliders_are_refused_by_name(slider, shown):
    with pytest.raises(ConfigError, match=r"^w: got "):
        panel(draw, w=slider)
    assert shown == []
