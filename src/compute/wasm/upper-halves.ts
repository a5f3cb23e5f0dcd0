import { platform } from "#platform";

/**
 * Leaves the upper halves of vector registers clean, as all other code expects them.
 *
 * An engine that joins vectors (V8's --experimental-wasm-revectorize) leaves those of registers of 256 bits as they are. On Intel processors
 * every instruction of the old encoding, of which the C++ around JavaScript is made, then waits for whatever wrote its register last:
 * `Math.exp` takes 120 ns in place of 6 until some code cleans them (Sapphire Rapids, Node 24 and 26). No instruction of WebAssembly does.
 * Vector code of the host's own ends with the one that does. Of some sixty calls that were tried the shortest that has any is `isAscii` of
 * Node (35 ns), then decoding a byte as text (110 ns), for hosts without it. Where nothing was joined it changes nothing.
 */
export const cleanUpperHalves = (): void => platform.runVectorCode();
