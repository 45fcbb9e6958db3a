"""What holds for the repository as a whole: layers, documented names, project files, a quick command."""

import ast
import graphlib
import importlib
import inspect
import re
import resource
import statistics
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import hyena_np

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "hyena_np"

# From the top of the house to its foundation. A file imports from its own layer or from lower ones; layers on
# one line are neighbours that know nothing of each other.
LAYERS = (
    ("cli",),
    ("grading",),
    ("exercises",),
    ("bench",),
    ("experiments",),
    ("demo", "writing"),
    ("plots", "training", "tasks"),
    ("models",),
    ("fast",),
    ("ops",),
    ("backend", "files", "machine"),
    ("errors",),
)
# Within ops/, the order in which one reads it: a file imports from earlier ones only.
OPS = (
    "checks",
    "filter_configs",
    "config",
    "parameters",
    "filter_arguments",
    "toeplitz",
    "fftconv",
    "monarch",
    "blockconv",
    "projection",
    "filters",
    "fir",
    "longconv",
    "fno",
    "s4d",
    "transfer_function",
    "ckconv",
    "long_filter",
    "hyena",
    "special_cases",
    "matrices",
    "layers",
    "centred_conv",
    "bidirectional",
    "fftconv2d",
    "noncausal_config",
    "gated_operator",
    "bidirectional_hyena",
    "filters2d",
    "hyena2d",
    "losses",
    "attention",
    "mixer_arguments",
    "branches",
    "state_space",
    "gss_layer",
    "h3_layer",
    "decayed_sums",
    "lag_average",
    "sigmoid_gate",
    "aft_conv",
    "rwkv",
    "linear_attention",
    "linear_attention_layer",
)
# Array libraries, and who may name them: the mathematics never, host-side code NumPy.
HOST_LIBRARIES = {"numpy", "scipy"}
DEVICE_LIBRARIES = {"cupy", "cupyx", "torch", "array_api_compat", "array_api_strict", "jax"}
HOST_LAYERS = {
    "backend",
    "fast",
    "tasks",
    "plots",
    "training",
    "demo",
    "writing",
    "experiments",
    "bench",
    "exercises",
    "grading",
    "cli",
}


# --- imports ------------------------------------------------------------------------------------------------


START = PACKAGE / "exercises" / "start"  # what students get: data, not code of the package


