/*
 * An engine that joins vectors (V8's --experimental-wasm-revectorize) leaves the upper halves of registers of 256 bits as they are. On Intel
 * processors every instruction of the old encoding, of which the C++ around JavaScript is made, then waits for whatever wrote its register last:
 * `Math.exp` takes 120 ns in place of 6 until some code cleans them (Sapphire Rapids, Node 24 and 26). No instruction of WebAssembly does. AMD's
 * processors do not wait, and cleaning is an eighth of a small step (Zen 4, 8-bit weights, 64 units: 0.15 of 1.27 µs): what it is worth is measured.
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

const [ROUNDS, CALLS] = [16, 128];
/** What waits takes about twice as long, kernel included. */
const MORE = 1.3;

/** Whether what runs after this kernel, which joins vectors, waits until registers are clean: in most of some rounds it then takes longer. */
export function waitsAfter(kernel: () => void, now = () => performance.now()): boolean {
  let sum = 0;
  /** The clock is the host's code, too: it is not asked between the kernel and what may wait for it. */
  const time = (clean: () => void): number => {
    const start = now();
    kernel();
    clean();
    for (let call = 0; call < CALLS; call++) sum += Math.exp(-sum);
    return now() - start;
  };
  cleanUpperHalves();
  let slow = 0;
  for (let round = 0; round < ROUNDS; round++) slow += Number(time(() => undefined) > MORE * time(cleanUpperHalves));
  // The sum is asked for: what nobody asks for a compiler may leave out.
  return sum > 0 && slow > ROUNDS / 2;
}
