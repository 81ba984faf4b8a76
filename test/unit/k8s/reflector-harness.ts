import { PAGES } from '../../../src/api/kinds.js';
import type { KubeObject } from '../../../src/api/meta.js';
import type { LogFields, Logger } from '../../../src/kit/log.js';
import type { KubeClient } from '../../../src/k8s/kube-http.js';
import type { ReflectorEvent } from '../../../src/k8s/observer.js';
import type { ReflectorOptions } from '../../../src/k8s/reflector-options.js';
import { Reflector } from '../../../src/k8s/reflector.js';
import { Store } from '../../../src/runtime/store.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { clientOf, ScriptedApi } from './scripted-api.js';

export function object(name: string, resourceVersion: string, color = 'red'): KubeObject {
  return { metadata: { name, namespace: 'bots', uid: `uid-${name}`, resourceVersion, labels: { color } } };
}

export function list(resourceVersion: string, items: readonly KubeObject[], more?: string): object {
  return { metadata: { resourceVersion, ...(more === undefined ? {} : { continue: more }) }, items };
}

/** A clock that can wait for real sockets between its steps. */
export class SteppedClock extends FakeClock {
  /**
   * Moves on in small steps, letting sockets work after each, until `until` holds or `ms` are over.
   */
  async settle(ms: number, until: () => boolean): Promise<void> {
    const end = this.monotonicMs() + ms;
    const step = Math.max(1, Math.min(100, ms / 50));
    while (!until()) {
      for (let i = 0; i < 4 && !until(); i++) await new Promise((resolve) => setTimeout(resolve, 1));
      if (until() || this.monotonicMs() >= end) return;
      await this.advance(Math.min(step, end - this.monotonicMs()));
    }
  }
}

/** A reflector before a scripted API server. */
export class ReflectorHarness {
  readonly api: ScriptedApi;
  readonly clock = new SteppedClock();
  readonly abort = new AbortController();
  readonly logged: { readonly level: string; readonly message: string; readonly fields: LogFields }[] = [];
  readonly refused: boolean[] = [];
  readonly store: Store<KubeObject>;
  readonly reflector: Reflector<KubeObject>;
  readonly #client: KubeClient;
  readonly #events: ReflectorEvent[] = [];
  running: Promise<void> = Promise.resolve();

  private constructor(api: ScriptedApi, options: Partial<ReflectorOptions<KubeObject>>) {
    this.api = api;
    this.#client = clientOf(api, this.clock);
    const { namespace } = options;
    this.store = options.store ?? new Store({ clock: this.clock, namespaces: namespace === undefined ? undefined : [namespace] });
    const line =
      (level: string) =>
      (message: string, fields: LogFields = {}): void =>
        void this.logged.push({ level, message, fields });
    const log: Logger = { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug'), child: () => log };
    this.reflector = new Reflector({
      client: this.#client,
      resource: PAGES,
      store: this.store,
      clock: this.clock,
      log,
      random: () => 0.5,
      observe: (event) => this.#events.push(event),
      onRefused: (refused) => this.refused.push(refused),
      ...options,
    });
  }

  static async start(options: Partial<ReflectorOptions<KubeObject>> = {}): Promise<ReflectorHarness> {
    return new ReflectorHarness(await new ScriptedApi().start(), options);
  }

  /** Another one with these options instead. */
  async with(options: Partial<ReflectorOptions<KubeObject>>): Promise<ReflectorHarness> {
    await this.stop();
    return ReflectorHarness.start(options);
  }

  run(): void {
    this.running = this.reflector.run(this.abort.signal);
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.running;
    await this.#client.close();
    await this.api.stop();
  }

  async requests(count: number): Promise<void> {
    await eventually(() => this.api.seen.length >= count, 5_000, `request ${count}`);
  }

  /** The version that the last request asked to watch from. */
  versionAsked(): string | null | undefined {
    return this.api.seen.at(-1)?.url.searchParams.get('resourceVersion');
  }

  events(): readonly ReflectorEvent[] {
    return this.#events;
  }

  count(event: ReflectorEvent): number {
    return this.#events.filter((each) => each === event).length;
  }

  names(): string[] {
    return this.store
      .list()
      .map(({ metadata }) => metadata.name)
      .sort();
  }
}
