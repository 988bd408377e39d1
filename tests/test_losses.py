"""What the package asks of a loss beside its value and gradient (those: test_loss_values.py).

Constants and references are held against the loss itself, which is what they are to minimise.
"""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context

from skrnn import RNNRegressor, losses
from skrnn.kernels.losses import GRADIENTS
from skrnn.quantiles import robust_scale, weighted_quantile

LOSSES = {
    "squared_error": losses.SquaredError(),
    "absolute_error": losses.AbsoluteError(),
    "huber": losses.Huber(),
    "quantile": losses.Quantile(0.3),
    "quantiles": losses.Quantile([0.9, 0.1, 0.5]),
    "poisson": losses.Poisson(),
    "logistic": losses.Logistic(),
    "softmax": losses.Softmax(3),
}
FAMILIES = [losses.Poisson(), losses.Logistic()]
ALL = pytest.mark.parametrize("name", LOSSES)
FAMILY = pytest.mark.parametrize("loss", FAMILIES, ids=lambda loss: loss.name)


def targets_for(name, rng, n=60):
    """Targets (n, 2), or (n, 1) codes of classes."""
    if name == "softmax":
        return rng.choice(3, size=(n, 1), p=[0.6, 0.3, 0.1]).astype(float)
    if name == "logistic":
        return (rng.uniform(size=(n, 2)) < [0.2, 0.7]).astype(float)
    if name == "poisson":
        return rng.poisson([0.5, 4.0], size=(n, 2)).astype(float)
    if name == "huber":  # near enough to be in the parabola
        return rng.uniform([-0.6, 2.0], [0.6, 3.2], size=(n, 2))
    return rng.standard_cauchy(size=(n, 2))


def total(loss, constant, targets, weights):
    """Weighted loss of a raw prediction that is the same for all rows."""
    return weights @ loss.of_rows(np.tile(constant, (len(targets), 1)), targets)


# --- what a loss is --------------------------------------------------------------------------

ROBUST = {"absolute_error", "huber", "quantile", "quantiles"}
LIKELIHOODS, CLASSES = {"poisson", "logistic", "softmax"}, {"logistic", "softmax"}


@ALL
def test_a_loss_says_what_kind_it_is(name):
    loss = LOSSES[name]
    assert loss.is_standardized == (name not in LIKELIHOODS)
    assert loss.is_robust == (name in ROBUST)
    assert loss.is_likelihood == (name in LIKELIHOODS)
    assert loss.is_of_classes == (name in CLASSES)
    assert loss.is_coupled == (name == "softmax")
    assert loss.has_level_axis == (name == "quantiles")
    links = {"poisson": "exp", "logistic": "logistic", "softmax": "softmax"}
    assert loss.link == links.get(name, "identity")
    assert isinstance(loss, losses.ExponentialFamily) == (name in ("poisson", "logistic"))


@ALL
def test_a_loss_has_a_level_for_each_output_of_a_target(name):
    loss = LOSSES[name]
    levels = {"absolute_error": (0.5,), "quantile": (0.3,), "quantiles": (0.1, 0.5, 0.9)}
    assert loss.levels == levels.get(name, (None,))
    assert loss.quantiles == (loss.levels if name.startswith("quantile") else ())
    if name == "softmax":
        assert loss.n_outputs(1) == 3
    else:
        assert [loss.n_outputs(n) for n in (1, 2, 5)] == [n * len(loss.levels) for n in (1, 2, 5)]


def test_a_quantile_is_the_smallest_value_with_enough_weight_at_or_below_it():
    values, weights = np.array([3.0, 1.0, 4.0, 2.0]), np.ones(4)
    for level, expected in (
        (0.0, 1.0),
        (0.25, 1.0),
        (0.26, 2.0),
        (0.5, 2.0),
        (0.75, 3.0),
        (1.0, 4.0),
    ):
        assert weighted_quantile(values, weights, level) == expected
    assert weighted_quantile(values, np.array([1.0, 1.0, 0.0, 2.0]), 0.75) == 2.0


