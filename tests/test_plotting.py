"""Pictures: what is drawn, on what, and that nothing else happens."""

import doctest
import subprocess
import sys

import numpy as np
import pytest
from datasets import array, numbers, ragged, table
from sklearn.neural_network import MLPRegressor

import skrnn.plotting
from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import input_gradients, integrated_gradients
from skrnn.plotting import (
    AttentionDisplay,
    ForecastDisplay,
    LossCurveDisplay,
    SaliencyDisplay,
    attention,
    forecast,
    loss_curve,
    saliency,
)
from skrnn.windows import forecast as forecast_by
from skrnn.windows import make_windows

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """No display changes how later pictures look."""
    before = matplotlib.rcParams.copy()
    yield
    assert matplotlib.rcParams == before
    plt.close("all")


def small(Estimator=RNNRegressor, **parameters):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 6, "random_state": 0}
    return Estimator(**(settings | parameters))


def drawn(display):
    """The display, after a whole drawing in which warnings are errors."""
    display.figure_.canvas.draw()
    assert display.ax_.figure is display.figure_
    return display


def labels(display):
    return display.ax_.get_legend_handles_labels()[1]


@pytest.mark.parametrize("module", [attention, forecast, loss_curve, saliency])
def test_doctests(module):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    results = doctest.testmod(module, optionflags=flags)
    assert results.attempted
    assert not results.failed


def test_all_displays_are_public():
    assert skrnn.plotting.__all__ == sorted(skrnn.plotting.__all__)
    assert len(skrnn.plotting.__all__) == 4


# Loss


def test_a_curve_for_each_part():
    X = table(200)
    model = small(hidden_layer_sizes=(8,), max_iter=20).fit(X, numbers(X) + X[:, 1] ** 2)
    assert set(model.part_curves_) == {"beside the linear path", "alone"}
    display = drawn(LossCurveDisplay.from_estimator(model))
    kept = model.part_curves_[model.recurrent_part_]
    assert len(display.lines_) == 4
    of_kept = [x for x in display.lines_ if x.get_label() == f"validation, {model.recurrent_part_}"]
    np.testing.assert_array_equal(of_kept[0].get_ydata(), kept["validation_loss"])
    if kept["kept_epoch"]:
        assert display.kept_.get_xdata().tolist() == [kept["kept_epoch"]]
        assert f"kept: epoch {kept['kept_epoch']}" in labels(display)
        least = min(kept["validation_loss"])
        np.testing.assert_allclose(display.kept_.get_ydata(), least)
    colors = {line.get_color() for line in display.lines_}
    assert len(colors) == 2


def test_losses_of_all_parts_are_in_one_unit():
    """A part that is alone learns in units of y, and what is kept of it in those of the path."""
    X = table(200)
    y = X @ np.arange(6.0) + 0.3 * np.random.RandomState(0).normal(size=200)
    model = small().fit(X, y)
    beside, alone = (model.part_curves_[n] for n in ("beside the linear path", "alone"))
    assert alone["validation_loss"][0] > 5 * beside["validation_loss"][0]
    if model.recurrent_part_ == "beside the linear path":
        assert beside["loss"] == model.loss_curve_


def test_one_part_and_no_validation_data():
    model = small(linear_path=None).fit(table(), numbers(table()))
    assert set(model.part_curves_) == {"alone"}
    display = drawn(LossCurveDisplay.from_estimator(model))
    assert labels(display)[:2] == ["training", "validation"]
    best = int(np.argmin(model.validation_loss_curve_)) + 1
    assert model.part_curves_["alone"]["kept_epoch"] == best
    assert f"kept: epoch {best}" in labels(display)
    model = small(early_stopping=False).fit(table(), numbers(table()))
    display = drawn(LossCurveDisplay.from_estimator(model))
    assert len(display.lines_) == 1
    assert display.kept_.get_xdata().tolist() == [6]


def test_a_start_that_is_never_beaten():
    X = table()
    y = np.random.RandomState(1).normal(size=40)
    model = small(learning_rate_init=1.0).fit(X, y)
    part = model.part_curves_["beside the linear path"]
    if part["kept_epoch"] == 0 and model.recurrent_part_ == "beside the linear path":
        assert "kept: the start" in labels(drawn(LossCurveDisplay.from_estimator(model)))
    display = LossCurveDisplay(
        curves={"a": {"training": [1.0, 2.0], "validation": [1.0, 2.0], "kept_epoch": 0}}, kept="a"
    ).plot()
    assert "kept: the start" in labels(drawn(display))


