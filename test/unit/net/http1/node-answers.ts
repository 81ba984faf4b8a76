import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { listen } from './real-bots.js';

/** What Node's own client made of an answer. */
export interface NodeReading {
  readonly status: number | undefined;
  /**
   * After which byte it was over, `eof`: with the end of the connection; undefined: never, or not
   * properly.
   */
  readonly end: number | 'eof' | undefined;
  /** Node would send another request on the connection. */
  readonly keeps: boolean;
  /** Of the parser, or of a connection that ended too early. */
  readonly error: string | undefined;
}

interface Watch {
  response: IncomingMessage | undefined;
  error: string | undefined;
}

function watch(req: ClientRequest): Watch {
  const seen: Watch = { response: undefined, error: undefined };
  req.on('response', (response) => {
    seen.response = response;
    response.on('error', (error: NodeJS.ErrnoException) => (seen.error ??= error.code)).resume();
  });
  req.on('error', (error: NodeJS.ErrnoException) => (seen.error ??= error.code));
  return seen;
}

/**
 * Hands the bytes to Node's client one at a time, without a socket between, so that where it sees
 * the end is known to the byte.
 */
export async function readByNode(bytes: Buffer, thenEnd: boolean): Promise<NodeReading> {
  const connection = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  connection.on('error', () => undefined);
  const req = request({ createConnection: () => connection, method: 'POST', headers: { connection: 'keep-alive' } });
  const seen = watch(req);
  await new Promise<void>((resolve) => {
    req.on('socket', () => setImmediate(resolve));
    req.end('x');
  });
  const end = feed(connection, seen, bytes) ?? (thenEnd ? endOfConnection(connection, seen) : undefined);
  connection.destroy();
  return { status: seen.response?.statusCode, end, keeps: req.shouldKeepAlive, error: seen.error };
}

function feed(connection: Duplex, seen: Watch, bytes: Buffer): number | undefined {
  for (let at = 0; at < bytes.length; at++) {
    connection.emit('data', bytes.subarray(at, at + 1));
    if (seen.response?.complete === true) return at + 1;
  }
  return undefined;
}

function endOfConnection(connection: Duplex, seen: Watch): 'eof' | undefined {
  connection.emit('end');
  return seen.response?.complete === true && seen.error === undefined ? 'eof' : undefined;
}

/** As it came over a real connection that the bot ended behind its bytes. */
export interface SocketReading {
  readonly status: number | undefined;
  /** It was read to its end. */
  readonly complete: boolean;
  /**
   * Whatever happened on the connection until it was closed: what comes behind an answer counts
   * too.
   */
  readonly error: string | undefined;
}

export interface RawBot {
  /** Answers one request with these pieces, and ends. */
  readByNode(pieces: readonly Buffer[]): Promise<SocketReading>;
}

/** A server that writes bytes as they are. Node's client calls it. */
export async function aRawBot(): Promise<RawBot> {
  let next: readonly Buffer[] = [];
  const port = await listen(
    createServer((socket) => {
      socket.setNoDelay(true).on('error', () => undefined);
      const pieces = next;
      socket.once('data', () => {
        writeApart(socket, pieces);
      });
    }),
  );
  return {
    readByNode: (pieces) =>
      new Promise((resolve) => {
        next = pieces;
        const req = request({ host: '127.0.0.1', port, method: 'POST', headers: { connection: 'keep-alive' }, agent: false });
        const seen = watch(req);
        req.on('upgrade', (_response, socket) => socket.destroy());
        req.on('socket', (socket) =>
          socket.on('close', () => {
            setImmediate(() => {
              const { response, error } = seen;
              resolve({ status: response?.statusCode, complete: response?.complete === true, error });
            });
          }),
        );
        req.end('x');
      }),
  };
}

/** Each piece in a turn of its own, so that most leave in a packet of their own. */
function writeApart(socket: Socket, [first, ...others]: readonly Buffer[]): void {
  if (first === undefined) {
    socket.end();
    return;
  }
  socket.write(first);
  setImmediate(() => {
    writeApart(socket, others);
  });
}
