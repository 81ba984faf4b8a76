import type { Namespace, Service } from '../api/meta.js';
import type { MessengerApp, MessengerPage } from '../api/v1alpha1/types.gen.js';
import type { Clock } from '../kit/clock.js';
import { keyOf, keyText, type NamespacedName } from '../core/domain/object-key.js';
import { MAX_APPS_PER_PATH, type PageLookup, type RouteAnswer, type WebhookApp } from '../core/ports/page-lookup.js';
import type { DataCache, Informer } from '../runtime/ports.js';
import { webhookPathOf } from '../relations/relations.js';
import { appSecretReferences, appUsesSecret, type SecretReference } from '../relations/secret-references.js';
import { isAppSecret, lookupSecret, type SecretLookup } from '../relations/secret-values.js';
import { AbsentBackends } from './absent-backends.js';
import { byPrecedence, isDecided } from './active-apps.js';
import { ClaimIndex } from './claim-index.js';
import { DependencyMemo, type Track } from './dependency-memo.js';
import { routeOf, SharedTargets } from './route-of.js';

export interface PageIndexDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** `--class` */
  readonly className: string;
  readonly pages: Informer<MessengerPage>;
  readonly apps: Informer<MessengerApp>;
  /**
   * undefined: Services are not known (standalone); a backend's port is then taken as it stands and
   * cannot be a name.
   */
  readonly services: Informer<Service> | undefined;
  /**
   * undefined where the role does not watch namespaces: then only the leader judges selectors by
   * labels.
   */
  readonly namespaces: Informer<Namespace> | undefined;
  /** App and signing Secrets, retained by `References`. */
  readonly secrets: DataCache;
}

/** Where Services are not watched: any port may be there, as with a headless one. */
const ANY_SERVICE: Service = { metadata: { name: '' }, spec: { clusterIP: 'None' } };

/**
 * The index that the event path works from: (appId, pageId) → route, by the routing predicate alone
 * (claim held, app present with its secret, backend allowed). Answers from memory; a route is made
 * when it is first asked for and again after something that it was made from changed.
 */
export class PageIndex implements PageLookup {
  readonly #deps: PageIndexDeps;
  readonly #claims: ClaimIndex;
  /**
   * By appId, then by pageId: an event comes with both, and nothing has to be made of them to find
   * its route.
   */
  readonly #routes = new Map<string, DependencyMemo<RouteAnswer>>();
  readonly #paths = new DependencyMemo<ReadonlyMap<string, readonly WebhookApp[]>>();
  readonly #targets = new SharedTargets();
  readonly #absent: AbsentBackends;
  readonly #unsubscribe: readonly (() => void)[];

