import { OperatorError } from '../../core/domain/errors.js';
import { keyText } from '../../core/domain/object-key.js';
import type { GraphPass } from './pass.js';
import type { PageReconcilerDeps } from './ports.js';

/** What the Page is called, once: a name is for people and decides nothing, so a failure to get it is not one of the pass. */
export class PageNameStep {
  readonly #deps: Pick<PageReconcilerDeps, 'graph' | 'log' | 'clock'>;

  constructor(deps: Pick<PageReconcilerDeps, 'graph' | 'log' | 'clock'>) {
    this.#deps = deps;
  }

  async run(pass: GraphPass): Promise<void> {
    const { key, page, token, call, report, memory } = pass;
    const nowMs = this.#deps.clock.monotonicMs();
    if (page.status?.pageName !== undefined || (memory.namedMs !== undefined && nowMs - memory.namedMs < ASK_AGAIN_MS)) return;
    if (this.#canWait(pass)) return;
    memory.namedMs = nowMs;
    try {
      const { name } = await this.#deps.graph.pageInfo(token, call);
      if (name !== undefined) report.set({ pageName: name.slice(0, MAX_NAME) });
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      this.#deps.log.debug('the name of a page is not known', { page: keyText(key), error });
    }
  }

  /** Pages that were there before are asked with their first drift check: a start spends its calls on what decides. */
  #canWait({ page, memory }: GraphPass): boolean {
    const ageMs = this.#deps.clock.nowMs() - Date.parse(page.metadata.creationTimestamp ?? '');
    return ageMs > NEW_MS && memory.nextDrift === undefined;
  }
}

/** A page of which this process hears within this time of its creation is a new one, of which somebody wants to see the name. */
const NEW_MS = 10 * 60_000;
const ASK_AGAIN_MS = 24 * 3_600_000;
/** As the CRD bounds it. */
const MAX_NAME = 1_024;