@pytest.mark.parametrize(
    ("quantile", "levels", "has_axis"),
    [
        (0.5, (0.5,), False),
        (np.float32(0.25), (0.25,), False),
        ([0.5], (0.5,), True),
        ((0.9, 0.1), (0.1, 0.9), True),
        (np.array([0.8, 0.2, 0.5]), (0.2, 0.5, 0.8), True),
    ],
)
def test_levels_are_sorted_floats_and_a_sequence_of_them_is_an_axis(quantile, levels, has_axis):
    loss = losses.Quantile(quantile)
    assert loss.levels == loss.quantiles == levels
    assert {type(level) for level in loss.levels} == {float}
    assert loss.has_level_axis == has_axis


def test_columns_go_by_target_first_and_by_level_then():
    loss = losses.Quantile([0.9, 0.1])
    raw, targets = np.array([[1.0, 1.0, 5.0, 5.0]]), np.array([[3.0, 4.0]])
    values, slopes = loss.value_and_slope(raw, targets)
    assert_allclose(values, [[0.1 * 2, 0.9 * 2, 0.9 * 1, 0.1 * 1]])
    assert_allclose(slopes, [[-0.1, -0.9, 0.9, 0.1]])


def test_a_regression_loss_is_found_by_its_name():
    names = {"squared_error", "absolute_error", "huber", "poisson", "quantile"}
    assert losses.REGRESSION.keys() == names
    for name in names:
        loss = losses.of_regression(name, [0.7, 0.2])
        assert loss.name == name
        assert loss.quantiles == ((0.2, 0.7) if name == "quantile" else ())
        assert loss.has_level_axis == (name == "quantile")


@ALL
def test_a_row_counts_by_the_mean_of_its_values(name, rng):
    loss, targets = LOSSES[name], targets_for(name, rng, 8)
    raw, shares = rng.normal(size=(8, loss.n_outputs(targets.shape[1]))), rng.uniform(size=8)
    values, slopes = loss.value_and_slope(raw, targets)
    of_rows = loss.of_rows(raw, targets)
    assert_allclose(of_rows, values.mean(axis=1), rtol=1e-14)
    gradient = raw.copy()
    assert loss.gradient(gradient, targets, shares) == pytest.approx(shares @ of_rows, rel=1e-13)
    assert_allclose(gradient, shares[:, np.newaxis] * slopes / raw.shape[1], rtol=1e-13)


@ALL
def test_losses_of_single_precision_are_computed_in_double(name, rng):
    loss, targets = LOSSES[name], targets_for(name, rng, 8).astype(np.float32)
    shape = 8, loss.n_outputs(targets.shape[1])
    raw = rng.normal(scale=20.0, size=shape).astype(np.float32)
    exact = loss.of_rows(raw.astype(np.float64), targets.astype(np.float64))
    np.testing.assert_array_equal(loss.of_rows(raw, targets), exact)
    shares = rng.uniform(size=8)
    assert loss.gradient(raw.copy(), targets, shares) == np.add.reduce(shares * exact)


