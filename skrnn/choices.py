"""What users choose by name and the compiled layers provide: the names, and where each is found.

Parameters are checked before numba is imported, so each entry is the address of a class or
function, which is loaded when a network is built.
"""

from importlib import import_module

#: The parameter `cell`: a function of the parameter `activation` that returns a cell.
CELLS = {
    "rnn": "skrnn.kernels.rnn:cell",
    "gru": "skrnn.kernels.gru:cell",
    "lstm": "skrnn.kernels.lstm:cell",
}

#: The parameter `activation`, which the cell "rnn" alone follows.
ACTIVATIONS = ("tanh", "relu", "logistic")

#: The parameter `pooling`: a block, made of the numbers of units and directions, and a precision.
POOLINGS = {
    "last": "skrnn.network.pooling:Last",
    "mean": "skrnn.network.pooling:Mean",
    "max": "skrnn.network.pooling:Maximum",
    "attention": "skrnn.network.attention:Attention",
}
#: The parameter `decoder`: a block, made of a cell, the numbers of the encoder's states, its own
#: units, of a label's vector and of classes, and a precision.
DECODERS = {
    "attention": "skrnn.network.decoder:Decoder",
    "ctc": "skrnn.network.head:HeadOfTranscripts",
}

#: What `pooling` is unless a user chooses.
DEFAULT_POOLING = "last"

#: The poolings whose blocks say what each step counts, by a method `shares`.
WITH_SHARES = frozenset({"attention"})


def load(address):
    """The object at an address ``module:name``."""
    module, name = address.split(":")
    return getattr(import_module(module), name)
