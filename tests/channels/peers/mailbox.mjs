// SPDX-License-Identifier: Apache-2.0
// A submission server on loopback (npm smtp-server): takes mail after STARTTLS and AUTH, refuses by
// the local part of the recipient, and has mailauth verify the DKIM signature of what it took. One
// JSON object a line on standard output.
//
//     node mailbox.mjs CERT KEY DNS_NAME DNS_RECORD
//     r-CODE-TEXT@    the recipient is refused: "r-550-5.1.1" says 550 5.1.1
//     d-CODE-TEXT@    the message is refused after it was read
//     silent@         the connection breaks instead of the last answer
import fs from 'node:fs';
import {createRequire} from 'node:module';

const require = createRequire(new URL('../../tools/package.json', import.meta.url));
const {SMTPServer} = require('smtp-server');
const {dkimVerify} = require('mailauth/lib/dkim/verify');

const [, , cert, key, dnsName, dnsRecord] = process.argv;

function refusal(mailbox, kind) {
  const match = new RegExp(`^${kind}-([0-9]{3})-?(.*)@`).exec(mailbox);
  if (!match) return null;
  return Object.assign(new Error(match[2] || 'no'), {responseCode: Number(match[1])});
}

async function resolver(name, type) {
  if (type === 'TXT' && name === dnsName) return [[dnsRecord]];
  throw Object.assign(new Error('no such name'), {code: 'ENOTFOUND'});
}

async function dkim(raw) {
  const {results} = await dkimVerify(raw, {resolver});
  return results.map(({status, signingHeaders}) => ({
    result: status.result, comment: status.comment ?? '',
    headers: signingHeaders?.keys ?? '',
  }));
}

const server = new SMTPServer({
  cert: fs.readFileSync(cert), key: fs.readFileSync(key), disableReverseLookup: true,
  onAuth({username, password}, session, done) {
    if (username === 'linli' && password === 'sesame') return done(null, {user: username});
    done(Object.assign(new Error('5.7.8 Authentication failed'), {responseCode: 535}));
  },
  onRcptTo({address}, session, done) { done(refusal(address, 'r')); },
  onData(stream, session, done) {
    const parts = [];
    stream.on('data', (part) => parts.push(part));
    stream.on('end', async () => {
      const raw = Buffer.concat(parts);
      const to = session.envelope.rcptTo[0].address;
      const refused = refusal(to, 'd');
      console.log(JSON.stringify({mail: {
        to, from: session.envelope.mailFrom.address, user: session.user, secure: session.secure,
        raw: raw.toString('base64'), dkim: await dkim(raw), kept: refused === null,
      }}));
      if (to.startsWith('silent@')) return connections.forEach((socket) => socket.destroy());
      done(refused, '2.0.0 taken');
    });
  },
});
const connections = new Set();
server.server.on('connection', (socket) => {
  connections.add(socket);
  socket.on('close', () => connections.delete(socket));
});
server.on('error', () => {});  // a client that breaks off is the test's business
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({port: server.server.address().port}));
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
