import type { Clock } from '../../kit/clock.js';
import { traceIdOf } from '../../core/ports/delivery.js';
import type { Logger } from '../../kit/log.js';
import type { PageRoute } from '../../core/ports/page-lookup.js';
import type { Alert, DeliveryObserver } from '../observer.js';

const ONE_LINE_EVERY_MS = 60_000;
const MAX_REMEMBERED = 2_000;

const MESSAGES: Readonly<Record<Alert, string>> = {
  dropped: 'dropped an event: its bot was unavailable for too long',
  refuses_everything: 'bot refuses and accepts nothing: wrong signing secret?',
  address_refused: 'backend leads to an address that is not allowed',
};

interface AlertsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: DeliveryObserver;
}

/**
 * Every alert is counted; each page logs at most one line a minute of each kind. Not
 * `LogOnceAMinute`: its `count` includes the alert that the line is about; `more` does not.
 */
export class Alerts {
  readonly #deps: AlertsDeps;
  readonly #logged = new Map<string, { readonly atMs: number; since: number }>();

  constructor(deps: AlertsDeps) {
    this.#deps = deps;
  }

  /** @param traceparent of the event that raised it */
  raise(kind: Alert, { appId, pageId, key: pageKey, owner }: PageRoute, traceparent: string): void {
    const { clock, log, observer } = this.#deps;
    observer.alert(kind);
    const key = `${kind} ${pageKey}`;
    const before = this.#logged.get(key);
    if (before !== undefined && clock.monotonicMs() - before.atMs < ONE_LINE_EVERY_MS) {
      before.since++;
      return;
    }
    if (this.#logged.size >= MAX_REMEMBERED) this.#logged.clear();
    this.#logged.set(key, { atMs: clock.monotonicMs(), since: 0 });
    const page = `${owner.namespace}/${owner.name}`;
    log.warn(MESSAGES[kind], { appId, pageId, page, traceId: traceIdOf(traceparent), more: before?.since ?? 0 });
  }
}
