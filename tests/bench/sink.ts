import net from 'node:net';

/*
 * An SMTP server that takes everything, in a process of its own. Prints its port, then answers `count` on standard input with the
 * number of letters it has taken since the last `reset`. Knows PIPELINING; stores nothing.
 */
let taken = 0;

const server = net.createServer((socket) => {
  socket.setNoDelay(true);
  let rest = Buffer.alloc(0);
  let inData = false;
  socket.write('220 sink ESMTP\r\n');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    let buffer = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let answers = '';
    for (;;) {
      if (inData) {
        const isEmpty = buffer.subarray(0, 3).equals(lone);
        const end = isEmpty ? 0 : buffer.indexOf(final);
        if (end < 0) break;
        buffer = buffer.subarray(isEmpty ? lone.length : end + final.length);
        inData = false;
        taken += 1;
        answers += '250 2.0.0 Ok: queued\r\n';
        continue;
      }
      const end = buffer.indexOf('\r\n');
      if (end < 0) break;
      const verb = buffer.subarray(0, Math.min(end, 8)).toString('latin1').toUpperCase();
      buffer = buffer.subarray(end + 2);
      if (verb.startsWith('EHLO'))
        answers += '250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n';
      else if (verb.startsWith('DATA')) {
        inData = true;
        answers += '354 go\r\n';
      } else if (verb.startsWith('QUIT')) {
        socket.end('221 bye\r\n');
        return;
      } else answers += '250 2.1.0 Ok\r\n';
    }
    rest = Buffer.from(buffer);
    if (answers) socket.write(answers);
  });
});
const final = Buffer.from('\r\n.\r\n');
const lone = Buffer.from('.\r\n');

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
