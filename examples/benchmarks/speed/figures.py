"""The figures to reach, and whether they are."""

from collections.abc import Callable
from statistics import geometric_mean
from typing import NamedTuple

from page import table
from speed import costs, fit, growth, predict, product, recipe, step, transcripts
from speed.cases import Case
from speed.race import seconds
from speed.report import number

#: Seconds of a step on one thread from which a second thread has to pay.
LONG_STEP = 2e-3
#: Share of the machine's product rate that counts as reached where a peer is not beaten by enough.
ENOUGH_SHARE = 0.85
WIDEST = 256


class Figure(NamedTuple):
    """A limit; `measure` finds the value in the results of all sections, None if it is not there.

    Without a limit it is for information.
    """

    name: str
    limit: float
    measure: Callable
    at_most: bool = False


def _is_dense(case):
    return case.reads_final_state and not case.ragged


def _is_ragged(case):
    return case.ragged


def _rows(results, section, part="rows", is_of_kind=_is_dense):
    """The rows of a kind of cases; an older measurement has not all kinds."""
    rows = results.get(section, {}).get(part, [])
    return [row for row in rows if is_of_kind(Case(**row["case"]))]


def _known(values):
    return [value for value in values if value is not None]


def _step_ratios(results):
    """(case, best peer over ours) of the dense rows that a peer has run."""
    for row in _rows(results, "step"):
        yield row["case"], step.peer_ratio(row)


def _mean(values):
    values = _known(values)
    return geometric_mean(values) if values else None


def _least(values):
    return min(_known(values), default=None)


def _most(values):
    return max(_known(values), default=None)


def step_mean(results):
    return _mean(ratio for _, ratio in _step_ratios(results))


def _is_widest_lstm(case):
    return case["cell"] == "lstm" and case["hidden"] == WIDEST


def step_worst(results):
    return _least(ratio for case, ratio in _step_ratios(results) if not _is_widest_lstm(case))


def step_widest(results):
    return _least(ratio for case, ratio in _step_ratios(results) if _is_widest_lstm(case))


def share_widest(results):
    rows = _rows(results, "product")
    return _least(product.share(row) for row in rows if _is_widest_lstm(row["case"]))


def python_of_step(results):
    """Microseconds of the slowest of the smallest nets."""
    parts = results.get("step", {}).get("parts", [])
    return _most(1e6 * step.rest(row) for row in parts)


def ragged(results):
    """The least of the cells'."""
    rows = _rows(results, "step", is_of_kind=_is_ragged)
    times = [
        [seconds(row["results"], name) for name in ("PyTorch packed", "skrnn")] for row in rows
    ]
    return _least(theirs and theirs / ours for theirs, ours in times)


def attention(results):
    rows = _rows(results, "step", is_of_kind=lambda case: case.pooling == "attention")
    return _least(map(step.peer_ratio, rows))


def each_step(results):
    return _ratio_of("gru", _rows(results, "step", is_of_kind=lambda case: case.per_step))


def tokens_gru(results):
    return _ratio_of("gru", _rows(results, "step", is_of_kind=lambda case: case.n_tokens))


def tokens_lstm(results):
    return _ratio_of("lstm", _rows(results, "step", is_of_kind=lambda case: case.n_tokens))


def _ratio_of(cell, rows):
    return _least(step.peer_ratio(row) for row in rows if row["case"]["cell"] == cell)


def _prediction_ratios(results, ours="skrnn"):
    rows = _rows(results, "predict", "batches")
    return _known(predict.peer_ratio(row, ours) for row in rows)


def prediction_mean(results):
    return _mean(_prediction_ratios(results))


def prediction_worst(results):
    return _least(_prediction_ratios(results))


def estimator_mean(results):
    return _mean(_prediction_ratios(results, "estimator"))


def estimator_worst(results):
    return _least(_prediction_ratios(results, "estimator"))


