import { createHash } from 'node:crypto';
import { parseAddress } from './address';
import {
  Broken,
  Connection,
  type Reply,
  SenderRefused,
  type SmtpSettings,
  saysSlowDown,
  troubleOf,
} from './connection';
import { type Letter, policyRefusal, type SendResult, type Transport } from './letter';
import { buildMime, writeMime } from './mime';
import type { Octets } from './octets';

/*
 * Letters over SMTP. What it exists for: it knows whether the final dot of a letter was written. Before it everything is safe
 * to repeat; after it, without a whole answer, the outcome is `unknown` (RFC 5321 4.5.3.2.6, RFC 1047).
 *
 * Whom a refusal concerns is told by the command (RFC 5321): RCPT, DATA and the final dot speak of one letter; greeting, EHLO,
 * STARTTLS, AUTH and MAIL of the sender; 421 of the sender, wherever it comes.
 */

/** The answer to the final dot is waited for longer than others: giving up on it leaves a letter unknown. */
const dotPatience = 5;
const dotTimeoutMaxMs = 600_000;
/** Connections that nobody used for so long are closed. */
const idleMs = 30_000;
/** A server that took no more connections is asked for more again after this. */
const limitMs = 60_000;
/** Letters in a row without an answer to their final dot: then the rest is not risked. */
const unknownsMax = 3;

type Job = {
  letter: Letter;
  /** The address as it goes to the wire. */
  recipient: string;
  signal: AbortSignal | undefined;
  /** Connections that broke under it before it was handed over. */
  breaks: number;
  settle(result: SendResult): void;
  /** For our own mistakes: they travel up as they are. */
  fail(error: unknown): void;
};

/** Why a connection broke, and the letter at which it did, unless that one may have been handed over. */
type Break = { job: Job | null; error: Broken | SenderRefused; announcedAhead: boolean };

/** Where a conversation has its letters from. */
type Letters = {
  /** The next one to send; null = none is left. */
  next(): Job | null;
  /** The next one to announce behind the letter that is about to be handed over; null = better none. */
  nextAhead(): Job | null;
  /** It has been announced: while its turn has not come, it still may be sent over another connection. */
  announced(job: Job): void;
  /** Its turn has come. False = it is not to be handed over here: another connection took it, or its sender gave up. */
  take(job: Job): boolean;
  /** The connection broke before its turn. */
  giveBack(job: Job): void;
  answered(answered: boolean): void;
};

/** The connections of one process to one server, and the letters that wait for one. */
class Pool {
  private readonly queue: Job[] = [];
  private head = 0;
  private readonly idle: Connection[] = [];
  /** Conversations under way; each has a connection or is opening one. */
  private lanes = 0;
  private connected = 0;
  /** Letters announced ahead whose turn has not come. */
  private readonly announced = new Set<Job>();
  /** False once a server has lost what was sent behind a final dot. */
  private announcesAhead = true;
  private readonly letters: Letters = {
    next: () => this.next() ?? this.takeOver(),
    nextAhead: () => (this.announcesAhead && this.waiting > this.lanes ? this.next() : null),
    announced: (job) => this.announced.add(job),
    take: (job) => this.announced.delete(job) && !abandoned(job),
    giveBack: (job) => {
      if (this.announced.delete(job)) this.putBack(job);
    },
    answered: (answered) => {
      this.unknowns = answered ? 0 : this.unknowns + 1;
    },
  };
  private limit: number;
  private limitedAt = 0;
  private unknowns = 0;
  private usedAt = 0;
  private sweeper: NodeJS.Timeout | null = null;

  constructor(private readonly settings: SmtpSettings) {
    this.limit = settings.connections;
  }

  add(jobs: Job[]): void {
    for (const job of jobs) this.queue.push(job);
    this.staff();
  }

  /** Has a connection to hand, or makes one. Throws what {@link Connection.open} throws. */
  async prepare(): Promise<void> {
    this.dropUnusable();
    if (this.idle.length > 0 || this.connected > 0) return;
    this.rest(await Connection.open(this.settings));
  }

  close(): void {
    for (const connection of this.idle.splice(0)) connection.quit();
    if (this.sweeper) clearInterval(this.sweeper);
    this.sweeper = null;
  }

