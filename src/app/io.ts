import type { Writable } from 'node:stream';
import type { Clock } from '../kit/clock.js';

/** What a command has of the process it runs in. */
export interface ProcessIo {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly clock: Clock;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
  readonly version: string;
  /** Who is told of an error that nobody caught, before the process ends. The last one named is asked. */
  onCrash(report: (error: unknown) => Promise<void>): void;
}
