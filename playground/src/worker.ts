import { serveWorker } from "longshort/worker";

serveWorker(self);
