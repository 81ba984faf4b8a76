import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { percentile } from './numbers.js';

/** What the logs of the sender and of the bots say together. */
export interface Verdict {
  readonly posts: number;
  readonly events: number;
  readonly seconds: number;
  /** Answered 200, but no bot ever accepted it. */
  readonly lost: readonly string[];
  /** Accepted by a bot that is not its page's, or in a request for another page. */
  readonly misrouted: readonly string[];
  /** Accepted for the first time after a later one of its conversation. */
  readonly outOfOrder: readonly string[];
  /** Accepted more than once: across replicas delivery is at-least-once. */
  readonly again: number;
  /** What attempts came to that were not 200. */
  readonly notOk: Readonly<Record<string, number>>;
  /** POSTs that took more than one attempt. */
  readonly retried: number;
  readonly p99Ms: number;
}

interface SenderLine {
  readonly mids?: readonly string[];
  readonly attempts?: readonly string[];
  readonly ms?: number;
  readonly events?: number;
  readonly seconds?: number;
}

interface BotLine {
  readonly page: string;
  readonly pages: readonly string[];
  readonly mids: readonly string[];
}

interface Accepted {
  readonly seen: Set<string>;
  readonly misrouted: string[];
  readonly outOfOrder: string[];
  again: number;
}

/**
 * `botLogs`: file → the pages whose bot writes it. @throws when the sender did not come to its end
 */
export async function judge(senderLog: string, botLogs: ReadonlyMap<string, ReadonlySet<string>>): Promise<Verdict> {
  const accepted: Accepted = { seen: new Set(), misrouted: [], outOfOrder: [], again: 0 };
  for (const [file, pages] of botLogs) await readBot(file, pages, accepted);
  const sent = await readSender(senderLog, accepted.seen);
  const { misrouted, outOfOrder, again } = accepted;
  return { ...sent, misrouted, outOfOrder, again };
}

type Sent = Omit<Verdict, 'misrouted' | 'outOfOrder' | 'again'>;

async function readSender(senderLog: string, accepted: ReadonlySet<string>): Promise<Sent> {
  const lost: string[] = [];
  const outcomes: string[] = [];
  const times: number[] = [];
  let retried = 0;
  let end: SenderLine = {};
  for await (const line of linesOf(senderLog)) {
    const read = JSON.parse(line) as SenderLine;
    if (read.mids === undefined) {
      end = read;
      continue;
    }
    const attempts = read.attempts ?? [];
    lost.push(...read.mids.filter((mid) => !accepted.has(mid)));
    outcomes.push(...attempts.filter((one) => one !== '200'));
    retried += attempts.length > 1 ? 1 : 0;
    times.push(read.ms ?? 0);
  }
  const { events, seconds } = end;
  if (events === undefined || seconds === undefined) throw new Error('the sender did not come to its end');
  return { posts: times.length, events, seconds, lost, retried, notOk: tally(outcomes), p99Ms: percentile(times, 99) };
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function readBot(log: string, ours: ReadonlySet<string>, accepted: Accepted): Promise<void> {
  const last = new Map<string, number>();
  for await (const line of linesOf(log)) {
    const { page, pages, mids } = JSON.parse(line) as BotLine;
    if (!ours.has(page) || pages.some((one) => one !== page)) accepted.misrouted.push(...mids);
    for (const mid of mids) note(mid, page, { accepted, last });
  }
}

function note(mid: string, page: string, { accepted, last }: { readonly accepted: Accepted; readonly last: Map<string, number> }): void {
  const at = mid.lastIndexOf('/');
  const conversation = mid.slice(0, at);
  const number = Number(mid.slice(at + 1));
  if (!conversation.startsWith(`${page}/`)) accepted.misrouted.push(mid);
  if (accepted.seen.has(mid)) {
    accepted.again++;
    return;
  }
  accepted.seen.add(mid);
  if ((last.get(conversation) ?? 0) > number) accepted.outOfOrder.push(mid);
  last.set(conversation, number);
}

/** A process that was killed may have left half a line; it had not accepted that. */
async function* linesOf(path: string): AsyncGenerator<string> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) if (line.endsWith('}')) yield line;
}
