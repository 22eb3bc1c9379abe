// SPDX-License-Identifier: Apache-2.0
// A message centre on npm `smpp`, scripted by JSON lines: smsc.mjs [KEY.pem CERT.pem]
// With SMSC_PORT it listens there.
//
// In:  {"plan": [{"ok": ID} | {"status": N} | {"silent": true}, ...]} for the next submit_sm each;
//      without a plan every one is taken under "m1", "m2", ...
//      {"late": {"sequence": N, "ok": ID}}, {"deliver": FIELDS}, {"raw": HEX},
//      {"unbind": true}, {"cut": true}
// Out: {"port": N}, {"planned": N}, {"bind": {...}}, {"submit": {...}}, {"enquire": true},
//      {"unbind": true}, {"closed": true}, {"answer": {...}} to what it sent
import fs from 'node:fs';
import {createRequire} from 'node:module';
import readline from 'node:readline';

const require = createRequire(new URL('../../tools/package.json', import.meta.url));
const smpp = require('smpp');

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const [key, cert] = process.argv.slice(2).map((file) => fs.readFileSync(file));
const plan = [];
let taken = 0;
let session;

// The library decodes in place, so the bytes are kept as they leave the socket.
function recordReads(socket) {
  const read = socket.read.bind(socket);
  socket.read = (size) => {
    const bytes = read(size);
    if (bytes && size !== 4) socket.lastBody = bytes.toString('hex');
    return bytes;
  };
}

function onSubmit(pdu) {
  say({submit: {
    sequence: pdu.sequence_number,
    hex: session.socket.lastBody.slice(24),
    source: pdu.source_addr,
    destination: pdu.destination_addr,
    esm_class: pdu.esm_class,
    data_coding: pdu.data_coding,
    receipt: pdu.registered_delivery,
    text: pdu.short_message.message.toString(),
    udh: (pdu.short_message.udh ?? []).map((header) => header.toString('hex')).join(''),
  }});
  const step = plan.shift() ?? {ok: `m${++taken}`};
  if (step.silent) return;
  if (step.status) session.send(pdu.response({command_status: step.status}));
  else session.send(pdu.response({message_id: step.ok}));
}

function onSession(next) {
  recordReads(next.socket);
  for (const command of ['bind_transceiver', 'bind_transmitter', 'bind_receiver'])
    next.on(command, (pdu) => {
      // The one that hears is where this side speaks.
      session = next;
      say({bind: {command, system_id: pdu.system_id, password: pdu.password}});
      next.send(pdu.response({command_status: pdu.password === 'secret' ? 0 : 0x0e}));
    });
  next.on('submit_sm', onSubmit);
  next.on('enquire_link', (pdu) => {
    say({enquire: true});
    next.send(pdu.response());
  });
  next.on('unbind', (pdu) => {
    say({unbind: true});
    next.send(pdu.response());
    next.close();
  });
  next.on('pdu', (pdu) => {
    if (pdu.isResponse()) say({answer: {command: pdu.command, status: pdu.command_status}});
  });
  next.on('close', () => say({closed: true}));
  next.on('error', () => {});
}

function obey(order) {
  if (order.plan) {
    plan.push(...order.plan);
    say({planned: plan.length});
  }
  if (order.late)
    session.send(new smpp.PDU('submit_sm_resp',
        {sequence_number: order.late.sequence, message_id: order.late.ok}));
  if (order.deliver) session.deliver_sm(order.deliver);
  if (order.raw) session.socket.write(Buffer.from(order.raw, 'hex'));
  if (order.unbind) session.unbind();
  if (order.cut) session.destroy();
}

const server = smpp.createServer(key ? {key, cert} : {}, onSession);
const port = Number(process.env.SMSC_PORT ?? 0);
server.listen(port, '127.0.0.1', () => say({port: server.address().port}));
readline.createInterface({input: process.stdin})
    .on('line', (line) => obey(JSON.parse(line)))
    .on('close', () => process.exit(0));