def overhead_batch(results):
    return _most(map(predict.overhead, _rows(results, "predict", "batches")))


def overhead_row(results):
    return _most(map(predict.overhead, _rows(results, "predict", "rows")))


def one_row(results):
    rows = results.get("predict", {}).get("estimators", [])
    return _most(over for row in rows for _, over in predict.over_mlp(row))


def _fit_ratio(results, *names):
    rows = results.get("fit", {}).get("fits", [])
    return _least(fit.peer_over_ours(row, *names) for row in rows)


def fit_skorch(results):
    return _fit_ratio(results, "skorch")


def fit_keras(results):
    return _fit_ratio(results, "Keras")


def fit_recipe(results):
    return recipe.mean(results.get("fit", {}).get("recipe", []))


def search_skorch(results):
    rows = results.get("fit", {}).get("searches", [])
    return _least(fit.peer_over_ours(row, "skorch") for row in rows)


def _transcripts(results, name):
    """The least ratio of the rows of that name."""
    rows = results.get("transcripts", {}).get("rows", [])
    return _least(transcripts.peer_ratio(row) for row in rows if row["name"] == name)


def step_of_transcripts(results):
    return _transcripts(results, "step")


def greedy(results):
    return _transcripts(results, "write")


def beam(results):
    return _transcripts(results, "write, beam of 5")


def ctc(results):
    return _transcripts(results, "CTC")


def step_threads(results):
    rows = _rows(results, "step") + _rows(results, "step", is_of_kind=_is_ragged)
    rows += _rows(results, "growth", "threads")
    long = [r for r in rows if seconds(r["results"], "skrnn", threads=1) >= LONG_STEP]
    return _least(map(step.gain, long))


def _search_gain(results, name):
    rows = results.get("fit", {}).get("searches", [])
    one = _least(seconds(r["results"], "skrnn") for r in rows if r["jobs"] == 1)
    two = _least(seconds(r["results"], name) for r in rows if r["jobs"] == 2)
    return one and two and one / two


def search_processes(results):
    return _search_gain(results, "skrnn")


def search_threads(results):
    return _search_gain(results, "skrnn, threads")


def first_fit(results):
    fits = results.get("costs", {}).get("first_fits", {})
    return _most(row["empty"][0] for row in fits.values())


def first_fit_cached(results):
    fits = results.get("costs", {}).get("first_fits", {})
    return _most(map(costs.first_fit_excess, fits.values()))


def memory(results):
    rows = results.get("costs", {}).get("memory", {})
    return _most(row["skrnn"] / row["activations"] for row in rows.values())


def large_array(results):
    sizes = results.get("costs", {}).get("large")
    return sizes["skrnn"] / sizes["X"] if sizes else None


def token_memory(results):
    added = results.get("costs", {}).get("tokens")
    return added and added["default"] / 1e6


def _spread(results, name):
    rows = results.get("growth", {}).get("series", {}).get(name)
    return rows and growth.spread(rows, growth.AXES[name])


def growth_rows(results):
    return _spread(results, "rows")


def growth_steps(results):
    return _spread(results, "steps")


def vanishing(results):
    rows = results.get("growth", {}).get("late", [])
    return _most(
        growth.slowest(r["results"], "skrnn, vanishing") / seconds(r["results"], "skrnn")
        for r in rows
    )


