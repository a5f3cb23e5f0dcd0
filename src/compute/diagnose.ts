import { hasDots } from "./wasm/dots.ts";
import { hasFusedMultiplyAdd } from "./wasm/fused.ts";
import { quantizedWay } from "./wasm/quantized-way.ts";
import { hasSimd } from "./wasm/simd.ts";
import { chooseTiles, type TileChoice } from "./wasm/wide.ts";

/** What this host lets WebAssembly do, and what the machine makes of it. */
export interface WasmDiagnosis {
  /** Vectors of 128 bits; the machine needs them. */
  readonly simd: boolean;
  /** `relaxed_madd` that rounds once: the family "fused". */
  readonly fused: boolean;
  /** Products of 8 and 7 bits, added by fours. */
  readonly dots: boolean;
  /** Whether weights of 8 bits are multiplied by them, because that is faster here than to widen the weights to 16 bits first. */
  readonly dotsChosen: boolean;
  /** A memory that several threads see; a page has it only when it is cross-origin isolated. */
  readonly sharedMemory: boolean;
  /** undefined without SIMD. */
  readonly tiles?: TileChoice;
}

/** Asks the host, and measures the tiles where that is worth it (about 25 ms, once per process). */
export async function diagnoseWasm(): Promise<WasmDiagnosis> {
  const sharedMemory = canShare();
  if (!hasSimd()) return { simd: false, fused: false, dots: false, dotsChosen: false, sharedMemory };
  const fused = hasFusedMultiplyAdd();
  const [dots, dotsChosen] = [hasDots(), quantizedWay().split];
  return { simd: true, fused, dots, dotsChosen, sharedMemory, tiles: chooseTiles(fused) };
}

function canShare(): boolean {
  if (typeof SharedArrayBuffer === "undefined") return false;
  try {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return (buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}
