import { dirname, resolve } from "node:path";
import { platform } from "#platform";
import { RUN_FORMAT } from "../checkpoint/run-folder.ts";
import { checkValue } from "../schema/check.ts";
import type { Fields } from "../schema/fields.ts";
import { type Kind, renamed } from "../schema/kinds.ts";
import { describe, LongshortError, UsageError } from "../shared/errors.ts";
import { unknownName } from "../shared/options.ts";

/**
 * Reads settings from a JSON file: an object with some of the keys of `fields`, or a run's config.json, whose "training"
 * is such an object. Paths are meant from the folder of the file.
 *
 * @throws UsageError "bad-config" with a line for each thing that is wrong, "file-not-found"
 */
export async function readConfigFile(file: string, fields: Fields): Promise<Record<string, unknown>> {
  const { document: written, place, ofRun } = settingsIn(file, await parse(file));
  const document = { ...(ofRun && valuesOfOldRuns(fields)), ...withNamesOfNow(written, fields) };
  // Loaded here, because few commands read a config and all should start quickly.
  const { documentSchema } = await import("./config-schema.ts");
  const { success, error } = documentSchema(fields).safeParse(document);
  if (!success) {
    const lines = error.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys" && issue.path.length === 0
        ? issue.keys.map((key) => unknownName(`${place}: there is no setting`, key, Object.keys(fields)).message)
        : [explain(`${place}: ${String(issue.path[0])}`, fields, document, issue)],
    );
    throw new UsageError("bad-config", [...new Set(lines)].join("\n"));
  }
  const values = Object.entries(document).filter(([key]) => key !== "$schema");
  return Object.fromEntries(values.map(([key, value]) => [key, resolved(fields[key]!.kind, value, dirname(file))]));
}

/** Settings that an earlier version wrote, as they are called now. */
function withNamesOfNow(document: Readonly<Record<string, unknown>>, fields: Fields): Record<string, unknown> {
  const keys = new Map(Object.entries(fields).flatMap(([key, { formerly }]) => (formerly ? [[formerly, key]] : [])));
  return Object.fromEntries(
    Object.entries(document).map(([written, value]) => {
      const now = keys.get(written);
      const key = now === undefined || Object.hasOwn(document, now) ? written : now;
      return [key, Object.hasOwn(fields, key) ? renamed(fields[key]!.kind, value) : value];
    }),
  );
}

const valuesOfOldRuns = (fields: Fields): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([key, { inOldRuns }]) => (inOldRuns === undefined ? [] : [[key, inOldRuns]])),
  );

/** The schema's own sentence about the value, as for a flag. */
function explain(
  where: string,
  fields: Fields,
  document: Readonly<Record<string, unknown>>,
  issue: { readonly path: readonly PropertyKey[]; readonly message: string },
): string {
  const key = String(issue.path[0]);
  try {
    if (Object.hasOwn(fields, key)) checkValue(where, fields[key]!, document[key]);
  } catch (error) {
    if (error instanceof LongshortError) return error.message;
  }
  return `${where}: ${issue.message}`;
}

async function parse(file: string): Promise<unknown> {
  const text = new TextDecoder().decode(await platform.readFile(file));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError("bad-config", `--config ${file}: expected JSON (${(cause as Error).message})`, { cause });
  }
}

function settingsIn(
  file: string,
  value: unknown,
): { document: Record<string, unknown>; place: string; ofRun: boolean } {
  const isObject = (one: unknown): one is Record<string, unknown> =>
    typeof one === "object" && one !== null && !Array.isArray(one);
  if (!isObject(value))
    throw new UsageError("bad-config", `--config ${file}: expected an object of settings, got ${describe(value)}`);
  if (value.format !== RUN_FORMAT) return { document: value, place: file, ofRun: false };
  if (isObject(value.training)) return { document: value.training, place: `${file}, "training"`, ofRun: true };
  throw new UsageError(
    "bad-config",
    `--config ${file}: this run does not say how it was trained ("training" is missing)`,
  );
}

/** Paths of a config are meant from its own folder, so that it works from any other. */
export function resolved(kind: Kind, value: unknown, folder: string): unknown {
  if (kind.type === "list") return (value as unknown[]).map((one) => resolved(kind.of, one, folder));
  if (kind.type === "either") return typeof value === "string" ? resolved(kind.of[1], value, folder) : value;
  return kind.type === "text" && kind.path ? resolve(folder, value as string) : value;
}
