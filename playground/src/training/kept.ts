/** A training that outlives its tab: one, in the browser's own storage. Whatever it refuses, the page works without. */
const [DATABASE, STORE, KEY] = ["longshort", "training", "latest"];

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

export async function keptTraining<T>(): Promise<T | undefined> {
  try {
    return await done<T | undefined>((await store("readonly")).get(KEY));
  } catch {
    return undefined;
  }
}

export async function dropTraining(): Promise<void> {
  try {
    await done((await store("readwrite")).delete(KEY));
  } catch {
    // There is none then.
  }
}
