import net from 'node:net';
import { hostname } from 'node:os';
import tls from 'node:tls';
import { responseMax, type SenderTrouble, serverWords, type WaitCode } from './letter';
import { Octets } from './octets';

/*
 * One SMTP connection (RFC 5321): socket, TLS, sign-in, and replies read one after the other. What letters mean is `smtp.ts`.
 */

export type SmtpSettings = {
  host: string;
  port: number;
  /** `smtps`: TLS from the first octet. Otherwise STARTTLS. */
  implicitTls: boolean;
  /** `off`: never, for a relay in a private network that was named so (`smtp://relay:25?tls=off`). */
  tls: 'required' | 'off';
  user: string | null;
  password: string | null;
  /** Connections that are open at once, at most. */
  connections: number;
  /** For one reply, to its last character, however slowly it drips. */
  timeoutMs: number;
  /** A certificate authority besides those that Node knows, PEM. */
  ca?: string;
};

/** What the server said. Most replies are only looked at for their code, so the rest is worked out when asked for. */
export class Reply {
  constructor(
    readonly code: number,
    readonly lines: string[],
    private readonly secret: string | null,
  ) {}

  /** On one line, with the code in front; no control characters, never our password: fit to be stored. */
  get text(): string {
    const [first = ''] = this.lines;
    let text =
      this.lines.length === 1
        ? first
        : `${first.slice(0, 3)} ${this.lines.map((line) => line.slice(4)).join(' ')}`;
    const plain = plainWords.test(text);
    if (!plain) text = Buffer.from(text, 'latin1').toString('utf8');
    if (this.secret && text.includes(this.secret)) text = text.replaceAll(this.secret, '…');
    return plain && text.length <= responseMax ? text : serverWords(text);
  }

  /** The status of RFC 3463, such as `4.7.1`. */
  get enhanced(): string | null {
    return enhancedStatus.exec(this.text)?.[1] ?? null;
  }
}

const plainWords = /^[\x20-\x7e]*$/;
const enhancedStatus = /^\d{3} ([245]\.\d{1,3}\.\d{1,3})\b/;

/** The conversation broke: nothing more can be said on this connection. */
export class Broken extends Error {
  constructor(
    readonly waitCode: WaitCode,
    message: string,
    readonly stage: string,
  ) {
    super(message);
  }
}

/** The server refused us, not a letter. */
export class SenderRefused extends Error {
  constructor(
    readonly waitCode: WaitCode,
    readonly reply: Reply,
    readonly stage: string,
  ) {
    super(reply.text);
  }
}

/** What the server said it can do (EHLO). */
type Abilities = {
  pipelining: boolean;
  smtputf8: boolean;
  eightBit: boolean;
  startTls: boolean;
  /** Octets of a letter it takes at most; null = it says no limit. */
  size: number | null;
  auth: string[];
};

/** Characters of one line that are kept; the rest of a longer one is dropped as it comes. */
const lineMax = 4096;
/** Octets of one reply after which it is no reply any more. */
const replyMax = 4 * 1024 * 1024;
const keptMax = 4096;
/** Replies nobody waits for yet. Four are due at most: to RSET or a final dot, MAIL, RCPT and DATA. */
const repliesAhead = 16;

type Waiting = { stage: string; resolve(reply: Reply): void; reject(error: Error): void };

/** Loopback needs no encryption: the letters do not leave the machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (net.isIPv4(host) && host.startsWith('127.'));
}

/** Whether a reply says that we are too fast or too many, rather than something about one letter. */
export function saysSlowDown(reply: Reply): boolean {
  if (reply.code === 421) return true;
  if (reply.code < 400 || reply.code > 499 || !reply.enhanced?.startsWith('4.7.')) return false;
  return /rate|too (many|fast)|throttl|slow|limit|exceed/i.test(reply.text) && !/gr[ea]y/i.test(reply.text);
}

export class Connection {
  abilities: Abilities = noAbilities;
  /** Letters it has taken. */
  letters = 0;
  /** What it said to a MAIL that no content went before: an answer that belongs to no other command. */
  mailSaid = '';
  private socket: net.Socket;
  private ended: Broken | null = null;
  private waiting: Waiting | null = null;
  private replies: Reply[] = [];
  /** The line that is arriving. */
  private partial = '';
  /** Lines of the reply that is arriving. */
  private lines: string[] = [];
  private kept = 0;
  private octets = 0;
  /** By when the awaited reply has to be complete; 0 = nothing is awaited. */
  private deadline = 0;
  private timer: NodeJS.Timeout | null = null;
  /** Memory of letters that have gone. */
  private spare: Octets[] = [];

