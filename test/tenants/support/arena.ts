import type { PageRoute } from '../../../src/core/ports/page-lookup.js';
import type { WebhookLimits } from '../../../src/webhook/limits.js';
import { MoodyBot } from '../../events/support/bad-bots.js';
import { Peer, type Usage } from '../../events/support/edge-process.js';
import { APP_SECRET } from '../../events/support/edge.js';
import { atRate } from '../../events/support/numbers.js';
import { send, type SendTo } from '../../events/support/send.js';

export const VICTIM = '100000000000001';
export const GREEDY = '100000000000002';
/** `webhook.resources.limits.memory` of the chart. */
export const CHART_LIMIT_MIB = 1_280;

const PER_SECOND = 20;

/** What one victim got, at 20 POSTs a second. */
export interface Figures {
  /** Status → how often. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly twice: number;
}

/**
 * A webhook process, a victim whose bot is well, and a page of another namespace that is up to
 * something.
 */
export class Arena {
  readonly port: number;
  readonly to: SendTo;
  readonly victimBot: MoodyBot;
  readonly greedyBot: MoodyBot;
  readonly #edge: Peer;
  #sent = 0;

  private constructor(edge: Peer, port: number, victimBot: MoodyBot, greedyBot: MoodyBot) {
    this.port = port;
    this.to = { port, secret: APP_SECRET };
    this.#edge = edge;
    this.victimBot = victimBot;
    this.greedyBot = greedyBot;
  }

  static async start(greedy: Partial<PageRoute> = {}, webhook: Partial<WebhookLimits> = {}): Promise<Arena> {
    const [victimBot, greedyBot] = await Promise.all([MoodyBot.start(), MoodyBot.start()]);
    const pages = [
      [VICTIM, victimBot.port],
      [GREEDY, greedyBot.port],
    ];
    const routes = {
      [VICTIM]: { owner: { namespace: 'victim', name: 'victim', uid: 'victim' } },
      [GREEDY]: { owner: { namespace: 'greedy', name: 'greedy', uid: 'greedy' }, ...greedy },
    };
    const edge = new Peer('edge.ts', { pages, routes, webhook }, 0);
    const { port } = await edge.next<{ readonly port: number }>();
    return new Arena(edge, port, victimBot, greedyBot);
  }

  /** The victim's POSTs, each with one message, for a while. */
  async victim(seconds: number): Promise<Figures> {
    const statuses: Record<string, number> = {};
    const mids: string[] = [];
    await atRate(PER_SECOND, seconds, async () => {
      const mid = `victim_${this.#sent++}`;
      mids.push(mid);
      const status = await send(this.to, bodyOf(VICTIM, [messageOf(VICTIM, mid)]));
      statuses[status] = (statuses[status] ?? 0) + 1;
    });
    const { came, again } = this.victimBot;
    return { statuses, lost: mids.filter((mid) => !came.has(mid)).length, twice: again.length };
  }

  usage(): Promise<Usage> {
    return this.#edge.ask<Usage>('usage');
  }

  async stop(): Promise<void> {
    await this.#edge.stop();
    await Promise.all([this.victimBot.stop(), this.greedyBot.stop()]);
  }
}

/** Each of another person. */
export function messageOf(page: string, mid: string): string {
  return `{"sender":{"id":"7${mid}"},"recipient":{"id":"${page}"},"timestamp":${Date.now()},"message":{"mid":"${mid}","text":"hello"}}`;
}

export function bodyOf(page: string, items: readonly string[], around = ''): string {
  return `{"object":"page","entry":[{"id":"${page}",${around}"time":${Date.now()},"messaging":[${items.join()}]}]}`;
}
