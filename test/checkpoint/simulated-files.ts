import type { FileLayer } from "../../src/platform/files.ts";
import { UsageError } from "../../src/shared/errors.ts";

/** The power is gone. */
export class PowerCut extends Error {}

interface Inode {
  now: Uint8Array;
  /** What a sync has made lasting. */
  durable: Uint8Array;
}
/** A change of a folder's names that no sync has made lasting yet. */
interface Change {
  readonly gone?: string;
  readonly name?: string;
  readonly inode?: Inode;
}
interface Folder {
  readonly now: Map<string, Inode>;
  readonly durable: Map<string, Inode>;
  pending: Change[];
}

const empty = (): Uint8Array => new Uint8Array(0);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const split = (path: string): [folder: string, name: string] => {
  const at = path.lastIndexOf("/");
  return [at === 0 ? "/" : path.slice(0, at), path.slice(at + 1)];
};

export interface SimulatedOptions {
  /** Operation, counted from 0, before which the power goes. */
  readonly cutAt?: number;
  /** A sync, counted from 0, that does nothing. */
  readonly dropSync?: number;
  /** Called before each operation; may throw. */
  readonly before?: (operation: keyof FileLayer, path: string) => void;
}

/** Files in memory that remember what would survive a power cut: nothing that was not synced, neither content nor names. */
export class SimulatedFiles implements FileLayer {
  options: SimulatedOptions;
  /** Operations that change something, and syncs, so far. */
  operations = 0;
  syncs = 0;
  private readonly folders: Map<string, Folder>;

  constructor(options: SimulatedOptions = {}, folders: ReadonlyMap<string, Folder> = new Map()) {
    this.options = options;
    this.folders = new Map(folders);
    if (!this.folders.has("/")) this.folders.set("/", { now: new Map(), durable: new Map(), pending: [] });
  }

  /** How many changes of names are waiting for a sync. */
  get pending(): number {
    return [...this.folders.values()].reduce((sum, { pending }) => sum + pending.length, 0);
  }

  /**
   * What is there after the power came back: of the changes that were not synced those survive whose bit in `survivors` is
   * set, because a file system may write any of them by itself.
   */
  afterCrash(survivors: number, options: SimulatedOptions = {}): SimulatedFiles {
    const left = new Map<string, Folder>();
    let bit = 0;
    for (const [path, { durable, pending }] of this.folders) {
      const names = new Map(durable);
      for (const change of pending) if ((survivors >> bit++) & 1) apply(names, change);
      const files = new Map([...names].map(([name, { durable: kept }]) => [name, { now: kept, durable: kept }]));
      left.set(path, { now: new Map(files), durable: new Map(files), pending: [] });
    }
    // A folder whose own name was forgotten is gone with all that is in it.
    for (const path of [...left.keys()]) if (path !== "/" && !this.isReachable(path, left)) left.delete(path);
    return new SimulatedFiles(options, left);
  }

  private isReachable(path: string, folders: ReadonlyMap<string, Folder>): boolean {
    if (path === "/") return true;
    const [parent, name] = split(path);
    return (folders.get(parent)?.now.has(`${name}/`) ?? false) && this.isReachable(parent, folders);
  }

  async read(path: string): Promise<Uint8Array> {
    const inode = this.folder(path).now.get(split(path)[1]);
    if (!inode) throw new UsageError("file-not-found", `${path}: there is no such file`);
    return inode.now.slice();
  }

  async size(path: string): Promise<number> {
    return this.folder(path).now.get(split(path)[1])?.now.length ?? 0;
  }

  async write(path: string, content: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<void> {
    this.step("write", path);
    if (typeof content !== "string" && !(content instanceof Uint8Array)) throw new Error("not simulated");
    const bytes = typeof content === "string" ? bytesOf(content) : content.slice();
    const [, name] = split(path);
    const inode = this.folder(path).now.get(name);
    if (inode) inode.now = bytes;
    else this.change(path, { name, inode: { now: bytes, durable: empty() } });
  }

  async append(path: string, content: string): Promise<void> {
    this.step("append", path);
    const [, name] = split(path);
    let inode = this.folder(path).now.get(name);
    if (!inode) {
      inode = { now: empty(), durable: empty() };
      this.change(path, { name, inode });
    }
    inode.now = new Uint8Array([...inode.now, ...bytesOf(content)]);
  }

  async truncate(path: string, length: number): Promise<void> {
    this.step("truncate", path);
    const inode = this.folder(path).now.get(split(path)[1])!;
    inode.now = inode.now.slice(0, length);
  }

  async sync(path: string): Promise<void> {
    this.step("sync", path);
    if (this.syncs++ === this.options.dropSync) return;
    const inode = this.folder(path).now.get(split(path)[1])!;
    inode.durable = inode.now;
  }

  async rename(from: string, to: string): Promise<void> {
    this.step("rename", to);
    const gone = split(from)[1];
    this.change(to, { gone, name: split(to)[1], inode: this.folder(from).now.get(gone)! });
  }

  async link(from: string, to: string): Promise<boolean> {
    this.step("link", to);
    const [, name] = split(to);
    if (this.folder(to).now.has(name)) return false;
    this.change(to, { name, inode: this.folder(from).now.get(split(from)[1])! });
    return true;
  }

  async remove(path: string): Promise<void> {
    this.step("remove", path);
    const [, name] = split(path);
    if (this.folders.get(split(path)[0])?.now.has(name)) this.change(path, { gone: name });
  }

  removeAtEnd(): () => void {
    return () => undefined;
  }

  async list(folder: string): Promise<string[]> {
    return [...(this.folders.get(folder)?.now.keys() ?? [])].map((name) => name.replace(/\/$/, ""));
  }

  async makeFolder(path: string): Promise<"made" | "there" | "no-parent"> {
    this.step("makeFolder", path);
    if (this.folders.has(path)) return "there";
    if (!this.folders.has(split(path)[0])) return "no-parent";
    this.folders.set(path, { now: new Map(), durable: new Map(), pending: [] });
    this.change(path, { name: `${split(path)[1]}/`, inode: { now: empty(), durable: empty() } });
    return "made";
  }

  async syncFolder(path: string): Promise<void> {
    this.step("syncFolder", path);
    if (this.syncs++ === this.options.dropSync) return;
    const folder = this.folders.get(path)!;
    for (const change of folder.pending) apply(folder.durable, change);
    folder.pending = [];
  }

  private step(operation: keyof FileLayer, path: string): void {
    if (this.operations++ === this.options.cutAt) throw new PowerCut(`before ${operation} ${path}`);
    // Whoever has no power does nothing more, not even tidy up.
    if (this.operations - 1 > (this.options.cutAt ?? Number.POSITIVE_INFINITY)) throw new PowerCut("after the cut");
    this.options.before?.(operation, path);
  }

  private folder(path: string): Folder {
    const folder = this.folders.get(split(path)[0]);
    if (!folder) throw new UsageError("file-not-found", `${path}: there is no such folder`);
    return folder;
  }

  private change(path: string, change: Change): void {
    const folder = this.folder(path);
    apply(folder.now, change);
    folder.pending.push(change);
  }
}

function apply(names: Map<string, Inode>, { gone, name, inode }: Change): void {
  if (gone !== undefined) names.delete(gone);
  if (name !== undefined && inode) names.set(name, inode);
}
