import type { Server } from 'node:net';

/** Has a server listen on a free port of this machine; answers its address. */
export async function listen(server: Server): Promise<{ port: number; base: string }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, base: `http://127.0.0.1:${address.port}` };
}
