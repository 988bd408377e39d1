"""SequenceVectorizer: tokens and vocabulary are CountVectorizer's; ids, conventions, errors."""

import io
import pickle
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks, get_tags

from skrnn.text import SequenceVectorizer

# Of the checks that scikit-learn makes of estimators, those that pass no table to fit. It yields
# hardly any of them itself for an estimator of texts, its own ones neither.
CHECKS = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_mixin_order,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_scikit_learn_checks(check):
    check("SequenceVectorizer", SequenceVectorizer())


@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_all_that_scikit_learn_yields_itself():
    estimator_checks.check_estimator(SequenceVectorizer())


DOCUMENTS = [
    "The cat sat on the mat, and the dog looked on.",
    "A DOG barks; the café's cat sits.",
    "",
    "Nobody sat on the dog twice: nobody dares.",
]
CHOICES = {
    "defaults": {},
    "letters": {"analyzer": "char"},
    "accents": {"strip_accents": "ascii"},
    "accents of Unicode": {"strip_accents": "unicode"},
    "capitals": {"lowercase": False},
    "a preprocessor": {"preprocessor": str.upper},
    "a tokenizer": {"tokenizer": str.split},
    "stop words": {"stop_words": "english"},
    "own stop words": {"stop_words": ["the", "on"]},
    "a pattern": {"token_pattern": r"(?u)\b\w+\b"},
    "an analyzer": {"analyzer": str.split},
    "frequent words": {"min_df": 2},
    "a share": {"min_df": 0.5, "max_df": 0.6},
    "rare words": {"max_df": 2},
    "few words": {"max_features": 3},
}


@pytest.mark.parametrize("choice", CHOICES)
def test_tokens_and_vocabulary_are_those_of_count_vectorizer_in_order(choice):
    parameters = CHOICES[choice]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its warning of a tokenizer beside the default pattern
        counts = CountVectorizer(**parameters)
        table = counts.fit_transform(DOCUMENTS).toarray()
    vectorizer = SequenceVectorizer(**parameters)
    found = vectorizer.fit_transform(DOCUMENTS)
    names = counts.get_feature_names_out()
    assert vectorizer.get_feature_names_out().tolist() == names.tolist()
    assert vectorizer.vocabulary_ == {name: i for i, name in enumerate(names, start=2)}
    for ids, row, document in zip(found, table, DOCUMENTS, strict=True):
        assert ids.dtype == np.int64
        np.testing.assert_array_equal(np.bincount(ids, minlength=len(names) + 2)[2:], row)
        tokens = counts.build_analyzer()(document)
        assert ids.tolist() == [vectorizer.vocabulary_.get(one, 1) for one in tokens] or [1]
    for ids, again in zip(found, vectorizer.transform(DOCUMENTS), strict=True):
        np.testing.assert_array_equal(ids, again)
        assert again.dtype == np.int64


def test_unknown_and_empty_documents_are_ones():
    vectorizer = SequenceVectorizer(token_pattern=r"\w+", min_df=2)
    assert [ids.tolist() for ids in vectorizer.fit_transform(["b a", "b c", "a b", "."])] == [
        [3, 2],
        [3, 1],
        [2, 3],
        [1],
    ]
    assert [ids.tolist() for ids in vectorizer.transform(["x b x", "", "a"])] == [
        [1, 3, 1],
        [1],
        [2],
    ]


def test_the_vocabulary_is_learnt_of_what_is_kept():
    documents, pattern = ["a b c d", "e f"], r"\w+"
    first = SequenceVectorizer(token_pattern=pattern, max_length=3)
    assert [ids.tolist() for ids in first.fit_transform(documents)] == [[2, 3, 4], [5, 6]]
    assert list(first.vocabulary_) == ["a", "b", "c", "e", "f"]
    last = clone(first).set_params(truncate="start")
    assert [ids.tolist() for ids in last.fit_transform(documents)] == [[2, 3, 4], [5, 6]]
    assert list(last.vocabulary_) == ["b", "c", "d", "e", "f"]
    assert last.transform(["a b c d e f"])[0].tolist() == [4, 5, 6]
    assert first.transform(["a b c d e f"])[0].tolist() == [2, 3, 4]


def test_inverse_transform_keeps_order_and_places():
    vectorizer = SequenceVectorizer().fit(["the cat sat", "the dog"])
    ids = vectorizer.transform(["dog the bird dog", ""])
    found = [tokens.tolist() for tokens in vectorizer.inverse_transform(ids)]
    assert found == [["dog", "the", "<unknown>", "dog"], ["<unknown>"]]
    padded = np.array([[2, 3, 0, 0], [5, 4, 3, 2]])
    found = [tokens.tolist() for tokens in vectorizer.inverse_transform(padded)]
    assert found == [["cat", "dog"], ["the", "sat", "dog", "cat"]]
    with pytest.raises(ValueError, match=r"X has 9 in sample 1, step 2, .* its ids are 2 to 5"):
        vectorizer.inverse_transform([[2], [3, 4, 9]])


