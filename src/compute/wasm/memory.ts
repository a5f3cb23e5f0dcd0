import type { MemoryUse } from "../machine.ts";

/** Bytes of a page of WebAssembly memory. */
const PAGE = 65536;
/** Most pages that 32-bit addresses reach. */
export const MOST_PAGES = 65536;
const ALIGNMENT = 64;

/** Zeros, for kernels that need a row of them: bytes 64 … 255 are never written. */
export const ZEROS = 64;
/**
 * Words by which threads come together, each in a cache line of its own. The first four are those of the barrier; then: the number
 * of jobs that were given out, of letters that were sent, of things to look up for (either of them), of threads that sleep
 * until there is one, of jobs that were done by one thread, and the plan of the current job.
 */
export const CONTROL = {
  ...{ arrived: 256, generation: 320, sleepers: 384, stopped: 448 },
  ...{ jobs: 512, letters: 516, bell: 576, idle: 640, done: 704, plan: 520 },
} as const;
/** Constants of kernels: bytes 1024 … 65535. */
export const CONSTANTS = { start: 1024, end: PAGE } as const;
const FIRST = PAGE;
/** The last page stays free: a kernel may compute addresses a little behind its operands without starting again at 0. */
const LAST = (MOST_PAGES - 1) * PAGE;
/** Most bytes that can be handed out. */
export const MOST_BYTES = LAST - FIRST;
/** Shared memory is worth having with at least 64 MiB. */
const FEWEST_SHARED_PAGES = 1024;

interface Gap {
  start: number;
  end: number;
}

/**
 * One WebAssembly memory that grows as it is needed, and what is free in it. Blocks are aligned to 64 bytes and stay where they
 * are; those given back are handed out again, first fit. Growing detaches `buffer`: a view that is kept may be empty when it is used next.
 */
export class Memory {
  readonly wasm: WebAssembly.Memory;
  /** Whether other threads can use it. */
  readonly shared: boolean;
  /** Pages that it may grow to: modules have to import it with that number. */
  readonly pages: number;
  readonly #end: number;
  /** Free blocks by address, never touching each other. */
  #gaps: Gap[];
  /** From here on memory is as the engine gave it: zero. */
  #fresh = FIRST;

  /**
   * @param bytes Most bytes of all blocks together.
   * @param share Whether to ask for memory that threads can share. Its address space is taken at once, so that a host may have
   *   less of it than asked for, or none: then it is less, or not shared.
   */
  constructor(bytes: number, share = false) {
    const given = share ? sharedMemory() : undefined;
    this.shared = given !== undefined;
    this.pages = given?.pages ?? MOST_PAGES;
    this.wasm = given?.wasm ?? new WebAssembly.Memory({ initial: 2, maximum: MOST_PAGES });
    this.#end = FIRST + Math.min(bytes, this.pages * PAGE - PAGE - FIRST);
    this.#gaps = [{ start: FIRST, end: this.#end }];
  }

  /** Bytes that can be handed out at most, all together. */
  get bytes(): number {
    return this.#end - FIRST;
  }

  get buffer(): ArrayBufferLike {
    return this.wasm.buffer;
  }

  /** Bytes that are not handed out. One block of that size may be more than there is in one piece. */
  get free(): number {
    return this.#gaps.reduce((sum, gap) => sum + gap.end - gap.start, 0);
  }

  /** Bytes that are handed out, and those that the host gave so far: memory grows and never shrinks. */
  get use(): MemoryUse {
    return { usedBytes: this.bytes - this.free, reservedBytes: this.buffer.byteLength };
  }

  /** The address of `bytes` new bytes, zeroed; undefined when they cannot be had. */
  allocate(bytes: number): number | undefined {
    const needed = rounded(bytes);
    const gap = this.#gaps.find(({ start, end }) => end - start >= needed);
    // One page more than is used, so that reading whole vectors at the end of the last block is no error.
    if (!gap || !this.#grow(gap.start + needed + PAGE)) return undefined;
    const address = gap.start;
    gap.start += needed;
    if (gap.start === gap.end) this.#gaps.splice(this.#gaps.indexOf(gap), 1);
    const used = Math.min(this.#fresh, gap.start) - address;
    // In shared memory an element is one store, so they are large ones.
    if (used > 0) new Float64Array(this.buffer, address, used / 8).fill(0);
    this.#fresh = Math.max(this.#fresh, gap.start);
    return address;
  }

  release(address: number, bytes: number): void {
    const [start, end] = [address, address + rounded(bytes)];
    const at = this.#gaps.findIndex((gap) => gap.start > start);
    this.#gaps.splice(at < 0 ? this.#gaps.length : at, 0, { start, end });
    const joined: Gap[] = [];
    for (const gap of this.#gaps) {
      const last = joined.at(-1);
      if (last?.end === gap.start) last.end = gap.end;
      else joined.push(gap);
    }
    this.#gaps = joined;
  }

  #grow(end: number): boolean {
    const missing = Math.ceil((end - this.buffer.byteLength) / PAGE);
    if (missing <= 0) return true;
    try {
      this.wasm.grow(missing);
      return true;
    } catch {
      return false;
    }
  }
}

/** As much address space as the host gives, 4 GiB at most. */
function sharedMemory(): { readonly wasm: WebAssembly.Memory; readonly pages: number } | undefined {
  for (let pages = MOST_PAGES; pages >= FEWEST_SHARED_PAGES; pages /= 2) {
    try {
      return { wasm: new WebAssembly.Memory({ initial: 2, maximum: pages, shared: true }), pages };
    } catch {
      // Less, then.
    }
  }
  return undefined;
}

/** Blocks of no bytes take some too, so that every block has an address of its own. */
const rounded = (bytes: number): number => Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
