import type { IncomingMessage } from 'node:http';
import { Params } from './params.js';

export const MAX_BODY = 8 * 1024 * 1024;

/** Reads the whole body. @throws RangeError over 8 MiB. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new RangeError(`the body is larger than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Parameters out of a body by its content type: JSON, a form, or a multipart form (its text parts).
 */
export function bodyParams(contentType: string, body: Buffer): Params {
  if (body.length === 0) return new Params();
  const text = body.toString('utf8');
  if (contentType.startsWith('multipart/form-data')) return multipart(contentType, text);
  if (contentType.startsWith('application/json') || /^\s*[{[]/.test(text)) {
    try {
      return Params.fromObject(JSON.parse(text));
    } catch {
      return new Params();
    }
  }
  return Params.fromForm(text);
}

function multipart(contentType: string, text: string): Params {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (boundary === undefined) return new Params();
  const values = text.split(`--${boundary}`).flatMap((part): [string, unknown][] => {
    const end = part.indexOf('\r\n\r\n');
    const name = /;\s*name="([^"]*)"/i.exec(part.slice(0, Math.max(0, end)))?.[1];
    return end < 0 || name === undefined ? [] : [[name, part.slice(end + 4).replace(/\r\n$/, '')]];
  });
  return new Params(values);
}
