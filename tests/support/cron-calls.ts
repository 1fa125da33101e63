import { text } from 'node:stream/consumers';
import { closeDatabase } from '@/db/client';
import { GET } from '../../app/api/cron/send-due/route';

/*
 * `tsx tests/support/cron-calls.ts 2 5`: two calls of the cron route at once, of five seconds each, as another machine would make
 * them. Says `ready`, waits for its standard input to end, and prints what each call answered, one JSON list.
 */
const [calls, budget] = process.argv.slice(2).map(Number);
const call = async () => {
  const request = new Request(`http://localhost:3000/api/cron/send-due?budget=${budget}`, {
    headers: { authorization: `Bearer ${process.env.CRON_SECRET}` },
  });
  const response = await GET(request);
  return response.json();
};
console.log('ready');
await text(process.stdin);
console.log(JSON.stringify(await Promise.all(Array.from({ length: calls ?? 1 }, call))));
await closeDatabase();
process.exit(0);
