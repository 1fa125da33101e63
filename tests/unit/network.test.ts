import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseEnv } from '@/lib/env';

const { addressOf, isLoopback, networkOf, peerHeader } = await import('@/lib/auth/network');

function request(peer: string | null, headers: Record<string, string> = {}) {
  return new Headers({ ...(peer ? { [peerHeader()]: peer } : {}), host: 'localhost:3000', ...headers });
}

describe('who a request comes from', () => {
  it('is the socket, whatever the visitor claims', () => {
    expect(addressOf(request('203.0.113.9', { 'x-forwarded-for': '198.51.100.1' }))).toBe('203.0.113.9');
    expect(addressOf(request('::ffff:203.0.113.9'))).toBe('203.0.113.9');
  });

  it('is nobody where no socket is known and no proxy is trusted', () => {
    expect(addressOf(request(null, { 'x-forwarded-for': '198.51.100.1' }))).toBeNull();
    expect(networkOf(request(null, { 'x-forwarded-for': '198.51.100.1' }))).toBe('unknown');
  });

  it('counts an IPv4 address, or the /64 of an IPv6 one, as one visitor', () => {
    expect(networkOf(request('203.0.113.9'))).toBe('203.0.113.9');
    expect(networkOf(request('2001:db8:1:2:3:4:5:6'))).toBe(networkOf(request('2001:db8:1:2::99')));
    expect(networkOf(request('2001:db8:1:2::1'))).not.toBe(networkOf(request('2001:db8:1:3::1')));
  });
});

describe('with proxies trusted', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });

  async function trusting(proxies: string) {
    vi.stubEnv('TRUSTED_PROXIES', proxies);
    vi.resetModules();
    return import('@/lib/auth/network');
  }

  it('is the nearest address that no trusted proxy has', async () => {
    const trusted = await trusting('10.0.0.0/8, 192.0.2.1');
    const hops = { 'x-forwarded-for': '1.1.1.1, 198.51.100.7, 192.0.2.1' };
    expect(trusted.addressOf(request('10.1.2.3', hops))).toBe('198.51.100.7');
    expect(trusted.addressOf(request('203.0.113.9', hops))).toBe('203.0.113.9');
  });

  it('is the first one named where the platform writes the header itself', async () => {
    const trusted = await trusting('*');
    expect(trusted.addressOf(request(null, { 'x-forwarded-for': '198.51.100.7' }))).toBe('198.51.100.7');
  });

  it.each(['1', 'true', '10.0.0.0/33', '10.0.0/8', 'proxy.example', '10.0.0.1;10.0.0.2', '::1/129'])(
    'is no guess: the start stops where they are written as %s',
    (proxies) => {
      expect(() => parseEnv({ TRUSTED_PROXIES: proxies })).toThrow(/TRUSTED_PROXIES: must be/);
    },
  );

  it.each(['*', '127.0.0.1', '10.0.0.0/8, 192.0.2.1', 'fd00::/8,::1'])('may be written as %s', (proxies) => {
    expect(parseEnv({ TRUSTED_PROXIES: proxies }).TRUSTED_PROXIES).toBe(proxies);
  });
});

describe('a request from this very machine', () => {
  it('comes over loopback, to a loopback name', () => {
    expect(isLoopback(request('127.0.0.1'))).toBe(true);
    expect(isLoopback(request('::1', { host: '[::1]:3000', 'x-forwarded-for': '::1' }))).toBe(true);
    expect(isLoopback(request('::ffff:127.0.0.1'))).toBe(true);
  });

  it.each([
    ['from elsewhere', '203.0.113.9', {}],
    ['from nobody knows where', null, {}],
    ['through a proxy beside the app', '127.0.0.1', { 'x-forwarded-for': '203.0.113.9' }],
    ['through a proxy that says so otherwise', '127.0.0.1', { forwarded: 'for=203.0.113.9' }],
    ['to a foreign name that points here', '127.0.0.1', { host: 'rebound.example' }],
    ['to a foreign name, forwarded', '127.0.0.1', { 'x-forwarded-host': 'mail.example.org' }],
  ])('is none %s', (_, peer, headers) => {
    expect(isLoopback(request(peer, headers as Record<string, string>))).toBe(false);
  });

  it('is none where the app has a public address: its proxy may pass on nothing of whom it speaks for', async () => {
    vi.stubEnv('APP_URL', 'https://mail.example.org');
    vi.resetModules();
    const open = await import('@/lib/auth/network');
    const headers = new Headers({ [open.peerHeader()]: '127.0.0.1', host: 'localhost:3000' });
    expect(open.isLoopback(headers)).toBe(false);
    vi.unstubAllEnvs();
    vi.resetModules();
  });
});
