import { Registry } from 'prom-client';
import { ControllerMetrics } from './controller-metrics.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { GraphMetrics } from './graph-metrics.js';
import { KubeMetrics } from './kube-metrics.js';
import { PagesApiMetrics } from './pages-api-metrics.js';
import { ProcessMetrics } from './process-metrics.js';
import { QueueMetrics } from './queue-metrics.js';
import { ReflectorMetrics } from './reflector-metrics.js';
import { WebhookMetrics } from './webhook-metrics.js';

/** Every concern besides the process itself. */
export const CONCERNS = [
  ControllerMetrics,
  QueueMetrics,
  ReflectorMetrics,
  KubeMetrics,
  GraphMetrics,
  WebhookMetrics,
  DeliveryMetrics,
  PagesApiMetrics,
] as const;

/**
 * One class a concern, over one registry of this process. A concern is registered when it is first
 * asked for.
 */
export class Metrics {
  /** Of the text below. */
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly registry = new Registry();
  readonly process: ProcessMetrics;
  readonly #made = new Map<unknown, unknown>();

  constructor(version: string) {
    this.process = new ProcessMetrics(this.registry, version);
  }

  /** The metrics as Prometheus reads them. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  get controller(): ControllerMetrics {
    return this.#once(ControllerMetrics);
  }

  get queue(): QueueMetrics {
    return this.#once(QueueMetrics);
  }

  get reflector(): ReflectorMetrics {
    return this.#once(ReflectorMetrics);
  }

  get kube(): KubeMetrics {
    return this.#once(KubeMetrics);
  }

  get graph(): GraphMetrics {
    return this.#once(GraphMetrics);
  }

  get webhook(): WebhookMetrics {
    return this.#once(WebhookMetrics);
  }

  get delivery(): DeliveryMetrics {
    return this.#once(DeliveryMetrics);
  }

  get pagesApi(): PagesApiMetrics {
    return this.#once(PagesApiMetrics);
  }

  #once<T>(Concern: new (registry: Registry) => T): T {
    const made = (this.#made.get(Concern) ?? new Concern(this.registry)) as T;
    this.#made.set(Concern, made);
    return made;
  }
}