  /** Starts lanes for what waits. The first connection is tried alone: a server that is down is asked once, not ten times. */
  private staff(): void {
    if (this.limit < this.settings.connections && Date.now() - this.limitedAt > limitMs)
      this.limit = this.settings.connections;
    this.dropUnusable();
    for (;;) {
      const most = this.connected > 0 || this.idle.length > 0 ? this.limit : 1;
      if (this.lanes >= most || this.head >= this.queue.length) return;
      this.lanes++;
      void this.lane();
    }
  }

  private next(): Job | null {
    while (this.head < this.queue.length) {
      const job = this.queue[this.head++];
      if (!job) continue;
      if (this.head > 1024 && this.head * 2 > this.queue.length) {
        this.queue.splice(0, this.head);
        this.head = 0;
      }
      if (!abandoned(job)) return job;
    }
    this.queue.length = 0;
    this.head = 0;
    return null;
  }

  private get waiting(): number {
    return this.queue.length - this.head;
  }

  /**
   * A letter that was announced on a connection which still waits for the answer to its final dot. A connection that hangs so
   * delays no letter while another is free. It is closed at its answer, since DATA may be granted there; so that this is rare,
   * letters are announced ahead only while more of them wait than there are lanes to take them.
   */
  private takeOver(): Job | null {
    for (const job of this.announced) {
      this.announced.delete(job);
      if (!abandoned(job)) return job;
    }
    return null;
  }

  private putBack(job: Job): void {
    if (this.head > 0) this.queue[--this.head] = job;
    else this.queue.unshift(job);
  }

  private async lane(): Promise<void> {
    try {
      for (let job = this.next(); job; job = await this.serve(job));
    } finally {
      this.lanes--;
      this.staff();
    }
  }

  /** Sends letters over one connection until none is left or it breaks. Answers the letter to go on with, if any. */
  private async serve(first: Job): Promise<Job | null> {
    this.dropUnusable();
    const reused = this.idle.pop();
    let connection: Connection;
    try {
      connection = reused ?? (await Connection.open(this.settings));
    } catch (error) {
      this.notConnected(first, error);
      return null;
    }
    connection.wake();
    this.connected++;
    this.usedAt = Date.now();
    try {
      this.staff();
      const broken = await converse(connection, this.settings, first, this.letters);
      if (!broken) {
        this.rest(connection);
        return null;
      }
      connection.quit();
      return this.afterBreak(broken, reused !== undefined || connection.letters > 0);
    } finally {
      this.connected--;
    }
  }

  /** While other lanes work, theirs is enough: servers limit how many connections one sender may have. */
  private notConnected(job: Job, error: unknown): void {
    if (!(error instanceof Broken || error instanceof SenderRefused)) {
      job.fail(error);
      return;
    }
    if (this.lanes > 1) {
      this.putBack(job);
      this.limit = Math.max(1, this.lanes - 1);
      this.limitedAt = Date.now();
      return;
    }
    this.blame(job, error);
  }

  private afterBreak({ job: broken, error, announcedAhead }: Break, served: boolean): Job | null {
    // Silence, a hang-up, a refusal for good: it may not take commands behind a dot. Once more without, and so from now on.
    const isLost =
      announcedAhead && error.stage === 'mail' && (error instanceof Broken || error.reply.code >= 500);
    if (isLost) this.announcesAhead = false;
    const job = broken ?? this.next();
    if (!job || isLost) return job;
    if (!broken) {
      // The letter before has no answer. A server that is silent, or does it again and again, gets no more of them.
      if (error.waitCode !== 'timeout' && this.unknowns < unknownsMax) return job;
      // Until one is answered, later sends risk one letter each.
      this.unknowns = unknownsMax - 1;
      this.blame(job, error);
      return null;
    }
    // A connection that has served may just have been old, or have had its share of letters: once more on a fresh one.
    const mayBeOld =
      error instanceof Broken
        ? error.waitCode === 'server_error'
        : error.stage === 'mail' && error.reply.code === 421 && !error.reply.enhanced?.startsWith('4.7.');
    if (mayBeOld && served && job.breaks < 1) {
      job.breaks++;
      return job;
    }
    this.blame(job, error);
    return null;
  }

  /** The sender's side is broken: this letter, not handed over, says why; what has not begun is not tried. */
  private blame(job: Job, error: Broken | SenderRefused): void {
    const { waitCode, response } = troubleOf(error);
    const code = error instanceof SenderRefused ? error.reply.code : null;
    job.settle({
      outcome: 'refused',
      scope: 'sender',
      lasting: false,
      code,
      response,
      stage: error.stage,
      waitCode,
    });
    for (const waiting of this.queue.splice(this.head)) waiting.settle({ outcome: 'untried' });
    this.queue.length = 0;
    this.head = 0;
  }

