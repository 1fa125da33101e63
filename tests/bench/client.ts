import { buildMime } from '@/lib/email/mime';
import { smtpTransport } from '@/lib/email/smtp';
import { compileLetter } from '@/lib/sending/compose';
import { seconds } from './ground';
import { body, subject } from './stock';

/** Letters handed to the transport at once; two such sends run side by side, so that no connection runs dry. */
const chunk = 100;

const compiled = () =>
  compileLetter({
    id: 1,
    ownerId: 1,
    mailingId: 1,
    subject,
    body,
    fromName: 'Bench Owner',
    fromEmail: 'bench@bench.test',
    replyTo: 'owner@bench.test',
    linkBase: 'http://localhost:3000',
    locale: 'en',
    openedAt: new Date(),
  });

const client = (id: number) => ({ id, email: `client${id}@bench.test`, fullName: `Client Number ${id}` });

/** Octets that a letter has on the wire. */
export function letterOctets(): number {
  return buildMime(compiled().compose(client(5000))).length;
}

/**
 * Letters a second of our own client alone: each composed for its client and sent over ten connections to the sink on that
 * port, with no database.
 */
export async function benchClient(port: number, howMany: number): Promise<number> {
  const letters = compiled();
  const transport = smtpTransport('bench', {
    host: '127.0.0.1',
    port,
    implicitTls: false,
    tls: 'required',
    user: null,
    password: null,
    connections: 10,
    timeoutMs: 30_000,
  });
  let next = 0;
  let accepted = 0;
  const lane = async () => {
    while (next < howMany) {
      const from = next;
      next = Math.min(howMany, next + chunk);
      const composed = Array.from({ length: next - from }, (_, index) =>
        letters.compose(client(from + index + 1)),
      );
      for (const result of await transport.send(composed)) if (result.outcome === 'accepted') accepted += 1;
    }
  };
  const time = await seconds(() => Promise.all([lane(), lane()]));
  await transport.close();
  if (accepted !== howMany) throw new Error(`the sink took ${accepted} letters of ${howMany}`);
  return howMany / time;
}
