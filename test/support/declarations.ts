import { resolve } from "node:path";
import ts from "typescript";

/** The package as the compiler of a strict program sees it: what each entry exports, as its built declarations say. */
export interface Declarations {
  readonly checker: ts.TypeChecker;
  /** Each export with what it stands for, entry after entry. */
  readonly exports: readonly (readonly [name: string, symbol: ts.Symbol])[];
  /** Whether it is declared in the package, not in the language or its libraries. */
  ours(symbol: ts.Symbol | undefined): boolean;
}

let known: Declarations | undefined;

export function declarations(): Declarations {
  known ??= read();
  return known;
}

function read(): Declarations {
  const entries = ["index", "formats/index", "explain/index", "components/index", "worker/index"].map((entry) =>
    resolve(`dist/${entry}.d.ts`),
  );
  const program = ts.createProgram(entries, {
    ...{ target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext, types: [], noEmit: true },
    ...{ strict: true, exactOptionalPropertyTypes: true },
  });
  const checker = program.getTypeChecker();
  const exports = entries.flatMap((entry) =>
    checker
      .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!)
      .map((one): [string, ts.Symbol] => [
        one.getName(),
        one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one,
      ]),
  );
  const own = resolve("dist");
  const ours = (symbol: ts.Symbol | undefined): boolean =>
    symbol?.declarations?.some((one) => resolve(one.getSourceFile().fileName).startsWith(own)) ?? false;
  return { checker, exports, ours };
}

export const declarationOf = (symbol: ts.Symbol): ts.Declaration | undefined =>
  symbol.valueDeclaration ?? symbol.declarations?.[0];

/** Whether callers see it: not private, not protected, not by a symbol. */
export function isPublic(member: ts.Symbol): boolean {
  const declaration = declarationOf(member);
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return (
    declaration !== undefined &&
    !/^(__|#)/.test(member.getName()) &&
    (ts.getCombinedModifierFlags(declaration) & hidden) === 0
  );
}
