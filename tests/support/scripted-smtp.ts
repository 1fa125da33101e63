import net from 'node:net';
import { listen } from './listen';

/** What a scripted server does at a command; the default is to say yes. `n` counts letters (MAIL commands) from 1. */
export type Script = {
  greeting?: string | ((socket: net.Socket, connection: number) => void);
  ehlo?: string;
  /** By verb (`mail`, `rcpt`, `data`, `dot`, `starttls`, `auth` …; `other` for the rest): a reply, or what to do with the socket. */
  on?: Record<string, (context: Context) => Said>;
};
/** A reply, perhaps later; '': none, and it goes on with what follows; nothing: the script says something itself, or is silent. */
type Said = string | undefined | Promise<string>;
type Context = {
  line: string;
  n: number;
  connection: number;
  socket: net.Socket;
  /** What has come behind this line, or behind the final dot. */
  behind: string;
  /** Loses that. */
  loseBehind(): void;
};

export type ScriptedServer = {
  port: number;
  /** Bodies as they came, dots unstuffed. */
  letters: string[];
  recipients: string[];
  commands: string[];
  /** What was said after each DATA that was granted and then not ended. */
  unfinished: string[];
  connections(): number;
  /** Drops every open connection. */
  disconnect(): void;
  close(): Promise<void>;
};

/** An SMTP server on loopback that misbehaves as told. */
export async function scriptedSmtp(script: Script = {}): Promise<ScriptedServer> {
  const letters: string[] = [];
  const recipients: string[] = [];
  const commands: string[] = [];
  const unfinished: string[] = [];
  const sockets = new Set<net.Socket>();
  let connections = 0;
  let n = 0;
  const server = net.createServer({ noDelay: true }, (socket) => {
    const connection = ++connections;
    sockets.add(socket);
    socket.on('error', () => {});
    let buffer = '';
    let inData = false;
    let isDeciding = false;
    let recipient = '';
    socket.on('close', () => {
      sockets.delete(socket);
      if (inData) unfinished.push(buffer);
    });
    const say = (text: string) => {
      if (!socket.destroyed) socket.write(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1');
    };
    if (typeof script.greeting === 'function') script.greeting(socket, connection);
    else say(script.greeting ?? '220 scripted ESMTP');
    const loseBehind = () => {
      buffer = '';
    };
    const said = (verb: string, line: string, otherwise: string): Said => {
      const custom = script.on?.[verb.toLowerCase()];
      return custom ? custom({ line, n, connection, socket, behind: buffer, loseBehind }) : otherwise;
    };
    const answer = (verb: string, line: string, otherwise: string): string => {
      const reply = said(verb, line, otherwise);
      if (typeof reply !== 'string') return '';
      if (reply !== '') say(reply);
      return reply;
    };
    /** Commands behind a dot wait until it is answered, as anywhere: where it never is, for ever. */
    const decide = (body: string) => {
      const reply = said('DOT', body, '250 2.0.0 taken');
      isDeciding = true;
      if (reply !== undefined) void Promise.resolve(reply).then((text) => decided(body, text));
    };
    const decided = (body: string, reply: string) => {
      if (reply.startsWith('250') && body !== '') {
        letters.push(body.replace(/^\.\./gm, '.'));
        recipients.push(recipient);
      }
      if (reply !== '') say(reply);
      isDeciding = false;
      take();
    };
    const take = () => {
      while (!isDeciding && !socket.destroyed) {
        if (inData) {
          const end = buffer.startsWith('.\r\n') ? 0 : buffer.indexOf('\r\n.\r\n');
          if (end === -1) return;
          const body = end === 0 ? '' : buffer.slice(0, end + 2);
          buffer = buffer.slice(end === 0 ? 3 : end + 5);
          inData = false;
          decide(body);
          return;
        }
        const end = buffer.indexOf('\r\n');
        if (end === -1) return;
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        commands.push(line);
        const verb = (/^[A-Za-z]+/.exec(line)?.[0] ?? '').toUpperCase();
        if (verb === 'EHLO')
          answer('EHLO', line, script.ehlo ?? '250-scripted\r\n250-PIPELINING\r\n250 8BITMIME');
        else if (verb === 'MAIL') {
          n++;
          answer('MAIL', line, '250 2.1.0 ok');
        } else if (verb === 'RCPT') {
          recipient = /<(.*)>/.exec(line)?.[1] ?? '';
          answer('RCPT', line, '250 2.1.5 ok');
        } else if (verb === 'DATA') inData = answer('DATA', line, '354 go on').startsWith('354');
        else if (verb === 'QUIT') {
          say('221 bye');
          socket.end();
        } else answer(script.on?.[verb.toLowerCase()] ? verb : 'other', line, '250 ok');
      }
    };
    socket.on('data', (chunk) => {
      buffer += chunk.toString('latin1');
      take();
    });
  });
  const { port } = await listen(server);
  return {
    port,
    letters,
    recipients,
    commands,
    unfinished,
    connections: () => connections,
    disconnect: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
