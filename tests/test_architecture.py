"""The layers of the house: who imports what, in which order, how long things are.

The table names every module from the bottom up with all that it imports, so imports point down, no
import is granted that nobody makes, and a new one is seen in review.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

import skrnn
from skrnn import choices, losses

PACKAGE = Path(__file__).parents[1] / "skrnn"
FILES = sorted(PACKAGE.rglob("*.py"))

# module -> what it imports of skrnn, and which other packages; the lowest first.
LAYERS = {
    "version": ("", ""),
    "callbacks": ("", "sklearn"),
    "choices": ("", ""),
    "quantiles": ("", "numpy"),
    "portions": ("", ""),
    "blas": ("", "scipy threadpoolctl"),
    "kernels": ("", ""),
    "kernels.disk": ("", "numba"),
    "kernels.interrupts": ("", ""),
    "kernels.announcements": ("", "numba"),
    "kernels.jit": ("kernels.disk kernels.interrupts", "numba numpy"),
    "kernels.vectors": ("", "llvmlite numba numpy"),
    "kernels.activations": ("kernels.vectors", "numpy"),
    "kernels.interpreted": ("kernels.vectors", "numpy"),
    "kernels.tile": ("kernels.interpreted kernels.jit kernels.vectors", "llvmlite numba"),
    "kernels.matmul": ("kernels.jit kernels.tile", "numpy"),
    "kernels.rnn": ("kernels.activations kernels.vectors", ""),
    "kernels.gru": ("kernels.activations", ""),
    "kernels.lstm": ("kernels.activations", ""),
    "kernels.units": ("kernels.vectors", "llvmlite numba"),
    "kernels.step": (
        "kernels.interpreted kernels.jit kernels.units kernels.vectors",
        "numba numpy",
    ),
    "kernels.instructions": (
        "kernels.interpreted kernels.jit kernels.units kernels.vectors",
        "numba numpy",
    ),
    "kernels.recurrence": ("kernels.instructions kernels.jit kernels.matmul kernels.step", ""),
    "kernels.losses": ("kernels.jit", "numpy"),
    "kernels.packing": ("kernels.jit", ""),
    "kernels.pooling": ("kernels.jit", ""),
    "kernels.embedding": ("kernels.instructions kernels.jit kernels.matmul", "numpy"),
    "kernels.attention": (
        "kernels.activations kernels.instructions kernels.jit kernels.matmul kernels.vectors",
        "numpy",
    ),
    "kernels.softmax": ("kernels.activations kernels.instructions kernels.jit", ""),
    "kernels.mixtures": ("kernels.jit", "numpy"),
    "kernels.beams": ("kernels.jit kernels.softmax", "numpy"),
    "kernels.ctc": (
        "kernels.activations kernels.beams kernels.instructions kernels.jit kernels.softmax "
        "kernels.vectors",
        "numpy",
    ),
    "kernels.decoder": (
        "kernels.activations kernels.embedding kernels.instructions kernels.jit kernels.matmul "
        "kernels.pooling kernels.recurrence kernels.step kernels.vectors",
        "numpy",
    ),
    "kernels.writing": ("kernels.beams kernels.decoder kernels.jit kernels.matmul", "numpy"),
    "kernels.edit_distance": ("kernels.jit", ""),
    "kernels.timeline": ("kernels.instructions kernels.jit kernels.vectors", ""),
    "kernels.affine": ("kernels.instructions kernels.jit kernels.timeline kernels.vectors", ""),
    "kernels.streams": ("kernels.affine kernels.jit kernels.timeline", ""),
    "kernels.updates": ("kernels.jit", "numpy"),
    "data": ("", ""),
    "data.sequences": ("", "numpy"),
    "data.copies": ("data.sequences", "numpy"),
    "data.scaling": ("", "numpy"),
    "data.checks": ("", "numpy"),
    "data.columns": ("data.checks", ""),
    "data.reading": ("data.checks data.columns data.sequences", "numpy scipy sklearn"),
    "data.categories": ("data.checks data.columns data.sequences", "numpy scipy"),
    "data.gaps": ("data.sequences", "numpy"),
    "data.tokens": ("data.checks data.sequences", "numpy scipy"),
    "data.documents": ("data.checks", "numpy"),
    "data.feature_names": ("", "numpy sklearn"),
    "data.schema": (
        "data.categories data.checks data.columns data.feature_names data.gaps data.reading "
        "data.sequences data.tokens",
        "numpy",
    ),
    "data.streams": ("data.checks data.columns", "numpy"),
    "data.weights": ("data.checks", "numpy sklearn"),
    "data.target": ("", ""),
    "data.given": ("data.checks", "numpy sklearn"),
    "data.labels": ("data.checks data.given", "numpy sklearn"),
    "losses": ("choices portions quantiles", "numpy scipy"),
    "mixtures": ("choices losses quantiles", "numpy scipy"),
    "data.regression": ("data.checks data.given data.target losses", "numpy sklearn"),
    "data.classes": ("data.checks data.labels data.target losses", "numpy scipy sklearn"),
    "data.continuations": (
        "data.checks data.classes data.given data.labels data.scaling data.sequences "
        "data.target data.tokens data.weights losses mixtures",
        "numpy scipy sklearn",
    ),
    "data.steps": ("data.checks data.given data.reading data.weights", "numpy"),
    "data.transcripts": (
        "choices data.checks data.given data.target data.weights losses portions",
        "numpy scipy",
    ),
    "data.targets": ("data.classes data.continuations data.regression data.transcripts", ""),
    "data.examples": ("data.copies data.sequences", "numpy sklearn"),
    "network": ("", ""),
    "network.threads": ("", "numpy"),
    "network.workspace": ("kernels.matmul", "numpy"),
    "network.timeline": ("kernels.timeline", "numpy"),
    "network.examples": ("kernels.timeline", "numpy"),
    "network.block": ("", "numpy"),
    "network.layout": ("", "numpy"),
    "network.inputs": ("kernels.timeline network.block", "numpy"),
    "network.embedding": ("kernels.embedding network.block", "numpy"),
    "network.layer": (
        "kernels.embedding kernels.jit kernels.matmul kernels.recurrence network.block",
        "numpy",
    ),
    "network.pooling": ("kernels.pooling network.block", "numpy"),
    "network.decoder": (
        "kernels.decoder kernels.embedding kernels.matmul kernels.writing network.block "
        "network.embedding network.layer network.timeline",
        "numpy",
    ),
    "network.search": ("kernels.beams", "numpy"),
    "network.attention": (
        "kernels.attention kernels.matmul network.block network.pooling",
        "numpy",
    ),
    "network.head": ("kernels.affine kernels.jit kernels.matmul network.block", "numpy"),
    "network.passes": (
        "kernels.losses kernels.timeline network.timeline network.workspace",
        "numpy",
    ),
    "network.repeated": (
        "kernels.jit kernels.losses kernels.recurrence kernels.timeline network.head "
        "network.inputs network.passes network.pooling",
        "numpy",
    ),
    "network.weights": ("kernels.packing network.threads network.workspace", "numpy"),
    "network.plan": ("network.timeline", "numpy"),
    "network.steps": (
        "kernels.jit kernels.recurrence network.passes network.timeline network.workspace",
        "numpy",
    ),
    "network.network": (
        "blas choices kernels.updates network.block network.embedding network.examples "
        "network.head network.inputs network.layer network.layout network.passes "
        "network.plan network.pooling network.repeated network.threads network.weights "
        "network.workspace",
        "numpy",
    ),
    "network.tracing": (
        "network.examples network.inputs network.network network.passes network.threads",
        "numpy",
    ),
    "linear": ("", ""),
    "linear.ridge": ("", "numpy scipy"),
    "linear.logistic": ("", "numpy scipy"),
    "linear.calibration": ("quantiles", "numpy scipy"),
    "linear.rounding": ("", "numpy"),
    "linear.affine_map": ("", ""),
    "linear.inputs": ("data.sequences", "numpy"),
    "linear.curves": ("", "numpy"),
    "linear.limits": ("kernels.affine", "numpy"),
    "linear.folds": ("linear.logistic linear.ridge", "numpy scipy"),
    "linear.path": (
        "blas data.copies data.scaling kernels.affine kernels.jit kernels.timeline "
        "linear.affine_map linear.calibration linear.curves linear.folds linear.inputs "
        "linear.limits linear.logistic linear.ridge linear.rounding",
        "numpy",
    ),
    "linear.token_window": ("data.sequences linear.path", "numpy"),
    "linear.bag": (
        "blas data.scaling linear.affine_map linear.calibration linear.logistic linear.rounding",
        "numpy scipy",
    ),
    "linear.blending": ("", "numpy"),
    "learning": ("", ""),
    "learning.advice": ("", "numpy"),
    "learning.schedules": ("", ""),
    "learning.optimizers": ("kernels.updates", "numpy"),
    "learning.progress": ("learning.optimizers", ""),
    "learning.settings": ("", ""),
    "learning.clock": ("", ""),
    "learning.events": ("learning.clock network.examples", "numpy"),
    "learning.training": (
        "learning.advice learning.events learning.optimizers learning.progress "
        "learning.schedules network.examples network.network",
        "numpy scipy",
    ),
    "learning.valid": ("", "numpy"),
    "learning.saved": ("choices learning.valid losses version", "numpy"),
    "learning.consistency": (
        "data.checks data.transcripts learning.saved learning.valid linear.bag "
        "linear.path linear.token_window",
        "numpy",
    ),
    "learning.streams": (
        "data.checks data.streams kernels.streams network.plan network.steps network.threads",
        "numpy",
    ),
    "learning.token_streams": (
        "data.checks data.sequences data.streams data.tokens learning.streams",
        "numpy",
    ),
    "learning.repeated": ("network.passes network.repeated network.threads network.workspace", ""),
    "learning.model": (
        "data.scaling data.schema data.targets learning.consistency learning.repeated "
        "learning.saved learning.streams learning.token_streams linear.bag linear.path "
        "linear.token_window network.inputs network.network version",
        "numpy",
    ),
    "learning.sensitivity": ("data.gaps network.tracing", "numpy"),
    "learning.scales": ("data.checks data.gaps data.scaling learning.model", "numpy"),
    "learning.candidates": (
        "data.examples learning.events learning.model linear.blending",
        "numpy",
    ),
    "learning.outcomes": ("learning.candidates learning.events learning.model", "numpy"),
    "learning.race": (
        "data.examples learning.advice learning.candidates learning.clock "
        "learning.events learning.optimizers learning.outcomes learning.saved "
        "learning.training network.examples network.threads portions",
        "numpy",
    ),
    "learning.transcription": (
        "data.checks data.transcripts kernels.ctc network.examples network.passes network.search",
        "numpy scipy",
    ),
    "learning.generation": ("data.checks data.sequences learning.streams network.steps", "numpy"),
    "learning.fitting": (
        "data.examples data.scaling data.schema kernels.announcements learning.advice "
        "learning.candidates learning.model learning.outcomes learning.race "
        "learning.saved learning.scales learning.settings linear.bag linear.path "
        "linear.token_window network.network quantiles",
        "numpy",
    ),
    "loading": (
        "kernels.interrupts kernels.updates learning.fitting learning.generation "
        "learning.transcription",
        "numpy",
    ),
    "parameters": ("choices losses", "joblib numpy sklearn"),
    "metrics": ("data.steps data.transcripts", "numpy sklearn"),
    "estimators.tasks": ("callbacks loading", ""),
    "estimators.states": ("choices data.checks data.schema parameters", "numpy sklearn"),
    "estimators.streams": ("data.checks", "numpy sklearn"),
    "estimators.recurrent": (
        "callbacks data.checks data.examples data.reading data.schema data.sequences "
        "data.steps data.tokens data.weights estimators.states estimators.streams "
        "estimators.tasks loading parameters",
        "numpy sklearn",
    ),
    "estimators.writing": ("estimators.recurrent parameters", "numpy"),
    "estimators.regressor": (
        "data.checks data.regression data.steps callbacks estimators.recurrent losses parameters",
        "numpy sklearn",
    ),
    "estimators.classifier": (
        "data.classes data.labels data.steps callbacks estimators.recurrent parameters",
        "numpy sklearn",
    ),
    "estimators.generator": (
        "callbacks data.checks data.continuations data.labels data.reading "
        "data.sequences estimators.recurrent estimators.writing loading parameters",
        "numpy sklearn",
    ),
    "estimators.translator": (
        "callbacks data.transcripts estimators.recurrent estimators.writing loading "
        "metrics parameters",
        "numpy sklearn",
    ),
    "estimators": (
        "estimators.classifier estimators.generator estimators.regressor estimators.translator",
        "",
    ),
    "compilation": ("choices estimators", "numpy sklearn"),
    "onnx.graph": ("", "numpy onnx"),
    "onnx.inputs": ("onnx.graph", "numpy"),
    "onnx.cells": ("kernels.gru kernels.lstm kernels.rnn onnx.graph onnx.inputs", "numpy"),
    "onnx.poolings": ("network.attention network.pooling onnx.graph onnx.inputs", "numpy"),
    "onnx.paths": (
        "kernels.timeline linear.bag linear.path linear.token_window onnx.graph onnx.inputs",
        "numpy",
    ),
    "onnx.decoders": ("onnx.cells onnx.inputs", "numpy"),
    "onnx.transcripts": ("onnx.graph onnx.inputs", "numpy"),
    "onnx.continuations": ("data.continuations mixtures onnx.graph onnx.inputs", "numpy"),
    "onnx.outputs": (
        "data.classes data.continuations data.regression data.transcripts onnx.continuations "
        "onnx.graph onnx.transcripts",
        "numpy",
    ),
    "onnx.export": (
        "network.decoder network.embedding network.head network.inputs onnx.cells "
        "onnx.continuations onnx.decoders onnx.graph onnx.inputs onnx.outputs onnx.paths "
        "onnx.poolings",
        "numpy onnx",
    ),
    "onnx.pipelines": ("estimators onnx.export onnx.graph", "numpy skl2onnx"),
    "onnx": ("estimators.recurrent onnx.export onnx.pipelines", "sklearn"),
    "windows.lag_layout": ("callbacks data.checks data.columns", "numpy sklearn"),
    "windows.series": ("data.checks data.columns", "numpy"),
    "windows.covariates": ("data.columns windows.series", "numpy"),
    "windows.making": ("windows.covariates windows.series", "numpy"),
    "windows.scaling": ("callbacks windows.making", "numpy sklearn"),
    "windows.forecasting": ("windows.covariates windows.making windows.series", "numpy"),
    "windows": ("windows.forecasting windows.lag_layout windows.making windows.scaling", ""),
    "text": ("callbacks data.documents parameters", "numpy sklearn"),
    "machine": ("", ""),
    "inspection.explained": ("", "numpy"),
    "inspection.inputs": ("data.checks data.reading data.sequences", "numpy"),
    "inspection.attributions": (
        "data.checks estimators.recurrent inspection.explained inspection.inputs "
        "learning.sensitivity loading parameters",
        "numpy sklearn",
    ),
    "inspection.permutation": ("data.columns data.reading", "numpy sklearn"),
    "inspection": ("inspection.attributions inspection.permutation", ""),
    "plotting.axes": ("", "matplotlib numpy"),
    "plotting.loss_curve": ("plotting.axes", "numpy"),
    "plotting.forecast": ("plotting.axes windows windows.series", "numpy"),
    "plotting.saliency": ("inspection plotting.axes", "numpy"),
    "plotting.attention": ("plotting.axes", "matplotlib numpy"),
    "plotting": (
        "plotting.attention plotting.forecast plotting.loss_curve plotting.saliency",
        "",
    ),
    "__main__": ("compilation", ""),
    "__init__": ("compilation estimators machine version", ""),
}
LAYERS = {name: tuple(set(names.split()) for names in sets) for name, sets in LAYERS.items()}

# What one package of skrnn may see of the others. data knows scikit-learn, which does its checks.
BELOW = {
    "kernels": set(),
    "data": {"choices", "losses", "mixtures", "portions"},
    "network": {"blas", "choices", "kernels"},
    "linear": {"blas", "data", "kernels", "quantiles"},
    "learning": {
        "choices",
        "data",
        "kernels",
        "linear",
        "losses",
        "network",
        "portions",
        "quantiles",
        "version",
    },
    "estimators": {
        "callbacks",
        "choices",
        "data",
        "loading",
        "losses",
        "metrics",
        "parameters",
    },
    "windows": {"callbacks", "data"},
    "inspection": {"data", "estimators", "learning", "loading", "parameters"},
    "plotting": {"inspection", "windows"},
    "onnx": {"data", "estimators", "kernels", "linear", "mixtures", "network"},
}
SEE_SCIKIT_LEARN = {
    "callbacks", "data", "parameters", "estimators", "compilation", "metrics", "text", "windows",
    "inspection", "onnx",
}  # fmt: skip
#: Lines of code, docstrings left out: of every function but constructors, of nine in ten, of half.
LONGEST, NINE_IN_TEN, MEDIAN = 44, 17, 8
#: Lines of a module, docstrings of the estimators left out.
MODULE = 450


def module_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def is_module(name):
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def imports(path):
    """Yield the module of everything the file imports, at any depth of its code."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if is_module(name) else node.module


