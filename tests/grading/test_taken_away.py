"""A function that is taken away is dead through every reference, and says so."""

import functools

import pytest

from grading.classes import python
from hyena_np.grading.taken_away import (
    Gone,
    GoneModule,
    NotAvailableError,
    _functions,
    _kill,
    sources_of,
    watch,
)


def made(scale):
    offset = 1.0

    def scaled(x, *, power=2, _options=None):
        return offset + scale * x**power

    return scaled


def test_every_reference_is_dead_closure_defaults_and_all():
    called = []
    function, other = made(3.0), made(2.0)
    references = [
        function,
        functools.partial(function, 1.0),
        {"f": function}["f"],
        lambda x: function(x, power=3),
    ]
    _kill(function, Gone("a.scaled", called.append))
    for reference in references:
        with pytest.raises(NotAvailableError, match=r"^a\.scaled may not be used in this exercise$"):
            reference(1.0)
    with pytest.raises(NotAvailableError):
        function()
    assert called == ["a.scaled"] * 5
    assert other(2.0) == 9.0  # of the same code


def test_what_a_decorator_has_wrapped_is_found():
    def inner():
        return 1

    @functools.wraps(inner)
    def outer():
        return inner()

    import numpy as np

    assert list(_functions(outer)) == [outer, inner]
    assert [f.__name__ for f in _functions(np.convolve)] == ["convolve"]
    assert list(_functions(len)) == []


def test_a_module_that_is_gone_can_be_imported_and_not_used():
    called = []
    module = GoneModule("scipy.signal", called.append)
    held = module.fftconvolve
    assert called == []
    with pytest.raises(NotAvailableError, match=r"scipy\.signal\.fftconvolve"):
        held(1, 2)
    with pytest.raises(NotAvailableError):
        module.windows.hann(3)
    assert called == ["scipy.signal.fftconvolve", "scipy.signal.windows.hann"]
    with pytest.raises(AttributeError):
        module.__wrapped__  # noqa: B018


def test_names_may_come_twice_and_within_each_other():
    """In a process of its own: what is taken away stays away."""
    code = """
    import sys
    from hyena_np.grading.taken_away import take_away
    names = ("scipy.signal", "scipy.signal.fftconvolve", "scipy.signal", "numpy.convolve", "numpy.convolve",
             "scipy.special.nothing", "nothing.at.all", "nothing")
    sources = take_away(names, print)
    print(*sorted(source.rpartition("/")[2] for source in sources if not source.endswith(".pyc")))
    import numpy, scipy.signal
    for call in (scipy.signal.fftconvolve, numpy.convolve, numpy.polymul):
        try:
            call([1.0], [1.0])
        except Exception as error:
            print(type(error).__name__)
    """
    assert python(code) == [
        *("numeric.py", "signal"),
        *("scipy.signal.fftconvolve", "NotAvailableError", *("numpy.convolve", "NotAvailableError") * 2),
    ]


def test_only_python_itself_reads_what_was_compiled():
    reported = []
    watching = watch(
        {"/a/b.py": "p.b", "/a/__pycache__/b.cpython-311.pyc": "p.b", "/q": "q"}, reported.append
    )
    watching("/a/b.py", "/a/b.py")
    watching("/q", "/q/c.py")
    watching("/a", "/a/__pycache__/bc.cpython-311.pyc")  # closed for another reason
    assert reported == []
    watching("/a/__pycache__/b.cpython-311.pyc", "/a/__pycache__/b.cpython-311.pyc")
    watching("/q", "/q/__pycache__/c.cpython-311.pyc")
    assert reported == ["p.b", "q"]


def test_what_was_compiled_from_a_file_is_closed_with_it(tmp_path):
    (tmp_path / "__pycache__").mkdir()
    for name in ("a.py", "ab.py", "__pycache__/a.cpython-311.pyc", "__pycache__/ab.cpython-311.pyc"):
        (tmp_path / name).write_text("")
    found = {path.removeprefix(f"{tmp_path}/") for path in sources_of(str(tmp_path / "a.py"))}
    assert found == {"a.py", "__pycache__/a.cpython-311.pyc"}
