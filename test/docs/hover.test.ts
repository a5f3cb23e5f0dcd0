import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";
import { expect, test } from "vitest";
import { declarations } from "../support/declarations.ts";

const folder = new URL("../../src/", import.meta.url);

test("sources begin as editors show them: `@see Ba, Kiros` is shown as a name, a space and a comma", () => {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const found = files.flatMap((name) =>
    Array.from(
      readFileSync(new URL(name, folder), "utf8").matchAll(/@see [\p{L}_$][\p{L}\w.]*[^\p{L}\w\s.(:].*/gu),
      String,
    ),
  );
  expect(files.length).toBeGreaterThan(500);
  expect(found).toEqual([]);
});

/** What needs no words: these are the same wherever they are asked for. */
const PLAIN = new Set(["machine", "model", "parameters", "tokenizer", "layout"]);

/** Options of all functions and classes: what interfaces called Options hold, and objects that a function describes among its parameters. */
function options(): [where: string, option: ts.Symbol][] {
  const { checker, exports, ours } = declarations();
  return exports.flatMap(([name, symbol]) => {
    const held = name.endsWith("Options") ? [checker.getDeclaredTypeOfSymbol(symbol)] : [];
    const called = symbol.flags & ts.SymbolFlags.Value ? checker.getTypeOfSymbol(symbol).getCallSignatures() : [];
    const written = called
      .flatMap((signature) => signature.getParameters())
      .flatMap((parameter) => checker.getNonNullableType(checker.getTypeOfSymbol(parameter)))
      .filter(({ symbol }) => symbol?.flags & ts.SymbolFlags.TypeLiteral);
    return [...held, ...written]
      .flatMap((type) => type.getProperties())
      .filter((option) => ours(option) && !PLAIN.has(option.getName()))
      .map((option): [string, ts.Symbol] => [`${name}.${option.getName()}`, option]);
  });
}

test("every export and every option says in editors what it is", () => {
  const { checker, exports } = declarations();
  const silent = (symbol: ts.Symbol): boolean => symbol.getDocumentationComment(checker).length === 0;
  const found = options();
  expect(found.length).toBeGreaterThan(300);
  expect(exports.filter(([, symbol]) => silent(symbol)).map(([name]) => name)).toEqual([]);
  expect(found.filter(([, option]) => silent(option)).map(([where]) => where)).toEqual([]);
});
