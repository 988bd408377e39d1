"""Memory of a fit beyond its data, and what models leave: resident size, before, during, after."""

import gc
import re
import resource
from contextlib import suppress
from pathlib import Path

from speed.cases import table

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def _reset_peak():
    """Linux forgets the earlier peak; elsewhere it stays, and may hide a smaller one."""
    with suppress(OSError):
        _CLEAR.write_text("5")


def _peak():
    """Bytes."""
    if _STATUS.exists():
        return 1024 * int(re.search(r"VmHWM:\s*(\d+)", _STATUS.read_text())[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _resident():
    """Bytes now; elsewhere than on Linux the most there were."""
    gc.collect()
    if _STATUS.exists():
        return 1024 * int(re.search(r"VmRSS:\s*(\d+)", _STATUS.read_text())[1])
    return _peak()


def _rise(run):
    _reset_peak()
    before = _peak()
    run()
    return _peak() - before


def _data(n, n_steps, n_features):
    X, y = table(n, n_steps * n_features)
    return X.reshape(n, n_steps, n_features), y


def fit(cell, n, n_steps, n_features, hidden, batch, defaults=False):
    """Bytes that one epoch of skrnn adds to a process that has fitted a small model before."""
    import skrnn
    from speed.peers.estimators import BARE

    X, y = _data(n, n_steps, n_features)
    options = {} if defaults else BARE
    model = skrnn.RNNRegressor(
        (hidden,), cell=cell, max_iter=1, batch_size=batch, random_state=0, **options
    )
    model.fit(X[:8], y[:8])  # loads the kernels; larger, it would leave memory to be used again
    return _rise(lambda: model.fit(X, y))


def fit_tokens(n, n_steps, n_tokens, embedding_dim, dtype):
    """Bytes that a fit with defaults adds for documents of tokens, but for its parameters.

    It has two epochs, so that all is there that training ever has at once.
    """
    import numpy as np

    import skrnn

    X = np.random.RandomState(0).randint(1, n_tokens + 1, (n, n_steps))
    y = X[:, 0] % 2
    model = skrnn.RNNClassifier(
        embedding_dim=embedding_dim, dtype=dtype, max_iter=2, random_state=0
    )
    model.fit(X[:50], y[:50])
    rise = _rise(lambda: model.fit(X, y))
    parameters = [model.embeddings_, *model.coefs_, *model.intercepts_]
    return rise - sum(array.nbytes for array in parameters)


def deleted(cell, hidden, n_models):
    """Bytes that models of different sizes, fitted, asked and deleted, leave behind."""
    import skrnn
    from speed.peers.estimators import BARE

    X, y = _data(16, 6, 1)

    def use(n_hidden):
        model = skrnn.RNNRegressor((n_hidden,), cell=cell, max_iter=1, random_state=0, **BARE)
        model.fit(X, y).predict(X)

    use(8)
    before = _resident()
    for i in range(n_models):
        use(hidden + i)
    return _resident() - before


def fit_torch(cell, n, n_steps, n_features, hidden, batch):
    """The same for an epoch of PyTorch, whose tensors share the arrays' memory."""
    import torch

    from speed.peers.pytorch import Net
    from speed.peers.torch_loop import train_epoch

    torch.set_num_threads(1)
    X, y = map(torch.from_numpy, _data(n, n_steps, n_features))
    net = Net(cell, n_features, hidden)
    optimizer = torch.optim.Adam(net.parameters(), fused=True)

    def train(rows):
        train_epoch(net, optimizer, torch.nn.MSELoss(), batch, y[:rows, None], X[:rows])

    train(8)
    return _rise(lambda: train(n))
