import http from 'node:http';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';

/*
 * The least that can hand out attempts: every request is a COPY of a mailing's, in the order in which an export has them, put through as
 * it comes. Prints its port; ends with its standard input.
 */
const [url = '', mailingId = ''] = process.argv.slice(2);
const sql = postgres(url, { max: 2 });

const server = http.createServer(async (_, response) => {
  response.setHeader('content-type', 'text/csv; charset=utf-8');
  const rows = await sql
    .unsafe(
      `copy (
        select a.attempted_at, d.email, a.status, a.response as server_response, a.run_id, a.delivery_id
        from attempts a join deliveries d on d.id = a.delivery_id
        where a.mailing_id = ${Number(mailingId)} order by a.attempted_at, a.id
      ) to stdout with (format csv, header)`,
    )
    .readable();
  await pipeline(rows, response);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${address && typeof address === 'object' ? address.port : 0}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
