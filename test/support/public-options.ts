import ts from "typescript";
import { declarationOf, declarations, isPublic } from "./declarations.ts";

/** A place where a public function is given options. */
export interface OptionsPlace {
  /** "openTrainer", "new Graph", "Graph.input". */
  readonly callee: string;
  /** Which of its arguments. */
  readonly argument: number;
  /** Options within options: ["earlyStopping"]. */
  readonly path: readonly string[];
  /** What the type is called. */
  readonly type: string;
  /** Names of its properties, with a question mark behind those that may be left out. */
  readonly options: readonly string[];
}

export const titleOf = ({ callee, path }: Pick<OptionsPlace, "callee" | "path">): string => [callee, ...path].join(" ");

/**
 * Every place where a function, a constructor or a method that the entries export is given options, as the types say it. Options are a plain object
 * (no class, no array, no function, nothing with methods) with at least one property that may be left out, or called options.
 */
export function publicOptions(): OptionsPlace[] {
  const { checker, exports, ours } = declarations();
  const places = new Map<string, OptionsPlace>();
  const nameOf = (type: ts.Type): string => (type.aliasSymbol ?? type.symbol)?.getName() ?? "";

  /** The constituents of a type that are options. */
  function optionsIn(type: ts.Type, named = false): ts.Type[] {
    const open = (type.flags & ts.TypeFlags.Instantiable) !== 0;
    const whole = open ? (checker.getBaseConstraintOfType(type) ?? type) : type;
    if (whole.isUnion()) return whole.types.flatMap((one) => optionsIn(one, named));
    const isObject = whole.isIntersection() || (whole.flags & ts.TypeFlags.Object) !== 0;
    if (!isObject) return [];
    if (whole.getCallSignatures().length > 0 || whole.getConstructSignatures().length > 0) return [];
    if (checker.getIndexInfosOfType(whole).length > 0) return [];
    const properties = whole.getProperties();
    const declared = properties.map(declarationOf);
    if (
      declared.some((one) => one && (ts.isMethodSignature(one) || ts.isMethodDeclaration(one) || ts.isGetAccessor(one)))
    )
      return [];
    if (!properties.every(ours)) return [];
    const called = named || /(Options|Parts|Choice)$/.test(nameOf(whole));
    return called || properties.some((one) => one.flags & ts.SymbolFlags.Optional) ? [whole] : [];
  }

  function add(callee: string, argument: number, path: readonly string[], type: ts.Type): void {
    const options = type.getProperties().map((one) => one.getName() + (one.flags & ts.SymbolFlags.Optional ? "?" : ""));
    const key = JSON.stringify([callee, argument, path, options]);
    if (places.has(key)) return;
    places.set(key, { callee, argument, path, type: nameOf(type), options });
    for (const property of type.getProperties()) {
      const within = checker.getTypeOfSymbol(property);
      for (const one of optionsIn(within)) add(callee, argument, [...path, property.getName()], one);
    }
  }

  function addSignatures(callee: string, signatures: readonly ts.Signature[]): void {
    for (const signature of signatures)
      for (const [argument, parameter] of signature.getParameters().entries())
        for (const type of optionsIn(checker.getTypeOfSymbol(parameter), parameter.getName() === "options"))
          add(callee, argument, [], type);
  }

  function addMembers(owner: string, type: ts.Type): void {
    for (const member of type.getProperties())
      if (ours(member) && isPublic(member))
        addSignatures(`${owner}.${member.getName()}`, checker.getTypeOfSymbol(member).getCallSignatures());
  }

  for (const [name, symbol] of exports)
    if (symbol.flags & ts.SymbolFlags.Class) {
      addSignatures(`new ${name}`, checker.getTypeOfSymbol(symbol).getConstructSignatures());
      addMembers(name, checker.getDeclaredTypeOfSymbol(symbol));
    } else if (symbol.flags & ts.SymbolFlags.Value) {
      addSignatures(name, checker.getTypeOfSymbol(symbol).getCallSignatures());
    } else if (symbol.flags & ts.SymbolFlags.Interface) {
      const type = checker.getDeclaredTypeOfSymbol(symbol);
      if (optionsIn(type).length === 0) addMembers(name, type);
    }
  return [...places.values()];
}
