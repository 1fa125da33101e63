import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http, { type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packFiles } from '@/lib/cache/pack';
import { answerPacked } from '@/lib/cache/packed';
import { listen } from '../support/listen';

const script = `const words = ${JSON.stringify('the quick brown fox '.repeat(200))};`;
const style = 'p{margin:0}'.repeat(300);
let folder: string;
let server: http.Server;
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'mailroom-packed-'));
  mkdirSync(path.join(folder, 'static', 'chunks'), { recursive: true });
  writeFileSync(path.join(folder, 'static', 'chunks', 'a-1~.js'), script);
  writeFileSync(path.join(folder, 'static', 'chunks', 'b.css'), style);
  writeFileSync(path.join(folder, 'static', 'chunks', 'c.woff2'), 'a font');
  writeFileSync(path.join(folder, 'secret.js'), 'nobody may read this');
  await packFiles(folder);
  writeFileSync(path.join(folder, 'static', 'new.js'), 'not packed');
  const before = answerPacked(path.join(folder, 'static'), 1_000_000);
  server = http.createServer(before((_request, response) => response.end('next')));
  ({ port } = await listen(server));
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

type Answer = { headers: IncomingHttpHeaders; body: Buffer };

function get(address: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // As it is written: no client tidies it up.
    const request = http.request({ host: '127.0.0.1', port, path: address, headers, method, agent: false });
    request.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.end();
  });
}

const asBrowsersDo = { 'accept-encoding': 'gzip, deflate, br, zstd' };

describe('packed files of the build', () => {
  it.each([
    ['/_next/static/chunks/a-1~.js', script, /^application\/javascript; charset=utf-8$/i],
    ['/_next/static/chunks/a-1~.js?dpl=1', script, /^application\/javascript; charset=utf-8$/i],
    ['/_next/static/chunks/b.css', style, /^text\/css; charset=utf-8$/i],
  ])('%s comes packed, is what was built, and may be kept for ever', async (address, text, type) => {
    for (let visit = 0; visit < 2; visit += 1) {
      const { headers, body } = await get(address, asBrowsersDo);
      expect(brotliDecompressSync(body).toString()).toBe(text);
      expect(body.length).toBeLessThan(text.length / 4);
      expect(headers['content-type']).toMatch(type);
      expect(headers['content-encoding']).toBe('br');
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-length']).toBe(String(body.length));
      expect(headers.vary).toBe('Accept-Encoding');
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    }
  });

  it('tells who asks for the head alone the same without the octets', async () => {
    const { headers, body } = await get('/_next/static/chunks/b.css', asBrowsersDo, 'HEAD');
    expect(body.length).toBe(0);
    expect(Number(headers['content-length'])).toBeGreaterThan(10);
  });

  it.each<[string, string, Record<string, string>, string?]>([
    ['who takes no Brotli', '/_next/static/chunks/a-1~.js', { 'accept-encoding': 'gzip' }],
    ['who names no way', '/_next/static/chunks/a-1~.js', {}],
    ['who refuses Brotli', '/_next/static/chunks/a-1~.js', { 'accept-encoding': 'br;q=0, gzip' }],
    ['a part of a file', '/_next/static/chunks/a-1~.js', { ...asBrowsersDo, range: 'bytes=0-9' }],
    ['another method', '/_next/static/chunks/a-1~.js', asBrowsersDo, 'POST'],
    ['a file that came after the build', '/_next/static/new.js', asBrowsersDo],
    ['a file that there is not', '/_next/static/chunks/none.js', asBrowsersDo],
    ['another kind of file', '/_next/static/chunks/c.woff2', asBrowsersDo],
    ['the packed file by its own name', '/_next/static/chunks/a-1~.js.br', asBrowsersDo],
    ['a way up', '/_next/static/../secret.js', asBrowsersDo],
    ['a way up in disguise', '/_next/static/%2e%2e/secret.js', asBrowsersDo],
    ['a way up with another slash', '/_next/static/..\\secret.js', asBrowsersDo],
    ['a page', '/blog', asBrowsersDo],
  ])('leaves %s to Next', async (_what, address, headers, method) => {
    expect((await get(address, headers, method)).body.toString()).toBe('next');
  });
});
