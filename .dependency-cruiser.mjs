// The rules are made from layers.mjs; change that table, not this file.
import { layers, unreachable } from "./layers.mjs";

const rows = Object.keys(layers);

/** A pattern for the files of a row: a folder or a single file, without the rows inside it. */
function filesOf(row) {
  const inner = rows.filter((other) => other.startsWith(`${row}/`)).map((other) => other.slice(row.length + 1));
  const without = inner.length > 0 ? `(?!(?:${inner.join("|")})(?:/|[.]ts$))` : "";
  return `^src/${row}(?:/${without}|[.]ts$)`;
}

const allow = (names) => names.map(filesOf);

const rowRules = Object.entries(layers).flatMap(([row, allowed]) => {
  const types = allowed.filter((name) => name.startsWith("type:")).map((name) => name.slice("type:".length));
  const values = allowed.filter((name) => !name.startsWith("type:"));
  const rule = {
    name: `${row} imports only what its row names`,
    comment: `layers.mjs: ${row} may import ${allowed.join(", ") || "nothing"}.`,
    severity: "error",
    from: { path: filesOf(row) },
    to: { path: "^src/", pathNot: allow([row, ...values, ...types]) },
  };
  const typesOnly = {
    name: `${row} imports only types from ${types.join(", ")}`,
    severity: "error",
    from: { path: filesOf(row) },
    to: { path: allow(types), dependencyTypesNot: ["type-only"] },
  };
  return types.length > 0 ? [rule, typesOnly] : [rule];
});

const reachRules = unreachable.map(({ from, never, why }) => ({
  name: why,
  severity: "error",
  from: { path: allow(from) },
  to: { path: allow(never), reachable: true },
}));

// What a browser loads, with the exception of the platform's Node half.
const browser = { path: "^src/", pathNot: ["^src/(cli|server)/", "^src/platform/node[./]"] };

export default {
  forbidden: [
    ...rowRules,
    ...reachRules,
    {
      name: "every file of src belongs to a row",
      comment: "Add the folder to layers.mjs. Public entries lie directly in src/.",
      severity: "error",
      from: { path: "^src/[^/]+/", pathNot: allow(rows) },
      to: {},
    },
    {
      name: "every file of src belongs to a row, also one that imports nothing",
      severity: "error",
      from: { path: "^src/[^/]+/", pathNot: allow(rows), orphan: true },
      to: {},
    },
    {
      name: "no cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "nothing imports a public entry",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^src/[^/]+[.]ts$" },
    },
    {
      name: "no package and no part of Node in what a browser loads",
      severity: "error",
      from: browser,
      to: { dependencyTypes: ["core", "npm", "npm-dev", "npm-peer", "npm-optional"] },
    },
    { name: "everything resolves", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "no development tool in src",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