def sources():
    return sorted(path for path in PACKAGE.rglob("*.py") if path.parent != START)


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def type_checking_only(tree):
    """Nodes under ``if TYPE_CHECKING:``, which never run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from (inner for statement in node.body for inner in ast.walk(statement))


def imported_modules(path, text=None):
    """Dotted names of all modules that a file imports when it runs, wherever in the file it does."""
    tree = ast.parse(path.read_text() if text is None else text)
    skipped = set(type_checking_only(tree))
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            for alias in node.names:
                if (module, alias.name) == ("hyena_np", "__version__"):
                    continue  # a string, there before anything else is
                inner = f"{module}.{alias.name}"
                yield inner if is_module(inner) else module
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            if node.args and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


def is_module(name):
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def layer_of(module):
    """Depth of a module of the package, or None for the package itself, which stands above all."""
    parts = module.split(".")
    if len(parts) == 1:
        return None
    return next(depth for depth, names in enumerate(LAYERS) if parts[1] in names)


def upward_imports(path, text=None):
    """Imports from a higher layer, from a neighbour, or from the package itself."""
    importer = module_name(path)
    depth = layer_of(importer)
    for module in imported_modules(path, text):
        if module.split(".")[0] != "hyena_np":
            continue
        target = layer_of(module)
        if target is None or target < depth:
            yield module
        elif target == depth and module.split(".")[1] != importer.split(".")[1]:
            yield module


def test_every_file_belongs_to_a_layer():
    known = {name for names in LAYERS for name in names}
    assert {module_name(path).split(".")[1] for path in sources() if module_name(path) != "hyena_np"} == known


@pytest.mark.parametrize(
    "path", [path for path in sources() if path != PACKAGE / "__init__.py"], ids=module_name
)
def test_imports_run_downwards(path):
    assert list(upward_imports(path)) == []


@pytest.mark.parametrize(
    "text",
    [
        "import hyena_np",
        "from hyena_np import fftconv",
        "from hyena_np.models.params import flatten",
        "from ..models import params",
        "def f():\n    import hyena_np.training.loop",
        "import importlib\nimportlib.import_module('hyena_np.cli')",
    ],
)
def test_an_upward_import_is_seen_however_it_is_written(text):
    assert list(upward_imports(PACKAGE / "ops" / "fftconv.py", text))


def test_no_import_cycles():
    graph = {module_name(path): set(imported_modules(path)) - {module_name(path)} for path in sources()}
    graph = {name: {other for other in others if other in graph} for name, others in graph.items()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


def test_ops_read_from_top_to_bottom():
    files = {path.stem for path in (PACKAGE / "ops").glob("*.py")} - {"__init__"}
    assert files == set(OPS), "a new op is entered in the reading order above"
    for position, name in enumerate(OPS):
        for module in imported_modules(PACKAGE / "ops" / f"{name}.py"):
            if module.startswith("hyena_np.ops."):
                assert OPS.index(module.split(".")[2]) < position, f"{name} imports {module}"


def forbidden_libraries(path, text=None):
    layer = module_name(path).split(".")[1] if "." in module_name(path) else ""
    forbidden = set() if layer == "backend" else set(DEVICE_LIBRARIES)
    if layer not in HOST_LAYERS and not (layer == "models" and numpy_only_draws_weights(path, text)):
        forbidden |= HOST_LIBRARIES
    return sorted({module.split(".")[0] for module in imported_modules(path, text)} & forbidden)


def numpy_only_draws_weights(path, text=None):
    """Initial weights are drawn on the host; only functions with ``init`` in their names may name NumPy."""
    tree = ast.parse(path.read_text() if text is None else text)
    drawing = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and "init" in node.name]
    allowed = {inner for function in drawing for inner in ast.walk(function)}
    names = {node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in ("np", "numpy")}
    return names <= allowed and "scipy" not in {
        module.split(".")[0] for module in imported_modules(path, text)
    }


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_array_libraries_are_named_in_their_places_only(path):
    assert forbidden_libraries(path) == []


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("ops/hyena.py", "import numpy as np"),
        ("ops/hyena.py", "def f():\n    from cupy import fft"),
        ("models/params.py", "import scipy.fft"),
        ("models/language_model.py", "import numpy as np\ndef language_model(ids):\n    return np.exp(ids)"),
        ("tasks/recall.py", "import torch"),
        ("training/loop.py", "import importlib\nimportlib.import_module('cupy')"),
    ],
)
def test_a_misplaced_library_is_seen(where, text):
    assert forbidden_libraries(PACKAGE / where, text)


def test_loading_the_mathematics_loads_no_plots_and_no_device_library():
    code = "import sys, hyena_np; hyena_np.hyena, hyena_np.init_hyena; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(loaded.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"matplotlib", "torch", "cupy", "click", "tqdm", "IPython", "safetensors"}


# --- every public name is documented ------------------------------------------------------------------------

PUBLIC = {name: getattr(hyena_np, name) for name in hyena_np.__all__}
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}


def sections(docstring):
    """Numpydoc sections by title: a line underlined with dashes."""
    parts = re.split(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", inspect.cleandoc(docstring or ""), flags=re.MULTILINE)
    return {"Summary": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def documented_parameters(section):
    """Names in a Parameters section: unindented lines ``a, b : type``."""
    heads = [line.partition(":")[0] for line in section.splitlines() if line and not line[0].isspace()]
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


SHAPE = re.compile(
    r"\((?:\d|[A-Z]|filters|\.\.\.)[^()]*,[^()]*\)|\([A-Z],?\)|\b0-d\b|\b[Ss]hapes?\b|\bscalar\b"
)
SOURCE = re.compile(r"Source: \S+")


def test_everything_public_is_a_function_a_class_or_a_version():
    rest = set(PUBLIC) - set(FUNCTIONS) - set(CLASSES)
    assert all(isinstance(PUBLIC[name], str | tuple) or inspect.ismodule(PUBLIC[name]) for name in rest)
    assert len(FUNCTIONS) > 40


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_public_function_says_shapes_and_source(name):
    function = FUNCTIONS[name]
    found = sections(function.__doc__)
    assert "Returns" in found or "Yields" in found
    parameters = list(inspect.signature(function).parameters)
    if parameters:
        assert documented_parameters(found["Parameters"]) == parameters
    if "array" in function.__doc__:
        assert SHAPE.search(function.__doc__), "no shape of an argument or a result is given"
    assert SOURCE.search(function.__doc__), "no 'Source: paper section or official code'"


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_public_class_says_what_its_fields_are(name):
    cls = CLASSES[name]
    assert cls.__doc__
    assert not cls.__doc__.startswith(f"{name}("), (
        "the docstring that a dataclass or named tuple makes by itself"
    )
    if issubclass(cls, Exception):
        return
    found = sections(cls.__doc__)
    fields = [name for name in getattr(cls, "__dataclass_fields__", {}) if not name.startswith("_")]
    assert set(fields) <= set(documented_parameters(found.get("Parameters", found.get("Attributes", ""))))


@pytest.mark.parametrize("name", sorted(name for name in FUNCTIONS if name.endswith("_backward")))
def test_every_backward_has_its_forward_next_to_it(name):
    forward, backward = FUNCTIONS[name.removesuffix("_backward")], FUNCTIONS[name]
    assert forward.__module__ == backward.__module__
    assert list(inspect.signature(backward).parameters)[1:] == ["cache"]


def test_the_stub_exports_what_the_package_has():
    """A stub exports ``a as a`` only: type checkers do not see a bare ``a``, and linters remove it."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    aliases = [alias for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert all(alias.asname == alias.name for alias in aliases)
    assert {alias.name for alias in aliases} == set(hyena_np.__all__) - {"__version__"}
    assert hyena_np.__all__


