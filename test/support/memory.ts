import { once } from 'node:events';

/** What a process holds, in bytes, after a garbage collection. */
export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  /** Buffers and the like, outside of the heap. */
  readonly external: number;
}

/** Node's flag for a process that is to be measured. */
export const MEASURABLE = ['--inspect=127.0.0.1:0'];

const DEADLINE_MS = 30_000;
/** What the first collection only marks, finalizers and weak references, goes with the next. */
const COLLECTIONS = 3;

/**
 * Collects a process's garbage and looks at what is left, through Node's inspector.
 * @param output everything that the process has written: Node tells there where its inspector
 * listens
 */
export async function memoryOf(output: string): Promise<Memory> {
  const url = [...output.matchAll(/^Debugger listening on (ws:\S+)$/gm)].at(-1)?.[1];
  if (url === undefined) throw new Error('the process was not started with --inspect');
  const socket = new WebSocket(url);
  await once(socket, 'open');
  try {
    for (let i = 0; i < COLLECTIONS; i++) await ask(socket, 'HeapProfiler.collectGarbage', {});
    const { result } = await ask(socket, 'Runtime.evaluate', { expression: 'JSON.stringify(process.memoryUsage())' });
    return JSON.parse(String(result?.value)) as Memory;
  } finally {
    socket.close();
  }
}

interface Reply {
  readonly id?: number;
  readonly result?: { readonly result?: { readonly value?: unknown } };
}

let lastId = 0;

function ask(socket: WebSocket, method: string, params: unknown): Promise<NonNullable<Reply['result']>> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`no answer to ${method}`));
    }, DEADLINE_MS);
    const heard = ({ data }: MessageEvent): void => {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.id !== id) return;
      clearTimeout(timer);
      socket.removeEventListener('message', heard);
      resolve(reply.result ?? {});
    };
    socket.addEventListener('message', heard);
    socket.send(JSON.stringify({ id, method, params }));
  });
}
