import { afterAll, beforeAll } from '@jest/globals';
import { Bench } from './bench.js';
import { dataContract } from './data.js';
import { objectContract } from './objects.js';
import { widgetContract } from './widgets.js';
import { writerContract } from './writers.js';
import type { World } from './world.js';

/** What the rest of the operator may rely on, wherever the objects live. */
export function contract(open: () => Promise<World>): void {
  const bench = new Bench();
  beforeAll(() => bench.open(open), 120_000);
  afterAll(() => bench.close(), 60_000);
  objectContract(bench);
  dataContract(bench);
  writerContract(bench);
  widgetContract(bench);
}