def test_tokens_of_any_kind():
    documents = [[("a", 1), ("b", 2)], [("b", 2)], []]
    vectorizer = SequenceVectorizer(analyzer=list)
    assert [ids.tolist() for ids in vectorizer.fit_transform(documents)] == [[2, 3], [3], [1]]
    assert vectorizer.inverse_transform([[3, 2]])[0].tolist() == [("b", 2), ("a", 1)]
    assert vectorizer.get_feature_names_out().tolist() == [("a", 1), ("b", 2)]


VOCABULARIES = {
    "tokens": ["sat", "cat"],
    "a generator": None,
    "ids": {"sat": 2, "cat": 3},
    "columns": {"sat": np.int64(0), "cat": np.int64(1)},
}


@pytest.mark.parametrize("form", VOCABULARIES)
def test_a_given_vocabulary(form):
    given = VOCABULARIES[form] or np.array(["sat", "cat"])
    vectorizer = SequenceVectorizer(vocabulary=given)
    assert vectorizer.transform(["cat dog sat"])[0].tolist() == [3, 1, 2]
    assert not hasattr(vectorizer, "vocabulary_")
    assert vectorizer.get_feature_names_out().tolist() == ["sat", "cat"]
    assert vectorizer.fit_transform(["cat dog sat"])[0].tolist() == [3, 1, 2]
    assert vectorizer.vocabulary_ == {"sat": 2, "cat": 3}
    again = SequenceVectorizer(vocabulary=vectorizer.vocabulary_).fit(["dog"])
    assert again.transform(["cat dog sat"])[0].tolist() == [3, 1, 2]


def test_other_given_vocabularies():
    ids = {"cat": 7, "dog": 2**62}
    assert SequenceVectorizer(vocabulary=ids).transform(["dog cat"])[0].tolist() == [2**62, 7]
    assert SequenceVectorizer(vocabulary={"b", "a"}).get_feature_names_out().tolist() == ["a", "b"]


def test_another_vocabulary_takes_the_place_of_the_one_before():
    vectorizer = SequenceVectorizer().fit(["a cat sat"])
    assert vectorizer.set_params(vocabulary=["dog"]).fit(["cat"]).vocabulary_ == {"dog": 2}
    assert vectorizer.set_params(vocabulary=["cow"]).fit(["cat"]).vocabulary_ == {"cow": 2}
    assert vectorizer.set_params(vocabulary=None).fit(["cat"]).vocabulary_ == {"cat": 2}


