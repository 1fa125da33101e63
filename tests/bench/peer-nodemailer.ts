import nodemailer from 'nodemailer';
import { personalised } from './stock';

/** A loop around nodemailer's pool: the same letters over 10 connections, no database, nothing written down. */
export async function nodemailerPool(port: number, howMany: number): Promise<void> {
  const pool = nodemailer.createTransport({
    host: '127.0.0.1',
    port,
    secure: false,
    ignoreTLS: true,
    pool: true,
    maxConnections: 10,
    maxMessages: Number.POSITIVE_INFINITY,
  });
  let next = 0;
  const loop = async () => {
    while (next < howMany) {
      next += 1;
      const { name, address, ...letter } = personalised(next);
      await pool.sendMail({
        ...letter,
        from: { name: 'Bench Owner', address: 'bench@bench.test' },
        to: { name, address },
        replyTo: 'owner@bench.test',
      });
    }
  };
  // Twice as many as connections, so that none of them waits for the next letter.
  await Promise.all(Array.from({ length: 20 }, loop));
  pool.close();
}
