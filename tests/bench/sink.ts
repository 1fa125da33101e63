import net from 'node:net';

/*
 * An SMTP server that takes everything, in a process of its own. Prints its port, then answers `count` on standard input with the
 * number of letters it has taken since the last `reset`. Knows PIPELINING; stores nothing. It shares the processor with whoever
 * is measured, so it copies no octets and looks at few of them.
 */
let taken = 0;

const lf = 10;
/** Behind the end of a letter come the commands for the next at most. */
const nearOctets = 512;
const final = Buffer.from('\r\n.\r\n');
const answers: Record<string, string> = {
  E: '250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n',
  D: '354 go\r\n',
  Q: '221 bye\r\n',
};
const taking = '250 2.0.0 Ok: queued\r\n';

/** One connection: where it stands between chunks. */
class Session {
  private inData = false;
  /** Of a command, what came of it in chunks before. */
  private command = '';
  /** Of a letter, its last four octets: enough to see a final dot that is cut in two. */
  private tail = Buffer.from('\r\n');

  /** What to answer to a chunk. */
  take(chunk: Buffer): string {
    let said = '';
    let at = 0;
    while (at < chunk.length) {
      if (this.inData) {
        const end = this.endOfLetter(chunk, at);
        if (end < 0) {
          this.tail = Buffer.concat([this.tail, chunk.subarray(Math.max(at, chunk.length - 4))]).subarray(-4);
          break;
        }
        at = end;
        this.inData = false;
        taken += 1;
        said += taking;
        continue;
      }
      const end = chunk.indexOf(lf, at);
      if (end < 0) {
        this.command += chunk.toString('latin1', at);
        break;
      }
      const verb = (this.command.charAt(0) || String.fromCharCode(chunk[at] ?? 0)).toUpperCase();
      this.command = '';
      at = end + 1;
      said += answers[verb] ?? '250 2.1.0 Ok\r\n';
      if (verb === 'D') {
        this.inData = true;
        this.tail = Buffer.from('\r\n');
      }
    }
    return said;
  }

  /** Where the letter that goes on at `from` ends, behind its final dot; -1 = not in this chunk. */
  private endOfLetter(chunk: Buffer, from: number): number {
    const { length } = chunk;
    // Nobody may send a letter before DATA is answered: a chunk holds one end of a letter at most, and that near its own end.
    const near = chunk.indexOf(final, Math.max(from, length - nearOctets));
    if (near >= 0) return near + final.length;
    const seam = Buffer.concat([this.tail, chunk.subarray(from, from + 4)]);
    const cut = seam.indexOf(final);
    if (cut >= 0) return from + cut + final.length - this.tail.length;
    const end = chunk.indexOf(final, from);
    return end < 0 ? -1 : end + final.length;
  }
}

const server = net.createServer({ noDelay: true }, (socket) => {
  const session = new Session();
  socket.write('220 sink ESMTP\r\n');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const said = session.take(chunk);
    if (said !== '') socket.write(said, 'latin1');
    if (said.endsWith(answers.Q ?? '')) socket.end();
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${address && typeof address === 'object' ? address.port : 0}\n`);
});
process.stdin.setEncoding('utf8');
process.stdin.on('data', (command: string) => {
  if (command.includes('reset')) taken = 0;
  process.stdout.write(`${taken}\n`);
});
process.stdin.on('end', () => process.exit(0));
