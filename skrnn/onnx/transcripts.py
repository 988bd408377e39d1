"""How raw predictions become transcripts: numbers of labels, and how probable they are."""

import numpy as np

from skrnn.onnx.graph import STEPS, Output
from skrnn.onnx.inputs import all_lengths, has_step

#: What stands behind the last label of a transcript.
NO_LABEL = np.int64(-1)
#: The axis of labels, where these are not as many as steps.
LABELS = "n_labels"


def best_paths(g, model, raw, sequences):
    """Transcripts (N, T) by the likeliest class at each step, and the probabilities of all.

    Raw predictions (N, T, K) are those of connectionist temporal classification, the last class the
    blank.
    """
    n_classes = model.target.n_outputs
    lengths = all_lengths(g, raw, sequences.lengths)
    is_there = has_step(g, raw, lengths, axis=1)
    probabilities = g.add("Softmax", g.cast(raw, np.float64), axis=-1)
    probabilities = g.add("Where", is_there, probabilities, np.float64(np.nan))
    likeliest = g.add("ArgMax", raw, axis=-1, keepdims=0)
    likeliest = g.add("Where", g.add("Squeeze", is_there, [2]), likeliest, np.int64(n_classes - 1))
    labels = _collapsed(g, likeliest, np.int64(n_classes - 1))
    return {
        "labels": Output(labels, np.dtype(np.int64), (), (STEPS,)),
        "probabilities": Output(
            g.cast(probabilities, g.dtype), np.dtype(g.dtype), (n_classes,), (STEPS,)
        ),
    }


def _collapsed(g, path, blank):
    """A path (N, T) without repetitions and blanks, its labels moved to the front."""
    before = g.add("Slice", g.add("Pad", path, [0, 1, 0, 0], blank), [0], [-1], [1])
    is_kept = g.add("Or", g.add("Equal", path, before), g.add("Equal", path, blank))
    is_kept = g.add("Not", is_kept)
    place = g.add("CumSum", g.cast(is_kept, np.int64), np.int64(1))
    # What is left out goes to a column in front, which is cut off.
    place = g.add("Where", is_kept, place, np.int64(0))
    nothing = g.add("Expand", NO_LABEL, g.add("Shape", path))
    nothing = g.add("Pad", nothing, [0, 1, 0, 0], NO_LABEL)
    found = g.add("ScatterElements", nothing, place, path, axis=1)
    return g.add("Slice", found, [1], [np.iinfo(np.int64).max], [1])


def until_ends(g, model, raw, sequences):
    """Transcripts (N, L) by the likeliest class of each label, and logarithms of the probabilities.

    Raw predictions (N, L, K) are of each label, given those before; the last class is the end, and
    what follows one does not count.
    """
    labels = g.add("ArgMax", raw, axis=-1, keepdims=0)
    is_end = g.add("Equal", labels, np.int64(model.target.n_outputs - 1))
    is_end = g.cast(is_end, np.int64)
    n_ends = g.add("CumSum", is_end, np.int64(1))
    labels = g.add("Where", g.add("Greater", n_ends, np.int64(0)), NO_LABEL, labels)
    logs = g.add("LogSoftmax", g.cast(raw, np.float64), axis=-1)
    logs = g.add("ReduceMax", logs, [2], keepdims=0)
    is_over = g.add("Greater", g.add("Sub", n_ends, is_end), np.int64(0))
    total = g.add("ReduceSum", g.add("Where", is_over, np.float64(0.0), logs), [1], keepdims=0)
    return {
        "labels": Output(labels, np.dtype(np.int64), (), (LABELS,)),
        "log_probability": Output(g.cast(total, g.dtype), np.dtype(g.dtype), ()),
    }
