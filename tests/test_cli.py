"""The command line: help that teaches, and mistakes that cost the user one line."""

import importlib.metadata
import re

import pytest

import hyena_np
from hyena_np import cli
from hyena_np.errors import HyenaError, NonFiniteError
from support.command import assert_one_line, command, finish, start
from support.libraries import gpu_missing

OPTIONS = {option.name: option for option in cli.demo.params}

# --- help ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)], ids=["nothing", "help", "h"])
def test_help_says_where_to_begin(capsys, arguments):
    ended = command(capsys, *arguments)
    assert (ended.status, ended.err) == (0, "")
    assert "hyena-np demo" in ended.out
    assert "notebooks" in ended.out


def test_help_of_the_demo_explains_every_option_with_its_default_and_shows_examples(capsys):
    ended = command(capsys, "demo", "--help")
    assert (ended.status, ended.err) == (0, "")
    for option in OPTIONS.values():
        assert len(option.help.split()) > 2
        assert option.opts[0] in ended.out
    assert "[default: hyena-demo]" in " ".join(ended.out.split())
    assert ended.out.count("hyena-np demo --") >= 3
    assert "Ctrl-C" in ended.out


def test_the_defaults_that_help_promises_are_those_of_the_recipe():
    from hyena_np.demo.recipe import RecallRecipe

    for name in ("vocab", "length", "seed"):
        assert f"[default: {getattr(RecallRecipe(), name)}]" in OPTIONS[name].help


def test_version(capsys):
    ended = command(capsys, "--version")
    assert (ended.status, ended.err) == (0, "")
    assert hyena_np.__version__ in ended.out


def test_the_installed_script_is_this_command():
    try:
        scripts = importlib.metadata.distribution("hyena-np").entry_points
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the package is imported from its folder, not installed")
    (script,) = [script for script in scripts if script.group == "console_scripts"]
    assert script.name == "hyena-np"
    assert script.load() is cli.main


def test_every_command_line_that_help_shows_is_understood(capsys, monkeypatch, tmp_path):
    """With the run itself left out."""
    monkeypatch.chdir(tmp_path)
    shown = re.findall(r"^ +hyena-np (demo(?: --\w+(?: \w+)?)*)  ", cli.demo.help, re.MULTILINE)
    assert len(shown) >= 4
    import hyena_np.demo.folder

    monkeypatch.setattr(hyena_np.demo.folder, "open_folder", reached)
    for line in shown:
        assert_one_line(command(capsys, *line.split()), 2, "understood")


def reached(*arguments):
    raise HyenaError("understood")


# --- mistakes -----------------------------------------------------------------------------------------------

MISTAKES = {
    "unknown-command": ("teach", "'teach'"),
    "unknown-option": ("--verbose", "--verbose"),
    "unknown-option-of-demo": ("demo --verbose", "--verbose"),
    "misspelt-option": ("demo --lenght 64", "--lenght"),
    "argument-too-many": ("demo again", "again"),
    "command-before-option": ("--seed 1 demo", "--seed"),
    "vocab-odd": ("demo --vocab 7", "vocab", "7", "even"),
    "vocab-small": ("demo --vocab 2", "vocab", "2"),
    "vocab-negative": ("demo --vocab -20", "vocab", "-20"),
    "vocab-word": ("demo --vocab x", "vocab", "'x'"),
    "vocab-fraction": ("demo --vocab 20.0", "vocab", "'20.0'"),
    "vocab-empty": ("demo --vocab=", "vocab"),
    "vocab-missing": ("demo --vocab", "vocab"),
    "vocab-huge": ("demo --vocab 100000000000000000000", "vocab"),
    "vocab-more-than-memory": ("demo --vocab 1000000000", "vocab"),
    "length-zero": ("demo --length 0", "length", "0"),
    "length-one": ("demo --length 1", "length", "1"),
    "length-negative": ("demo --length -3", "length", "-3"),
    "length-huge": ("demo --length 100000000000000000000", "length"),
    "length-missing": ("demo --length --seed 1", "length"),
    "seed-negative": ("demo --seed -1", "seed", "-1"),
    "seed-word": ("demo --seed one", "seed", "'one'"),
    "steps-zero": ("demo --steps 0", "steps", "0"),
    "steps-negative": ("demo --steps -1", "steps", "-1"),
    "steps-huge": (f"demo --steps 1{'0' * 400}", "steps"),
    "steps-fraction": ("demo --steps 1e3", "steps", "'1e3'"),
    "steps-missing": ("demo --steps", "steps"),
    "backend-unknown": ("demo --backend jax", "backend", "'jax'", "numpy", "cupy"),
    "backend-in-capitals": ("demo --backend NumPy", "backend", "'NumPy'"),
    "backend-missing": ("demo --backend", "backend"),
    "out-missing": ("demo --out", "out"),
    "a-flag-with-a-value": ("demo --quiet=1", "quiet"),
    "resume-and-overwrite": ("demo --resume --overwrite", "resume", "overwrite"),
    "resume-nothing": ("demo --resume", "resume", "hyena-demo"),
    "task-of-one-example": ("demo --vocab 4 --length 64", "vocab", "length", "1 distinct"),
    "task-too-small-to-hold-examples-out": ("demo --vocab 8 --length 6", "vocab", "length", "819"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_status_two_and_nothing_is_written(capsys, monkeypatch, tmp_path, mistake):
    monkeypatch.chdir(tmp_path)
    line, *mentioned = MISTAKES[mistake]
    ended = command(capsys, *line.split())
    assert_one_line(ended, 2, *mentioned)
    assert ended.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(gpu_missing() is None, reason="a GPU answers here")
def test_a_gpu_that_is_not_there_is_said_to_be_missing(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert_one_line(command(capsys, "demo", "--backend", "cupy"), 2, "cupy")
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_points_to_the_help_of_its_command(capsys):
    assert "'hyena-np demo --help'" in command(capsys, "demo", "--vocab", "x").err
    assert "'hyena-np --help'" in command(capsys, "teach").err


def test_a_mistake_in_a_process_of_its_own(tmp_path):
    ended = finish(start("demo", "--vocab", 7, cwd=tmp_path))
    assert_one_line(ended, 2, "vocab")
    assert list(tmp_path.iterdir()) == []


# --- what may go wrong later --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "mentioned"),
    [
        (HyenaError("first line\n  and more"), 2, "first line and more"),
        (NonFiniteError("step 3: the loss is nan"), 1, "step 3"),
        (MemoryError(), 2, "memory"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_how_an_error_ends_the_command(capsys, monkeypatch, error, status, mentioned):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(cli.cli, "main", fail)
    assert_one_line(command(capsys, "demo"), status, mentioned)


def test_a_bug_is_not_dressed_up_as_a_users_mistake(capsys, monkeypatch):
    """A traceback is what its author needs."""

    def fail(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(cli.cli, "main", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["demo"])
