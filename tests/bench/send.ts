import nodemailer from 'nodemailer';
import { systemClock } from '@/lib/clock';
import { createTransport } from '@/lib/email/transport';
import { parseEnv } from '@/lib/env';
import { sendDueMailings } from '@/lib/sending/engine';
import { median, type Row, seconds, spread, type startSink } from './ground';
import { body, dueMailing, stock, subject } from './stock';

const rounds = 3;

/** One pass sending 10,000 letters, ledger written ÷ a bare nodemailer pool loop of 10 connections without a database. */
export async function benchSend(sink: Awaited<ReturnType<typeof startSink>>, howMany: number): Promise<Row> {
  const settings = parseEnv({
    ...process.env,
    EMAIL_TRANSPORT: 'smtp',
    SMTP_URL: `smtp://127.0.0.1:${sink.port}`,
    EMAIL_FROM: 'bench@bench.test',
  });
  const expect = async (who: string) => {
    const taken = await sink.count();
    if (taken !== howMany) throw new Error(`${who}: the sink took ${taken} letters of ${howMany}`);
  };
  const ours: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const owner = await stock(howMany);
    await dueMailing(owner, new Date(Date.now() - 1000));
    await sink.reset();
    const transport = createTransport(settings);
    const time = await seconds(async () => {
      const deadline = new Date(Date.now() + 600_000);
      const counts = await sendDueMailings({ clock: systemClock, deadline, transport, settings });
      if (counts.sent !== howMany || counts.remaining !== 0)
        throw new Error(`the engine sent ${JSON.stringify(counts)}`);
    });
    await transport.close();
    await expect('engine');
    ours.push(howMany / time);

    await sink.reset();
    const pool = nodemailer.createTransport({
      host: '127.0.0.1',
      port: sink.port,
      secure: false,
      ignoreTLS: true,
      pool: true,
      maxConnections: 10,
      maxMessages: Number.POSITIVE_INFINITY,
    });
    const peerTime = await seconds(async () => {
      let next = 0;
      const loop = async () => {
        while (next < howMany) {
          next += 1;
          const name = `Client Number ${next}`;
          const address = `client${next}@bench.test`;
          const fill = (text: string) =>
            text
              .replaceAll('{{ client.full_name | default: "friend" }}', name)
              .replaceAll('{{ client.email }}', address);
          const html = fill(body);
          await pool.sendMail({
            from: { name: 'Bench Owner', address: 'bench@bench.test' },
            to: { name, address },
            replyTo: 'owner@bench.test',
            subject: fill(subject),
            html,
            text: html.replace(/<[^>]+>/g, ' '),
            headers: {
              'List-Unsubscribe': `<http://localhost:3000/u/${next}>`,
              'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
            },
          });
        }
      };
      await Promise.all(Array.from({ length: 20 }, loop));
    });
    pool.close();
    await expect('nodemailer');
    peer.push(howMany / peerTime);
  }
  const ratios = ours.map((rate, round) => rate / (peer[round] ?? Number.NaN));
  const ratio = median(ratios);
  return {
    what: `send ${howMany.toLocaleString('en')} letters of 5 KB ÷ bare nodemailer pool of 10 (speed)`,
    ours: `${median(ours).toFixed(0)} letters/s`,
    peer: `${median(peer).toFixed(0)} letters/s`,
    ratio,
    spread: spread(ratios),
    bar: '≥ 1',
    isMet: ratio >= 1,
  };
}
