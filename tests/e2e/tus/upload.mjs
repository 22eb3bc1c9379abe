// SPDX-License-Identifier: Apache-2.0
// Uploads a file with tus-js-client, gives up in the middle, and goes on with a new instance as a
// browser does after a reload.
//
//   node upload.mjs ENDPOINT TOKEN FILE      prints {url, sha, type, requests} as JSON
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const tools = createRequire(new URL('../../tools/package.json', import.meta.url));
const tus = tools('tus-js-client');

const [endpoint, token, path] = process.argv.slice(2);
const file = readFileSync(path);
const chunkSize = 16 * 1024;
const requests = [];
let last;

const options = {
  endpoint,
  chunkSize,
  retryDelays: [0, 50, 100, 200, 400],
  headers: { Authorization: `Bearer ${token}` },
  metadata: { sha256: createHash('sha256').update(file).digest('hex'), filename: 'a.jpg' },
  onAfterResponse(request, response) {
    requests.push(`${request.getMethod()} ${response.getStatus()}`);
    last = response;
  },
};

function firstHalf() {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(file, {
      ...options,
      onError: reject,
      onChunkComplete(_size, accepted) {
        if (accepted >= file.length / 2) upload.abort().then(() => resolve(upload.url), reject);
      },
    });
    upload.start();
  });
}

function rest(uploadUrl) {
  return new Promise((resolve, reject) => {
    new tus.Upload(file, { ...options, uploadUrl, onError: reject, onSuccess: resolve }).start();
  });
}

const url = await firstHalf();
const begun = requests.filter((one) => one === 'PATCH 204').length;
await rest(url);
const all = requests.filter((one) => one === 'PATCH 204').length;
if (all > Math.ceil(file.length / chunkSize) + 1) throw new Error(`sent again: ${requests}`);
console.log(
  JSON.stringify({
    url,
    sha: last.getHeader('Linli-Blob'),
    type: last.getHeader('Linli-Blob-Type'),
    begun,
    requests,
  }),
);
