import { describe, expect, it } from '@jest/globals';
import type { MessengerApp } from '../../../../src/api/v1alpha1/types.gen.js';
import { consentOf } from '../../../../src/core/domain/consent.js';

function app(allowedNamespaces?: MessengerApp['spec']['allowedNamespaces']): MessengerApp {
  return {
    metadata: { name: 'main', namespace: 'platform' },
    spec: {
      appId: '1',
      appSecretRef: { name: 's' },
      verifyTokenRef: { name: 's' },
      ...(allowedNamespaces === undefined ? {} : { allowedNamespaces }),
    },
  };
}

const bySelector = (selector?: NonNullable<MessengerApp['spec']['allowedNamespaces']>['selector']) =>
  app({ from: 'Selector', ...(selector === undefined ? {} : { selector }) });

describe('consentOf', () => {
  it.each([
    ["the app's own namespace by default", consentOf(app(), 'platform', {}), true],
    ["the app's own namespace whatever the selector says", consentOf(bySelector({ matchLabels: { team: 'x' } }), 'platform', {}), true],
    ['another namespace by default', consentOf(app(), 'bots', {}), false],
    ['another namespace with Same', consentOf(app({ from: 'Same' }), 'bots', {}), false],
    ['another namespace with All', consentOf(app({ from: 'All' }), 'bots', undefined), true],
    ['a namespace whose labels match', consentOf(bySelector({ matchLabels: { team: 'a' } }), 'bots', { team: 'a' }), true],
    ['a namespace whose labels do not match', consentOf(bySelector({ matchLabels: { team: 'a' } }), 'bots', { team: 'b' }), false],
    ['any namespace with an empty selector', consentOf(bySelector({}), 'bots', {}), true],
    ['no namespace with Selector but no selector', consentOf(bySelector(), 'bots', { team: 'a' }), false],
    [
      'a namespace by its name where labels cannot be read',
      consentOf(bySelector({ matchLabels: { 'kubernetes.io/metadata.name': 'bots' } }), 'bots', undefined),
      true,
    ],
    [
      'a namespace of another name',
      consentOf(bySelector({ matchLabels: { 'kubernetes.io/metadata.name': 'bots' } }), 'other', undefined),
      false,
    ],
  ])('judges %s', (_what, consent, given) => {
    expect(consent.given).toBe(given);
  });

  it('says that a selector cannot be judged where namespaces cannot be read', () => {
    const theApp = bySelector({ matchExpressions: [{ key: 'team', operator: 'Exists' }] });

    expect(consentOf(theApp, 'bots', undefined)).toEqual({ given: false, why: 'selector_unsupported' });
  });
});
