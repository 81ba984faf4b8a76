import { describe, expect, it } from '@jest/globals';
import type { Service } from '../../../src/api/meta.js';
import type { MessengerPage } from '../../../src/api/v1alpha1/types.gen.js';
import { inlineProblem } from '../../../src/core/domain/free-form.js';
import { PROJECTIONS, servicePart } from '../../../src/k8s/projections.js';

const keptBy = (role: keyof typeof PROJECTIONS) => (page: MessengerPage) => PROJECTIONS[role]['messengerpages']?.(page) as MessengerPage;
const [routedPart, reconciledPart, servedPart] = [keptBy('webhook'), keptBy('controller'), keptBy('pages-api')];
const small = { clinic: 'A' };
const large = { text: 'x'.repeat(1_000_000) };

function aPage(botConfig: MessengerPage['spec']['botConfig']): MessengerPage {
  return {
    apiVersion: 'messenger-operator.dev/v1alpha1',
    kind: 'MessengerPage',
    metadata: { name: 'a', namespace: 'bots', uid: 'u' },
    spec: { pageId: '1', appRef: { name: 'main' }, accessTokenSecretRef: { name: 't' }, ...(botConfig === undefined ? {} : { botConfig }) },
  };
}

const bytesOf = (page: MessengerPage): number => JSON.stringify(page).length;

describe('what is kept of a page', () => {
  it.each([
    ['the webhook', routedPart],
    ['the controller', reconciledPart],
    ['the Pages API', servedPart],
  ])('by %s is small, whatever its settings for the bot are', (_role, keep) => {
    expect(bytesOf(keep(aPage({ inline: large })))).toBeLessThan(500);
  });

  it('has settings of the allowed size for the Pages API alone', () => {
    const page = aPage({ inline: small });
    expect(servedPart(page).spec.botConfig).toEqual({ inline: small });
    expect(reconciledPart(page).spec.botConfig).toEqual({ inline: {} });
    expect(routedPart(page).spec).not.toHaveProperty('botConfig');
  });

  it('still says what is wrong with settings that are not kept', () => {
    const page = aPage({ inline: large });
    for (const keep of [reconciledPart, servedPart]) {
      expect(inlineProblem(keep(page).spec.botConfig?.inline)).toMatch(/^has 1000011 bytes as JSON, more than 16384/);
    }
  });

  it('names the ConfigMap that the settings come from', () => {
    const botConfig = { configMapRef: { name: 'cfg', key: 'c' } };
    expect(servedPart(aPage(botConfig)).spec.botConfig).toEqual(botConfig);
    expect(servedPart(aPage(undefined)).spec).not.toHaveProperty('botConfig');
  });
});

describe('what is kept of a Service', () => {
  const aService = (spec: Service['spec']): Service => ({ metadata: { namespace: 'bots', name: 'bot' }, ...(spec && { spec }) });
  const ports = [{ name: 'http', port: 80, protocol: 'TCP' }];

  it('says whether it is headless, and holds no address', () => {
    expect(servicePart(aService({ type: 'ClusterIP', clusterIP: 'None', ports })).spec).toEqual({
      type: 'ClusterIP',
      clusterIP: 'None',
      ports,
    });
    expect(servicePart(aService({ type: 'ClusterIP', clusterIP: '10.0.0.7', ports })).spec).toEqual({ type: 'ClusterIP', ports });
  });
});
