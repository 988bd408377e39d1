"""A model that is fitted anew while other threads predict: each call sees one model, whole."""

import subprocess
import sys

CODE = """
import sys, threading, warnings

import numpy as np

import skrnn

warnings.simplefilter("ignore")
sys.setswitchinterval(1e-5)
random = np.random.RandomState(0)
WIDE, NARROW = random.normal(size=(60, 9)), random.normal(size=(60, 3))
LIST = [row[: n % 3 + 1, np.newaxis] for n, row in enumerate(NARROW)]
Y = NARROW[:, 0]
SETTINGS = {"max_iter": 1, "random_state": 0, "early_stopping": False, "linear_path": 1}
SETTINGS |= {"bidirectional": False, "pooling": "last", "dtype": None}
PLANS = [
    (WIDE, {"hidden_layer_sizes": (17,), "cell": "lstm", "bidirectional": True}),
    (NARROW, {"hidden_layer_sizes": (3,), "cell": "gru"}),
    (WIDE, {"hidden_layer_sizes": (5, 4), "cell": "rnn", "dtype": "float32"}),
    (LIST, {"hidden_layer_sizes": (31,), "cell": "gru", "pooling": "max"}),
    (NARROW, {"hidden_layer_sizes": (1,), "cell": "gru", "bidirectional": True}),
]
GIVEN = [WIDE, NARROW, LIST]


def outcome(net, X):
    try:
        return net.predict(X).tobytes()
    except ValueError:
        return "refused"


def shapes(net):
    return tuple(array.shape for array in net.coefs_)


alone = []
for X, plan in PLANS:
    alone.append(skrnn.RNNRegressor(**SETTINGS | plan).fit(X, Y))
expected = [{outcome(net, X) for net in alone} for X in GIVEN]
of_weights = {shapes(net) for net in alone}
net = skrnn.RNNRegressor(**SETTINGS | PLANS[0][1]).fit(WIDE, Y)
found, wrong, ends = [0, 0], [], threading.Event()


def ask(first):
    i = first
    while not ends.is_set():
        i += 1
        try:
            seen = outcome(net, GIVEN[i % 3])
            found[seen == "refused"] += 1
            if seen not in expected[i % 3]:
                wrong.append(f"another prediction for {i % 3}")
            if shapes(net) not in of_weights:
                wrong.append("weights of two models")
        except BaseException as error:
            wrong.append(repr(error))


threads = [threading.Thread(target=ask, args=(i,), daemon=True) for i in range(8)]
for thread in threads:
    thread.start()
for i in range(int(sys.argv[1])):
    X, plan = PLANS[i % len(PLANS)]
    net.set_params(**SETTINGS | plan).fit(X, Y)
ends.set()
for thread in threads:
    thread.join()
print(min(found), len(wrong), set(wrong))
"""


def test_each_prediction_during_refits_is_one_models_or_refused():
    command = [sys.executable, "-c", CODE, "60"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    n_of_each, n_wrong, what = run.stdout.split(maxsplit=2)
    assert int(n_wrong) == 0, what
    assert int(n_of_each) > 50
