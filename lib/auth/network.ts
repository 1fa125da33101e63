import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { appUrl, env } from '@/lib/env';

/** What both kinds of header lists can do. */
type Headers = { get(name: string): string | null };

const store = globalThis as typeof globalThis & { mailroomPeerHeader?: string };

/**
 * The header that carries the socket's address through Next, which shows no sockets and believes any X-Forwarded-For. Its
 * name is random and made when the process starts (`instrumentation.ts`), so nobody outside can send it.
 */
export function peerHeader(): string {
  store.mailroomPeerHeader ??= `x-peer-${crypto.randomUUID()}`;
  return store.mailroomPeerHeader;
}

/** From now on each request of this process carries its socket's address. Called once, by `instrumentation.ts`. */
export function notePeers(): void {
  const header = peerHeader();
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: IncomingMessage };
    request.headers[header] = request.socket.remoteAddress ?? '';
  });
}

/** IPv4 out of its IPv6 clothes, without zone; null for what is no address. */
function plainAddress(text: string | null | undefined): string | null {
  const bare = text
    ?.trim()
    .replace(/^\[|\](:\d+)?$/g, '')
    .replace(/%.*$/, '')
    .toLowerCase();
  if (!bare) return null;
  const mapped =
    /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1] ?? bare.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  return isIP(mapped) ? mapped : null;
}

function trusts(address: string): boolean {
  const list = new BlockList();
  for (const item of env().TRUSTED_PROXIES.split(',')) {
    const [net = '', bits] = item.trim().split('/');
    const version = isIP(net);
    if (!version) continue;
    const family = version === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(net, family);
    else list.addSubnet(net, Number(bits), family);
  }
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/**
 * The address a request came from: the socket's, or, where that is one of `TRUSTED_PROXIES` (addresses and CIDR networks), the
 * nearest one in X-Forwarded-For that is not. `*` is for platforms that write the header themselves and hide the socket.
 * Null when nothing trustworthy says it.
 */
export function addressOf(headers: Headers): string | null {
  const peer = plainAddress(headers.get(peerHeader()));
  const hops = (headers.get('x-forwarded-for') ?? '').split(',').map(plainAddress);
  if (env().TRUSTED_PROXIES.trim() === '*') return hops[0] ?? peer;
  let nearest = peer;
  for (const hop of hops.reverse()) {
    if (!nearest || !hop || !trusts(nearest)) break;
    nearest = hop;
  }
  return nearest;
}

/** What rate limits count as one visitor: an IPv4 address, or the /64 that one IPv6 household has. */
export function networkOf(headers: Headers): string {
  const address = addressOf(headers);
  if (!address) return 'unknown';
  if (isIP(address) === 4) return address;
  const [head = '', tail = ''] = address.split('::');
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  const groups = address.includes('::')
    ? [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right]
    : left;
  return `${groups.slice(0, 4).join(':')}::/64`;
}

const loopbackHost = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i;

const loopbackAddress = (address: string | null) =>
  address === '::1' || (address?.startsWith('127.') ?? false);

/**
 * Did the request start on this very machine? Everything has to say so: the socket, every hop that a proxy noted, and the name
 * that was asked for, so that a reverse proxy beside the app or a foreign name pointing here does not look like the owner. Where
 * `APP_URL` names a public address nobody is: a proxy may tell the app nothing of whom it speaks for.
 */
export function isLoopback(headers: Headers): boolean {
  if (!loopbackHost.test(new URL(appUrl()).host)) return false;
  if (!loopbackAddress(plainAddress(headers.get(peerHeader())))) return false;
  if (headers.get('forwarded') || headers.get('via') || headers.get('x-real-ip')) return false;
  const hops = headers.get('x-forwarded-for')?.split(',') ?? [];
  if (!hops.every((hop) => loopbackAddress(plainAddress(hop)))) return false;
  return [headers.get('host'), headers.get('x-forwarded-host')]
    .filter((host) => host !== null)
    .every((host) => loopbackHost.test(host));
}
