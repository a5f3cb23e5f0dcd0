import { resolve } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

/** Interfaces that callers may write objects for: demanding more of them would refuse those that were written before. */
const WRITTEN_BY_CALLERS = ["Evaluator", "ByteSource"];

test("whatever the entries export that can be closed can be opened with `using`", () => {
  const entries = ["index", "formats/index", "explain/index", "worker/index"].map((name) =>
    resolve(`dist/${name}.d.ts`),
  );
  const program = ts.createProgram(entries, {
    ...{ target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext, strict: true, types: [], noEmit: true },
  });
  const checker = program.getTypeChecker();
  const found = new Map<string, boolean>();
  for (const entry of entries)
    for (const one of checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!)) {
      const symbol = one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
      if (!(symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias))) continue;
      const properties = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
      const close = properties.find((property) => property.getName() === "close");
      const [signature] = close ? checker.getTypeOfSymbol(close).getCallSignatures() : [];
      if (!signature) continue;
      const later = checker.typeToString(signature.getReturnType()).startsWith("Promise");
      const wanted = later ? "__@asyncDispose@" : "__@dispose@";
      found.set(
        one.getName(),
        properties.some((property) => property.getName().startsWith(wanted)),
      );
    }
  for (const name of ["Machine", "Arena", "Corpus", "Session", "Trainer", "Program", "Ablation", "WorkerClient", "Run"])
    expect(found.keys()).toContain(name);
  const without = [...found].filter(([, has]) => !has).map(([name]) => name);
  expect(without.toSorted()).toEqual(WRITTEN_BY_CALLERS.toSorted());
});
