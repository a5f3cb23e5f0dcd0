import { type FileLayer, makeDurableFolder, removeTemporary, writeAtomic } from "../platform/files.ts";
import { LongshortError } from "../shared/errors.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint-file.ts";

/** A file of the folder that could not be used, and why. */
export interface Rejected {
  readonly path: string;
  readonly why: string;
}

export interface SavePlace {
  readonly files: FileLayer;
  readonly folder: string;
}

const NAME = /^step-(\d+)\.safetensors$/;
/** Named by the step and never by a clock, which may be set back. */
const nameOf = (step: number): string => `step-${String(step).padStart(10, "0")}.safetensors`;

/**
 * Saves a checkpoint; when that is durable, and not before, those that are neither among the last `keep` nor of the step `best` are removed.
 * @returns its path
 */
export async function saveCheckpoint(
  { files, folder }: SavePlace,
  checkpoint: Checkpoint,
  { step, keep, best }: { readonly step: number; readonly keep: number; readonly best: number },
): Promise<string> {
  const path = `${folder}/${nameOf(step)}`;
  const bytes = await encodeCheckpoint(checkpoint);
  await makeDurableFolder(files, folder);
  await writeAtomic(files, path, bytes);
  // That a name is gone need not last: a checkpoint too many does no harm.
  for (const old of (await stepsIn({ files, folder })).slice(keep))
    if (old !== best) await files.remove(`${folder}/${nameOf(old)}`);
  return path;
}

/**
 * The newest checkpoint that is whole. Those that are damaged are told, and put aside under another name.
 * @returns undefined when there is none
 */
export async function latestCheckpoint(
  place: SavePlace,
): Promise<{ readonly found: Checkpoint | undefined; readonly rejected: readonly Rejected[] }> {
  const { files, folder } = place;
  await removeTemporary(files, folder);
  const rejected: Rejected[] = [];
  for (const step of await stepsIn(place)) {
    const path = `${folder}/${nameOf(step)}`;
    try {
      return { found: await decodeCheckpoint(await files.read(path)), rejected };
    } catch (error) {
      if (!(error instanceof LongshortError) || error.code !== "bad-checkpoint") throw error;
      await files.rename(path, `${path}.damaged`);
      rejected.push({ path, why: error.message });
    }
  }
  return { found: undefined, rejected };
}

/** Removes all of them: another run begins in the folder. */
export async function removeCheckpoints(place: SavePlace): Promise<void> {
  for (const step of await stepsIn(place)) await place.files.remove(`${place.folder}/${nameOf(step)}`);
}

/** The newest first. */
async function stepsIn({ files, folder }: SavePlace): Promise<number[]> {
  const names = await files.list(folder);
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}
