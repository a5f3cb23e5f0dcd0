import { FailureError } from "../../shared/errors.ts";
import { formatBytes } from "../../shared/shapes.ts";
import type { Memory } from "./memory.ts";

const SMALLEST = 65536;

interface Block {
  readonly address: number;
  readonly bytes: number;
  used: number;
}

/**
 * Scratch memory of a plan. Launches run one after the other, so all share the same blocks: `restart` before each. Blocks
 * never move, because addresses are printed into code; a launch that needs more gets a further one, at least twice the last.
 */
export class Workspace {
  readonly #memory: Memory;
  #blocks: Block[] = [];

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  restart(): void {
    for (const block of this.#blocks) block.used = 0;
  }

  /** @throws FailureError "out-of-memory" */
  take(bytes: number): number {
    const needed = Math.ceil(bytes / 64) * 64;
    let block = this.#blocks.find((b) => b.bytes - b.used >= needed);
    if (!block) {
      block = this.#add(Math.max(needed, SMALLEST, 2 * (this.#blocks.at(-1)?.bytes ?? 0))) ?? this.#add(needed);
      if (!block) {
        throw new FailureError(
          "out-of-memory",
          `a plan needs ${formatBytes(needed)} of scratch memory, the machine has ${formatBytes(this.#memory.free)} left: lower the batch size or the number of steps`,
        );
      }
    }
    const address = block.address + block.used;
    block.used += needed;
    return address;
  }

  close(): void {
    for (const { address, bytes } of this.#blocks) this.#memory.release(address, bytes);
    this.#blocks = [];
  }

  #add(bytes: number): Block | undefined {
    const address = this.#memory.allocate(bytes);
    if (address === undefined) return undefined;
    const block = { address, bytes, used: 0 };
    this.#blocks.push(block);
    return block;
  }
}
