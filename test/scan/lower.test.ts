import { expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { forwardProgram, stepProgram } from "../../src/scan/lower.ts";
import type { ForwardProgram } from "../../src/scan/program.ts";

/** The values that a step writes beside its states and what products read. */
const kept = ({ forward }: ForwardProgram): number =>
  forward.flatMap(({ stores }) => stores).filter(({ to }) => to.kind === "slot").length;

test("a step that nobody goes back through keeps no gate for a gradient, only what its own later levels read", () => {
  expect([kept(stepProgram(lstm())), kept(forwardProgram(lstm()))]).toEqual([4, 0]);
  // The reset gate is multiplied with h before the product, the update gate is read behind it.
  const before = gru({ resetAfter: false });
  expect(kept(forwardProgram(before))).toBeLessThan(kept(stepProgram(before)));
  expect(forwardProgram(before).products).toEqual(stepProgram(before).products);
});
