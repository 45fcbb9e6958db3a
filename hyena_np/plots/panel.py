"""A figure with sliders, whose default state is a plain picture wherever no kernel runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from hyena_np.errors import BackendError, ConfigError, HyenaError
from hyena_np.plots.figure import Figure, as_text, display_size, png


class _Range(NamedTuple):
    low: float
    high: float
    step: float
    default: float


class _Choice(NamedTuple):
    choices: tuple[Any, ...]
    default: Any


def panel(f: Callable[..., Figure], **sliders: tuple) -> None:
    """Show the figure that `f` returns, with sliders for its arguments.

    Parameters
    ----------
    f : callable
        Called with one keyword argument a slider; returns a `Figure`.
    **sliders
        ``name=(low, high, step, default)``, four numbers, makes a slider (of integers, if all four are);
        ``name=(choices, default)`` makes a slider over the given values.

    Raises
    ------
    ConfigError
        A slider is written in another way, or its default is not among its values.
    BackendError
        IPython is not installed, so that nothing can be shown.

    Notes
    -----
    Where ipywidgets is installed, one output holds both the widget and the PNG of the default state. A front
    end with a running kernel shows the sliders; a documentation page and GitHub show the picture. Where it is
    not installed, the picture is shown alone. Where `f` raises a `HyenaError`, its message is shown instead.
    Source: Jupyter's rich display protocol (one output, several MIME types).

    Examples
    --------
    >>> panel(draw_filters, w=(1.0, 20.0, 0.5, 10.0), emb_dim=([3, 5, 17, 33], 5))  # doctest: +SKIP
    """
    controls = {name: _control(name, slider) for name, slider in sliders.items()}
    try:
        display = importlib.import_module("IPython.display").display
    except ImportError as error:
        raise BackendError(
            "panel: IPython is not installed, so nothing can be shown; pip install 'hyena-np[notebooks]'"
        ) from error
    figure = f(**{name: control.default for name, control in controls.items()})
    picture = png(figure)
    bundle = _widgets_bundle(f, controls, figure, picture) if controls else {}
    state = ", ".join(f"{name} = {control.default}" for name, control in controls.items())
    bundle["image/png"] = as_text(picture)
    bundle["text/plain"] = f"figure for {state}" if state else "figure"
    display(bundle, metadata={"image/png": display_size(figure)}, raw=True)


def _control(name: str, slider: Any) -> _Range | _Choice:
    match slider:
        case (
            int() | float() as low,
            int() | float() as high,
            int() | float() as step,
            int() | float() as default,
        ):
            if not (step > 0 and low <= default <= high):
                raise ConfigError(f"{name}: got {slider!r}, allowed are low <= default <= high and step > 0")
            return _Range(low, high, step, default)
        case ([*choices], default):
            if default not in choices:
                raise ConfigError(f"{name}: got default {default!r}, allowed are its choices {choices!r}")
            return _Choice(tuple(choices), default)
    raise ConfigError(
        f"{name}: got {slider!r}, allowed are (low, high, step, default) and (choices, default)"
    )


def _widgets_bundle(
    f: Callable[..., Figure], controls: dict[str, _Range | _Choice], figure: Figure, picture: bytes
) -> dict:
    """The MIME bundle of sliders above a picture that follows them; empty without ipywidgets."""
    try:
        widgets = importlib.import_module("ipywidgets")
    except ImportError:
        return {}
    sliders = {name: _slider(widgets, name, control) for name, control in controls.items()}
    image = widgets.Image(
        value=picture, format="png", **{key: str(value) for key, value in display_size(figure).items()}
    )
    message = widgets.Label()

    def redraw(_change: Any) -> None:
        try:
            image.value = png(f(**{name: slider.value for name, slider in sliders.items()}))
            message.value = ""
        except HyenaError as error:  # a widget's exceptions go to a log that nobody reads
            message.value = str(error)

    for slider in sliders.values():
        slider.observe(redraw, names="value")
    bundle = widgets.VBox([*sliders.values(), message, image])._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    return dict(bundle)


def _slider(widgets: ModuleType, name: str, control: _Range | _Choice) -> Any:
    # Redrawing takes longer than a mouse moves: follow when the slider is let go.
    common = {"description": name, "value": control.default, "continuous_update": False}
    if isinstance(control, _Choice):
        return widgets.SelectionSlider(options=control.choices, **common)
    kind = widgets.IntSlider if all(isinstance(number, int) for number in control) else widgets.FloatSlider
    return kind(min=control.low, max=control.high, step=control.step, **common)
