import { idIn, lastOf, rawJson, textIn, type RawMember, type RawValue } from './raw-json.js';

/**
 * Lists of events whatever is in them; any other list is one if each of its items names a party or
 * a time.
 */
const CHANNELS: readonly string[] = ['messaging', 'standby', 'changes', 'calls'];
/** Members of an entry with a meaning of their own. */
const NO_LISTS: readonly string[] = ['id', 'time', 'sender', 'recipient', 'timestamp'];
const LIST_NAME = /^[A-Za-z]\w{0,63}$/;

/** One item as a bot has to get it: everything is compared as bytes. */
export interface Item {
  readonly page: string;
  readonly channel: string;
  readonly conversation: string;
  /** The item, the other members of its entry and of its POST. */
  /** The item's own bytes. */
  readonly own: string;
  /** The other members of its entry and of the POST. */
  readonly around: string;
}

export interface Reading {
  /** It is JSON with a list of entries of Pages. */
  readonly looked: boolean;
  /** Elements of `entry`, those without an id once for each Page. */
  readonly entries: number;
  readonly items: readonly Item[];
}

const NOTHING: Reading = { looked: false, entries: 0, items: [] };

/** What a body says, read without anything of the operator. `text`: one character a byte. */
export function reading(text: string): Reading {
  const post = rawJson(text);
  const entries = lastOf(post, 'entry')?.elements;
  if (textIn(lastOf(post, 'object')) !== 'page' || post?.members === undefined || entries === undefined) return NOTHING;
  const around = withoutRepeated(post.members, ({ key }) => key === 'object').filter(({ key }) => key !== 'entry');
  const rest = around.map(({ raw }) => raw).join();
  const items = entries.flatMap((entry) => itemsOf(entry, rest));
  return { looked: true, entries: entries.reduce((sum, entry) => sum + countOf(entry), 0), items };
}

function itemsOf(entry: RawValue, around: string): Item[] {
  if (entry.members === undefined) return [];
  const { lists, others } = partsOf(entry.members);
  const id = idIn(lastOf(entry, 'id'));
  const rest = `${others.map(({ raw }) => raw).join()} ${around}`;
  const items = lists.flatMap(({ key, value }) =>
    (value.elements ?? []).map((item) => ({ page: id ?? pageOf(item, key), channel: key, item })),
  );
  const isBare = lists.length === 0 || others.some(({ key }) => key !== 'id' && key !== 'time');
  if (items.length === 0 && isBare) {
    const page = id ?? party(entry, 'recipient');
    return page === undefined ? [] : [{ page, channel: 'none', conversation: otherOf(page, entry), own: rest, around: '' }];
  }
  return items.flatMap(({ page, channel, item }) =>
    page === undefined ? [] : [{ page, channel, conversation: conversationOf(page, channel, item), own: item.raw, around: rest }],
  );
}

function partsOf(all: readonly RawMember[]): { readonly lists: readonly RawMember[]; readonly others: readonly RawMember[] } {
  const members = withoutRepeated(all, ({ key }) => LIST_NAME.test(key));
  const lists = members.filter(isList);
  return { lists, others: members.filter((member) => !lists.includes(member)) };
}

/**
 * How many entries an element of `entry` counts for: without an id, one for each Page that its
 * items name.
 */
function countOf(entry: RawValue): number {
  if (entry.members === undefined || idIn(lastOf(entry, 'id')) !== undefined) return 1;
  const pages = partsOf(entry.members).lists.flatMap(({ key, value }) => (value.elements ?? []).map((item) => pageOf(item, key)));
  return Math.max(1, new Set(pages).size);
}

/** Of equal keys the last. */
function withoutRepeated(members: readonly RawMember[], isCompared: (member: RawMember) => boolean): readonly RawMember[] {
  return members.filter((member, i) => !isCompared(member) || !members.slice(i + 1).some(({ key }) => key === member.key));
}

function isList({ key, value }: RawMember): boolean {
  if (value.elements === undefined || NO_LISTS.includes(key)) return false;
  if (CHANNELS.includes(key)) return true;
  return LIST_NAME.test(key) && value.elements.length > 0 && value.elements.every(looksLikeEvent);
}

function looksLikeEvent(item: RawValue): boolean {
  const isNamed = ['sender', 'from', 'recipient', 'to', 'recipient_id'].some((key) => party(item, key) !== undefined);
  return isNamed || idIn(lastOf(item, 'timestamp')) !== undefined;
}

function party(item: RawValue, key: string): string | undefined {
  const value = lastOf(item, key);
  return value?.members === undefined ? idIn(value) : idIn(lastOf(value, 'id'));
}

/** The Page of an item whose entry has no id. */
function pageOf(item: RawValue, channel: string): string | undefined {
  if (channel === 'changes') return undefined;
  const isEcho = lastOf(lastOf(item, 'message'), 'is_echo')?.raw.trim() === 'true';
  return isEcho ? senderOf(item) : recipientOf(item);
}

function senderOf(item: RawValue): string | undefined {
  return party(item, 'from') ?? party(item, 'sender');
}

function recipientOf(item: RawValue): string | undefined {
  return party(item, 'to') ?? party(item, 'recipient_id') ?? party(item, 'recipient');
}

function conversationOf(page: string, channel: string, item: RawValue): string {
  return channel === 'changes' ? `${page}/${page}` : otherOf(page, item);
}

function otherOf(page: string, item: RawValue): string {
  const sender = senderOf(item);
  const other = sender === page ? recipientOf(item) : (sender ?? recipientOf(item));
  return `${page}/${other ?? page}`;
}
