// SPDX-License-Identifier: Apache-2.0
// A push service and the browsers behind it, on loopback HTTPS: verifies VAPID with jose, decrypts
// with http_ece, and answers as it is told. One JSON object a line on standard output.
//
//     node push_service.mjs CERT KEY
//     POST /send/NAME            a push; the answer is the script's next, or 201
//     POST /control/subscribe    {name, vapid} -> {endpoint, p256dh, auth}
//     POST /control/script       {name, answers: [{status, headers}]} in order, then 201 again
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import {createRequire} from 'node:module';

const require = createRequire(new URL('../../tools/package.json', import.meta.url));
const ece = require('http_ece');
const {importJWK, jwtVerify} = require('jose');

const BODY_MAX = 4096;
const subscriptions = new Map();
const [, , cert, key] = process.argv;
const server = https.createServer({cert: fs.readFileSync(cert), key: fs.readFileSync(key)});

function read(request) {
  return new Promise((resolve) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => resolve(Buffer.concat(parts)));
  });
}

function subscribe({name, vapid}) {
  const ecdh = crypto.createECDH('prime256v1');
  const p256dh = ecdh.generateKeys();
  const auth = crypto.randomBytes(16);
  subscriptions.set(name, {ecdh, auth, vapid, script: []});
  return {
    endpoint: `https://localhost:${server.address().port}/send/${name}`,
    p256dh: p256dh.toString('base64url'),
    auth: auth.toString('base64url'),
  };
}

// RFC 8292 section 2 and 3: the token is for this origin, not older than a day, and signed with the
// key that the subscription was made with.
async function vapidFault(request, subscription) {
  const match = /^vapid t=([^,]+), k=([\w-]+)$/.exec(request.headers.authorization ?? '');
  if (!match) return 'no vapid';
  const [, token, k] = match;
  if (k !== subscription.vapid) return 'another key';
  const point = Buffer.from(k, 'base64url');
  const jwk = {
    kty: 'EC', crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url'),
  };
  try {
    const {payload, protectedHeader} = await jwtVerify(token, await importJWK(jwk, 'ES256'), {
      algorithms: ['ES256'],
      audience: `https://localhost:${server.address().port}`,
      requiredClaims: ['exp', 'sub'],
      typ: 'JWT',
    });
    const left = payload.exp - Date.now() / 1000;
    if (left > 24 * 3600) return 'valid for too long';
    if (!/^(mailto:|https:\/\/)/.test(payload.sub)) return 'no contact';
    return protectedHeader.alg === 'ES256' ? null : 'algorithm';
  } catch (error) {
    return error.code ?? String(error);
  }
}

function headerFault({headers}) {
  if (!/^[1-9][0-9]*$/.test(headers.ttl ?? '')) return 'ttl';
  if (!['very-low', 'low', 'normal', 'high'].includes(headers.urgency)) return 'urgency';
  if (!/^[\w-]{1,32}$/.test(headers.topic ?? '')) return 'topic';
  if (headers['content-encoding'] !== 'aes128gcm') return 'content-encoding';
  return null;
}

async function push(request, body, name) {
  const subscription = subscriptions.get(name);
  if (!subscription) return {status: 404};
  const seen = {name, headers: request.headers, bytes: body.length};
  const scripted = subscription.script.shift();
  if (scripted) {
    console.log(JSON.stringify({...seen, answered: scripted.status}));
    return scripted;
  }
  const vapid = await vapidFault(request, subscription);
  if (vapid) {
    console.log(JSON.stringify({...seen, answered: 403, fault: vapid}));
    return {status: 403};
  }
  if (body.length > BODY_MAX) return {status: 413};
  const header = headerFault(request);
  let text = null;
  let fault = header;
  try {
    text = ece.decrypt(body, {
      version: 'aes128gcm', privateKey: subscription.ecdh,
      authSecret: subscription.auth.toString('base64url'),
    }).toString('utf8');
  } catch (error) {
    fault ??= String(error);
  }
  const status = fault ? 400 : 201;
  console.log(JSON.stringify({
    ...seen, answered: status, fault, text,
    salt: body.subarray(0, 16).toString('hex'), sender: body.subarray(21, 86).toString('hex'),
  }));
  return {status, headers: {location: `/message/${name}`}};
}

server.on('request', async (request, response) => {
  const body = await read(request);
  const path = new URL(request.url, 'https://localhost').pathname;
  let answer = {status: 404};
  if (path.startsWith('/send/')) {
    answer = await push(request, body, path.slice('/send/'.length));
  } else if (path === '/control/subscribe') {
    answer = {status: 200, body: JSON.stringify(subscribe(JSON.parse(body)))};
  } else if (path === '/control/script') {
    const {name, answers} = JSON.parse(body);
    subscriptions.get(name).script.push(...answers);
    answer = {status: 200, body: '{}'};
  }
  response.writeHead(answer.status, answer.headers ?? {});
  response.end(answer.body ?? '');
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({port: server.address().port})));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
