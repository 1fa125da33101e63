import net from 'node:net';
import { listen } from '../support/listen';

/**
 * A way to PostgreSQL that can be cut, closed and held at any message. `n` counts what engines write to the server, in chunks as
 * they come off the wire.
 */
export type DatabaseProxy = {
  port: number;
  written(): number;
  /** Told before a chunk is passed on. Answers what becomes of it; `undefined` lets it pass. */
  watch: ((n: number) => 'drop' | 'pass-then-cut' | undefined) | null;
  /** Ends every connection now, with nothing said to either side. */
  cut(): void;
  /** While closed, whoever connects is turned away. */
  setOpen(isOpen: boolean): void;
  /** While held, nothing is passed on in either direction, and nobody is told. */
  setHeld(isHeld: boolean): void;
  close(): Promise<void>;
};

/** A proxy in front of the server that listens on `serverPort` of loopback. */
export async function startDatabaseProxy(serverPort: number): Promise<DatabaseProxy> {
  const pairs = new Set<{ engine: net.Socket; server: net.Socket }>();
  let isOpen = true;
  let isHeld = false;
  let written = 0;
  const listener = net.createServer({ noDelay: true }, (engine) => {
    engine.on('error', () => {});
    if (!isOpen) {
      engine.destroy();
      return;
    }
    const server = net.connect({ host: '127.0.0.1', port: serverPort, noDelay: true });
    const pair = { engine, server };
    pairs.add(pair);
    let isFlushing = false;
    const end = () => {
      pairs.delete(pair);
      engine.destroy();
      if (!isFlushing) server.destroy();
    };
    server.on('error', () => {});
    engine.on('close', end);
    server.on('close', end);
    if (isHeld) {
      engine.pause();
      server.pause();
    }
    engine.on('data', (chunk) => {
      written += 1;
      const verdict = proxy.watch?.(written);
      if (verdict === 'drop') return end();
      // Written whole before the connection ends: the server gets it, and its answer reaches nobody.
      if (verdict === 'pass-then-cut') {
        isFlushing = true;
        server.write(chunk, () => {
          isFlushing = false;
          server.destroy();
        });
        return end();
      }
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (!engine.destroyed) engine.write(chunk);
    });
  });
  const { port } = await listen(listener);
  const proxy: DatabaseProxy = {
    port,
    written: () => written,
    watch: null,
    cut() {
      for (const { engine, server } of pairs) {
        engine.destroy();
        server.destroy();
      }
    },
    setOpen(open) {
      isOpen = open;
    },
    setHeld(held) {
      isHeld = held;
      for (const { engine, server } of pairs)
        for (const socket of [engine, server])
          if (held) socket.pause();
          else socket.resume();
    },
    close: () =>
      new Promise((resolve) => {
        proxy.cut();
        listener.close(() => resolve());
      }),
  };
  return proxy;
}
