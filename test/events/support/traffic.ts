import { randomInt } from 'node:crypto';

/** A person's talk with a page. Its events are numbered from 1. */
export interface Conversation {
  readonly page: string;
  readonly user: string;
  last: number;
}

export interface Post {
  readonly body: string;
  /** `page/user/number`, in the order in which they are in the body. */
  readonly mids: readonly string[];
  readonly conversations: readonly Conversation[];
}

export function newConversations(pages: readonly string[], usersPerPage: number): Conversation[] {
  return pages.flatMap((page) => Array.from({ length: usersPerPage }, (_, i) => ({ page, user: `${page.slice(-4)}7${i}`, last: 0 })));
}

/**
 * Takes conversations out of `free` and makes a POST of their next events: mostly one event,
 * sometimes several of one conversation, of one page or of several pages, a page in two positions.
 * undefined: no conversation is free.
 */
export function nextPost(free: Conversation[]): Post | undefined {
  const shape = randomInt(10);
  const entries = shape < 6 ? 1 : randomInt(2, 8);
  const conversations: Conversation[] = [];
  for (let i = 0; i < entries && free.length > 0; i++) conversations.push(...free.splice(randomInt(free.length), 1));
  if (conversations.length === 0) return undefined;
  const mids: string[] = [];
  const items = conversations.map((conversation) => {
    const count = randomInt(4) === 0 ? randomInt(2, 4) : 1;
    return `{"id":"${conversation.page}","time":${Date.now()},"messaging":[${Array.from({ length: count }, () => nextItem(conversation, mids)).join()}]}`;
  });
  return { body: `{"object":"page","entry":[${items.join()}]}`, mids, conversations };
}

function nextItem(conversation: Conversation, mids: string[]): string {
  const { page, user } = conversation;
  const mid = `${page}/${user}/${++conversation.last}`;
  mids.push(mid);
  return `{"sender":{"id":"${user}"},"recipient":{"id":"${page}"},"timestamp":${Date.now()},"message":{"mid":"${mid}","text":"Gr\\u00fc\\u00dfe"}}`;
}
