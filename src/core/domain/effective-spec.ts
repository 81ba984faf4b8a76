import { DEFAULT_SUBSCRIBED_FIELDS } from '../../api/v1alpha1/constants.js';
import type { Backend, MessengerApp, MessengerPage } from '../../api/v1alpha1/types.gen.js';
import { parseDurationMs } from '../../kit/duration.js';

/**
 * A backend and the namespace that its Service and its Secrets are in: the page's, or the app's if
 * it is the app's default.
 */
export interface EffectiveBackend {
  readonly namespace: string;
  readonly backend: Backend;
}

/**
 * What applies to a page once its app's `pageDefaults` and the operator's defaults are counted in.
 */
export interface EffectiveSpec {
  /** Sorted, each once. */
  readonly fields: readonly string[];
  readonly backend: EffectiveBackend | undefined;
  readonly deletionPolicy: 'Unsubscribe' | 'Retain';
  readonly intervalMs: number;
  /** false with `managementPolicy: Observe`. */
  readonly manage: boolean;
}

/** `app` undefined: it is not known, its defaults do not count. */
export function effectiveSpec(
  page: MessengerPage,
  app: MessengerApp | undefined,
  options: { readonly intervalMs: number; readonly minIntervalMs: number },
): EffectiveSpec {
  const { spec } = page;
  const defaults = app?.spec.pageDefaults ?? {};
  const intervalMs = spec.interval === undefined ? undefined : parseDurationMs(spec.interval);
  return {
    fields: [...new Set(spec.subscribedFields ?? defaults.subscribedFields ?? DEFAULT_SUBSCRIBED_FIELDS)].sort(),
    backend: effectiveBackend(page, app),
    deletionPolicy: spec.deletionPolicy ?? defaults.deletionPolicy ?? 'Unsubscribe',
    intervalMs: Math.max(options.minIntervalMs, intervalMs ?? options.intervalMs),
    manage: spec.managementPolicy !== 'Observe',
  };
}

/** The page's own backend, whole, or its app's default; undefined if neither names one. */
export function effectiveBackend(page: MessengerPage, app: MessengerApp | undefined): EffectiveBackend | undefined {
  if (page.spec.backend !== undefined) return { namespace: page.metadata.namespace ?? '', backend: page.spec.backend };
  const backend = app?.spec.pageDefaults?.backend;
  return backend === undefined ? undefined : { namespace: app?.metadata.namespace ?? '', backend };
}

/** `svc bots/clinic-bot:5000` or `url https://…`, as `status.effective.backend` shows it. */
export function backendText({ namespace, backend }: EffectiveBackend): string {
  if (backend.service !== undefined) return `svc ${namespace}/${backend.service.name}:${backend.service.port}`;
  return `url ${backend.url ?? ''}`;
}
