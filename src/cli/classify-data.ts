import { type Examples, type Placed, pick, type Series, type Unlabelled } from "../data/examples.ts";
import { readLabelledTexts } from "../data/labelled-texts.ts";
import { stratifiedSplit } from "../data/stratified-split.ts";
import { readLabelledSeries } from "../data/ts-archive.ts";
import { type FileSource, sourceName } from "../platform/platform.ts";
import type { ClassifySettings } from "../schema/classify.ts";
import { UsageError } from "../shared/errors.ts";

type Columns = Pick<ClassifySettings, "delimiter"> &
  Partial<Pick<ClassifySettings, "text" | "label" | "header" | "series">>;

/** Whether a file holds series: it is said, or its name does. */
const holdsSeries = (file: FileSource, { series }: Columns): boolean =>
  series === true || /\.ts(\.gz)?$/i.test(sourceName(file));

/** @throws UsageError "missing-option", and what the readers throw */
export async function readExamples(file: string, columns: Columns): Promise<Examples> {
  if (holdsSeries(file, columns)) return readLabelledSeries(file);
  const { text = "text", label = "label" } = columns;
  return namingColumns(columns, readLabelledTexts(file, { text, label, ...layout(columns) }));
}

/** What a run learned from, and what it is measured on: its test part, without one that which it was validated on. */
export async function dividedExamples(
  settings: ClassifySettings,
): Promise<{ readonly train: Examples; readonly measured: Examples }> {
  const { seed, validation, regression, test } = settings;
  const all = await readExamples(settings.file, settings);
  const split = stratifiedSplit(regression ? all.labels.map(() => "") : all.labels, { validation, seed });
  const measured = test === undefined ? pick(all, split.validation) : await readExamples(test, settings);
  return { train: pick(all, split.train), measured };
}

/** The same without labels, where the file may have none. */
export async function readInputs(file: FileSource, columns: Columns): Promise<Placed<Unlabelled | Examples<Series>>> {
  if (holdsSeries(file, columns)) return readLabelledSeries(file);
  const { text = "text" } = columns;
  return namingColumns(columns, readLabelledTexts(file, { text, ...layout(columns) }));
}

const layout = ({ delimiter, header }: Columns) => ({ delimiter, ...(header && { header }) });

/** Where columns are not there that nobody named, it is said how they are named. */
async function namingColumns<T>({ text, label }: Columns, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (
      !(error instanceof UsageError) ||
      error.code !== "unknown-column" ||
      (text !== undefined && label !== undefined)
    )
      throw error;
    throw new UsageError(
      "missing-option",
      `${error.message}; --text and --label say which they are (series are files that end in .ts, or given with --series)`,
      { cause: error },
    );
  }
}