  private constructor(
    private readonly settings: SmtpSettings,
    { socket, intake }: Line,
  ) {
    this.socket = socket;
    intake.take = (octets, length) => this.read(octets, length);
    this.listen(socket);
  }

  /** Connects, encrypts, signs in. Throws {@link Broken} or {@link SenderRefused}. */
  static async open(settings: SmtpSettings): Promise<Connection> {
    const connection = new Connection(settings, await connectLine(settings));
    try {
      await connection.greet();
    } catch (error) {
      connection.destroy();
      throw error;
    }
    return connection;
  }

  /** Memory to write a letter into. Two are in use at most: of the letter that goes, and of the next one. */
  draft(): Octets {
    const draft = this.spare.pop() ?? new Octets();
    draft.clear();
    return draft;
  }

  /** Sends what stands in a {@link draft}, whose memory serves again once it has gone. */
  writeDraft(draft: Octets): void {
    if (!this.ended) this.socket.write(draft.view(), () => this.dropDraft(draft));
  }

  /** A {@link draft} is not needed any more. */
  dropDraft(draft: Octets): void {
    this.spare.push(draft);
  }

  /** False once either side has closed it. */
  get usable(): boolean {
    return this.ended === null && this.waiting === null && !this.hasUnread;
  }

  /** It said more than it was asked. */
  get hasUnread(): boolean {
    return this.replies.length > 0 || this.partial !== '';
  }

  write(octets: string): void {
    if (!this.ended) this.socket.write(octets, 'latin1');
  }

  /** The next reply. It has to be whole within `timeoutMs` from now. Throws {@link Broken}. */
  reply(stage: string, timeoutMs = this.settings.timeoutMs): Promise<Reply> {
    const ready = this.replies.shift();
    if (ready) return Promise.resolve(ready);
    if (this.ended) return Promise.reject(new Broken(this.ended.waitCode, this.ended.message, stage));
    this.deadline = Date.now() + timeoutMs;
    this.arm(timeoutMs);
    return new Promise((resolve, reject) => {
      this.waiting = { stage, resolve, reject };
    });
  }

  /** Nothing is under way: an idle connection keeps no process alive. */
  rest(): void {
    this.socket.unref();
  }

  wake(): void {
    this.socket.ref();
  }

  /** Says goodbye without waiting for the answer. */
  quit(): void {
    if (!this.ended) this.socket.end('QUIT\r\n');
    this.fail(new Broken('unreachable', 'closed by us', 'quit'));
    const { socket } = this;
    setTimeout(() => socket.destroy(), 1000).unref();
  }

  destroy(): void {
    this.fail(new Broken('unreachable', 'closed by us', 'quit'));
    this.socket.destroy();
  }

  private listen(socket: net.Socket): void {
    socket.on('data', (chunk) => this.read(chunk, chunk.length));
    socket.on('error', (error) =>
      this.fail(new Broken('server_error', `connection lost: ${error.message}`, '')),
    );
    socket.on('end', () => this.fail(new Broken('server_error', 'the server closed the connection', '')));
    socket.on('close', () => this.fail(new Broken('server_error', 'the connection was lost', '')));
  }

  private fail(reason: Broken): void {
    this.ended ??= reason;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    const { waiting } = this;
    this.waiting = null;
    if (waiting) {
      waiting.reject(new Broken(reason.waitCode, reason.message, waiting.stage));
      this.socket.destroy();
    }
  }

