import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parseCrd } from '../../../src/folder/crd.js';
import { KindValidator } from '../../../src/folder/kind-validator.js';
import { INVALID_MANIFESTS, UNUSUAL_SPECS, VALID_SPECS, type Kind, type Spec } from '../../fixtures/invalid-manifests.js';

const validators: Readonly<Record<Kind, KindValidator>> = {
  MessengerApp: new KindValidator(parseCrd(readFileSync('crds/messengerapps.yaml', 'utf8'))),
  MessengerPage: new KindValidator(parseCrd(readFileSync('crds/messengerpages.yaml', 'utf8'))),
};

function anObject(kind: Kind, spec: Spec): object {
  return { apiVersion: 'messenger-operator.dev/v1alpha1', kind, metadata: { name: 'a', namespace: 'bots' }, spec };
}

// The API server is asked the same in test/integration/crds.test.ts.
describe('standalone judges manifests by the CRDs', () => {
  it.each(Object.entries(VALID_SPECS))('and takes the least of a %s', (kind, spec) => {
    expect(validators[kind as Kind].check(anObject(kind as Kind, spec), undefined)).toEqual([]);
  });

  it.each(UNUSUAL_SPECS)('and takes $what', ({ kind, spec, was }) => {
    expect(validators[kind].check(anObject(kind, spec), was && anObject(kind, was))).toEqual([]);
  });

  it.each(INVALID_MANIFESTS)('and refuses $what, naming $field', ({ kind, spec, was, field, says }) => {
    const problems = validators[kind].check(anObject(kind, spec), was && anObject(kind, was));

    // A missing field is told of its parent.
    const named = problems.filter((problem) => field.startsWith(problem.field));
    expect(named.map(({ message }) => message).join('\n')).toContain(says ?? '');
    expect(named).not.toEqual([]);
  });
});
