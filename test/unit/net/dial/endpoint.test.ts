import { describe, expect, it } from '@jest/globals';
import { endpointOf, type Endpoint } from '../../../../src/net/dial/endpoint.js';
import { headerLine } from '../../../../src/net/http1/bot-client.js';

const RULES = { clusterDomain: 'cluster.local', serviceMap: new Map() };

function service(path: string, name = 'bot', namespace = 'bots', port = 5000): Endpoint {
  return endpointOf({ kind: 'service', namespace, name, port, path }, RULES);
}

function url(text: string): Endpoint {
  return endpointOf({ kind: 'url', url: text }, RULES);
}

describe('the head of a request', () => {
  it.each([
    ['a path with a query', '/hook?a=1&b=%0d%0a'],
    ['two slashes', '//elsewhere/'],
    ['a whole URL behind a slash', '/http://elsewhere/'],
  ])('has the path as it is: %s', (_name, path) => {
    expect(service(path).requestHead).toBe(`POST ${path} HTTP/1.1\r\nhost: bot.bots.svc.cluster.local:5000\r\nconnection: keep-alive\r\n`);
  });

  it.each([
    '',
    'hook',
    '*',
    'http://elsewhere/',
    '/a b',
    '/a\r\nX: y',
    '/a\n',
    '/a\r',
    '/a\0',
    '/a\tb',
    '/\x7f',
    '/é',
    '/\u2028',
    '/a HTTP/1.1\r\n\r\n',
  ])('refuses the path %j', (path) => {
    expect(() => service(path)).toThrow('the backend path cannot stand in a request');
  });

  it.each([
    ['bot\r\nX: y', 'bots'],
    ['bot', 'bots\n'],
    ['b t', 'bots'],
    ['b\0t', 'bots'],
  ])('refuses the Service %j in %j', (name, namespace) => {
    expect(() => service('/', name, namespace)).toThrow('the backend host cannot stand in a request');
  });

  it('names no port that is understood', () => {
    expect(service('/', 'bot', 'bots', 80).requestHead).toContain('host: bot.bots.svc.cluster.local\r\n');
    expect(url('https://bot.example:443/').requestHead).toContain('host: bot.example\r\n');
    expect(url('https://bot.example:8443/').requestHead).toContain('host: bot.example:8443\r\n');
    expect(url('https://[2606:4700::1]/').requestHead).toContain('host: [2606:4700::1]\r\n');
  });

  it.each([
    ['https://bot.example/a\r\nX: y', 'POST /aX:%20y HTTP/1.1'],
    ['https://bot.example/a?b\nc#d', 'POST /a?bc HTTP/1.1'],
    ['https://bot.example/é ü?ß', 'POST /%C3%A9%20%C3%BC?%C3%9F HTTP/1.1'],
    ['https://bot.example/%0d%0a', 'POST /%0d%0a HTTP/1.1'],
    ['https://bot.example', 'POST / HTTP/1.1'],
  ])('of the URL %j is %j, three lines', (text, first) => {
    const lines = url(text).requestHead.split('\r\n');

    expect(lines).toEqual([first, 'host: bot.example', 'connection: keep-alive', '']);
    expect(lines.join('')).not.toMatch(/[\r\n]/);
  });

  it.each(['http://bot.example/', 'https://u@bot.example/', 'https://:p@bot.example/', 'ftp://bot.example/', '/hook', '', 'https://'])(
    'is not made of the URL %j',
    (text) => {
      expect(() => url(text)).toThrow(/^the backend URL /);
    },
  );
});

describe('headerLine', () => {
  it('is a name, a value and the end of the line', () => {
    expect(headerLine('x-a', 'b c\t"d"')).toBe('x-a: b c\t"d"\r\n');
    expect(headerLine('x-a', '')).toBe('x-a: \r\n');
  });

  it.each(['\r', '\n', '\r\n', '\0', '\x7f', '\x1b', 'é', '\u010d\u010a', '\u2028'])('refuses a value with %j', (char) => {
    for (const value of [char, `a${char}`, `${char}b`, `a${char}X: y`]) expect(() => headerLine('x-a', value)).toThrow('x-a');
  });
});
