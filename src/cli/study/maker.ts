import type { Limits, Machine } from "../../compute/machine.ts";
import { VERSION } from "../../shared/version.ts";
import { counted } from "../format.ts";
import { processor } from "../processor.ts";

/**
 * What computed a trial. Where version, Node, machine, number format and family are the same, a seed and settings give the same bits;
 * threads and processor only tell what its time is worth.
 */
export interface Maker extends Pick<Limits, "float" | "family" | "threads"> {
  /** Of the package. */
  readonly version: string;
  readonly node: string;
  readonly machine: Machine["name"];
  readonly processor: string;
}

export function makerOf({ name, limits: { float, family, threads } }: Machine): Maker {
  return {
    ...{ version: VERSION, node: process.versions.node, machine: name, float, family },
    ...{ threads, processor: processor() },
  };
}

/** As the page says it. Trials of early versions do not tell. */
export function makerText(maker: Maker | undefined): string {
  if (maker === undefined) return "a version that did not say so";
  const { version, node, machine, float, family, threads, processor } = maker;
  return `longshort ${version}, Node ${node}, ${machine} (${float}, ${family}), ${counted(threads, "thread")}, ${processor}`;
}
