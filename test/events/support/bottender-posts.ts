import { createHash } from 'node:crypto';

/** One item that a bot has to handle exactly once. Its timestamp names it. */
export interface SentItem {
  readonly timestamp: number;
  readonly page: string;
  readonly standby: boolean;
  /** A text that the bot answers. */
  readonly answered: boolean;
}

type Json = Readonly<Record<string, unknown>>;
type Kind = 'text' | 'postback' | 'echo' | 'read' | 'delivery' | 'reaction' | 'image' | 'unknown' | 'optin';

const KINDS: readonly Kind[] = ['text', 'text', 'text', 'postback', 'echo', 'read', 'delivery', 'reaction', 'image', 'unknown', 'optin'];
const UNKNOWN_PAGE = '104500000009999';

/**
 * Makes POSTs of every shape in which Meta sends events, one shape after the other, and keeps what
 * is in them.
 */
export class BottenderPosts {
  readonly sent: SentItem[] = [];
  readonly #pages: readonly string[];
  #count = 0;
  #posts = 0;

  constructor(pages: readonly string[]) {
    this.#pages = pages;
  }

  /** A POST of one text. */
  text(page: string): Json {
    return post(this.#entry(page, { messaging: ['text'] }));
  }

  next(): Json {
    const n = this.#posts++;
    const page = this.#page(n);
    const kind = KINDS[n % KINDS.length] ?? 'text';
    const shapes: readonly (() => Json)[] = [
      () => this.text(page),
      () => post(this.#entry(page, { messaging: [kind] })),
      () => post(this.#entry(page, { messaging: ['text', kind, 'text'] })),
      () => post(this.#entry(page, { standby: ['text', 'echo'] })),
      () => post(this.#entry(page, { messaging: ['text'], standby: ['text'], changes: 2 })),
      () => post(this.#entry(page, { changes: 1 + (n % 3) })),
      // Pages of several bots, one page in two positions, a page of nobody in between.
      () =>
        post(
          this.#entry(page, { messaging: ['text'] }),
          this.#entry(this.#page(n + 1), { messaging: [kind] }),
          this.#stranger(),
          this.#entry(page, { messaging: ['text', 'postback'] }),
        ),
      () =>
        post(
          ...Array.from({ length: 6 }, (_, i) =>
            this.#entry(this.#page(n + i * 5), i % 3 === 2 ? { standby: ['text'] } : { messaging: [kind] }),
          ),
        ),
      () => ({ ...post({ ...this.#entry(page, { messaging: ['text'] }), hop_context: [{ app_id: 7 }] }), unknown: { key: [1.5, null] } }),
      () => post({ id: page, time: Date.now(), messaging: [] }, this.#entry(page, { messaging: [kind] })),
      () => post(this.#stranger()),
    ];
    if (n % 100 === 99) return post(...Array.from({ length: 120 }, (_, i) => this.#entry(this.#page(i), { messaging: ['text'] })));
    return shapes[n % shapes.length]?.() ?? this.text(page);
  }

  #page(n: number): string {
    return this.#pages[n % this.#pages.length] ?? '';
  }

  #stranger(): Json {
    return { id: UNKNOWN_PAGE, time: Date.now(), messaging: [item('text', UNKNOWN_PAGE, 1)] };
  }

  #entry(
    page: string,
    lists: { readonly messaging?: readonly Kind[]; readonly standby?: readonly Kind[]; readonly changes?: number },
  ): Json {
    const make = (kinds: readonly Kind[], standby: boolean): Json[] =>
      kinds.map((kind) => {
        const timestamp = 1_763_856_000_000 + ++this.#count;
        this.sent.push({ timestamp, page, standby, answered: kind === 'text' && !standby });
        return item(kind, page, timestamp);
      });
    const changes = Array.from({ length: lists.changes ?? 0 }, (_, i) => ({
      field: 'feed',
      value: { item: 'post', post_id: `${page}_${i}`, n: this.#count },
    }));
    return {
      id: page,
      time: Date.now(),
      ...(lists.messaging === undefined ? {} : { messaging: make(lists.messaging, false) }),
      ...(lists.standby === undefined ? {} : { standby: make(lists.standby, true) }),
      ...(changes.length === 0 ? {} : { changes }),
    };
  }
}

function post(...entry: readonly Json[]): Json {
  return { object: 'page', entry };
}

function item(kind: Kind, page: string, timestamp: number): Json {
  const user = String(7_000_000_000_000_000n + BigInt(timestamp % 40));
  const mid = `m_${createHash('sha256').update(`${page} ${timestamp}`).digest('base64url')}`;
  const from = { sender: { id: user }, recipient: { id: page }, timestamp };
  switch (kind) {
    case 'text':
      return { ...from, message: { mid, text: `Grüße № ${timestamp} 😀` } };
    case 'echo':
      return {
        sender: { id: page },
        recipient: { id: user },
        timestamp,
        message: { mid, is_echo: true, app_id: 1_517_776_481_860_111, text: 'echo' },
      };
    case 'postback':
      return { ...from, postback: { mid, title: 'Start', payload: 'START' } };
    case 'read':
      return { ...from, read: { watermark: timestamp } };
    case 'delivery':
      return { ...from, delivery: { mids: [mid], watermark: timestamp } };
    case 'reaction':
      return { ...from, reaction: { reaction: 'love', emoji: '❤', action: 'react', mid } };
    case 'image':
      return { ...from, message: { mid, attachments: [{ type: 'image', payload: { url: 'https://example.com/a.png?x=1&y=2' } }] } };
    case 'optin':
      return { ...from, optin: { ref: 'from-a-plugin' } };
    case 'unknown':
      return { ...from, something_new: { nested: [{ deep: true }] } };
  }
}
