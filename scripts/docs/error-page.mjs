/** docs/reference/errors.md: every error by its code, found in the source where it is thrown. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { advice } from "./error-advice.mjs";

const sources = fileURLToPath(new URL("../../src", import.meta.url));
const CLASSES = ["UsageError", "FailureError", "ShapeError"];
const exits = { UsageError: 2, ShapeError: 2, FailureError: 1 };

/**
 * What `new UsageError(code, message)` and its like say anywhere below `folder`.
 *
 * @returns {Map<string, { classes: Set<string>, messages: Set<string> }>} by code, sorted
 */
export function thrownErrors(folder = sources) {
  const found = new Map();
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  for (const name of files.sort()) {
    const text = readFileSync(join(folder, name), "utf8");
    if (!CLASSES.some((one) => text.includes(`new ${one}(`) || text.includes(`extends ${one} {`))) continue;
    const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
    const visit = (node) => {
      if (ts.isNewExpression(node) && CLASSES.includes(node.expression.getText()))
        note(found, file, node, node.expression.getText());
      const parent = ts.isClassDeclaration(node) && node.heritageClauses?.[0]?.types[0]?.expression.getText();
      if (CLASSES.includes(parent)) for (const call of superCalls(node)) note(found, file, call, parent);
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `super("code", message)` in a class of errors that always have one code. */
function superCalls(body) {
  const calls = [];
  const visit = (node) => {
    const [code] =
      ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.SuperKeyword ? node.arguments : [];
    if (code && ts.isStringLiteral(code)) calls.push(node);
    ts.forEachChild(node, visit);
  };
  visit(body);
  return calls;
}

function note(found, file, node, kind) {
  const [code, message] = node.arguments ?? [];
  for (const one of code ? codesOf(file, code) : []) {
    const entry = found.get(one) ?? { classes: new Set(), messages: new Set() };
    entry.classes.add(kind);
    for (const pattern of message ? patternsOf(message) : []) entry.messages.add(pattern);
    found.set(one, entry);
  }
}

/** The codes that an expression can be: a string, either of two, a constant of the file, what a function of the file returns. */
function codesOf(file, node) {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap((one) => codesOf(file, one));
  if (ts.isTemplateExpression(node)) return [patternsOf(node)[0].replace(/‹\w+›|…/g, "KIND")];
  const named = ts.isCallExpression(node) ? node.expression : node;
  if (!ts.isIdentifier(named)) return []; // `error.code`: thrown on with a place added
  for (const statement of file.statements) {
    if (ts.isFunctionDeclaration(statement) && statement.name?.text === named.text) return returned(file, statement);
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations)
      if (name.getText() === named.text && initializer) return codesOf(file, initializer);
  }
  return [];
}

function returned(file, body) {
  const codes = [];
  const visit = (node) => {
    if (ts.isReturnStatement(node) && node.expression) codes.push(...codesOf(file, node.expression));
    else ts.forEachChild(node, visit);
  };
  visit(body);
  return codes;
}

/** A message as it stands in the source, with ‹name› for what is filled in. */
function patternsOf(node) {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node)) return patternsOf(node.expression);
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap(patternsOf);
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [node.left, node.right].map((side) => patternsOf(side)[0] ?? "…");
    return [left + right];
  }
  if (!ts.isTemplateExpression(node)) return [];
  const spans = node.templateSpans.map(({ expression, literal }) => filled(expression) + literal.text);
  return [node.head.text + spans.join("")];
}

function filled(expression) {
  if (ts.isIdentifier(expression)) return `‹${expression.text}›`;
  if (ts.isPropertyAccessExpression(expression)) return `‹${expression.name.text}›`;
  return "…";
}

const inline = (text) => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.includes("`") ? `\`\` ${line} \`\`` : `\`${line}\``;
};

const general = {
  UsageError: "Change what the message names; nothing was changed.",
  ShapeError: "Give the argument that the message names in the shape that it asks for.",
  FailureError: "The request was right and could not be carried out; the message says what stood in the way.",
};

/** The page, as Markdown. */
export function errorPage(errors = thrownErrors()) {
  const sections = [...errors].map(([code, { classes, messages }]) => {
    const names = [...classes].sort();
    const what = names.map((name) => `\`${name}\`, exit code ${exits[name]}`).join("; ");
    const list = [...messages].map((message) => `- ${inline(message)}`);
    return [`## ${code}`, `${what}. ${advice[code] ?? general[names.at(-1)]}`, list.join("\n")]
      .filter((part) => part !== "")
      .join("\n\n");
  });
  return `${[
    "# Errors",
    "Collected from the source by `npm run docs:reference`. Every error that this package throws on purpose is a `LongshortError` with a `code`, which is stable and meant for programs, and a `message` for the person who has to act: what was expected, what came, where, and what to do. Anything else (`TypeError`, `RangeError`) is a mistake of ours.",
    "| class | means | exit code of the command line |\n| --- | --- | --- |\n| `UsageError` | the caller's arguments, options or input are wrong | 2 |\n| `ShapeError`, a `UsageError` | a tensor has another shape than the operation needs | 2 |\n| `FailureError` | the request was right but the work failed: a file is damaged, memory is short | 1 |",
    '```ts\nimport { LongshortError, openCorpus } from "longshort";\n\ntry {\n  await openCorpus({ files: ["no-such-novel.txt"] });\n} catch (error) {\n  if (!(error instanceof LongshortError)) throw error;\n  console.log(error.name, error.code, error.message);\n}\n```',
    "In the messages below, ‹name› and … stand for what is filled in.",
    ...sections,
  ].join("\n\n")}\n`;
}