FIGURES = (
    Figure(
        "step: best of PyTorch and JAX / skrnn, geometric mean of the dense rows", 3.0, step_mean
    ),
    Figure("step: the same, worst row but the LSTM of 256 units", 1.5, step_worst),
    Figure("step: the same, LSTM of 256 units (or the next line)", 1.5, step_widest),
    Figure("step: LSTM of 256 units, share of the matrix-product rate", ENOUGH_SHARE, share_widest),
    Figure(
        "step of the smallest nets: what is not recurrence, us, one thread, worst",
        15.0,
        python_of_step,
        True,
    ),
    Figure("ragged step: packed PyTorch / skrnn, worst cell", 5.0, ragged),
    Figure("step with attention pooling: PyTorch / skrnn, worst cell", 2.0, attention),
    Figure("target for each step, GRU: PyTorch / skrnn", 2.5, each_step),
    Figure("step with an embedding, GRU: PyTorch / skrnn", 3.0, tokens_gru),
    Figure("step with an embedding, LSTM: PyTorch / skrnn", 2.0, tokens_lstm),
    Figure(
        "batch prediction: best peer / skrnn, geometric mean of the dense rows",
        2.5,
        prediction_mean,
    ),
    Figure("batch prediction: the same, worst row", 1.2, prediction_worst),
    Figure(
        "predict of a default model, batch: best peer's network / our estimator, geometric mean",
        1.6,
        estimator_mean,
    ),
    Figure("predict of a default model, batch: the same, worst row", 1.0, estimator_worst),
    Figure("predict, batch: our estimator / our network, worst row", 1.1, overhead_batch, True),
    Figure("predict, one row: our estimator / our network, worst", 1.8, overhead_row, True),
    Figure("step of encoder and decoder: PyTorch / skrnn", 3.0, step_of_transcripts),
    Figure("1,000 transcripts, greedy: PyTorch / skrnn", 5.0, greedy),
    Figure("1,000 transcripts, beam of 5: PyTorch / skrnn", 10.0, beam),
    Figure("CTC, loss and gradient: PyTorch / skrnn, worst row", 3.0, ctc),
    Figure("one row: RNNRegressor.predict / MLPRegressor.predict, worst", 1.2, one_row, True),
    Figure("20-epoch fit: skorch / skrnn, worst", 10.0, fit_skorch),
    Figure("20-epoch fit: faster Keras / skrnn, worst", 10.0, fit_keras),
    Figure("default fit on data sets: PyTorch / skrnn, geometric mean", 8.0, fit_recipe),
    Figure("12-fit grid search: skorch / skrnn at the same n_jobs, worst", 10.0, search_skorch),
    Figure("steps of 2 ms and more: 1 / 2 threads, worst", 1.7, step_threads),
    Figure("12-fit grid search: n_jobs 1 / 2, processes", 1.7, search_processes),
    Figure("12-fit grid search: n_jobs 1 / 2, joblib's threads", 1.7, search_threads),
    Figure("first fit, empty compile cache, seconds, slowest cell", 3.5, first_fit, True),
    Figure("first fit, filled cache, seconds beyond a second one", 0.3, first_fit_cached, True),
    Figure("memory an epoch adds / one minibatch's activations, worst cell", 4.0, memory, True),
    Figure("memory an epoch adds / a large 3-D float32 X", 0.1, large_array, True),
    Figure("memory a fit of tokens adds, MB", 200.0, token_memory, True),
    Figure("epoch time per row, 1e3 to 1e6 rows, slowest / fastest", 1.2, growth_rows, True),
    Figure("epoch time per step, 10 to 2000 steps, slowest / fastest", 1.2, growth_steps, True),
    Figure("step with vanishing gradients / fresh step, worst cell", 1.2, vanishing, True),
)


def verdict(figure, value):
    """Judged before anything is rounded."""
    if value is None:
        return "not measured"
    return (
        "met" if (value <= figure.limit if figure.at_most else value >= figure.limit) else "missed"
    )


def judge(results):
    """(figure, value, verdict) of each."""
    values = [figure.measure(results) for figure in FIGURES]
    return [(f, value, verdict(f, value)) for f, value in zip(FIGURES, values, strict=True)]


def markdown(results):
    lines = [
        [
            figure.name,
            f"at {'most' if figure.at_most else 'least'} {figure.limit:g}",
            number(value),
            said,
        ]
        for figure, value, said in judge(results)
    ]
    return table(["figure", "limit", "measured", ""], lines)
