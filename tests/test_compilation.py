"""Kernels on disk: compiled ahead of time, never twice, and not needed to be there."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skrnn
from skrnn import __main__, compilation

ROOT = Path(__file__).parents[1]

# What users do, as far as it could call kernels with other types of arrays. An event is seen for
# each function that is compiled, none for one that is loaded.
TYPICAL = """
import sys, tempfile, warnings

import joblib
import numpy as np
from numba.core.event import install_recorder

from skrnn import RNNClassifier, RNNRegressor

warnings.simplefilter("ignore")


def from_shared_memory(thing):
    [file] = joblib.dump(thing, tempfile.mkstemp(dir=sys.argv[3])[1])
    return joblib.load(file, mmap_mode="r")


def use(model, X, y):
    model.fit(X, y)
    model.predict(X)
    return model


random = np.random.RandomState(0)
table, array = random.normal(size=(150, 6)), random.normal(size=(150, 3, 2))
ragged = [row[: n % 3 + 1] for n, row in enumerate(array)]
y, label = table[:, 0], np.array(["a", "b", "c"] * 50)
both = np.column_stack([y, y])
net = {"cell": sys.argv[1], "dtype": sys.argv[2], "max_iter": 2, "hidden_layer_sizes": 5}
with install_recorder("numba:compile") as recorder:
    for X in (table, table.astype("f4"), np.asfortranarray(table), table.tolist(), array, ragged):
        use(RNNRegressor(**net), X, y)
        use(RNNClassifier(**net), X, label).predict_proba(X[:1])
    use(RNNRegressor(**net, n_timesteps=3), table, both)
    use(RNNRegressor(**net, early_stopping=False, n_jobs=2), table, y)
    use(RNNRegressor(**net, linear_path=None, standardize=False, max_grad_norm=None), table, y)
    use(RNNRegressor(**net | {"hidden_layer_sizes": (4, 3, 2)}, dropout=0.2), ragged, y)
    use(RNNRegressor(**net, bidirectional=True, pooling="max"), ragged, y)
    use(RNNRegressor(**net, pooling="mean", activation="logistic", alpha=0), ragged, y)
    use(RNNRegressor(**net, pooling="attention", linear_path=None), array, y)
    for loss in ("absolute_error", "huber", "poisson", "quantile"):
        use(RNNRegressor(**net, loss=loss, quantile=[0.1, 0.9]), table, abs(both))
    for solver in ("sgd", "lbfgs"):
        use(RNNRegressor(**net, solver=solver), ragged, y)
    steps, tags = {"return_sequences": True}, [x[:, 0] > 0 for x in ragged]
    use(RNNRegressor(**net, **steps), array, array)
    use(RNNClassifier(**net, **steps, bidirectional=True, dropout=0.2), ragged, tags)
    use(RNNClassifier(**net), array, label == "a")
    use(RNNClassifier(**net), array, both > 0)
    stream = RNNRegressor(**net).fit(array, y)
    _, state = stream.predict_step(array[:1, 0])
    stream.predict_step(array[:1, 1], from_shared_memory(state))
    stream.predict_step(array[:9, 0].astype("f4")), stream.transform(ragged)
    shared = from_shared_memory((table, array, y))
    for X in shared[:2]:
        fitted = use(RNNRegressor(**net), X, shared[2])
        from_shared_memory(fitted).predict(X)
        fitted.set_params(warm_start=True).fit(X, y)
    partial = RNNRegressor(**net).partial_fit(ragged, y).partial_fit(ragged, y)
    from_shared_memory(partial).partial_fit(ragged, y).predict(ragged)
    RNNRegressor(**net).fit(table, y, np.broadcast_to(1.0, 150), X_val=table, y_val=y)
for _, event in recorder.buffer:
    if event.is_start:
        print(event.data["dispatcher"].py_func.__name__, event.data["args"])
