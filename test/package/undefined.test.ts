import ts from "typescript";
import { expect, it } from "vitest";
import { declarations, isPublic } from "../support/declarations.ts";

// A strict program (exactOptionalPropertyTypes) tells an option that is left out from one that is undefined. Ours need not be told apart:
// `{ seed: flags.seed }` is written without a look at whether there is one. That undefined does nothing is tested with the options' effects.

/** Properties that callers may leave out but not set to undefined, of all that they write: arguments, and what their functions return. */
function exact(): string[] {
  const { checker, exports, ours } = declarations();
  const found = new Set<string>();
  const seen = new Set<ts.Type>();

  const takesUndefined = (type: ts.Type): boolean =>
    type.isUnion()
      ? type.types.some(takesUndefined)
      : // What is left out has a type of its own, with the same flags.
        type === checker.getUndefinedType() || type.flags === ts.TypeFlags.Unknown;

  function written(type: ts.Type, place: string): void {
    if (seen.has(type)) return;
    seen.add(type);
    if (type.flags & ts.TypeFlags.Instantiable) {
      const constraint = checker.getBaseConstraintOfType(type);
      if (constraint) written(constraint, place);
    }
    for (const one of type.isUnion() ? type.types : []) written(one, place);
    const whole = (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0;
    // Who is asked for an object of a class does not write it.
    if (!whole || (type.symbol && type.symbol.flags & ts.SymbolFlags.Class)) return;
    for (const one of checker.getTypeArguments(type as ts.TypeReference) ?? []) written(one, place);
    for (const one of type.getCallSignatures()) written(one.getReturnType(), `${place}()`);
    for (const one of checker.getIndexInfosOfType(type)) written(one.type, `${place}[]`);
    for (const property of type.getProperties()) {
      if (property.declarations && !ours(property)) continue;
      const [name, value] = [`${place}.${property.getName()}`, checker.getTypeOfSymbol(property)];
      if (property.flags & ts.SymbolFlags.Optional && !takesUndefined(value)) found.add(name);
      written(value, name);
    }
  }

  const called = (name: string, signatures: readonly ts.Signature[]): void => {
    for (const parameter of signatures.flatMap((one) => one.getParameters()))
      written(checker.getTypeOfSymbol(parameter), `${name}: ${parameter.getName()}`);
  };
  for (const [name, symbol] of exports) {
    if (symbol.flags & ts.SymbolFlags.Value) {
      const type = checker.getTypeOfSymbol(symbol);
      called(name, [...type.getCallSignatures(), ...type.getConstructSignatures()]);
    }
    if (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface))
      for (const member of checker.getDeclaredTypeOfSymbol(symbol).getProperties())
        if (ours(member) && isPublic(member)) {
          const at = `${name}.${member.getName()}`;
          called(at, checker.getTypeOfSymbol(member).getCallSignatures());
          if (member.flags & ts.SymbolFlags.SetAccessor) written(checker.getTypeOfSymbol(member), at);
        }
  }
  // That they are found at all: more than the options that there were once.
  expect(seen.size).toBeGreaterThan(1000);
  return [...found];
}

it("whatever callers may leave out they may also set to undefined", { timeout: 120_000 }, () => {
  expect(exact()).toEqual([]);
});
