/** A training that outlives its tab: one, in the browser's own storage. Whatever it refuses, the page works without. */
const [DATABASE, STORE, KEY] = ["longshort", "training", "latest"];
/** Held by the tab whose training is kept: of several the first, or they would write over each other's. */
const LOCK = "longshort-training";

let release: (() => void) | undefined;

/** Whether the training that begins now is kept: not while another tab keeps its own. */
export function takePlace(): Promise<boolean> {
  return new Promise((resolve) => {
    const take = (lock: Lock | null): Promise<void> | undefined => {
      resolve(lock !== null);
      return lock ? new Promise((free) => (release = free)) : undefined;
    };
    // A page that was not served securely has no locks, and knows nothing of other tabs.
    if (release || !("locks" in navigator)) resolve(true);
    else navigator.locks.request(LOCK, { ifAvailable: true }, take).catch(() => resolve(true));
  });
}

/** Nothing is trained in this tab any more. */
export function leavePlace(): void {
  release?.();
  release = undefined;
}

async function keptElsewhere(): Promise<boolean> {
  if (release || !("locks" in navigator)) return false;
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name }) => name === LOCK);
}

function store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => {
      const transaction = request.result.transaction(STORE, mode);
      transaction.oncomplete = () => request.result.close();
      resolve(transaction.objectStore(STORE));
    };
    request.onerror = () => reject(request.error);
  });
}

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

export async function keepTraining(kept: unknown): Promise<void> {
  try {
    await done((await store("readwrite")).put(kept, KEY));
  } catch {
    // A page without storage cannot keep it.
  }
}

/** What an earlier visit left; undefined while another tab goes on with it. */
export async function keptTraining<T>(): Promise<T | undefined> {
  try {
    if (await keptElsewhere()) return undefined;
    return await done<T | undefined>((await store("readonly")).get(KEY));
  } catch {
    return undefined;
  }
}

export async function dropTraining(): Promise<void> {
  try {
    if (await keptElsewhere()) return;
    await done((await store("readwrite")).delete(KEY));
  } catch {
    // There is none then.
  }
}