def test_every_module_says_what_it_is():
    for path in sources():
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path.name} has no docstring"


def test_a_misspelt_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="fftcnov"):
        hyena_np.fftcnov  # noqa: B018
    with pytest.raises(ImportError):
        importlib.import_module("hyena_np.fftcnov")


# --- project files ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def commands(text):
    """Lines of the shell blocks of a Markdown text."""
    blocks = re.findall(r"^```(?:bash|sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


def test_the_readme_commands_are_the_ones_ci_runs():
    promised = [
        "python -m pip install -e . && hyena-np demo",
        'python -m pip install -e ".[test]" && pytest',
    ]
    shown = commands((ROOT / "README.md").read_text())
    run = re.findall(r"^run '([^']*)'", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    for command in promised:
        assert command in shown
        assert command in run
    assert [command for command in shown if "pip install -e" in command and "&&" in command] == promised


def test_readme_links_lead_somewhere():
    for file in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)\)|<img[^>]* src=\"([^\"]+)\"", (ROOT / file).read_text()):
            target = "".join(target)
            assert target.startswith("https://") or (ROOT / target).exists(), f"{file} links to {target}"


def test_the_readme_example_runs():
    (example,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    assert names["y"].shape == names["du"].shape == (1, 64, 8)
    assert names["H"].shape == (1, 8, 64, 64)


def test_the_readme_table_names_functions_that_exist():
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| ")]
    named = [name for row in rows for name in re.findall(r"`([a-z_0-9]+)`", row)]
    assert len(named) > 15
    assert set(named) <= set(FUNCTIONS)


def test_one_version_everywhere():
    version = hyena_np.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert re.search(rf"^version: {re.escape(version)}$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest[1] == version


def test_extras_have_the_promised_names(pyproject):
    extras = pyproject["project"]["optional-dependencies"]
    assert set(extras) >= {"test", "notebooks", "gpu12", "gpu13", "docs", "torch"}
    assert not any("torch" in requirement for requirement in extras["test"])
    for cuda in ("12", "13"):
        assert [re.split("[>=]", name)[0] for name in extras[f"gpu{cuda}"]] == [f"cupy-cuda{cuda}x[ctk]"]


def test_requirements_have_floors_and_no_caps(pyproject):
    project = pyproject["project"]
    extras = dict(project["optional-dependencies"])
    del extras["lab"]  # its versions belong to one release of Pyodide
    for group in [project["dependencies"], *extras.values()]:
        for requirement in group:
            assert re.fullmatch(r"[a-z0-9-]+(\[[a-z]+\])?>=[\d.]+", requirement)
    assert project["requires-python"] == ">=3.11"
    assert "numpy>=2.0" in project["dependencies"]


def test_what_the_package_imports_is_what_it_requires(pyproject):
    imported = {module.split(".")[0] for path in sources() for module in imported_modules(path)}
    required = {
        re.split("[>=]", requirement)[0].replace("-", "_")
        for requirement in pyproject["project"]["dependencies"]
    }
    optional = {"cupy", "cupyx", "torch", "array_api_strict", "ipywidgets", "IPython", "distributed"}
    optional |= {"pooch", "sklearn", "pytest"}
    outside = imported - set(sys.stdlib_module_names) - {"hyena_np"} - optional
    brought_along = {"cycler", "mpl_toolkits"}  # part of matplotlib
    assert outside - brought_along == required


@pytest.mark.parametrize("file", ["environment.yml", "environment-gpu.yml"])
def test_conda_environments_ask_for_what_pyproject_asks_for(pyproject, file):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    environment = yaml.safe_load((ROOT / file).read_text())
    extras = pyproject["project"]["optional-dependencies"]
    wanted = set(pyproject["project"]["dependencies"]) | set(extras["test"]) | set(extras["notebooks"])
    wanted = {requirement.replace("matplotlib>", "matplotlib-base>") for requirement in wanted}
    found = {entry for entry in environment["dependencies"] if isinstance(entry, str)}
    assert wanted <= found
    assert ("cupy>=14" in found) == (file == "environment-gpu.yml")


def test_citation_is_complete():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= set(citation)
    assert citation["license"] == "BSD-3-Clause"
    (paper,) = citation["references"]
    assert paper["title"].startswith("Hyena Hierarchy")
    assert [author["family-names"] for author in paper["authors"]][::8] == ["Poli", "Ré"]
    assert paper["identifiers"][0]["value"] == "arXiv:2302.10866"


def repository_files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [path for path in (ROOT / name for name in listed.stdout.splitlines()) if path.is_file()]
    # A virtual environment in the clone, of whatever name, is not of the repository.
    environments = {path.parent for path in ROOT.glob("*/pyvenv.cfg")}
    return [path for path in files if not environments & set(path.parents)]


def test_no_file_names_a_folder_of_somebodys_machine():
    folder = re.compile(rb"(?<![\w.~-])/(?:home|root|Users|work|opt|private)/\w")
    for path in repository_files():
        content = path.read_bytes()
        if b"\0" in content[:1024] or path == Path(__file__):
            continue
        found = folder.search(content)
        assert not found, f"{path.relative_to(ROOT)}: {content[found.start() : found.start() + 60]!r}"


def test_no_file_is_large():
    for path in repository_files():
        assert path.stat().st_size < 3_000_000, f"{path.relative_to(ROOT)} weighs {path.stat().st_size} bytes"


# --- the command starts quickly -----------------------------------------------------------------------------


def run_help():
    """What the script ``hyena-np --help`` does, wherever the package is installed."""
    code = "from hyena_np.cli import main; main()"
    command = [sys.executable, "-c", code, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_help_answers_at_once():
    """Within 0.3 s of processor time, which a busy machine does not change."""
    seconds = []
    for _ in range(7):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "demo" in run_help()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert statistics.median(seconds) < 0.3


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom hyena_np.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\nprint('LOADED', *sys.modules)"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    loaded = set(output.partition("LOADED")[2].split())
    assert "click" in loaded
    assert not loaded & {"numpy", "scipy", "matplotlib", "tqdm", "safetensors", "array_api_compat"}


# --- what is shipped ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(tmp_path):
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {name for name in names if not name.split("/")[0].endswith(".dist-info")}
    expected = {
        path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*") if path.suffix in (".py", ".pyi")
    }
    results = {path.relative_to(ROOT).as_posix() for path in (PACKAGE / "experiments/results").glob("*.csv")}
    assert len(results) >= 8
    exercises = {path.relative_to(ROOT).as_posix() for path in START.glob("*.ipynb")}
    assert len(exercises) >= 14
    data = {"hyena_np/py.typed", "hyena_np/fast/conv_forms.csv"}
    assert package == expected | results | exercises | data
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.slow
def test_the_source_distribution_holds_what_its_tests_need(tmp_path):
    import tarfile

    pytest.importorskip("hatchling", reason="hatchling is not installed")
    from hatchling.builders.sdist import SdistBuilder

    (archive,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    needed = {"README.md", "LICENSE", "CITATION.cff", "environment.yml", ".ci/run", "notebooks/build.py"}
    tests = {
        path.relative_to(ROOT).as_posix()
        for folder in ("tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert needed | tests <= names