  /** One timer a connection, looked at when it fires: cheaper than one a reply. */
  private arm(ms: number): void {
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      if (!this.waiting) return;
      const left = this.deadline - Date.now();
      if (left > 0) this.arm(left);
      else this.fail(new Broken('timeout', 'no answer in time', ''));
    }, ms);
    this.timer.unref();
  }

  /** The first `length` octets of `chunk` have arrived; its memory is used again as soon as this returns. */
  private read(chunk: Buffer, length: number): void {
    this.octets += length;
    let text = chunk.toString('latin1', 0, length);
    if (this.partial) {
      text = this.partial + text;
      this.partial = '';
    }
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      if (!this.line(text.slice(from, text[end - 1] === '\r' && end > from ? end - 1 : end))) return;
      from = end + 1;
    }
    if (from < text.length) {
      this.partial = text.length - from > lineMax ? text.slice(from, from + lineMax) : text.slice(from);
      if (this.partial.length >= 4 && codeOf(this.partial) === 0) this.garbage();
    }
    if (this.octets > replyMax) this.garbage();
  }

  /** False when the conversation is over. */
  private line(line: string): boolean {
    const code = codeOf(line);
    if (code === 0) {
      this.garbage();
      return false;
    }
    if (this.kept < keptMax) {
      this.lines.push(line);
      this.kept += line.length;
    }
    if (line.charAt(3) === '-') return true;
    const reply = new Reply(code, this.lines, this.settings.password);
    this.lines = [];
    this.kept = 0;
    this.octets = 0;
    const { waiting } = this;
    if (waiting) {
      this.waiting = null;
      waiting.resolve(reply);
    } else if (this.replies.length < repliesAhead) {
      this.replies.push(reply);
    } else {
      this.garbage();
      return false;
    }
    return true;
  }

  private garbage(): void {
    this.partial = '';
    this.lines = [];
    const reason = new Broken('garbage', 'the server answered something that is not SMTP', '');
    this.fail(reason);
    this.socket.destroy();
  }

  private async greet(): Promise<void> {
    const greeting = await this.reply('greeting');
    if (greeting.code !== 220)
      throw new SenderRefused(refusedBecause(greeting, 'greeting_refused'), greeting, 'greeting');
    await this.hello();
    const { settings } = this;
    if (!settings.implicitTls && settings.tls === 'required') {
      if (this.abilities.startTls) await this.startTls();
      else if (!isLoopback(settings.host))
        throw new Broken('tls_failed', 'the server offers no encryption (STARTTLS)', 'tls');
    }
    if (settings.user !== null) await this.signIn(settings.user, settings.password ?? '');
  }

  private async hello(): Promise<void> {
    this.write(`EHLO ${ownName(this.socket)}\r\n`);
    const reply = await this.reply('ehlo');
    if (reply.code === 250) {
      this.abilities = readAbilities(reply.lines);
      return;
    }
    if (reply.code !== 500 && reply.code !== 502) {
      throw new SenderRefused(refusedBecause(reply, 'greeting_refused'), reply, 'ehlo');
    }
    this.write(`HELO ${ownName(this.socket)}\r\n`);
    const old = await this.reply('ehlo');
    if (old.code !== 250) throw new SenderRefused(refusedBecause(old, 'greeting_refused'), old, 'ehlo');
    this.abilities = noAbilities;
  }

  private async startTls(): Promise<void> {
    this.write('STARTTLS\r\n');
    const reply = await this.reply('tls');
    if (reply.code !== 220) throw new SenderRefused(refusedBecause(reply, 'tls_failed'), reply, 'tls');
    // Whatever came in the clear behind that reply could have been put there by someone else.
    if (this.replies.length > 0 || this.partial !== '')
      throw new Broken('tls_failed', 'the server spoke before encryption began', 'tls');
    this.socket.removeAllListeners();
    this.socket.on('error', () => {});
    this.socket = await secure(this.settings, this.socket);
    this.listen(this.socket);
    await this.hello();
  }

  /** AUTH PLAIN (RFC 4616) or LOGIN. */
  private async signIn(user: string, password: string): Promise<void> {
    const { auth } = this.abilities;
    if (!auth.includes('PLAIN') && !auth.includes('LOGIN')) {
      const text =
        auth.length > 0 ? `the server offers only ${auth.join(', ')}` : 'the server offers no sign-in';
      throw new Broken('auth_not_offered', serverWords(text), 'auth');
    }
    const encode = (text: string) => Buffer.from(text, 'utf8').toString('base64');
    let reply: Reply;
    if (auth.includes('PLAIN')) {
      this.write(`AUTH PLAIN ${encode(`\0${user}\0${password}`)}\r\n`);
      reply = await this.reply('auth');
    } else {
      this.write('AUTH LOGIN\r\n');
      reply = await this.reply('auth');
      for (const word of [user, password]) {
        if (reply.code !== 334) break;
        this.write(`${encode(word)}\r\n`);
        reply = await this.reply('auth');
      }
    }
    if (reply.code === 235) return;
    throw new SenderRefused(refusedBecause(reply, 'auth_refused'), reply, 'auth');
  }
}

/** The code that a line of a reply begins with; 0 = that is no reply. Looked at for every line, so without a pattern. */
function codeOf(line: string): number {
  const first = line.charCodeAt(0) - 48;
  const second = line.charCodeAt(1) - 48;
  const third = line.charCodeAt(2) - 48;
  if (!(first >= 2 && first <= 5 && second >= 0 && second <= 9 && third >= 0 && third <= 9)) return 0;
  const next = line.charAt(3);
  return next === '' || next === ' ' || next === '-' ? first * 100 + second * 10 + third : 0;
}

