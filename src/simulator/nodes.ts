import { noToken, paged, pick, type EdgeCall } from './edge.js';
import { invalidParameter, noSuchObject, oauth } from './graph-errors.js';
import type { SimApp, SimPage, SimToken } from './model.js';
import type { Principal } from './principal.js';
import { newTokenValue, type World } from './world.js';

/** `/{id}` and `/me`: a Page, an App, a User or a persona. */
export function node(call: EdgeCall): unknown {
  const { world, principal, target, method } = call;
  if (principal === undefined) throw noToken();
  const id = target === 'me' ? ownId(principal) : target;
  const persona = world.personas.get(id);
  if (persona !== undefined && method === 'DELETE') {
    world.personas.delete(id);
    return { success: true };
  }
  if (method !== 'GET') throw noSuchObject(method, id);
  if (persona !== undefined) return { id, name: persona.name, profile_picture_url: persona.profile_picture_url };
  return readNode(id, principal, call);
}

function readNode(id: string, principal: Principal, call: EdgeCall): unknown {
  const fields = call.params.text('fields');
  const page = call.world.pages.get(id);
  if (page !== undefined && maySee(principal, page)) return fieldsOf('Page', pageNode(page, call), fields);
  if (principal.kind === 'token' && principal.token.userId === id) return fieldsOf('User', { name: `User ${id}`, id }, fields);
  const person = principal.kind === 'token' ? personOn(principal.token.pageId, id, call) : undefined;
  if (person !== undefined) return fieldsOf('User', person, fields);
  if (principal.app.id === id) return fieldsOf('Application', { name: principal.app.name, id, link: `https://apps.example/${id}` }, fields);
  throw noSuchObject(call.method, id);
}

/** A person's profile, visible only to the page that the id belongs to. */
function personOn(pageId: string | undefined, id: string, { world }: EdgeCall): Readonly<Record<string, unknown>> | undefined {
  const person = world.people.get(id);
  if (person === undefined || person.pageId !== pageId) return undefined;
  return { id, name: person.name, first_name: person.name, last_name: 'Example', profile_pic: `https://pictures.example/${id}.png` };
}

function ownId(principal: Principal): string {
  if (principal.kind === 'app') return principal.app.id;
  return principal.token.pageId ?? principal.token.userId;
}

function maySee(principal: Principal, page: SimPage): boolean {
  if (principal.kind === 'app') return true;
  const { token } = principal;
  return token.type === 'PAGE' ? token.pageId === page.id : token.pages === undefined || token.pages.includes(page.id);
}

function pageNode(page: SimPage, { world, principal }: EdgeCall): Readonly<Record<string, unknown>> {
  const base = {
    name: page.name,
    id: page.id,
    category: page.category,
    link: `https://pages.example/${page.id}`,
    messaging_feature_status: { msgr_multi_app: true, ig_multi_app: false, hop_v2: true },
    is_webhooks_subscribed: world.rows().some(({ pageId }) => pageId === page.id),
  };
  if (principal?.kind !== 'token') return base;
  const value = principal.token.type === 'PAGE' ? principal.token.value : pageTokenFor(page, principal, world).value;
  return { ...base, access_token: value };
}

function fieldsOf(type: string, object: Readonly<Record<string, unknown>>, fields: string | undefined): unknown {
  const unknown = fields?.split(',').find((field) => field.trim() !== '' && !(field.trim() in object));
  if (unknown !== undefined) throw invalidParameter(`Tried accessing nonexisting field (${unknown.trim()}) on node type (${type})`);
  return pick(object, fields ?? 'name');
}

/** `/me/accounts` with a User's or system user's token: the Pages, with a token for each. */
export function accounts(call: EdgeCall): unknown {
  const { principal, world } = call;
  if (principal === undefined) throw noToken();
  if (principal.kind === 'app' || principal.token.type === 'PAGE') {
    throw invalidParameter(
      `Tried accessing nonexisting field (accounts) on node type (${principal.kind === 'app' ? 'Application' : 'Page'})`,
    );
  }
  if (!principal.token.scopes.includes('pages_show_list')) throw oauth(403, 200, '(#200) Requires pages_show_list');
  const pages = [...world.pages.values()].filter((page) => maySee(principal, page));
  const rows = pages.map((page) => ({
    access_token: pageTokenFor(page, principal, world).value,
    category: page.category,
    category_list: [{ id: '2201', name: page.category }],
    name: page.name,
    id: page.id,
    tasks: ['ADVERTISE', 'ANALYZE', 'CREATE_CONTENT', 'MESSAGING', 'MODERATE', 'MANAGE'],
  }));
  return paged(rows, call);
}

/**
 * The page token that this user's token stands for: always the same one, with the user's scopes.
 */
function pageTokenFor(page: SimPage, { app, token }: { readonly app: SimApp; readonly token: SimToken }, world: World): SimToken {
  const alias = `${token.alias}:${page.id}`;
  const known = world.tokens.get(alias);
  if (known !== undefined) return known;
  const made: SimToken = {
    alias,
    value: newTokenValue(),
    type: 'PAGE',
    appId: app.id,
    pageId: page.id,
    userId: token.userId,
    scopes: token.scopes,
    granularTargets: {},
    pages: undefined,
    // Page tokens of a long-lived user token never expire; those of a short-lived one die with it.
    expiresAt: token.expiresAt !== 0 && token.expiresAt - world.nowSeconds() < 86_400 ? token.expiresAt : 0,
    dataAccessExpiresAt: token.dataAccessExpiresAt,
    issuedAt: world.nowSeconds(),
    state: 'valid',
  };
  world.putToken(made);
  return made;
}

/** `/oauth/access_token`: an app token, or a long-lived user token for a short-lived one. */
export function oauthAccessToken({ world, params }: EdgeCall): unknown {
  const app = world.apps.get(params.text('client_id') ?? '');
  if (app === undefined) throw oauth(400, 101, 'Error validating application. Cannot get application info due to a system error.');
  if (params.text('client_secret') !== app.secret) throw oauth(400, 1, 'Error validating client secret.');
  const grant = params.text('grant_type');
  if (grant === 'client_credentials') return { access_token: `${app.id}|${app.secret}`, token_type: 'bearer' };
  const short = world.tokenByValue(params.text('fb_exchange_token') ?? '');
  if (grant !== 'fb_exchange_token' || short?.type !== 'USER') throw invalidParameter('Invalid grant_type or token');
  const seconds = 5_183_944;
  const long = {
    ...short,
    alias: `${short.alias}:long`,
    value: newTokenValue(),
    expiresAt: world.nowSeconds() + seconds,
    issuedAt: world.nowSeconds(),
  };
  world.putToken(long);
  return { access_token: long.value, token_type: 'bearer', expires_in: seconds };
}
