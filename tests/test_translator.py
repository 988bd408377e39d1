"""RNNTranslator as an estimator: what it learns, in which forms, and what it refuses."""

import functools
import itertools
import pickle
import warnings

import numpy as np
import pytest
from conventions import run, with_checks
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skrnn import RNNTranslator
from skrnn.learning.settings import settings_of
from skrnn.metrics import sequence_error_rate, token_error_rate
from skrnn.text import SequenceVectorizer

LETTERS = "abcdef"


def words(n=300, seed=0):
    """Sequences of ids, and the same reversed, as words."""
    rng = np.random.default_rng(seed)
    X = [rng.integers(1, 7, size=rng.integers(1, 6)) for _ in range(n)]
    return X, ["".join(LETTERS[token - 1] for token in x[::-1]) for x in X]


def spoken(n=200, seed=0):
    """Noisy frames, and the sounds that are in them, of which neighbours differ."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n):
        sounds = [rng.integers(3)]
        while rng.uniform() < 0.6:
            sounds.append((sounds[-1] + rng.integers(1, 3)) % 3)
        of_steps = np.repeat(sounds, rng.integers(3, 8, size=len(sounds)))
        X.append(2.0 * np.eye(3)[of_steps] + rng.normal(size=(len(of_steps), 3)))
        y.append([("ah", "ee", "oo")[sound] for sound in sounds])
    return X, y


def translator(decoder="attention", **parameters):
    usual = {"random_state": 0, "hidden_layer_sizes": (24,), "decoder": decoder}
    if decoder == "attention":
        usual |= {"embedding_dim": 12, "target_analyzer": "char", "target_embedding_dim": 12}
    return RNNTranslator(**usual | parameters)


DATA = {"attention": words, "ctc": spoken}
decoders = pytest.mark.parametrize("decoder", DATA)
QUICK = {"max_iter": 3, "early_stopping": False, "learning_rate": "constant", "tol": 0.0}


def quick(decoder, **parameters):
    """A fit that need not learn, without the advice that it has not."""
    X, y = DATA[decoder](60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return translator(decoder, **QUICK | parameters).fit(X, y), X, y


@decoders
def test_it_learns_what_transcripts_say(decoder):
    X, y = DATA[decoder]()
    X_new, y_new = DATA[decoder](400, seed=1)
    model = translator(decoder).fit(X, y)
    assert model.score(X_new, y_new) > 0.93
    expected = 1.0 - token_error_rate(y_new, model.predict(X_new))
    assert model.score(X_new, y_new) == pytest.approx(expected)


@decoders
def test_predictions_have_the_form_of_y(decoder):
    model, X, y = quick(decoder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        predicted = model.predict(X)
    assert len(predicted) == len(X)
    assert {type(one) for one in predicted} == {type(y[0])}
    labels = {label for one in predicted for label in one}
    assert labels <= set(model.labels_)
    assert model.labels_ == tuple(sorted({label for one in y for label in one}))


def test_labels_of_any_kind():
    X, y = words(40)
    of_tuples = [[("letter", letter) for letter in one] for one in y]
    mixed = [[*one, 7] for one in y]
    of_words = [" ".join(one) for one in y]
    fits = (of_tuples, None), (mixed, None), (of_words, "word"), ([np.array([*x]) for x in y], None)
    for given, analyzer in fits:
        model = translator(target_analyzer=analyzer, max_length=9, **QUICK)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            predicted = model.fit(X, given).predict(X[:5])
        assert np.isfinite(model.score_samples(X[:5], given[:5])).all()
        assert len(predicted) == 5


@decoders
def test_one_seed_gives_the_same_bits_for_any_number_of_threads(decoder):
    one, X, y = quick(decoder)
    two, *_ = quick(decoder, n_jobs=2)
    assert_array_equal(one._model.theta, two._model.theta)
    assert_array_equal(one.score_samples(X, y), two.score_samples(X, y))


def test_a_transcript_does_not_depend_on_its_neighbours():
    model, X, y = quick("attention", beam_size=3)
    every = model.predict_beams(X, 3)
    scores = model.score_samples(X, y)
    for row in (0, 7, 31):
        assert model.predict_beams(X[row : row + 1], 3)[0] == every[row]
        assert model.score_samples(X[row : row + 1], y[row : row + 1])[0] == scores[row]


def test_forms_of_the_same_sequences():
    X, y = words(50)
    padded = np.zeros((50, 5), int)
    for row, x in zip(padded, X, strict=True):
        row[: len(x)] = x
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        of_list, of_array = (translator(**QUICK).fit(form, y) for form in (X, padded))
    assert_array_equal(of_list._model.theta, of_array._model.theta)


def test_a_beam_is_at_least_as_probable_as_the_greedy_transcript():
    X, y = words()
    model = translator(max_iter=8, early_stopping=False, dtype="float64").fit(X, y)
    greedy, beam = model.predict_beams(X, 1), model.predict_beams(X, 5)
    for one, several in zip(greedy, beam, strict=True):
        assert [log for _, log in several] == pytest.approx(
            [log for _, log in sorted(several, key=lambda x: -x[1] / (len(x[0]) + 1))]
        )
        assert max(log for _, log in several) >= one[0][1] - 1e-9


def test_attention_says_what_each_label_looks_at():
    X, y = words()
    model = translator(dtype="float64").fit(X, y)
    shares = model.attention_weights(X[:20], y[:20])
    for x, one, of_labels in zip(X, y, shares, strict=False):
        assert of_labels.shape == (len(one) + 1, len(x))
        assert_allclose(of_labels.sum(axis=1), 1.0, rtol=1e-12)
    # From back to front, as the words are.
    looked = np.concatenate([of.argmax(axis=1)[:-1] for of in shares])
    expected = np.concatenate([np.arange(len(x))[::-1] for x in X[:20]])
    assert np.mean(looked == expected) > 0.6
    predicted = model.attention_weights(X[:3])
    assert [len(one) - 1 for one in predicted] == [len(one) for one in model.predict(X[:3])]


def collapsed(path, labels):
    """What a path of numbers says: repetitions once, and no blanks."""
    said = [number for i, number in enumerate(path) if i == 0 or number != path[i - 1]]
    return [labels[number] for number in said if number < len(labels)]


def test_steps_say_what_transcripts_and_their_probabilities_are():
    model, X, _ = quick("ctc", dtype="float64")
    of_steps = model.step_probabilities(X)
    for x, one, said in zip(X, of_steps, model.predict(X), strict=True):
        assert one.shape == (len(x), 4)
        assert_allclose(one.sum(axis=1), 1.0, rtol=1e-12)
        assert collapsed(one.argmax(axis=1), model.labels_) == said
    # All paths of five steps that say the same, added up.
    short, (of_short,) = X[0][:5], model.step_probabilities([X[0][:5]])
    paths = [path for path in itertools.product(range(4), repeat=5)
             if collapsed(path, model.labels_) == ["ee", "ah"]]  # fmt: skip
    total = sum(np.prod(of_short[np.arange(5), path]) for path in paths)
    assert_allclose(model.score_samples([short], [["ee", "ah"]]), np.log(total), rtol=1e-10)


@decoders
def test_portions_change_nothing(decoder, monkeypatch):
    whole, X, y = quick(decoder, early_stopping=True)
    monkeypatch.setattr("skrnn.portions.MOST", 30)
    parted, *_ = quick(decoder, early_stopping=True)
    assert parted.validation_loss_curve_ == whole.validation_loss_curve_
    assert parted.validation_scores_ == whole.validation_scores_
    assert_array_equal(parted.score_samples(X, y), whole.score_samples(X, y))


@decoders
def test_weights_are_repetition_and_zero_is_removal(decoder):
    X, y = DATA[decoder](20)
    weights = np.random.default_rng(0).integers(0, 3, size=20)
    repeated = np.repeat(np.arange(20), weights)
    settings = QUICK | {"batch_size": 64, "max_iter": 10}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        weighted = translator(decoder, **settings).fit(X, y, sample_weight=weights)
        copied = translator(decoder, **settings).fit(
            [X[i] for i in repeated], [y[i] for i in repeated]
        )
    assert_allclose(weighted.score_samples(X, y), copied.score_samples(X, y), rtol=1e-7)


class OneLabel(RNNTranslator):
    """Transcripts of one label each, in the form of scikit-learn's checks."""

    __init__ = RNNTranslator.__init__
    # Which take transcripts too.
    partial_fit = score = score_samples = property()

    def fit(self, X, y=None, sample_weight=None):
        y = None if y is None else [[label] for label in np.asarray(y).ravel().tolist()]
        return super().fit(X, y, sample_weight)

    def predict(self, X):
        return np.array([(*labels, -1)[0] for labels in super().predict(X)])


