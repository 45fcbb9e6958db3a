"""The equation ledger: what is a mark, what it belongs to, and that a gap is noticed."""

import ast

import pytest
from making import ledger, ledger_page, marks
from making.ledger import LedgerError, Row
from making.marks import Mark
from making.places_in_paper import places


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("eq. (7), Fig. 3.1", ["eq. (7)", "Fig. 3.1"]),
        ("Algorithms 1 and 2", ["Algorithm 1", "Algorithm 2"]),
        ("Tables A.3, A.4 and 4.4; Def. 3.1", ["Table A.3", "Table A.4", "Table 4.4", "Def. 3.1"]),
        ("eqs. (9) to (12)", ["eq. (9)", "eq. (10)", "eq. (11)", "eq. (12)"]),
        ("Eq. (7) of the paper; remark 3.2", ["eq. (7)", "Remark 3.2"]),
        ("Figs. D.6, D.7 and D.9", ["Fig. D.6", "Fig. D.7", "Fig. D.9"]),
        ("Proposition 3.1 and Prop. 3.2, Prop. 3.1 again", ["Prop. 3.1", "Prop. 3.2"]),
        ("Sec. 3.2 and App. B.2; a table of 3 rows; the remark above", []),
    ],
)
def test_places_as_people_write_them(text, found):
    assert places(text) == found


def test_only_the_hyena_paper_counts():
    docstring = """Do something.

    Notes
    -----
    Source: Zhai et al. 2021, eq. (2); Hyena paper, Tables 4.2 and
    C.1; official code: ``fftconv``, Algorithm 9.

    Examples
    --------
    eq. (8)
    """
    assert marks.cited(marks.source_line(docstring)) == ["Table 4.2", "Table C.1"]
    assert marks.cited("Peng et al. 2023, eqs. (11) to (17)") == []
    assert marks.source_line("No such line.") == ""


def test_marks_of_code(tmp_path, monkeypatch):
    monkeypatch.setattr(marks, "ROOT", tmp_path)
    package = tmp_path / "p"
    package.mkdir()
    (package / "m.py").write_text(
        'def f():\n    """F.\n\n    Source: Hyena paper, eq. (1).\n    """\n'
        'def _hidden():\n    """H.\n\n    Source: Hyena paper, eq. (9).\n    """\n'
        'TABLE = make("Hyena paper, Table 4.2 (V = 30)", "eq. (3)")\n'
        'EXPERIMENT = Experiment(name="x", paper="Tables 4.3 and 4.4, Fig. 4.2")\n'
        'OTHER = make("Zoology, Fig. 2")\n'
    )
    found = {(mark.place, mark.name) for mark in marks.of_code(package)}
    assert found == {
        ("eq. (1)", "p.m.f"),
        ("Table 4.2", "p.m.TABLE"),
        ("Table 4.3", "p.m.EXPERIMENT"),
        ("Table 4.4", "p.m.EXPERIMENT"),
        ("Fig. 4.2", "p.m.EXPERIMENT"),
    }


def test_marks_of_tests(tmp_path, monkeypatch):
    monkeypatch.setattr(marks, "ROOT", tmp_path)
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n"
        '@pytest.mark.paper("Def. 3.1", "eq. (4)")\n@pytest.mark.slow\ndef test_a():\n    pass\n\n'
        'class TestB:\n    @pytest.mark.paper("Prop. 3.1")\n    def test_c(self):\n        pass\n'
    )
    assert [(mark.place, mark.name) for mark in marks.of_tests(tmp_path)] == [
        ("Def. 3.1", "test_it.py::test_a"),
        ("eq. (4)", "test_it.py::test_a"),
        ("Prop. 3.1", "test_it.py::TestB::test_c"),
    ]


def test_marks_of_notebooks(tmp_path, monkeypatch):
    monkeypatch.setattr(marks, "ROOT", tmp_path)
    (tmp_path / "01_a.py").write_text(
        "# %% [markdown]\n# # Title\n# See eq. (7).\n# ## 2. Second $x$\n# Def. 3.1 here.\n"
        "# %%\ny = f(1)  # Prop. 3.1 is no text\n# %%\nz = f(2) + g(3)\n"
    )
    code = [Mark("eq. (1)", "p.m.f", "p/m.py"), Mark("Def. 3.1", "p.m.g", "p/m.py")]
    assert [(mark.place, mark.name) for mark in marks.of_notebooks(code, tmp_path)] == [
        ("eq. (7)", "Title"),
        ("Def. 3.1", "2. Second $x$"),
        ("eq. (1)", "2. Second $x$"),
    ]


# --- what stops a build -------------------------------------------------------------------------------------


