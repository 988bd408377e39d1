"""Imports point downward only, and private names of scikit-learn are used in one place only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "skrnn"
FILES = sorted(PACKAGE.rglob("*.py"))

# module (or package of modules) -> what of skrnn it may import, and which other packages.
LAYERS = {
    "kernels": ({"kernels"}, {"numpy", "numba", "llvmlite"}),
    "sequences": (set(), {"numpy"}),
    "scaling": (set(), {"numpy"}),
    "optimizers": ({"kernels"}, {"numpy", "scipy"}),
    "threads": (set(), set()),
    "network": ({"kernels", "sequences", "threads"}, {"numpy"}),
    "training": ({"network", "optimizers", "sequences"}, {"numpy", "scipy"}),
    "logistic": (set(), {"numpy", "scipy"}),
    "stacking": (set(), {"numpy"}),
    "linear_path": ({"kernels", "logistic", "scaling"}, {"numpy", "scipy", "threadpoolctl"}),
    "fitting": (
        {"linear_path", "network", "scaling", "sequences", "stacking", "threads", "training"},
        {"numpy", "scipy"},
    ),
    "loading": ({"fitting", "kernels"}, {"numpy"}),
    "parameters": (set(), {"numpy", "sklearn"}),
    "validation": ({"sequences"}, {"numpy", "sklearn"}),
    "documentation": (set(), set()),
    "estimators": (
        {"documentation", "loading", "parameters", "sequences", "validation"},
        {"numpy", "scipy", "sklearn", "joblib"},
    ),
    "compilation": ({"estimators"}, {"numpy", "sklearn"}),
    "__init__": ({"compilation", "estimators"}, set()),
    "__main__": ({"compilation"}, set()),
}


def layer_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path):
    """Yield the absolute dotted name of everything the file imports, at any depth of its code."""
    package = ("skrnn", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *filter(None, [node.module])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def name_of(path):
    return str(path.relative_to(PACKAGE))


def test_every_module_has_a_layer():
    assert {layer_of(path) for path in FILES} <= set(LAYERS)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_downward(path):
    of_skrnn, others = LAYERS[layer_of(path)]
    for name in imports(path):
        root, *rest = name.split(".")
        if root == "skrnn":
            assert rest[0] in of_skrnn, f"{name_of(path)} must not import {name}"
        else:
            assert root in others | sys.stdlib_module_names, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize(
    "path", [path for path in FILES if layer_of(path) != "parameters"], ids=name_of
)
def test_only_public_names_of_scikit_learn(path):
    """parameters.py may: there is no public way to it, and it does without where it is absent."""
    private = [
        name
        for name in imports(path)
        if name.startswith("sklearn.") and any(part[0] == "_" for part in name.split("."))
    ]
    assert not private


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_without_a_subject(path):
    assert path.stem not in {"utils", "base", "common", "helpers", "misc"}


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