def test_fits_that_go_on():
    X = table()
    model = small(linear_path=None, early_stopping=False, warm_start=True)
    model.fit(X, numbers(X)).fit(X, numbers(X))
    display = drawn(LossCurveDisplay.from_estimator(model))
    assert len(display.lines_[0].get_xdata()) == 12
    assert display.kept_.get_xdata().tolist() == [12]
    model = small()
    for _ in range(3):
        model.partial_fit(X, numbers(X))
    assert len(drawn(LossCurveDisplay.from_estimator(model)).lines_[0].get_xdata()) == 3


def test_scores():
    model = small(RNNClassifier).fit(table(), numbers(table()) > 0)
    display = drawn(LossCurveDisplay.from_estimator(model, metric="score"))
    assert display.ax_.get_ylabel() == "Validation score"
    assert "linear path by itself" in labels(display)
    assert display.line == model.linear_score_


def test_curves_of_another_estimator():
    mlp = MLPRegressor(max_iter=50, early_stopping=True, tol=10.0, n_iter_no_change=3)
    mlp.fit(table(), numbers(table()))
    display = drawn(LossCurveDisplay.from_estimator(mlp))
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), mlp.loss_curve_)
    drawn(LossCurveDisplay.from_estimator(mlp, metric="score"))


def test_no_curve():
    with pytest.raises(ValueError, match="RNNRegressor has no loss_curve_"):
        LossCurveDisplay.from_estimator(RNNRegressor())
    model = small(early_stopping=False).fit(table(), numbers(table()))
    with pytest.raises(ValueError, match="no validation_scores_"):
        LossCurveDisplay.from_estimator(model, metric="score")
    with pytest.raises(ValueError, match="metric='accuracy'"):
        LossCurveDisplay.from_estimator(model, metric="accuracy")


# Forecasts


SERIES = np.sin(np.arange(120) * np.pi / 6) + 0.1 * np.random.RandomState(0).normal(size=120)


def windowed(**parameters):
    X, y, _ = make_windows(SERIES[:-6], window=12, horizon=6)
    return small(**parameters).fit(X, y)


def test_forecast_and_truth():
    model = windowed()
    display = drawn(ForecastDisplay.from_estimator(model, SERIES[:-6], 6, y_true=SERIES[-6:]))
    expected = forecast_by(model, SERIES[:-6], 6)
    np.testing.assert_array_equal(display.forecast_.get_ydata(), expected)
    np.testing.assert_array_equal(display.forecast_.get_xdata(), np.arange(1, 7))
    np.testing.assert_array_equal(display.history_.get_ydata(), SERIES[:-6][-24:])
    np.testing.assert_array_equal(display.history_.get_xdata(), np.arange(-23, 1))
    np.testing.assert_array_equal(display.truth_.get_ydata(), SERIES[-6:])
    assert labels(display) == ["history", "forecast", "truth"]
    assert display.bands_ == []


def test_bands_between_pairs_of_quantiles():
    model = windowed(loss="quantile", quantile=[0.9, 0.05, 0.5, 0.1, 0.95])
    display = drawn(ForecastDisplay.from_estimator(model, SERIES[:-6], 6, n_history=10))
    predicted = forecast_by(model, SERIES[:-6], 6)
    assert labels(display) == ["history", "90 % interval", "80 % interval", "forecast"]
    np.testing.assert_array_equal(display.forecast_.get_ydata(), predicted[:, 2])
    edges = display.bands_[0].get_paths()[0].vertices[:, 1]
    assert edges.min() == predicted[:, 0].min()
    assert edges.max() == predicted[:, 4].max()
    assert len(display.history_.get_xdata()) == 10


def test_bands_of_predictions():
    model = small(loss="quantile", quantile=[0.1, 0.6]).fit(table(), numbers(table()))
    display = drawn(
        ForecastDisplay.from_predictions(model.predict(table())[:9], quantile=[0.1, 0.6])
    )
    assert display.forecast_ is display.history_ is display.truth_ is None
    assert labels(display) == ["10 to 60 %"]


