/** Symbols of an alphabet as vectors with one 1: [T · D]. */
export function oneHot(symbols: readonly string[], alphabet: string): Float64Array {
  const D = alphabet.length;
  const inputs = new Float64Array(symbols.length * D);
  symbols.forEach((symbol, t) => {
    inputs[t * D + alphabet.indexOf(symbol)] = 1;
  });
  return inputs;
}

/** Sets of symbols as zeros and ones: [T · D]. */
export function manyHot(sets: readonly string[], alphabet: string): Uint8Array {
  const D = alphabet.length;
  const values = new Uint8Array(sets.length * D);
  for (const [t, set] of sets.entries()) for (const symbol of set) values[t * D + alphabet.indexOf(symbol)] = 1;
  return values;
}
