import {
  compare,
  expectTaken,
  type Ground,
  type Row,
  rate,
  rowOf,
  type Sink,
  startSink,
  timed,
  whole,
} from './ground';
import { engineRate, settingsFor } from './pass';
import { nodemailerPool } from './peer-nodemailer';
import { findSmtpSource } from './peer-postfix';

/* Letters over SMTP: one engine with its ledger, against who only talks to the server. Both sides share one sink. */

const toSmtp = (sink: Sink) =>
  settingsFor({ EMAIL_TRANSPORT: 'smtp', SMTP_URL: `smtp://127.0.0.1:${sink.port}` });

type Against = {
  peer: string;
  /** Sends all letters to the sink. */
  send(sink: Sink): Promise<unknown>;
  must: number;
  aim: number | null;
};

async function benchAgainst(ground: Ground, { peer, send, must, aim }: Against): Promise<Row[]> {
  const sink = await startSink(ground, 'sink.ts');
  const settings = toSmtp(sink);
  const measured = await compare(
    ground,
    () => engineRate(ground, sink, settings),
    async () => {
      await sink.reset();
      const { time, busy } = await timed(ground, sink, () => send(sink));
      await expectTaken(sink, ground.letters, peer);
      return { value: ground.letters / time, busy };
    },
  );
  const row = {
    what: `send ${whole(ground.letters)} letters of 5 KB by SMTP ÷ ${peer}`,
    ...measured,
    ours: rate(measured.ours),
    peer: rate(measured.peer),
  };
  return [rowOf(row, { sign: '≥', must, aim })];
}

export const benchNodemailer = (ground: Ground): Promise<Row[]> =>
  benchAgainst(ground, {
    peer: 'a bare nodemailer pool of 10 connections',
    send: (sink) => nodemailerPool(sink.port, ground.letters),
    must: 6,
    aim: 10,
  });

export async function benchPostfix(ground: Ground): Promise<Row[]> {
  const found = findSmtpSource(ground);
  if ('missing' in found) {
    ground.note(`skipped: ${found.missing}`);
    return [];
  }
  const { letterOctets } = await import('./client');
  const octets = letterOctets();
  ground.note(`every letter has ${whole(octets)} octets on the wire, from either side`);
  return benchAgainst(ground, {
    peer: "Postfix's smtp-source with 10 connections and as many octets",
    send: (sink) => found.send(sink.port, ground.letters, octets),
    must: 0.6,
    aim: 1,
  });
}

export async function benchClientAlone(ground: Ground): Promise<Row[]> {
  const { benchClient } = await import('./client');
  return benchAgainst(ground, {
    peer: 'its own SMTP client without a database',
    send: (sink) => benchClient(sink.port, ground.letters),
    must: 0.4,
    aim: null,
  });
}