const noAbilities: Abilities = {
  pipelining: false,
  smtputf8: false,
  eightBit: false,
  startTls: false,
  size: null,
  auth: [],
};

function readAbilities(lines: string[]): Abilities {
  const found: Abilities = { ...noAbilities };
  for (const line of lines.slice(1)) {
    const [keyword = '', ...rest] = line.slice(4).trim().toUpperCase().split(/[ =]+/);
    if (keyword === 'PIPELINING') found.pipelining = true;
    else if (keyword === 'SMTPUTF8') found.smtputf8 = true;
    else if (keyword === '8BITMIME') found.eightBit = true;
    else if (keyword === 'STARTTLS') found.startTls = true;
    else if (keyword === 'AUTH') found.auth = [...found.auth, ...rest];
    else if (keyword === 'SIZE' && Number(rest[0]) > 0) found.size = Number(rest[0]);
  }
  return found;
}

/** 4xx before a letter means "later"; what it means to be refused for good depends on where it was said. */
function refusedBecause(reply: Reply, lasting: WaitCode): WaitCode {
  if (reply.code === 421 || reply.code === 454 || saysSlowDown(reply)) return 'slow_down';
  if (reply.code >= 400 && reply.code < 500) return 'server_error';
  return lasting;
}

/** What we call ourselves: the machine's full name, or the address literal of RFC 5321 4.1.3. */
function ownName(socket: net.Socket): string {
  const name = hostname();
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(name)) return name;
  const address = socket.localAddress?.replace(/^::ffff:/, '') ?? '127.0.0.1';
  return net.isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`;
}

/** Where octets go that arrive unencrypted. */
type Intake = { take(octets: Buffer, length: number): void };
type Line = { socket: net.Socket; intake: Intake };

/** Octets read at once; replies are much shorter. */
const intakeSize = 16 * 1024;

/**
 * The socket, connected (and encrypted, for `smtps`). Unencrypted octets are read into one piece of memory that is used again:
 * otherwise Node takes a new 64 KB for every reply. Encrypted ones come as `data`.
 */
function connectLine(settings: SmtpSettings): Promise<Line> {
  return new Promise((resolve, reject) => {
    const intake: Intake = { take: () => {} };
    const memory = Buffer.alloc(intakeSize);
    const socket = net.connect({
      host: settings.host,
      port: settings.port,
      noDelay: true,
      keepAlive: true,
      onread: {
        buffer: memory,
        callback: (length) => {
          intake.take(memory, length);
          return true;
        },
      },
    });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Broken('timeout', 'no connection in time', 'connect'));
    }, settings.timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new Broken('unreachable', connectReason(error), 'connect'));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      if (!settings.implicitTls) resolve({ socket, intake });
      else secure(settings, socket).then((encrypted) => resolve({ socket: encrypted, intake }), reject);
    });
  });
}

/** Several addresses tried: the errors stand in `errors`, and the message is empty. */
function connectReason(error: Error): string {
  const inner =
    error instanceof AggregateError ? error.errors.map((each: Error) => each.message).join('; ') : '';
  return serverWords(error.message || inner || 'no connection');
}

/** Encrypts. Certificates are verified, except for STARTTLS on loopback, where nobody can stand between. */
function secure(settings: SmtpSettings, socket: net.Socket): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const encrypted = tls.connect({
      socket,
      ...(net.isIP(settings.host) ? { host: settings.host } : { servername: settings.host }),
      ...(settings.ca ? { ca: [...tls.rootCertificates, settings.ca] } : {}),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: settings.implicitTls || !isLoopback(settings.host),
    });
    const refuse = (message: string, waitCode: WaitCode = 'tls_failed') => {
      clearTimeout(timer);
      encrypted.destroy();
      socket.destroy();
      reject(new Broken(waitCode, serverWords(message), 'tls'));
    };
    const timer = setTimeout(
      () => refuse('the encrypted connection was not made in time'),
      settings.timeoutMs,
    );
    encrypted.once('error', (error) => refuse(error.message));
    encrypted.once('close', () => refuse('the server closed the connection during the TLS handshake'));
    encrypted.once('secureConnect', () => {
      clearTimeout(timer);
      encrypted.removeAllListeners('error');
      encrypted.removeAllListeners('close');
      resolve(encrypted);
    });
  });
}

/** What went wrong before a letter's turn, for the transport as a whole. */
export function troubleOf(error: unknown): SenderTrouble {
  if (error instanceof SenderRefused) return { waitCode: error.waitCode, response: error.reply.text };
  if (error instanceof Broken) return { waitCode: error.waitCode, response: error.message };
  throw error;
}
