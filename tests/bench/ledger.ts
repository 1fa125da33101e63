import PgBoss from 'pg-boss';
import postgres from 'postgres';
import type { SendResult, Transport } from '@/lib/email/transport';
import { compare, type Ground, type Row, rate, rowOf, timed, whole } from './ground';
import { expectRecorded, passToTheEnd } from './pass';
import { openRun } from './stock';

const taken: SendResult = { outcome: 'accepted', code: 250, response: '250 2.0.0 Ok: queued', stage: 'dot' };

/** A mail server that answers at once and does nothing, under SMTP's rules: attempts are on disk before, 100 at most. */
const nowhere: Transport = {
  kind: 'smtp',
  name: 'nowhere',
  repeatsSafely: false,
  batchMax: 500,
  ready: async () => null,
  send: async (letters) => letters.map(() => taken),
  digest: () => '',
  close: async () => {},
};

/**
 * What the ledger costs, without mail: 50,000 deliveries of an open run claimed, each with its attempt written before and settled
 * after ÷ pg-boss taking 50,000 jobs by 500 and completing them by 500. One process and one PostgreSQL; filling is not counted.
 * pg-boss does it in one loop, as its worker does, and for comparison in two, which occupy both cores.
 */
export async function benchLedger(ground: Ground): Promise<Row[]> {
  const howMany = ground.letters * 5;
  const boss = await openBoss(ground);
  const measureBoss = async (loops: number) => {
    await boss.fill(howMany);
    const { time, busy } = await timed(ground, null, () => boss.workOff(loops));
    await boss.expectCompleted(howMany);
    return { value: howMany / time, busy };
  };
  const rows: Row[] = [];
  for (const loops of [1, 2]) {
    const measured = await compare(
      ground,
      async () => {
        await openRun(howMany, { subject: 'News', body: '<p>Hello {{ client.full_name }}</p>' });
        const { time, busy } = await timed(ground, null, () => passToTheEnd(nowhere));
        await expectRecorded(howMany);
        return { value: howMany / time, busy };
      },
      () => measureBoss(loops),
    );
    const peer =
      loops === 1
        ? 'pg-boss 10 fetch and complete, one after the other'
        : 'pg-boss with two such loops at once';
    const row = {
      what: `claim and record ${whole(howMany)} deliveries, each with its attempt ÷ ${peer}`,
      ...measured,
      ours: rate(measured.ours),
      peer: rate(measured.peer),
    };
    rows.push(
      rowOf(row, loops === 1 ? { sign: '≥', must: 2, aim: 6 } : { sign: '≥', must: null, aim: null }),
    );
  }
  return rows;
}

async function openBoss(ground: Ground) {
  const queue = 'bench';
  // Neither maintenance nor schedules: they would only take time from it.
  const boss = new PgBoss({ connectionString: ground.databaseUrl, supervise: false, schedule: false });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(queue);
  const jobs = postgres(ground.databaseUrl, { max: 1, onnotice: () => {} });
  ground.atEnd(async () => {
    await jobs.end();
    await boss.stop({ graceful: false, wait: true });
  });
  return {
    /** That many small jobs in an emptied, analysed queue. */
    async fill(howMany: number) {
      await jobs`truncate pgboss.job`;
      for (let first = 0; first < howMany; first += 5000) {
        const length = Math.min(5000, howMany - first);
        await boss.insert(
          Array.from({ length }, (_, index) => ({ name: queue, data: { client: first + index } })),
        );
      }
      await jobs`analyze`;
    },
    /** Takes and completes all of them, 500 at a time. */
    async workOff(loops: number) {
      const loop = async () => {
        for (;;) {
          const batch = await boss.fetch(queue, { batchSize: 500 });
          if (batch.length === 0) return;
          await boss.complete(
            queue,
            batch.map((job) => job.id),
          );
        }
      };
      await Promise.all(Array.from({ length: loops }, loop));
    },
    async expectCompleted(howMany: number) {
      const [count] = await jobs<{ completed: string }[]>`
        select count(*) as completed from pgboss.job where state = 'completed'`;
      if (Number(count?.completed) !== howMany)
        throw new Error(`pg-boss completed ${count?.completed} jobs of ${howMany}`);
    },
  };
}
