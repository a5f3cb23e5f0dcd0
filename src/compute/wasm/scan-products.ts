import type { Code } from "../../print/wasm/code.ts";
import { fewPanels, panelsTogether } from "../../print/wasm/few-rows.ts";
import { i32 } from "../../print/wasm/instructions.ts";
import { panelRows } from "../../print/wasm/product.ts";
import type { Swept } from "../../print/wasm/sweep.ts";
import type { ScanShape } from "../plan.ts";
import type { Examples } from "./scan-division.ts";
import type { ScanContext } from "./scan-memory.ts";

/** A product of one step's rows with the panels of a matrix; addresses of a panel's own are given by its number. */
export interface PanelProduct {
  /** What the rows are: the input, or the operand of this number. */
  readonly of: "input" | number;
  readonly a: Code;
  readonly rowBytes: number;
  readonly k: number;
  readonly matrix: (panel: Code) => Code;
  readonly init: (panel: Code) => Code;
  readonly initStride: number;
  readonly out: (panel: Code) => Code;
}

type Context = ScanContext<ScanShape>;
const ROW = i32.const(64);

/** Of many rows: of one panel product after product. If matrices are `far`, each fetches the one that comes after it, as far as that is as large. */
export function productsOfManyRows(
  { m, fused }: Context,
  products: readonly PanelProduct[],
  { examples, far }: { readonly examples: Examples; readonly far: boolean },
): (at: Swept) => Code {
  const after = (k: number, { panel, next }: Swept): Code => {
    const [own, following] = [products[k]!, products[(k + 1) % products.length]!];
    if (own.k !== following.k) return own.matrix(panel.get);
    return following.matrix(k + 1 < products.length ? panel.get : next);
  };
  return (at) =>
    products.map((p, k) =>
      panelRows(m, { layout: "rows", fused, far, ...(examples.known && { rows: examples.known }) }).call(
        ...[examples.count, i32.const(p.k), p.a, i32.const(p.rowBytes), p.matrix(at.panel.get)],
        ...[p.init(at.panel.get), i32.const(p.initStride), p.out(at.panel.get), ROW],
        ...(far ? [after(k, at)] : []),
      ),
    );
}

/**
 * Of a few rows: as many panels at once as there are registers for, those of all products with the same rows; if these are few, of several units.
 * Each is a stream of memory, read ahead if it is `far`.
 */
export function productsOfFewRows(
  { m, fused, kernel }: Context,
  products: readonly PanelProduct[],
  { far }: { readonly far: boolean },
): { readonly together: number; readonly products: (at: Swept) => Code } {
  const { batch: rows } = kernel;
  const most = panelsTogether(m, rows);
  const groups = [...new Set(products.map((p) => p.of))].map((of) => products.filter((p) => p.of === of));
  const together = Math.max(1, Math.floor(most / Math.max(1, ...groups.map((group) => group.length))));
  const call = (part: readonly { readonly p: PanelProduct; readonly panel: Code }[]): Code => {
    const { k, a, rowBytes } = part[0]!.p;
    return fewPanels(m, part.length, { rows, layout: "rows", fused, far }).call(
      ...[i32.const(k), a, i32.const(rowBytes), ROW],
      ...part.flatMap(({ p, panel }) => [p.matrix(panel), p.init(panel), i32.const(p.initStride), p.out(panel)]),
    );
  };
  return {
    together,
    products: ({ panel, count }) =>
      groups.map((group) => {
        const all = Array.from({ length: count }, (_, n) => i32.add(panel.get, i32.const(n))).flatMap((panel) =>
          group.map((p) => ({ p, panel })),
        );
        const size = Math.ceil(all.length / Math.ceil(all.length / most));
        return Array.from({ length: Math.ceil(all.length / size) }, (_, n) =>
          call(all.slice(n * size, (n + 1) * size)),
        );
      }),
  };
}
