import type { Namespace } from '../../src/api/meta.js';
import type { MessengerApp, MessengerPage } from '../../src/api/v1alpha1/types.gen.js';
import { APP_INDEXES, PAGE_INDEXES } from '../../src/controller/indexes.js';
import { ClaimIndex } from '../../src/routing/claim-index.js';
import { Store } from '../../src/runtime/store.js';
import { Host } from './host.js';
import { OPTIONS } from './options.js';
import { Random } from './random.js';
import { appOf, appWorks, claimKey, consents, epochOf, heldPages, isHeld } from './truth.js';
import { SimWatch } from './watch.js';
import type { World } from './world.js';

/**
 * A replica of the webhook: it follows what the leader publishes, late and never quite like another
 * one, and decides nothing.
 */
export class Reader {
  /** Times that a Page went to another object than before, or to none. */
  routed = 0;
  readonly #world: World;
  readonly #pages: Store<MessengerPage>;
  readonly #index: ClaimIndex;
  readonly #watches: readonly SimWatch<never>[];
  readonly #name: string;
  /** key → uid */
  readonly #routes = new Map<string, string | undefined>();

  constructor(world: World, number: number) {
    this.#world = world;
    this.#name = `webhook-${number}`;
    const host = new Host(this.#name, world.clock, new Random(world.random.between(1, 1_000_000_000)));
    this.#pages = new Store<MessengerPage>({ clock: host.clock, indexes: PAGE_INDEXES });
    const apps = new Store<MessengerApp>({ clock: host.clock, indexes: APP_INDEXES });
    const namespaces = new Store<Namespace>({ clock: host.clock });
    this.#watches = [
      new SimWatch(host, world, 'messengerpages', this.#pages),
      new SimWatch(host, world, 'messengerapps', apps),
      new SimWatch(host, world, 'namespaces', namespaces),
    ] as readonly SimWatch<never>[];
    this.#index = new ClaimIndex({ className: OPTIONS.className, pages: this.#pages, apps, namespaces });
    this.#pages.subscribe(({ object }) => {
      const key = claimKey(object);
      // Within a list the index has heard of some of its changes only; nobody asks it then.
      if (key !== undefined)
        world.clock.setTimer(0, () => {
          this.#look(key);
        });
    });
    for (const watch of this.#watches) watch.list();
  }

  /** Its watches break, and nothing arrives for so long. */
  disturb(ms: number): void {
    for (const watch of this.#watches) watch.breakFor(ms);
  }

  /** It routes what the leader has published, and that only. */
  checkFinally(keys: readonly string[]): readonly string[] {
    return keys.flatMap((key) => {
      const held = heldPages(this.#world, key).toSorted((a, b) => epochOf(b) - epochOf(a))[0];
      if (held !== undefined && !this.#isServed(key, held)) return [];
      const [is, wanted] = [textOf(this.#routeOf(key)), textOf(held)];
      return is === wanted ? [] : [`wrong_route: ${this.#name} routes ${key} to ${is}, held by ${wanted}`];
    });
  }

  /**
   * What comes for an app that another object stands for is not its pages', nor is an app that has
   * another id by now.
   */
  #isServed(key: string, held: MessengerPage): boolean {
    const app = appOf(this.#world, held);
    return consents(this.#world, held) && appWorks(this.#world, app) && key.startsWith(`${app.spec.appId}/`);
  }

  #look(key: string): void {
    const page = this.#routeOf(key);
    if (this.#routes.has(key) && this.#routes.get(key) === page?.metadata.uid) return;
    this.#routes.set(key, page?.metadata.uid);
    this.routed += 1;
    if (page !== undefined) this.#check(key, page);
  }

  #check(key: string, page: MessengerPage): void {
    const held = this.#pages.list().filter((one) => claimKey(one) === key && isHeld(one));
    const above = held.filter((one) => epochOf(one) > epochOf(page)).map(({ metadata }) => metadata.name);
    if (above.length === 0 && held.includes(page)) return;
    const what = `${this.#name} routes ${key} to ${page.metadata.name} and knows that it is held by ${above.join()}`;
    this.#world.oracle.violated('routed_twice', what);
  }

  #routeOf(key: string): MessengerPage | undefined {
    const [appId = '', pageId = ''] = key.split('/');
    const holding = this.#index.holding(appId, pageId, () => undefined);
    return holding.kind === 'held' ? holding.page : undefined;
  }
}

function textOf(page: MessengerPage | undefined): string {
  return page === undefined ? 'nobody' : `${page.metadata.name} ${page.metadata.uid ?? ''}`;
}
