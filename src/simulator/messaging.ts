import { createHash, randomBytes } from 'node:crypto';
import { asRecord } from '../kit/narrow.js';
import { needScope, onOwnPage, paged, type EdgeCall } from './edge.js';
import { invalidParameter, noSuchObject, oauth } from './graph-errors.js';

/** A user's id on one page: another one on every page, as at Meta. */
export function psid(pageId: string, user: string): string {
  const digits = BigInt(`0x${createHash('sha256').update(`${pageId}/${user}`).digest('hex').slice(0, 15)}`).toString();
  return `${digits}${'0'.repeat(16)}`.slice(0, 17).replace(/^0/, '9');
}

/** `/{page-id|me}/messages`: records what a bot says, and as which page it really says it. */
export function messages(call: EdgeCall): unknown {
  if (call.method !== 'POST') throw noSuchObject(call.method, call.target);
  const { app, token, page } = onOwnPage(call);
  needScope(token, 'pages_messaging');
  const recipient = asRecord(call.params.json('recipient'));
  if (recipient === undefined) throw invalidParameter('The parameter recipient is required');
  const message = call.params.json('message');
  const senderAction = call.params.text('sender_action');
  if (message === undefined && senderAction === undefined) throw invalidParameter('The parameter message is required');
  const text = textOf(message);
  if (text !== undefined && text.length > 2_000) throw invalidParameter('Length of param message[text] must be less than or equal to 2000');
  const messageId = senderAction === undefined ? `m_${randomBytes(24).toString('base64url')}` : undefined;
  call.world.messages.add((seq) => ({
    ...{ seq, at: call.world.clock.nowMs(), pageId: page.id, path: call.target, appId: app.id, token: token.alias },
    ...{ recipient, text, message, senderAction, messageId },
  }));
  const recipientId = typeof recipient['id'] === 'string' ? { recipient_id: recipient['id'] } : {};
  return messageId === undefined ? recipientId : { ...recipientId, message_id: messageId };
}

function textOf(message: unknown): string | undefined {
  const text = asRecord(message)?.['text'];
  return typeof text === 'string' ? text : undefined;
}

const PROPERTIES = [
  'get_started',
  'greeting',
  'ice_breakers',
  'persistent_menu',
  'whitelisted_domains',
  'account_linking_url',
  'commands',
  'home_url',
];

/**
 * `/{page-id|me}/messenger_profile`: POST overwrites only what it names, DELETE removes only what
 * it names.
 */
export function messengerProfile(call: EdgeCall): unknown {
  const { token, page } = onOwnPage(call);
  needScope(token, 'pages_messaging');
  countProfileCall(call, page.id);
  const profile = call.world.profiles.get(page.id) ?? {};
  if (call.method === 'GET') return readProfile(profile, call.params.list('fields'));
  const changed = call.method === 'POST' ? written(call, profile) : removed(call, profile);
  if (changed['persistent_menu'] !== undefined && changed['get_started'] === undefined) {
    throw oauth(400, 100, '(#100) You must set a Get Started button if you also wish to use persistent menu.', 2018145);
  }
  call.world.profiles.set(page.id, changed);
  return { result: 'success' };
}

const TEN_MINUTES_MS = 600_000;

/**
 * Meta documents the limit, not its error: 613 is what custom limits have elsewhere. @throws
 * SimGraphError
 */
function countProfileCall({ world }: EdgeCall, pageId: string): void {
  const limit = world.config.profileCallsPer10Min;
  const now = world.clock.nowMs();
  const recent = (world.profileCalls.get(pageId) ?? []).filter((at) => now - at < TEN_MINUTES_MS);
  if (limit > 0 && recent.length >= limit) throw oauth(400, 613, '(#613) Calls to this api have exceeded the rate limit.');
  world.profileCalls.set(pageId, [...recent, now].slice(-1_000));
}

function readProfile(profile: Readonly<Record<string, unknown>>, fields: readonly string[] | undefined): unknown {
  const shown = Object.entries(profile).filter(([name]) => fields?.includes(name) ?? false);
  return { data: shown.length === 0 ? [] : [Object.fromEntries(shown)] };
}

function written({ params }: EdgeCall, profile: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const sent = PROPERTIES.filter((name) => params.has(name)).map((name) => [name, params.json(name)]);
  if (sent.length === 0) throw invalidParameter('The parameter get_started is required');
  return { ...profile, ...(Object.fromEntries(sent) as Record<string, unknown>) };
}

function removed({ params, method, target }: EdgeCall, profile: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (method !== 'DELETE') throw noSuchObject(method, target);
  const fields = params.list('fields')?.map((field) => field.toLowerCase());
  if (fields === undefined) throw invalidParameter('The parameter fields is required');
  return Object.fromEntries(Object.entries(profile).filter(([name]) => !fields.includes(name)));
}

/** `/{page-id|me}/personas`; one persona is read and deleted by its own id. */
export function personas(call: EdgeCall): unknown {
  const { page } = onOwnPage(call);
  const { personas: all } = call.world;
  if (call.method === 'GET') {
    const own = [...all.values()].filter(({ pageId }) => pageId === page.id);
    return paged(
      own.map(({ id, name, profile_picture_url }) => ({ id, name, profile_picture_url })),
      call,
    );
  }
  const name = call.params.text('name');
  const picture = call.params.text('profile_picture_url');
  if (call.method !== 'POST') throw noSuchObject(call.method, call.target);
  if (name === undefined || picture === undefined) throw invalidParameter('The parameters name and profile_picture_url are required');
  const id = `22${randomBytes(6).readUIntBE(0, 6)}`;
  all.set(id, { id, pageId: page.id, name, profile_picture_url: picture });
  return { id };
}