@pytest.mark.parametrize("n_columns", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", GRADIENTS)
def test_a_compiled_loss_is_that_of_its_class(name, dtype, n_columns, rng):
    """To the bit in its gradient."""
    raw = rng.normal(scale=9.0, size=(30, n_columns)).astype(dtype)
    targets = targets_for(name, rng, 30)[:, :n_columns].astype(dtype)
    shares, gradient, expected = rng.uniform(size=30), raw.copy(), raw.copy()
    value = GRADIENTS[name](gradient, targets, shares)
    assert value == pytest.approx(LOSSES[name].gradient(expected, targets, shares), rel=1e-14)
    assert_array_equal(gradient, expected)


# --- targets ---------------------------------------------------------------------------------


@ALL
def test_the_best_constant_has_the_least_weighted_loss(name, rng):
    loss = LOSSES[name]
    for _ in range(10):
        targets, weights = targets_for(name, rng), rng.uniform(0.1, 3.0, size=60)
        constant = np.array(loss.best_constant(targets, weights))
        assert constant.shape == (loss.n_outputs(targets.shape[1]),)
        least = total(loss, constant, targets, weights)
        bound = least - 1e-12 * abs(least)
        # The losses are convex, so that in each direction near steps decide.
        for step in (1e-3, 0.1, 3.0):
            for direction in np.eye(len(constant)):
                for moved in (constant + step * direction, constant - step * direction):
                    assert total(loss, moved, targets, weights) >= bound
        for direction in rng.normal(size=(10, len(constant))):
            assert total(loss, constant + direction, targets, weights) >= bound
        if loss.levels == (None,):  # it has a slope, which vanishes there
            slopes = np.tile(constant, (60, 1))
            loss.gradient(slopes, targets, weights)
            assert_allclose(slopes.sum(axis=0), 0.0, atol=1e-11)


@ALL
def test_the_best_constant_takes_weights_for_repetition(name, rng):
    loss, targets, weights = LOSSES[name], targets_for(name, rng), rng.integers(0, 4, size=60)
    repeated = np.repeat(targets, weights, axis=0)
    constant = loss.best_constant(targets, weights.astype(float))
    assert_allclose(constant, loss.best_constant(repeated, np.ones(len(repeated))), rtol=1e-12)


def test_the_best_constants_of_several_levels_are_in_their_order(rng):
    targets = rng.normal(size=(101, 2))
    found = losses.Quantile([0.75, 0.25]).best_constant(targets, np.ones(101))
    low, high = np.quantile(targets, [0.25, 0.75], axis=0)
    assert_allclose(found, [low[0], high[0], low[1], high[1]])


@pytest.mark.parametrize("code", [0.0, 1.0])
def test_log_odds_of_what_all_samples_are_stay_finite(code):
    """Half a sample away from certainty."""
    targets, weights = np.full((9, 1), code), np.full(9, 2.0)
    odds = losses.Logistic().best_constant(targets, weights)
    assert_allclose(odds, [np.log(18.5 / 0.5) * (1 if code else -1)])
    shares = np.exp(losses.Softmax(2).best_constant(targets, weights))
    assert_allclose(shares[[int(code), 1 - int(code)]], [18.5 / 19, 0.5 / 19])


def test_a_count_that_is_always_zero_has_a_finite_logarithm():
    assert np.isfinite(losses.Poisson().best_constant(np.zeros((5, 1)), np.ones(5))).all()


@ALL
def test_inverse_links_are_what_the_link_says(name, rng):
    raw = rng.normal(size=(5, 2))
    expected = np.exp(raw) if LOSSES[name].link == "exp" else raw  # of classes targets decode raw
    assert_array_equal(LOSSES[name].inverse_link(raw), expected)


@ALL
def test_nothing_can_be_learnt_from_one_sample(name, rng):
    targets = targets_for(name, rng, 1)[:, :1]
    assert not LOSSES[name].can_be_learnt(targets)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in CLASSES])
def test_two_numbers_can_be_learnt_from_even_if_they_are_equal(name):
    assert LOSSES[name].can_be_learnt(np.ones((2, 1)))


@pytest.mark.parametrize("codes", [[0, 0, 0], [1, 1]])
def test_one_of_two_classes_alone_cannot_be_learnt(codes):
    targets = np.array(codes, float)[:, np.newaxis]
    assert not losses.Logistic().can_be_learnt(targets)
    assert not losses.Softmax(2).can_be_learnt(targets)
    both = np.r_[targets, 1.0 - targets]
    assert losses.Logistic().can_be_learnt(both)
    assert losses.Softmax(2).can_be_learnt(both)


def test_several_labels_can_be_learnt_even_if_one_never_changes():
    assert losses.Logistic().can_be_learnt(np.ones((3, 2)))


def test_several_classes_can_be_learnt_if_there_is_a_sample_of_each():
    codes = np.array([[0.0], [2.0], [0.0]])
    assert not losses.Softmax(3).can_be_learnt(codes)
    assert losses.Softmax(3).can_be_learnt(np.r_[codes, [[1.0]]])


