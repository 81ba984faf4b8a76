import { readFileSync } from 'node:fs';
import { type Crd, parseCrd } from './crd.js';

/** Beside `src` as beside `dist`. */
const FOLDER = new URL('../../crds/', import.meta.url);

/** The CustomResourceDefinitions that this version comes with, by kind. */
export function loadCrds(): ReadonlyMap<string, Crd> {
  const crds = ['messengerapps.yaml', 'messengerpages.yaml'].map((name) => parseCrd(readFileSync(new URL(name, FOLDER), 'utf8')));
  return new Map(crds.map((crd) => [crd.kind, crd]));
}
