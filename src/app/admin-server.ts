import { createServer } from 'node:http';
import express from 'express';
import { limitConnections } from '../net/idle-connections.js';
import type { Readiness } from './readiness.js';
import { listenOn } from './listener.js';

/** Metrics as text, in the format that the content type names. */
export interface MetricsSource {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface AdminServerDeps {
  readonly readiness: Pick<Readiness, 'notReady'>;
  /** What goes wrong although the process is ready. */
  readonly degraded: () => readonly string[];
  readonly metrics: MetricsSource | undefined;
  /** What `/debug/NAME` tells, as JSON. Internal: page ids, no secrets. */
  readonly debug: Readonly<Record<string, () => unknown>>;
}

export interface AdminServer {
  /** Resolves with the port. @throws Error with a message for the user when the port is not free */
  listen(port: number, host: string): Promise<number>;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 256;
const LIMITS = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 60_000, maxHeaderSize: 8_192 };

/**
 * `/livez`, `/readyz` (503 with what is not ready), `/metrics` and `/debug/…`, for the kubelet and
 * for operators.
 */
export function createAdminServer({ readiness, degraded, metrics, debug }: AdminServerDeps): AdminServer {
  const app = express().disable('x-powered-by').disable('etag');
  app.use((_request, response, next) => {
    // Probes and scrapes come seldom: none of them keeps a place.
    response.set('connection', 'close');
    next();
  });
  app.get('/livez', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    const waiting = readiness.notReady();
    response.status(waiting.length === 0 ? 200 : 503).type('text/plain');
    response.send(`${waiting.length === 0 ? 'ok\n' : listed('not ready', waiting)}${listed('degraded', degraded())}`);
  });
  app.get('/metrics', async (_request, response) => {
    if (metrics === undefined) response.status(404).end();
    else response.type(metrics.contentType).send(await metrics.text());
  });
  for (const [name, tell] of Object.entries(debug)) {
    app.get(`/debug/${name}`, (_request, response) => {
      response.json(tell());
    });
  }
  app.use((_request, response) => {
    response.status(404).type('text/plain').send('/livez, /readyz, /metrics\n');
  });
  const server = createServer(LIMITS, app);
  limitConnections(server, MAX_CONNECTIONS);
  return {
    listen: (port, host) => listenOn(server, { port, host, flag: '--admin-port' }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function listed(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
}
