import { cpus } from "node:os";

/** What the processor calls itself. */
export const processor = (): string => cpus()[0]?.model.trim() ?? "unknown processor";