@with_checks([OneLabel(hidden_layer_sizes=(5,), max_iter=5)])
def test_scikit_learns_checks(estimator, check, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        run(check, estimator, monkeypatch)


@decoders
def test_clone_pickle_and_going_on(decoder):
    model, X, y = quick(decoder)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.score_samples(X, y), model.score_samples(X, y))
    assert not hasattr(clone(model), "labels_")
    loss = model.loss_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.set_params(warm_start=True).fit(X, y)
    assert model.loss_ < loss
    assert len(model.loss_curve_) == 6


def test_ctc_begins_with_little_of_an_opinion_where_labels_stand():
    """A random one decides the alignment, and from many a start nothing was ever learnt."""
    for decoder, least, most in (("ctc", 0.01, 0.2), ("attention", 0.2, 1.0)):
        model, *_ = quick(decoder, learning_rate_init=1e-12)
        V = model._model.network.views(model._model.theta)["V"]
        assert least < np.abs(V).max() < most


def test_ctc_keeps_the_weights_of_fewest_errors_though_their_loss_is_not_the_smallest():
    """A net that learns noise by heart has a loss that rises long before the errors do."""
    (X, y), (X_val, y_val) = spoken(40), spoken(60, seed=1)
    X, X_val = ([x + np.sin(99.0 * x) for x in some] for some in (X, X_val))
    settings = {"batch_size": 8, "max_iter": 120, "n_iter_no_change": 60}
    model = translator("ctc", **settings).fit(X, y, X_val=X_val, y_val=y_val)
    loss, errors = np.array(model.validation_loss_curve_), 1.0 - np.array(model.validation_scores_)
    best = np.argmin(errors + 0.1 * loss)
    assert loss[best] > 1.02 * loss.min()
    assert errors[best] < errors[np.argmin(loss)]
    assert model.score(X_val, y_val) == pytest.approx(1.0 - errors[best], rel=1e-12)


