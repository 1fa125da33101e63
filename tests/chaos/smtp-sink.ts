import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { listen } from '../support/listen';

/** How far a letter has come; each is told once for every letter that gets there. */
export type Stage = 'mail' | 'data' | 'dot' | 'accepted' | 'replied';

/** A letter, or one letter of a batch, that the server has taken. */
export type Accepted = {
  recipient: string;
  /** What makes it the same letter: its Message-ID, or the key of its batch. */
  identity: string;
  /** When its last byte was here, milliseconds since 1970. */
  handedOverAt: number;
};

export type Sink = {
  /** Settings that make an engine send here. */
  settings: Record<string, string>;
  accepted: Accepted[];
  /** What the server would never have let pass; nothing of the kind may ever happen. */
  violations: string[];
  /** Told of every stage, with how often it has been reached, before the server goes on. */
  watch: ((stage: Stage, n: number) => void) | null;
  count(stage: Stage): number;
  /** When nobody is connected any more and every letter has been decided. */
  quiet(): Promise<void>;
  close(): Promise<void>;
};

type Options = {
  /** From the final dot to the decision, milliseconds. */
  latencyMs: number;
  /** Whether a whole letter is taken although its sender has gone meanwhile; servers of both kinds exist. */
  takesOrphans: boolean;
};

/** An SMTP server on loopback that takes everything, slowly enough for something to happen meanwhile. */
export async function startSmtpSink({ latencyMs, takesOrphans }: Options): Promise<Sink> {
  const counts: Record<Stage, number> = { mail: 0, data: 0, dot: 0, accepted: 0, replied: 0 };
  const sockets = new Set<net.Socket>();
  let undecided = 0;
  const reach = (stage: Stage) => {
    counts[stage] += 1;
    sink.watch?.(stage, counts[stage]);
  };

  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    let isGone = false;
    socket.on('error', () => {});
    socket.on('close', () => {
      isGone = true;
      sockets.delete(socket);
    });
    const say = (line: string) => {
      if (!socket.destroyed) socket.write(`${line}\r\n`);
    };
    let buffer = '';
    let inData = false;
    let isDeciding = false;
    let recipient = '';
    const decide = async (letter: string) => {
      const handedOverAt = Date.now();
      undecided += 1;
      reach('dot');
      await pause(latencyMs);
      undecided -= 1;
      if (isGone && !takesOrphans) return;
      const identity = /^message-id:\s*(\S+)/im.exec(letter)?.[1] ?? '';
      sink.accepted.push({ recipient, identity, handedOverAt });
      reach('accepted');
      say('250 2.0.0 taken');
      reach('replied');
    };
    const take = () => {
      // Commands behind a dot wait until it is answered, as anywhere.
      while (!isDeciding) {
        if (inData) {
          const end = buffer.indexOf('\r\n.\r\n');
          if (end === -1) return;
          const letter = buffer.slice(0, end + 2);
          buffer = buffer.slice(end + 5);
          inData = false;
          isDeciding = true;
          void decide(letter).then(() => {
            isDeciding = false;
            take();
          });
          return;
        }
        const end = buffer.indexOf('\r\n');
        if (end === -1) return;
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === 'EHLO') say('250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8');
        else if (verb === 'MAIL') {
          reach('mail');
          say('250 2.1.0 ok');
        } else if (verb === 'RCPT') {
          recipient = /<(.*)>/.exec(line)?.[1] ?? '';
          say('250 2.1.5 ok');
        } else if (verb === 'DATA') {
          reach('data');
          inData = true;
          say('354 go on');
        } else if (verb === 'QUIT') {
          say('221 bye');
          socket.end();
        } else say('250 ok');
      }
    };
    say('220 sink ESMTP');
    socket.on('data', (chunk) => {
      buffer += chunk.toString('latin1');
      take();
    });
  });
  const { port } = await listen(server);

  const sink: Sink = {
    settings: { EMAIL_TRANSPORT: 'smtp', SMTP_URL: `smtp://127.0.0.1:${port}?tls=off` },
    accepted: [],
    violations: [],
    watch: null,
    count: (stage) => counts[stage],
    async quiet() {
      while (sockets.size > 0 || undecided > 0) await pause(20);
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return sink;
}
