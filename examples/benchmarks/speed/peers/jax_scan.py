"""JAX: one `lax.scan` over time, the input projected before it, under one `jit`."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from speed.cases import N_GATES, Case, inputs, lengths


def _parameters(case):
    rng = np.random.RandomState(0)
    columns = N_GATES[case.cell] * case.hidden
    shapes = {
        "W": (case.n_features, columns),
        "U": (case.hidden, columns),
        "b": (columns,),
        "c": (case.hidden,),  # GRU's recurrent bias
        "V": (case.hidden, 1),
        "b_out": (1,),
    }
    bound = case.hidden**-0.5
    return {name: jnp.float32(rng.uniform(-bound, bound, shape)) for name, shape in shapes.items()}


def _rnn(p, state, z):
    return (jnp.tanh(z + state[0] @ p["U"]),)


def _gru(p, state, z):
    h = state[0]
    z_r, z_z, z_n = jnp.split(z, 3, axis=1)
    u_r, u_z, u_n = jnp.split(h @ p["U"], 3, axis=1)
    r, update = jax.nn.sigmoid(z_r + u_r), jax.nn.sigmoid(z_z + u_z)
    n = jnp.tanh(z_n + r * (u_n + p["c"]))
    return (n + update * (h - n),)


def _lstm(p, state, z):
    h, c = state
    i, f, g, o = jnp.split(z + h @ p["U"], 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


CELLS = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}


def _forward(case, unroll):
    """Function of parameters and time-major input (T, B, F): predictions (B, 1)."""
    cell = CELLS[case.cell]
    last = jnp.asarray(lengths(case) - 1)

    def forward(p, X):
        zeros = jnp.zeros((X.shape[1], case.hidden), X.dtype)
        start = (zeros, zeros) if case.cell == "lstm" else (zeros,)

        def move(state, z):
            state = cell(p, state, z)
            return state, state[0] if case.ragged else None

        state, states = jax.lax.scan(move, start, X @ p["W"] + p["b"], unroll=unroll)
        h = states[last, jnp.arange(len(last))] if case.ragged else state[0]
        return h @ p["V"] + p["b_out"]

    return forward


def _data(case):
    X, y = inputs(case)
    return jnp.asarray(np.ascontiguousarray(X.transpose(1, 0, 2))), jnp.asarray(y)


def step(case, threads, unroll):
    """A step with donated buffers; `threads` is what the process was started with."""
    case = Case(*case)
    forward, (X, y) = _forward(case, unroll), _data(case)
    optimizer = optax.adam(1e-3)

    def loss(p, X, y):
        return 0.5 * jnp.mean((forward(p, X) - y) ** 2)

    def update(p, memory, X, y):
        value, gradient = jax.value_and_grad(loss)(p, X, y)
        changes, memory = optimizer.update(gradient, memory, p)
        return optax.apply_updates(p, changes), memory, value

    update = jax.jit(update, donate_argnums=(0, 1))
    parameters = _parameters(case)
    state = [parameters, optimizer.init(parameters)]

    def run():
        *state[:], value = update(*state, X, y)
        jax.block_until_ready((state, value))

    return run


def predict(case, threads, unroll):
    case = Case(*case)
    forward, (X, _) = jax.jit(_forward(case, unroll)), _data(case)
    parameters = _parameters(case)
    return lambda: forward(parameters, X).block_until_ready()
