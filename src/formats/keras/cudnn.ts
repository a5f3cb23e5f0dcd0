import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { type GatedCell, gateOrder } from "../gate-order.ts";

/** Keras 2's layers that ran on NVIDIA's cuDNN alone; their functions are those of LSTM and of GRU with `reset_after`. */
export const cudnnCells: ReadonlyMap<string, GatedCell> = new Map([
  ["CuDNNLSTM", "lstm"],
  ["CuDNNGRU", "gru"],
]);

/**
 * Brings the weights of such a layer into the layout of Keras' LSTM and GRU; the gates have the same order. The columns of a gate in the
 * kernel [D, H] hold, read row by row, cuDNN's matrix [H, D]; those of the recurrent kernel are its matrix [H, H] as it is. The bias
 * has that of the input for all gates and then that of the state.
 */
export function fromCudnn(cell: GatedCell, kernel: NamedTensor, recurrent: NamedTensor, bias: NamedTensor) {
  const width = bias.data.length / 2;
  const sum = (): NamedTensor => ({
    shape: [width],
    data: Float32Array.from({ length: width }, (_, k) => bias.data[k]! + bias.data[width + k]!),
  });
  return {
    kernel: unpacked(kernel, cell),
    recurrentKernel: unpacked(recurrent, cell),
    // A GRU keeps both, as its reset gate acts on one of them.
    bias: cell === "gru" ? { shape: [2, width], data: bias.data } : sum(),
  };
}

/** [D, G·H] in which each gate's block is cuDNN's [H, D], to Keras' [D, G·H]. */
function unpacked({ shape, data }: NamedTensor, cell: GatedCell): NamedTensor {
  const [D, width] = shape as [number, number];
  const G = gateOrder[cell].keras!.length;
  const H = width / G;
  const out = new Float32Array(data.length);
  for (let gate = 0; gate < G; gate++)
    for (let d = 0; d < D; d++)
      for (let h = 0; h < H; h++) {
        // Element (h, d) of the gate's matrix, counted row by row, and where the block has the element of that number.
        const k = h * D + d;
        out[d * width + gate * H + h] = data[Math.floor(k / H) * width + gate * H + (k % H)]!;
      }
  return { shape, data: out };
}