def test_times_and_frames():
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2024-01-01", periods=120)
    frame = pd.DataFrame({"noise": np.zeros(120), "load": SERIES})
    X, y, _ = make_windows(frame[:-6], window=12, horizon=6, target="load")
    model = small().fit(X, y)
    display = drawn(ForecastDisplay.from_estimator(model, frame[:-6], 6, target="load", index=days))
    assert display.forecast_.get_xdata()[0] == days[-6]
    np.testing.assert_array_equal(display.history_.get_ydata(), SERIES[:-6][-24:])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"y_pred": np.ones((3, 2))}, "y_pred has 2 columns"),
        ({"y_pred": np.ones((3, 2)), "quantile": [0.9, 0.1]}, "in ascending order"),
        ({"y_pred": np.ones(3), "y_true": [1.0]}, "y_true has the shape"),
        ({"y_pred": np.ones(3), "index": [1.0]}, "index has 1 entries"),
        ({"y_pred": np.ones((3, 2, 2))}, "y_pred has the shape"),
    ],
)
def test_forecasts_that_do_not_fit(arguments, words):
    with pytest.raises(ValueError, match=words):
        ForecastDisplay.from_predictions(**arguments)


# Attributions


def test_saliency_of_a_sample():
    X = array(n_timesteps=5)
    model = small().fit(X, numbers(X))
    display = drawn(SaliencyDisplay.from_estimator(model, X, sample=3, feature_names=["a", "b"]))
    np.testing.assert_allclose(display.attributions, integrated_gradients(model, X)[3], atol=1e-12)
    np.testing.assert_array_equal(display.im_.get_array(), display.attributions.T)
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["a", "b"]
    low, high = display.im_.get_clim()
    assert high == -low == np.abs(display.attributions).max()
    display = drawn(SaliencyDisplay.from_estimator(model, X, method="input_gradients"))
    np.testing.assert_allclose(display.attributions, input_gradients(model, X)[0], atol=1e-12)
    assert display.colorbar_.ax.get_ylabel() == "Gradient of the prediction"


def test_saliency_of_every_form():
    X = ragged()
    model = small().fit(X, numbers(X))
    assert drawn(SaliencyDisplay.from_estimator(model, X)).attributions.shape == X[0].shape
    padded = array(n_timesteps=5)
    padded[2, 3:] = np.nan
    model = small().fit(padded, np.arange(40.0))
    assert drawn(SaliencyDisplay.from_estimator(model, padded, sample=2)).attributions.shape == (
        3,
        2,
    )
    flat = table()
    model = small(n_timesteps=3).fit(flat, numbers(flat))
    display = drawn(SaliencyDisplay.from_estimator(model, flat, sample=2))
    expected = integrated_gradients(model, flat)[2].reshape(3, 2)
    np.testing.assert_allclose(display.attributions, expected, atol=1e-12)
    model = small().fit(flat, numbers(flat))
    assert drawn(SaliencyDisplay.from_estimator(model, flat)).attributions.shape == (40, 6)


def test_saliency_of_a_frame_and_of_words():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(table(), columns=list("abcdef"))
    display = drawn(SaliencyDisplay.from_estimator(small().fit(X, numbers(table())), X[:7]))
    assert display.attributions.shape == (7, 6)
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == list("abcdef")
    ids = [[1, 2, 3], [3, 1], [2, 2], [1, 3, 3]]
    model = small(embedding_dim=3).fit(ids, [1.0, 0.0, 2.0, 1.0])
    display = drawn(SaliencyDisplay.from_estimator(model, ids, step_names=["in", "the", "end"]))
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["in", "the", "end"]


def test_attributions_that_do_not_fit():
    with pytest.raises(ValueError, match="those of one sample"):
        SaliencyDisplay.from_attributions(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match="feature_names has 1 names, but there are 3 features"):
        SaliencyDisplay.from_attributions(np.ones((2, 3)), feature_names=["a"])
    with pytest.raises(ValueError, match="method='lime'"):
        SaliencyDisplay.from_estimator(None, None, method="lime")
    drawn(SaliencyDisplay.from_attributions(np.zeros((4, 2))))


# Attention


def test_attention_map():
    X = ragged()
    model = small(pooling="attention").fit(X, numbers(X))
    display = drawn(AttentionDisplay.from_estimator(model, X[:6]))
    shown = display.im_.get_array()
    for row, one in zip(shown, model.attention_weights(X[:6]), strict=True):
        np.testing.assert_array_equal(row[: len(one)], one)
        assert row.mask[len(one) :].all()
    display = drawn(AttentionDisplay.from_estimator(model, array(n_timesteps=4), colorbar=False))
    assert display.colorbar_ is None
    assert display.im_.get_array().shape == (40, 4)


