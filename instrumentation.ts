import type { IncomingMessage } from 'node:http';

/** Runs once before the server takes requests: notes the socket's address on each, under a name that nobody else can know. */
export async function register() {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return;
  const [{ subscribe }, { peerHeader }] = await Promise.all([
    import('node:diagnostics_channel'),
    import('@/lib/auth/network'),
  ]);
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: IncomingMessage };
    request.headers[peerHeader()] = request.socket.remoteAddress ?? '';
  });
}
