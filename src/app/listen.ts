import type { AddressInfo, Server } from 'node:net';

interface Where {
  readonly port: number;
  readonly host: string;
  /** The flag that moves it elsewhere. */
  readonly flag: string;
}

/** Resolves with the port that the server listens on. @throws Error in words when it cannot */
export async function listenOn(server: Server, { port, host, flag }: Where): Promise<number> {
  await inWords(
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

/** Makes the system's error one for people. */
export async function inWords<T>({ port, host, flag }: Where, listening: Promise<T>): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error';
    throw new Error(`cannot listen on ${host} port ${port} (${flag}): ${REASONS[code] ?? code}`, { cause: error });
  }
}