"""


def run(*arguments, folder=ROOT, **environment):
    """Python in a new process with the skrnn of a folder; compiles quickly, for few runs."""
    command = [sys.executable, *map(str, arguments)]
    paths = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    variables = os.environ | {"NUMBA_OPT": "1", "PYTHONPATH": paths} | environment
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def state(folder):
    return {path: path.stat().st_mtime_ns for path in Path(folder).rglob("*")}


def test_after_a_warmup_nothing_is_compiled(tmp_path):
    cell, dtype = "gru", "float32"
    cache = tmp_path / "cache"
    folder = {"NUMBA_CACHE_DIR": str(cache)}
    done = run("-m", "skrnn", "warmup", "--cells", cell, "--dtypes", dtype, **folder)
    assert done.stdout.startswith(f"{cell}, {dtype}: ")
    before = state(cache)
    assert any(path.suffix == ".nbc" for path in before)
    assert run("-c", TYPICAL, cell, dtype, tmp_path, **folder).stdout == ""
    assert state(cache) == before


@pytest.fixture
def calls(monkeypatch):
    """Cells and precisions that were to be compiled."""
    calls = []
    monkeypatch.setattr(compilation, "_use_every_kernel", lambda *names: calls.append(names))
    return calls


def test_names_may_be_one_or_several(calls, capsys):
    skrnn.warmup()
    assert sorted(calls) == [(c, d) for c in ("gru", "lstm", "rnn") for d in ("float32", "float64")]
    calls.clear()
    skrnn.warmup("gru", ["float64"])
    skrnn.warmup(cells=("lstm",), dtypes="float32")
    assert calls == [("gru", "float64"), ("lstm", "float32")]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("given", ["GRU", ["gru", "foo"], [], 3, None, "float64", ("gru", ["rnn"])])
def test_unknown_cells_are_refused(given, calls):
    message = f"cells must be one or several of ('rnn', 'gru', 'lstm'), got {given!r}."
    with pytest.raises(ValueError, match=re.escape(message)):
        skrnn.warmup(cells=given)
    assert calls == []


def test_unknown_dtypes_are_refused(calls):
    message = "dtypes must be one or several of ('float32', 'float64'), got 'float16'."
    with pytest.raises(ValueError, match=re.escape(message)):
        skrnn.warmup(dtypes="float16")
    assert calls == []


def test_the_command_line_says_what_it_does(calls, capsys):
    __main__.main(["warmup", "--cells", "gru", "lstm", "--dtypes", "float32"])
    assert calls == [("gru", "float32"), ("lstm", "float32")]
    assert re.fullmatch(r"gru, float32: \d+\.\d s\nlstm, float32: .*\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "command"), (["warmup", "--cells", "foo"], "invalid choice: 'foo'")],
)
def test_the_command_line_refuses(arguments, message, capsys):
    with pytest.raises(SystemExit):
        __main__.main(arguments)
    assert message in capsys.readouterr().err


IMPORT = "import skrnn, skrnn.learning.fitting; print(skrnn.__file__)"
FIT = """
import skrnn

net = skrnn.RNNRegressor(cell="rnn", early_stopping=False, linear_path=None, max_iter=2, tol=1e9)
for _ in range(2):
    net.fit([[1, 2], [3, 4]], [1, 2])
print(skrnn.__file__)
"""


@pytest.mark.parametrize(("code", "cache"), [(FIT, "cache"), (IMPORT, "")], ids=["set", "unset"])
def test_without_a_writable_folder_a_fit_works_and_warns_once(code, cache, tmp_path):
    # A file in the place of each folder: no one may write there, not even root.
    package = tmp_path / "skrnn"
    shutil.copytree(ROOT / "skrnn", package, ignore=shutil.ignore_patterns("__pycache__"))
    in_the_way = package / "kernels" / "__pycache__"
    in_the_way.touch()
    home = {name: str(in_the_way / "home") for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA")}
    cache = str(in_the_way / cache) if cache else ""
    done = run("-W", "always", "-c", code, folder=tmp_path, NUMBA_CACHE_DIR=cache, **home)
    assert str(package) in done.stdout
    assert done.stderr.count("Warning: ") == 1, done.stderr
    assert "Set the environment variable NUMBA_CACHE_DIR to a writable folder" in done.stderr


@pytest.mark.parametrize(
    ("features", "size"), [("+avx512f,+avx2", 64), ("+avx2,+fma", 32), ("", 16)]
)
def test_registers_are_of_the_processor_that_code_is_compiled_for(features, size):
    """numba keys its cache by these names, not by the processor it runs on."""
    code = "from skrnn.kernels.vectors import VECTOR_BYTES; print(VECTOR_BYTES)"
    environment = {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": features}
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert run.stdout.split() == [str(size)]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="x86 is not at hand")
@pytest.mark.parametrize(
    ("name", "features"), [("x86-64-v3", "+avx2,+fma"), ("x86-64", "+sse2")], ids=["avx2", "sse"]
)
def test_products_and_rows_are_right_on_other_processors(name, features):
    """With smaller tiles, and with masks or without, as on arm64."""
    which = ["tests/test_kernels.py", "-k", "multiply or whole_rows or sum_of_lines"]
    environment = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    run("-m", "pytest", "-p", "no:cacheprovider", *which, **environment)
