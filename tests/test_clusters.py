"""On a cluster, searches, predictions and training by chunks give the bits of one process."""

import signal
from functools import partial
from itertools import chain

import datasets
import joblib
import numpy as np
import pytest
from cluster import Cluster, score_or_die
from joblib import delayed, parallel_config
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_val_score,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.parameters import n_threads

pytest.importorskip("distributed", reason="dask's distributed is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="no alarm and no kill here"),
]
SECONDS = 240
GRID = {"hidden_layer_sizes": [3, 6], "pooling": ["last", "mean"]}


@pytest.fixture(autouse=True)
def _bounded_in_time():
    def stop(*_):
        raise TimeoutError(f"A test on a cluster takes more than {SECONDS} s.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(running):
    """Two workers, also after a test that killed one."""
    running.fill()
    return running


X = datasets.ragged(60, n_features=3)
Y = datasets.labels(X)


def net(**parameters):
    settings = {"hidden_layer_sizes": 4, "max_iter": 6, "random_state": 0}
    return RNNClassifier(**(settings | parameters))


def assert_same_search(found, expected, X=X):
    """All but the times is the same, to the bit."""
    assert found.best_params_ == expected.best_params_
    names = [name for name in expected.cv_results_ if "time" not in name]
    assert len(names) > 6
    for name in names:
        np.testing.assert_array_equal(found.cv_results_[name], expected.cv_results_[name], name)
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))


SEARCHES = {
    "grid": GridSearchCV(net(), GRID, cv=2),
    "halving": HalvingGridSearchCV(
        net(), GRID, cv=2, resource="max_iter", min_resources=2, max_resources=8, random_state=0
    ),
    "without a linear path": GridSearchCV(net(linear_path=None), GRID, cv=2),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_is_that_of_one_process(name, cluster):
    search = SEARCHES[name]
    with parallel_config(backend="dask", scatter=[X, Y]):
        found = clone(search).fit(X, Y)
    assert_same_search(found, clone(search).fit(X, Y))


def test_a_search_in_which_a_worker_is_killed_is_that_of_one_process(cluster, tmp_path):
    """What is lost is done again; what the fits have in common is with all workers, and stays."""
    cluster.client.amm.stop()  # which takes copies away that no task waits for
    tally, X = tmp_path / "tally", datasets.ragged(260, n_features=3)
    y = datasets.labels(X)
    folds = list(StratifiedKFold(2).split(X, y))
    assert folds[0][0].nbytes > 1000  # then joblib by itself sends it to one worker
    dies = partial(score_or_die, tally=str(tally), fatal=4)
    found = GridSearchCV(net(), GRID, cv=folds, scoring=dies, error_score="raise")
    with parallel_config(backend="dask", scatter=[X, y, *chain.from_iterable(folds)]):
        found.fit(X, y)
    assert len(tally.read_bytes()) > 8  # what was lost has been done again
    assert [worker.poll() for worker in cluster.workers].count(None) == 1
    assert_same_search(found, GridSearchCV(net(), GRID, cv=2).fit(X, y), X)


def score(parameters):
    return cross_val_score(net(**parameters), X, Y, cv=2).mean()


def test_optuna_asks_and_the_cluster_tells(cluster):
    optuna = pytest.importorskip("optuna", reason="optuna is not installed")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {
        "hidden_layer_sizes": optuna.distributions.IntDistribution(2, 8),
        "learning_rate_init": optuna.distributions.FloatDistribution(1e-3, 1e-1, log=True),
    }

    def search(compute):
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=2)
        )
        for _ in range(3):
            trials = [study.ask(space) for _ in range(2)]
            values = compute(score, [trial.params for trial in trials])
            for trial, value in zip(trials, values, strict=True):
                study.tell(trial, value)
        return [(trial.params, trial.value) for trial in study.trials]

    client = cluster.client
    assert search(lambda f, given: client.gather(client.map(f, given))) == search(map)


def test_a_fit_on_a_worker_starts_as_many_threads_as_its_own_n_jobs_says(cluster):
    """joblib's backend of dask would answer with both workers to all of these."""
    with parallel_config(backend="dask"):
        found = joblib.Parallel()(delayed(n_threads)(n_jobs) for n_jobs in (None, 1, 3))
        assert joblib.effective_n_jobs(None) == 2
        assert n_threads(None) == 1
    assert found == [1, 1, 3]


@pytest.fixture(scope="module")
def regressor():
    series = datasets.array(60, n_timesteps=4)
    model = RNNRegressor(4, n_timesteps=4, max_iter=6, random_state=0)
    return model.fit(series, datasets.numbers(series)), series


def test_predictions_over_a_dask_array(cluster, regressor):
    array = pytest.importorskip("dask.array", reason="dask's arrays are not installed")
    model, series = regressor
    lazy = array.from_array(series, chunks=(25, -1, -1))
    found = lazy.map_blocks(model.predict, drop_axis=[1, 2], meta=np.empty(0)).compute()
    np.testing.assert_array_equal(found, model.predict(series))


def test_predictions_over_a_dask_frame(cluster):
    frames = pytest.importorskip("dask.dataframe", reason="dask's frames are not installed")
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pd.DataFrame(datasets.table(60, n_columns=4), columns=list("abcd"))
    model = RNNRegressor(4, max_iter=6, random_state=0).fit(table, table["a"])
    lazy = frames.from_pandas(table, npartitions=3)
    found = lazy.map_partitions(model.predict, meta=np.empty(0)).compute()
    np.testing.assert_array_equal(found, model.predict(table))


def test_partial_fit_over_chunks(cluster, regressor):
    dask = pytest.importorskip("dask.array", reason="dask's arrays are not installed")
    _, series = regressor
    y = datasets.numbers(series)
    lazy, lazy_y = (dask.from_array(one, chunks=(25, *one.shape[1:])) for one in (series, y))
    net = RNNRegressor(4, random_state=0)
    found, expected = clone(net), clone(net)
    for part in range(lazy.numblocks[0]):
        found.partial_fit(
            *cluster.client.gather(cluster.client.compute([lazy.blocks[part], lazy_y.blocks[part]]))
        )
        rows = slice(25 * part, 25 * part + 25)
        expected.partial_fit(series[rows], y[rows])
    np.testing.assert_array_equal(found.predict(series), expected.predict(series))
