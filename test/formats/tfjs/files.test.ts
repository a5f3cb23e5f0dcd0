import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTensorFlowJs } from "../../../src/formats/tfjs/read.ts";

const folder = new URL("../../golden/tfjs/00_simpleRNN/", import.meta.url);

/** A server that gives files only to who knows the word. */
const server = createServer(({ url }, response) => {
  const { pathname, searchParams } = new URL(url!, "http://localhost");
  const file = new URL(pathname.slice(1), folder);
  const known = searchParams.get("token") === "open sesame" && existsSync(file);
  response.writeHead(known ? 200 : 403);
  response.end(known ? readFileSync(file) : undefined);
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test("the query of an address is said for the weight files too", async () => {
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.json?token=open%20sesame#part`;
  const { model } = await readTensorFlowJs(new URL("model.json", folder));
  for (const input of [address, new URL(address)]) expect((await readTensorFlowJs(input)).model).toEqual(model);
});
