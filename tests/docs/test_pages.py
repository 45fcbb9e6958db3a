"""The pages of docs/: their examples run, their links lead somewhere, the reference names everything."""

import doctest
import re
import subprocess
import sys

import pytest
from making import api, command_line, configs, ledger_page, pages
from making.places import DOCS, ROOT

import hyena_np

PAGES = pages.written_pages()
BLOCK = re.compile(r"^```pycon\n(.*?)^```", re.MULTILINE | re.DOTALL)


def name(path):
    return path.relative_to(ROOT).as_posix()


# --- examples -----------------------------------------------------------------------------------------------


def failures(text, where):
    """Run the examples of a page, one block after the other in one namespace; how many are wrong."""
    examples = "\n".join(BLOCK.findall(text))
    test = doctest.DocTestParser().get_doctest(examples, {"__name__": "page"}, where, where, 0)
    return doctest.DocTestRunner().run(test).failed


EXAMPLES = [page for page in PAGES if BLOCK.search(page.read_text())]


@pytest.mark.parametrize("page", EXAMPLES, ids=name)
def test_examples(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert failures(page.read_text(), name(page)) == 0


def test_a_wrong_example_is_noticed(capsys):
    assert failures("```pycon\n>>> 1 + 1\n3\n```\n", "here") == 1


def test_every_difference_between_paper_and_code_is_demonstrated():
    differences = {page for page in PAGES if page.parent.name == "differences"} - {
        DOCS / "explanation/differences/index.md"
    }
    assert len(differences) == 9
    assert differences <= set(EXAMPLES)


def test_prompts_stand_in_blocks_that_are_run():
    for page in PAGES:
        assert ">>> " not in BLOCK.sub("", page.read_text()), name(page)


@pytest.mark.slow
def test_the_operator_of_the_how_to_page_keeps_the_contract(tmp_path):
    """Its blocks, one below the other, are a test file."""
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / "howto/new_operator.md").read_text(), re.M | re.S)
    assert len(blocks) == 3
    file = tmp_path / "test_difference.py"
    file.write_text("\n\n".join(blocks))
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-c", str(ROOT / "pyproject.toml")]
    command += ["--rootdir", str(tmp_path), "-o", f"pythonpath={ROOT} {ROOT / 'tests'}", str(file)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    assert int(re.search(r"(\d+) passed", result.stdout)[1]) > 10


# --- links --------------------------------------------------------------------------------------------------

OTHER = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "benchmarks/README.md"]


def headings(page):
    """Anchors of a page; code blocks have no headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {ledger_page.slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def dead_links(page, text):
    """Relative links of a Markdown text that lead to no file, to no page of the site, or to no heading."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    for match in re.finditer(r"\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"", text):
        target = match[1] or match[2]
        if pages.is_outside(target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if pages.is_generated(path):
            continue
        if not path.exists():
            yield target
        elif anchor and path.suffix == ".md" and anchor not in headings(path):
            yield target


@pytest.mark.parametrize("page", PAGES + OTHER, ids=name)
def test_links(page):
    assert list(dead_links(page, page.read_text())) == []


def test_a_dead_link_is_noticed():
    page = DOCS / "glossary.md"
    text = "[a](nowhere.md) [b](#no-such-heading) [c](start.md#install) ![d](../no.png) `[e](code.md)` "
    text += "[f](start.md#x)"
    assert list(dead_links(page, text)) == ["nowhere.md", "#no-such-heading", "../no.png", "start.md#x"]


def test_links_that_leave_docs_are_moved_with_their_targets():
    copied = set()
    text = "[n](../../notebooks/01_convolution_is_a_toeplitz_matrix.ipynb#x) [g](../glossary.md) [w](https://a.b)"
    moved = pages.rewrite(text, DOCS / "explanation/index.md", copied)
    assert "(../notebooks/01_convolution_is_a_toeplitz_matrix.ipynb#x)" in moved
    assert "(../glossary.md)" in moved and "(https://a.b)" in moved
    assert {path.name for path in copied} == {"01_convolution_is_a_toeplitz_matrix.ipynb"}


@pytest.mark.parametrize("target", ["nowhere.md", "../../outside.md"])
def test_a_page_with_a_broken_link_is_not_laid_out(target):
    with pytest.raises(pages.PageError, match="leads"):
        pages.rewrite(f"[x]({target})", DOCS / "index.md", set())


# --- the reference ------------------------------------------------------------------------------------------


def test_every_public_name_is_on_one_page():
    public = api.exported()
    assert set(public) == set(hyena_np.__all__) - {"__version__"}
    text = [api.module_page(module, public) for module in api.modules()]
    found = [found for page in text for found in re.findall(r"^\.\. auto\w+:: hyena_np\.(\w+)$", page, re.M)]
    assert sorted(found) == sorted(public)


def test_pages_follow_the_order_of_the_package():
    every = [module.name for module in api.modules()]
    assert every.index("hyena_np.ops.toeplitz") < every.index("hyena_np.ops.fftconv")
    assert every.index("hyena_np.ops.hyena") < every.index("hyena_np.models.init")
    assert "hyena_np.errors" in every and not any(".cli" in each or ".sheets" in each for each in every)


def test_every_command_has_its_help():
    text = command_line.page()
    for command in ("hyena-np", "hyena-np train", "hyena-np experiment run", "hyena-np exercises start"):
        assert f"## `{command}`\n" in text
    assert "--overwrite" in text


@pytest.mark.parametrize("config", configs.NAMES)
def test_every_field_of_a_config_is_described(config):
    cls = getattr(hyena_np, config)
    assert [field for field, _, _ in configs.rows(cls)] == list(cls.__dataclass_fields__)
    assert all(meaning for _, _, meaning in configs.rows(cls))


def test_every_config_is_on_the_page():
    every = {each for each in hyena_np.__all__ if each.endswith("Config")}
    assert set(configs.NAMES) == every