def complete():
    row = Row("eq. (1)", "Sec. 2", "A sum.")
    return {row.id: row}


CODE = [Mark("eq. (1)", "hyena_np.ops.toeplitz.causal_conv_loop", "hyena_np/ops/toeplitz.py")]
TESTS = [Mark("eq. (1)", "tests/ops/test_x.py::test_y", "tests/ops/test_x.py")]
UNKNOWN = [Mark("eq. (99)", "somewhere", "file.py")]


def test_a_complete_ledger_has_nothing_wrong():
    assert ledger.fill(complete(), CODE, TESTS) == []


@pytest.mark.parametrize(
    ("code", "tests", "others", "says"),
    [
        ([], TESTS, [], "eq. (1): no code"),
        (CODE, [], [], "eq. (1): no test"),
        (CODE + UNKNOWN, TESTS, [], "file.py: somewhere names 'eq. (99)', which is no row"),
        (CODE, TESTS + UNKNOWN, [], "file.py: somewhere names 'eq. (99)', which is no row"),
        (CODE, TESTS, UNKNOWN, "file.py: somewhere names 'eq. (99)', which is no row"),
    ],
)
def test_what_is_missing_or_dead_is_told(code, tests, others, says):
    (line,) = ledger.fill(complete(), code, tests, others)
    assert line.startswith(says)
    (line,) = ledger.fill(complete(), code, tests, [], others) if others else [line]
    assert line.startswith(says)


def test_a_row_that_is_outside_needs_no_code_and_may_have_none():
    outside = {"eq. (1)": Row("eq. (1)", "Sec. 2", "A sum.", outside="too large.")}
    assert ledger.fill(outside, [], []) == []
    (line,) = ledger.fill(outside, CODE, [])
    assert line == "eq. (1): is said to be outside, but hyena_np.ops.toeplitz.causal_conv_loop has it"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ('[[row]]\nid = "eq. (1)"\nwhere = ""\nsays = ""\n' * 2, "stands there twice"),
        ('[[row]]\nid = "Equation 1"\nwhere = ""\nsays = ""\n', "is no place of a paper"),
    ],
)
def test_a_bad_list_of_rows(tmp_path, rows, says):
    file = tmp_path / "ledger.toml"
    file.write_text(rows)
    with pytest.raises(LedgerError, match=says):
        ledger.rows_of(file)


def test_an_incomplete_ledger_is_an_error(monkeypatch):
    for kind in ("of_code", "of_tests", "of_exercises"):
        monkeypatch.setattr(marks, kind, lambda: [])
    monkeypatch.setattr(marks, "of_notebooks", lambda code: [])
    with pytest.raises(LedgerError, match=r"Def\. 3\.1: no test"):
        ledger.read()


# --- this repository's --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows():
    return ledger.read()


def test_the_ledger_is_complete(rows):
    numbered = [f"eq. ({n})" for n in range(1, 23)]
    named = ["Def. 3.1", "Prop. 3.1", "Prop. 3.2", "Remark 2.1", "Remark 3.1", "Remark 3.2", "Remark 3.3"]
    named += [f"Algorithm {n}" for n in (1, 2, 3)]
    tables = [f"Table 4.{n}" for n in range(1, 8)] + [f"Table A.{n}" for n in range(1, 6)] + ["Table C.1"]
    assert set(numbered + named + tables) <= set(rows)
    assert {row.id for row in rows.values() if row.outside} == {"Table 4.5", "Table 4.6", "Table A.5"}


def test_the_mathematics_has_a_notebook(rows):
    for row in rows.values():
        if row.id.startswith(("eq.", "Def.", "Prop.", "Remark", "Algorithm")):
            assert row.notebooks, row.id


def names_in(file):
    """``test_x`` and ``TestY::test_z`` of a file of tests."""
    tree = ast.parse((marks.ROOT / file).read_text())
    return {name for node in tree.body for name, _ in marks.with_methods(node)}


def test_marked_tests_are_there(rows):
    by_file = {}
    for row in rows.values():
        for mark in row.tests:
            by_file.setdefault(mark.file, set()).add(mark.name.partition("::")[2])
    for file, names in by_file.items():
        assert names <= names_in(file), file


def test_every_row_has_its_entry_on_the_page(rows):
    text = ledger_page.page(rows)
    for row in rows.values():
        assert f"### {row.id[0].upper()}{row.id[1:]}\n" in text
        assert f"](#{ledger_page.slug(row.id)})" in text
    assert "{py:obj}`hyena_recurrence <hyena_np.hyena_recurrence>`" in text
    assert "Not here: no training on ImageNet" in text
