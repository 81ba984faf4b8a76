import { createHmac } from 'node:crypto';
import { request, type Agent } from 'node:http';

export interface SendTo {
  readonly port: number;
  readonly secret: string;
  readonly agent?: Agent;
}

/** One signed POST to the webhook. @returns the status; 0 when no whole answer came within 10 s */
export function send({ port, secret, agent }: SendTo, body: string | Buffer): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
  return new Promise((resolve) => {
    const sent = request(
      { host: '127.0.0.1', port, path: '/webhooks/messenger', method: 'POST', headers, ...(agent === undefined ? {} : { agent }) },
      (response) => {
        response.resume();
        response.on('error', () => undefined);
        response.on('close', () => {
          resolve(response.complete ? (response.statusCode ?? 0) : 0);
        });
      },
    );
    sent.setTimeout(10_000, () => sent.destroy());
    sent.on('error', () => {
      resolve(0);
    });
    sent.end(body);
  });
}
