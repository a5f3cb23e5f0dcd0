"""Loads written.keras (`writeKeras` of the model in test/formats/keras/written.test.ts) and makes written.json of it.

Made with Keras 3.15.1 on JAX 0.10.2: python3 load.py
"""

import json
import zipfile

import keras
import numpy as np

model = keras.saving.load_model("written.keras")
x = (np.arange(12).reshape(2, 3, 2) / 6 - 1).astype("float32")
tokens = np.array([[0, 1, 2], [2, 0, 1]], "int32")
array = lambda a: {"shape": list(a.shape), "data": np.asarray(a).ravel().tolist()}
golden = {
    "config": json.loads(zipfile.ZipFile("written.keras").read("config.json")),
    "inputs": {"x": array(x), "tokens": array(tokens)},
    "outputs": [array(y) for y in model([x, tokens])],
}
json.dump(golden, open("written.json", "w"))
