import { Agent } from 'node:http';
import { freePorts } from '../../support/control-plane-process.js';
import { MoodyBot } from './bad-bots.js';
import { APP_SECRET } from './edge.js';
import { Peer, pin, type Usage } from './edge-process.js';
import { atRate, percentile } from './numbers.js';
import { send } from './send.js';

export const PAGES = 200;
const BAD = ['hanging', 'dead', 'failing', 'slow'] as const;

export const pageId = (i: number): string => String(104_500_000_000_001n + BigInt(i));

/** An entry of one message. */
export function entryOf(page: string, mid: string): string {
  return `{"id":"${page}","time":${Date.now()},"messaging":[{"sender":{"id":"7${mid.length}"},"recipient":{"id":"${page}"},"timestamp":${Date.now()},"message":{"mid":"${mid}","text":"hello"}}]}`;
}

export const bodyOf = (...entries: readonly string[]): string => `{"object":"page","entry":[${entries.join()}]}`;

export interface Round {
  /**
   * From the POST's beginning until its event came to its bot, of pages whose bot is well, alone in
   * their POST; ms.
   */
  readonly single: number;
  /** The same, for an event that shares its POST with one for a bot that is not well. */
  readonly mixed: number;
  /**
   * How many of the POSTs of one page were answered 200, and of the mixed ones, at their first
   * attempt.
   */
  readonly singleOk: number;
  readonly mixedOk: number;
  readonly rssMb: number;
}

export interface NeighboursResult {
  readonly calm: readonly Round[];
  readonly disturbed: readonly Round[];
  readonly again: number;
  /** Events of well pages that did not come. */
  readonly missing: number;
}

interface Stage {
  readonly port: number;
  readonly well: MoodyBot;
  readonly agent: Agent;
  readonly usage: () => Promise<Usage>;
}

/**
 * 200 pages, four of them with a bot that hangs, is dead, fails or takes 3.9 s; rounds with them
 * well and bad by turns.
 */
export async function neighbours({
  rounds,
  seconds,
  perSecond,
}: {
  readonly rounds: number;
  readonly seconds: number;
  readonly perSecond: number;
}): Promise<NeighboursResult> {
  const well = await MoodyBot.start();
  const moody = new Peer('moody.ts', { count: BAD.length }, 1);
  const { ports: moodyPorts } = await moody.next<{ ports: readonly number[] }>();
  const [deadPort = 0] = await freePorts(1);
  const ports = (bad: boolean): readonly (readonly [string, number])[] =>
    Array.from({ length: PAGES }, (_, i) => [pageId(i), bad && BAD[i] === 'dead' ? deadPort : (moodyPorts[i] ?? well.port)] as const);
  // Two listeners, so that what one remembers of bad bots is not there in the other.
  const peers = [new Peer('edge.ts', { pages: ports(false) }, 0), new Peer('edge.ts', { pages: ports(true) }, 0)] as const;
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  pin(process.pid, 1);
  const calm: Round[] = [];
  const disturbed: Round[] = [];
  try {
    const [calmPort, badPort] = await Promise.all(peers.map((peer) => peer.next<{ port: number }>()));
    const stageOf = (peer: Peer, port = 0): Stage => ({ port, well, agent, usage: () => peer.ask<Usage>('usage') });
    const stages = { calm: stageOf(peers[0], calmPort?.port), disturbed: stageOf(peers[1], badPort?.port) };
    for (const [name, stage] of Object.entries(stages)) await round(stage, { name: `warm-${name}`, seconds: 2, perSecond });
    for (let i = 0; i < rounds; i++) {
      await moody.ask(BAD.map(() => 'well'));
      calm.push(await round(stages.calm, { name: `c${i}`, seconds, perSecond }));
      await moody.ask(BAD.map((kind) => (kind === 'dead' ? 'well' : kind)));
      disturbed.push(await round(stages.disturbed, { name: `d${i}`, seconds, perSecond }));
    }
    return { calm, disturbed, again: well.again.length, missing: missing(well) };
  } finally {
    agent.destroy();
    await well.stop();
    await Promise.all([moody, ...peers].map((peer) => peer.stop()));
  }
}

const begun = new Map<string, number>();

function missing(well: MoodyBot): number {
  return [...begun.keys()].filter((mid) => !well.came.has(mid)).length;
}

/** Mostly POSTs of one well page; every tenth one of a bad page, every tenth one of both. */
async function round(
  { port, well, agent, usage }: Stage,
  { name, seconds, perSecond }: { name: string; seconds: number; perSecond: number },
): Promise<Round> {
  const answers = { single: [] as boolean[], mixed: [] as boolean[] };
  const mids = { single: [] as string[], mixed: [] as string[] };
  await atRate(perSecond, seconds, async (n) => {
    const mid = `${name}_${n}`;
    const bad = pageId(n % BAD.length);
    const page = pageId(BAD.length + (n % (PAGES - BAD.length)));
    if (n % 10 === 0) {
      await send({ port, secret: APP_SECRET, agent }, bodyOf(entryOf(bad, `bad_${mid}`)));
      return;
    }
    const kind = n % 10 === 5 ? 'mixed' : 'single';
    mids[kind].push(mid);
    begun.set(mid, performance.now());
    const body = kind === 'mixed' ? bodyOf(entryOf(page, mid), entryOf(bad, `bad_${mid}`)) : bodyOf(entryOf(page, mid));
    const status = await send({ port, secret: APP_SECRET, agent }, body);
    answers[kind].push(status === 200);
  });
  const p99 = (list: readonly string[]): number =>
    percentile(
      list.map((mid) => (well.came.get(mid) ?? Infinity) - (begun.get(mid) ?? 0)),
      99,
    );
  const share = (list: readonly boolean[]): number => list.filter(Boolean).length / Math.max(1, list.length);
  return {
    single: p99(mids.single),
    mixed: p99(mids.mixed),
    singleOk: share(answers.single),
    mixedOk: share(answers.mixed),
    rssMb: (await usage()).rssMb,
  };
}
