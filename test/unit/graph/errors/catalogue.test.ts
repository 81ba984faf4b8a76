import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { APP_REASONS, PAGE_REASONS } from '../../../../src/api/v1alpha1/conditions.js';
import { GRAPH_OPERATIONS } from '../../../../src/graph/operations.js';
import { catalogueMarkdown } from '../../../../src/graph/errors/markdown.js';
import type { CatalogueRow } from '../../../../src/graph/errors/row.js';
import { ERROR_CATALOGUE } from '../../../../src/graph/errors/catalogue.js';
import { lookUp, type GraphFailure } from '../../../../src/graph/errors/lookup.js';

const failure = (change: Partial<GraphFailure>): GraphFailure => ({
  ...{ operation: 'observe', status: 400, message: '', type: 'OAuthException', code: undefined, subcode: undefined },
  ...change,
});

const keyOf = ({ on, http, type, codes, subcodes }: CatalogueRow): string => JSON.stringify([on, http, type, codes, subcodes]);

describe('the error catalogue', () => {
  it.each<[string, Partial<GraphFailure>, string, string]>([
    ['an app throttle', { code: 4 }, 'wait', 'RateLimited'],
    ['a page throttle', { code: 80001 }, 'wait', 'RateLimited'],
    ["Messenger's throttle", { code: 80006 }, 'wait', 'RateLimited'],
    ['a custom limit', { code: 613, subcode: 1996 }, 'wait', 'RateLimited'],
    ['unknown, maybe transient', { code: 1, status: 500 }, 'transient', 'GraphUnavailable'],
    ['service down', { code: 2 }, 'transient', 'GraphUnavailable'],
    ['a code nobody knows', { code: 424_242 }, 'transient', 'GraphUnavailable'],
    ['no code at all', { type: undefined }, 'transient', 'GraphUnavailable'],
    ['a server error without a code', { status: 502, type: undefined }, 'transient', 'GraphUnavailable'],
    ['a redirect', { status: 302, type: undefined }, 'transient', 'GraphUnavailable'],
    ['an expired token', { code: 190, subcode: 463 }, 'terminal', 'TokenExpired'],
    ['a token without a subcode', { code: 190 }, 'terminal', 'TokenInvalidated'],
    ['a token with an unknown subcode', { code: 190, subcode: 999 }, 'terminal', 'TokenInvalidated'],
    ['half a token', { code: 190, message: 'Malformed access token EAA' }, 'terminal', 'TokenMalformed'],
    ['a user token', { code: 190, message: '(#190) This method must be called with a Page Access Token' }, 'terminal', 'TokenWrongType'],
    ['a user token, other words', { code: 210, status: 403 }, 'terminal', 'TokenWrongType'],
    ['an old session', { code: 102, status: 401 }, 'terminal', 'TokenInvalidated'],
    ['a permission', { code: 200, status: 403 }, 'terminal', 'PermissionDenied'],
    ['a permission, last of the range', { code: 299 }, 'terminal', 'PermissionDenied'],
    ['a page that is not shown', { code: 100, subcode: 33, type: 'GraphMethodException' }, 'terminal', 'PageNotGranted'],
    ['a refused proof', { code: 100, type: 'GraphMethodException' }, 'app-credential', 'AppSecretInvalid'],
    [
      'a bad field',
      { operation: 'subscribe', code: 100, message: '(#100) Param subscribed_fields[3] must be one of {' },
      'terminal',
      'InvalidField',
    ],
    ['a bad parameter', { operation: 'subscribe', code: 100 }, 'terminal', 'InvalidField'],
    [
      'a foreign token',
      { operation: 'inspect_token', code: 100, message: '(#100) The App_id in the input_token did not match the Viewing App' },
      'terminal',
      'TokenWrongApp',
    ],
    [
      'a foreign token, no number',
      { operation: 'inspect_token', code: 100, message: 'The App_id in the input_token did not match the Viewing App' },
      'terminal',
      'TokenWrongApp',
    ],
    ['an app token that is refused', { operation: 'inspect_token', code: 190 }, 'app-credential', 'AppSecretInvalid'],
    ['an expired app token', { operation: 'app_subscriptions', code: 190, subcode: 463 }, 'app-credential', 'AppSecretInvalid'],
    ['an unknown app', { operation: 'inspect_token', code: 101 }, 'app-credential', 'AppIdMismatch'],
    [
      'a callback that fails',
      { operation: 'subscribe_app', code: 2200, message: '(#2200) Callback verification failed' },
      'terminal',
      'CallbackVerificationFailed',
    ],
    [
      'a field of the app',
      { operation: 'subscribe_app', code: 100, message: '(#100) Param fields[0] must be one of {' },
      'terminal',
      'FieldRefused',
    ],
    ['a policy block', { code: 368, status: 403 }, 'terminal', 'PermissionDenied'],
  ])('%s', (_name, change, disposition, reason) => {
    expect(lookUp(failure(change))).toMatchObject({ disposition, reason });
  });

  it('lets a prefix choose between reasons only: behind it stands a row of the same key and disposition without one', () => {
    ERROR_CATALOGUE.forEach((row, index) => {
      if (row.prefix === undefined) return;
      const rest = ERROR_CATALOGUE.slice(index + 1).find((other) => other.prefix === undefined && keyOf(other) === keyOf(row));
      expect([row.prefix, rest?.disposition]).toEqual([row.prefix, row.disposition]);
    });
  });

  it('has no two rows of one key and prefix, and ends with a row that matches everything and is transient', () => {
    const keys = ERROR_CATALOGUE.map((row) => `${keyOf(row)} ${row.prefix ?? ''}`);
    expect(new Set(keys).size).toBe(keys.length);
    const last = ERROR_CATALOGUE.at(-1);
    expect(last).toMatchObject({ disposition: 'transient' });
    expect(last === undefined ? '' : keyOf(last)).toBe('[null,null,null,null,null]');
  });

  it('uses only reasons that conditions know, of the right kind of object', () => {
    const page: readonly string[] = Object.values(PAGE_REASONS).flat();
    const app: readonly string[] = Object.values(APP_REASONS).flat();
    for (const row of ERROR_CATALOGUE) {
      const appLevel =
        row.disposition === 'app-credential' || row.disposition === 'wait' || row.on?.every((operation) => /app/.test(operation)) === true;
      expect([row.reason, (appLevel ? app : page).includes(row.reason)]).toEqual([row.reason, true]);
    }
  });

  it('gives a scope to throttles and to nothing else, and tells everybody what to do', () => {
    for (const row of ERROR_CATALOGUE) {
      expect([row.says, row.scope !== undefined]).toEqual([row.says, row.disposition === 'wait']);
      expect(`${row.says}${row.fix}`).not.toMatch(/[|\n]|\.$/);
      expect(row.fix.length).toBeGreaterThan(10);
    }
  });

  it('knows only operations that there are', () => {
    for (const row of ERROR_CATALOGUE) for (const operation of row.on ?? []) expect(GRAPH_OPERATIONS).toContain(operation);
  });

  it('is what docs/reference/graph-errors.md shows', () => {
    expect(readFileSync('docs/reference/graph-errors.md', 'utf8')).toBe(catalogueMarkdown());
  });
});