  private rest(connection: Connection): void {
    connection.rest();
    this.idle.push(connection);
    this.usedAt = Date.now();
    this.sweeper ??= setInterval(() => {
      if (Date.now() - this.usedAt > idleMs) this.close();
    }, idleMs / 2).unref();
  }

  private dropUnusable(): void {
    for (let i = this.idle.length - 1; i >= 0; i--) {
      const connection = this.idle[i];
      if (!connection || connection.usable) continue;
      connection.destroy();
      this.idle.splice(i, 1);
    }
  }
}

/** True where nobody waits for the letter any more; it is settled then. */
function abandoned(job: Job): boolean {
  if (!job.signal?.aborted) return false;
  job.settle({ outcome: 'untried' });
  return true;
}

type Commands = [mail: string, rcpt: string, data: string];

const asciiAddress = /^[\x21-\x7e]+$/;

/** MAIL, RCPT and DATA for a letter of `size` octets, each with its CRLF. */
function envelope(connection: Connection, job: Job, size: number): Commands {
  const foreign = !asciiAddress.test(job.recipient);
  let mail = `MAIL FROM:<${job.letter.from.address}>`;
  if (connection.abilities.size !== null) mail += ` SIZE=${size}`;
  if (foreign) mail += ' SMTPUTF8';
  const rcpt = foreign ? Buffer.from(job.recipient, 'utf8').toString('latin1') : job.recipient;
  return [`${mail}\r\n`, `RCPT TO:<${rcpt}>\r\n`, 'DATA\r\n'];
}

const recipientRefused = { outcome: 'refused', scope: 'recipient', lasting: true, code: null } as const;

/** Why this server can not take this letter, known without asking; null = it may. */
function unfit(connection: Connection, job: Job, octets: number): SendResult | null {
  const { size, smtputf8 } = connection.abilities;
  if (size !== null && octets > size)
    return {
      ...recipientRefused,
      response: `the letter has ${octets} octets, the server takes ${size}`,
      stage: 'mail',
    };
  if (!smtputf8 && !asciiAddress.test(job.recipient))
    return {
      ...recipientRefused,
      response: 'the server takes no addresses with such letters (SMTPUTF8)',
      stage: 'rcpt',
    };
  return null;
}

const positive = (reply: Reply) => reply.code >= 200 && reply.code < 300;
const wantsAuth = (reply: Reply) => reply.code === 530 || reply.code === 535 || reply.code === 538;

/** What a refusal of RCPT, DATA or the final dot means for the letter. Throws where it is meant for the sender. */
function refusal(reply: Reply, stage: string): SendResult {
  if (saysSlowDown(reply)) throw new SenderRefused('slow_down', reply, stage);
  if (wantsAuth(reply)) throw new SenderRefused('auth_refused', reply, stage);
  if (reply.code < 400) throw new Broken('garbage', `an answer out of place: ${reply.text}`, stage);
  const lasting = reply.code >= 500;
  return { outcome: 'refused', scope: 'recipient', lasting, code: reply.code, response: reply.text, stage };
}

/** The same for MAIL: it concerns the sender, unless it is this letter's size (552). */
function mailRefusal(reply: Reply): SendResult {
  if (reply.code === 552) return refusal(reply, 'mail');
  if (saysSlowDown(reply)) throw new SenderRefused('slow_down', reply, 'mail');
  if (wantsAuth(reply)) throw new SenderRefused('auth_refused', reply, 'mail');
  if (reply.code < 400) throw new Broken('garbage', `an answer out of place: ${reply.text}`, 'mail');
  throw new SenderRefused(reply.code < 500 ? 'server_error' : 'sender_refused', reply, 'mail');
}

/** A letter on its way to its turn: its octets, and the commands that announce it, which may have been written already. */
type Turn = { job: Job; draft: Octets; commands: Commands; announced: boolean };

/** Composes `job`, or the first behind it that this server may take; those that it may not are settled. */
function compose(connection: Connection, first: Job | null, next: () => Job | null): Turn | null {
  for (let job = first; job; job = next()) {
    const draft = connection.draft();
    try {
      writeMime(job.letter, draft);
    } catch (error) {
      job.fail(error);
      continue;
    }
    const size = draft.length;
    const kept = unfit(connection, job, size);
    if (!kept) return { job, draft, commands: envelope(connection, job, size), announced: false };
    job.settle(kept);
    connection.dropDraft(draft);
  }
  return null;
}

