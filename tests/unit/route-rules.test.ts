import { readdirSync } from 'node:fs';
import path from 'node:path';
import { unstable_doesMiddlewareMatch as matches } from 'next/experimental/testing/server';
import { describe, expect, it } from 'vitest';
import { landingPath, ruleFor, safeNext, workspaceAreas } from '@/lib/auth/route-rules';
import { config } from '@/middleware';
import { foreignAddresses, oddAddresses } from '@/tests/support/foreign-addresses';

const goesThrough = (url: string) => matches({ config, url, nextConfig: {} });

describe('what an address asks of its visitor', () => {
  it.each([
    ['/', null],
    ['/blog/welcome', null],
    ['/login', null],
    ['/outbox', null],
    ['/clientsandmore', null],
    ['/dashboard', { staff: false, owned: null }],
    ['/clients', { staff: false, owned: null }],
    ['/clients/new', { staff: false, owned: null }],
    ['/clients/import', { staff: false, owned: null }],
    ['/clients/7', { staff: false, owned: { entity: 'client', verb: 'read', ids: [7] } }],
    ['/clients/7/', { staff: false, owned: { entity: 'client', verb: 'read', ids: [7] } }],
    ['/clients/7/edit', { staff: false, owned: { entity: 'client', verb: 'change', ids: [7] } }],
    ['/messages/7', { staff: false, owned: { entity: 'message', verb: 'read', ids: [7] } }],
    ['/messages/7/edit', { staff: false, owned: { entity: 'message', verb: 'change', ids: [7] } }],
    ['/mailings/7', { staff: false, owned: { entity: 'mailing', verb: 'read', ids: [7] } }],
    ['/mailings/7/edit', { staff: false, owned: { entity: 'mailing', verb: 'change', ids: [7] } }],
    ['/mailings/7/runs', { staff: false, owned: { entity: 'mailing', verb: 'read', ids: [7] } }],
    ['/mailings/7/runs/8', { staff: false, owned: { entity: 'run', verb: 'read', ids: [7, 8] } }],
    ['/attempts/9', { staff: false, owned: { entity: 'attempt', verb: 'read', ids: [9] } }],
    ['/manage', { staff: true, owned: null }],
    ['/manage/posts/3', { staff: true, owned: null }],
  ])('%s', (address, rule) => {
    expect(ruleFor(address)).toEqual(rule);
  });

  it('the middleware sees everything of the workspace, bare and in both languages, and no public page', () => {
    for (const area of workspaceAreas)
      for (const prefix of ['', '/ru', '/en'])
        for (const rest of ['', '/7', '/7/edit', '/7/runs/8?page=2'])
          expect(goesThrough(`${prefix}/${area}${rest}`), `${prefix}/${area}${rest}`).toBe(true);
    for (const address of [
      '/',
      '/ru',
      '/blog',
      '/ru/blog/a',
      '/login',
      '/register',
      '/verify-email',
      '/outboxes',
      '/api/health',
    ])
      expect(goesThrough(address), address).toBe(false);
  });

  it('no page of the workspace or of the managers is left out of the table', () => {
    const root = path.join(import.meta.dirname, '../../app/[locale]');
    const pages = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => /^\((workspace|staff)\)\/.*page\.tsx$/.test(file))
      .map((file) => path.dirname(file).split('/'))
      .map((parts) => `/${parts.filter((part) => !part.startsWith('(')).join('/')}`)
      .map((address) => address.replace(/\[[^\]]+\]/g, '7'));
    expect(pages.length).toBeGreaterThan(0);
    // Letters of the system are read there before anybody has signed in; the page asks for itself.
    for (const page of pages.filter((address) => !address.startsWith('/outbox')))
      expect(ruleFor(page), page).not.toBeNull();
  });
});

describe('where sign-in leads', () => {
  it.each(['/clients', '/mailings/7?tab=runs', '/ru/settings', '/clients?q=%2F%2Fevil.example'])(
    'back to %s',
    (next) => {
      expect(safeNext(next)).toBe(next);
    },
  );

  it.each([
    ...foreignAddresses,
    'evil.example',
    '/ru//evil.example',
    '/ru/\\evil.example',
    '/ru/..//evil.example',
    '',
    undefined,
    null,
    ['/clients'],
    `/${'a'.repeat(3000)}`,
  ])('nowhere else: %j', (next) => {
    expect(safeNext(next)).toBeNull();
    expect(landingPath(next, 'en', 'en')).toBe('/dashboard');
    expect(landingPath(next, 'ru', 'en')).toBe('/ru/dashboard');
  });

  it.each(oddAddresses)('to a page of ours, if anywhere: %j', (next) => {
    for (const locale of ['en', 'ru'] as const) {
      const path = landingPath(next, locale, 'en');
      expect(path).toMatch(/^\/(?![/\\])/);
      // However the browser reads it, also after decoding it once more than it should.
      for (const read of [path, decodeURIComponent(path)])
        expect(new URL(read, 'https://mailroom.example').origin).toBe('https://mailroom.example');
    }
  });

  it('in the language of the profile, whatever the address was asked in', () => {
    expect(landingPath('/ru/clients?q=a', 'en', 'en')).toBe('/clients?q=a');
    expect(landingPath('/clients?q=a', 'ru', 'en')).toBe('/ru/clients?q=a');
    expect(landingPath('/clients', 'ru', 'ru')).toBe('/clients');
    expect(landingPath(undefined, 'en', 'ru')).toBe('/en/dashboard');
  });
});
