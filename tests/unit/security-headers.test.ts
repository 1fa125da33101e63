import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { themeScript } from '@/components/layout/theme-script';
import { isForeign } from '@/lib/auth/foreign';
import {
  headerRules,
  letterStyleHash,
  publicPolicy,
  strictTransport,
  themeScriptHash,
  workspacePolicy,
} from '@/lib/security-headers';
import { letterStyle } from '@/lib/sending/compose';

const workspace = (nonce: string, { isDevelopment = false, hasBlob = false } = {}) =>
  workspacePolicy(nonce, { isDevelopment, hasBlob });
const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

describe('content security policies', () => {
  it('name the script that sets the theme, and the style sheet of every letter', () => {
    expect(themeScriptHash).toBe(hashOf(themeScript));
    expect(letterStyleHash).toBe(hashOf(letterStyle));
    expect(workspace('a')).toContain(themeScriptHash);
    expect(workspace('a')).toContain(letterStyleHash);
  });

  it('let nobody evaluate text as a script, but the development server', () => {
    for (const policy of [workspace('a'), publicPolicy(false)]) expect(policy).not.toContain('unsafe-eval');
    for (const policy of [workspace('a', { isDevelopment: true }), publicPolicy(true)])
      expect(policy).toContain("'unsafe-eval'");
  });

  it('let the browser send pictures to Vercel Blob only where that is set up', () => {
    expect(workspace('a')).toContain("connect-src 'self';");
    expect(workspace('a', { hasBlob: true })).toContain("connect-src 'self' https://vercel.com/api/blob ");
  });

  it('have the nonce in the first directive about scripts, where Next looks for it', () => {
    const first = workspace('abc')
      .split('; ')
      .find((directive) => directive.startsWith('script-src'));
    expect(first).toContain("'nonce-abc'");
  });
});

it('https is promised only where links are made with it', () => {
  const promise = (isSecure: boolean) =>
    JSON.stringify(headerRules({ isDevelopment: false, isSecure })).includes(strictTransport);
  expect([promise(true), promise(false)]).toEqual([true, false]);
});

describe('a request that changes something', () => {
  const session = 'other=1; mailroom.session=abc';
  const here = { host: 'localhost:3000' };
  it.each([
    ['comes from here: the browser says so', { 'sec-fetch-site': 'same-origin', cookie: session }, false],
    ['comes from here: its origin is ours', { origin: 'http://localhost:3000', cookie: session }, false],
    [
      'comes from here, through a proxy',
      { origin: 'https://mail.example', 'x-forwarded-host': 'mail.example', cookie: session },
      false,
    ],
    ['comes from a script that has no session', {}, false],
    ['shows a session and says nothing of where it comes from', { cookie: session }, true],
    ['comes from another site', { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:3000' }, true],
    ['comes from a neighbour', { 'sec-fetch-site': 'same-site', origin: 'http://localhost:3000' }, true],
    ['names another origin', { origin: 'https://elsewhere.example' }, true],
    ['names another port', { origin: 'http://localhost:3001' }, true],
    ['names no origin on purpose', { origin: 'null' }, true],
  ])('%s', (_, headers, foreign) => {
    expect(isForeign(new Headers({ ...here, ...headers }))).toBe(foreign);
  });
});
