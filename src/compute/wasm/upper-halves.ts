/*
 * An engine that joins vectors (V8's --experimental-wasm-revectorize) leaves the upper halves of registers of 256 bits as they are. On Intel
 * processors every instruction of the old encoding, of which the C++ around JavaScript is made, then waits for whatever wrote its register last:
 * `Math.exp` takes 120 ns in place of 6 until some code cleans them (Sapphire Rapids, Node 24 and 26). No instruction of WebAssembly does.
 */

/** One byte: the string of one character that comes is one of the host's own, so that nothing is allocated. */
const byte = new Uint8Array(1);
let decoder: TextDecoder | undefined;

/**
 * Leaves the upper halves clean, as all other code expects them: the host's own vector code, which reads a byte as text, ends with the
 * instruction for it. Of some sixty calls that were tried none is shorter in its place by more than 2 % of the smallest step (0.1 µs; `isAscii` of Node takes
 * a third of that by itself, and more after a kernel). Where nothing was joined it changes nothing.
 */
export function cleanUpperHalves(): void {
  decoder ??= new TextDecoder();
  decoder.decode(byte);
}
