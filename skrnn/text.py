"""Text as sequences of token ids, which an embedding reads."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer

from skrnn.callbacks import CallbackSupport, as_one_task
from skrnn.data.documents import check_document, check_documents
from skrnn.parameters import VECTORIZER_CONSTRAINTS, validate_parameters

#: 0 is padding; a token that is not in the vocabulary is 1, and so is a document without tokens.
UNKNOWN_ID, FIRST_ID = 1, 2
#: What `inverse_transform` gives for an unknown token.
UNKNOWN_TOKEN = "<unknown>"

# Which parameters say what the tokens of a document are, and which of them are the vocabulary.
_READING = "input encoding decode_error strip_accents lowercase preprocessor tokenizer stop_words"
_OF_TOKENS = (*_READING.split(), "token_pattern", "analyzer")
_OF_VOCABULARY = ("max_df", "min_df", "max_features")


class SequenceVectorizer(
    TransformerMixin, CallbackSupport, BaseEstimator, auto_wrap_output_keys=None
):
    """Turn raw documents into sequences of token ids.

    What CountVectorizer is for counts, this is for sequences: the same parameters cut a document
    into the same tokens and choose the same vocabulary, but the tokens keep their order. Each
    document becomes an array of ids, for an estimator that learns an embedding of them. Id 0 is
    left free for padding, id 1 is a token that is not in the vocabulary, and the vocabulary's own
    ids begin at 2. A document without any token is ``[1]``, because a sequence has to have a step.

    Parameters
    ----------
    input : {"content", "filename", "file"}, default="content"
        Whether documents are strings or bytes, names of files, or objects with a method ``read``.

    encoding : str, default="utf-8"
        Of bytes and of files.

    decode_error : {"strict", "ignore", "replace"}, default="strict"
        What is done about bytes that are not in `encoding`, as in ``bytes.decode``.

    strip_accents : {"ascii", "unicode"} or callable, default=None
        How accents are removed. None removes none.

    lowercase : bool, default=True
        Whether all letters are made small first.

    preprocessor : callable, default=None
        Instead of `strip_accents` and `lowercase`: takes a document, returns a string.

    tokenizer : callable, default=None
        Instead of `token_pattern`: takes a string, returns the list of its tokens.

    stop_words : {"english"} or list of str, default=None
        Words that are left out. Only with ``analyzer="word"``.

    token_pattern : str, default=r"(?u)\\b\\w\\w+\\b"
        What a token is, with ``analyzer="word"``. By default two or more letters or digits, so "I"
        and "a" are left out; ``r"(?u)\\b\\w+\\b"`` keeps them.

    analyzer : {"word", "char"} or callable, default="word"
        Whether tokens are words or single characters. A callable takes a document and returns the
        list of its tokens; ``analyzer=list`` takes documents that are lists of tokens already.

    max_df : float in [0, 1] or int, default=1.0
        Tokens that are in more documents than this, a share or a number of them, are unknown.

    min_df : float in [0, 1] or int, default=1
        Tokens that are in fewer documents than this are unknown.

    max_features : int, default=None
        Only so many tokens, those that come most often, are in the vocabulary.

    vocabulary : mapping or iterable, default=None
        The vocabulary, instead of one that is learnt: tokens, which get the ids from 2 on in their
        order, or a mapping of tokens to ids from 2 on, such as another vectorizer's `vocabulary_`.
        A mapping to the columns 0, 1, ..., such as that of a CountVectorizer, is shifted by 2.

    max_length : int, default=None
        The most tokens of a document that are kept. None keeps all.

    truncate : {"end", "start"}, default="end"
        Where longer documents are cut off: "end" keeps their first tokens, "start" their last. The
        vocabulary is learnt from what is kept.

    Attributes
    ----------
    vocabulary_ : dict
        Token to id.

    See Also
    --------
    RNNClassifier : With ``embedding_dim``, reads the output.
    sklearn.feature_extraction.text.CountVectorizer : Counts tokens, without their order.

    Examples
    --------
    >>> from skrnn.text import SequenceVectorizer
    >>> vectorizer = SequenceVectorizer()
    >>> vectorizer.fit_transform(["The cat sat", "the dog sat down", "?"])
    [array([6, 2, 5]), array([6, 3, 5, 4]), array([1])]
    >>> vectorizer.transform(["The bird sat"])
    [array([6, 1, 5])]
    >>> vectorizer.inverse_transform([[6, 1, 5]])
    [array(['the', '<unknown>', 'sat'], dtype=object)]
    """

    _parameter_constraints = VECTORIZER_CONSTRAINTS
    _doc_link_module = "skrnn"
    _doc_link_template = (
        "https://skrnn.readthedocs.io/en/latest/api/skrnn.text.{estimator_name}.html"
    )

    def __init__(
        self,
        *,
        input="content",
        encoding="utf-8",
        decode_error="strict",
        strip_accents=None,
        lowercase=True,
        preprocessor=None,
        tokenizer=None,
        stop_words=None,
        token_pattern=r"(?u)\b\w\w+\b",
        analyzer="word",
        max_df=1.0,
        min_df=1,
        max_features=None,
        vocabulary=None,
        max_length=None,
        truncate="end",
    ):
        self.input = input
        self.encoding = encoding
        self.decode_error = decode_error
        self.strip_accents = strip_accents
        self.lowercase = lowercase
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.stop_words = stop_words
        self.token_pattern = token_pattern
        self.analyzer = analyzer
        self.max_df = max_df
        self.min_df = min_df
        self.max_features = max_features
        self.vocabulary = vocabulary
        self.max_length = max_length
        self.truncate = truncate

    def fit(self, raw_documents: Iterable[Any], y: Any = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        raw_documents : iterable
            Of what `input` says.

        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If `raw_documents` is a single string or a table, a document is of another type than
            `input` says (named by its number), or no token is left for the vocabulary.
        """
        self.fit_transform(raw_documents)
        return self

    @as_one_task
    def fit_transform(self, raw_documents: Iterable[Any], y: Any = None) -> list[np.ndarray]:
        """Learn the vocabulary and return the ids.

        Parameters
        ----------
        raw_documents : iterable
            Of what `input` says.

        y : None
            Ignored.

        Returns
        -------
        list of ndarray of int64
            One array of shape (n_tokens,) for each document, none of them empty.
        """
        validate_parameters(self)
        self._warn_of_unused()
        if self.vocabulary is not None:
            self.vocabulary_ = _given(self.vocabulary)
            return self.transform(raw_documents)
        rows, tokens = _numbered(self._tokens(raw_documents))
        if not tokens:
            raise ValueError(
                f"raw_documents has no token in any of {len(rows)} documents, so there is an empty "
                "vocabulary. Perhaps they have stop words only, or nothing that token_pattern "
                "matches."
            )
        self.vocabulary_ = self._chosen(rows, tokens)
        ids = _ids(self.vocabulary_, tokens)
        return [_never_empty(ids[row]) for row in rows]

    def transform(self, raw_documents: Iterable[Any]) -> list[np.ndarray]:
        """Return the ids of documents.

        Parameters
        ----------
        raw_documents : iterable
            Of what `input` says.

        Returns
        -------
        list of ndarray of int64
            One array of shape (n_tokens,) for each document, none of them empty.
        """
        vocabulary = self._known()
        return [_never_empty(_ids(vocabulary, tokens)) for tokens in self._tokens(raw_documents)]

    def inverse_transform(self, X: Iterable[Any]) -> list[np.ndarray]:
        """Return the tokens of ids.

        Parameters
        ----------
        X : iterable of array-like of int
            One sequence of ids for each document. Padding (0) is left out.

        Returns
        -------
        list of ndarray of object
            The tokens of each document in their order, ``"<unknown>"`` in the place of id 1.
        """
        token_of = {index: token for token, index in self._known().items()}
        token_of[UNKNOWN_ID] = UNKNOWN_TOKEN
        found = []
        for sample, ids in enumerate(X):
            steps = np.asarray(ids).ravel().tolist()
            unknown = next((s for s, i in enumerate(steps) if i and i not in token_of), None)
            if unknown is not None:
                raise ValueError(
                    f"X has {steps[unknown]!r} in sample {sample}, step {unknown}, which is no id "
                    f"of this vocabulary: its ids are {FIRST_ID} to {max(token_of)}."
                )
            found.append(_objects([token_of[index] for index in steps if index]))
        return found

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the tokens of the vocabulary in the order of their ids.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of object
        """
        vocabulary = self._known()
        return _objects(sorted(vocabulary, key=vocabulary.get))

    def build_analyzer(self) -> Callable[[Any], list[str]]:
        """Return the function that makes the list of its tokens of a document.

        Returns
        -------
        callable
            CountVectorizer's with the same parameters.
        """
        return CountVectorizer(**self._those(_OF_TOKENS)).build_analyzer()

    def _those(self, names):
        return {name: getattr(self, name) for name in names}

    def _tokens(self, raw_documents):
        """Yield the tokens of each document that are kept."""
        check_documents(raw_documents)
        analyze = self.build_analyzer()
        kept = _kept(self.max_length, self.truncate)
        has_own_reading = callable(self.analyzer) or self.preprocessor is not None
        for number, document in enumerate(raw_documents):
            if not has_own_reading or self.input != "content":
                check_document(document, number, self.input)
            try:
                yield list(analyze(document))[kept]
            except UnicodeDecodeError as error:
                error.reason += (
                    f" (document {number} of raw_documents; set encoding to what it is in, or "
                    "decode_error to 'replace')"
                )
                raise

    def _chosen(self, rows, tokens):
        """The vocabulary that CountVectorizer learns of such documents."""
        counts = CountVectorizer(
            analyzer=lambda row: [tokens[number] for number in row], **self._those(_OF_VOCABULARY)
        )
        columns = counts.fit(rows).vocabulary_
        return {token: FIRST_ID + int(columns[token]) for token in sorted(columns, key=columns.get)}

    def _known(self):
        """The vocabulary, learnt or given."""
        if hasattr(self, "vocabulary_"):
            return self.vocabulary_
        if self.vocabulary is None:
            raise NotFittedError(
                "This SequenceVectorizer has no vocabulary yet. Call 'fit' first, or pass one as "
                "vocabulary."
            )
        validate_parameters(self)
        return _given(self.vocabulary)

    def _warn_of_unused(self):
        """Warn of parameters that the chosen analyzer does not look at."""
        if self.analyzer == "word":
            return
        names = ["stop_words", "tokenizer", "token_pattern"]
        if callable(self.analyzer):
            names.append("preprocessor")
        defaults = type(self)().get_params()
        unused = [name for name in names if getattr(self, name) != defaults[name]]
        if unused:
            warnings.warn(
                f"{', '.join(unused)} will not be used, since analyzer={self.analyzer!r}.",
                UserWarning,
                stacklevel=4,
            )

    def __sklearn_is_fitted__(self):
        return self.vocabulary is not None or hasattr(self, "vocabulary_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = self.vocabulary is None
        return tags


def _given(vocabulary):
    """Token to id, of a vocabulary that a user gave."""
    if not isinstance(vocabulary, Mapping):
        tokens = sorted(vocabulary) if isinstance(vocabulary, (set, frozenset)) else vocabulary
        vocabulary = {}
        for number, token in enumerate(tokens, start=FIRST_ID):
            if vocabulary.setdefault(token, number) != number:
                raise ValueError(f"vocabulary has {token!r} twice.")
    if not vocabulary:
        raise ValueError("vocabulary is empty.")
    token_of = {}
    for token, index in vocabulary.items():
        if not isinstance(index, Integral) or index < 0:
            raise ValueError(f"vocabulary gives {token!r} the id {index!r}, no whole number.")
        if token_of.setdefault(index, token) != token:
            raise ValueError(f"vocabulary gives {token_of[index]!r} and {token!r} the id {index}.")
    return {token: int(index) + _shift(token_of) for token, index in vocabulary.items()}


def _shift(token_of):
    """What is added to the ids of a vocabulary: columns begin at 0, ids at 2."""
    if min(token_of) >= FIRST_ID:
        return 0
    if min(token_of) == 0 and max(token_of) == len(token_of) - 1:
        return FIRST_ID
    raise ValueError(
        f"vocabulary gives {token_of[min(token_of)]!r} the id {min(token_of)}, but ids begin at "
        f"{FIRST_ID}, because 0 is padding and 1 an unknown token. Pass such ids, or the columns "
        "0, 1, ... of a CountVectorizer, or only the tokens."
    )


def _numbered(documents):
    """Each document as numbers of tokens in the order in which they first come, and the tokens."""
    number_of = {}
    rows = [
        np.array([number_of.setdefault(token, len(number_of)) for token in tokens], dtype=int)
        for tokens in documents
    ]
    return rows, list(number_of)


def _ids(vocabulary, tokens):
    return np.array([vocabulary.get(token, UNKNOWN_ID) for token in tokens], dtype=np.int64)


def _never_empty(ids):
    return ids if len(ids) else np.array([UNKNOWN_ID], dtype=np.int64)


def _kept(max_length, truncate):
    """The part of a document's tokens that is kept."""
    if max_length is None:
        return slice(None)
    return slice(max_length) if truncate == "end" else slice(-max_length, None)


def _objects(tokens):
    """Tokens of any kind, tuples too, as an array of one axis."""
    found = np.empty(len(tokens), dtype=object)
    found[:] = tokens
    return found
