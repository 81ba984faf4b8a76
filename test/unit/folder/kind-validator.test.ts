import { describe, expect, it } from '@jest/globals';
import { KindValidator } from '../../../src/folder/kind-validator.js';
import { app, APP_CRD, page, PAGE_CRD } from './fixtures.js';

const pages = new KindValidator(PAGE_CRD);
const apps = new KindValidator(APP_CRD);
const service = { name: 'bot', port: 5000 };

describe('KindValidator', () => {
  it('finds nothing wrong with what the documentation shows', () => {
    expect(apps.check(app('main', { webhook: { path: '/webhooks/messenger' }, allowedNamespaces: { from: 'All' } }), undefined)).toEqual(
      [],
    );
    const whole = page('clinic', {
      subscribedFields: ['messages', 'messaging_postbacks'],
      backend: { service, accepts: ['messaging'], timeout: '1500ms', maxInFlight: 8, maxEventsPerRequest: 0 },
      botConfig: { inline: { clinic: 'A', nested: { list: [1, 2.5, null] } } },
      interval: '1h30m',
    });
    expect(pages.check(whole, undefined)).toEqual([]);
    expect(pages.check(page('clinic', { backend: { service: { name: 'bot', port: 'http' } } }), undefined)).toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    ['a page id without quotes', { pageId: 1234567890 }, 'spec.pageId', 'must be text, not a number; put it in quotes'],
    ['a page id with letters', { pageId: 'clinic' }, 'spec.pageId', 'pageId must be the numeric id of the Facebook Page, 1 to 20 digits'],
    ['a field that is misspelt', { backends: {} }, 'spec.backends', 'is not a known field; did you mean backend?'],
    [
      'a field that is nothing like one',
      { zzzzzzzzzzz: 1 },
      'spec.zzzzzzzzzzz',
      'is not a known field; the fields here are pageId, appRef',
    ],
    ['no app', { appRef: undefined }, 'spec.appRef', 'is missing; The MessengerApp that this Page is connected to'],
    ['service and url', { backend: { service, url: 'https://a.example' } }, 'spec.backend', 'set service or url, not both'],
    ['neither of them', { backend: {} }, 'spec.backend', 'backend needs a service'],
    ['an http url', { backend: { url: 'http://a.example' } }, 'spec.backend.url', 'url must be an https:// URL'],
    ['a field twice', { subscribedFields: ['messages', 'messages'] }, 'spec.subscribedFields', 'has the same item twice, at 0 and 1'],
    [
      'a field in upper case',
      { subscribedFields: ['messages', 'Feed'] },
      'spec.subscribedFields[1]',
      'a webhook field is written in lower case',
    ],
    ['no field at all', { subscribedFields: [] }, 'spec.subscribedFields', 'must not be an empty list'],
    ['an interval that is too short', { interval: '10s' }, 'spec.interval', 'interval must be at least 5m and at most 24h'],
    [
      'a port that is no port',
      { backend: { service: { name: 'bot', port: 70_000 } } },
      'spec.backend.service.port',
      'must be at most 65535',
    ],
    ['a policy that does not exist', { managementPolicy: 'Auto' }, 'spec.managementPolicy', 'must be one of Manage, Observe'],
    ['a list for a map', { appRef: [] }, 'spec.appRef', 'must be a map of fields, not a list'],
    ['true in text', { suspend: 'true' }, 'spec.suspend', 'must be true or false, not text'],
  ])('says what mends %s', (_, spec, field, message) => {
    const problems = pages.check(page('clinic', spec), undefined);

    expect(problems).toEqual([{ field, message: expect.stringContaining(message) }]);
  });

  it('holds a change against the object as it was accepted last', () => {
    const before = page('clinic', { pageId: '1001' });

    expect(pages.check(page('clinic', { pageId: '1002' }), before)).toEqual([
      { field: 'spec.pageId', message: expect.stringContaining('cannot be changed') },
    ]);
    expect(pages.check(page('clinic', { pageId: '1001', suspend: true }), before)).toEqual([]);
    expect(apps.check(app('main', { className: 'b' }), app('main'))).toEqual([
      { field: 'spec', message: expect.stringContaining('className cannot be changed') },
    ]);
  });

  it('tells every field that is wrong', () => {
    const problems = pages.check(page('clinic', { pageId: 'x', suspend: 1, backend: {} }), undefined);

    expect(problems.map(({ field }) => field).sort()).toEqual(['spec.backend', 'spec.pageId', 'spec.suspend']);
  });

  it('never repeats the text that is wrong: it may be a token in the wrong place', () => {
    const token = 'EAAGm0PX4ZCpsBAKcanaryCanaryCanary';
    const spec = { pageId: token, interval: token, managementPolicy: token, appRef: token, [token]: 1, subscribedFields: [token] };

    const told = pages.check(page('clinic', spec), undefined);

    expect(told.length).toBeGreaterThan(4);
    expect(JSON.stringify(told)).not.toContain(token);
  });

  it('ignores a status that stands in a manifest', () => {
    expect(pages.check({ ...page('clinic'), status: { conditions: 'nonsense' } }, undefined)).toEqual([]);
  });
});