def test_attention_of_words():
    ids = [[1, 2, 3], [3, 1], [2, 2], [1, 3, 3]]
    model = small(embedding_dim=3, pooling="attention").fit(ids, [1.0, 0.0, 2.0, 1.0])
    vocabulary = {1: "yes", 2: "no", 3: "perhaps"}
    words = [[vocabulary[token] for token in one] for one in ids]
    display = drawn(AttentionDisplay.from_estimator(model, ids, words=words))
    assert [text.get_text() for text in display.texts_] == [word for one in words for word in one]


@pytest.mark.parametrize("width", [3.0, 8.0])
def test_words_stay_on_their_ground(width):
    words = [[f"word{i}" for i in range(40)], ["short"], ["x" * 90, "y"]]
    weights = [np.full(len(one), 1.0 / len(one)) for one in words]
    _, ax = plt.subplots(figsize=(width, 2.5))
    display = drawn(AttentionDisplay.from_weights(weights, words=words, ax=ax))
    inside = display.ax_.get_window_extent()
    for text, ground in zip(display.texts_, display.ax_.patches, strict=True):
        box, place = text.get_window_extent(), ground.get_window_extent()
        assert place.x0 - 1 <= box.x0
        assert box.x1 <= place.x1 + 1
        assert box.x1 <= inside.x1 + 1
    lines = {text.get_position()[1] for text in display.texts_}
    assert len(lines) > 3


def test_weights_that_do_not_fit():
    with pytest.raises(ValueError, match=r"Pass \[weights\] for a single one"):
        AttentionDisplay.from_weights(np.ones(3))
    with pytest.raises(ValueError, match="words has 1 lists, but there are 2 sequences"):
        AttentionDisplay.from_weights(np.ones((2, 3)), words=[["a"]])
    with pytest.raises(ValueError, match=r"words\[0\] has 1 names, but there are 3 steps"):
        AttentionDisplay.from_weights(np.ones((1, 3)), words=[["a"]])
    model = small().fit(array(), numbers(array()))
    with pytest.raises(AttributeError, match="attention_weights"):
        AttentionDisplay.from_estimator(model, array())


# What all have in common


def displays():
    """One of each, not drawn."""
    curve = {"training": [3.0, 2.0], "validation": [3.0, 2.5], "kept_epoch": 2}
    return [
        LossCurveDisplay(curves={"fit": curve}, kept="fit"),
        ForecastDisplay(y_pred=np.arange(3.0), history=np.arange(5.0)),
        SaliencyDisplay(attributions=np.arange(6.0).reshape(3, 2) - 2.0),
        AttentionDisplay(weights=[np.ones(3) / 3]),
        AttentionDisplay(weights=[np.ones(2) / 2], words=[["a", "b"]]),
    ]


@pytest.mark.parametrize("place", range(5))
def test_axes_that_are_given_and_new_ones(place):
    display = displays()[place]
    figure, axes = plt.subplots(1, 2)
    assert display.plot(axes[1]) is display
    assert drawn(display).ax_ is axes[1]
    assert display.figure_ is figure
    n_figures = len(plt.get_fignums())
    assert drawn(display.plot()).figure_ is not figure
    assert len(plt.get_fignums()) == n_figures + 1


def test_keyword_arguments_by_any_name():
    curve, forecast, saliency, weights, words = displays()
    assert curve.plot(line_kwargs={"c": "k", "lw": 4}).lines_[0].get_color() == "k"
    forecast.plot(forecast_kwargs={"ls": ":"}, history_kwargs={"label": "past"})
    assert forecast.forecast_.get_linestyle() == ":"
    assert labels(forecast)[0] == "past"
    assert saliency.plot(im_kwargs={"cmap": "PuOr", "vmax": 9}).im_.get_clim()[1] == 9
    assert weights.plot(im_kwargs={"cmap": "magma"}).im_.get_cmap().name == "magma"
    assert words.plot(text_kwargs={"fontsize": 7.0}).texts_[0].get_fontsize() == 7.0


def test_without_matplotlib():
    code = """if True:
        import sys
        sys.modules["matplotlib"] = None
        import numpy as np
        from skrnn.plotting import SaliencyDisplay
        try:
            SaliencyDisplay.from_attributions(np.ones((2, 2)))
        except ImportError as error:
            print(error)
    """
    command = [sys.executable, "-W", "ignore", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "SaliencyDisplay.plot needs matplotlib" in run.stdout
    assert "skrnn[plot]" in run.stdout


def test_importing_pictures_imports_neither_matplotlib_nor_numba():
    code = "import sys, skrnn.plotting; print('matplotlib' in sys.modules, 'numba' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