def functions():
    """Yield the module, the name and the lines of code of every function, docstrings left out."""
    for path in FILES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef):
                first, documentation = node.body[0], 0
                if ast.get_docstring(node) is not None:
                    documentation = first.end_lineno - first.lineno + 1
                lines = node.end_lineno - node.lineno + 1 - documentation
                yield module_of(path), node.name, lines


modules = pytest.mark.parametrize("path", FILES, ids=module_of)


def test_every_module_has_a_layer():
    assert {module_of(path) for path in FILES} == set(LAYERS)


@modules
def test_a_module_imports_what_the_table_says(path):
    of_skrnn, others = set(), set()
    for name in imports(path):
        root, _, rest = name.partition(".")
        if root == "skrnn":
            of_skrnn.add(rest)
        elif root not in sys.stdlib_module_names:
            others.add(root)
    assert (of_skrnn, others) == LAYERS[module_of(path)]


def test_the_design_says_where_every_module_stands():
    design = PACKAGE.parent.joinpath("docs", "design.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", design.split("## Layers")[1].split("```")[1]))
    named = {name.rpartition(".")[2] for name in LAYERS} - {"__init__"}
    assert named <= words


def test_imports_point_down():
    seen = set()
    for name, (of_skrnn, _) in LAYERS.items():
        assert of_skrnn <= seen, f"{name} imports {of_skrnn - seen}, which stand above it"
        seen.add(name)


