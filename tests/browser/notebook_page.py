"""A notebook in a browser's page, JupyterLite's or JupyterLab's: open, run, read, move a slider."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

# JupyterLab holds only the cells in view as elements of the page; the whole notebook is in its model.
_READY = """() => {
    const session = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session;
    return session?.kernel?.connectionStatus === 'connected' && session.kernel.status === 'idle';
}"""
_CELLS = "() => jupyterapp.shell.currentWidget.content.model.toJSON().cells"
_RUN_ALL = """() => {
    window.ranAll = undefined;
    jupyterapp.commands.execute('notebook:run-all-cells').then(result => { window.ranAll = String(result); });
}"""
_SHOW_CELL = """index => {
    const content = jupyterapp.shell.currentWidget.content;
    content.activeCellIndex = index;
    return content.scrollToItem(index, 'start');
}"""
_PICTURE = """async image => {
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
}"""
_TERMINAL_COLOUR = re.compile("\x1b\\[[0-9;]*m")


class NotebookPage:
    """One open notebook. A step may take `patience` seconds, all cells together four times that."""

    def __init__(self, page, address: str, patience: float):
        self.page, self.patience = page, patience * 1000
        page.set_default_timeout(self.patience)
        page.goto(address)
        page.wait_for_function(_READY)

    def run_all(self) -> None:
        """Clear what is stored, run every cell, and fail with the traceback of a cell that raised."""
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        assert not any(cell.get("outputs") for cell in self.cells())
        self.page.evaluate(_RUN_ALL)
        self.page.wait_for_function("() => window.ranAll !== undefined", timeout=4 * self.patience)
        for cell in self.code_cells():
            for output in cell["outputs"]:
                trace = _TERMINAL_COLOUR.sub("", "\n".join(output.get("traceback", ())))
                assert output["output_type"] != "error", f"{''.join(cell['source'])}\n\n{trace}"

    def cells(self) -> list[dict]:
        return self.page.evaluate(_CELLS)

    def code_cells(self) -> list[dict]:
        return [cell for cell in self.cells() if cell["cell_type"] == "code"]

    def text(self) -> str:
        """Everything that cells printed."""
        outputs = [output for cell in self.code_cells() for output in cell["outputs"]]
        return "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")

    def pictures(self) -> list[bytes]:
        """The PNG files in the outputs."""
        data = [output.get("data", {}) for cell in self.code_cells() for output in cell["outputs"]]
        return [base64.b64decode("".join(kinds["image/png"])) for kinds in data if "image/png" in kinds]

    def index_of(self, text: str) -> int:
        """Number of the only cell whose source has this text."""
        (index,) = [i for i, cell in enumerate(self.cells()) if text in "".join(cell["source"])]
        return index

    def show(self, text: str):
        """Scroll to the cell with this text in its source; its element."""
        self.page.evaluate(_SHOW_CELL, self.index_of(text))
        element = self.page.locator(".jp-CodeCell.jp-mod-active")
        element.wait_for()
        return element

    def replace_source(self, text: str, new: str) -> None:
        """Type over the source of the cell with this text."""
        self.show(text).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(new)
        self.index_of(new)  # is there, and once

    def drag_slider(self, text: str, name: str) -> tuple[bytes, bytes]:
        """Pull a slider of the cell with this text to its right end: the picture before and after."""
        cell = self.show(text)
        image = cell.locator("img.widget-image")
        image.wait_for()
        image.scroll_into_view_if_needed()
        slider = cell.locator(".widget-hslider").filter(has_text=re.compile(rf"^{name}"))
        before, shown = self._png(image), slider.locator(".widget-readout").inner_text()
        handle, track = (
            slider.locator(".noUi-handle").bounding_box(),
            slider.locator(".noUi-base").bounding_box(),
        )
        mouse = self.page.mouse
        mouse.move(*_middle(handle))
        mouse.down()
        mouse.move(track["x"] + track["width"], _middle(handle)[1], steps=8)
        mouse.up()
        self._until(lambda: slider.locator(".widget-readout").inner_text() != shown, "the slider stays")
        self._until(lambda: self._png(image) != before, f"slider {name} moved, but not the picture")
        return before, self._png(image)

    def _png(self, image) -> bytes:
        return base64.b64decode(image.evaluate(_PICTURE))

    def _until(self, condition: Callable[[], bool], otherwise: str) -> None:
        for _ in range(int(self.patience / 250)):
            if condition():
                return
            self.page.wait_for_timeout(250)
        raise AssertionError(otherwise)


def _middle(box: dict) -> tuple[float, float]:
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
