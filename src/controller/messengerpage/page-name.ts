import { OperatorError } from '../../core/domain/errors.js';
import { keyText } from '../../core/domain/object-key.js';
import type { GraphPass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

/**
 * A page that this process sees first within this time of its creation is new, and its user wants
 * to see its name.
 */
const NEW_MS = 10 * 60_000;
const ASK_AGAIN_MS = 24 * 3_600_000;
/** As the CRD bounds it. */
const MAX_NAME = 1_024;

type NameDeps = Pick<PageReconcilerDeps, 'graph' | 'log' | 'clock' | 'memories'>;

/**
 * Learns the Page's name, once. A name is for people and decides nothing, so a failure to get it
 * does not fail the pass.
 */
export async function learnPageName(deps: NameDeps, pass: GraphPass): Promise<void> {
  const { key, token, call, report, memory } = pass;
  if (!isDue(deps, pass)) return;
  memory.namedMs = deps.clock.monotonicMs();
  try {
    const { name } = await deps.graph.pageInfo(token, call);
    if (name !== undefined) report.set({ pageName: name.slice(0, MAX_NAME) });
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    deps.log.debug('the name of a page is not known', { page: keyText(key), error });
  }
}

/**
 * The name of a new page is read at once, for the first few of many that are created together. All
 * others are read with the page's first drift check, in the same batches: a start spends its
 * requests on what decides. A page often has more than one pass at a start, so only a check that is
 * due counts as one.
 */
function isDue({ clock, memories }: NameDeps, { page, memory }: GraphPass): boolean {
  const nowMs = clock.monotonicMs();
  const askedBefore = memory.namedMs !== undefined && nowMs - memory.namedMs < ASK_AGAIN_MS;
  if (page.status?.pageName !== undefined || askedBefore) return false;
  if (memory.nextDrift !== undefined) return memory.nextDrift.atMs <= nowMs;
  const ageMs = clock.nowMs() - Date.parse(page.metadata.creationTimestamp ?? '');
  return ageMs <= NEW_MS && memories.namesAtOnce.take(nowMs) === 0;
}
