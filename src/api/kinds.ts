import type { KubeObject } from './meta.js';
import { GROUP, IN_USE_FINALIZER, UNSUBSCRIBE_FINALIZER, VERSION } from './v1alpha1/constants.js';
import type { MessengerApp, MessengerPage } from './v1alpha1/types.gen.js';

/** An object of one of our kinds. */
export interface CustomObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: unknown;
}

/**
 * One kind of this operator: what everything that works on every kind knows of it. Both clusters
 * watch it, write its status and its finalizer; `get` shows it, `release` frees it, metrics have
 * its labels. `T` is the type of its objects.
 */
export interface Kind<T extends CustomObject = CustomObject, Plural extends string = string, Singular extends string = string> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Name of the resource in paths, RBAC, metrics and the state folder. */
  readonly plural: Plural;
  /** Name of its controller too. */
  readonly singular: Singular;
  /** As in the CRD; the first one is used where a command is suggested. */
  readonly shortNames: readonly [string, ...string[]];
  readonly namespaced: true;
  /** Its CustomResourceDefinition, a file below `crds/`. */
  readonly crd: string;
  /** The one finalizer of ours on its objects. */
  readonly finalizer: string;
  /** Never set: carries the type. */
  readonly object?: T;
}

type Names = 'kind' | 'plural' | 'singular' | 'shortNames' | 'crd' | 'finalizer';

/** A row of the table. */
function kindOf<T extends CustomObject>() {
  return <const P extends string, const S extends string>(row: Pick<Kind<T, P, S>, Names>): Kind<T, P, S> => ({
    ...{ group: GROUP, version: VERSION, namespaced: true },
    ...row,
  });
}

export const PAGES = kindOf<MessengerPage>()({
  kind: 'MessengerPage',
  plural: 'messengerpages',
  singular: 'messengerpage',
  shortNames: ['mpage'],
  crd: 'messengerpages.yaml',
  finalizer: UNSUBSCRIBE_FINALIZER,
});

export const APPS = kindOf<MessengerApp>()({
  kind: 'MessengerApp',
  plural: 'messengerapps',
  singular: 'messengerapp',
  shortNames: ['mapp'],
  crd: 'messengerapps.yaml',
  finalizer: IN_USE_FINALIZER,
});

/** Every kind, in the order in which objects are removed: those that need others go before them. */
export const KINDS = [PAGES, APPS] as const;

export type KindPlural = (typeof KINDS)[number]['plural'];
export type KindSingular = (typeof KINDS)[number]['singular'];

/** The kind that a word such as `pages`, `mpage` or `app` means; undefined for another word. */
export function kindNamed(word: string, kinds: readonly Kind[] = KINDS): Kind | undefined {
  const name = word.toLowerCase();
  return kinds.find(({ plural, singular, shortNames }) => {
    const names: readonly string[] = [plural, singular, ...shortNames];
    return names.includes(name) || names.includes(`messenger${name}`);
  });
}
