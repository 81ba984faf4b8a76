import { readFileSync } from 'node:fs';
import type { Kind } from '../api/kinds.js';
import { type Crd, parseCrd } from './crd.js';

/** Beside `src` as beside `dist`. */
const FOLDER = new URL('../../crds/', import.meta.url);

/**
 * The CustomResourceDefinition of a kind, as this version ships it. @throws when the file is
 * missing
 */
export function loadCrd({ crd }: Pick<Kind, 'crd'>): Crd {
  return parseCrd(readFileSync(new URL(crd, FOLDER), 'utf8'));
}
