/**
 * What to do, for errors whose message does not say it all. Without a line here the page gives what holds for the class.
 *
 * @type {Readonly<Record<string, string>>}
 */
export const advice = {
  "altered-file":
    "The weights carry a checksum, and it does not fit. Copy the run folder again; if the file was changed on purpose, save it with `saveRun`.",
  "ambiguous-prefix":
    "Give `prefix`, the beginning of the names in the file that you mean. `matchStateDict` shows what would be loaded.",
  "bad-cell":
    "Correct the equations given to `defineCell`; [a cell of your own](../cells/your-own.md) lists what they can say.",
  "bad-deflate": "The compressed file is damaged: fetch or export it again.",
  "bad-equations":
    "Correct the text given to `parseCell` at the line and column that the message names; [cells as text](../guide/look-inside.md#cells-as-text) shows how it is written.",
  "bad-npy": "Write the array again, with `numpy.save` and without `allow_pickle`.",
  "bad-option":
    "Give the option the kind of value that the message names; `--help` and the type of the options list them.",
  "bad-plan": "A plan of your own does not describe what it should. Plans recorded by a graph do not come here.",
  "bad-pytorch":
    "The file is damaged, or holds more than tensors. Save the state dict alone: `torch.save(model.state_dict(), path)`.",
  "bad-run": "The folder is not as training left it. Use another run, or put the file that is named back.",
  "bad-safetensors": "The file is damaged, or not a safetensors file: write it again with the program it came from.",
  "bad-tokenizer":
    "`tokenizer.json` asks for something that is not known here or contradicts itself. Guides: [text](../guide/text.md#tokens).",
  "bad-zip": "The archive is damaged or cut short: fetch or export it again.",
  "batch-of-many":
    "Writing text needs a session of one sequence: `openSession({ … })` without `batchSize`; for many prompts use `generateBatch`.",
  closed: "Something was used after its `close()`. Open it again, or close it later.",
  "damaged-hdf5": "Fetch the file again, or save the model again from Keras.",
  "damaged-keras": "Fetch the file again, or save the model again from Keras.",
  "damaged-onnx": "Fetch the file again, or export the model again.",
  "damaged-tensorflow": "Fetch the files again, all of them from the same export.",
  "different-arithmetic":
    "Resume on a machine of the same arithmetic family, or accept that the bits differ from there on with `--allow-different-arithmetic`.",
  differs: "Nothing was written. Please report the model: the writer should have refused it by name.",
  "disk-full": "Free space and go on: what was saved before is untouched.",
  diverged:
    "Lower the learning rate, clip the gradient (`clipNorm`), or look for numbers in the data that are not finite. [What ends a training](../guide/training.md#what-ends-a-training).",
  "fortran-order": "Read the whole array with `read()`, or save it from NumPy with `numpy.ascontiguousarray`.",
  "kernel-stopped": "A mistake of ours or a plan of your own: indices are checked before a run. Please report it.",
  lossy: "The number does not fit into what is asked for; read the tensor as bytes or in its own type.",
  "missing-parameter":
    "The file is of another model. Compare names and sizes (`matchStateDict`), or give `strict: false` to load what is there.",
  "not-convertible":
    "The target cannot say what the model does. Choose another format; [Keras](../guide/keras.md#writing) has a table.",
  "not-finite": "Weights or scores are NaN or infinite: training broke down. Go back to an earlier checkpoint.",
  "not-on-this-platform": "Use the way that the message names; files and threads of Node are not there in a browser.",
  "not-supported": "Leave the option out, or use a newer Node or browser.",
  "out-of-memory":
    "Lower batch size, number of steps or hidden size; the message has the figure. Nothing was allocated.",
  "out-of-range": "Give a number in the range that the message names.",
  "shape-mismatch":
    "Give the argument in the shape that the message names. Letters: B batch, T time, D input, H hidden, V vocabulary, L layers.",
  "thread-lost": "Open the machine again; with `threads: 1` if it happens once more.",
  "too-few-tokens": "Give more text, or fewer streams and steps (`batchSize`, `steps`).",
  "unexpected-parameter":
    "The file holds more than the model. Give `strict: false` to leave the rest out, or `prefix` to say which part is meant.",
  "unknown-token": "Leave the character out, or train with `unknown` or on bytes.",
  "unsupported-onnx": "The list of operators is `onnxOperators`. Export without what is named, or with another opset.",
  "vocabulary-mismatch": "Load tokenizer and model of the same run.",
  "wrong-machine":
    "Parameters, plans and sessions belong to the machine that they were made on; load them onto the other one.",
};
