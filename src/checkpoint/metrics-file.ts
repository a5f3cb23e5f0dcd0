import type { FileLayer } from "../platform/files.ts";

/** Lines of JSON, one for each event, that are added to and survive a crash up to the last `flush`. */
export class MetricsFile {
  private readonly files: FileLayer;
  private readonly path: string;
  private lines = "";
  /** Bytes of the file, and of the lines that wait. */
  private written: number;

  private constructor(files: FileLayer, path: string, length: number) {
    this.files = files;
    this.path = path;
    this.written = length;
  }

  /**
   * Goes on behind the first `length` bytes: what was written after a checkpoint is told again.
   * @returns also how many bytes are missing, when something has made the file shorter
   */
  static async open(
    files: FileLayer,
    path: string,
    length: number,
  ): Promise<{ readonly metrics: MetricsFile; readonly missing: number }> {
    const size = await files.size(path);
    if (size > length) {
      await files.truncate(path, length);
      await files.sync(path);
    }
    const missing = Math.max(0, length - size);
    return { metrics: new MetricsFile(files, path, length - missing), missing };
  }

  add(line: object): void {
    this.lines += `${JSON.stringify(line)}\n`;
  }

  /** Writes the lines that wait. @returns the length of the file, for a checkpoint */
  async flush(): Promise<number> {
    if (this.lines === "") return this.written;
    const lines = this.lines;
    await this.files.append(this.path, lines);
    // What was added meanwhile waits on.
    this.lines = this.lines.slice(lines.length);
    this.written += new TextEncoder().encode(lines).length;
    await this.files.sync(this.path);
    return this.written;
  }
}
