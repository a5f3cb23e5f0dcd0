/**
 * The one table of how frameworks order the gates of a cell inside its packed weights. Everything that reads or writes
 * weights takes its permutation from here: a wrong one has the right shapes and another function.
 *
 * @see `docs/semantics.md` §1 and §2
 */
export type GatedCell = "rnn" | "lstm" | "gru";
export type Framework = "pytorch" | "onnx" | "keras" | "tf1";

/** Gates by the letters that this package's cells use, in the order of their blocks of H rows. */
export const gateOrder: Readonly<Record<GatedCell, Readonly<Partial<Record<Framework, readonly string[]>>>>> = {
  rnn: { pytorch: ["a"], onnx: ["a"], keras: ["a"] },
  lstm: {
    pytorch: ["i", "f", "g", "o"],
    onnx: ["i", "o", "f", "g"],
    keras: ["i", "f", "g", "o"],
    tf1: ["i", "g", "f", "o"],
  },
  gru: { pytorch: ["r", "z", "n"], onnx: ["z", "r", "n"], keras: ["z", "r", "n"] },
};

/** Order of peephole weights where a framework packs them. */
export const peepholeOrder: Readonly<Record<"onnx", readonly string[]>> = { onnx: ["i", "o", "f"] };

/**
 * For each gate of `to` the block of `from` that holds it: `target[k] = source[permutation[k]]`. Gates that `from` does not
 * have stop the conversion; blocks that `to` has no use for are left out (the forget gate of a coupled LSTM).
 */
export function permutation(from: readonly string[], to: readonly string[]): number[] {
  return to.map((gate) => {
    const block = from.indexOf(gate);
    if (block < 0) throw new RangeError(`no block for gate "${gate}" among ${from.join(", ")}`);
    return block;
  });
}
