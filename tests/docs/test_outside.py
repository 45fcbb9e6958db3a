"""What a page would load from elsewhere is found, however it is written; a link to click is none."""

import pytest
from making import outside

WEB = "https://example.org/a"


@pytest.mark.parametrize(
    "page",
    [
        f'<script src="{WEB}.js"></script>',
        '<script async src="//example.org/a.js"></script>',
        f'<link rel="stylesheet" href="{WEB}.css">',
        f'<link rel="preload" as="font" href="{WEB}.woff2"/>',
        f'<link rel="preconnect" href="{WEB}">',
        f'<img src="{WEB}.png">',
        f'<img srcset="small.png 1x, {WEB}.png 2x">',
        f'<iframe src="{WEB}"></iframe>',
        f'<object data="{WEB}"></object>',
        f'<video poster="{WEB}.png"></video>',
        f'<svg><image xlink:href="{WEB}.png"/></svg>',
        f'<div style="background: url({WEB}.png)"></div>',
        f"<style>@import '{WEB}.css';</style>",
        f'<style>@font-face {{ src: url("{WEB}.woff") }}</style>',
        f'<script type="module">import x from "{WEB}.js"</script>',
        f'<script>await import("{WEB}.js")</script>',
        f'<script>fetch("{WEB}.json")</script>',
        f'<script>const s = document.createElement("script"); s.src = "{WEB}.js"</script>',
        f"<SCRIPT SRC='{WEB}.js'></SCRIPT>",
    ],
)
def test_found(page):
    assert len(outside.in_html(page)) == 1
    assert "example.org/a" in outside.in_html(page)[0]


@pytest.mark.parametrize(
    "page",
    [
        f'<a href="{WEB}">read more</a>',
        f'<link rel="canonical" href="{WEB}">',
        '<script src="_static/mathjax/tex-svg.js"></script>',
        '<img src="data:image/png;base64,AAAA">',
        '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
        f"<p>the address {WEB} in a text</p>",
        f'<script>const text = "see {WEB}"</script>',
    ],
)
def test_not_found(page):
    assert outside.in_html(page) == []


def test_files_of_a_site(tmp_path):
    (tmp_path / "index.html").write_text('<img src="a.png">')
    (tmp_path / "site.css").write_text(f"@import url({WEB}.css);")
    (tmp_path / "app.js").write_text(f'import("{WEB}.js")')
    assert len(outside.loads(tmp_path)) == 2
    assert any(found.startswith("site.css: ") for found in outside.loads(tmp_path))