def place(sample, output):
    return f"sample {sample}, output {output}"


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "poisson"])
def test_a_loss_of_any_number_takes_any_target(name):
    LOSSES[name].check_targets(np.array([[-1.0, 0.0]]), np.ones(1), "y", place)


def test_counts_are_not_negative_and_not_all_zero():
    loss, counts = losses.Poisson(), np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]])
    loss.check_targets(counts, np.ones(3), "y", place)
    loss.check_targets(counts, None, "y", place)
    with pytest.raises(ValueError, match=r"non-negative y_val: sample 1, output 0 is -2\.0"):
        loss.check_targets(np.array([[0.0], [-2.0]]), np.ones(2), "y_val", place)
    with pytest.raises(ValueError, match="positive sum of y: all samples of output 0 are 0"):
        loss.check_targets(counts, np.array([1.0, 0.0, 1.0]), "y", place)


# --- what the linear path asks ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["squared_error", "logistic"])
def test_least_squares_regress_on_the_targets_themselves(name, rng):
    targets = targets_for(name, rng)
    assert LOSSES[name].responses(targets, np.ones(60)) is targets


@pytest.mark.parametrize("name", sorted(ROBUST))
def test_outliers_are_cut_to_four_robust_standard_deviations(name, rng):
    targets, weights = rng.standard_cauchy(size=(200, 2)) * [1.0, 50.0], rng.uniform(size=200)
    before = targets.copy()
    found = LOSSES[name].responses(targets, weights)
    assert_array_equal(targets, before)
    for column, cut in zip(targets.T, found.T, strict=True):
        median, width = weighted_quantile(column, weights, 0.5), 4 * robust_scale(column, weights)
        assert 0.5 < (np.abs(column - median) <= width).mean() < 1.0
        assert_array_equal(cut, np.clip(column, median - width, median + width))


@pytest.mark.parametrize("name", sorted(ROBUST))
def test_targets_most_of_which_are_equal_are_not_cut(name):
    targets = np.r_[np.ones(8), 5.0, -7.0][:, np.newaxis]
    assert_array_equal(LOSSES[name].responses(targets, np.ones(10)), targets)


def test_the_response_to_a_count_is_the_logarithm_of_its_ratio_to_the_mean(rng):
    targets, weights = targets_for("poisson", rng), rng.uniform(0.5, 2.0, size=60)
    mean = weights @ targets / weights.sum()
    found = losses.Poisson().responses(targets, weights)
    assert_allclose(np.exp(found), targets / mean + 0.5, rtol=1e-13)


def test_the_responses_to_classes_are_their_indicators():
    found = losses.Softmax(4).responses(np.array([[2.0], [0.0], [2.0]]), np.ones(3))
    assert_array_equal(found, [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0]])


@FAMILY
def test_mean_and_variance_are_the_derivatives_of_the_cumulant(loss):
    raw, step = np.linspace(-8.0, 8.0, 41), 1e-4
    _, mean, variance = loss.cumulant(raw)
    above, below = loss.cumulant(raw + step), loss.cumulant(raw - step)
    assert_allclose((above[0] - below[0]) / (2 * step), mean, rtol=1e-7, atol=1e-10)
    assert_allclose((above[1] - below[1]) / (2 * step), variance, rtol=1e-7, atol=1e-10)


@FAMILY
def test_cumulant_and_target_make_the_loss_and_its_slope(loss, rng):
    raw, y = 3.0 * rng.normal(size=(20, 2)), targets_for(loss.name, rng, 20)
    values, slopes = loss.value_and_slope(raw, y)
    cumulant, mean, _ = loss.cumulant(raw)
    assert_allclose(cumulant - y * raw, values, rtol=1e-12, atol=1e-14)
    assert_allclose(mean - y, slopes, rtol=1e-12, atol=1e-14)


@FAMILY
def test_mean_and_variance_are_derivatives_far_off_too(loss):
    """A mean that is cut where the logarithm is large would be the derivative of nothing."""
    raw, step = np.array([-600.0, -60.0, 30.0, 45.0, 60.0, 600.0]), 1e-4
    _, mean, variance = loss.cumulant(raw)
    above, below = loss.cumulant(raw + step), loss.cumulant(raw - step)
    assert_allclose((above[0] - below[0]) / (2 * step), mean, rtol=1e-7)
    assert_allclose((above[1] - below[1]) / (2 * step), variance, rtol=1e-7, atol=1e-11)


