// smtp: sends one mail with one attachment (RFC 5321, MIME), each over a connection of its own.
//
//   await send_mail({ url: 'smtp://127.0.0.1:2525', from, to, id, subject, text, name, pdf })
//   a refusal throws refused: { code: 451, message }; 4xx may be tried again, 5xx not.
import net from 'node:net';

export class refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const wrapped = (bytes) => bytes.toString('base64').replace(/.{76}/g, '$&\r\n');

function message_of({ from, to, id, subject, text, name, pdf }) {
  const boundary = `=_${id.replace(/\W/g, '_')}`;
  const part = (headers, body) => `--${boundary}\r\n${headers.join('\r\n')}\r\n\r\n${body}\r\n`;
  return [`From: ${from}`, `To: ${to}`, `Subject: ${subject}`, `Date: ${new Date().toUTCString()}`, `Message-ID: <${id}>`,
    'MIME-Version: 1.0', `Content-Type: multipart/mixed; boundary="${boundary}"`, '', ''].join('\r\n') +
    part(['Content-Type: text/plain; charset=us-ascii'], text) +
    part(['Content-Type: application/pdf', 'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment; filename="${name}"`], wrapped(pdf)) + `--${boundary}--\r\n`;
}

// Replies, one after the other: `250-more`, then `250 last`.
async function* replies(socket) {
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    for (let m; (m = /^(?:\d{3}-.*\r\n)*(\d{3}) (.*)\r\n/.exec(text)); text = text.slice(m[0].length))
      yield { code: Number(m[1]), message: m[2] };
  }
}

export async function send_mail(mail) {
  const { hostname, port } = new URL(mail.url);
  const socket = net.connect({ host: hostname, port: Number(port), noDelay: true });
  socket.setTimeout(10_000, () => socket.destroy(new Error('the mail server does not answer')));
  try {
    const answers = replies(socket);
    const expect = async (wanted, line) => {
      if (line !== undefined) socket.write(`${line}\r\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error('the mail server closed the connection');
      if (value.code !== wanted) throw new refused(value.code, `${value.code} ${value.message}`);
    };
    await expect(220);
    await expect(250, 'EHLO shop.example');
    await expect(250, `MAIL FROM:<${mail.from}>`);
    await expect(250, `RCPT TO:<${mail.to}>`);
    await expect(354, 'DATA');
    await expect(250, `${message_of(mail).replace(/^\./gm, '..')}.`);
    await expect(221, 'QUIT');
  } finally {
    socket.destroy();
  }
}