  constructor(deps: PageIndexDeps) {
    this.#deps = deps;
    this.#claims = new ClaimIndex(deps);
    this.#absent = new AbsentBackends(deps.clock);
    const changed = (dependency: string): void => {
      for (const [appId, routes] of this.#routes) {
        routes.changed(dependency);
        if (routes.size === 0) this.#routes.delete(appId);
      }
      this.#paths.changed(dependency);
    };
    this.#unsubscribe = [
      this.#claims.onChange((dependency) => {
        changed(dependency);
        if (!dependency.startsWith('app:')) return;
        changed('apps');
        changed('app-secrets');
      }),
      deps.secrets.subscribe((key) => {
        changed(`secret:${keyText(key)}`);
        if (this.#deps.apps.list().some((app) => appUsesSecret(app, key))) changed('app-secrets');
      }),
      deps.services?.subscribe(({ object }) => {
        changed(`service:${keyText(keyOf(object))}`);
      }) ?? ((): void => undefined),
    ];
  }

  synced(): boolean {
    const { services, secrets } = this.#deps;
    return this.#claims.synced() && secrets.hasSynced() && (services?.hasSynced() ?? true);
  }

  /** Of the watches of pages and apps: how long ago a page that is not here may have been made. */
  watchAgeMs(): number {
    return this.#claims.ageMs();
  }

  unlistedForMs(): number | undefined {
    return this.#claims.unlistedForMs();
  }

  appsOnPath(path: string): readonly WebhookApp[] {
    return this.#paths.get('all', (track) => this.#pathsOf(track)).get(path) ?? [];
  }

  route(appId: string, pageId: string): RouteAnswer {
    const answer = this.#remembered(appId, pageId);
    if (answer.kind === 'not_yet' && answer.why === 'backend_unresolved' && answer.absent)
      return this.#absent.answer(appId, pageId, answer);
    if (!this.#absent.isEmpty) this.#absent.found(appId, pageId);
    return answer;
  }

  #remembered(appId: string, pageId: string): RouteAnswer {
    const known = this.#routes.get(appId)?.peek(pageId);
    if (known !== undefined) return known;
    // Not remembered: ids come from outside, and there is no end to those that are no page of ours.
    if (!this.#claims.knows(pageId) || !this.#claims.activeApps().has(appId)) return { kind: 'unknown' };
    let routes = this.#routes.get(appId);
    if (routes === undefined) {
      routes = new DependencyMemo();
      this.#routes.set(appId, routes);
    }
    return routes.get(pageId, (track) => this.#routeOf(appId, pageId, track));
  }

  /** Stops following the watches. */
  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#claims.close();
  }

  #routeOf(appId: string, pageId: string, track: Track): RouteAnswer {
    const holding = this.#claims.holding(appId, pageId, track);
    if (holding.kind !== 'held') return holding;
    return routeOf(holding, {
      serviceOf: (key) => this.#serviceOf(key, track),
      signingSecretOf: (reference) => this.#secret(reference, track),
      isAppSecret: (secret) => {
        track('app-secrets');
        return isAppSecret(secret, this.#deps.apps.list(), this.#deps.secrets);
      },
      targets: this.#targets,
    });
  }

  #pathsOf(track: Track): ReadonlyMap<string, readonly WebhookApp[]> {
    track('apps');
    const paths = new Map<string, WebhookApp[]>();
    for (const app of [...this.#claims.activeApps().values()].sort(byPrecedence)) {
      const path = webhookPathOf(app);
      const apps = paths.get(path) ?? [];
      paths.set(path, apps);
      // Accepted ones come first: those that wait for an answer take none of their places.
      const alike = apps.filter(({ decided }) => decided === isDecided(app)).length;
      if (alike < MAX_APPS_PER_PATH) apps.push(this.#webhookApp(app, path, track));
    }
    return paths;
  }

  #webhookApp(app: MessengerApp, path: string, track: Track): WebhookApp {
    const references = appSecretReferences(app);
    const decided = isDecided(app);
    const current = this.#secret(references.appSecret, track);
    const previous = references.previousAppSecret && this.#secret(references.previousAppSecret, track);
    // Without the current one nothing verifies: a POST signed with it must be a 503 that Meta
    // repeats, not a 401.
    const usable = decided && current.kind === 'value' ? [current, previous] : [];
    const verifyToken = this.#secret(references.verifyToken, track);
    return Object.freeze({
      owner: keyOf(app),
      appId: app.spec.appId,
      path,
      decided,
      appSecrets: usable.flatMap((one) => (one?.kind === 'value' ? [one.secret] : [])),
      verifyToken: verifyToken.kind === 'value' ? verifyToken.secret : undefined,
    });
  }

  #secret(reference: SecretReference, track: Track): SecretLookup {
    track(`secret:${keyText(reference)}`);
    return lookupSecret(this.#deps.secrets, reference);
  }

  #serviceOf(key: NamespacedName, track: Track): Service | undefined {
    const { services } = this.#deps;
    if (services === undefined) return ANY_SERVICE;
    track(`service:${keyText(key)}`);
    return services.get(key);
  }
}