def test_bytes_files_and_names_of_files(tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("café cat", encoding="latin-1")
    settings = {"encoding": "latin-1"}
    expected = SequenceVectorizer().fit(["café cat"]).vocabulary_
    by_name = SequenceVectorizer(input="filename", **settings).fit([path])
    by_bytes = SequenceVectorizer(**settings).fit([path.read_bytes()])
    by_file = SequenceVectorizer(input="file").fit([io.StringIO("café cat")])
    assert expected == by_name.vocabulary_ == by_bytes.vocabulary_ == by_file.vocabulary_
    with pytest.raises(UnicodeDecodeError, match=r"document 1 of raw_documents; set encoding"):
        SequenceVectorizer().fit(["fine", path.read_bytes()])
    ignoring = SequenceVectorizer(decode_error="ignore").fit([path.read_bytes()])
    assert list(ignoring.vocabulary_) == ["caf", "cat"]


@pytest.mark.parametrize("Column", [pd.Series, pl.Series, np.array, tuple, iter])
def test_any_iterable_of_strings(Column):
    expected = SequenceVectorizer().fit_transform(DOCUMENTS)
    found = SequenceVectorizer().fit_transform(Column(DOCUMENTS))
    assert [ids.tolist() for ids in found] == [ids.tolist() for ids in expected]


class Longest(ClassifierMixin, BaseEstimator):
    """Class 1 from a length on; reads lists of ids as RNNClassifier does with an embedding."""

    def __init__(self, at=1):
        self.at = at

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        assert all(ids.ndim == 1 and ids.dtype == np.int64 and ids.min() > 0 for ids in X)
        return self

    def predict(self, X):
        return np.array([int(len(ids) >= self.at) for ids in X])


def test_in_a_pipeline_through_search_clone_and_pickle():
    documents, y = ["a b", "a b c d", "b", "c a b e"] * 5, [0, 1, 0, 1] * 5
    pipeline = make_pipeline(SequenceVectorizer(token_pattern=r"\w+"), Longest(at=3))
    grid = {"sequencevectorizer__max_length": [1, 2, 4], "sequencevectorizer__min_df": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(documents, y)
    assert search.best_params_["sequencevectorizer__max_length"] == 4
    assert search.best_score_ == 1.0
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(documents), y)
    copy = clone(search.best_estimator_[0])
    assert copy.get_params() == search.best_estimator_[0].get_params()
    assert not hasattr(copy, "vocabulary_")
    assert not hasattr(copy, "set_output")


def test_it_knows_whether_it_is_fitted():
    with pytest.raises(NotFittedError, match="no vocabulary yet"):
        SequenceVectorizer().transform(["a"])
    with pytest.raises(NotFittedError, match="no vocabulary yet"):
        SequenceVectorizer().inverse_transform([[2]])
    with pytest.raises(NotFittedError, match="no vocabulary yet"):
        SequenceVectorizer().get_feature_names_out()
    assert get_tags(SequenceVectorizer()).requires_fit
    assert not get_tags(SequenceVectorizer(vocabulary=["a"])).requires_fit


def test_what_an_analyzer_does_not_look_at_is_said():
    for unused in ({"stop_words": ["a"]}, {"tokenizer": str.split}, {"token_pattern": "x"}):
        (name,) = unused
        with pytest.warns(UserWarning, match=rf"{name} will not be used, since analyzer='char'"):
            SequenceVectorizer(analyzer="char", **unused).fit(["abc"])
    with pytest.warns(UserWarning, match="preprocessor will not be used"):
        SequenceVectorizer(analyzer=list, preprocessor=str.lower).fit(["abc"])


BAD_DOCUMENTS = {
    "a string": ("one document", ValueError, r"raw_documents must be .* string object received"),
    "a number": (3, TypeError, "raw_documents must be an iterable of documents, got int"),
    "a table": (pd.DataFrame({"text": ["a"]}), ValueError, r"of shape \(1, 1\). Pass one column"),
    "an array": (np.array([["a"]]), ValueError, r"of shape \(1, 1\). Pass one column"),
    "None": (["fine", None], TypeError, "Document 1 of raw_documents is None .*missing text"),
    "NaN": (["fine", np.nan], TypeError, "Document 1 of raw_documents is nan .*missing text"),
    "NA": (["fine", pd.NA], TypeError, "Document 1 of raw_documents is <NA> .*missing text"),
    "a list": (["fine", ["a", "b"]], TypeError, r"Document 1 of .*\['a', 'b'\].*analyzer=list"),
    "an int": (["fine", "too", 3], TypeError, "Document 2 of raw_documents is 3 of type int"),
    "no token": ([".", "!"], ValueError, "raw_documents has no token in any of 2 .*vocabulary"),
    "no document": ([], ValueError, "raw_documents has no token in any of 0 .*vocabulary"),
}


@pytest.mark.parametrize("case", BAD_DOCUMENTS)
def test_bad_documents_are_named(case):
    documents, error, words = BAD_DOCUMENTS[case]
    with pytest.raises(error, match=words):
        SequenceVectorizer().fit(documents)
    if "token" not in words or "analyzer" in words:
        vectorizer = SequenceVectorizer().fit(["known"])
        with pytest.raises(error, match=words):
            vectorizer.transform(documents)


def test_documents_of_another_input_are_named():
    with pytest.raises(TypeError, match=r"Document 0 of .*with input='file' it must be an object"):
        SequenceVectorizer(input="file").fit(["text"])
    with pytest.raises(TypeError, match=r"Document 0 of .*input='filename' it must be the name"):
        SequenceVectorizer(input="filename").fit([3])
    own = SequenceVectorizer(input="file", preprocessor=str.upper)
    with pytest.raises(TypeError, match="Document 1 of raw_documents is None"):
        own.fit([io.StringIO("text"), None])


BAD_PARAMETERS = {
    "max_df below min_df": ({"max_df": 1, "min_df": 2}, "max_df corresponds to < documents than"),
    "nothing left": ({"min_df": 2, "max_df": 2}, "no terms remain"),
    "max_length": ({"max_length": 0}, "The 'max_length' parameter of SequenceVectorizer must be"),
    "truncate": ({"truncate": "middle"}, "The 'truncate' parameter"),
    "analyzer": ({"analyzer": "char_wb"}, "The 'analyzer' parameter"),
    "input": ({"input": "url"}, "The 'input' parameter"),
    "no vocabulary": ({"vocabulary": []}, "vocabulary is empty"),
    "a token twice": ({"vocabulary": ["a", "b", "a"]}, "vocabulary has 'a' twice"),
    "an id twice": ({"vocabulary": {"a": 2, "b": 2}}, "vocabulary gives 'a' and 'b' the id 2"),
    "no id": ({"vocabulary": {"a": 2.5}}, "vocabulary gives 'a' the id 2.5, no whole number"),
    "a negative id": ({"vocabulary": {"a": -2}}, "vocabulary gives 'a' the id -2"),
    "the id of padding": ({"vocabulary": {"a": 0, "b": 7}}, "vocabulary gives 'a' the id 0, but"),
    "the id of unknowns": ({"vocabulary": {"a": 1, "b": 2}}, "vocabulary gives 'a' the id 1, but"),
}


@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_bad_parameters_are_named(case):
    parameters, words = BAD_PARAMETERS[case]
    with pytest.raises(ValueError, match=re.escape(words)):
        SequenceVectorizer(**parameters).fit(["aa bb", "aa", "aa"])


def test_every_parameter_has_a_constraint():
    vectorizer = SequenceVectorizer()
    assert set(vectorizer.get_params()) == set(vectorizer._parameter_constraints)
