import { readFileSync } from 'node:fs';
import { parseSeed } from '../simulator/seed.js';
import { startSimulator } from '../simulator/simulator.js';
import { aborted } from '../kit/abort.js';
import { type LogConfig, openContext, type ProcessIo } from './context.js';

export interface SimulatorConfig extends LogConfig {
  readonly bindAddress: string;
  readonly simulatorPort: number;
  readonly seed: string | undefined;
}

/**
 * Runs the simulator until the process is asked to stop. @throws RangeError for a seed that makes
 * no sense.
 */
export async function runSimulator(config: SimulatorConfig, io: ProcessIo): Promise<void> {
  const seed = config.seed === undefined ? undefined : parseSeed(readFileSync(config.seed, 'utf8'));
  const { log, clock, signal } = openContext(config, io);
  const simulator = await startSimulator({
    port: config.simulatorPort,
    host: config.bindAddress,
    clock,
    log,
    ...(seed === undefined ? {} : { seed }),
  });
  log.info('simulator listening', { url: simulator.url, control: `${simulator.url}/_sim` });
  await aborted(signal);
  await simulator.stop();
  await log.close();
}
