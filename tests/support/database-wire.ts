import net from 'node:net';
import { listen } from './listen';

/** A statement on its way to the server: its text, its parameters as they go over the wire, and each of them as text. */
export type Statement = { query: string; parameters: string; values: (string | null)[] };

/**
 * What becomes of a statement and of its connection. `cut-before`: it never gets there. `ended-before`: nor does it then, but the
 * connection is ended in good order, as by a server that shuts down, instead of being reset. `cut-after`: the server runs it to its end,
 * commits, and its answer reaches nobody. `late`: the connection is cut, and the server gets it all the same when `deliver` is called.
 * `held`: it never gets there, nor what comes behind it, and nobody is told.
 */
export type Fate = 'pass' | 'cut-before' | 'ended-before' | 'cut-after' | 'late' | 'held';

/** A way to PostgreSQL that reads along and cuts a connection at the very statement, before it or after its commit. */
export type DatabaseWire = {
  url: string;
  /** Told of each statement before the server gets it; without one all pass. */
  watch: ((statement: Statement) => Fate) | null;
  /** Told when the server has ended a statement, before its sender hears of it; the answer waits for what this returns. */
  answered: ((statement: Statement) => Promise<void>) | null;
  /** Hands the server what was `late`, and returns when it has answered. */
  deliver(): Promise<void>;
  /** Ends every connection. */
  cut(): void;
  close(): Promise<void>;
};

/** Messages of the protocol that are whole, and the rest. All but the first of an engine begin with a letter. */
function cutMessages(bytes: Buffer, isFirst: boolean): { messages: Buffer[]; rest: Buffer } {
  const messages: Buffer[] = [];
  let from = 0;
  for (let bare = isFirst; ; bare = false) {
    const head = bare ? 0 : 1;
    if (bytes.length < from + head + 4) break;
    const end = from + head + bytes.readInt32BE(from + head);
    if (bytes.length < end) break;
    messages.push(bytes.subarray(from, end));
    from = end;
  }
  return { messages, rest: bytes.subarray(from) };
}

/** The zero-terminated texts a message begins with, and where the last ends. */
function texts(message: Buffer, howMany: number): { found: string[]; end: number } {
  const found: string[] = [];
  let from = 5;
  for (let n = 0; n < howMany; n += 1) {
    const end = message.indexOf(0, from);
    found.push(message.toString('utf8', from, end));
    from = end + 1;
  }
  return { found, end: from };
}

/** The parameters of a Bind whose names end at `from`; all that engines send are texts. */
function valuesOf(message: Buffer, from: number): (string | null)[] {
  let at = from + 2 + 2 * message.readInt16BE(from);
  const count = message.readInt16BE(at);
  at += 2;
  return Array.from({ length: count }, () => {
    const length = message.readInt32BE(at);
    at += 4;
    if (length < 0) return null;
    at += length;
    return message.toString('utf8', at - length, at);
  });
}

const isOf = (kind: string) => (message: Buffer) => message[0] === kind.charCodeAt(0);
const isParse = isOf('P');
const isBind = isOf('B');
const isSync = isOf('S');
const isSimple = isOf('Q');
const isReady = isOf('Z');

/** A wire to the server of `serverUrl`, which does not ask for TLS. */
export async function layDatabaseWire(serverUrl: string): Promise<DatabaseWire> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<net.Socket>();
  const late: (() => Promise<void>)[] = [];
  const listener = net.createServer({ noDelay: true }, (engine) => {
    const server = net.connect({ host: hostname, port: Number(port), noDelay: true });
    for (const socket of [engine, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    let isHeldBack = false;
    let isSilent = false;
    server.on('close', () => engine.destroy());
    engine.on('close', () => {
      if (!isHeldBack) server.destroy();
    });

    const named = new Map<string, string>();
    /** By the number of the answer that ends it. */
    const underWay = new Map<number, Statement & { fate: Fate }>();
    let asked = 0;
    let answers = 0;
    let unread: Buffer = Buffer.alloc(0);
    let isFirst = true;
    engine.on('data', (chunk) => {
      if (isHeldBack || isSilent) return;
      const { messages, rest } = cutMessages(Buffer.concat([unread, chunk]), isFirst);
      unread = rest;
      for (const [index, message] of messages.entries()) {
        if (isFirst) asked += 1;
        else if (isParse(message)) {
          const [name = '', query = ''] = texts(message, 2).found;
          named.set(name, query);
        } else if (isSync(message) || isSimple(message)) asked += 1;
        else if (isBind(message)) {
          const { found, end } = texts(message, 2);
          const statement = {
            query: named.get(found[1] ?? '') ?? '',
            parameters: message.toString('latin1', end),
            values: valuesOf(message, end),
          };
          const fate = wire.watch?.(statement) ?? 'pass';
          if (fate === 'held') {
            isSilent = true;
            return;
          }
          if (fate === 'cut-before') return engine.resetAndDestroy();
          if (fate === 'ended-before') return engine.destroy();
          underWay.set(asked + 1, { ...statement, fate });
          if (fate === 'late') {
            isHeldBack = true;
            engine.resetAndDestroy();
            const held = messages.slice(index);
            late.push(
              () =>
                new Promise((resolve) => {
                  server.once('close', () => resolve());
                  for (const one of held) server.write(one);
                }),
            );
            return;
          }
        }
        isFirst = false;
        server.write(message);
      }
    });

    let unheard: Buffer = Buffer.alloc(0);
    let turn = Promise.resolve();
    server.on('data', (chunk) => {
      const { messages, rest } = cutMessages(Buffer.concat([unheard, chunk]), false);
      unheard = rest;
      for (const message of messages) turn = turn.then(() => hear(message));
    });
    const hear = async (message: Buffer) => {
      const statement = underWay.get(answers + 1);
      if (isReady(message)) {
        answers += 1;
        if (statement?.fate === 'cut-after' || statement?.fate === 'late') {
          engine.resetAndDestroy();
          server.destroy();
          return;
        }
        if (statement) await wire.answered?.(statement);
      }
      if (statement?.fate !== 'cut-after' && !engine.destroyed) engine.write(message);
    };
  });
  const own = await listen(listener);
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String(own.port);
  const wire: DatabaseWire = {
    url: url.href,
    watch: null,
    answered: null,
    async deliver() {
      for (const hand of late.splice(0)) await hand();
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        wire.cut();
        listener.close(() => resolve());
      }),
  };
  return wire;
}
