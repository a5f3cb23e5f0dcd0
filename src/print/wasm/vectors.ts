import type { FunctionBuilder } from "./assembler.ts";
import type { Code } from "./code.ts";
import { f32x4, i32, v128 } from "./instructions.ts";

/** Where constants lie: `address` gives a number its place among the float32 that the host writes before it runs. */
export interface Constants {
  address(value: number): number;
}

/** What code on four float32 at once is printed with. */
export interface VectorOptions {
  readonly f: FunctionBuilder;
  readonly constants: Constants;
  /** `a · b + c` with one rounding (relaxed SIMD) instead of two. */
  readonly fused: boolean;
  /**
   * Constants that were loaded before, when the same code is printed twice for neighbouring vectors: V8 joins two operations only
   * where it may move one to the other, and it moves no load of a constant past another load.
   */
  readonly loaded?: Map<number, Code> | undefined;
}

/**
 * Stores of neighbours, given from the first to the last, in the order in which they are printed: from the last. V8 joins two of them to one of
 * 256 bits either way, but where the lower one comes first it keeps that as well, since it has to be done should the upper one trap. Measured
 * (Sapphire Rapids, Node 24): a training step of char-lstm takes 0.96 of the time, of char-gru and ptb-small 0.98.
 */
export const storesOf = (neighbours: readonly Code[]): Code => neighbours.toReversed();

/** Code that grows line by line: `keep` gives a value a name, so that it is computed once and used often. */
export class Vectors {
  readonly code: Code[] = [];
  readonly #options: VectorOptions;

  constructor(options: VectorOptions) {
    this.#options = options;
  }

  /** Puts a value into a local variable; what it returns reads the variable. */
  keep(value: Code): Code {
    const local = this.#options.f.local("v128");
    this.code.push(local.set(value));
    return local.get;
  }

  /** Four times `value`, by a broadcast load: a literal would be rebuilt at every use. */
  constant(value: number): Code {
    const address = this.#options.constants.address(value);
    const load = v128.load32_splat(i32.const(0), address);
    const { loaded } = this.#options;
    if (!loaded) return load;
    const known = loaded.get(address) ?? this.keep(load);
    loaded.set(address, known);
    return known;
  }

  /** Four times the word `bits`, which must not be the pattern of a NaN (engines may change those). */
  word(bits: number): Code {
    return this.constant(new Float32Array(Uint32Array.of(bits).buffer)[0]!);
  }

  /** `a · b + c` */
  mac(a: Code, b: Code, c: Code): Code {
    return this.#options.fused ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
  }

  /** `c − a · b` */
  nmac(a: Code, b: Code, c: Code): Code {
    return this.#options.fused ? f32x4.relaxed_nmadd(a, b, c) : f32x4.sub(c, f32x4.mul(a, b));
  }

  /** `Σ coefficients[k] · xᵏ` by Horner's rule. */
  polynomial(x: Code, coefficients: readonly number[]): Code {
    const reversed = coefficients.toReversed();
    return reversed.slice(1).reduce<Code>((sum, c) => this.mac(sum, x, this.constant(c)), this.constant(reversed[0]!));
  }
}
