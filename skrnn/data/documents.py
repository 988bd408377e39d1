"""Are these raw documents, and if not, which is none?"""

import os

import numpy as np

from skrnn.data.checks import is_missing


def check_documents(raw_documents):
    """Refuse what is no iterable of documents."""
    if isinstance(raw_documents, (str, bytes)):
        raise ValueError(
            "raw_documents must be an iterable of documents, string object received. Pass "
            "[document] for a single one."
        )
    if getattr(raw_documents, "ndim", 1) != 1 or hasattr(raw_documents, "columns"):
        raise ValueError(
            "raw_documents must have one axis, an iterable of documents, but is a table of shape "
            f"{raw_documents.shape}. Pass one column of it, as by df['text']."
        )
    if not hasattr(raw_documents, "__iter__"):
        raise TypeError(
            f"raw_documents must be an iterable of documents, got {type(raw_documents).__name__}."
        )


_IS_READ = {
    "content": ("a string or bytes", lambda one: isinstance(one, (str, bytes))),
    "filename": ("the name of a file", lambda one: isinstance(one, (str, bytes, os.PathLike))),
    "file": ("an object with a method read", lambda one: hasattr(one, "read")),
}


def check_document(document, number, input):
    """Refuse a document that is not of the kind that `input` says, naming it by its number."""
    expected, is_read = _IS_READ[input]
    if is_read(document):
        return
    advice = "Leave it out, or pass its text."
    if is_missing(document):
        advice = "If it is a missing text, put '' in its place."
    elif isinstance(document, (list, tuple, np.ndarray)):
        advice = "If it is a list of tokens, set analyzer=list."
    raise TypeError(
        f"Document {number} of raw_documents is {document!r:.80} of type "
        f"{type(document).__name__}, but with input={input!r} it must be {expected}. {advice}"
    )
