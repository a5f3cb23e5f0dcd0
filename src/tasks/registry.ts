import { adding, multiplication } from "./arithmetic.ts";
import { copyMemory } from "./copy-memory.ts";
import { anbn, anbncn } from "./counting.ts";
import { longLag } from "./long-lag.ts";
import { continualReber, embeddedReber } from "./reber.ts";
import type { Task } from "./task.ts";
import { temporalOrder3, temporalOrder4 } from "./temporal-order.ts";

/** Every task of the study, easy ones first within a kind. */
const TASKS: readonly Task[] = [
  ...[embeddedReber, continualReber],
  ...[longLag(50), longLag(100)],
  ...[adding(100), adding(150), adding(200), adding(400), adding(1000)],
  multiplication(30, 0.0028, "what an independent reproduction reached"),
  multiplication(100, 0.0223, "what was reached in 1997"),
  ...[temporalOrder3, temporalOrder4],
  ...[anbn, anbncn],
  ...[copyMemory(20), copyMemory(100)],
];

/** By name. */
export const tasks: Readonly<Record<string, Task>> = Object.fromEntries(TASKS.map((task) => [task.name, task]));
