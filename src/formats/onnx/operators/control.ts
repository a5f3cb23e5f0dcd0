import type { Operator } from "../node.ts";

/** The branch that the condition chooses is recorded, the other one does not exist for the plan. */
const branch: Operator = (node) => {
  const [condition] = node.hostNumbers(0);
  return node.branch(node.graphAttribute(condition ? "then_branch" : "else_branch"));
};

export const control: Readonly<Record<string, Operator>> = { If: branch };