@FAMILY
def test_a_reference_leaves_a_target_of_the_same_likelihood_up_to_scale_and_shift(loss, rng):
    """What is best for the target that is left is, shifted, best for the target itself."""
    y, weights = targets_for(loss.name, rng)[:, 0], rng.uniform(0.5, 2.0, size=60)
    _, shift, left = loss.reference(y, weights)
    terms = rng.normal(size=(60, 5, 2)) @ rng.normal(size=(2, 3))  # raw predictions of 15 models
    raw = terms.reshape(60, 15)

    def likelihood(raw, y):
        return weights @ (loss.cumulant(raw)[0] - y[:, np.newaxis] * raw)

    of_left, of_target = likelihood(raw, left), likelihood(raw + shift, y)
    gain, gain_of_target = of_left - of_left[0], of_target - of_target[0]
    scale = gain_of_target[1] / gain[1]
    assert scale > 0
    assert_allclose(gain_of_target, scale * gain, rtol=1e-9, atol=1e-9)


@FAMILY
def test_the_constant_of_a_reference_is_near_the_best_one(loss, rng):
    """It is the best one of counts; of two classes it has seen half a sample more of each."""
    y, weights = targets_for(loss.name, rng, 400)[:, :1], rng.uniform(0.5, 2.0, size=400)
    constant, shift, left = loss.reference(y[:, 0], weights)
    best = loss.best_constant(y, weights)[0]
    assert constant + shift == pytest.approx(best, abs=1e-12 if loss.name == "poisson" else 0.01)
    assert loss.best_constant(left[:, np.newaxis], weights)[0] + shift == pytest.approx(best)
    if loss.name == "logistic":
        more, its_weights = np.r_[y, [[0.0], [1.0]]], np.r_[weights, 0.5, 0.5]
        assert constant + shift == pytest.approx(loss.best_constant(more, its_weights)[0])


def test_a_count_that_is_left_has_the_mean_one(rng):
    y, weights = rng.poisson(3.0, size=50).astype(float), rng.uniform(0.5, 2.0, size=50)
    left = losses.Poisson().reference(y, weights)[2]
    assert np.average(left, weights=weights) == pytest.approx(1.0)


class Gamma(losses.Loss):
    """Negative log-likelihood of positive numbers with a logarithmic link, its shape left out."""

    name, link = "gamma", "exp"
    is_standardized = False
    is_likelihood = True

    def value_and_slope(self, raw, y):
        return raw + y * np.exp(-raw), 1.0 - y * np.exp(-raw)

    def derivatives(self, raw, y):
        return *self.value_and_slope(raw, y), y * np.exp(-raw)

    def best_constant(self, targets, weights):
        return np.log(np.average(targets, axis=0, weights=weights))

    def inverse_link(self, raw):
        return np.exp(raw)

    def responses(self, targets, weights):
        return np.log(targets)


@pytest.mark.parametrize("linear_path", ["auto", None])
def test_a_new_loss_is_one_class(linear_path, monkeypatch):
    """It is fitted with and without a path, predicted through its link, saved and loaded."""
    monkeypatch.setitem(losses.REGRESSION, "gamma", Gamma)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    mean = np.exp(X[:, 0] + 1.0)
    y = mean * rng.gamma(5.0, 1 / 5.0, size=200)
    settings = {"max_iter": 60, "learning_rate_init": 0.03, "random_state": 0}
    model = RNNRegressor(8, loss="gamma", linear_path=linear_path, **settings)
    with config_context(skip_parameter_validation=True):
        model.fit(X, y)
    predicted = pickle.loads(pickle.dumps(model)).predict(X)
    assert predicted.min() > 0
    assert np.corrcoef(np.log(predicted), X[:, 0])[0, 1] > 0.9
    assert model.out_activation_ == "exp"