def test_packages_see_no_more_than_they_need():
    for name, (of_skrnn, _) in LAYERS.items():
        package = name.split(".")[0]
        if package in BELOW:
            seen = {other.split(".")[0] for other in of_skrnn} - {package}
            assert seen <= BELOW[package], name


def test_scikit_learn_and_the_compiler_keep_apart():
    for name, (_, others) in LAYERS.items():
        if "sklearn" in others:
            assert name.split(".")[0] in SEE_SCIKIT_LEARN
        if others & {"numba", "llvmlite"}:
            assert name.startswith("kernels.")
        if "matplotlib" in others:
            assert name.startswith("plotting.")


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem != "parameters"], ids=module_of
)
def test_only_public_names_of_scikit_learn(path):
    """parameters.py may: there is no public way to it, and it does without where it is absent."""
    for node in ast.walk(parsed(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            root, *rest = name.split(".")
            assert root != "sklearn" or not any(part.startswith("_") for part in rest), name


@modules
def test_no_file_without_a_subject(path):
    assert path.stem not in {"utils", "base", "common", "helpers", "misc"}


@modules
def test_nothing_branches_on_what_a_user_chose_by_name(path):
    """Cells, poolings and losses are looked up in their tables; what differs is their own."""
    names = {*choices.CELLS, *choices.POOLINGS, *losses.REGRESSION, "logistic", "softmax"}
    for node in ast.walk(parsed(path)):
        if isinstance(node, (ast.Compare, ast.MatchValue)):
            found = {x.value for x in ast.walk(node) if isinstance(x, ast.Constant)}
            assert not names & {x for x in found if isinstance(x, str)}, ast.unparse(node)


def test_no_module_is_too_long():
    for path in FILES:
        lines = path.read_text(encoding="utf-8").count("\n")
        if path.parent.name == "estimators":
            documentation = [
                ast.get_docstring(node, clean=False) or ""
                for node in ast.walk(parsed(path))
                if isinstance(node, (ast.ClassDef, ast.FunctionDef))
            ]
            lines -= sum(text.count("\n") for text in documentation)
        assert lines <= MODULE, f"{module_of(path)} has {lines} lines"


def test_functions_are_short():
    found = [row for row in functions() if row[1] != "__init__"]
    too_long = [row for row in found if row[2] > LONGEST]
    assert not too_long
    lengths = sorted(lines for _, _, lines in found)
    assert lengths[int(0.9 * len(lengths))] <= NINE_IN_TEN
    assert median(lengths) <= MEDIAN


def test_kernels_have_at_most_a_dozen_arguments():
    """Compiled functions; instructions (intrinsics) take addresses, one for each array."""
    compiled = {"kernel", "long_kernel", "part", "inlined"}
    n_found = 0
    for path in (PACKAGE / "kernels").glob("*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef):
                decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
                if decorators & compiled:
                    n_found += 1
                    assert len(node.args.args) <= 12, f"{path.stem}.{node.name}"
    assert n_found > 20


@pytest.mark.parametrize("table", [choices.CELLS, choices.POOLINGS], ids=["cells", "poolings"])
def test_every_choice_is_found_and_documented(table):
    for name, address in table.items():
        assert callable(choices.load(address))
        for estimator in (skrnn.RNNRegressor, skrnn.RNNClassifier):
            assert f'"{name}"' in estimator.__doc__


def test_every_loss_is_documented():
    for name in losses.REGRESSION:
        assert f'"{name}"' in skrnn.RNNRegressor.__doc__


def described_parameters(estimator):
    """name -> lines of its description in the class docstring."""
    paragraphs, name = {}, None
    for line in estimator.__doc__.split("\n"):
        if line.startswith("    ") and not line.startswith("     ") and " : " in line:
            name = line.split(" : ")[0].strip()
        elif line and not line.startswith("     "):
            name = None  # the head of another section
        if name:
            paragraphs.setdefault(name, []).append(line)
    return paragraphs


def test_both_estimators_say_the_same_of_what_they_share():
    """Their docstrings are written out, for tools and readers that do not run the package."""
    one, other = map(described_parameters, (skrnn.RNNRegressor, skrnn.RNNClassifier))
    differs = {name for name in one.keys() & other.keys() if one[name] != other[name]}
    # What is scaled, and in which unit losses are, depends on the target.
    assert differs == {"standardize", "loss_, best_loss_"}
    assert len(one.keys() & other.keys()) > 40


def test_import_compiles_nothing():
    code = "import sys, skrnn; print('numba' in sys.modules, 'llvmlite' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


def test_a_fit_does_without_what_takes_long_to_import():
    code = """if True:
        import sys
        import skrnn
        X, y = [[i, i % 3] for i in range(100)], [i % 2 for i in range(100)]
        for model in (skrnn.RNNRegressor(max_iter=1), skrnn.RNNClassifier(max_iter=1)):
            model.fit(X, y).predict(X)
        print("numba" in sys.modules, "sklearn.model_selection" in sys.modules)
    """
    command = [sys.executable, "-W", "ignore", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "False"]