def test_minibatches_of_few_samples_are_small_for_ctc():
    for decoder, sizes in (("ctc", [64, 16, 16, 32, 64]), ("attention", [64, 32, 32, 32, 64])):
        parameters = vars(translator(decoder))
        found = [
            settings_of(parameters, n_samples, False, True).batch_size
            for n_samples in (64, 65, 999, 1000, 4000)
        ]
        assert found == sizes


def test_partial_fit_learns_too():
    X, y = spoken()
    model = translator("ctc")
    for _ in range(30):
        model.partial_fit(X, y, labels=["ah", "ee", "oo", "never said"])
    assert model.labels_ == ("ah", "ee", "never said", "oo")
    assert model.score(X, y) > 0.8


def test_pipelines_and_searches():
    X, y = words(60)
    texts = ["".join(LETTERS[token - 1] for token in x) for x in X]
    pipeline = make_pipeline(SequenceVectorizer(analyzer="char"), translator(max_length=8, **QUICK))
    search = GridSearchCV(pipeline, {"rnntranslator__cell": ["gru", "rnn"]}, cv=KFold(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(texts, y)
        scores = cross_val_score(pipeline, texts, y, cv=KFold(2))
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert np.isfinite(scores).all()


def test_transcripts_may_be_empty():
    X, y = words(60)
    y = ["" if len(one) == 1 else one for one in y]
    model = translator().fit(X, y)
    of_one = [x for x in X if len(x) == 1]
    assert model.predict(of_one) == [""] * len(of_one)


# What is refused


REFUSED = [
    (lambda X, y: (X, y[:-1]), ValueError, "X has 60, y has 59"),
    (lambda X, y: (X, None), ValueError, "requires y to be passed"),
    (lambda X, y: (X, "".join(y)), TypeError, "y is a single object"),
    (lambda X, y: (X, [*y[:-1], 3]), TypeError, "Sample 59 of y is 3"),
    (lambda X, y: (X, [*y[:-1], [[1]]]), TypeError, "Sample 59 of y"),
    (lambda X, y: (X, [[]] * 60), ValueError, "all transcripts are empty"),
]


@pytest.mark.parametrize(("change", "error", "words_of_it"), REFUSED)
@decoders
def test_bad_transcripts_are_refused(decoder, change, error, words_of_it):
    X, y = DATA[decoder](60)
    analyzer = "char" if isinstance(change(X, ["a"] * 60)[1], str) else None
    y = ["".join(map(str, one)) for one in y] if analyzer else [list(one) for one in y]
    with pytest.raises(error, match=words_of_it):
        translator(decoder, target_analyzer=analyzer).fit(*change(X, y))


def test_strings_without_an_analyzer_and_lists_with_one():
    X, y = words(20)
    with pytest.raises(TypeError, match=r"Sample 0 of y is a string.*target_analyzer='char'"):
        translator(target_analyzer=None).fit(X, y)
    with pytest.raises(TypeError, match=r"Sample 2 of y is .* makes labels of strings"):
        translator().fit(X, [*y[:2], ["a"], *y[3:]])


def test_a_label_that_cannot_be_hashed_is_named():
    X, y = spoken(20)
    y[4] = ["ah", ["ee"]]
    with pytest.raises(TypeError, match=r"Sample 4 of y, label 1, is \['ee'\]"):
        translator("ctc").fit(X, y)


def test_too_many_labels_for_the_steps_are_named():
    X, y = spoken(20)
    X[3], y[3] = X[3][:3], ["ah", "ah", "ee"]
    message = r"Sample 3 of y has 3 labels, 1 of them equal.* needs 4 steps, .* of X has 3"
    with pytest.raises(ValueError, match=message):
        translator("ctc").fit(X, y)


@decoders
def test_an_unknown_label_is_named_and_the_model_is_left_alone(decoder):
    model, X, y = quick(decoder)
    before = model._model
    unknown = "z" + y[5] if decoder == "attention" else ["zz", *y[5]]
    X5 = [*X[:5], np.concatenate([X[5]] * 3)]
    for call in (model.score_samples, model.partial_fit):
        with pytest.raises(ValueError, match=r"'z+' \(sample 5, label 0\)"):
            call(X5, [*y[:5], unknown])
    assert model._model is before


def test_a_decoder_set_after_fit_changes_nothing_until_the_next():
    model, X, y = quick("ctc")
    beams, of_y = model.predict_beams(X, 1), model.score_samples(X, y)
    model.set_params(decoder="attention")
    assert model.predict_beams(X, 1) == beams
    assert_array_equal(model.score_samples(X, y), of_y)
    with pytest.raises(ValueError, match="Sample 0 of y has 20 labels"):
        model.score_samples([X[0][:8]], [["ah", "ee"] * 10])


def test_what_is_not_fitted_and_what_the_other_decoder_has():
    X, _ = spoken(20)
    with pytest.raises(NotFittedError):
        translator("ctc").predict(X)
    model, X, _ = quick("ctc")
    with pytest.raises(ValueError, match="decoder='attention'"):
        model.attention_weights(X)
    model, X, _ = quick("attention")
    with pytest.raises(ValueError, match="decoder='ctc'"):
        model.step_probabilities(X)


@pytest.mark.parametrize("decoder", ["attention", "ctc"])
@pytest.mark.parametrize("parameter", ["beam_size", "length_penalty"])
def test_what_only_prediction_uses_is_checked_there(parameter, decoder):
    model, X, _ = quick(decoder)
    before = model.predict(X)
    for bad in (-2, "x", None, np.nan):
        model.set_params(**{parameter: bad})
        with pytest.raises(ValueError, match=f"'{parameter}' parameter of RNNTranslator must be"):
            model.predict(X)
    model.set_params(**{parameter: True})  # an integer to Python
    assert model.predict(X) == before


@decoders
@pytest.mark.parametrize("beam_size", [1, 3])
def test_what_is_not_finite_is_not_passed_off_as_a_transcript(beam_size, decoder):
    X, y = spoken(20)
    settings = {"cell": "rnn", "activation": "relu", "beam_size": beam_size}
    settings |= {"embedding_dim": None, "target_analyzer": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = translator(decoder, **QUICK | settings).fit(X, y)
    X[3] = np.sign(X[3]) * 1.7e308
    calls = {
        "prediction": [lambda: model.predict(X), lambda: model.predict_beams(X, 2)],
        "log-probability": [lambda: model.score_samples(X, y)],
    }
    if decoder == "ctc":
        calls["prediction"].append(lambda: model.step_probabilities(X))
    else:
        calls["attention weight"] = [lambda: model.attention_weights(X, y)]
    for what, those in calls.items():
        for call in those:
            with pytest.raises(ValueError, match=f"The {what} for sample 3.* is not finite"):
                call()
    assert len(model.predict_beams(X[:3], 2)) == 3


@pytest.mark.parametrize("n", [0, -3, 2.5, "x", None, True, np.inf])
def test_a_number_of_beams_is_a_whole_number(n):
    model, X, _ = quick("attention")
    with pytest.raises(ValueError, match=r"^n must be a whole number from 1 on\. Got"):
        model.predict_beams(X, n)
    assert model.predict_beams(X, np.float64(2)) == model.predict_beams(X, 2)


def test_transcripts_that_are_cut_are_told_of_once():
    X, y = words()
    model = translator(max_length=1).fit(X, y)
    words_of_it = r"of 300 transcripts were cut at max_length=1.* and fit again"
    with pytest.warns(ConvergenceWarning, match=words_of_it) as told:
        predicted = model.predict(X)
    assert len(told) == 1
    assert max(map(len, predicted)) == 1


# Error rates


def test_error_rates_of_known_pairs():
    assert token_error_rate(["kitten", ""], ["sitting", ""]) == pytest.approx(3 / 6)
    assert token_error_rate([["a", "b"], ["c"]], [["b"], ["c", "d"]]) == pytest.approx(2 / 3)
    pair, weights = (["ab", "cd"], ["ab", "xx"]), [3, 1]
    assert token_error_rate(*pair, sample_weight=weights) == pytest.approx(2 / 8)
    assert sequence_error_rate(*pair, sample_weight=weights) == 0.25
    assert token_error_rate([""], ["a"]) == np.inf
    assert token_error_rate([""], [""]) == 0.0


def test_edit_distances_are_those_of_the_definition(rng):
    """By recursion over the first labels."""

    @functools.cache
    def distance(one, other):
        if not one or not other:
            return len(one) + len(other)
        if one[0] == other[0]:
            return distance(one[1:], other[1:])
        return 1 + min(
            distance(one[1:], other), distance(one, other[1:]), distance(one[1:], other[1:])
        )

    pairs = [
        tuple("".join(rng.choice(list("abc"), size=rng.integers(0, 8))) for _ in range(2))
        for _ in range(60)
    ]
    true, predicted = zip(*pairs, strict=True)
    expected = sum(distance(*pair) for pair in pairs) / sum(map(len, true))
    assert token_error_rate(true, predicted) == pytest.approx(expected)
