// SPDX-License-Identifier: Apache-2.0
// node e2e/serve.mjs PORT SERVER: serves this folder's pages and passes /c/ on to a linlid, so that
// a browser sees one origin. What a page reports is printed, one line each.
import { createServer } from 'vite';

const [port, target] = process.argv.slice(2);
const reports = {
  name: 'reports',
  configureServer({ middlewares }) {
    middlewares.use('/report', (request, answer) => {
      let text = '';
      request.on('data', (part) => (text += part));
      request.on('end', () => {
        console.log(text);
        answer.end();
      });
    });
  },
};
const server = await createServer({
  configFile: false,
  logLevel: 'error',
  worker: { format: 'es' },
  plugins: [reports],
  server: {
    port: Number(port), host: '127.0.0.1', strictPort: true, hmr: false,
    proxy: { '/c/': { target, ws: true } },
  },
});
await server.listen();
console.log(JSON.stringify({ step: 'listening' }));
