"""Makes the files of this folder: models with masks and stacked cells as Keras itself saves them, and what they give.

Made with Keras 3.15.1 on TensorFlow 2.21.0: python3 make.py
"""

import json

import keras
import numpy as np
from keras import layers as L

rng = np.random.default_rng(0)
expected = {}


def keep(name, model, inputs, ending=".keras"):
    for variable in model.weights:
        if "seed" not in variable.path:
            value = rng.normal(size=variable.shape).astype("float32") * 0.7
            variable.assign(abs(value) if "variance" in variable.path else value)
    model.save(name + ending)
    outputs = model(list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values())), training=False)
    outputs = keras.tree.flatten(outputs)
    array = lambda a: {"shape": list(a.shape), "data": [float(v) for v in np.asarray(a).ravel()]}
    expected[name + ending] = {
        "inputs": {key: array(value) for key, value in inputs.items()},
        "outputs": [array(value) for value in outputs],
    }


def branches():
    """One mask for two branches, joined in two ways; beside it a sum with what has no mask, after which all steps count."""
    x = L.Input((5, 3), name="x")
    y = L.Masking(0.5)(x)
    a = L.LSTM(2, return_sequences=True)(y)
    b = L.GRU(2, return_sequences=True, go_backwards=True)(y)
    each = L.TimeDistributed(L.Dense(2, activation="tanh"))(L.Concatenate()([a, b]))
    both = L.Bidirectional(L.LSTM(2))(L.Add()([a, b]))
    unmasked = L.GRU(2)(L.Add()([a, L.Conv1D(2, 1)(x)]))
    return keras.Model(x, [L.GlobalAveragePooling1D()(each), both, L.SimpleRNN(2)(L.Dense(2)(b)), unmasked])


X = rng.normal(size=(3, 5, 3)).astype("float32")
X[0, 3:] = X[1, :2] = X[2, 1] = 0.5
keep("branches", branches(), {"x": X})
keep("branches", branches(), {"x": X}, ".h5")

# A decoder that goes on from an encoder's states: Keras 3 gives it no mask.
source, target = L.Input((4,), name="source"), L.Input((4,), name="target")
embedding = L.Embedding(6, 3, mask_zero=True)
_, h, c = L.LSTM(3, return_state=True)(embedding(source))
decoded = L.LSTM(3, return_sequences=True)(embedding(target), initial_state=[h, c])
tokens = np.array([[1, 2, 0, 0], [3, 0, 4, 0]], "int32")
keep("decoder", keras.Model([source, target], decoded), {"source": tokens, "target": tokens[::-1]})

# Cells whose groups have another order in the file than in the stack, here of the same sizes.
cells = [L.SimpleRNNCell(3), L.LSTMCell(3), L.GRUCell(3), L.LSTMCell(3)]
keep("stack", keras.Sequential([L.Input((4, 3)), L.RNN(cells)]), {"input_layer": X[:, :4]})

# Masked inside another model, of which Keras learns only when it runs.
inner = keras.Sequential([L.Input((4,)), L.Embedding(6, 3, mask_zero=True), L.LSTM(2, return_sequences=True)])
outer = L.Input((4,), name="tokens")
keep("inner", keras.Model(outer, L.GRU(2)(inner(outer))), {"tokens": tokens})

# Models that are called twice: in the outputs Keras counts the making of a functional one as its first call.
ii = L.Input((None, 3))
functional = keras.Model(ii, L.LSTM(2)(ii), name="functional")
in_a_row = keras.Sequential([L.Input((None, 3)), L.SimpleRNN(2)], name="in_a_row")
x, y = L.Input((4, 3), name="x"), L.Input((4, 3), name="y")
both = [functional(x), functional(y), in_a_row(x), in_a_row(y)]
keep("calls", keras.Model([x, y], [both[1], L.Concatenate()(both), both[2]]), {"x": X[:, :4], "y": X[:, 1:]})

# Numbers of bfloat16, a type that HDF5 does not have; what the same numbers give in float32. (Made on JAX, as what follows.)
rng = np.random.default_rng(1)
for ending in [".keras", ".h5"]:
    pair = []
    for dtype in ["bfloat16", "float32"]:
        keras.config.set_dtype_policy(dtype)
        lstm = L.LSTM(3, recurrent_initializer="glorot_uniform")
        pair.append(keras.Sequential([L.Input((4,), name="tokens"), L.Embedding(6, 2), lstm, L.Dense(2)]))
    for variable, twin in zip(pair[0].weights, pair[1].weights):
        variable.assign(rng.normal(size=variable.shape))
        twin.assign(np.asarray(variable, "float32"))
    pair[0].save("bfloat16" + ending)
    y = pair[1](tokens)
    expected["bfloat16" + ending] = {
        "inputs": {"tokens": {"shape": list(tokens.shape), "data": tokens.ravel().tolist()}},
        "outputs": [{"shape": list(y.shape), "data": np.asarray(y).ravel().tolist()}],
    }


def plain():
    """What is not recurrent, with options that are not the usual ones, joined with what has fewer axes; outputs by name and in lists."""
    x = L.Input((6, 4), name="x")
    a = L.BatchNormalization(scale=False, epsilon=0.1)(x)
    b = L.LayerNormalization(center=False, epsilon=0.1)(x)
    c = L.Conv1D(3, 3, padding="causal", dilation_rate=2, activation="relu")(a)
    d = L.Conv1D(3, 2, padding="same", strides=2, use_bias=False)(b)
    e = L.Add()([c, L.GlobalAveragePooling1D()(c)])
    f = L.Subtract()([L.GlobalMaxPooling1D()(d), L.MaxPooling1D(3, 2, padding="same")(e)])
    g = L.Reshape((2, -1))(L.Permute((2, 1))(L.AveragePooling1D(3)(e)))
    h = L.Multiply()([L.RepeatVector(2)(L.Flatten()(f)), L.TimeDistributed(L.Dense(1))(g)])
    return keras.Model({"x": x}, {"first": e, "others": [f, L.GRU(2)(g), L.LeakyReLU()(h)]})


# As many examples as steps, so that neither can be taken for the other.
rng = np.random.default_rng(2)
keep("plain", plain(), {"x": rng.normal(size=(6, 6, 4)).astype("float32")})


def named():
    """Outputs by name, of a model inside another one too: Keras counts them in the order of their names."""
    x, inside = L.Input((4, 3), name="x"), L.Input((4, 3))
    inner = keras.Model(inside, {"z": L.LSTM(2)(inside), "a": L.GRU(2)(inside)}, name="inner")
    outputs = inner(x)
    return keras.Model(x, {"last": outputs["z"], "first": L.Dense(2)(outputs["a"])})


# Made on NumPy, as what follows.
rng = np.random.default_rng(3)
keep("named", named(), {"x": rng.normal(size=(3, 4, 3)).astype("float32")})

# Layers that hold others.
both = L.Bidirectional(L.LSTM(2, return_sequences=True))
wrapped = [both, L.TimeDistributed(L.Dense(2)), L.BatchNormalization(), L.GRU(2)]
keep("wrapped", keras.Sequential([L.Input((4, 3), name="x"), *wrapped]), {"x": rng.normal(size=(3, 4, 3)).astype("float32")})

json.dump(expected, open("expected.json", "w"))