/** Asks for leave to hand a letter over. Null = granted (354); else what became of it. */
async function ask(
  connection: Connection,
  { commands, announced }: Turn,
  resetsFirst: boolean,
  read: (stage: string) => Promise<Reply> = (stage) => connection.reply(stage),
): Promise<SendResult | null> {
  const [mailCommand, rcptCommand, dataCommand] = commands;
  const { pipelining } = connection.abilities;
  if (!announced) {
    const reset = resetsFirst ? 'RSET\r\n' : '';
    connection.write(reset + (pipelining ? mailCommand + rcptCommand + dataCommand : mailCommand));
    if (resetsFirst) await read('rset');
  }
  const mail = await read('mail');
  if (!announced) connection.mailSaid = mail.text;
  let refused = positive(mail) ? null : mailRefusal(mail);
  if (!pipelining) {
    if (refused) return refused;
    connection.write(rcptCommand);
  }
  const rcpt = await read('rcpt');
  if (!refused && !positive(rcpt)) refused = refusal(rcpt, 'rcpt');
  if (!pipelining) {
    if (refused) return refused;
    connection.write(dataCommand);
  }
  if (!refused) {
    const data = await read('data');
    return data.code === 354 ? null : refusal(data, 'data');
  }
  // What became of the letter is known; a connection that breaks from here on is the next one's concern.
  const data = await read('data').catch(() => null);
  if (data?.code === 354) {
    // RFC 2920 3.1: DATA was granted although nobody is to receive it; an empty letter to nobody ends it.
    connection.write('.\r\n');
    await connection.reply('data').catch(() => null);
  }
  return refused;
}

/** What was answered to MAIL, RCPT and DATA that travelled behind a content, and what ended it before all three were. */
type Behind = { replies: Reply[]; error: Broken | null };

/** Reads it all, also behind a refusal: only when each command has its answer is it sure which belongs to which. */
async function readBehind(connection: Connection): Promise<Behind> {
  const replies: Reply[] = [];
  for (const stage of ['mail', 'rcpt', 'data']) {
    try {
      const reply = await connection.reply(stage);
      replies.push(reply);
      // The server says that it closes the connection, or that it waits for a content.
      if (reply.code === 421 || reply.code === 354) break;
    } catch (error) {
      if (error instanceof Broken) return { replies, error };
      throw error;
    }
  }
  return { replies, error: null };
}

/**
 * True where what was taken for the answer to a final dot may be that to the MAIL behind it: a server that leaves the dot without an
 * answer and goes on shifts all that follow by one. Then 354 comes before its place; or one answer is missing in the end: the one
 * that was taken for RCPT's is DATA's refusal, or the dot's reads like those to MAIL and nothing proves that it is none.
 */
function mayBeShifted(dot: Reply, { replies, error }: Behind, mailSaid: string): boolean {
  const [mail, rcpt, data] = replies;
  if (mail?.code === 354 || rcpt?.code === 354 || (data && positive(data))) return true;
  if (error?.waitCode !== 'timeout') return false;
  return (rcpt !== undefined && !positive(rcpt)) || dot.text === mailSaid;
}

/**
 * Sends letters one behind the other until none is left (null) or the connection breaks. Where the server offers PIPELINING,
 * MAIL, RCPT and DATA travel together, and behind the content of the letter before (RFC 2920 3.1). Nothing follows DATA before
 * its answer. Answers come in the order of the commands, so the first one behind a content is that of its final dot; it is
 * believed when those behind it have come in their places.
 * A letter that may have been handed over without an answer is settled here, as `unknown`. One that was only announced is safe;
 * where it is not to be handed over after all, the connection is cut: DATA may be granted for it, and a QUIT be its content.
 */
