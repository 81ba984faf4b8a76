import type { PageAccount } from '../../support/page-world.js';
import { secret } from '../../support/page-manifests.js';
import { configOf, guestsNamespace, movingService, type FaultWorld } from './fault-world.js';
import { GUESTS } from './places.js';

const FEW = ['messages'];
const MORE = ['messages', 'messaging_optins'];
/** How many rounds a page lives that a round has made. */
const LIFE = 3;

/**
 * People and their tools, changing something of every kind in every round; knows what has to hold
 * in the end.
 */
export class Writes {
  readonly #faults: FaultWorld;
  #round = 0;
  /**
   * What the namespace `guests` is allowed, what is in the ConfigMap, where `moving` is, the token
   * of `rotated`.
   */
  guestsAllowed = true;
  config = 0;
  movingPort = 5000;
  rotatedToken: string;
  /** Made by rounds and still there, oldest first. */
  readonly made: PageAccount[] = [];
  /** Pages that are deleted: nothing may be left of them. */
  readonly gone: PageAccount[] = [];

  constructor(faults: FaultWorld) {
    this.#faults = faults;
    this.rotatedToken = faults.special.rotated.token;
  }

  /**
   * Remembers what has to hold now. @returns what makes it hold again, after an older state was
   * restored
   */
  remember(): () => void {
    const { guestsAllowed, config, movingPort, rotatedToken } = this;
    const [made, gone] = [[...this.made], [...this.gone]];
    return () => {
      Object.assign(this, { guestsAllowed, config, movingPort, rotatedToken });
      this.made.splice(0, Infinity, ...made);
      this.gone.splice(0, Infinity, ...gone);
    };
  }

  /** One change of every kind, and a page made and one deleted. */
  async round(): Promise<void> {
    const number = ++this.#round;
    await Promise.all([
      this.#pagesComeAndGo(number),
      this.#pageChanges(number),
      this.#tokenRotates(number),
      this.#dependenciesChange(number),
      this.#appChanges(number),
    ]);
  }

  async #pagesComeAndGo(number: number): Promise<void> {
    const { world } = this.#faults;
    const { account, manifests } = this.#faults.newPage(`made-${number}`);
    await world.apply(...manifests);
    this.made.push(account);
    const oldest = this.made.length > LIFE ? this.made.shift() : undefined;
    if (oldest === undefined) return;
    await world.cluster.admin.delete(world.path(oldest.place));
    await world.cluster.admin.delete(`/api/v1/namespaces/${oldest.place.namespace}/secrets/${oldest.place.name}`);
    this.gone.push(oldest);
  }

  async #pageChanges(number: number): Promise<void> {
    const { world, changing } = this.#faults;
    const { place } = changing[number % changing.length] ?? this.#faults.special.moving;
    await world.patchPage(place, { subscribedFields: number % 2 === 0 ? FEW : MORE });
  }

  /** The old token stays good: that the new one is used is told by its fingerprint. */
  async #tokenRotates(number: number): Promise<void> {
    const { world, special } = this.#faults;
    const { pageId, place } = special.rotated;
    this.rotatedToken = world.newToken(pageId, `rotated-${number}`);
    await world.apply(secret(place, { token: this.rotatedToken }));
  }

  async #dependenciesChange(number: number): Promise<void> {
    const { world } = this.#faults;
    this.guestsAllowed = !this.guestsAllowed;
    this.movingPort = 10_001 - this.movingPort;
    this.config = number;
    await world.apply(movingService(this.movingPort), guestsNamespace(this.guestsAllowed), configOf(number));
  }

  /**
   * A label each time, and now and then what all pages without fields of their own are subscribed
   * to.
   */
  async #appChanges(number: number): Promise<void> {
    const { cluster, app } = this.#faults.world;
    const path = `/apis/messenger-operator.dev/v1alpha1/namespaces/${app.place.namespace}/messengerapps/${app.place.name}`;
    const spec = number % 4 === 0 ? { spec: { pageDefaults: { subscribedFields: number % 8 === 0 ? FEW : MORE } } } : {};
    await cluster.admin.patch(path, { metadata: { labels: { round: String(number) } }, ...spec });
  }

  /** Which page has to be Ready, by namespace. */
  isToBeReady(namespace: string): boolean {
    return namespace !== GUESTS || this.guestsAllowed;
  }
}
