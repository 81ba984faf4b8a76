import type { AddressInfo, Server } from 'node:net';
import type { Clock } from '../kit/clock.js';

/** One port that the process serves, as the start and drain order sees it. */
export interface Listener {
  readonly name: string;
  /** Whether what it answers from is complete. */
  ready(): boolean;
  /** Begins to listen. Resolves with the port. */
  listen(): Promise<number>;
  /** Stops listening and finishes what is under way, or gives up after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
  /** Ends at once what is left. */
  close(): Promise<void>;
}

/** Drains one after the other, all within `timeoutMs`: each gets the time that is left. */
export async function drainInTurn(parts: readonly Pick<Listener, 'drain'>[], timeoutMs: number, clock: Clock): Promise<void> {
  const endMs = clock.monotonicMs() + timeoutMs;
  for (const part of parts) await part.drain(Math.max(0, endMs - clock.monotonicMs()));
}

interface Where {
  readonly port: number;
  readonly host: string;
  /** The flag that moves it elsewhere. */
  readonly flag: string;
}

/**
 * Resolves with the port that the server listens on. @throws Error that names the flag to change,
 * when it cannot
 */
export async function listenOn(server: Server, { port, host, flag }: Where): Promise<number> {
  await explained(
    { port, host, flag },
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    }),
  );
  return (server.address() as AddressInfo).port;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'it is not permitted',
  EADDRNOTAVAIL: 'this machine has no such address (--bind-address)',
};

/**
 * Waits for a server to listen. @throws Error that says why it cannot and names the flag to change
 */
export async function explained<T>({ port, host, flag }: Where, listening: Promise<T>): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error';
    throw new Error(`cannot listen on ${host} port ${port} (${flag}): ${REASONS[code] ?? code}`, { cause: error });
  }
}
