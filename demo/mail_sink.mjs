// mail_sink: the demo's mail server: takes mails over SMTP and keeps each in a file, synced before its 250, as an MTA does.
// Like real ones it does not take everything at once: mailboxes customerN@ with
//   N ending in 7: are greylisted (RFC 6647): 451 until a second after the first try;
//   N divisible by 41: do not exist: 550.
//
//   MAIL_FOLDER=/tmp/mails node mail_sink.mjs       prints {"event":"ready","port":N}
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';

const folder = process.env.MAIL_FOLDER;
const first_tries = new Map(); // sender and recipient -> when
const most_tries = 100_000;
const most_bytes = 1 << 20;
const greylisted_ms = 1000;
let kept = 0;

function verdict(from, to) {
  const number = Number(/^customer(\d+)@/.exec(to)?.[1]);
  if (!number || number % 41 === 0) return '550 5.1.1 no such mailbox';
  if (number % 10 !== 7) return '250 2.1.5 ok';
  const pair = `${from} ${to}`;
  if (!first_tries.has(pair) && first_tries.size < most_tries) first_tries.set(pair, performance.now());
  return performance.now() - (first_tries.get(pair) ?? 0) < greylisted_ms
    ? '451 4.7.1 greylisted, try again later' : '250 2.1.5 ok';
}

async function keep(message) {
  const file = await fs.open(path.join(folder, `${++kept}.eml`), 'wx');
  try {
    await file.writeFile(message.replace(/^\.\./gm, '.'), 'latin1');
    await file.sync();
  } finally {
    await file.close();
  }
  return '250 2.0.0 kept';
}

function command(line, mail) {
  const verb = line.slice(0, 4).toUpperCase();
  const address = /<([^<>\s]+)>/.exec(line)?.[1];
  if (verb === 'EHLO' || verb === 'HELO') return '250 sink.example';
  if (verb === 'MAIL' && address) return Object.assign(mail, { from: address, to: null }) && '250 2.1.0 ok';
  if (verb === 'RCPT' && address && mail.from) {
    const said = verdict(mail.from, address);
    if (said.startsWith('250')) mail.to = address;
    return said;
  }
  if (verb === 'DATA' && mail.to) return '354 end with a line of one dot';
  if (verb === 'QUIT') return '221 2.0.0 bye';
  return '503 5.5.1 not now';
}

async function talk(socket) {
  socket.setEncoding('latin1');
  socket.setNoDelay(true);
  socket.write('220 sink.example\r\n');
  const mail = {};
  let text = '', in_data = false;
  for await (const chunk of socket) {
    text += chunk;
    if (text.length > most_bytes) return socket.destroy();
    for (;;) {
      const end = text.indexOf(in_data ? '\r\n.\r\n' : '\r\n');
      if (end < 0) break;
      const said = in_data ? await keep(text.slice(0, end + 2)) : command(text.slice(0, end), mail);
      text = text.slice(end + (in_data ? 5 : 2));
      in_data = said.startsWith('354');
      socket.write(`${said}\r\n`);
      if (said.startsWith('221')) return socket.end();
    }
  }
}

const server = net.createServer((socket) => {
  socket.on('error', () => {}); // a client that vanishes
  talk(socket).catch((error) => {
    if (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
    console.error(error);
    socket.destroy();
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ event: 'ready', port: server.address().port })));
process.on('SIGTERM', () => process.exit(0));