async function converse(
  connection: Connection,
  settings: SmtpSettings,
  first: Job,
  letters: Letters,
): Promise<Break | null> {
  const dotTimeoutMs = Math.min(dotTimeoutMaxMs, settings.timeoutMs * dotPatience);
  let isOpen = false;
  let turn = compose(connection, first, letters.next);
  let behind: Behind | null = null;
  while (turn) {
    const { job, draft, announced } = turn;
    const heard = behind?.replies.values();
    const broken = behind?.error;
    behind = null;
    let ahead: Turn | null = null;
    let following: Turn | null = null;
    let handedOver = false;
    try {
      const refused = await ask(
        connection,
        turn,
        isOpen,
        heard &&
          (async (stage) => {
            const { value } = heard.next();
            if (value) return value;
            throw new Broken(broken?.waitCode ?? 'server_error', broken?.message ?? 'closed', stage);
          }),
      );
      isOpen = refused !== null;
      if (refused) {
        job.settle(refused);
        connection.dropDraft(draft);
      } else {
        if (connection.hasUnread) throw new Broken('garbage', 'an answer that belongs to no command', 'data');
        // A letter ends in CRLF and no line of it begins with a dot (mime.ts), so this is all of RFC 5321 4.5.2.
        draft.text('.\r\n');
        if (connection.abilities.pipelining)
          ahead = compose(connection, letters.nextAhead(), letters.nextAhead);
        if (ahead) {
          draft.text(ahead.commands.join(''));
          ahead.announced = true;
          letters.announced(ahead.job);
        }
        connection.writeDraft(draft);
        handedOver = true;
        const dot = await connection.reply('dot', dotTimeoutMs);
        const result: SendResult = positive(dot)
          ? { outcome: 'accepted', code: dot.code, response: dot.text, stage: 'dot' }
          : refusal(dot, 'dot');
        if (ahead) {
          following = letters.take(ahead.job) ? ahead : null;
          behind = await readBehind(connection);
          if (mayBeShifted(dot, behind, connection.mailSaid)) throw new Shifted();
        }
        letters.answered(true);
        connection.letters++;
        job.settle(result);
      }
    } catch (error) {
      if (ahead) letters.giveBack(ahead.job);
      // Nothing is said any more where DATA may have been granted.
      if (ahead || (heard && !handedOver)) connection.destroy();
      if (error instanceof SenderRefused || (error instanceof Broken && !handedOver))
        return { job, error, announcedAhead: announced };
      if (error instanceof Broken) {
        letters.answered(false);
        job.settle({ outcome: 'unknown', response: error.message, stage: 'dot' });
        return { job: following?.job ?? null, error, announcedAhead: error instanceof Shifted };
      }
      job.fail(error);
      return { job: null, error: new Broken('server_error', String(error), 'mail'), announcedAhead: false };
    }
    if (ahead && !following) {
      connection.destroy();
      return null;
    }
    turn = following ?? compose(connection, letters.next(), letters.next);
  }
  if (isOpen) {
    connection.write('RSET\r\n');
    await connection.reply('rset').catch(() => connection.destroy());
  }
  return null;
}

/** Answers that may belong to other commands than they seem to. */
class Shifted extends Broken {
  constructor() {
    super('garbage', 'an answer is missing: the others may belong to other commands', 'mail');
  }
}

/** The wire form of a recipient; null when it is none. */
function recipientOf(letter: Letter): string | null {
  const { address } = letter.to;
  return plainAddress.test(address) && address.length <= 254 ? address : parseAddress(address);
}
const plainAddress =
  /^[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i;

/** Letters to one SMTP server over a pool of connections that are kept between sends. */
export function smtpTransport(name: string, settings: SmtpSettings): Transport {
  const pool = new Pool(settings);
  return {
    kind: 'smtp',
    name,
    repeatsSafely: false,
    batchMax: 100,
    async ready() {
      try {
        await pool.prepare();
        return null;
      } catch (error) {
        return troubleOf(error);
      }
    },
    async send(letters, { signal } = {}) {
      const jobs: Job[] = [];
      const results = letters.map((letter): SendResult | Promise<SendResult> => {
        const kept = policyRefusal(letter);
        if (kept) return kept;
        const recipient = recipientOf(letter);
        if (recipient === null)
          return { ...recipientRefused, response: 'this is not an e-mail address', stage: 'policy' };
        return new Promise((settle, fail) => {
          jobs.push({ letter, recipient, signal, breaks: 0, settle, fail });
        });
      });
      pool.add(jobs);
      return Promise.all(results);
    },
    digest(letters) {
      const hash = createHash('sha256');
      for (const letter of letters) hash.update(buildMime(letter), 'latin1').update('\n');
      return hash.digest('hex');
    },
    close: async () => pool.close(),
  };
}
