import { idIn, lastOf, rawJson, textIn, type RawValue } from './raw-json.js';

const CHANNELS: readonly string[] = ['messaging', 'standby', 'changes'];

/** One item as a bot has to get it: everything is compared as bytes. */
export interface Item {
  readonly page: string;
  readonly channel: string;
  readonly conversation: string;
  /** The item, the other members of its entry and of its POST. */
  readonly bytes: string;
}

export interface Reading {
  /** It is JSON with a list of entries of Pages. */
  readonly looked: boolean;
  /** Elements of `entry`. */
  readonly entries: number;
  readonly items: readonly Item[];
}

const NOTHING: Reading = { looked: false, entries: 0, items: [] };

/** What a body says, read without anything of the operator. `text`: one character a byte. */
export function reading(text: string): Reading {
  const post = rawJson(text);
  const entries = lastOf(post, 'entry')?.elements;
  if (textIn(lastOf(post, 'object')) !== 'page' || post?.members === undefined || entries === undefined) return NOTHING;
  const around = post.members.filter(({ key }) => key !== 'entry').map(({ raw }) => raw);
  return { looked: true, entries: entries.length, items: entries.flatMap((entry) => itemsOf(entry, around.join())) };
}

function itemsOf(entry: RawValue, around: string): Item[] {
  const page = idIn(lastOf(entry, 'id'));
  if (entry.members === undefined || page === undefined) return [];
  const others = entry.members.filter(({ key, value }) => !(CHANNELS.includes(key) && value.elements !== undefined));
  const rest = `${others.map(({ raw }) => raw).join()} ${around}`;
  const items: Item[] = [];
  // In the order in which the lists come; of two with one name the last.
  const lists = entry.members.filter(({ key, value }, i, all) => CHANNELS.includes(key) && value.elements !== undefined && isLast(all, i));
  for (const { key, value } of lists) {
    for (const item of value.elements ?? [])
      items.push({ page, channel: key, conversation: conversationOf(page, key, item), bytes: `${item.raw} ${rest}` });
  }
  const isBare = lists.length === 0 || others.length > 2;
  if (items.length === 0 && isBare) items.push({ page, channel: 'none', conversation: page, bytes: rest });
  return items;
}

function isLast(all: readonly { readonly key: string }[], at: number): boolean {
  return !all.slice(at + 1).some(({ key }) => key === all[at]?.key);
}

function conversationOf(page: string, channel: string, item: RawValue): string {
  if (channel === 'changes') return page;
  const sender = idIn(lastOf(lastOf(item, 'sender'), 'id'));
  const recipient = idIn(lastOf(lastOf(item, 'recipient'), 'id'));
  const other = sender === page ? recipient : (sender ?? recipient);
  return `${page}/${other ?? page}`;
}
