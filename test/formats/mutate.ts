import { RandomStream } from "../../src/shared/random.ts";

/**
 * A damaged copy of a good file, the same for the same stream: bits flipped, bytes replaced by ones that are often borders,
 * cut short, pieces removed, repeated or exchanged, lengths made huge.
 */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const below = (count: number): number => Math.floor(random() * count);
  let result = bytes.slice();
  for (let change = 1 + below(3); change > 0 && result.length > 0; change--) {
    const at = below(result.length);
    const length = Math.min(result.length - at, 1 + below(16));
    switch (below(8)) {
      case 0:
        result[at]! ^= 1 << below(8);
        break;
      case 1:
        result[at] = BORDERS[below(BORDERS.length)]!;
        break;
      case 2:
        result = result.slice(0, at);
        break;
      case 3:
        result = joined(result.subarray(0, at), result.subarray(at + length));
        break;
      case 4:
        result = joined(result.subarray(0, at + length), result.subarray(at));
        break;
      case 5:
        result.copyWithin(below(result.length), at, at + length);
        break;
      case 6:
        result.fill(BORDERS[below(BORDERS.length)]!, at, at + [2, 4, 8][below(3)]!);
        break;
      default:
        for (let i = at; i < at + length; i++) result[i] = below(256);
    }
  }
  return result;
}

const BORDERS = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, 0x28, 0x2e, 0x30, 0x7b];

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(a.length + b.length);
  result.set(a);
  result.set(b, a.length);
  return result;
}

/** Numbers in [0, 1) for one mutation. */
export function randomOf(seed: number, name: string): () => number {
  const numbers = new RandomStream(seed, name).uniform(128);
  let next = 0;
  return () => numbers[next++ % numbers.length]!;
}
