import { NAMESPACE } from '../../support/page-world.js';

/** A namespace whose pages may use the app of another one while it has a label. */
export const GUESTS = 'guests';
/** Where the webhook may watch Secrets. */
export const SECRET_NAMESPACES: readonly string[] = [NAMESPACE, GUESTS];
